"""Answers that were acknowledged outlive a kill: the short form of ``python -m tests.long.soak`` for teaching."""

from __future__ import annotations

import random
from pathlib import Path

from core.review import Store
from core.review.trail import verify
from tests.long import soak

KILLS = 3


def test_no_answer_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    place = tmp_path / "store"
    Store.open(str(place)).close()
    told = soak.killed("teaching", place, KILLS, random.Random(4))
    assert len(told) >= KILLS
    store = Store.open(str(place))
    assert soak.KINDS["teaching"][1](store, place, told) == len(told)
    assert soak.KINDS["teaching"][1](store, place, [(10**9,)]) == 0  # the count would tell
    assert verify(store).ok
    store.close()
