"""Words, flags and sizes, each against a case worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.agreement import flags, sentence, two_stage
from core.engine.measure import area_mm2, volume_ml
from core.engine.results import HeatMap, ModelResult, ModelState, ModelStatus, Review
from core.imaging.study import Series
from tests.cards import card_of

GRID = (50, 50)


def box(top: int, left: int, side: int = 10) -> np.ndarray:
    mask = np.zeros(GRID, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def said(name: str, *p: float, mask: np.ndarray | None = None, gate: str | None = None, shut: bool | None = None):  # type: ignore[no-untyped-def]
    """A result of ``name`` with the given probability per slice and the same mask on each."""
    card = card_of("brain-mr", name, "resunet", gate=gate)
    state = ModelState("brain-mr", name, name.upper(), "segmenter", ModelStatus.READY, card=card)
    finding = np.array(p)
    both = np.stack([1 - finding, finding], 1)
    masks = None if mask is None else np.stack([mask] * len(p))
    gated = None if shut is None else np.full(len(p), shut)
    return ModelResult(state, both, both, finding, masks, gated)


def review(*results: ModelResult) -> Review:
    return Review("0" * 64, "brain-mr", "k", results, 0)


def kinds(r: Review, index: int = 0, heat: tuple[HeatMap, ...] = (), *, apart: bool = False) -> set[str]:
    pixels = np.zeros((len(r.results[0].finding), *GRID), np.float32)  # type: ignore[arg-type]
    series = Series("k", "d", pixels, apart=apart)
    return {f.kind for f in flags(r, index, series, heat)}


def test_sentences() -> None:
    assert sentence(review(said("a", 0.9), said("b", 0.8), said("c", 0.1)), 0) == (
        "2 of 3 models say tumour; C says no tumour seen."
    )
    assert sentence(review(said("a", 0.9), said("b", 0.8)), 0) == "Both models say tumour."
    assert sentence(review(said("a", 0.1), said("b", 0.2)), 0) == "Both models: no tumour seen."
    assert sentence(review(said("a", 0.5)), 0).startswith("One model answered: tumour.")  # at the threshold
    assert "No model" in sentence(review(ModelResult(said("a", 0.5).state)), 0)


def test_a_model_of_other_classes_is_told_and_not_counted() -> None:
    """Three classes beside two: it says no with certainty, and neither votes nor widens the spread."""
    two = [said(name, p) for name, p in (("a", 0.9), ("b", 0.8))]
    classes = ("no tumour", "glioma", "metastasis")
    card = card_of("brain-mr", "types", "resnet50", classes=classes, positive=classes[1:])
    state = ModelState("brain-mr", "types", "TYPES", "classifier", ModelStatus.READY, card=card)
    p = np.array([[0.99, 0.005, 0.005]])
    types = ModelResult(state, p, p, np.array([0.01]))
    whole = review(*two, types)
    assert sentence(whole, 0) == (
        "Not all agree: TYPES, of other classes, says no tumour seen. Both models that vote say tumour."
    )
    assert not kinds(whole) & {"models-disagree", "wide-spread"}
    assert sentence(review(types), 0).startswith("One model answered: no tumour seen.")  # nothing else is there


def test_sentences_about_masks() -> None:
    # two boxes of 100 pixels that share 5 x 10: Dice 2 * 50 / 200
    shifted = review(said("a", 0.9, mask=box(0, 0)), said("b", 0.9, mask=box(5, 0)))
    assert "the masks agree (Dice 0.50)" in sentence(shifted, 0)
    apart = review(said("a", 0.9, mask=box(0, 0)), said("b", 0.9, mask=box(30, 30)))
    assert "the masks differ (Dice 0.00)" in sentence(apart, 0)
    nothing = np.zeros(GRID, bool)
    assert "1 of 2 draw a mask" in sentence(review(said("a", 0.9, mask=box(0, 0)), said("b", 0.9, mask=nothing)), 0)
    assert "no mask" in sentence(review(said("a", 0.1, mask=nothing), said("b", 0.1, mask=nothing)), 0)


def test_flags_by_hand() -> None:
    nothing = np.zeros(GRID, bool)
    assert kinds(review(said("a", 0.9), said("b", 0.8))) == set()
    assert kinds(review(said("a", 0.6), said("b", 0.4))) == {"models-disagree"}
    assert kinds(review(said("a", 0.95), said("b", 0.4))) == {"models-disagree", "wide-spread"}
    assert kinds(review(said("a", 0.9, mask=nothing))) == {"empty-mask"}
    assert kinds(review(said("a", 0.1, mask=box(3, 3)))) == {"mask-without-finding"}
    assert kinds(review(said("a", 0.9, mask=nothing, shut=True))) == {"gate-shut"}
    assert kinds(review(said("a", 0.1, mask=nothing, shut=True))) == set()
    apart = review(said("a", 0.9, mask=box(0, 0)), said("b", 0.9, mask=box(30, 30)))
    assert kinds(apart) == {"masks-apart"}


def test_a_slice_that_stands_alone() -> None:
    r = review(said("a", 0.1, 0.9, 0.1, 0.2))
    assert "slice-stands-alone" in kinds(r, 1)
    assert "slice-stands-alone" not in kinds(r, 2)
    assert "slice-stands-alone" not in kinds(r, 0)  # an end has one neighbour only
    assert "slice-stands-alone" not in kinds(review(said("a", 0.1, 0.9, 0.9)), 1)
    assert "slice-stands-alone" not in kinds(r, 1, apart=True)  # other pictures say nothing about this one


def heat(model: str, row: int, column: int, *, target: str = "tumour", index: int = 0, peak: float = 1.0) -> HeatMap:
    values = np.zeros(GRID, np.float32)
    values[row, column] = 1.0
    return HeatMap(model, index, target, "grad-cam", values, peak)


def test_a_heat_map_away_from_the_mask_is_flagged() -> None:
    r = review(said("a", 0.9, mask=box(0, 0)), said("b", 0.9))
    # the mask ends at row and column 9; a tenth of the diagonal is 7.07
    assert kinds(r, heat=(heat("b", 5, 5),)) == set()
    assert kinds(r, heat=(heat("b", 9, 16),)) == set()
    assert kinds(r, heat=(heat("b", 9, 17),)) == {"heat-misses-mask"}
    assert kinds(r, heat=(heat("b", 40, 40),)) == {"heat-misses-mask"}


def test_heat_maps_that_cannot_speak_against_a_mask() -> None:
    r = review(said("a", 0.9, mask=box(0, 0)), said("b", 0.9))
    for silent in (
        heat("b", 40, 40, target="no tumour"),  # what speaks for no tumour lies elsewhere by rights
        heat("b", 40, 40, peak=0.0),
        heat("b", 40, 40, index=1),
        HeatMap("b", 0, "tumour", "grad-cam", None, error="none"),
    ):
        assert kinds(r, heat=(silent,)) == set()


def test_two_stages() -> None:
    nothing = np.zeros(GRID, bool)
    assert two_stage(review(said("a", 0.9, mask=box(0, 0), gate="a")), 0) is None
    gate_no = review(said("gate", 0.2), said("s", 0.9, mask=nothing, gate="gate", shut=True))
    assert two_stage(gate_no, 0) == "GATE says no, so S was not asked for a mask."
    veto = review(said("gate", 0.8), said("s", 0.9, mask=nothing, gate="gate", shut=False))
    assert "empty mask vetoes" in str(two_stage(veto, 0))
    both = review(said("gate", 0.8), said("s", 0.9, mask=box(0, 0), gate="gate", shut=False))
    assert two_stage(both, 0) == "GATE says yes and S outlines it."


def test_area_and_volume_by_hand() -> None:
    pixels = np.zeros((4, *GRID), np.float32)
    known = Series("k", "d", pixels, spacing=(5.0, 0.5, 0.8))
    mask = np.stack([box(0, 0), box(0, 0), np.zeros(GRID, bool), np.zeros(GRID, bool)])
    area = area_mm2(mask[0], known)
    assert (area.value, area.unit) == (pytest.approx(100 * 0.5 * 0.8), "mm²")
    assert area.text == "40 mm² (0.4 cm²)"
    volume = volume_ml(mask, known)
    assert (volume.value, volume.unit) == (pytest.approx(200 * 5 * 0.5 * 0.8 / 1000), "ml")
    assert volume.text == "0.4 ml"

    unknown = Series("k", "d", pixels)
    assert (area_mm2(mask[0], unknown).value, area_mm2(mask[0], unknown).unit) == (100, "pixels")
    assert "spacing unknown" in area_mm2(mask[0], unknown).text
    assert volume_ml(mask, unknown).unit == "pixels"
    single = Series("k", "d", pixels[:1], spacing=(5.0, 0.5, 0.8))
    assert volume_ml(mask[:1], single).unit == "pixels"
