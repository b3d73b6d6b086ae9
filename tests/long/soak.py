"""``python -m tests.long.soak --kills 50``: kills of each kind at random moments, and what was lost: nothing.

A process that imports, scores, reads, teaches or receives tells of every step acknowledged to it, and is killed
in the middle of another. At the end all that was acknowledged must be there, whole, and the store must prove itself.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import pydicom
import typer
from sqlmodel import select

from core.review import Stage, Store
from core.review.tables import QuizAnswer
from core.review.trail import verify
from tests.long import doomed, figures
from tests.review.faults import heard

Acknowledged = list[Any]
LONGEST = 0.4  # seconds from a first acknowledgement to the kill


def _imported(store: Store, _: Path, told: Acknowledged) -> int:
    return sum(store.case_bytes(case)[0][1] == store.image(sha256) and len(store.image(sha256)) == 2000
               for case, sha256 in told)  # fmt: skip


def _scored(store: Store, _: Path, told: Acknowledged) -> int:
    kept = {number: {one.case_id for one in store.machine_scores(number)} for number in {number for number, _ in told}}
    return sum(case in kept[number] for number, case in told)


def _read(store: Store, _: Path, told: Acknowledged) -> int:
    return sum(store.opinion(case, reader, Stage(stage)) is not None for case, reader, stage in told)


def _taught(store: Store, _: Path, told: Acknowledged) -> int:
    with store.reading() as session:
        kept = set(session.exec(select(QuizAnswer.id)))
    return sum(number in kept for (number,) in told)


def _received(_: Store, place: Path, told: Acknowledged) -> int:
    kept = set()
    for file in place.glob("dicom/inbox/*/*.dcm"):
        header = pydicom.dcmread(io.BytesIO(file.read_bytes()))
        if header.pixel_array.shape == (64, 64):
            kept.add((file.parent.name, str(header.SOPInstanceUID)))
    return sum(one in kept for one in told)


KINDS: dict[str, tuple[Callable[..., None], Callable[[Store, Path, Acknowledged], int]]] = {
    "importing": (doomed.importing, _imported),
    "scoring": (doomed.scoring, _scored),
    "reading": (doomed.reading, _read),
    "teaching": (doomed.teaching, _taught),
    "receiving": (doomed.receiving, _received),
}


def killed(kind: str, place: Path, kills: int, chance: random.Random) -> Acknowledged:
    """All that was acknowledged to processes of a kind before they were killed."""
    servers = multiprocessing.get_context("forkserver")
    servers.set_forkserver_preload(["tests.long.doomed"])
    told: Acknowledged = []
    for _ in range(kills):
        mine, theirs = servers.Pipe()
        process = servers.Process(target=KINDS[kind][0], args=(str(place), theirs))
        process.start()
        theirs.close()
        told.append(mine.recv())
        time.sleep(chance.uniform(0.0, LONGEST))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(timeout=60)
        assert process.exitcode == -signal.SIGKILL, f"{kind} ended by itself"
        told += heard(mine)
        mine.close()
    return told


def soaked(place: Path, kills: int, seed: int) -> dict[str, dict[str, int]]:
    """By kind: kills, steps that were acknowledged, and those of them that are there."""
    chance = random.Random(seed)
    Store.open(str(place)).close()
    told = {kind: killed(kind, place, kills, chance) for kind in KINDS}
    store = Store.open(str(place))
    found = {
        kind: {"kills": kills, "acknowledged": len(told[kind]), "kept": there(store, place, told[kind])}
        for kind, (_, there) in KINDS.items()
    }
    proof = verify(store)
    store.close()
    if not proof.ok:
        raise RuntimeError(f"the store does not prove itself: {proof.reason}")
    return found


def main(
    kills: Annotated[int, typer.Option(min=1, help="Of each kind.")] = 50,
    seed: int = 1,
    keep: Annotated[Path | None, typer.Option("--figures", help="Add the figures to this file.")] = None,
) -> None:
    """Kill, look, tell; exit code 1 where anything that was acknowledged is not there."""
    with TemporaryDirectory() as folder:
        found = soaked(Path(folder) / "store", kills, seed)
    print(f"{'killed while':14}{'kills':>8}{'acknowledged':>14}{'kept':>10}{'lost':>8}")
    for kind, one in found.items():
        lost = one["acknowledged"] - one["kept"]
        print(f"{kind:14}{one['kills']:8,}{one['acknowledged']:14,}{one['kept']:10,}{lost:8,}")
    if keep is not None:
        figures.keep(keep, "kills", f"python -m tests.long.soak --kills {kills} --seed {seed}", found)
    sys.exit(int(any(one["kept"] != one["acknowledged"] for one in found.values())))


if __name__ == "__main__":
    typer.run(main)
