"""The PDF of a case, read back as text and pictures."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pypdf
import pytest

from core.engine.results import ModelResult, ModelState, ModelStatus
from core.imaging.study import Modality, Unit, Window
from core.reports import figures, fonts
from core.reports.build import record_of
from core.reports.case import CaseReport, OpinionLine
from core.reports.pdf import case_pdf, case_tables
from tests.imaging import builders
from tests.reports import kit

COMMENT = "Größe fraglich: αβγ, Жидкость, naïve façade – „Rand“ ≥ 5 mm"


def pages(data: bytes) -> list[pypdf.PageObject]:
    return list(pypdf.PdfReader(io.BytesIO(data)).pages)


def text_of(data: bytes) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages(data)))


@pytest.fixture(scope="module")
def report() -> CaseReport:
    when = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
    lines = (
        OpinionLine("blind", 3, False, None, 60, when, 42.0, 0, COMMENT),
        OpinionLine("final", 3, True, "tumour", 85, when, 12.0, 2),
    )
    return kit.case(kit.mr_files(), opinions=lines, generated_at=when, window=Window(450.0, 900.0))


@pytest.fixture(scope="module")
def paper(report: CaseReport) -> bytes:
    return case_pdf(report)


def test_every_page_is_numbered_and_says_what_it_is_not(paper: bytes, report: CaseReport) -> None:
    sheets = pages(paper)
    assert len(sheets) >= 3
    for number, sheet in enumerate(sheets, 1):
        words = sheet.extract_text()
        assert f"Page {number} of {len(sheets)}" in words
        assert "Research and teaching only" in words
        assert "2026-03-04 12:30:00 UTC" in words
        assert record_of(report).content_sha256[:16] in words


def test_it_says_what_the_record_says(paper: bytes, report: CaseReport) -> None:
    words, record = text_of(paper), record_of(report)
    assert record.content_sha256 in words.replace(" ", "")
    assert record.agreement in words
    assert "window level 450, width 900" in words.lower()
    assert "0.913 (0.871 to 0.944), n = 321, 17 patients" in words
    assert "Image 3 of 5, the most suspicious one" in words
    assert "Image 1, the one on the reader's screen" in words
    for model in record.models:
        assert model.title.split(",")[0] in words
        assert f"{model.slices[2].finding:.2f}" in words
        assert f"{model.pedigree.threshold.value:.3f}" in words  # type: ignore[union-attr]
        if model.mask_volume_ml is not None:
            assert f"{model.slices[2].mask_area_mm2:,.0f} mm²" in words
            assert f"{model.mask_volume_ml:,.1f} ml" in words
    for flag in record.flags:
        assert flag.text in words


def test_it_says_over_what_an_answer_is_averaged(report: CaseReport) -> None:
    first, *others = report.review.results
    assert first.state.card is not None
    card = first.state.card.model_copy(update={"along": 4, "test_time_flips": ("horizontal",)})
    averaged = replace(first, state=replace(first.state, card=card))
    changed = replace(report, review=replace(report.review, results=(averaged, *others)))
    said = "mean of the slice, its mirror image and the 4 slices on either side in its stack, each read by itself"
    assert said in text_of(case_pdf(changed))
    assert said not in text_of(case_pdf(report))
    parts = [model.pedigree for model in record_of(changed).models]
    assert [part.averaged for part in parts if part is not None] == [said, *[""] * len(others)]


def test_opinions_with_letters_of_every_kind(paper: bytes) -> None:
    words = text_of(paper)
    assert COMMENT in words
    assert "60 %" in words
    assert (
        "Reader 3 changed the answer after the models were shown, towards the models; confidence +25 points." in words
    )


def test_pictures_show_slices_outlines_and_heat_maps(paper: bytes, report: CaseReport) -> None:
    pictures = [image for page in pages(paper) for image in page.images]
    # two key slices, each plain and outlined; a heat map and its scale; a thumbnail for every slice with a finding
    assert len(pictures) >= 2 * 2 + 2 + 3
    colourful = [p for p in pictures if np.ptp(np.asarray(p.image.convert("RGB")).astype(int), axis=-1).max() > 60]
    assert len(colourful) >= 4


def test_nobody_is_named(paper: bytes) -> None:
    words = text_of(paper)
    assert [secret for secret in kit.SECRETS if secret in words] == []


def test_a_picture_without_spacing_is_measured_in_pixels() -> None:
    picture = builders.picture(np.random.default_rng(3).integers(0, 255, (30, 40)).astype(np.uint8))
    words = text_of(case_pdf(kit.case([("brain.png", picture)])))
    assert "spacing unknown" in words
    assert "pixels" in words
    assert "mm²" not in words
    assert "no side marks" in words


def test_models_without_an_answer_are_shown_as_such(report: CaseReport) -> None:
    silent = ModelResult(ModelState("brain-mr", "late", "Late model", "classifier", ModelStatus.MISSING, "Train it."))
    review = replace(report.review, results=(report.review.results[0], silent))
    words = text_of(case_pdf(replace(report, review=review)))
    assert "no weights yet. Train it." in words
    none = replace(report.review, results=(silent,))
    assert "No model of this system has answered." in text_of(case_pdf(replace(report, review=none, heat_maps=())))


@pytest.fixture
def without_dejavu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fonts, "_folders", lambda: ())
    for cached in (fonts.font_files, fonts.pdf_fonts, fonts.picture_font):
        cached.cache_clear()
    from core.reports.pdf import page

    page.styles.cache_clear()
    yield
    monkeypatch.undo()
    for cached in (fonts.font_files, fonts.pdf_fonts, fonts.picture_font, page.styles):
        cached.cache_clear()


@pytest.mark.usefixtures("without_dejavu")
def test_without_dejavu_the_built_in_fonts_write_latin_letters(report: CaseReport) -> None:
    words = text_of(case_pdf(report))
    assert "Größe fraglich" in words
    assert "naïve façade" in words
    assert "mm²" in words


def test_sides_and_scale_follow_the_geometry(report: CaseReport) -> None:
    assert figures.directions(report.series) == ("L", "P")
    turned = np.array(report.series.affine)
    turned[:3, 0] = [0.0, 0.0, -0.5]  # rows run from head to feet
    assert figures.directions(replace(report.series, affine=turned))[0] == "F"
    assert figures.directions(replace(report.series, affine=None)) == ("", "")


def test_window_is_named_when_it_is_a_preset() -> None:
    files = kit.sample_files()
    report = kit.case(files, "chest-ct", window=Window(-600.0, 1500.0))
    assert figures.window_words(report.display, report.series) == "window lung (level -600, width 1500 HU)"
    free = figures.window_words(Window(10.0, 20.0), report.series)
    assert free == "window level 10, width 20 HU"


def test_paper_has_the_polarity_of_its_kind_of_image(report: CaseReport) -> None:
    """What a reader turned around stays on the screen: uptake is dark on white on paper, tissue bright on black."""
    series = report.series
    pixels = np.zeros_like(series.pixels)
    pixels[:, 4:8, 4:8] = 900.0
    hot = replace(series, pixels=pixels, modality=Modality.PT, unit=Unit.SUV)
    bright = replace(series, pixels=pixels)
    for one, spot, ground in ((hot, 0, 255), (bright, 255, 0)):
        study = replace(report.study, series=(one,))
        drawn = figures._drawn(replace(report, study=study, heat_maps=()), 0, min(series.shape))
        scale = drawn.shape[0] / series.shape[0]
        assert drawn[round(6 * scale), round(6 * scale), 0] == pytest.approx(spot, abs=2)
        assert drawn[-3, -3, 0] == pytest.approx(ground, abs=2)


def test_pictures_are_stored_as_bytes_and_not_as_text(paper: bytes) -> None:
    objects = pypdf.PdfReader(io.BytesIO(paper)).pages[0]["/Resources"]["/XObject"].values()  # type: ignore[index]
    filters = [str(one.get_object()["/Filter"]) for one in objects if one.get_object()["/Subtype"] == "/Image"]
    assert filters
    assert not [told for told in filters if "ASCII85" in told]


def test_a_baseline_is_written_as_a_models_figures_are() -> None:
    figures = {"auc": 0.646, "auc_low": 0.5953, "auc_high": 0.7292, "accuracy": 0.612}
    assert case_tables._baseline(figures) == "AUC 0.646 (0.595 to 0.729), accuracy 0.612"
