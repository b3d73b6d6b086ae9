"""The record of a case as files: JSON as it is, CSV one row per slice, model and class."""

from __future__ import annotations

from core.csv_cells import rows_csv
from core.engine.words import caveats
from core.reports.build import record_of
from core.reports.case import CaseReport
from core.reports.record import CaseRecord, ModelPart, SlicePart, VotePart

COLUMNS = (
    "study_sha256",
    "system",
    "series",
    "slice",
    "model",
    "version",
    "weights_sha256",
    "status",
    "class",
    "probability_raw",
    "probability_calibrated",
    "probability_finding",
    "threshold",
    "threshold_rule",
    "decision",
    "votes",
    "vote",
    "mask_pixels",
    "mask_area",
    "mask_area_unit",
    "mask_volume_ml",
    "measured_by_reader",
    "test_auc",
    "test_auc_low",
    "test_auc_high",
    "test_n",
    "test_caveats",
    "conformal_set",
    "flags",
    "seconds_per_slice",
    "opinions",
    "generated_at",
    "content_sha256",
    "notice",
)


def case_json(report: CaseReport) -> str:
    """The case as indented JSON; read it back with ``CaseRecord.model_validate_json``."""
    return record_of(report).model_dump_json(indent=1) + "\n"


def case_csv(report: CaseReport) -> str:
    """The case as CSV with full precision: one row per model, slice and class, one row for a model without answer."""
    record = record_of(report)
    rows: list[dict[str, object]] = []
    common = {
        "study_sha256": record.study.sha256,
        "system": record.system.name,
        "series": record.study.series_key,
        "opinions": _opinions(record),
        "generated_at": record.generated_at.isoformat(timespec="seconds"),
        "content_sha256": record.content_sha256,
        "notice": record.notice,
    }
    votes = {v.slice: v for v in record.votes}
    for model in record.models:
        said = common | _model(model, record.system.name)
        if not model.slices:
            rows.append(said)
        for part in model.slices:
            flags = "; ".join(f.text for f in record.flags if f.slice == part.slice)
            drawn = "; ".join(f"{one.kind} {one.words}" for one in record.drawn if one.slice == part.slice)
            together = {"flags": flags, "vote": _vote(votes[part.slice]), "measured_by_reader": drawn}
            for name in part.calibrated:
                rows.append(said | _slice(part) | _class(part, name) | together)
    rows += [common | said for said in _ensemble(record)]
    return rows_csv(COLUMNS, rows)


def _model(model: ModelPart, system: str) -> dict[str, object]:
    row: dict[str, object] = {"model": model.name, "status": model.status, "votes": "yes" if model.votes else "no"}
    if model.pedigree is None:
        return row
    if model.triage is not None:  # of the most suspicious slice
        row["conformal_set"] = f"{model.triage.level:.0%}: {' or '.join(model.triage.classes) or 'no class'}"
    auc = model.pedigree.metrics.get("auc")
    row |= {
        "version": model.pedigree.version,
        "weights_sha256": model.pedigree.weights_sha256,
        "threshold": model.pedigree.threshold.value,
        "threshold_rule": model.pedigree.threshold.rule,
        "mask_volume_ml": "" if model.mask_volume_ml is None else repr(model.mask_volume_ml),
        "seconds_per_slice": model.seconds_per_slice,
    }
    if auc is not None:
        row |= {"test_auc": auc.value, "test_auc_low": auc.low, "test_auc_high": auc.high, "test_n": auc.n}
        row["test_caveats"] = "; ".join(caveats(auc, system, model.pedigree.data))
    return row


def _ensemble(record: CaseRecord) -> list[dict[str, object]]:
    """One row a slice for the mean of the models that vote."""
    found = record.ensemble
    if found is None:
        return []
    facts: dict[str, object] = {
        "model": "ensemble",
        "version": " + ".join(found.versions),
        "status": "ready",
        "votes": "no",
    }
    facts |= {"threshold": found.threshold, "threshold_rule": found.threshold_rule}
    return [
        facts | {"slice": index, "probability_finding": repr(value), "decision": decision}
        for index, (value, decision) in enumerate(zip(found.finding, found.decisions, strict=True), 1)
        if decision is not None
    ]


def _vote(part: VotePart) -> str:
    """All models together: finding, clear or split; empty without a vote."""
    return "split" if part.tied else part.decided or ""


def _slice(part: SlicePart) -> dict[str, object]:
    row: dict[str, object] = {
        "slice": part.slice,
        "probability_finding": repr(part.finding),
        "decision": part.decision,
    }
    if part.mask_pixels is not None:
        known = part.mask_area_mm2 is not None
        row |= {
            "mask_pixels": part.mask_pixels,
            "mask_area": part.mask_area_mm2 if known else part.mask_pixels,
            "mask_area_unit": "mm²" if known else "pixels",
        }
    return row


def _class(part: SlicePart, name: str) -> dict[str, object]:
    return {
        "class": name,
        "probability_raw": repr(part.raw[name]),
        "probability_calibrated": repr(part.calibrated[name]),
    }


def _opinions(record: CaseRecord) -> str:
    return "; ".join(
        f"reader {o.reader} {o.stage}: {'finding' if o.finding else 'no finding'}"
        f"{f' ({o.label})' if o.label else ''}, {o.confidence} %"
        for o in record.opinions
    )
