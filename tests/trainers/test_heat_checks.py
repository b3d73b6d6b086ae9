"""Dataset-level heat-map checks: which slices are drawn, the figures by hand, and when stored ones are believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from core.engine.checks import Subject
from core.engine.engine import Engine
from core.engine.shelf import Loaded
from core.explain.pointing import Pointing
from core.models.members import Members
from core.systems import adapt, system
from core.weights.folder import load_card
from core.weights.heat_checks import HEAT_CHECKS, HeatChecks, load_checks
from core.weights.predictions import PREDICTIONS, from_frame
from core.weights.store import save_model
from tests.cards import card_of
from tests.engine.installed import install, lively, scan
from trainers.commands import heat_checks
from trainers.commands.heat_checks import METHODS, check_model
from trainers.data.items import Item, fold_groups
from trainers.measuring.heat_outcomes import Kept, Outcome, summed_up
from trainers.measuring.heat_slices import choose, plant

HIT = Pointing(hit=True, inside=True, distance=0.0, energy=0.4, overlap=0.3, chance=0.2, area=0.1)
MISS = replace(HIT, hit=False, inside=False, distance=0.3, energy=0.0, overlap=0.0)


def _items() -> list[Item]:
    """Three patients of four slices; the first two slices of each have a tumour."""
    items = []
    for n in range(3):
        series = scan(4, seed=n)
        truth = np.zeros(series.pixels.shape, bool)
        truth[:2, 20:40, 20:40] = True
        ids = tuple(f"p{n}/{i}" for i in range(4))
        labels = ("tumour", "tumour", "no tumour", "no tumour")
        items.append(Item(replace(series, truth=truth), labels, f"p{n}", ids))
    return items


def _frame(patients: tuple[int, ...]) -> pd.DataFrame:
    rows = [
        {"id": f"p{n}/{i}", "group": f"p{n}", "split": "validation", "truth": int(i < 2), "logit_0": 2.0 - 4 * i}
        for n in patients
        for i in range(4)
    ]
    test = {"id": "t/0", "group": "t", "split": "test", "truth": 1, "logit_0": 1.0}
    return pd.DataFrame([*rows, test])


def test_only_validation_slices_with_a_finding_are_drawn_from_all_patients_in_turn() -> None:
    card = card_of("brain-mr", "unet", "resunet")
    part = from_frame(card, _frame((0, 2)), "").part("validation")
    assert part is not None
    everything = choose(part, 0.5, _items(), slices=99, seed=0)
    assert {c.item.ids[c.index] for c in everything} == {"p0/0", "p0/1", "p2/0", "p2/1"}
    assert {c.item.ids[c.index]: c.called for c in everything}["p0/0"] is True
    assert {c.item.ids[c.index]: c.called for c in everything}["p0/1"] is False
    few = choose(part, 0.5, _items(), slices=2, seed=0)
    assert {c.item.group for c in few} == {"p0", "p2"}
    again = choose(part, 0.5, _items(), slices=2, seed=0)
    assert [(c.item.group, c.index) for c in few] == [(c.item.group, c.index) for c in again]
    draws = {tuple(c.item.ids[c.index] for c in choose(part, 0.5, _items(), slices=2, seed=s)) for s in range(8)}
    assert len(draws) > 1


def test_figures_by_hand() -> None:
    figures = summed_up(
        [
            Outcome("a", True, True, HIT, (0.5, 0.1)),
            Outcome("a", False, True, MISS, (0.1, 0.1)),
            Outcome("b", True, True, None, None),  # the map was empty
            Outcome("c", True, False, None, (0.3, 0.0)),  # no mask on this one
        ]
    )
    assert figures.hit is not None
    assert figures.hit.value == pytest.approx(1 / 3)
    assert (figures.hit.n, figures.hit.groups) == (3, 2)
    assert figures.hit_called is not None
    assert figures.hit_called.value == pytest.approx(1 / 2)
    assert figures.energy is not None
    assert figures.energy.value == pytest.approx(0.4 / 3)
    assert figures.empty == 1
    assert figures.ahead is not None
    assert figures.ahead.value == pytest.approx((0.4 + 0.0 + 0.3) / 3)
    assert figures.ahead.n == 3
    assert figures.chance == pytest.approx(0.2)


def test_inserted_lesions_count_where_they_turn_the_answer() -> None:
    turned = [Outcome(f"p{n}", True, True, HIT if n < 9 else MISS, None, 0.5, planted=True) for n in range(12)]
    unmoved = [Outcome(f"q{n}", False, True, MISS, None, 0.5, planted=True) for n in range(20)]
    real = [Outcome("r", True, False, None, (0.5, 0.1), 0.8)]
    figures = summed_up([*turned, *unmoved, *real])
    assert (figures.planted, figures.noticed) == (32, 12)
    assert figures.hit is not None
    assert (figures.hit.value, figures.hit.n) == (pytest.approx(9 / 12), 12)
    assert figures.peak == 0.8  # of the real findings alone
    assert figures.failings == ("the answer does not clearly rest on what it marks",)  # one slice has no interval

    few = summed_up([*turned[:9], *unmoved, *real])
    assert few.hit is None
    assert few.failings[0].startswith("of 29 lesions inserted into clear slices only 9 turn the answer")


def test_lesions_are_inserted_where_no_set_has_masks_into_what_the_model_calls_clear() -> None:
    card = card_of("brain-mr", "unet", "resunet")
    part = from_frame(card, _frame((0, 2)), "").part("validation")
    assert part is not None
    assert plant(part, 0.5, _items(), kind="breast malignant", slices=9, seed=0) == []
    bare = [replace(item, series=replace(item.series, truth=None)) for item in _items()]
    found = plant(part, 0.5, bare, kind="breast malignant", slices=9, seed=0)
    assert {case.item.ids[0] for case in found} == {f"p{n}/{i} + breast malignant" for n in (0, 2) for i in (2, 3)}
    for case in found:
        number, index = (int(text) for text in case.item.ids[0].removeprefix("p").split(" ")[0].split("/"))
        before, after, mask = bare[number].series.pixels[index], case.item.series.pixels[0], case.item.series.truth
        assert mask is not None
        assert case.planted
        assert mask.any()
        np.testing.assert_array_equal(after[~mask[0]], before[~mask[0]])
        assert np.abs(after - before)[mask[0]].mean() > 0
    again = plant(part, 0.5, bare, kind="breast malignant", slices=2, seed=0)
    assert len({case.item.group for case in again}) == 2


def test_a_perfect_share_still_has_an_interval() -> None:
    figures = summed_up([Outcome(g, True, True, HIT, None) for g in "abcde"])
    assert figures.hit is not None
    assert figures.hit.value == 1.0
    assert figures.hit.low == pytest.approx(0.5655, abs=1e-3)  # Wilson, 5 of 5
    assert figures.marked is None


def test_checks_travel_with_their_weights_only(tmp_path: Path) -> None:
    folder = install(tmp_path, "brain-mr", "unet", "resunet", role="segmenter")
    card = load_card(folder)
    part = from_frame(card, _frame((0, 1)), "").part("validation")
    assert part is not None
    chosen = choose(part, card.threshold.value, _items(), slices=2, seed=0)
    assert not (folder / PREDICTIONS).exists()
    told: list[tuple[int, int]] = []
    kept = tmp_path / "runs" / "kept.json"
    found = check_model(
        Engine(tmp_path), card, chosen, seed=0, removals=1, kept=kept, progress=lambda n, of: told.append((n, of))
    )
    assert told == [(1, 2), (2, 2)]
    assert all(m.marked is None or m.marked.n == 1 for m in found.methods.values())
    assert set(found.methods) == set(METHODS)
    assert (found.slices, found.groups, found.part, found.outline) == (2, 2, "validation", True)
    assert load_checks(folder, card) is None
    found.save(folder)
    assert load_checks(folder, card) == found
    assert load_checks(folder, card.model_copy(update={"weights_sha256": "0" * 64})) is None
    (folder / HEAT_CHECKS).write_text("{", encoding="utf-8")
    assert load_checks(folder, card) is None


def test_each_patient_is_drawn_by_the_member_that_never_saw_him(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "brain-mr" / "unet"
    card = card_of("brain-mr", "unet", "resunet", members=2)
    nets = [lively("resunet", classes=2, channels=card.contract.channels) for _ in range(2)]
    with torch.no_grad():
        for number, net in enumerate(nets):
            next(net.parameters()).mul_(1 + number)
    save_model(Members(nets), card, folder)
    card = load_card(folder)
    part = from_frame(card, _frame((0, 1, 2)), "").part("validation")
    assert part is not None
    items = _items()
    chosen = choose(part, 0.5, items, slices=6, seed=0, members=2)
    engine, drawn = Engine(tmp_path), {}
    real = heat_checks.Subject

    def noted(loaded: Loaded, *args: Any) -> Subject:
        drawn[float(args[0].pixels.mean())] = loaded.net
        return real(loaded, *args)

    monkeypatch.setattr(heat_checks, "Subject", noted)
    check_model(engine, card, chosen, seed=0, removals=0, kept=None, progress=lambda done, of: None)
    joined = engine.loaded("brain-mr", "unet").net
    assert isinstance(joined, Members)
    fold_of = fold_groups(items, 2)
    by_patient = {float(adapt(i.series, system("brain-mr")).pixels.mean()): fold_of[i.group] for i in items}
    assert len(drawn) == 3
    assert all(net is list(joined)[by_patient[key]] for key, net in drawn.items())


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = install(tmp_path, "brain-mr", "unet", "resunet", role="segmenter")
    card, kept = load_card(folder), tmp_path / "kept.json"
    part = from_frame(card, _frame((0, 1)), "").part("validation")
    assert part is not None
    chosen = choose(part, card.threshold.value, _items(), slices=3, seed=0)

    def stop(done: int, of: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    def run(seed: int, stopped: Callable[[int, int], None]) -> HeatChecks:
        return check_model(Engine(tmp_path), card, chosen, seed=seed, removals=1, kept=kept, progress=stopped)

    with pytest.raises(KeyboardInterrupt):
        run(0, stop)
    asked: list[int] = []
    real = heat_checks.Subject

    def counted(*args: Any) -> Subject:
        asked.append(args[2])
        return real(*args)

    monkeypatch.setattr(heat_checks, "Subject", counted)
    resumed = run(0, lambda done, of: None)
    assert len(asked) == 1
    kept.unlink()
    assert run(0, lambda done, of: None) == resumed
    run(1, lambda done, of: None)  # another seed: nothing of it is known
    assert len(asked) == 1 + 3 + 3
    card = card.model_copy(update={"version": "2"})
    run(1, lambda done, of: None)  # nor of another version, which may call other slices a finding
    assert len(asked) == 1 + 3 + 3 + 3


def test_outcomes_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "kept.json"
    made = {"grad-cam": Outcome("a", True, True, HIT, (0.5, 0.1)), "layercam": Outcome("a", False, False, None, None)}
    Kept(path, "these weights").put("p0/1", made)
    read = Kept(path, "these weights").get("p0/1")
    assert read is not None
    assert {name: vars(one) for name, one in read.items()} == {name: vars(one) for name, one in made.items()}
    assert Kept(path, "these weights").get("p0/2") is None
    assert Kept(path, "others").get("p0/1") is None
