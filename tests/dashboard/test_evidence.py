"""The Evidence page: its numbers, the moving threshold, models without predictions, and the report."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader
from sklearn import metrics as sk
from streamlit.testing.v1 import AppTest

from core.evidence import breakdown, load, summary
from core.evidence.per_class import confusion
from core.statistics import binary_rates
from dashboard.dataset import set_images
from dashboard.evidence import contents, explorer, masks, on_paper, report
from dashboard.evidence import pdf as evidence_pdf
from dashboard.kit import charts as evidence_charts
from dashboard.kit.charts import Chart
from dashboard.kit.engine import engine
from tests.audit.folder import planted
from tests.dashboard import conftest
from tests.evidence import made

PAGE = Path(__file__).resolve().parents[2] / "dashboard" / "pages" / "evidence.py"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write(tmp_path_factory.mktemp("evidence"))


@pytest.fixture
def page(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(weights))
    engine.clear()
    app = AppTest.from_file(str(PAGE), default_timeout=120).run()
    app.selectbox(key="evidence-system").set_value("chest-ct").run()
    yield app
    engine.clear()


def everything(app: AppTest) -> tuple[list[str], str]:
    """Heads of all sections and all that is drawn as HTML, over all tabs."""
    heads, html = [], ""
    for tab in contents.TABS:
        app.session_state[contents.KEY] = tab.name
        app.run()
        assert not app.exception
        assert not app.error
        heads += [head.value for head in app.subheader]
        html += " ".join(str(element.proto.body) for element in app.main.get("html"))
    return heads, html


def test_every_stop_of_the_slider_has_its_numbers(weights: Path) -> None:
    evidence = load(weights / "chest-ct" / "densenet121")
    part = evidence.part("test")
    assert part is not None
    all_of_it = explorer.explored(evidence.sha256, "test", 0.02, part)
    shown = all_of_it.shown
    assert shown["stops"][all_of_it.start] == "0.420"
    assert (shown["stops"][0], shown["stops"][-1], len(shown["stops"])) == ("0.000", "1.000", 201)
    assert len(shown["cells"]) == len(shown["figures"]) == 201
    for threshold in (0.0, 0.42, 0.755):
        at = shown["stops"].index(f"{threshold:.3f}")
        rates = binary_rates(part.truth, part.finding, threshold)
        ppv = 0.02 * rates.sensitivity / (0.02 * rates.sensitivity + 0.98 * (1 - rates.specificity))
        values = [value for value, _ in shown["figures"][at]]
        assert values[:2] == [f"{rates.sensitivity:.3f}", f"{rates.specificity:.3f}"]
        assert values[3] == f"{ppv:.3f}"
        assert [int(count) for count, _, _ in shown["cells"][at]] == [rates.tp, rates.fn, rates.fp, rates.tn]
    table = pd.read_csv(io.StringIO(explorer.csv(all_of_it.points, part)))
    assert table["threshold"].nunique() == 201
    line = table[(table["threshold"] == 0.755) & (table["figure"] == "fn")]
    assert line["value"].tolist() == [binary_rates(part.truth, part.finding, 0.755).fn]


def _count(label: str) -> int:
    found = re.match(r"\*\*([\d,]+)\*\*", label)
    assert found is not None
    return int(found.group(1).replace(",", ""))


def test_a_chosen_cell_lists_its_cases(page: AppTest, weights: Path) -> None:
    part = load(weights / "chest-ct" / "densenet121").part("test")
    assert part is not None
    stop = 120  # of the slider, 0.600
    page.session_state[contents.KEY] = "Threshold"
    page.session_state["cell-overread-chest-ct-test-densenet121"] = ("missed", stop)
    page.run()
    assert [len(frame.value) for frame in page.dataframe] == [binary_rates(part.truth, part.finding, 0.6).fn]
    assert set(page.dataframe[0].value["truth"]) == {"malignant"}
    page.session_state["cell-overread-chest-ct-test-densenet121"] = ("", stop)
    page.run()
    assert len(page.dataframe) == 0


def test_a_click_on_a_cell_of_several_classes_lists_its_cases(page: AppTest, weights: Path) -> None:
    page.session_state[contents.KEY] = "Classes"
    page.selectbox(key="evidence-system").set_value("pet").run()
    part = load(weights / "pet" / "inception-three-class").part("test")
    assert part is not None
    cell = ((part.classes == 1) & (part.calibrated.argmax(axis=1) == 2)).sum()
    button = page.button(key="cell-class-cell-overread-pet-test-inception-three-class-1-2")
    assert _count(button.label) == cell
    button.click().run()
    assert set(page.dataframe[0].value["truth"]) == {"breast cancer"}
    assert len(page.dataframe[0].value) == cell


def address_of(app: AppTest) -> list[str]:
    """System and part in the address; AppTest gives what a page wrote as a list, what a test wrote as it is."""
    return [str(np.atleast_1d(app.query_params[name])[0]) for name in ("system", "part")]


def test_the_address_holds_system_and_part_and_patients_are_called_so(weights: Path, page: AppTest) -> None:
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    app.query_params["system"], app.query_params["part"] = "brain-mr", "validation"
    app.run()
    assert (app.selectbox(key="evidence-system").value, app.session_state["evidence-split"]) == (
        "brain-mr",
        "validation",
    )
    assert address_of(app) == ["brain-mr", "validation"]
    counts = set(
        re.findall(r"([a-z]+), (?:validation|test)</span>", " ".join(one.proto.body for one in app.get("html")))
    )
    assert counts == {"patients"}
    app.selectbox(key="evidence-system").set_value("chest-ct").run()
    assert address_of(app) == ["chest-ct", "validation"]
    app.query_params["system"] = "no such system"
    app.run()
    assert not app.exception
    assert address_of(app) == ["chest-ct", "validation"]


def test_models_without_predictions_and_doubts_are_said(page: AppTest) -> None:
    told = " ".join(e.value for e in page.info)
    assert "EfficientNet" in told
    assert "no evidence yet" in told
    assert any("AUC 0.9990" in e.value for e in page.warning)
    page.selectbox(key="evidence-system").set_value("breast-mri").run()
    assert not page.exception
    assert any("Nothing to show" in e.value for e in page.info)


@pytest.mark.parametrize("system", ["brain-mr", "pet"])
def test_segmenters_and_several_classes_show(page: AppTest, system: str) -> None:
    page.session_state["evidence-system"] = system
    heads, _ = everything(page)
    assert ("Masks against the truth" if system == "brain-mr" else "One class against the rest") in heads


@pytest.mark.parametrize(
    ("system", "wanted"),
    [
        ("breast-mri", {"Two models compared", "Does it work alike everywhere"}),
        ("pet", {"Masks against the truth", "One class against the rest", "Two models compared"}),
        ("mr-pet", {"Does it work alike everywhere", "Two models compared"}),
    ],
)
def test_every_mix_of_models_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, wanted: set[str]
) -> None:
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(made.write_more(tmp_path)))
    engine.clear()
    app = AppTest.from_file(str(PAGE), default_timeout=240)
    app.session_state["evidence-system"] = system
    heads, tables = everything(app)
    assert wanted <= set(heads)
    assert tables.count("Published") >= 4
    engine.clear()


def test_an_image_is_found_in_the_set_its_model_was_tested_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = made.card("chest-ct", "resnet50")
    monkeypatch.setenv("OVERREAD_DATA", str(tmp_path))
    assert set_images.locate(card, "07.png") is None
    planted(tmp_path / "another")
    assert set_images.locate(card, "07.png") is None
    planted(tmp_path / "made")  # the name in the card
    place = set_images.locate(card, "07.png")
    assert place is not None
    found, entry = place
    assert (found.source.folder, entry.name) == (tmp_path / "made", "07.png")
    assert set_images.locate(card, "no such.png") is None
    monkeypatch.delenv("OVERREAD_DATA")
    assert not set_images.available()


def test_the_pdf_holds_the_numbers_of_the_tables(tmp_path: Path) -> None:
    folder = made.write_more(tmp_path) / "pet"
    models = [load(folder / name) for name in ("unet", "resnet34", "inception-three-class")]
    tables = [t for t in (summary.performance(models, "test"), breakdown.one_vs_rest(models, "test")) if t]
    part = models[0].part("test")
    assert part is not None
    charts = [
        evidence_charts.roc(models, "test"),
        evidence_charts.scores(models, part, 0.42),
        evidence_charts.calibration(models, part),
        masks.dice(models, "test"),
        evidence_charts.confusion_matrix(part),
        evidence_charts.one_vs_rest(models[2].parts["test"]),
    ]
    size = masks.bland_altman(models, models[0], "test")
    assert size is not None
    reader = PdfReader(io.BytesIO(evidence_pdf.pdf("PET", "made up", "test", models, tables, [*charts, size])))
    text = " ".join(page.extract_text() for page in reader.pages)
    for table in tables:
        for row in table.rows:
            for figure in row.figures.values():
                assert f"{figure.value:.3f}" in text
    assert "never a diagnosis" in text
    assert sum(len(page.images) for page in reader.pages) == 0  # figures are vector graphics, their words text
    for chart in (*charts, size):
        assert chart.title in text
    counts = confusion(part)
    assert f"truth cancer, {counts[1].sum()}: {counts[1, 0]} called no cancer, {counts[1, 1]} called cancer" in text


def test_figures_of_classes_hold_their_numbers(tmp_path: Path) -> None:
    part = load(made.write_more(tmp_path) / "pet" / "inception-three-class").parts["test"]
    matrix = evidence_charts.confusion_matrix(part).figure.data[0]
    table = confusion(part)
    assert [[int(cell.split("<br>")[0]) for cell in row] for row in matrix.text] == table.tolist()
    np.testing.assert_allclose(matrix.z, table / table.sum(axis=1, keepdims=True))
    lines = [trace for trace in evidence_charts.one_vs_rest(part).figure.data if trace.name and "AUC" in trace.name]
    assert [line.name.split(" (")[0] for line in lines] == list(part.card.classes)
    for k, line in enumerate(lines):
        x, y, _ = sk.roc_curve(part.classes == k, part.calibrated[:, k], drop_intermediate=False)
        np.testing.assert_allclose(np.interp(0.5, line.x, line.y), np.interp(0.5, x, y))
        assert line.name.endswith(f"AUC {sk.roc_auc_score(part.classes == k, part.calibrated[:, k]):.3f}")


def test_a_figure_that_cannot_be_printed_is_not_left_out() -> None:
    chart = Chart("pie", "Pie", go.Figure(go.Pie(values=[1, 2])), "")
    with pytest.raises(ValueError, match="a pie cannot be printed"):
        on_paper.drawing(chart)


def test_the_validation_part_is_marked(page: AppTest) -> None:
    page.segmented_control(key="evidence-split").set_value("validation").run()
    assert not page.exception
    assert any("every figure below flatters" in e.value for e in page.warning)


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += [v or "" for k, v in attrs if k in ("src", "href") and (v or "").startswith("http")]


@pytest.mark.browser
def test_the_report_opens_on_its_own(browser: Browser, weights: Path, tmp_path: Path) -> None:
    models = [load(weights / "chest-ct" / name) for name in ("densenet121", "resnet50")]
    charts = [evidence_charts.roc(models, "test"), evidence_charts.decision(models, "test")]
    text = report.html("Chest CT", "made up", "test", models, [summary.performance(models, "test")], charts)
    assert text.count("plotly.js v") == 1
    parser = _Scripts()
    parser.feed(text)
    assert parser.outside == []
    (tmp_path / "report.html").write_text(text, encoding="utf-8")
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 844})
    opened = context.new_page()
    errors = conftest.watch(opened)
    opened.goto((tmp_path / "report.html").as_uri())
    opened.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=60_000)
    assert opened.locator(".js-plotly-plot").count() == 2
    assert opened.get_by_role("table", name="What the models reach").count() == 1
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    assert errors == []
    context.close()
