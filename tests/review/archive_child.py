"""What a child process does before it is killed: take up what is left of an import and a scoring, and carry on."""

from __future__ import annotations

import sys
from pathlib import Path

from core.review import Store
from core.review.archives import ImportOptions, adopt, begin_import, begin_scoring, wait
from core.review.tables import ImportRun, ScoreRun
from tests.review.archive_kit import SYSTEM, GreyEngine


def work(folder: str, source: str, archive: int) -> None:
    """Import and score until done; safe to be killed at any moment."""
    store = Store.open(folder)
    actor, engine = store.local_user().number or 0, GreyEngine(seconds=0.001)
    adopt(store, engine)
    if not store.runs(ImportRun, archive):
        begin_import(store, actor, archive, Path(source), ImportOptions(SYSTEM))
    for imports in store.runs(ImportRun, archive):
        wait(store, imports)
    if not store.runs(ScoreRun, archive):
        begin_scoring(store, engine, actor, archive, SYSTEM)
    for scoring in store.runs(ScoreRun, archive):
        wait(store, scoring)
    store.close()
    sys.exit(0)
