"""Tables of a case report: what was read, what each model says, sizes, opinions, pedigree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reportlab.platypus import Flowable

from core.engine.words import caveats, counted, metric, probability, short
from core.reports.pdf.charts import bar
from core.reports.pdf.page import WIDTH, grid, moment, words
from core.reports.record import (
    CaseRecord,
    EnsemblePart,
    ModelPart,
    OpinionPart,
    PairPart,
    PedigreePart,
    SlicePart,
    StudyPart,
)
from core.weights.card import DataUse

FIGURES = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ece": "calibration error",
    "dice_slice": "Dice by slice",
    "dice_volume_mean": "volume Dice, mean",
    "dice_volume_median": "volume Dice, median",
    "false_mask_rate": "false masks",
}


def facts(record: CaseRecord) -> Flowable:
    """What was read, in two columns of names and values."""
    study, system = record.study, record.system
    spacing = _spacing(study)
    modality = f"{study.modality} {(study.body_part or '').lower()} ({study.source})".replace("  ", " ")
    left = [
        ("Case", study.sha256[:12]),
        ("File", study.name),
        ("Series", study.series),
        ("Modality", modality),
    ]  # fmt: skip
    right = [
        ("System", system.title + (", chosen by the reader" if system.overruled else "")),
        ("Chosen by", system.chosen or "its tags"),
        ("Matrix", f"{study.columns} × {study.rows}, {study.slices} image{'s' if study.slices > 1 else ''}"),
        ("Voxel", spacing),
    ]
    rows = [
        [words(a, "head"), words(b), words(c, "head"), words(d)]
        for (a, b), (c, d) in zip(left, right, strict=True)
    ]  # fmt: skip
    return grid(rows, (52, WIDTH / 2 - 52, 52, WIDTH / 2 - 52), head=False)


def _spacing(study: StudyPart) -> str:
    if study.spacing_mm is None:
        return "spacing unknown: sizes are in pixels"
    between, rows, columns = study.spacing_mm
    if study.uneven:
        return f"{columns:.3g} × {rows:.3g} mm, no one distance between images"
    if study.slices > 1:
        return f"{columns:.3g} × {rows:.3g} mm, {between:.3g} mm between images"
    return f"{columns:.3g} × {rows:.3g} mm"


def answers(record: CaseRecord, index: int) -> Flowable:
    """Every model on one image: probability with threshold, decision, size; or why it is silent."""
    rows: list[Sequence[object]] = [
        ("Model", "Probability of a finding", "", "Threshold", "Decision", "Mask here", "Images with a finding")
    ]
    for model in record.models:
        if not model.slices or model.pedigree is None:
            why = words(f"{model.status}. {model.reason}", "small")
            rows.append(([words(model.title), why], "", "", "", "no answer", "", ""))
            continue
        part, threshold = model.at(index), model.pedigree.threshold.value
        if part is None:
            rows.append(
                (_name(model, record.system.name), words("failed on this image", "small"), "", "", "no answer", "", "")
            )
            continue
        found = sum(p.decision == "finding" for p in model.slices)
        decision = record.system.finding if part.decision == "finding" else record.system.clear
        sign = "▲" if part.decision == "finding" else "▽"
        rows.append(
            (
                _name(model, record.system.name),
                [bar(part.finding, threshold), *_classes(part), *_triage(record, model, index)],
                words(probability(part.finding), "strong"),
                f"{threshold:.2f}",
                words(f"{sign} {decision}", "strong"),
                _mask(model, part),
                f"{found} of {len(model.slices)}",
            )
        )
    if record.ensemble is not None:
        rows.append(_together(record, record.ensemble, index))
    return grid(rows, (122, 94, 40, 52, 84, 64, WIDTH - 456))


def _together(record: CaseRecord, found: EnsemblePart, index: int) -> Sequence[object]:
    """The row of the mean of the models that vote."""
    titles = {m.name: short(m.title) for m in record.models}
    auc = found.metrics.get("auc")
    quality = f"test AUC {metric(auc, record.system.name)}" if auc else "no test figure"
    name = [words("Ensemble"), words(f"mean of {', '.join(titles[n] for n in found.members)}; {quality}", "small")]
    value, decision = found.finding[index], found.decisions[index]
    if value is None:
        return name, words("a member failed on this image", "small"), "", "", "no answer", "", ""
    said = record.system.finding if decision == "finding" else record.system.clear
    sign = "▲" if decision == "finding" else "▽"
    return (
        name,
        [bar(value, found.threshold)],
        words(probability(value), "strong"),
        f"{found.threshold:.2f}",
        words(f"{sign} {said}", "strong"),
        "–",
        f"{found.decisions.count('finding')} of {len(found.decisions)}",
    )


def both_modalities(record: CaseRecord) -> list[Flowable]:
    """What PET and MR, and PET and CT, say together about the most suspicious slice, or why that is not told."""
    return [*_fused(record, record.pair, "MR"), *_fused(record, record.pair_ct, "CT")]


def _fused(record: CaseRecord, found: PairPart | None, beside: str) -> list[Flowable]:
    if found is None:
        return []
    other = found.ct if beside == "CT" else found.mr
    if found.finding is None or found.threshold is None or found.pet is None or other is None:
        return [words(f"PET and {beside} together: not here. {found.reason}")]
    said = record.system.finding if found.decision == "finding" else record.system.clear
    auc = found.metrics.get("auc")
    worth = f" Test AUC {metric(auc, record.system.name)} on pairs of slices." if auc else ""
    assumed = " The files do not say that both series share one space." if found.assumed else ""
    return [
        words(
            f"PET and {beside} together on image {found.slice}: {said}, probability {probability(found.finding)}, "
            f"threshold {found.threshold:.2f} (PET alone {probability(found.pet)}, {beside} alone "
            f"{probability(other)}); the other slice is image {found.other_slice} of {found.other_series}, "
            f"{found.distance_mm or 0:.1f} mm away."
            f"{worth}{assumed}"
        )
    ]


def _name(model: ModelPart, system: str) -> list[Flowable]:
    out: list[Flowable] = [words(model.title)]
    if model.pedigree is not None:
        auc = model.pedigree.metrics.get("auc")
        quality = "no test figure"
        if auc:
            quality = "; ".join([f"test AUC {metric(auc, system)}", *caveats(auc, system, model.pedigree.data)])
        out.append(words(f"version {model.pedigree.version}; {quality}", "small"))
    return out


def _classes(part: SlicePart) -> list[Flowable]:
    each = part.calibrated
    if len(each) <= 2:
        return []
    return [words(", ".join(f"{name} {value:.2f}" for name, value in each.items()), "small")]


def _triage(record: CaseRecord, model: ModelPart, index: int) -> list[Flowable]:
    """The conformal set, on the slice it was made for."""
    found = model.triage
    if found is None or index != record.most_suspicious_slice - 1:
        return []
    left = " or ".join(found.classes) or "no class fits"
    return [words(f"{found.level:.0%} set: {left}", "small")]


def _mask(model: ModelPart, part: SlicePart) -> str:
    if part.mask_pixels is None:
        return "–" if not model.reason else model.reason
    if part.mask_withheld:
        return "withheld: its gate does not say yes"
    if part.mask_pixels == 0:
        return "none"
    return area(part.mask_area_mm2, part.mask_pixels)


def area(mm2: float | None, pixels: int) -> str:
    """An area in the unit that is known."""
    return f"{pixels:,} pixels" if mm2 is None else f"{mm2:,.0f} mm² ({mm2 / 100:.1f} cm²)"


def sizes(record: CaseRecord) -> Flowable | None:
    """Area on the most suspicious image, largest area and where, volume; ``None`` without masks."""
    drawn = [m for m in record.models if m.mask_voxels is not None and m.slices]
    if not drawn:
        return None
    rows: list[Sequence[object]] = [
        ("Model", f"Area on image {record.most_suspicious_slice}", "Largest area", "Images with a mask", "Volume")
    ]
    for model in drawn:
        here = model.at(record.most_suspicious_slice - 1)
        largest = max(model.slices, key=lambda p: p.mask_pixels or 0)
        count = sum(bool(p.mask_pixels) for p in model.slices)
        rows.append(
            (
                short(model.title),
                "no answer" if here is None else area(here.mask_area_mm2, here.mask_pixels or 0),
                f"{area(largest.mask_area_mm2, largest.mask_pixels or 0)}, image {largest.slice}"
                if count
                else "no mask",
                f"{count} of {len(model.slices)}",
                _volume(record, model),
            )
        )
    return grid(rows, (110, 100, 130, 70, WIDTH - 410))


def _volume(record: CaseRecord, model: ModelPart) -> str:
    if model.mask_volume_ml is not None:
        return f"{model.mask_volume_ml:,.1f} ml"
    if record.study.slices < 2:
        return "a single image has no volume"
    why = record.study.uneven if record.study.spacing_mm is not None else "spacing unknown"
    return f"{model.mask_voxels or 0:,} pixels in all images ({why})"


def opinions(record: CaseRecord) -> list[Flowable]:
    """Opinions in the order of locking, and what changed."""
    rows: list[Sequence[object]] = [
        ("Reader", "Opinion", "Answer", "Confidence", "Reading time", "Locked at", "Marks, comment")
    ]
    for o in record.opinions:
        rows.append(
            (
                str(o.reader),
                {
                    "blind": "blind, before the models were shown",
                    "final": "final, after",
                    "open": "open, models in sight",
                }.get(o.stage, o.stage),
                _said(record, o),
                f"{o.confidence} %",
                f"{o.seconds:.0f} s",
                moment(o.locked_at),
                "; ".join(filter(None, (f"{o.marks} mark{'s' if o.marks != 1 else ''}" if o.marks else "", o.comment))),
            )
        )
    out: list[Flowable] = [grid(rows, (38, 88, 84, 56, 50, 82, WIDTH - 398))]
    for change in record.changes:
        if change.finding_changed or change.label_changed:
            towards = {True: ", towards the models", False: ", away from the models", None: ""}[change.towards_models]
            text = f"Reader {change.reader} changed the answer after the models were shown{towards}"
        else:
            text = f"Reader {change.reader} kept the answer after the models were shown"
        out.append(words(f"{text}; confidence {change.confidence_change:+d} points."))
    return out


def _said(record: CaseRecord, o: OpinionPart) -> str:
    said = record.system.finding if o.finding else record.system.clear
    return f"{said} ({o.label})" if o.label and o.label != said else said


def _baseline(figures: Mapping[str, float]) -> str:
    """Figures of a baseline, written as a model's are: the ends of an interval behind the figure that it is of."""
    told = []
    for key, value in figures.items():
        if key.endswith(("_low", "_high")):
            continue
        ends = [figures.get(f"{key}_{end}") for end in ("low", "high")]
        interval = f" ({ends[0]:.3f} to {ends[1]:.3f})" if ends[0] is not None and ends[1] is not None else ""
        told.append(f"{FIGURES.get(key, key.replace('_', ' '))} {value:.3f}{interval}")
    return ", ".join(told)


