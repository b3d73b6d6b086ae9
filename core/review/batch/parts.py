"""Results while they are made: parts beside the file that is wanted, and a manifest that says when they are whole.

A part holds the rows of one run of images and appears at once or not at all. Writing it again, after a crash or by a
second worker that was given the same images, replaces it by the same rows. Names begin with an underscore: readers of
Parquet folders (pyarrow, pandas, Spark, Ray) leave such files out, so a folder that is half done cannot be taken for a
table. The wanted file is put together from the parts, in the order of the source, and only when none is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.csv_cells import frame_csv
from core.errors import ArchiveError
from core.review.batch.rows import COLUMNS, SCHEMA, Row, table

FORMATS = {".csv", ".parquet"}
PLAN = "_plan.json"


@dataclass(frozen=True)
class Plan:
    """What is being scored, by which models: results of another plan are never mixed in.

    Attributes:
        source: SHA-256 over the names of all images and the state of their files.
        images: how many images there are. chunk: images a part.
        system: the system asked for; ``None`` where each image is matched.
        models: SHA-256 over all installed weights and cards.
    """

    source: str
    images: int
    chunk: int
    system: str | None
    models: str

    @property
    def parts(self) -> int:
        """How many parts there will be."""
        return -(-self.images // self.chunk)

    def numbers(self, part: int) -> range:
        """The images of a part, by their number from 0."""
        return range(part * self.chunk, min((part + 1) * self.chunk, self.images))


def check(out: Path) -> None:
    """Refuse a place that cannot be written to, before hours are spent. Raises ``ArchiveError``."""
    if out.suffix.lower() not in FORMATS:
        raise ArchiveError(f"{out.name} is neither a CSV nor a Parquet file.", "Name it .csv or .parquet.")
    if not out.absolute().parent.is_dir():
        raise ArchiveError(f"There is no folder {out.absolute().parent}.", "Make it first.")


class Parts:
    """The parts of one table.

    Args:
        out: file that is wanted; the parts lie in ``OUT.parts`` beside it.
        plan: what they are parts of.

    Raises:
        ArchiveError: parts of something else lie there.
    """

    def __init__(self, out: Path, plan: Plan) -> None:
        check(out)
        self.out, self.plan = out, plan
        self.folder = out.with_name(f"{out.name}.parts")
        self.folder.mkdir(exist_ok=True)
        noted = self.folder / PLAN
        if noted.exists() and json.loads(noted.read_text(encoding="utf-8")) != asdict(plan):
            raise ArchiveError(
                f"{self.folder} holds parts of another run: other images, another system or other models.",
                "Name another file, or remove that folder to begin anew.",
            )
        _put(noted, json.dumps(asdict(plan)).encode())

    def done(self, part: int) -> bool:
        """Whether a part is there."""
        return self._path(part).exists()

    def missing(self) -> list[int]:
        """Numbers of the parts that are not there."""
        return [part for part in range(self.plan.parts) if not self.done(part)]

    def write(self, part: int, rows: list[Row]) -> None:
        """Keep a part: every one of its images has at least one row, and no other image has any.

        Raises:
            ValueError: rows of other images, or an image without a row.
        """
        numbers = self.plan.numbers(part)
        if {row["image"] for row in rows} != set(numbers):
            raise ValueError(f"Part {part} wants rows of the images {numbers.start} to {numbers.stop - 1}.")
        sink = pa.BufferOutputStream()
        pq.write_table(table(rows), sink)
        _put(self._path(part), sink.getvalue().to_pybytes())

    def join(self) -> tuple[int, int]:
        """Put the parts together as the wanted file, one part in memory at a time, and remove them.

        Returns:
            How many rows the file has, and how many images have a row with an error.

        Raises:
            ArchiveError: parts are missing, or one is not what the plan says.
        """
        if missing := self.missing():
            raise ArchiveError(
                f"{len(missing)} of {self.plan.parts} parts are missing.", "Run the same command again: it goes on."
            )
        waiting = self.out.with_name(f".{self.out.name}.part")
        write = self._join_csv if self.out.suffix.lower() == ".csv" else self._join_parquet
        counts = write(waiting)
        _settle(waiting, self.out)
        shutil.rmtree(self.folder)
        return sum(rows for rows, _ in counts), sum(failed for _, failed in counts)

    def _join_parquet(self, waiting: Path) -> list[tuple[int, int]]:
        told = {"overread": json.dumps(asdict(self.plan))}
        counts: list[tuple[int, int]] = []
        with pq.ParquetWriter(waiting, SCHEMA.with_metadata(told)) as writer:
            for part in self._tables():
                writer.write_table(part.replace_schema_metadata(told))
                counts.append(_counts(part))
        return counts

    def _join_csv(self, waiting: Path) -> list[tuple[int, int]]:
        counts: list[tuple[int, int]] = []
        with waiting.open("w", encoding="utf-8", newline="") as out:
            for part in self._tables():
                head, _, body = frame_csv(part.to_pandas()).partition("\n")
                out.write(body if counts else f"{head}\n{body}")
                counts.append(_counts(part))
        return counts

    def _tables(self) -> Iterator[pa.Table]:
        for part in range(self.plan.parts):
            found = pq.ParquetFile(self._path(part)).read()
            numbers = self.plan.numbers(part)
            seen = found.column("image").to_pylist()
            if tuple(found.column_names) != COLUMNS or sorted(set(seen)) != list(numbers) or seen != sorted(seen):
                raise ArchiveError(
                    f"Part {part} does not hold the rows of its images.", f"Remove {self._path(part)} and run it again."
                )
            yield found

    def _path(self, part: int) -> Path:
        return self.folder / f"_{part:08d}.part"


def _counts(part: pa.Table) -> tuple[int, int]:
    wrong = part.filter(pc.is_valid(part.column("error")))
    return part.num_rows, len(set(wrong.column("image").to_pylist()))


def digest(texts: Iterator[str]) -> str:
    """SHA-256 over texts, each with its length: two lists never look the same by where they are cut."""
    whole = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogateescape")
        whole.update(f"{len(data)}:".encode() + data)
    return whole.hexdigest()


def _put(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all, whoever else writes it at the same time."""
    waiting = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    waiting.write_bytes(data)
    _settle(waiting, path)


def _settle(waiting: Path, path: Path) -> None:
    with waiting.open("rb") as handle:
        os.fsync(handle.fileno())
    waiting.replace(path)
