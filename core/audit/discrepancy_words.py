"""Why a case stands where it stands on the list, in one or two plain sentences."""

from __future__ import annotations

import numpy as np

from core.audit.discrepancies import CLEANLAB, MASK, Discrepancies

LOUD = 0.4  # nats: a part smaller than this (odds of 1.5) is not worth a clause


def sentence(found: Discrepancies, row: int, finding: str = "a finding", clear: str = "no finding") -> str:
    """Say why a case is, or is not, suspected.

    Args:
        found: the ranking. row: the case's row in its evidence.
        finding, clear: the system's words for a label with and without a finding.
    """
    evidence = found.evidence
    recorded = bool(np.asarray(evidence.recorded)[row])
    said, other = (finding, clear) if recorded else (clear, finding)
    clauses = [_models(found, row, recorded, said, other), *_masks(found, row, recorded)]
    size = int(np.sum(np.asarray(evidence.groups, dtype=str) == str(evidence.groups[row])))
    if size > 1:
        against = round(float(found.contradicting[row]) * size)
        clauses.append(_patient(found, row, against, size))
    if found.trust[row] < 1:
        clauses.append(f"unlike the images the models know, so its own evidence counts {found.trust[row]:.0%}")
    return f"Recorded: {said}. {_capital('; '.join(c for c in clauses if c))}."


def _models(found: Discrepancies, row: int, recorded: bool, said: str, other: str) -> str:
    p = [float(np.asarray(v, dtype=np.float64)[row]) for v in found.evidence.probabilities.values()]
    answers = [value >= 0.5 for value in p if not np.isnan(value)]
    if not answers:
        return "no model answered"
    against = sum(a != recorded for a in answers)
    level = f"mean probability of a finding {found.finding[row]:.2f}"
    if len(answers) == 1:
        return f"the model says {other if against else said} ({level})"
    if against in (0, len(answers)):
        return f"all {len(answers)} models say {other if against else said} ({level})"
    return f"{against} of {len(answers)} models say {other} ({level})"


def _masks(found: Discrepancies, row: int, recorded: bool) -> list[str]:
    pixels = [float(np.asarray(v, dtype=np.float64)[row]) for v in found.evidence.mask_pixels.values()]
    drawn = [value > 0 for value in pixels if not np.isnan(value)]
    parts = [float(v[row]) for name, v in found.parts.items() if name.startswith(MASK)]
    if not drawn or sum(parts) < LOUD:
        return []
    count = sum(drawn) if not recorded else len(drawn) - sum(drawn)
    return [f"{count} of {len(drawn)} segmenters outline {'nothing' if recorded else 'something'}"]


def _patient(found: Discrepancies, row: int, against: int, size: int) -> str:
    share = f"{against} of the patient's {size} images contradict their labels"
    patient = float(found.parts["patient"][row])
    if patient > LOUD:
        return f"{share}, which raises the suspicion"
    if patient < -LOUD:
        return f"{share}, which lowers it"
    return share


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def strongest(found: Discrepancies, row: int) -> tuple[str, float]:
    """Name and size (nats) of the part that speaks most for a wrong label, the prior aside."""
    parts = {name: float(v[row]) for name, v in found.parts.items() if name not in ("prior", CLEANLAB)}
    name = max(parts, key=lambda key: parts[key])
    return name, parts[name]
