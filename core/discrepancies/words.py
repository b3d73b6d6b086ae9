"""Why a case stands where it stands on the list, in one or two plain sentences."""

from __future__ import annotations

import numpy as np

from core.discrepancies.ranking import MASK, PATIENT, Discrepancies

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
    if found.images[row] > 1:
        clauses.append(_patient(found, row))
    if found.trust[row] < 1:
        clauses.append(f"unlike the images the models know, so its own evidence counts {found.trust[row]:.0%}")
    return f"Recorded: {said}. {_capital('; '.join(c for c in clauses if c))}."


def _models(found: Discrepancies, row: int, recorded: bool, said: str, other: str) -> str:
    answered, finding = int(found.answered[row]), int(found.says_finding[row])
    if not answered:
        return "no model answered"
    against = answered - finding if recorded else finding
    level = f"mean probability of a finding {found.finding[row]:.2f}"
    if answered == 1:
        return f"the model says {other if against else said} ({level})"
    if against in (0, answered):
        return f"all {answered} models say {other if against else said} ({level})"
    return f"{against} of {answered} models say {other} ({level})"


def _masks(found: Discrepancies, row: int, recorded: bool) -> list[str]:
    pixels = [float(np.asarray(v, dtype=np.float64)[row]) for v in found.evidence.mask_pixels.values()]
    drawn = [value > 0 for value in pixels if not np.isnan(value)]
    parts = [float(v[row]) for name, v in found.parts.items() if name.startswith(MASK)]
    if not drawn or sum(parts) < LOUD:
        return []
    count = sum(drawn) if not recorded else len(drawn) - sum(drawn)
    return [f"{count} of {len(drawn)} segmenters outline {'nothing' if recorded else 'something'}"]


def _patient(found: Discrepancies, row: int) -> str:
    share = f"{found.contradicting[row]} of the patient's {found.images[row]} images contradict their labels"
    patient = float(found.parts[PATIENT][row])
    most = 2 * found.contradicting[row] > found.images[row]
    if most and patient > LOUD:
        return f"{share}, which raises the suspicion"
    if most and patient < -LOUD:
        return f"{share}, but less clearly than this one"
    if not most and patient < -LOUD:
        return f"{share}, which lowers the suspicion"
    return share


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
