"""Checks of heat maps through the engine: what is computed, what is absent, and what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.engine.checks import HeatCheck, MapVerdict, Subject, check_heat_map, pointing_of, sentences
from core.engine.engine import Engine
from core.engine.results import HeatMap
from core.explain.faithfulness import Faithfulness
from core.explain.pointing import Pointing
from core.explain.randomisation import STEPS, Randomisation
from tests.engine.installed import scan, study

HEAT = HeatMap("unet", 0, "tumour", "grad-cam", np.eye(4, dtype=np.float32), 1.0)
LESION = Pointing(hit=True, inside=True, distance=0.0, energy=0.4, overlap=0.3, chance=0.1, area=0.06)
MISSED = replace(LESION, hit=False, inside=False, distance=0.21, energy=0.01, overlap=0.0)
NEEDS, PICTURE = (Randomisation(STEPS, (0.4, after, 0.0), (0.5, 0.5, 0.5)) for after in (-0.001, 0.83))


def _rests(drop: float, answer: float = 0.9) -> Faithfulness:
    spread = np.linspace(-0.03, 0.03, 7)[:, None]
    return Faithfulness(answer, (0.1,), np.array([answer - drop]), np.array([answer]), answer - 0.06 + spread)


@pytest.mark.parametrize("model", ["unet", "resnet50"])
def test_a_check_leaves_model_and_answers_alone(engine: Engine, model: str) -> None:
    case = study(replace(scan(2), truth=np.ones((2, 80, 100), bool)))
    before = engine.review(case, "brain-mr").results
    heat = engine.heat_map(case, "brain-mr", 0, model, 1)
    assert heat.peak > 0
    check = check_heat_map(engine, case, "brain-mr", 0, heat, maps=5, seconds=120)
    assert check.error == ""
    assert check.notes == ()
    assert check.faithfulness is not None
    assert check.randomisation is not None
    assert check.randomisation.steps == STEPS
    assert check.pointing is not None
    assert check.pointing.energy == pytest.approx(1.0)
    assert check.faithfulness.random.shape == (5, 4)
    assert check.outline == (model == "unet")
    after = engine.review(case, "brain-mr").results
    for one, two in zip(before, after, strict=True):
        assert np.array_equal(one.calibrated, two.calibrated)  # type: ignore[arg-type]
    again = check_heat_map(engine, case, "brain-mr", 0, heat, maps=5, seconds=120)
    assert again.faithfulness is not None
    assert np.allclose(again.faithfulness.random, check.faithfulness.random, atol=1e-6)


def test_the_answer_watched_is_the_one_the_page_shows(engine: Engine) -> None:
    case = study()
    result = next(r for r in engine.review(case, "brain-mr").results if r.state.name == "resnet50")
    subject = Subject(engine.loaded("brain-mr", "resnet50"), case.series[0], 0, "tumour")
    mirrored = torch.cat([subject.x, subject.x.flip(-1)])  # this model's answer averages the logits of both
    logits = np.log(subject.answer(mirrored) / (1 - subject.answer(mirrored)))
    assert result.finding is not None
    assert 1 / (1 + np.exp(-logits.mean())) == pytest.approx(float(result.finding[0]), abs=1e-5)


def test_an_outline_is_watched_where_it_was_drawn(engine: Engine) -> None:
    loaded = engine.loaded("brain-mr", "unet")
    subject = Subject(loaded, scan(), 0, "tumour")
    with torch.no_grad():
        mask = loaded.net.run(subject.x).mask_logits
    assert mask is not None
    assert (mask > 0).any()
    expected = torch.sigmoid(mask)[mask > 0].mean()
    assert float(subject.answer(subject.x)[0]) == pytest.approx(float(expected), abs=1e-6)


def test_no_time_leaves_gaps_and_says_so(engine: Engine) -> None:
    case = study()
    heat = engine.heat_map(case, "brain-mr", 0, "resnet50", 0)
    check = check_heat_map(engine, case, "brain-mr", 0, heat, seconds=0.0)
    assert check.verdict is MapVerdict.UNTESTED
    assert check.faithfulness is None
    assert check.randomisation is None
    slow = check_heat_map(engine, case, "brain-mr", 0, replace(heat, seconds=100.0), maps=5)
    assert slow.randomisation is None
    assert "takes too long" in slow.notes[0]


def test_a_stopped_check_ends_at_once(engine: Engine) -> None:
    case = study()
    heat = engine.heat_map(case, "brain-mr", 0, "resnet50", 0)
    asked = []
    with pytest.raises(InterruptedError):
        check_heat_map(engine, case, "brain-mr", 0, heat, stop=lambda: bool(asked.append(1)) or len(asked) > 1)
    assert len(asked) == 2


def test_an_empty_or_missing_map_is_not_tested(engine: Engine) -> None:
    for heat, why in (
        (replace(HEAT, peak=0.0), "nothing speaks for"),
        (replace(HEAT, values=None, error="No weights."), "No weights."),
        (replace(HEAT, model="nobody"), "no model 'nobody'"),
    ):
        check = check_heat_map(engine, study(), "brain-mr", 0, heat)
        assert check.verdict is MapVerdict.UNTESTED
        assert why in sentences(check)[0]


def test_pointing_needs_a_reference_on_that_slice() -> None:
    truth = np.zeros((2, 80, 100), bool)
    truth[1, 10:20, 10:20] = True
    series = replace(scan(2), truth=truth)
    values = np.zeros((80, 100), np.float32)
    values[15, 15] = 1.0
    assert pointing_of(replace(HEAT, values=values), scan(2)) is None
    assert pointing_of(replace(HEAT, values=values), series) is None
    found = pointing_of(replace(HEAT, values=values, slice_index=1), series)
    assert found is not None
    assert found.inside


@pytest.mark.parametrize(
    ("faithful", "random", "pointing", "verdict"),
    [
        (_rests(0.41), NEEDS, LESION, MapVerdict.PASSED),
        (_rests(0.41), NEEDS, None, MapVerdict.PASSED),
        (_rests(0.41), None, None, MapVerdict.PASSED),
        (_rests(0.08), NEEDS, LESION, MapVerdict.FAILED),
        (_rests(0.41), PICTURE, LESION, MapVerdict.FAILED),
        (_rests(0.41), NEEDS, MISSED, MapVerdict.FAILED),
        (_rests(0.01, answer=0.04), NEEDS, None, MapVerdict.UNTESTED),
        (None, NEEDS, LESION, MapVerdict.UNTESTED),
    ],
)
def test_verdicts(
    faithful: Faithfulness | None, random: Randomisation | None, pointing: Pointing | None, verdict: MapVerdict
) -> None:
    assert HeatCheck(HEAT, False, faithful, random, pointing).verdict is verdict


def test_the_sentences_hold_the_numbers() -> None:
    good = " ".join(sentences(HeatCheck(HEAT, False, _rests(0.41), NEEDS, LESION)))
    assert "Removing what it marks lowers the answer by 0.41; random areas: 0.06 ± 0.02." in good
    assert "rank correlation 0.00" in good
    assert "40% of the map lies in the lesion, which takes 6% of the body" in good
    bad = " ".join(sentences(HeatCheck(HEAT, True, _rests(-0.02), PICTURE, MISSED)))
    assert "raises the outline's probability by 0.02" in bad
    assert "does not show what the outline rests on" in bad
    assert "stays much the same (rank correlation 0.83)" in bad
    assert "misses the lesion by 21%" in bad
    assert sentences(HeatCheck(HEAT, False, _rests(0.01, answer=0.04)))[0].startswith("Not tested: the answer for")
