"""Simulated scans: the same by seed, with measurable lesions, real units and a scanner's noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, stats

from core.imaging.study import Modality, Unit
from core.simulate import DRAWINGS, phantom
from core.simulate.fields import ct_noise, rician, smooth

CLEAR = ("normal", "no tumour", "no cancer")
POSITIVE = [(system, label) for system, drawing in DRAWINGS.items() for label in drawing.labels if label not in CLEAR]
NEGATIVE = [
    ("brain-mr", "no tumour"),
    ("chest-ct", "normal"),
    ("pet", "no cancer"),
    ("mr-pet", "no tumour"),
    ("brain-type", "no tumour"),
]


def contrast_to_noise(image: np.ndarray, mask: np.ndarray, gap: int = 2, width: int = 5) -> float:
    """Lesion against the ring around it, in standard deviations of the ring (robust)."""
    near = ndimage.binary_dilation(mask, iterations=gap)
    ring = ndimage.binary_dilation(mask, iterations=gap + width) & ~near
    spread = stats.median_abs_deviation(image[ring], scale="normal")
    return float(abs(np.median(image[mask]) - np.median(image[ring])) / max(spread, 1e-6))


@pytest.mark.parametrize("system", list(DRAWINGS))
def test_the_seed_decides_every_pixel(system: str) -> None:
    first, again, other = phantom(system, 5), phantom(system, 5), phantom(system, 6)
    assert first.label == again.label
    np.testing.assert_array_equal(first.series.pixels, again.series.pixels)
    np.testing.assert_array_equal(first.truth, again.truth)
    same_shape = first.series.pixels.shape == other.series.pixels.shape
    assert not same_shape or not np.array_equal(first.series.pixels, other.series.pixels)


@pytest.mark.parametrize(("system", "label"), POSITIVE)
@pytest.mark.parametrize("hard", [False, True])
def test_a_finding_has_a_mask(system: str, label: str, hard: bool) -> None:
    for seed in range(2):
        drawn = phantom(system, seed, label, hard)
        assert drawn.label == label
        assert drawn.truth.dtype == bool
        assert drawn.truth.shape == drawn.series.pixels.shape
        assert 4 <= drawn.truth.sum() < 0.75 * drawn.truth.size


@pytest.mark.parametrize(("system", "label"), NEGATIVE)
def test_no_finding_has_an_empty_mask(system: str, label: str) -> None:
    for seed in range(2):
        assert not phantom(system, seed, label).truth.any()


@pytest.mark.parametrize(
    ("system", "label", "least"),
    [
        ("brain-mr", "tumour", 1.0),
        ("chest-ct", "malignant", 2.0),
        ("chest-ct", "benign", 2.0),
        ("breast-mri", "malignant", 1.0),
        ("breast-mri", "benign", 2.0),
        ("pet", "breast cancer", 2.0),
        ("mr-pet", "tumour", 4.0),
        ("brain-type", "meningioma", 1.0),
        ("brain-type", "pituitary tumour", 1.0),
    ],
)
def test_a_plain_lesion_stands_out_and_a_hard_one_less(system: str, label: str, least: float) -> None:
    def measure(hard: bool) -> float:
        values = []
        for seed in range(5):
            drawn = phantom(system, seed, label, hard)
            values.append(contrast_to_noise(drawn.series.pixels[0], drawn.truth[0]))
        return float(np.median(values))

    plain = measure(False)
    assert plain > least
    if system in ("brain-mr", "mr-pet"):
        assert measure(True) < plain


def test_mask_lies_inside_the_body() -> None:
    for seed in range(3):
        brain = phantom("brain-mr", seed, "tumour")
        head = ndimage.binary_fill_holes(ndimage.gaussian_filter(brain.series.pixels[0], 2) > 15)
        assert (brain.truth[0] & head).sum() > 0.97 * brain.truth.sum()
        chest = phantom("chest-ct", seed, "malignant")
        body = ndimage.binary_fill_holes(ndimage.gaussian_filter(chest.series.pixels[0], 1.5) > -400)
        assert (chest.truth[0] & body).sum() > 0.97 * chest.truth.sum()


def test_units_and_ranges() -> None:
    for system in ("brain-mr", "breast-mri", "pet"):
        series = phantom(system, 1).series
        assert series.unit is Unit.GREY
        assert series.value_range == (0.0, 255.0)
        assert 0 <= series.pixels.min() < series.pixels.max() <= 255
        np.testing.assert_array_equal(series.pixels, np.rint(series.pixels))

    chest = phantom("chest-ct", 1, "normal").series
    assert chest.unit is Unit.HU
    pixels = chest.pixels[0]
    assert pixels.min() >= -1024
    # Air outside, aerated lung, soft tissue and bone are where CT has them.
    assert np.median(pixels[:12, 150:170]) == pytest.approx(-1000, abs=40)
    body = ndimage.binary_fill_holes(ndimage.gaussian_filter(pixels, 1.5) > -400)
    lung = ndimage.binary_erosion(body & (ndimage.gaussian_filter(pixels, 1.5) < -600), iterations=4)
    assert -950 < np.median(pixels[lung]) < -780
    soft = pixels[body & (pixels > 0) & (pixels < 120)]
    assert np.median(soft) == pytest.approx(50, abs=20)
    assert np.percentile(pixels[body], 99.5) > 300

    suv = phantom("pet", 1, "no cancer", picture=False).series
    assert suv.unit is Unit.SUV
    assert 4 < suv.pixels.max() < 60
    drawn = phantom("pet", 1).series  # a picture: white where there is no uptake
    assert (drawn.unit, drawn.low_is_bright, drawn.pixels[0, 0, 0] > 200) == (Unit.GREY, False, True)
    leg = phantom("mr-pet", 1, "no tumour", slices=3).series
    assert (leg.unit, leg.modality, leg.slices) == (Unit.SUV, Modality.PT, 3)
    assert 0.3 < np.median(leg.pixels[leg.pixels > 0.3]) < 1.2


def test_the_chest_picture_is_the_lung_window() -> None:
    hounsfield = phantom("chest-ct", 3, "benign").series
    picture = phantom("chest-ct", 3, "benign", picture=True).series
    # Centre -500, width 1500: (HU + 1250) / 1500 * 255.
    by_hand = np.clip((hounsfield.pixels.astype(float) + 1250) / 1500 * 255, 0, 255)
    assert np.abs(by_hand - picture.pixels).max() <= 0.51


def test_both_modalities_of_a_leg_show_one_tumour() -> None:
    for seed in range(2):
        pet = phantom("mr-pet", seed, "tumour", slices=5)
        mr = phantom("mr-pet", seed, "tumour", slices=5, modality="MR")
        assert mr.series.modality is Modality.MR
        places = []
        for drawn in (pet, mr):
            spacing = drawn.series.spacing
            assert spacing is not None
            centre = np.array(ndimage.center_of_mass(drawn.truth[2])) - (np.array(drawn.series.shape) - 1) / 2
            places.append(centre * np.array(spacing[1:]))
        assert np.linalg.norm(places[0] - places[1]) < 5.0  # mm: one PET pixel


def test_a_volume_is_one_body() -> None:
    volume = phantom("brain-mr", 4, "tumour", slices=14).truth[:, :, :]
    assert volume.any(axis=(1, 2)).sum() >= 2
    labels, count = ndimage.label(volume, np.ones((3, 3, 3)))
    largest = np.bincount(labels.ravel())[1:].max()
    assert count >= 1
    assert largest > 0.6 * volume.sum()
    chest = phantom("chest-ct", 2, "normal", slices=4).series.pixels
    neighbours = np.corrcoef(chest[1].ravel(), chest[2].ravel())[0, 1]
    assert neighbours > 0.9


def test_tissue_carries_noise() -> None:
    brain = phantom("brain-mr", 9, "no tumour", slices=3).series.pixels[1]
    inner = ndimage.binary_erosion(ndimage.binary_fill_holes(brain > 15), iterations=30)
    rough = brain - ndimage.gaussian_filter(brain, 2)
    assert rough[inner].std() > 1.5
    chest = phantom("chest-ct", 9, "normal").series.pixels[0]
    tissue = ndimage.binary_erosion((chest > -100) & (chest < 250), iterations=1)
    assert (chest - ndimage.gaussian_filter(chest, 2))[tissue].std() > 8
    pet = phantom("pet", 9, "no cancer").series.pixels[0]
    assert (pet - ndimage.gaussian_filter(pet, 2))[(pet > 190) & (pet < 235)].std() > 3


def test_background_of_a_magnitude_image_is_rayleigh() -> None:
    rng = np.random.default_rng(0)
    values = rician(rng, np.zeros((256, 256), np.float32), 3.0, blur=0.0).ravel()
    assert stats.kstest(values, stats.rayleigh(scale=3.0).cdf).statistic < 0.01
    strong = rician(rng, np.full((256, 256), 90.0, np.float32), 3.0, blur=0.0)
    assert strong.std() == pytest.approx(3.0, rel=0.03)


def test_ct_noise_has_the_ramp_filters_spectrum() -> None:
    noise = ct_noise(np.random.default_rng(1), (256, 256), 0.35)
    power = np.abs(np.fft.fft2(noise)) ** 2
    f = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None, :])

    def band(low: float, high: float) -> float:
        return float(power[(f >= low) & (f < high)].mean())

    # Rises from low frequencies, then rolls off: white or low-pass noise would not.
    assert band(0.15, 0.20) > 3 * band(0.01, 0.03)
    assert band(0.15, 0.20) > 3 * band(0.45, 0.50)
    assert noise.std() == pytest.approx(1.0, abs=1e-3)


def test_soft_step_is_the_cubic_step() -> None:
    got = smooth(np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 9.0], np.float32), 1.0)
    # 3 t^2 - 2 t^3 at t = 0, 0, 0.5, 0.75, 1, 1
    np.testing.assert_allclose(got, [0, 0, 0.5, 0.84375, 1, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"system": "knee"}, "unknown system"),
        ({"system": "pet", "finding": "flu"}, "no finding"),
        ({"system": "brain-mr", "slices": 0}, "slices"),
        ({"system": "mr-pet", "modality": "CT"}, "modality"),
    ],
)
def test_wrong_orders_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        phantom(**{"seed": 1, **arguments})  # type: ignore[arg-type]
