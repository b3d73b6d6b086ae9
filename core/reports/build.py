"""From a review to its record: one place where a report's numbers come from, for PDF, CSV and JSON alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np

from core.engine import agreement, measure
from core.engine.certainty import between
from core.engine.ensemble import EnsembleAnswer
from core.engine.pair import Pair
from core.engine.results import Decision, HeatMap, ModelResult
from core.engine.triage import Sorted
from core.engine.vote import Vote
from core.imaging.study import Modality, Series
from core.reports import figures
from core.reports.case import NOTICE, SOFTWARE, SOFTWARE_VERSION, CaseReport, OpinionLine
from core.reports.record import (
    CaseRecord,
    ChangePart,
    EnsemblePart,
    FlagPart,
    GatePart,
    HeatMapPart,
    ModelPart,
    OpinionPart,
    PairPart,
    PedigreePart,
    SlicePart,
    StudyPart,
    SystemPart,
    TriagePart,
    VotePart,
)
from core.statistics import Interval
from core.systems.published import published
from core.weights.card import Metric, ModelCard


def record_of(report: CaseReport) -> CaseRecord:
    """The record of a case, with its content hash."""
    review, declared = report.review, report.declared
    triaged = review.triage(review.peak)
    return CaseRecord(
        software=f"{SOFTWARE} {SOFTWARE_VERSION}",
        notice=NOTICE,
        generated_at=report.generated_at,
        study=_study(report),
        system=SystemPart(
            name=declared.name,
            title=declared.title,
            scope=declared.scope,
            finding=declared.finding,
            clear=declared.clear,
            licence=declared.licence_note,
            chosen=report.system_reason,
            overruled=report.overruled,
        ),
        shown_slice=report.shown + 1,
        most_suspicious_slice=review.peak + 1,
        window=figures.window_words(report.display, report.series),
        agreement=agreement.sentence(review, review.peak),
        certainty=between(review.vote) if review.votes else "",
        vote=_vote(review.vote, review.peak) if review.votes else None,
        votes=tuple(_vote(vote, index) for index, vote in enumerate(review.votes)),
        ensemble=_ensemble(review.ensemble) if review.ensemble is not None else None,
        pair=_pair(report, review.pair) if review.pair is not None else None,
        pair_ct=_pair(report, review.pair_ct) if review.pair_ct is not None else None,
        gate=_gate(report),
        models=tuple(_model(r, report, triaged) for r in review.results),
        flags=_flags(report),
        heat_maps=tuple(_heat(h) for h in figures.heat_maps(report)),
        drawn=report.drawn,
        opinions=tuple(_opinion(o) for o in report.opinions or ()),
        changes=_changes(report),
    ).hashed()


def _study(report: CaseReport) -> StudyPart:
    study, series = report.study, report.series
    return StudyPart(
        name=study.name,
        sha256=study.sha256,
        source=str(study.source),
        modality=str(series.modality),
        body_part=series.body_part,
        series=series.description,
        series_key=series.key,
        projection=series.projection,
        slices=series.slices,
        rows=series.shape[0],
        columns=series.shape[1],
        spacing_mm=series.spacing,
        uneven=series.uneven,
        unit=str(series.unit),
        simulated=study.simulated,
        notes=series.notes,
        problems=tuple(f"{p.name}: {p.reason}" for p in study.problems),
    )


def _vote(vote: Vote, index: int) -> VotePart:
    return VotePart(
        slice=index + 1,
        decided=None if vote.decided is None else "finding" if vote.decided else "clear",
        tied=vote.tied,
        mean=vote.mean,
        spread=vote.spread,
        finding=tuple(v.model for v in vote.yes),
        clear=tuple(v.model for v in vote.no),
        contradicting=tuple(v.model for v in vote.contradicting),
    )


def _ensemble(found: EnsembleAnswer) -> EnsemblePart:
    of = found.ensemble
    return EnsemblePart(
        members=of.members,
        versions=of.versions,
        threshold=of.threshold.value,
        threshold_rule=of.threshold.rule,
        threshold_images=of.threshold.n,
        finding=tuple(float(p) if math.isfinite(p) else None for p in found.finding),
        decisions=tuple(_word(found.decision(index)) for index in range(len(found.finding))),
        metrics={name: _metric(m) for name, m in of.metrics.items()},
    )


def _metric(figure: Interval) -> Metric:
    """An interval that cannot be computed has no ends."""
    low, high = (end if math.isfinite(end) else None for end in (figure.low, figure.high))
    return Metric(value=figure.value, low=low, high=high, n=figure.n, groups=figure.groups, method=figure.method)


def _pair(report: CaseReport, found: Pair) -> PairPart:
    other, said = found.other, found.answer
    return PairPart(
        slice=found.slice_index + 1,
        reason=found.reason,
        other_series=report.study.series[other.series_index].description if other else None,
        other_slice=other.slice_index + 1 if other else None,
        distance_mm=other.distance if other else None,
        assumed=other.assumed if other else None,
        pet=said.pet if said else None,
        mr=said.other if said and said.rule.beside is Modality.MR else None,
        ct=said.other if said and said.rule.beside is Modality.CT else None,
        finding=said.finding if said else None,
        threshold=said.rule.threshold.value if said else None,
        decision=_word(said.decision) if said else None,
        versions=said.rule.versions if said else {},
        metrics=said.rule.metrics if said else {},
    )


def _word(decision: Decision | None) -> Literal["finding", "clear"] | None:
    return None if decision is None else "finding" if decision is Decision.FINDING else "clear"


def _gate(report: CaseReport) -> GatePart | None:
    verdict = report.review.gate
    if verdict is None:
        return None
    return GatePart(
        state=str(verdict.state),
        overruled=report.review.overruled,
        reasons=tuple(flag.text for flag in verdict.reasons),
        version=verdict.version,
        evidence=verdict.evidence,
        unchecked=verdict.unchecked,
    )


def _model(result: ModelResult, report: CaseReport, triaged: Mapping[str, Sorted]) -> ModelPart:
    state, mask, series = result.state, result.mask, report.series
    classes = state.card.classes if state.card else report.declared.classes
    found = triaged.get(state.name)
    volume = measure.volume_ml(mask, series) if mask is not None else None
    return ModelPart(
        name=state.name,
        title=state.title,
        role=state.role,
        votes=state.name in report.review.heard,
        status=str(state.status),
        reason=state.reason,
        pedigree=_pedigree(state.card) if state.card else None,
        triage=_triage(found) if found is not None else None,
        slices=_slices(result, series, classes),
        failed_slices=tuple(int(i) + 1 for i in np.flatnonzero(~result.answered)),
        mask_voxels=int(np.count_nonzero(mask)) if mask is not None else None,
        mask_volume_ml=volume.value if volume is not None and volume.unit == "ml" else None,
        seconds_per_slice=round(result.seconds, 4),
    )


def _triage(found: Sorted) -> TriagePart:
    return TriagePart(
        says=found.triage.value,
        classes=found.classes,
        level=found.level,
        calibration_cases=found.cases,
        calibration_groups=found.groups,
        too_few_for=found.short,
    )


def _slices(result: ModelResult, series: Series, classes: tuple[str, ...]) -> tuple[SlicePart, ...]:
    if result.finding is None or result.raw is None or result.calibrated is None:
        return ()
    out = []
    for index, finding in enumerate(result.finding):
        if result.failed(index):
            continue
        mask = result.mask[index] if result.mask is not None else None
        area = measure.area_mm2(mask, series) if mask is not None else None
        out.append(
            SlicePart(
                slice=index + 1,
                raw=dict(zip(classes, map(float, result.raw[index]), strict=True)),
                calibrated=dict(zip(classes, map(float, result.calibrated[index]), strict=True)),
                finding=min(max(float(finding), 0.0), 1.0),
                decision=_word(result.decision(index)) or "clear",
                mask_withheld=result.gated is not None and bool(result.gated[index]),
                mask_pixels=int(np.count_nonzero(mask)) if mask is not None else None,
                mask_area_mm2=area.value if area is not None and area.unit == "mm²" else None,
            )
        )
    return tuple(out)


def _pedigree(card: ModelCard) -> PedigreePart:
    return PedigreePart(
        version=card.version,
        architecture=card.architecture,
        weights_sha256=card.weights_sha256,
        threshold=card.threshold,
        temperature=card.temperature,
        averaged=card.averaged,
        mask_threshold=card.mask_threshold if card.role == "segmenter" else None,
        gate=card.gate,
        trained=card.training.date,
        recipe=card.training.recipe,
        data=card.data,
        metrics=card.metrics,
        baselines=card.baselines,
        published=published(card),
        intended_use=card.intended_use,
        limits=card.limits,
    )


def _flags(report: CaseReport) -> tuple[FlagPart, ...]:
    """Warnings of the series, then the disagreements of every slice; heat maps count where the report has them."""
    review = report.review
    out = [FlagPart(slice=None, kind=w.kind, text=w.text) for w in review.warnings]
    for index in range(report.series.slices) if review.ready else ():
        found = agreement.flags(review, index, report.series, report.heat_maps)
        out += [FlagPart(slice=index + 1, kind=f.kind, text=f.text) for f in found]
    return tuple(out)


def _heat(heat: HeatMap) -> HeatMapPart:
    assert heat.values is not None
    row, column = np.unravel_index(int(np.argmax(heat.values)), heat.values.shape)
    empty = heat.peak <= 0
    return HeatMapPart(
        model=heat.model,
        slice=heat.slice_index + 1,
        target=heat.target,
        method=heat.method,
        peak_row=None if empty else int(row),
        peak_column=None if empty else int(column),
    )


def _opinion(line: OpinionLine) -> OpinionPart:
    return OpinionPart(
        stage=line.stage,
        reader=line.reader,
        finding=line.finding,
        label=line.label,
        confidence=line.confidence,
        locked_at=line.locked_at,
        seconds=line.seconds,
        marks=line.marks,
        comment=line.comment,
    )


def _changes(report: CaseReport) -> tuple[ChangePart, ...]:
    lines = report.opinions or ()
    blind = {o.reader: o for o in lines if o.stage == "blind"}
    side = report.review.vote.decided
    out = []
    for final in (o for o in lines if o.stage == "final" and o.reader in blind):
        before = blind[final.reader]
        changed = before.finding != final.finding
        out.append(
            ChangePart(
                reader=final.reader,
                finding_changed=changed,
                label_changed=before.label != final.label,
                confidence_change=final.confidence - before.confidence,
                towards_models=final.finding == side if changed and side is not None else None,
            )
        )
    return tuple(out)
