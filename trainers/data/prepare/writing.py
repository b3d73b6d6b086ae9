"""Writes a set as its data card lays it out; the folder appears when it is complete."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from core.csv_cells import rows_csv
from core.errors import DataLayoutError

QUALITY = 95  # all pictures by one encoder at one quality: then a file's size says little about where it comes from

Row = dict[str, str]


@dataclass
class Prepared:
    """A set while it is written.

    Attributes:
        folder: where its files go. rows: of its index. left_out: what was not taken, and why.
        tell: called with a line about what is being done.
    """

    folder: Path
    tell: Callable[[str], None]
    rows: list[Row] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def picture(self, name: str, plane: np.ndarray) -> str:
        """Write a uint8 picture ``(height, width)``: JPEG, or PNG without loss where the name ends so."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(plane).save(path, quality=QUALITY)  # PNG knows no quality and passes it over
        return name


Publisher = Callable[[Path, Prepared], None]
PUBLISHERS: dict[str, Publisher] = {}


def publisher(name: str) -> Callable[[Publisher], Publisher]:
    """Register how a publisher's folder becomes the set of that name."""

    def register(function: Publisher) -> Publisher:
        PUBLISHERS[name] = function
        return function

    return register


def prepare(name: str, source: Path, out: Path, tell: Callable[[str], None] = lambda _: None) -> Prepared:
    """Lay a publisher's download out as the trainers read it.

    Args:
        name: the set, such as ``brain-lgg``. source: the unpacked download.
        out: folder to make; ``OVERREAD_DATA`` is its parent.

    Raises:
        DataLayoutError: no such set, nothing of it in the source, or the folder is there already.
    """
    if name not in PUBLISHERS:
        raise DataLayoutError(f"Nothing is known of a set {name!r}.", f"Known: {', '.join(sorted(PUBLISHERS))}.")
    if not source.is_dir():
        raise DataLayoutError(f"There is no folder {source}.", "Unpack the publisher's download and name its folder.")
    if out.exists():
        raise DataLayoutError(f"{out} is there already.", "Name another folder, or remove it first.")
    out.parent.mkdir(parents=True, exist_ok=True)
    waiting = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        made = Prepared(waiting, tell)
        PUBLISHERS[name](source, made)
        if not made.rows:
            why = "; ".join(f"{which}: {reason}" for which, reason in made.left_out[:3])
            raise DataLayoutError(
                f"{source} holds nothing of {name}{f' ({why})' if why else ''}.",
                f"data/cards/{name}.md says where the set comes from.",
            )
        index = rows_csv(list(made.rows[0]), made.rows)
        (waiting / "index.csv").write_text(index, encoding="utf-8")
        waiting.chmod(0o755)
        waiting.rename(out)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
    return made


def below(source: Path, *endings: str) -> Iterator[Path]:
    """Files with one of the endings below a folder, in a fixed order, without what unpacking leaves beside them."""
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        if path.suffix.lower() in endings and not any(p.startswith((".", "__MACOSX")) for p in parts):
            yield path


def parts_of(path: Path, source: Path) -> Sequence[str]:
    """The folders of a file below the source, in lower case."""
    return [part.lower() for part in path.relative_to(source).parts[:-1]]
