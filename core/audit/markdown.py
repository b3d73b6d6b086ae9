"""The audit report as Markdown."""

from __future__ import annotations

import math

from core.audit.checks import checks, counts
from core.audit.report import AuditReport


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _figure(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "undefined"


def _copies(report: AuditReport) -> list[str]:
    lines = [_row("check", "found", "of"), _row("---", "---", "---")]
    return lines + [_row(check.what, check.found, check.of) for check in checks(report)]


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
    parts = "; ".join(f"{part} {sum(labels.values())} ({counts(labels)})" for part, labels in report.parts.items())
    return "\n".join(
        [
            f"{report.pictures} pictures, {report.distinct} distinct, {groups}. Labels: {counts(report.labels)}. "
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
