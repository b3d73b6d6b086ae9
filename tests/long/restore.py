"""``python -m tests.long.restore --cases 1000``: back up, lose the store, restore, prove it whole, and time each."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, TypeVar

import typer

from core.places import sha256_of
from core.review import Stage, Store
from core.review.backup import backup, restore
from core.review.trail import verify
from tests.dashboard import readings
from tests.long import figures

Found = TypeVar("Found")


def drill(folder: Path, cases: int) -> tuple[dict[str, float], bool]:
    """Seconds of each step, MiB of the backup, and whether every case, opinion, picture and link came back."""
    store = Store.open(str(folder / "store"))
    planted = readings.plant(store, cases)
    reader = store.local_user().number or 0
    for number, case in enumerate(planted.cases):
        store.lock_opinion(
            case,
            reader,
            Stage.BLIND,
            finding=number % 2 == 0,
            label=None,
            confidence=number % 101,
            started=datetime.now(UTC),
            seconds=1.0,
        )
    before = _held(store, planted.cases, reader)
    spent: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Found]) -> Found:
        began = time.perf_counter()
        found = work()
        spent[name] = round(time.perf_counter() - began, 2)
        return found

    timed("backup_seconds", lambda: backup(store, folder / "backup.zip"))
    store.close()
    shutil.rmtree(folder / "store")
    timed("restore_seconds", lambda: restore(folder / "backup.zip", str(folder / "restored")))
    back = Store.open(str(folder / "restored"))
    sound = timed("verify_seconds", lambda: verify(back)).ok
    spent |= {"cases": cases, "backup_mib": round((folder / "backup.zip").stat().st_size / 2**20, 1)}
    whole = sound and _held(back, planted.cases, reader) == before
    back.close()
    return spent, whole


def _held(store: Store, cases: tuple[int, ...], reader: int) -> list[object]:
    """What must come back: opinions, the trail's last link, and the hash of every picture by its name."""
    opinions = [(o.case_id, o.finding, o.confidence) for case in cases for o in store.opinions(case, reader)]
    pictures = sorted((file.name, sha256_of(file)) for file in store.images_folder.rglob("*") if file.is_file())
    return [opinions, pictures, [entry.sha256 for entry in store.audit_trail(limit=1)]]


def main(
    cases: Annotated[int, typer.Option(min=1)] = 1000,
    keep: Annotated[Path | None, typer.Option("--figures", help="Add the figures to this file.")] = None,
) -> None:
    """Drill; exit code 1 where anything did not come back."""
    with TemporaryDirectory() as folder:
        spent, whole = drill(Path(folder), cases)
    print(*(f"{name} {value:g}" for name, value in spent.items()), "whole" if whole else "NOT WHOLE", sep="\n")
    if keep is not None:
        figures.keep(keep, "restore", f"python -m tests.long.restore --cases {cases}", {**spent, "whole": whole})
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    typer.run(main)
