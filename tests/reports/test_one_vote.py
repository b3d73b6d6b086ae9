"""One vote wherever it is told: page, PDF, JSON, CSV, archive score, worklist and change of mind say the same."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pypdf
import pytest

from core.engine.results import ModelResult, ModelState, ModelStatus, Review
from core.imaging import read
from core.imaging.study import Study
from core.reports.case import CaseReport, OpinionLine
from core.reports.files import case_csv, case_json
from core.reports.pdf import case_pdf
from core.review import Mode, Stage, Store
from core.review.archives import Against, Installed, rank, worklist
from core.review.archives.scoring import scores_of
from core.systems import SYSTEMS
from core.weights.card import ModelCard
from dashboard.review import agreement
from tests.imaging.builders import picture
from tests.review.casebook import archive, case, lock
from tests.review.conftest import made_sqlite, sqlite_store  # noqa: F401 (fixtures)

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
PIXELS = np.random.default_rng(3).integers(0, 255, (40, 40)).astype(np.uint8)

MODELS = {
    "chest-ct": ("densenet121", "densenet121-subtypes", "resnet50", "efficientnet-b0", "efficientnet-b0-subtypes"),
    "pet": ("unet", "resnet34", "inception-three-class"),
}


@dataclass(frozen=True)
class Told:
    """What is expected of one case: which shipped models call it a finding, and what the house says of that.

    Attributes:
        yes: models at 0.01 above their thresholds; the others are as far below.
        headline: of the page. reason: on the worklist, behind what is recorded ("no finding").
        decided: what most votes say, ``None`` for a tie. towards: whether a reader who came to a finding moved
            towards the models.
    """

    system: str
    yes: tuple[str, ...]
    headline: str
    reason: str
    decided: bool | None
    towards: bool | None
    against: Against
    votes: tuple[int, int]
    without: tuple[str, ...] = ()


CHEST = Told(
    "chest-ct",
    ("resnet50", "densenet121-subtypes", "efficientnet-b0-subtypes"),
    "1 of 3 models says malignant lesion; DenseNet-121 and EfficientNet-B0 say no malignant lesion seen. DenseNet-121 "
    "with attention (four classes) and EfficientNet-B0 (four classes), of other classes, say malignant "
    "lesion.",
    "1 of 3 models says malignant lesion (0.54, 0.50, 0.47). DenseNet-121 with attention (four classes) and "
    "EfficientNet-B0 (four classes), of other classes, say malignant lesion.",
    False,
    False,
    Against.AGREES,
    (1, 3),
)
PET = Told(
    "pet",
    ("unet", "resnet34"),
    "Not all agree: InceptionResNetV2, of other classes, says no suspicious uptake seen. Both models "
    "that vote say uptake suspicious of cancer.",
    "InceptionResNetV2, of other classes, says no suspicious uptake seen. Both models say uptake "
    "suspicious of cancer (0.38, 0.16).",
    True,
    True,
    Against.MISSED,
    (2, 2),
)
TIE = Told(
    "chest-ct",
    ("densenet121", "densenet121-subtypes", "efficientnet-b0-subtypes"),
    "The models are split: 1 of 2 models says malignant lesion; ResNet-50 says no malignant lesion seen. DenseNet-121 "
    "with attention (four classes) and EfficientNet-B0 (four classes), of other classes, say "
    "malignant lesion.",
    "The models are split: 1 of 2 models says malignant lesion (0.52, 0.45). DenseNet-121 with attention (four "
    "classes) and EfficientNet-B0 (four classes), of other classes, say malignant lesion.",
    None,
    None,
    Against.SPLIT,
    (1, 2),
    without=("efficientnet-b0",),
)
CASES = pytest.mark.parametrize("told", [CHEST, PET, TIE], ids=["chest", "pet", "tie"])


def cards(told: Told) -> dict[str, ModelCard]:
    """The shipped cards of the case's models, in the system's order."""
    folder = ROOT / "weights" / told.system
    names = [name for name in MODELS[told.system] if name not in told.without]
    return {name: ModelCard.load(folder / name / "card.json") for name in names}


def result(card: ModelCard, *, yes: bool) -> ModelResult:
    """An answer close to the model's threshold, spread over its classes."""
    value = card.threshold.value + (0.01 if yes else -0.01)
    share = [value / len(card.positive) if n in card.positive else 0.0 for n in card.classes]
    rest = (1 - value) / (len(card.classes) - len(card.positive))
    p = np.array([[s or rest for s in share]])
    title = next(s.title for s in SYSTEMS[card.system].models if s.name == card.name)
    state = ModelState(card.system, card.name, title, card.role, ModelStatus.READY, card=card)
    mask = np.ones((1, *PIXELS.shape), bool) if card.role == "segmenter" else None
    return ModelResult(state, p, p, np.array([value]), mask)


