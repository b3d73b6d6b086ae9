"""Paper says what the screen says: the same colour a model, the polarity of the format, the mean of the models."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pypdf
import pytest

from core.engine.results import ModelResult, ModelStatus
from core.imaging.study import Window
from core.reports import figures
from core.reports.case import CaseReport
from core.reports.pdf import case_pdf
from dashboard.viewer import overlays
from tests.imaging import builders
from tests.reports import kit

WINDOW = Window(450.0, 900.0)


def files(stored: np.ndarray, interpretation: str) -> list[tuple[str, bytes]]:
    return builders.named(builders.stack(stored, **(kit.PATIENT | {"PhotometricInterpretation": interpretation})))


@pytest.mark.parametrize("window", [WINDOW, Window(300.0, 200.0)])
def test_a_monochrome1_series_is_printed_as_its_twin_in_monochrome2(window: Window) -> None:
    """The same picture stored both ways: in MONOCHROME1 the lowest value is the brightest (PS3.3 C.7.6.3.1.2)."""
    stored = np.random.default_rng(4).integers(0, 901, (3, 24, 32)).astype(np.uint16)
    plain = kit.case(files(stored, "MONOCHROME2"), window=window)
    turned = kit.case(files(900 - stored, "MONOCHROME1"), window=replace(window, centre=900 - window.centre))
    assert turned.series.low_is_bright
    one, other = (figures._drawn(report, 1, 320).astype(int) for report in (plain, turned))
    assert np.ptp(one) > 200
    assert np.abs(one - other).max() <= 1


def test_a_model_has_the_colour_that_it_has_on_the_screen() -> None:
    """A classifier between two outlining models leaves its colour free, there as here."""
    report = kit.case(kit.mr_files(), window=WINDOW)
    unet, resunet, resnet = report.review.results
    mixed = replace(report, review=replace(report.review, results=(unet, resnet, resunet)))
    figure = figures.overlay(mixed, mixed.review.peak)
    pixels = figure.pixels.reshape(-1, 3).astype(int)

    def drawn(number: int) -> bool:
        return bool((np.abs(pixels - overlays.line_of(number)[0]).max(axis=1) <= 2).any())

    assert [drawn(number) for number in range(4)] == [True, False, True, False]
    assert "U-Net: green outline" in figure.caption
    assert "Residual U-Net: pink dotted outline" in figure.caption


def test_along_the_series_a_model_has_its_line_of_the_screen() -> None:
    """Read off the paper: every stroke's colour, width and dashes; under each a wider dark one, for white paper."""
    report = kit.case(kit.mr_files())
    unet, resunet, resnet = report.review.results
    silent = ModelResult(replace(resunet.state, status=ModelStatus.FAILED))
    mixed = replace(report, review=replace(report.review, results=(unet, silent, resnet)))
    strokes = _strokes(case_pdf(mixed))
    width, edge = 1.3, 2.2

    def drawn(number: int, width: float, colour: tuple[float, ...] | None = None) -> bool:
        own, dash = overlays.line_of(number)
        wanted = colour or tuple(round(part / 255, 3) for part in own)
        return (wanted, width, _shares(dash)) in strokes

    assert [drawn(number, width) for number in range(4)] == [True, False, True, False]  # the silent one's stays free
    assert all(drawn(number, edge, (0.11, 0.11, 0.11)) for number in (0, 2))


def _shares(lengths: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(one / sum(lengths), 2) for one in lengths)


def _strokes(paper: bytes) -> set[tuple[tuple[float, ...], float, tuple[float, ...]]]:
    """Colour, width and dashes, as shares of their sum, of every line that is drawn."""
    found, state, kept = set(), {"RG": (0.0,), "w": 1.0, "d": ()}, []
    reader = pypdf.PdfReader(io.BytesIO(paper))
    for page in reader.pages:
        for operands, operator in pypdf.generic.ContentStream(page["/Contents"].get_object(), reader).operations:
            name = operator.decode()
            if name == "q":
                kept.append(dict(state))
            elif name == "Q":
                state = kept.pop()
            elif name == "RG":
                state["RG"] = tuple(round(float(part), 3) for part in operands)
            elif name == "w":
                state["w"] = round(float(operands[0]), 2)
            elif name == "d":
                state["d"] = _shares([float(part) for part in operands[0]])
            elif name in ("S", "s"):
                found.add((state["RG"], state["w"], state["d"]))
    return found


def test_the_mean_of_the_models_is_on_paper_as_on_the_page() -> None:
    report: CaseReport = kit.case(kit.mr_files())
    review = replace(report.review, stored=kit.stored(report.review))
    assert review.ensemble is not None
    paper = pypdf.PdfReader(io.BytesIO(case_pdf(replace(report, review=review))))
    text = " ".join(page.extract_text() for page in paper.pages)
    assert "Ensemble" in text
    assert f"{review.ensemble.finding[review.peak]:.2f}" in text
