"""The store: cases, opinions, measurements, peer review and audit trail behind one object."""

from __future__ import annotations

import threading
from pathlib import Path

from core.review.blinding import Blinding
from core.review.cases import Cases
from core.review.database import place
from core.review.desk import Desk
from core.review.kept.images import told_disk_errors
from core.review.kept.measurements import Measurements
from core.review.opinions import Opinions
from core.review.peer import Peer
from core.review.runs import Runs, fingerprint
from core.review.tokens import Tokens

__all__ = ["Store", "fingerprint", "open_store"]

_opened: dict[tuple[str, Path], Store] = {}
_opening = threading.Lock()


class Store(Cases, Runs, Blinding, Opinions, Measurements, Peer, Desk, Tokens):
    """All that is kept. Safe to share between threads; any number of processes may open the same store.

    Every method is one transaction, checks the acting user's roles itself, and returns rows cut off from the
    database.
    """

    @classmethod
    def open(cls, url: str | None = None, images_folder: Path | None = None) -> Store:
        """Open a store, making or migrating it first.

        Args:
            url: a folder, ``sqlite:///FILE`` or ``postgresql+pg8000://USER:PASSWORD@HOST/DATABASE``. ``None`` means
                what OVERREAD_STORE says (any of the three), else ``~/.local/share/overread``.
            images_folder: where images lie; ``images`` beside the database file by default.

        Raises:
            StoreError: the place cannot hold a store, or a newer program wrote it.
            StoreAwayError: the disk refuses, or the database cannot be opened.
        """
        address, images = place(url, images_folder)
        with told_disk_errors():
            images.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = cls.connect(address, images)
        return cls(engine, images)


def open_store() -> Store:
    """The default store, opened once per process."""
    with _opening:
        address = place()
        if address not in _opened:
            _opened[address] = Store.open(*address)
        return _opened[address]
