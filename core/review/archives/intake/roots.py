"""Which folders of this machine may be imported: those the operator named, whoever asks by a page.

``OVERREAD_IMPORT_ROOTS`` names them, with the system's path separator between. Where it is not set, the single local
user may import from the home folder of whoever runs the server, and people who signed in from nowhere: else the right
to import would be the right to read every file that the server can.
"""

from __future__ import annotations

from pathlib import Path

from core.errors import ArchiveError
from core.review.archives.intake.staging import real_path, staging_folder
from core.review.people import LOCAL_ISSUER
from core.review.store import Store
from core.review.tables import User
from core.settings import settings

SETTING = "OVERREAD_IMPORT_ROOTS"


def import_roots(user: User) -> tuple[Path, ...]:
    """Folders that a user may import from, links followed."""
    found = settings().import_roots or ((Path.home(),) if user.issuer == LOCAL_ISSUER else ())
    return tuple(path.resolve() for path in found)


def _uploads(store: Store) -> Path:
    return staging_folder(store.images_folder).resolve()


def permitted(store: Store, actor: int, source: Path) -> Path:
    """A source that the user may import, with all links followed.

    What was uploaded and waits beside the store may always be imported.

    Raises:
        ArchiveError: it lies elsewhere. Whether it is there at all is not told.
    """
    path = real_path(source)
    roots = import_roots(store.user(actor))
    # Of the folder of uploads only what is in it, by a name that nobody guesses: the whole would be everybody's.
    if any(path == root or root in path.parents for root in roots) or _uploads(store) in path.parents:
        return path
    where = "Folders of this server may be imported from " + (
        f"{', '.join(str(root) for root in roots)} only." if roots else "nowhere: none is named."
    )
    raise ArchiveError(
        where, f"Upload the files, or let whoever runs the server name the folder in {SETTING} and start it again."
    )
