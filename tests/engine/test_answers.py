"""The same answer every time, alone or in a stack, from any thread; gates, queue, progress and stop."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import special

from core.engine.engine import Engine
from core.engine.results import Decision, ModelResult, Review
from core.errors import ContractError, EngineBusyError, ModelUnavailableError, SystemMismatchError
from core.imaging.study import Modality, Unit
from core.preprocessing.prepare import prepare
from core.weights.card import Threshold
from core.weights.store import load_model
from tests.engine.installed import install, scan, study


def by_name(review: Review) -> dict[str, ModelResult]:
    return {r.state.name: r for r in review.results}


def test_the_probability_is_the_sigmoid_of_the_networks_logit(engine: Engine, brain: Path) -> None:
    series = scan()
    found = by_name(engine.review(study(series), "brain-mr"))["resnet50"]
    net, card = load_model(brain / "brain-mr" / "resnet50")
    with torch.inference_mode():
        x = prepare(series, card.contract)
        logits = torch.stack([(net(x[i : i + 1]) + net(x[i : i + 1].flip(-1)))[0, 0] / 2 for i in range(2)]).numpy()
    assert found.raw is not None
    assert found.calibrated is not None
    np.testing.assert_allclose(found.raw[:, 1], special.expit(logits.astype(np.float64)), rtol=1e-6)
    np.testing.assert_allclose(found.finding, special.expit(logits.astype(np.float64) / 2.0), rtol=1e-6)
    np.testing.assert_allclose(found.calibrated.sum(1), 1.0)


def test_twice_the_same(engine: Engine, brain: Path) -> None:
    again = Engine(brain)
    for a, b in zip(engine.review(study(), "brain-mr").results, again.review(study(), "brain-mr").results, strict=True):
        np.testing.assert_array_equal(a.finding, b.finding)
        if a.mask is not None:
            np.testing.assert_array_equal(a.mask, b.mask)


def test_alone_as_in_a_stack(engine: Engine) -> None:
    stack = scan(3)
    whole = engine.review(study(stack), "brain-mr")
    for index in range(3):
        one = replace(stack, pixels=stack.pixels[index : index + 1])
        for a, b in zip(whole.results, engine.review(study(one), "brain-mr").results, strict=True):
            assert a.raw is not None
            assert b.raw is not None
            np.testing.assert_array_equal(a.raw[index], b.raw[0])
            if a.mask is not None and b.mask is not None:
                np.testing.assert_array_equal(a.mask[index], b.mask[0])


def test_neighbours_matter_only_to_a_model_that_sees_them(tmp_path: Path) -> None:
    install(tmp_path, "brain-mr", "unet", contract={"channels": 3, "context": "neighbours"}, role="segmenter")
    install(tmp_path, "brain-mr", "resnet50", "resnet18")
    engine, stack = Engine(tmp_path), scan(3)
    other = stack.pixels.copy()
    other[2] = other[2][::-1]
    changed = replace(stack, pixels=other)
    a, b = (by_name(engine.review(study(s), "brain-mr")) for s in (stack, changed))
    assert a["unet"].finding[1] != b["unet"].finding[1]  # type: ignore[index]
    assert a["unet"].finding[0] == b["unet"].finding[0]  # type: ignore[index]
    assert a["resnet50"].finding[1] == b["resnet50"].finding[1]  # type: ignore[index]


def test_the_peak_is_the_slice_of_the_highest_mean(engine: Engine) -> None:
    review = engine.review(study(scan(4, seed=4)), "brain-mr")
    mean = np.mean([r.finding for r in review.ready], axis=0)
    assert review.peak == int(np.argsort(mean)[-1])


def test_threads_get_the_same_answers(brain: Path) -> None:
    engine = Engine(brain)
    series = [scan(1, seed=s) for s in range(4)]
    alone = [Engine(brain).review(study(s), "brain-mr") for s in series]
    together: list[Review | None] = [None] * 4

    def work(place: int) -> None:
        together[place] = engine.review(study(series[place]), "brain-mr")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for a, b in zip(alone, together, strict=True):
        assert b is not None
        for x, y in zip(a.results, b.results, strict=True):
            np.testing.assert_array_equal(x.finding, y.finding)


def test_a_gate_that_says_clear_withholds_the_mask(brain: Path, tmp_path: Path) -> None:
    weights = Path(shutil.copytree(brain, tmp_path / "w"))
    series = scan(4, seed=2)
    gate = by_name(Engine(weights).review(study(series), "brain-mr"))["resnet50"].finding
    assert gate is not None
    cut = float(np.median(gate))  # two slices pass, two do not
    install(
        weights,
        "brain-mr",
        "resnet50",
        "resnet18",
        temperature=2.0,
        test_time_flips=("horizontal",),
        threshold=Threshold(value=cut, rule="fixed", data="none", n=0),
    )
    free = by_name(Engine(weights).review(study(series), "brain-mr"))["resunet"]
    install(weights, "brain-mr", "resunet", "resunet", role="segmenter", mask_threshold=0.3)
    ungated = by_name(Engine(weights).review(study(series), "brain-mr"))["resunet"]
    assert ungated.mask is not None
    assert free.mask is not None
    assert ungated.mask.any((1, 2)).all()
    np.testing.assert_array_equal(free.gated, gate < cut)
    assert 0 < (gate < cut).sum() < 4
    np.testing.assert_array_equal(free.mask[gate >= cut], ungated.mask[gate >= cut])
    assert not free.mask[gate < cut].any()


def test_a_gate_without_weights_leaves_no_mask_and_says_so(brain: Path, tmp_path: Path) -> None:
    weights = Path(shutil.copytree(brain, tmp_path / "w"))
    shutil.rmtree(weights / "brain-mr" / "resnet50")
    result = by_name(Engine(weights).review(study(), "brain-mr"))["resunet"]
    assert result.mask is None
    assert result.finding is not None
    assert "resnet50" in result.state.reason


def test_a_decision_is_at_or_above_the_threshold(engine: Engine) -> None:
    for r in engine.review(study(scan(4, seed=2)), "brain-mr").ready:
        assert r.finding is not None
        for index, p in enumerate(r.finding):
            assert (r.decision(index) is Decision.FINDING) == (p >= r.threshold)


def test_a_full_queue_is_told(brain: Path) -> None:
    engine = Engine(brain, queue=1, patience=0.0)
    inside, go = threading.Event(), threading.Event()

    def wait(_: str, __: float) -> None:
        inside.set()
        go.wait(20)

    busy = threading.Thread(target=lambda: engine.review(study(scan(1)), "brain-mr", progress=wait))
    busy.start()
    try:
        assert inside.wait(20)
        with pytest.raises(EngineBusyError) as raised:
            engine.review(study(), "brain-mr")
        assert raised.value.remedy
        heat = engine.heat_map(study(), "brain-mr", 0, "unet", 0)
        assert heat.values is None
        assert heat.error
        waits = engine.course(study(scan(2)), "brain-mr")
        later = threading.Thread(target=waits.run, kwargs={"stop": lambda: False})
        later.start()  # who can be stopped waits
        stopped = engine.course(study(scan(3)), "brain-mr")
        with pytest.raises(InterruptedError):
            stopped.run(stop=lambda: True)
        assert waits.done == 0
    finally:
        go.set()
        busy.join()
    later.join(60)
    assert waits.fraction == 1.0
    assert engine.review(study(), "brain-mr").ready  # the place is free again


def test_progress_by_model_and_stop(engine: Engine) -> None:
    told: list[tuple[str, float]] = []
    engine.review(study(scan(4)), "brain-mr", progress=lambda title, f: told.append((title, f)))
    titles = list(dict.fromkeys(t for t, _ in told))
    assert titles == [s.title for s in engine.states("brain-mr")]
    assert [f for t, f in told if t == titles[0]] == [0.25, 0.5, 0.75, 1.0]

    seen: list[float] = []
    with pytest.raises(InterruptedError):
        engine.review(study(scan(4)), "brain-mr", progress=lambda _, f: seen.append(f), stop=lambda: len(seen) >= 2)
    assert seen == [0.25, 0.25]  # two models about the first slice
    assert engine.review(study(), "brain-mr").ready  # neither the place nor a lock is kept


def test_a_series_of_another_modality_is_answered_under_protest(engine: Engine, tmp_path: Path) -> None:
    review = engine.review(study(scan(modality=Modality.CT, body_part="CHEST")), "brain-mr")
    assert [w.kind for w in review.warnings] == ["not-accepted"]
    assert "CT" in review.warnings[0].text
    with pytest.raises(SystemMismatchError):
        engine.review(study(), "liver")


def test_warnings_of_a_blank_and_a_coloured_image(engine: Engine) -> None:
    odd = scan(1, colour=True, unit=Unit.GREY, value_range=(0.0, 255.0))
    blank = replace(odd, pixels=np.full((1, 40, 40), 3, np.float32))
    review = engine.review(study(blank), "brain-mr")
    assert {w.kind for w in review.warnings} == {"colour", "blank"}
    for r in review.ready:
        assert np.isfinite(r.finding).all()  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["unet", "resnet50", "resunet"])
def test_heat_maps_are_on_the_image_grid_and_not_flat(engine: Engine, model: str) -> None:
    series = scan(2)
    target = {Decision.FINDING: "tumour", Decision.CLEAR: "no tumour"}
    result = by_name(engine.review(study(series), "brain-mr"))[model]
    raw = result.raw
    assert raw is not None
    likely = Decision.FINDING if raw[1, 1] >= 0.5 else Decision.CLEAR
    heat = engine.heat_map(study(series), "brain-mr", 0, model, 1, target=target[likely])
    assert heat.error == ""
    assert heat.values is not None
    assert heat.values.shape == series.shape
    assert 0 <= heat.values.min() < heat.values.max() <= 1
    assert heat.values.std() > 0.01
    other = engine.heat_map(study(series), "brain-mr", 0, model, 1, target=target[Decision.CLEAR])
    opposite = engine.heat_map(study(series), "brain-mr", 0, model, 1, target=target[Decision.FINDING])
    assert other.values is not None
    assert opposite.values is not None
    assert not np.array_equal(other.values, opposite.values)


def test_a_heat_map_that_cannot_be_had_says_why(engine: Engine) -> None:
    for wrong in ({"target": "bleeding"}, {"method": "tea-leaves"}, {"method": "attention"}):
        heat = engine.heat_map(study(), "brain-mr", 0, "resnet50", 0, **wrong)  # type: ignore[arg-type]
        assert heat.values is None
        assert heat.error
    heat = engine.heat_map(study(scan(2)), "brain-mr", 0, "resnet50", 2)
    assert heat.values is None
    assert "slice" in heat.error
    with pytest.raises(ModelUnavailableError):
        engine.heat_map(study(), "brain-mr", 0, "no such model", 0)


def test_the_contract_error_of_a_projection_reaches_the_result(tmp_path: Path) -> None:
    install(tmp_path, "pet", "resnet34", "resnet18", contract={"projection": "mip-coronal"})
    volume = scan(unit=Unit.SUV, modality=Modality.PT, body_part=None)
    review = Engine(tmp_path).review(study(volume), "pet")
    result = by_name(review)["resnet34"]
    assert result.finding is None
    assert "projection" in result.state.reason
    assert [w.kind for w in review.warnings] == ["not-accepted"]
    _, card = load_model(tmp_path / "pet" / "resnet34")
    with pytest.raises(ContractError):
        prepare(volume, card.contract)
