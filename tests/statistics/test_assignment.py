"""Assignment tables, counted with pandas."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import pytest

from core.errors import OverreadError
from core.statistics.multireader.assignment import Session, assign, orders

TRUTH = [1] * 9 + [0] * 13


def table(sessions: tuple[Session, ...]) -> pd.DataFrame:
    return pd.DataFrame([vars(one) for one in sessions])


@pytest.mark.parametrize("arms", [2, 3, 4, 5])
def test_every_arm_stands_everywhere_and_follows_every_other_equally_often(arms: int) -> None:
    found = orders(arms)
    assert all(sorted(row) == list(range(arms)) for row in found)
    places = pd.Series([(place, arm) for row in found for place, arm in enumerate(row)]).value_counts()
    assert places.nunique() == 1
    assert len(places) == arms * arms
    follows = pd.Series([pair for row in found for pair in pairwise(row)]).value_counts()
    assert follows.nunique() == 1
    assert len(follows) == arms * (arms - 1)


def test_crossed_every_reader_reads_every_case_in_every_arm_once() -> None:
    found = table(assign(TRUTH, arms=2, readers=6, seed=4))
    assert len(found) == 12
    assert all(sorted(cases) == list(range(22)) for cases in found["cases"])
    assert found["cases"].nunique() == 12  # an order of its own for every session
    assert (found.groupby("reader")["arm"].nunique() == 2).all()
    assert found[found["number"] == 1]["arm"].value_counts().to_dict() == {0: 3, 1: 3}


def test_blocks_share_no_case_and_have_the_classes_evenly() -> None:
    sessions = assign(TRUTH, arms=2, readers=7, blocks=3, seed=1)
    found = table(sessions)
    assert sorted(found.groupby("block")["reader"].nunique()) == [2, 2, 3]
    cases = {one.block: set(one.cases) for one in sessions}
    assert all(set(one.cases) == cases[one.block] for one in sessions)
    assert sorted(case for own in cases.values() for case in own) == list(range(22))
    assert {sum(TRUTH[case] for case in own) for own in cases.values()} == {3}
    assert sorted(map(len, cases.values())) == [7, 7, 8]
    first = found[found["number"] == 1].groupby("block")["arm"].value_counts().unstack(fill_value=0)
    assert ((first[0] - first[1]).abs() <= 1).all()


def test_a_seed_repeats_and_another_differs() -> None:
    assert assign(TRUTH, 3, 6, seed=2) == assign(TRUTH, 3, 6, seed=2)
    assert assign(TRUTH, 3, 6, seed=2) != assign(TRUTH, 3, 6, seed=3)


def test_what_cannot_be_dealt_is_told() -> None:
    with pytest.raises(OverreadError, match="2 readers cannot be dealt into 3 blocks"):
        assign(TRUTH, 2, 2, blocks=3)
    with pytest.raises(OverreadError, match="10 cases of each class"):
        assign(TRUTH, 2, 5, blocks=5)
