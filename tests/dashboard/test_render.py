"""What is drawn: sizes, colours, outlines and words, without a browser."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from core.imaging.render import MODEL_COLOURS
from core.imaging.study import Modality, Series, Unit, Window
from core.preprocessing import windows
from core.reports import figures
from dashboard.kit import controls, render, words
from dashboard.review import downloads
from dashboard.viewer import overlays

GREY = np.full((40, 40), 90, dtype=np.uint8)
DISC = np.hypot(*np.mgrid[-20:20, -20:20]) < 12


def _series(**facts: object) -> Series:
    return Series(key="s", description="s", pixels=np.zeros((1, 20, 40), np.float32), **facts)  # type: ignore[arg-type]


def _count(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(image.astype(int) - colour).sum(axis=2) < 60).sum())


def test_rendered_pixels_are_square_where_acquired_ones_are_not() -> None:
    # 20 rows of 4 mm and 40 columns of 1 mm: 80 mm high, 40 mm wide.
    assert render.display_size(_series(spacing=(1.0, 4.0, 1.0)), 400) == (200, 400)
    assert render.display_size(_series(), 400) == (400, 200)


def test_truth_is_dashed_and_prediction_solid() -> None:
    truth = render.picture(GREY, (400, 400), contours=[render.truth_contour(DISC)])
    prediction = render.picture(GREY, (400, 400), contours=[render.prediction_contour(DISC)])
    dashed, solid = _count(truth, render.TRUTH_COLOUR), _count(prediction, render.PREDICTION_COLOUR)
    assert solid > 2 * np.pi * 115  # at least one pixel all along the circle of 120 screen pixels' radius
    assert 0.35 < dashed / solid < 0.8
    assert _count(truth, render.PREDICTION_COLOUR) == 0


def test_an_empty_mask_and_an_empty_heat_map_leave_the_scan_alone() -> None:
    plain = render.picture(GREY, (80, 80))
    empty = render.prediction_contour(np.zeros((40, 40), bool), fill=0.5)
    assert np.array_equal(render.picture(GREY, (80, 80), contours=[empty]), plain)
    assert np.array_equal(render.picture(GREY, (80, 80), heat=np.zeros((40, 40))), plain)


def test_the_heat_scale_grows_lighter_evenly() -> None:
    lightness = rgb2lab(render.colour_scale(256, 1))[0, :, 0]
    steps = np.diff(lightness[8:])  # the darkest colours are rounded to 8 bits
    assert lightness[-1] - lightness[0] > 90
    assert (steps > -0.5).all()
    assert np.abs(np.convolve(steps, np.ones(16) / 16, "valid") - steps.mean()).max() < 0.25


def test_bright_and_dark_follow_the_format_and_the_custom() -> None:
    assert windows.shown_inverted(_series(unit=Unit.SUV, modality=Modality.PT))  # uptake dark on white
    assert not windows.shown_inverted(_series(unit=Unit.HU, modality=Modality.CT))
    assert windows.shown_inverted(_series(unit=Unit.ARBITRARY, modality=Modality.MR, low_is_bright=True))
    assert windows.shown_inverted(_series(unit=Unit.SUV, modality=Modality.PT, low_is_bright=True))  # both agree
    picture = _series(unit=Unit.GREY, modality=Modality.PT, projection="mip-coronal")
    assert not windows.shown_inverted(picture)  # drawn as it is seen, white for no uptake
    assert windows.shown_inverted(replace(picture, low_is_bright=True))


def test_inverting_twice_gives_the_scan_back() -> None:
    series = Series("s", "s", np.arange(100, dtype=np.float32).reshape(1, 10, 10))
    window = Window(50.0, 100.0)
    plain = controls.grey(series, 0, controls.View(window, False, controls.NONE, 0.5))
    inverted = controls.grey(series, 0, controls.View(window, True, controls.NONE, 0.5))
    assert np.abs(plain.astype(int) + inverted.astype(int) - 255).max() <= 1
    assert plain[0, 0] == 0


def test_downloaded_picture_holds_the_shown_one() -> None:
    shown = render.picture(GREY, (120, 80))
    saved = np.asarray(Image.open(io.BytesIO(downloads.captioned(shown, "slice 1"))))
    assert np.array_equal(saved[:80], shown)
    assert saved[80:].max() > 150  # the line of text below it


@pytest.mark.parametrize(("value", "text"), [(0.0, "<0.01"), (0.004, "<0.01"), (0.126, "0.13"), (1.0, ">0.99")])
def test_probabilities_are_never_rounded_to_certainty(value: float, text: str) -> None:
    assert words.probability(value) == text


def test_titles_are_shortened_only_where_they_stay_different() -> None:
    titles = ["U-Net, small", "ResNet-34, PET only", "ResNet-34, MR only"]
    assert list(words.short_titles(titles).values()) == ["U-Net", "ResNet-34, PET only", "ResNet-34, MR only"]


def test_names_of_files_stay_text() -> None:
    assert words.plain("a_b*[x](y).png") == r"a\_b\*\[x\](y).png"
    assert words.cell("<img src=x onerror='y'>") == "&lt;img src=x onerror=&#x27;y&#x27;&gt;"


def test_truth_result_and_prediction_are_told_apart_by_colour_and_line() -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    kinds = (render.truth_contour(mask), render.ai_result_contour(mask), render.prediction_contour(mask))
    assert len({kind.colour for kind in kinds}) == 3
    shares = []
    for kind in kinds:
        drawn = render.picture(GREY, (400, 400), contours=[kind]).astype(int)
        changed = (drawn != 90).any(-1)
        towards = np.array(kind.colour) - 90
        assert ((drawn[changed] - 90) @ towards > 0).all()  # in its own colour
        shares.append(changed.mean())
    assert shares[1] < shares[0] < shares[2]  # dotted, dashed, solid


def test_a_model_has_one_colour_in_the_viewer_and_on_paper() -> None:
    assert tuple(colour for colour, _ in overlays.LINES) == MODEL_COLOURS
    assert len(set(MODEL_COLOURS)) == len(MODEL_COLOURS) == len(figures.OUTLINE_NAMES)