def review(told: Told, study: Study) -> Review:
    results = [result(c, yes=name in told.yes) for name, c in cards(told).items()]
    return Review(study.sha256, told.system, study.series[0].key, tuple(results), peak=0)


@pytest.fixture(scope="module")
def study() -> Study:
    return read([("scan.png", picture(PIXELS))])


def report(told: Told, study: Study) -> CaseReport:
    blind = OpinionLine("blind", 3, False, None, 60, NOON, 42.0)
    final = replace(blind, stage="final", finding=True)
    return CaseReport(study, 0, review(told, study), shown=0, opinions=(blind, final), generated_at=NOON)


@CASES
def test_the_page(told: Told, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(agreement.st, "html", drawn.append)
    agreement.show(review(told, study), 0, SYSTEMS[told.system])
    page = drawn[0].split("or-sentence'>")[1].split("<")[0]
    assert page == told.headline
    yes, count = told.votes
    assert (drawn[0].count("or-vote yes"), drawn[0].count("class='or-vote")) == (yes, count + 2)  # + the two frames


@CASES
def test_the_json(told: Told, study: Study) -> None:
    content = json.loads(case_json(report(told, study)))
    assert content["agreement"] == told.headline
    side = {True: "finding", False: "clear", None: None}[told.decided]
    assert (content["vote"]["decided"], content["vote"]["tied"]) == (side, told.decided is None)
    assert (len(content["vote"]["finding"]), len(content["vote"]["clear"])) == (
        told.votes[0],
        told.votes[1] - told.votes[0],
    )
    assert content["changes"][0]["towards_models"] is told.towards
    assert {m["name"] for m in content["models"] if m["votes"]} == {
        name for name, card in cards(told).items() if len(card.classes) == 2
    }


@CASES
def test_the_csv(told: Told, study: Study) -> None:
    rows = list(csv.DictReader(io.StringIO(case_csv(report(told, study)))))
    assert {row["vote"] for row in rows} == {{True: "finding", False: "clear", None: "split"}[told.decided]}


@CASES
def test_the_paper(told: Told, study: Study) -> None:
    reader = pypdf.PdfReader(io.BytesIO(case_pdf(report(told, study))))
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    assert told.headline in text
    assert (", towards the models" in text) is (told.towards is True)
    assert (", away from the models" in text) is (told.towards is False)


@CASES
def test_the_archive(told: Told, study: Study, sqlite_store: Store, tmp_path: Path) -> None:  # noqa: F811
    """Scores, worklist and change of mind of one case."""
    store, models = sqlite_store, Installed(told.system, cards(told), tmp_path)
    reader = store.local_user().number or 0
    found = case(store, archive(store, mode=Mode.SECOND_READER), system=told.system)
    assert found.id is not None
    scores = scores_of(review(told, study), found.id, models)
    assert {s.model for s in scores if s.details["votes"]} == {
        n for n, c in models.cards.items() if len(c.classes) == 2
    }
    store.save_scores(scores)
    lock(store, found.id, reader, finding=False)
    lock(store, found.id, reader, Stage.FINAL, finding=True)
    change = store.change_of_mind(found.id, reader)
    assert change is not None
    assert change.towards_models is told.towards
    rank(store, found.archive_id, models)
    row = worklist(store, found.archive_id, models, reader).rows[0]
    assert (row.decided, row.against) == (told.decided, told.against)
    assert row.reason == f"Recorded: {SYSTEMS[told.system].classes[0]}. {told.reason}"


@CASES
def test_scores_from_before_votes_were_kept(told: Told, study: Study, sqlite_store: Store, tmp_path: Path) -> None:  # noqa: F811
    store, models = sqlite_store, Installed(told.system, cards(told), tmp_path)
    reader = store.local_user().number or 0
    found = case(store, archive(store), system=told.system)
    scores = scores_of(review(told, study), found.id or 0, models)
    for score in scores:
        score.details = {k: v for k, v in score.details.items() if k != "votes"}
    store.save_scores(scores)
    lock(store, found.id, reader, finding=False)
    lock(store, found.id, reader, Stage.FINAL, finding=True)
    change = store.change_of_mind(found.id or 0, reader)
    assert change is not None
    assert change.towards_models is told.towards
