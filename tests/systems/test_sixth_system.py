"""A sixth system is one module, one recipe, one data card and weights: everything else takes it as it is."""

from __future__ import annotations

import csv
import importlib
import json
import sys
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import core.systems
from core.audit.datacards import read_card
from core.engine.engine import Engine
from core.engine.warn import series_warnings
from core.evidence import load, summary
from core.evidence.timing import time_model
from core.imaging import Study, read
from core.imaging.study import Modality, Unit
from core.reports.case import CaseReport
from core.reports.files import case_csv, case_json
from core.reports.record import CaseRecord
from core.review import Mode, Store
from core.review.archives import ImportOptions, begin_import, begin_scoring, need_models, wait, worklist
from core.simulate import phantom
from core.systems import SYSTEMS, match
from core.systems.catalogue import discover, forget
from dashboard.dataset import data as dataset_data
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine as page_engine
from trainers.__main__ import app as command

PAGES = Path(__file__).resolve().parents[2] / "dashboard" / "pages"
NAME, SET, PATIENTS = "toy-disc", "toy-discs", 12

MODULE = '''
"""Toy: bright discs on waves."""

import numpy as np

from core.imaging.study import Modality, Unit
from core.simulate import Drawing, Order, Phantom
from core.simulate.phantom import drawn_series
from core.systems.declaration import DataSet, ModelSlot, ScanKind, System


def draw(rng: np.random.Generator, order: Order) -> Phantom:
    y, x = np.mgrid[:48, :48]
    waves = 60 + 25 * np.sin(x / 5 + rng.uniform(0, 6)) * np.cos(y / 6 + rng.uniform(0, 6))
    pixels = waves + rng.normal(0, 2, (order.slices, 48, 48))
    far = np.hypot(y - rng.uniform(14, 34), x - rng.uniform(14, 34)) - (6 if order.hard else 9)
    blob = order.label == "blob"
    truth = np.broadcast_to((far < 0) & blob, pixels.shape).copy()
    pixels += blob * 120 / (1 + np.exp(far / 2))  # sharp edges would look like those of tiles to the gate
    series = drawn_series(pixels, "Simulated disc", truth, unit=Unit.GREY, modality=Modality.CT, body_part="TOYBOX",
                          value_range=(0.0, 255.0))
    return Phantom(series, order.label, truth, "A disc, or none.")


def warn(series):
    return (("long", "Toys are single pictures."),) if series.slices > 1 else ()


SYSTEM = System(
    name="toy-disc", title="Toy discs", summary="Discs in a box.", modalities=frozenset({Modality.CT}),
    body_parts=("TOYBOX",), projection="slice", classes=("no disc", "disc"), positive=("disc",), finding="disc",
    clear="no disc seen", scope="Discs only.",
    models=(ModelSlot("tiny", "Tiny U-Net", "resunet", "segmenter", gate="tiny"),), licence_note="Made in a test.",
    finding_words=("blob", "round thing"), clear_words=("clear",),
    sets=(DataSet("toy-discs", "CC0", {"clear": 0, "blob": 1}),), scans=(ScanKind("toy picture", ("toy",)),),
    warn=warn, drawing=Drawing(labels=("clear", "blob"), draw=draw, modality=Modality.CT, body_part="TOYBOX"),
)
'''

RECIPE = """
system: toy-disc
model: tiny
title: Tiny U-Net
architecture: resunet
role: segmenter
classes: [no disc, disc]
positive: [disc]
gate: tiny
contract: {channels: 1, height: 48, width: 48, scaling: z-score}
data: [{name: toy-discs, labels: {clear: 0, blob: 1}, simulated_share: 0.2}]
split: {seed: 1, validation: 0.25, test: 0.25}
loss: {image: cross-entropy, mask: tversky+bce}
epoch_images: 48
epochs: 3
batch: 8
lr: 3.0e-3
average: 0.5
monitor: auc
intended_use: tests
storage: float32
"""

CARD = """# toy-discs: discs

| | |
|---|---|
| licence | CC0 |
| system | `toy-disc` |

## How to lay it out

`index.csv` with `image`, `mask`, `label`, `patient`.
"""


@dataclass(frozen=True)
class Toy:
    """Where the sixth system's set and weights lie."""

    root: Path
    weights: Path

    @property
    def pictures(self) -> Path:
        return self.root / SET