def pedigree(model: ModelPart, part: PedigreePart, system: str) -> Flowable:
    """Where a model's numbers come from."""
    t = part.threshold
    interval = f" ({t.low:.3f} to {t.high:.3f})" if t.low is not None and t.high is not None else ""
    groups = f", {counted(t.groups, system)}" if t.groups else ""
    figures = [f"{word} {metric(part.metrics[name], system)}" for name, word in FIGURES.items() if name in part.metrics]
    beside = [f"{name}: {_baseline(each)}" for name, each in part.baselines.items()]
    rows: list[tuple[str, str]] = [
        ("Version", f"{part.version}, {part.architecture}, trained {part.trained} ({part.recipe})"),
        ("Threshold", f"{t.value:.3f}{interval}: {t.rule}; chosen on {t.data}, n = {t.n}{groups}"),
        ("Calibration", f"temperature {part.temperature:.3f}{_promise(model, system)}"),
        *([("Answer", part.averaged)] if part.averaged else []),
        *(("Data", _data(used, system)) for used in part.data),
        ("On the test part", "; ".join(figures) or "no figure"),
        *([("Baselines there", "; ".join(beside))] if beside else []),
    ]
    if part.published:
        rows.append(("Published", part.published))
    rows.append(("Intended use", part.intended_use))
    rows += [("Limit", limit) for limit in part.limits]
    rows.append(("Weights", f"SHA-256 {part.weights_sha256}"))
    return grid([(words(a, "head"), words(b, "small")) for a, b in rows], (76, WIDTH - 76), head=False)


def _promise(model: ModelPart, system: str) -> str:
    found = model.triage
    if found is None:
        return ""
    cases = ", ".join(f"{n} {name}" for name, n in found.calibration_cases.items())
    within = counted(found.calibration_groups, system)
    short = f"; too few to promise that for {' and '.join(found.too_few_for)}" if found.too_few_for else ""
    return f"; {found.level:.0%} conformal sets by class from {cases} in the validation part ({within}){short}"


def _data(used: DataUse, system: str) -> str:
    groups = f", test {counted(used.groups['test'], system)}" if "test" in used.groups else ""
    simulated = f", {used.simulated_share:.0%} of training simulated" if used.simulated_share else ""
    return (
        f"{used.name}: {used.train:,} training, {used.validation:,} validation, {used.test:,} test images{groups}; "
        f"split {used.split_fingerprint[:16]}{simulated}; {used.licence}"
    )
