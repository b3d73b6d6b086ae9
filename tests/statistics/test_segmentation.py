"""Mask agreement: against torchmetrics, scikit-learn and hand-drawn masks."""

from __future__ import annotations

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.losses import TverskyLoss
from sklearn.metrics import f1_score, jaccard_score
from torchmetrics.functional.segmentation import dice_score

from core.statistics import dice, dice_per_volume, false_mask_rate, iou, sensitivity_of_slices, tversky
from core.statistics.overlap import dice_from_counts, iou_from_counts, tversky_from_counts


def masks(seed: int, n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((n, 16, 16)) < 0.3, rng.random((n, 16, 16)) < 0.3


def test_dice_and_iou_match_sklearn_and_torchmetrics() -> None:
    a, b = masks(0)
    for one, two in zip(a, b, strict=True):
        assert dice(one, two) == pytest.approx(f1_score(two.ravel(), one.ravel()))
        assert iou(one, two) == pytest.approx(jaccard_score(two.ravel(), one.ravel()))
    theirs = dice_score(torch.tensor(a)[:, None].int(), torch.tensor(b)[:, None].int(), num_classes=1)
    assert [dice(one, two) for one, two in zip(a, b, strict=True)] == pytest.approx(theirs.reshape(-1).tolist())


def test_empty_masks() -> None:
    nothing, something = np.zeros((4, 4), bool), np.eye(4, dtype=bool)
    assert dice(nothing, nothing) == iou(nothing, nothing) == 1
    assert np.isnan(dice(nothing, nothing, empty=float("nan")))
    assert dice(nothing, something) == iou(something, nothing) == 0


def test_values_other_than_one_count_as_inside() -> None:
    assert dice(np.array([255, 0], np.uint8), np.array([1, 0], np.uint8)) == 1


def test_volume_dice_pools_the_pixels_of_a_patient() -> None:
    a, b = masks(1)
    groups = ["p", "q", "p", "q", "p", "p"]
    found = dice_per_volume(a, b, groups)
    assert found.groups == ("p", "q")
    for name, value in zip(found.groups, found.values, strict=True):
        rows = [i for i, group in enumerate(groups) if group == name]
        assert value == pytest.approx(f1_score(b[rows].ravel(), a[rows].ravel()))
    assert found.mean == pytest.approx(found.values.mean())
    assert found.median == pytest.approx(np.median(found.values))


def test_slice_rates_by_hand() -> None:
    nothing, left, right = np.zeros((2, 2)), np.array([[1, 0], [0, 0]]), np.array([[0, 0], [0, 1]])
    truths = [nothing, nothing, nothing, left, left, left, left]
    drawn = [nothing, left, nothing, left, right, nothing, left]
    assert false_mask_rate(drawn, truths) == pytest.approx(1 / 3)
    assert sensitivity_of_slices(drawn, truths) == pytest.approx(2 / 4)
    assert sensitivity_of_slices(drawn, truths, touching=False) == pytest.approx(3 / 4)
    assert np.isnan(false_mask_rate([left], [left]))
    assert np.isnan(sensitivity_of_slices([left], [nothing]))


def test_refusals() -> None:
    with pytest.raises(ValueError, match="different shape"):
        dice(np.zeros((2, 2)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="Cut the probability"):
        dice(np.array([0.2, 0.9]), np.array([0, 1]))
    with pytest.raises(ValueError, match="different length"):
        dice_per_volume([np.zeros(2)], [np.zeros(2)], ["a", "b"])


def test_tversky_matches_smp_and_is_dice_at_a_half() -> None:
    """Against segmentation-models-pytorch, where beta weighs the missed pixels."""
    a, b = masks(5)
    for one, two in zip(a, b, strict=True):
        assert tversky(one, two, miss=0.5) == pytest.approx(dice(one, two))
        drawn, real = (torch.tensor(mask)[None, None].int() for mask in (one, two))
        tp, fp, fn = (float(count.sum()) for count in smp.metrics.get_stats(drawn, real, "binary")[:3])
        assert tversky(one, two, miss=0.7) == pytest.approx(tp / (tp + 0.3 * fp + 0.7 * fn))
        loss = TverskyLoss("binary", from_logits=False, smooth=0.0, alpha=0.3, beta=0.7)
        theirs = loss(drawn.float(), real.float())
        assert tversky(one, two) == pytest.approx(1 - float(theirs), abs=1e-5)
    assert np.isnan(tversky(np.zeros(3, bool), np.zeros(3, bool), empty=float("nan")))


def test_counts_give_what_masks_give() -> None:
    a, b = masks(6)
    a[0], b[1] = False, False
    counts = [m.reshape(len(a), -1).sum(1) for m in (a, b, a & b)]
    for from_counts, from_masks in ((dice_from_counts, dice), (iou_from_counts, iou), (tversky_from_counts, tversky)):
        wanted = [from_masks(one, two) for one, two in zip(a, b, strict=True)]
        assert from_counts(*counts).tolist() == pytest.approx(wanted)
