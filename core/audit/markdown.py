"""The audit report as Markdown."""

from __future__ import annotations

import math

from core.audit.report import AuditReport


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _figure(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "undefined"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _copies(report: AuditReport) -> list[str]:
    extra = report.pictures - report.distinct
    lines = [
        _row("check", "found", "of"),
        _row("---", "---", "---"),
        _row("identical pictures beyond the first of each", f"{extra} ({_counts(report.copied)})", report.pictures),
    ]
    for part, labels in report.parts.items():
        copies = report.copies_across_parts.get(part, {})
        found = f"{sum(copies.values())} ({_counts(copies)})"
        lines.append(_row(f"pictures of {part} with an identical copy in another part", found, sum(labels.values())))
    if report.copies_across_groups is not None:
        lines.append(
            _row("pictures with an identical copy in another group", report.copies_across_groups, report.pictures)
        )
    for near in report.near:
        sides = f"; {_counts(near.by_side)}" if near.by_side else ""
        between = {"parts": "between parts", "groups": "between groups", "pictures": "anywhere"}[near.between]
        found = f"{near.pictures} pictures in {near.pairs} pairs{sides}"
        lines.append(_row(f"near copies {between} ({near.method})", found, report.pictures))
    lines.append(_row("clusters when all near copies are joined", report.near_clusters, report.pictures))
    lines.append(_row("pictures without contrast, left out of the near copies", report.flat, report.pictures))
    if report.leaking_groups is not None:
        lines.append(_row("groups with pictures in more than one part", report.leaking_groups, report.groups))
    if report.mixed_groups is not None:
        lines.append(_row("groups with more than one label", report.mixed_groups, report.groups))
    conflict = f"{report.conflicts} ({report.conflict_pictures} pictures)"
    lines.append(_row("identical pictures with different labels", conflict, report.distinct))
    return lines


def _shortcuts(report: AuditReport) -> list[str]:
    lines = [
        _row("baseline", "AUC", "95 % interval", "direction", "AUC, each picture once"),
        _row("---", "---", "---", "---", "---"),
        _row("always positive", "0.500", "", f"accuracy {_figure(report.always_positive_accuracy)}", "0.500"),
    ]
    for one in report.shortcuts:
        interval = f"{_figure(one.low)} to {_figure(one.high)}" if math.isfinite(one.low) else "undefined"
        lines.append(_row(one.name, _figure(one.auc), interval, one.direction, _figure(one.distinct_auc)))
    lines.append(_row("all together, logistic, cross-validated by group", _figure(report.combined), "", "", ""))
    return lines


def to_markdown(report: AuditReport) -> str:
    """Markdown section: counts, copies and leaks, shortcuts."""
    groups = "no groups known" if report.groups is None else f"{report.groups} groups"
    parts = "; ".join(f"{part} {sum(labels.values())} ({_counts(labels)})" for part, labels in report.parts.items())
    return "\n".join(
        [
            f"{report.pictures} pictures, {report.distinct} distinct, {groups}. Labels: {_counts(report.labels)}. "
            f"Parts: {parts or 'none given'}.",
            "",
            "**Copies, leaks, conflicts**",
            "",
            *_copies(report),
            "",
            f"**Shortcuts** for {report.positive} ({report.positives} of {report.pictures}); {report.interval_method}.",
            "",
            *_shortcuts(report),
            "",
        ]
    )
