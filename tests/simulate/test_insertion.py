"""Inserted lesions: only the mask changes, and the patterns sit where the two cancers sit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.errors import ContractError
from core.imaging.study import Unit
from core.simulate import phantom
from core.simulate.insertion import KINDS, insert_lesion
from core.simulate.landmarks import find_landmarks

CANVAS = {
    "breast cancer": ("pet", "no cancer"),
    "prostate cancer": ("pet", "no cancer"),
    "physiological": ("pet", "no cancer"),
    "brain tumour": ("brain-mr", "no tumour"),
    "lung malignant": ("chest-ct", "normal"),
    "lung benign": ("chest-ct", "normal"),
    "breast malignant": ("breast-mri", "benign"),
}


def canvas(kind: str, seed: int = 3) -> np.ndarray:
    system, clear = CANVAS[kind]
    return phantom(system, seed, clear, picture=True).series.pixels[0].astype(np.uint8)


def drawn_body() -> np.ndarray:
    """A body of plain shapes with brain and bladder at known places, uptake 0..1."""
    image = np.zeros((450, 400), np.float32)
    cv2.rectangle(image, (120, 90), (280, 449), 0.2, -1)
    cv2.rectangle(image, (180, 0), (220, 90), 0.2, -1)
    cv2.circle(image, (200, 30), 30, 1.0, -1)
    cv2.ellipse(image, (203, 400), (20, 12), 0, 0, 360, 1.0, -1)
    return image


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_mask_changes(kind: str) -> None:
    given = canvas(kind)
    before = given.copy()
    result, mask = insert_lesion(given, np.random.default_rng(1), kind=kind, unit=Unit.GREY)
    np.testing.assert_array_equal(given, before)
    assert result.dtype == given.dtype
    assert result.shape == mask.shape == given.shape
    assert mask.any()
    np.testing.assert_array_equal(result[~mask], given[~mask])
    changed = np.abs(result[mask].astype(float) - given[mask].astype(float))
    assert np.median(changed) > 4
    again, _ = insert_lesion(given, np.random.default_rng(1), kind=kind, unit=Unit.GREY)
    np.testing.assert_array_equal(again, result)


def test_landmarks_of_a_drawn_body() -> None:
    found = find_landmarks(drawn_body())
    assert found.skull_base == pytest.approx(60, abs=3)
    assert found.bladder_row == pytest.approx(400, abs=2)
    assert found.bladder_column == pytest.approx(203, abs=2)
    assert found.bladder_bottom == pytest.approx(412, abs=3)
    assert found.left[300] == pytest.approx(120, abs=6)
    assert found.right[300] == pytest.approx(280, abs=6)


@pytest.mark.parametrize("seed", range(6))
def test_patterns_sit_where_the_cancers_sit(seed: int) -> None:
    suv = drawn_body() * 5.0
    suv += np.abs(np.random.default_rng(seed).normal(0, 0.02, suv.shape)).astype(np.float32) * (suv > 0)
    trunk = 400 - 60
    result, mask = insert_lesion(suv, np.random.default_rng(seed), kind="breast cancer", unit=Unit.SUV)
    rows, columns = np.nonzero(mask)
    upper = (rows > 60 + 0.2 * trunk) & (rows < 60 + 0.55 * trunk)
    lateral = np.abs(columns - 200) > 22
    assert (upper & lateral).any()
    side = np.sign(columns[upper & lateral] - 200)
    assert abs(side.mean()) > 0.9  # one breast and its armpit
    assert result[mask].max() > 2.5

    _, mask = insert_lesion(suv, np.random.default_rng(seed), kind="prostate cancer", unit=Unit.SUV)
    rows, columns = np.nonzero(mask)
    below = (rows > 408) & (rows < 435) & (np.abs(columns - 203) < 25)
    assert below.any()
    assert not (rows < 60 + 0.40 * trunk).any()


def test_hounsfield_and_suv_canvases() -> None:
    chest = phantom("chest-ct", 5, "normal").series.pixels[0]
    result, mask = insert_lesion(chest, np.random.default_rng(2), kind="lung malignant", unit=Unit.HU)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result[~mask], chest[~mask])
    assert chest[mask].mean() < -300
    assert result[mask].max() > 0
    suv = phantom("pet", 5, "no cancer", picture=False).series.pixels[0]
    result, mask = insert_lesion(suv, np.random.default_rng(2), kind="breast cancer", unit=Unit.SUV)
    np.testing.assert_array_equal(result[~mask], suv[~mask])
    assert result[mask].mean() > suv[mask].mean() + 0.5


def test_inserted_tissue_is_as_rough_as_the_image() -> None:
    chest = canvas("lung malignant", 8)
    result, mask = insert_lesion(chest, np.random.default_rng(4), kind="lung malignant", unit=Unit.GREY)
    inner = cv2.erode(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert inner.sum() > 20
    rough = result.astype(np.float32) - cv2.GaussianBlur(result.astype(np.float32), (0, 0), 1.5)
    tissue = cv2.erode(((chest > 200) & (chest < 235)).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    reference = chest.astype(np.float32) - cv2.GaussianBlur(chest.astype(np.float32), (0, 0), 1.5)
    assert 0.3 < rough[inner].std() / reference[tissue].std() < 3.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_blank_image_is_refused(kind: str) -> None:
    blank = np.full((200, 200), 255 if CANVAS[kind][0] == "pet" else 0, np.uint8)
    with pytest.raises(ContractError) as caught:
        insert_lesion(blank, np.random.default_rng(0), kind=kind, unit=Unit.GREY)
    assert caught.value.remedy


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        insert_lesion(np.zeros((8, 8)), np.random.default_rng(0), kind="wart", unit=Unit.GREY)
    with pytest.raises(ValueError, match="height, width"):
        insert_lesion(np.zeros((1, 8, 8)), np.random.default_rng(0), kind="brain tumour", unit=Unit.GREY)
