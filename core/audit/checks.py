"""What an audit looked for, line by line: the same lines for the page and for the data card."""

from __future__ import annotations

from dataclasses import dataclass

from core.audit.report import AuditReport


@dataclass(frozen=True)
class Check:
    """One line: what was looked for, what was found, of how many, and whether it speaks against the set."""

    what: str
    found: str
    of: int
    fault: bool


def counts(numbers: dict[str, int]) -> str:
    """``benign 3, malignant 4``."""
    return ", ".join(f"{name} {count}" for name, count in numbers.items()) or "none"


def checks(report: AuditReport) -> tuple[Check, ...]:
    """Copies, leaks and conflicts of a set.

    A fault is what makes figures on the set flatter or contradict themselves: copies across parts or groups, near
    copies across parts, groups in several parts, identical pictures with different labels.
    """
    extra = report.pictures - report.distinct
    copied = f"{extra} ({counts(report.copied)})"
    found = [Check("identical pictures beyond the first of each", copied, report.pictures, False)]
    for part, labels in report.parts.items():
        copies = report.copies_across_parts.get(part, {})
        text = f"{sum(copies.values())} ({counts(copies)})"
        what = f"pictures of {part} with an identical copy in another part"
        found.append(Check(what, text, sum(labels.values()), bool(copies)))
    if report.copies_across_groups is not None:
        number = report.copies_across_groups
        found.append(
            Check("pictures with an identical copy in another group", f"{number}", report.pictures, number > 0)
        )
    for near in report.near:
        sides = f"; {counts(near.by_side)}" if near.by_side else ""
        between = {"parts": "between parts", "groups": "between groups", "pictures": "anywhere"}[near.between]
        what = f"near copies {between} ({near.method})"
        text = f"{near.pictures} pictures in {near.pairs} pairs{sides}"
        found.append(Check(what, text, report.pictures, near.pairs > 0 and near.between != "pictures"))
    clusters = "clusters when all near copies are joined"
    found.append(Check(clusters, f"{report.near_clusters}", report.pictures, False))
    flat = "pictures without contrast, left out of the near copies"
    found.append(Check(flat, f"{report.flat}", report.pictures, False))
    if report.leaking_groups is not None:
        leaking = report.leaking_groups
        what = "groups with pictures in more than one part"
        found.append(Check(what, f"{leaking}", report.groups or 0, leaking > 0))
    if report.mixed_groups is not None:
        what = "groups with more than one label"
        found.append(Check(what, f"{report.mixed_groups}", report.groups or 0, False))
    text = f"{report.conflicts} ({report.conflict_pictures} pictures)"
    found.append(Check("identical pictures with different labels", text, report.distinct, report.conflicts > 0))
    return tuple(found)
