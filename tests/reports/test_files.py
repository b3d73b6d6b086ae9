"""JSON and CSV of a case: the same numbers as the review, one hash, nothing for a blind case."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from core.engine.results import Flag, GateState, GateVerdict
from core.errors import ReportError
from core.reports.build import record_of
from core.reports.case import CaseReport, OpinionLine
from core.reports.files import case_csv, case_json
from core.reports.record import CaseRecord
from core.weights.predictions import from_frame
from tests.imaging import builders
from tests.reports import kit

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def opinion(stage: str, finding: bool, confidence: int, reader: int = 3, label: str | None = None) -> OpinionLine:
    return OpinionLine(stage, reader, finding, label, confidence, NOON, 42.0, 1, "near the ventricle")


@pytest.fixture(scope="module")
def report() -> CaseReport:
    return kit.case(kit.mr_files())


def test_json_reads_back_as_it_was_written(report: CaseReport) -> None:
    record = CaseRecord.model_validate_json(case_json(report))
    assert record == record_of(report)
    assert record.schema_version == "2.2"
    unet = record.models[0]
    result = report.review.results[0]
    assert [p.finding for p in unet.slices] == pytest.approx(list(result.finding))  # type: ignore[arg-type]
    voxel = 3.0 * 0.5 * 0.75  # as the files say
    assert unet.mask_volume_ml == pytest.approx(int(result.mask.sum()) * voxel / 1000)  # type: ignore[union-attr]
    assert unet.slices[2].mask_area_mm2 == pytest.approx(int(result.mask[2].sum()) * 0.375)  # type: ignore[index]
    assert unet.pedigree is not None
    assert (unet.pedigree.metrics["auc"].n, unet.pedigree.metrics["auc"].low) == (321, 0.871)
    assert record.heat_maps[0].peak_row == 6
    assert record.heat_maps[0].peak_column == 9


def test_the_schema_refuses_what_it_does_not_know(report: CaseReport) -> None:
    content = json.loads(case_json(report))
    with pytest.raises(ValidationError):
        CaseRecord.model_validate(content | {"patient": "x"})
    with pytest.raises(ValidationError):
        CaseRecord.model_validate(content | {"schema_version": "1.0"})


def test_the_hash_covers_the_content_and_not_the_hour(report: CaseReport) -> None:
    content = json.loads(case_json(report))
    sealed = {k: v for k, v in content.items() if k not in ("content_sha256", "generated_at")}
    text = json.dumps(sealed, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert content["content_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    later = record_of(replace(report, generated_at=NOON))
    assert later.content_sha256 == content["content_sha256"]
    assert later.intact
    content["models"][0]["slices"][0]["finding"] = 0.5
    assert not CaseRecord.model_validate(content).intact


def test_csv_has_the_numbers_of_the_json(report: CaseReport) -> None:
    record = record_of(report)
    rows = list(csv.DictReader(io.StringIO(case_csv(report))))
    assert len(rows) == 3 * 5 * 2  # models, slices, classes
    for row in rows:
        model = next(m for m in record.models if m.name == row["model"])
        part = model.slices[int(row["slice"]) - 1]
        assert float(row["probability_calibrated"]) == part.calibrated[row["class"]]
        assert float(row["probability_finding"]) == part.finding
        assert row["decision"] == part.decision
        assert row["content_sha256"] == record.content_sha256
        assert row["test_n"] == "321"
        if model.role == "segmenter":
            assert (int(row["mask_pixels"]), row["mask_area_unit"]) == (part.mask_pixels, "mm²")
    apart = [row for row in rows if row["slice"] == "1" and row["model"] == "unet"]
    assert "no tumour seen" in apart[0]["flags"]  # one model says tumour there, the other does not


def test_csv_says_what_a_figure_without_an_error_is_worth(report: CaseReport) -> None:
    first, *others = report.review.results
    card = first.state.card
    assert card is not None
    perfect = card.model_copy(update={"metrics": {"auc": card.metrics["auc"].model_copy(update={"value": 1.0})}})
    changed = replace(first, state=replace(first.state, card=perfect))
    review = replace(report.review, results=(changed, *others))
    told = {
        row["model"]: row["test_caveats"]
        for row in csv.DictReader(io.StringIO(case_csv(replace(report, review=review))))
        if row["test_auc"]
    }
    assert told.pop(first.state.name) == "reads as perfect: 321 images of 17 patients cannot promise that"
    assert set(told.values()) == {""}


def test_without_spacing_sizes_are_pixels() -> None:
    picture = builders.picture(np.random.default_rng(3).integers(0, 255, (30, 40)).astype(np.uint8))
    report = kit.case([("brain.png", picture)])
    record = record_of(report)
    assert record.study.spacing_mm is None
    assert record.models[0].slices[0].mask_area_mm2 is None
    assert record.models[0].mask_volume_ml is None
    row = next(r for r in csv.DictReader(io.StringIO(case_csv(report))) if r["model"] == "unet")
    assert (row["mask_area_unit"], row["mask_area"]) == ("pixels", row["mask_pixels"])


def test_opinions_and_the_change_of_mind(report: CaseReport) -> None:
    lines = (opinion("blind", False, 60), opinion("final", True, 85, label="tumour"), opinion("open", True, 90, 4))
    record = record_of(replace(report, opinions=lines))
    assert [(o.reader, o.stage, o.confidence) for o in record.opinions] == [
        (3, "blind", 60),
        (3, "final", 85),
        (4, "open", 90),
    ]
    change = record.changes[0]
    assert (change.reader, change.finding_changed, change.confidence_change) == (3, True, 25)
    assert change.towards_models  # every model says tumour on the most suspicious slice
    away = record_of(replace(report, opinions=(opinion("blind", True, 60), opinion("final", False, 30))))
    assert away.changes[0].towards_models is False
    kept = record_of(replace(report, opinions=(opinion("blind", True, 60), opinion("final", True, 70))))
    assert kept.changes[0].towards_models is None


def test_conformal_sets_travel_with_what_they_rest_on(report: CaseReport) -> None:
    """A finding of 0.73: among 240 clear images some are as likely a tumour, and of 8 tumours nothing is promised."""
    p = np.concatenate([np.linspace(0.01, 0.95, 240), np.linspace(0.6, 0.99, 8)])
    frame = pd.DataFrame({"id": [f"i{n}" for n in range(248)], "group": [f"g{n % 12}" for n in range(248)]})
    frame["split"], frame["truth"], frame["logit_0"] = "validation", [0] * 240 + [1] * 8, np.log(p / (1 - p))
    card = report.review.results[2].state.card
    assert card is not None
    stored = {"resnet50": from_frame(card, frame, "x")}
    sorted_ = replace(report, review=replace(report.review, stored=stored))
    record = record_of(sorted_)
    assert record.models[0].triage is None
    told = record.models[2].triage
    assert told is not None
    assert (told.says, told.calibration_cases["tumour"], told.too_few_for) == ("refer", 8, ("tumour",))
    assert told.calibration_groups == 12
    rows = list(csv.DictReader(io.StringIO(case_csv(sorted_))))
    assert {row["conformal_set"] for row in rows if row["model"] == "resnet50"} == {"90%: no tumour or tumour"}
    assert {row["conformal_set"] for row in rows if row["model"] == "unet"} == {""}


def test_a_blind_case_gets_no_report(report: CaseReport) -> None:
    with pytest.raises(ReportError, match="blind"):
        replace(report, opinions=())


def test_a_stopped_image_gets_no_report_until_overruled(report: CaseReport) -> None:
    verdict = GateVerdict(GateState.STOPPED, (Flag("photo", "It looks like a photo."),))
    stopped = replace(report.review, gate=verdict)
    with pytest.raises(ReportError, match="gate"):
        replace(report, review=stopped)
    record = record_of(replace(report, review=stopped.shown(overruled=True)))
    assert record.gate is not None
    assert (record.gate.state, record.gate.overruled) == ("stopped", True)
    held = record_of(replace(report, review=stopped.shown(overruled=False), heat_maps=()))
    assert all(m.slices == () for m in held.models)


def test_answers_of_another_series_are_refused(report: CaseReport) -> None:
    with pytest.raises(ReportError, match="another series"):
        replace(report, review=replace(report.review, series_key="other"))
