"""What a review carries reaches every file without being put together again: ensemble, pair, triage; and its schema."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import jsonschema
import numpy as np
import pypdf
import pytest

from core.engine.pair import Pair, PairAnswer
from core.imaging.places import Partner
from core.imaging.study import Modality
from core.reports import schema
from core.reports.build import record_of
from core.reports.case import CaseReport
from core.reports.files import case_csv, case_json
from core.reports.pdf import case_pdf
from core.weights.card import Threshold
from core.weights.fusion import Fusion
from tests.reports import kit

RULE = Fusion(
    pet="pet",
    other="mr",
    versions={"pet": "3", "mr": "5"},
    weights_sha256={"pet": "a" * 64, "mr": "b" * 64},
    other_weight=0.5,
    threshold=Threshold(value=0.4, rule="fixed", data="none", n=7),
    metrics={},
    differences={},
    date="2026-01-01",
)


@pytest.fixture(scope="module")
def report() -> CaseReport:
    made = kit.case(kit.mr_files())
    pair = Pair(made.review.peak, Partner(0, 3, 1.25, assumed=True), PairAnswer(0.9, 0.2, 0.73, RULE))
    return replace(made, review=replace(made.review, stored=kit.stored(made.review), pair=pair))


def test_the_mean_of_the_models_that_vote_is_in_every_file(report: CaseReport) -> None:
    mean = np.mean([r.finding for r in report.review.results if r.finding is not None], 0)
    found = record_of(report).ensemble
    assert found is not None
    assert found.finding == pytest.approx(mean)
    assert found.members == ("unet", "resunet", "resnet50")
    expected = ["finding" if p >= found.threshold else "clear" for p in mean]
    assert list(found.decisions) == expected
    assert found.metrics["auc"].n == 60
    rows = [r for r in csv.DictReader(io.StringIO(case_csv(report))) if r["model"] == "ensemble"]
    assert [float(r["probability_finding"]) for r in rows] == pytest.approx(mean)
    assert [r["decision"] for r in rows] == expected
    text = " ".join(" ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(case_pdf(report))).pages).split())
    assert "Ensemble mean of U-Net, Residual U-Net, ResNet" in text
    assert (
        "PET and MR together on image 3: tumour, probability 0.73, threshold 0.40 (PET alone 0.90, MR alone 0.20)"
        in text
    )


@pytest.mark.parametrize("change", [{"weights_sha256": "c" * 64}, {"version": "2"}])
def test_an_ensemble_is_of_the_very_versions_that_answered(report: CaseReport, change: dict[str, str]) -> None:
    stored = dict(report.review.stored)
    other = stored["unet"].card.model_copy(update=change)
    stored["unet"] = replace(stored["unet"], card=other)
    found = replace(report.review, stored=stored).ensemble
    assert found is not None
    assert found.ensemble.members == ("resunet", "resnet50")
    only_one = {"resnet50": stored["resnet50"], "unet": stored["unet"]}
    assert replace(report.review, stored=only_one).ensemble is None


def test_triage_of_every_model_is_in_the_record(report: CaseReport) -> None:
    told = {m.name: m.triage for m in record_of(report).models}
    found = report.review.triage(report.review.peak)
    assert set(found) == set(told)
    for name, part in told.items():
        assert part is not None
        assert (part.classes, part.level) == (found[name].classes, 0.9)


def test_pet_and_ct_stand_beside_pet_and_mr(report: CaseReport) -> None:
    rule = RULE.model_copy(update={"beside": Modality.CT, "other": "ct", "versions": {"pet": "3", "ct": "1"}})
    pair = Pair(report.review.peak, Partner(0, 5, 0.5, assumed=False), PairAnswer(0.9, 0.3, 0.8, rule))
    both = replace(report, review=replace(report.review, pair_ct=pair))
    record = record_of(both)
    assert record.pair is not None
    assert record.pair_ct is not None
    assert (record.pair.mr, record.pair.ct) == (0.2, None)
    assert (record.pair_ct.mr, record.pair_ct.ct, record.pair_ct.finding) == (None, 0.3, 0.8)
    text = " ".join(" ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(case_pdf(both))).pages).split())
    assert (
        "PET and CT together on image 3: tumour, probability 0.80, threshold 0.40 (PET alone 0.90, CT alone 0.30)"
        in text
    )
    assert "PET and MR together on image 3" in text
    assert both.review.withheld().pair_ct is None


def test_a_place_without_a_partner_says_why(report: CaseReport) -> None:
    none = replace(report.review, pair=Pair(report.review.peak, reason="PET does not reach this slice."))
    part = record_of(replace(report, review=none)).pair
    assert part is not None
    assert (part.decision, part.finding, part.reason) == (None, None, "PET does not reach this slice.")


def test_nothing_of_it_is_left_while_the_gate_holds_back(report: CaseReport) -> None:
    held = report.review.withheld()
    assert (held.ensemble, held.pair, held.triage(0), held.votes) == (None, None, {}, ())
    assert held.pedigree.keys() == {"unet", "resunet", "resnet50"}


def test_the_published_schema_is_that_of_the_code_and_a_record_meets_it(report: CaseReport) -> None:
    published = json.loads(schema.FILE.read_text(encoding="utf-8"))
    assert published == json.loads(json.dumps(schema.schema())), "run: python -m core.reports.schema"
    jsonschema.Draft202012Validator.check_schema(published)
    check = jsonschema.Draft202012Validator(published, format_checker=jsonschema.FormatChecker())
    content = json.loads(case_json(report))
    check.validate(content)
    plain = json.loads(case_json(kit.case(kit.mr_files())))  # without ensemble and pair
    check.validate(plain)
    for wrong in ({"schema_version": "1.0"}, {"patient": "x"}, {"ensemble": {"members": 3}}, {"agreement": None}):
        assert not check.is_valid(content | wrong), wrong


def test_a_mean_is_not_told_where_a_member_failed(report: CaseReport) -> None:
    first, *rest = report.review.results
    assert first.finding is not None
    finding = first.finding.copy()
    finding[1] = np.nan
    failed = replace(report, review=replace(report.review, results=(replace(first, finding=finding), *rest)))
    found = record_of(failed).ensemble
    assert found is not None
    assert (found.finding[1], found.decisions[1]) == (None, None)
    assert [p is None for p in found.finding].count(True) == 1
    rows = [r for r in csv.DictReader(io.StringIO(case_csv(failed))) if r["model"] == "ensemble"]
    assert "2" not in {r["slice"] for r in rows}
