"""Scores of all images of a source as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.engine.results import ModelState
from core.review.archives.scoring import Reviewer
from core.review.batch.decoding import studies
from core.review.batch.parts import Parts, Plan, check, digest
from core.review.batch.rows import Row, answered
from core.review.batch.sources import Source, opened
from core.systems import system

CHUNK = 16
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Scored:
    """What a run wrote: rows of the file, images, and how many of them nothing could read."""

    rows: int
    images: int
    failed: int


def score(
    address: str,
    out: Path,
    engine: Reviewer,
    known: str | None = None,
    *,
    join: bool = False,
    processes: int = 1,
    chunk: int = CHUNK,
    told: Told | None = None,
) -> Scored:
    """Score the images of a folder, zip, sheet or address; a run that was broken off goes on where it was.

    Args:
        address: as :func:`core.review.batch.sources.opened` takes it.
        out: file for the rows, ``.csv`` or ``.parquet``; it appears when it is whole.
        engine: the models.
        known: the system that reads them; by default matched image by image.
        join: slices of one patient and series form one image.
        processes: how many processes decode. chunk: images a part.
        told: called with the number of images done, and of all.

    Raises:
        ArchiveError: there is nothing to score, or parts of another run lie beside ``out``.
        SystemMismatchError: there is no such system.
    """
    check(out)
    if known is not None:
        system(known)
    with opened(address, join=join) as source:
        plan = plan_of(source, engine, known, chunk)
        parts = Parts(out, plan)
        missing = parts.missing()
        done = plan.images - sum(len(plan.numbers(part)) for part in missing)
        images = [number for part in missing for number in plan.numbers(part)]
        rows_of = _rows(source, engine, known, images, processes)
        for part in missing:
            rows: list[Row] = []
            for _ in plan.numbers(part):
                rows += next(rows_of)
                done += 1
                if told is not None:
                    told(done, plan.images)
            parts.write(part, rows)
        return joined(parts)


def plan_of(source: Source, engine: Reviewer, known: str | None, chunk: int) -> Plan:
    """What is to be done, by which models."""
    models = sorted(_state(state) for state in engine.states(known))
    return Plan(source.digest, len(source.found.cases), chunk, known, digest(iter(models)))


def _state(state: ModelState) -> str:
    card = state.card
    says = card.sealed().digest if card else state.status.value  # the digest is over all that decides an answer
    return f"{state.system} {state.name} {says}"


def joined(parts: Parts) -> Scored:
    """Put the parts together and count."""
    rows, failed = parts.join()
    return Scored(rows, parts.plan.images, failed)


def _rows(
    source: Source, engine: Reviewer, known: str | None, images: list[int], processes: int
) -> Iterator[list[Row]]:
    cases = [source.found.cases[number] for number in images]
    read = studies(source.found.root, cases, processes)
    for number, one, study in zip(images, cases, read, strict=True):
        yield answered(number, one.path, study, engine, known)