def _write_set(folder: Path) -> None:
    folder.mkdir(parents=True)
    rows = []
    for number in range(PATIENTS * 4):
        label = ("clear", "blob")[number % 2]
        drawn = phantom(NAME, number, label)
        image, mask = f"{number:03d}.png", f"{number:03d}-m.png" if label == "blob" else ""
        cv2.imwrite(str(folder / image), drawn.series.pixels[0].astype(np.uint8))
        if mask:
            cv2.imwrite(str(folder / mask), drawn.truth[0].astype(np.uint8) * 255)
        rows.append((image, mask, label, f"P{number // 4:02d}"))
    with (folder / "index.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([("image", "mask", "label", "patient"), *rows])


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """The system, declared by one module file and trained from one recipe by the ordinary command."""
    folder = tmp_path_factory.mktemp("toy")
    for name, text in (("systems/toy_disc.py", MODULE), ("toy.yaml", RECIPE), (f"cards/{SET}.md", CARD)):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    core.systems.__path__.append(str(folder / "systems"))
    importlib.invalidate_caches()
    discover()
    try:
        _write_set(folder / "data" / SET)
        made = Toy(folder / "data", folder / "weights")
        arguments = ["train", "--recipe", folder / "toy.yaml", "--data", made.root, "--weights", made.weights]
        _run(*arguments, "--runs", folder / "runs", "--accelerator", "cpu", "--threads", "1")
        yield made
    finally:
        core.systems.__path__.remove(str(folder / "systems"))
        sys.modules.pop("core.systems.toy_disc", None)
        forget(NAME)


def _run(*arguments: object) -> None:
    done = CliRunner().invoke(command, [str(a) for a in arguments])
    assert done.exit_code == 0, (done.output, done.exception)


def _study(toy: Toy, name: str = "001.png") -> Study:
    """A picture of the set as an upload, with the tags that a DICOM file of it would have."""
    study = read([(name, (toy.pictures / name).read_bytes())])
    series = replace(study.series[0], modality=Modality.CT, body_part="TOYBOX", unit=Unit.GREY)
    return replace(study, series=(series,))


def test_it_stands_after_the_others_and_its_card_is_read(toy: Toy) -> None:
    assert list(SYSTEMS)[-1] == NAME
    card = read_card(SET, toy.root.parent / "cards")
    assert card is not None
    assert card.system == NAME
    assert f"Simulated: {SYSTEMS[NAME].title}" in {source.title for source in dataset_data.sources()}


def test_an_upload_is_matched_reviewed_and_reported(toy: Toy) -> None:
    found = match(_study(toy))
    assert (found.system, found.certain) == (NAME, True)
    engine = Engine(toy.weights)
    (state,) = engine.states(NAME)
    assert state.card is not None
    assert (state.card.data[0].licence, state.card.data[0].simulated_share) == ("CC0", 0.2)
    review = engine.review(_study(toy), NAME, 0)
    assert [r.state.name for r in review.ready] == ["tiny"]
    record = CaseRecord.model_validate_json(case_json(CaseReport(_study(toy), 0, review, 0)))
    assert (record.system.name, record.system.finding) == (NAME, "disc")
    assert NAME in case_csv(CaseReport(_study(toy), 0, review, 0))
    stack = replace(_study(toy).series[0], pixels=np.repeat(_study(toy).series[0].pixels, 2, 0))
    assert "Toys are single pictures." in [flag.text for flag in series_warnings(SYSTEMS[NAME], stack, None)]


def test_it_is_evaluated_on_a_folder(toy: Toy, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    _run("evaluate", "--system", NAME, "--data", toy.pictures, "--weights", toy.weights, "--json", out)
    result = json.loads(out.read_text())
    assert result["left_out_training_pictures"] > 0
    assert 0 < result["n"] < PATIENTS * 4
    assert result["models"]["tiny"]["auc"] > 0.8  # a bright disc on waves


def test_evidence_is_drawn_from_its_predictions(toy: Toy) -> None:
    evidence = load(toy.weights / NAME / "tiny")
    table = summary.performance([evidence], "test")
    assert table.rows[0].kind == "model"
    assert table.rows[0].figures["auc"].value > 0.8
    assert time_model(toy.weights / NAME / "tiny", repeats=1).median_ms > 0


def test_an_archive_is_scored_and_listed(toy: Toy, tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    try:
        actor = store.local_user().number or 0
        archive = store.add_archive(actor, "toys", mode=Mode.OPEN).id or 0
        options = ImportOptions(system=NAME)
        run = wait(store, begin_import(store, actor, archive, toy.pictures, options, anywhere=True))
        assert run.state == "done", run.message
        engine = Engine(toy.weights)
        scored = wait(store, begin_scoring(store, engine, actor, archive, NAME))
        assert scored.state == "done", scored.message
        rows = worklist(store, archive, need_models(engine, NAME), actor).rows
        assert len(rows) == PATIENTS * 4
        assert {row.recorded_label for row in rows} == {"disc", "no disc"}  # "blob" and "clear" in the index
        assert [row.case_id for row in rows if not row.answers] == []
        assert [row.rank for row in rows[:3]] == [1, 2, 3]
    finally:
        store.close()


@pytest.fixture
def store(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty store, and the pages set on it and on the toy's weights."""
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(toy.weights))
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / "store"))
    page_engine.clear()
    yield tmp_path / "store"
    page_engine.clear()


def test_the_review_page_shows_its_answer(toy: Toy, store: Path) -> None:
    study = _study(toy)
    case = OpenCase(study=study, match=match(study), system=NAME, series_index=0)
    app = AppTest.from_file(str(PAGES / "review.py"), default_timeout=120)
    app.session_state["cases"], app.session_state["case"] = OrderedDict({case.key: case}), case.key
    app.session_state["person"] = Store.open(str(store)).local_user()
    app.run()
    assert case.job is not None
    case.job.join(60)
    app.run()
    assert not app.exception
    shown = "\n".join(str(node.proto) for node in app.main if node.proto is not None)
    assert "Tiny U-Net" in shown


@pytest.mark.parametrize("page", ["models", "evidence"])
def test_models_and_evidence_offer_it(store: Path, page: str) -> None:
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120).run()
    if page == "evidence":
        app.selectbox(key="evidence-system").set_value(NAME).run()
    assert not app.exception
    shown = "\n".join(str(node.proto) for node in app.main if node.proto is not None)
    assert "Tiny U-Net" in shown
