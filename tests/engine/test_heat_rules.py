"""Which heat maps are shown, how bright, where, and what they are worth: by hand-worked maps and answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.engine.engine import Engine
from core.engine.heat_rules import HeatVerdict, brightness, brightness_words, heat_rule, in_body, lit, worth
from core.engine.results import HeatMap, ModelResult, ModelState, ModelStatus, Review
from core.imaging.study import Series
from core.weights.card import Metric, Threshold
from core.weights.heat_checks import HeatChecks, MethodChecks
from tests.cards import card_of
from tests.engine.installed import scan, study


def checks(**methods: MethodChecks) -> HeatChecks:
    return HeatChecks(
        system="brain-mr",
        name="unet",
        version="1",
        weights_sha256="0" * 64,
        date="2026-01-01",
        code_version="0",
        data=("x",),
        seed=0,
        slices=40,
        groups=12,
        outline=False,
        tolerance=0.05,
        fractions=(0.1,),
        random_maps=1,
        methods={name.replace("_", "-"): one for name, one in methods.items()},
    )


def share(value: float, low: float) -> Metric:
    return Metric(value=value, low=low, high=min(value + 0.1, 1), n=40, groups=12)


GOOD = MethodChecks(hit=share(0.8, 0.6), chance=0.2, peak=4.0)
BETTER = MethodChecks(hit=share(0.9, 0.7), chance=0.2)
BAD = MethodChecks(hit=share(0.3, 0.1), chance=0.2)


def test_the_method_that_passed_and_hits_most_is_the_default() -> None:
    assert heat_rule(checks(grad_cam=GOOD, layercam=BETTER, eigencam=BAD)).method == "layercam"
    assert heat_rule(checks(grad_cam=GOOD, layercam=GOOD)).method == "grad-cam"
    none = heat_rule(checks(grad_cam=BAD))
    assert (none.passed, none.method) == (False, "grad-cam")
    assert "hits the lesion no more often than chance would" in none.reason
    assert "40 slices of 12 validation patients" in none.reason
    untested = heat_rule(None)
    assert not untested.passed
    assert "not been tested" in untested.reason
    assert not heat_rule(checks(grad_cam=MethodChecks())).passed  # nothing was held against it


def result(p: float, threshold: float = 0.5) -> ModelResult:
    card = card_of("brain-mr", "unet", "resunet", threshold=Threshold(value=threshold, rule="fixed", data="none", n=0))
    rows = np.array([[1 - p, p]])
    return ModelResult(
        ModelState("brain-mr", "unet", "U-Net", "", ModelStatus.READY, card=card), rows, rows, rows[:, 1]
    )


def heat(target: str = "tumour", peak: float = 4.0, at: tuple[int, int] = (5, 5)) -> HeatMap:
    values = np.zeros((20, 20), np.float32)
    values[at] = 1.0
    return HeatMap("unet", 0, target, "grad-cam", values, peak)


@pytest.mark.parametrize(
    ("p", "peak", "expected"),
    [
        (0.02, 4.0, 0.04),  # 0.02 of a threshold of 0.5
        (0.25, 4.0, 0.5),
        (0.5, 4.0, 1.0),
        (0.99, 8.0, 1.0),
        (0.99, 1.0, 0.25),  # a quarter of the reference peak
        (0.25, 2.0, 0.25),
        (float("nan"), 4.0, 0.0),
        (0.9, 0.0, 0.0),
    ],
)
def test_brightness_is_the_answers_share_of_its_threshold_times_the_peaks_share(
    p: float, peak: float, expected: float
) -> None:
    assert brightness(heat(peak=peak), result(p), checks(grad_cam=GOOD)) == pytest.approx(expected)


def test_without_a_reference_the_answer_alone_decides_and_other_classes_have_their_own() -> None:
    assert brightness(heat(peak=0.1), result(0.25), None) == pytest.approx(0.5)
    assert brightness(heat("no tumour", 1.0), result(0.98), checks(grad_cam=GOOD)) == pytest.approx(0.04)
    shown = lit(heat(), result(0.02), checks(grad_cam=GOOD)).drawn
    assert shown is not None
    assert float(shown.max()) == pytest.approx(0.04)


def test_a_faint_map_tells_whether_the_answer_is_unsure_or_the_map_weak() -> None:
    weak = brightness_words(lit(heat(peak=1.0), result(0.99), checks(grad_cam=GOOD)))
    assert "answer" not in weak
    assert weak.startswith("drawn at 25% brightness: what it marks speaks 25% as strongly")
    unsure = brightness_words(lit(heat(), result(0.25), checks(grad_cam=GOOD)))
    assert unsure == "drawn at 50% brightness: the answer reaches 50% of what would be a yes"
    both = brightness_words(lit(heat(peak=2.0), result(0.25), checks(grad_cam=GOOD)))
    assert "reaches 50% of what would be a yes, and what it marks speaks 50% as strongly" in both
    assert brightness_words(lit(heat(), result(0.9), checks(grad_cam=GOOD))) == "drawn at 100% brightness"


def test_nothing_glows_outside_the_body(engine: Engine) -> None:
    pixels = np.zeros((1, 40, 40), np.float32)
    pixels[0, 10:30, 10:30] = 100 + np.random.default_rng(0).normal(0, 3, (20, 20))
    head = Series("k", "x", pixels)
    clipped = in_body(np.ones((40, 40), np.float32), head, 0)
    assert clipped[12:28, 12:28].all()
    assert not clipped[:8].any()
    assert not clipped[:, 32:].any()
    wide = scan(1, shape=(80, 100))
    pixels = np.zeros((1, 80, 100), np.float32)
    pixels[:, 20:60, 30:70] = wide.pixels[:, 20:60, 30:70]
    found = engine.heat_map(study(replace(wide, pixels=pixels)), "brain-mr", 0, "resnet50", 0, target="no tumour")
    other = engine.heat_map(study(replace(wide, pixels=pixels)), "brain-mr", 0, "resnet50", 0, target="tumour")
    assert found.values is not None
    assert other.values is not None
    together = found.values + other.values
    assert together.max() > 0
    assert not together[:14].any()
    assert not together[:, 76:].any()


def review(*masks: np.ndarray | None) -> Review:
    results = []
    for number, mask in enumerate(masks):
        name = ("unet", "resunet")[number]
        one = result(0.9)
        state = replace(one.state, name=name, title=("U-Net", "Residual U-Net, classic")[number])
        results.append(replace(one, state=state, mask=None if mask is None else mask[None]))
    return Review("0" * 64, "brain-mr", "k", tuple(results), 0)


def test_the_verdict_goes_by_the_truth_then_its_own_outline_then_anothers() -> None:
    here, there, none = (np.zeros((20, 20), bool) for _ in range(3))
    here[4:7, 4:7] = True
    there[15:18, 15:18] = True
    plain = Series("k", "x", np.zeros((1, 20, 20), np.float32))
    assert worth(heat(), review(here), replace(plain, truth=there[None])).text.startswith("Misses the truth, by ")
    hit = worth(heat(), review(there, here), replace(plain, truth=here[None]))
    assert (hit.verdict, hit.text) == (HeatVerdict.HITS, "Hits the truth.")
    own = worth(heat(), review(there, here), plain)
    assert own.verdict is HeatVerdict.MISSES
    # from (5, 5) to (15, 15): 10 * sqrt(2) of a diagonal of 20 * sqrt(2)
    assert own.text == "Misses its own outline, by 50% of the picture."
    assert worth(heat(), review(none, here), plain).text == "Hits the outline of Residual U-Net."
    assert worth(heat(), review(none), plain).verdict is HeatVerdict.UNKNOWN
    assert worth(heat(peak=0.0), review(here), plain).verdict is HeatVerdict.UNKNOWN
    assert worth(heat(), review(here), replace(plain, truth=none[None])).verdict is HeatVerdict.UNKNOWN
