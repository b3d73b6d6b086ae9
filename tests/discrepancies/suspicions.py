"""Answers of models whose errors are known."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from core.discrepancies.ranking import BASE_STRENGTH, CaseEvidence, Settings

PLAIN = Settings(cleanlab=False)
HALF_OF_BASE = BASE_STRENGTH / 2


def made(
    seed: int, *, patients: int = 40, images: int = 15, models: int = 3, skill: float = 1.6, one: bool = False
) -> CaseEvidence:
    """Models of the same skill whose errors are alike within an image and a patient; labels all right."""
    rng = np.random.default_rng(seed)
    groups = np.repeat([f"P{k:02d}" for k in range(patients)], images)
    truth = np.repeat(rng.random(patients) < 0.5, images) if one else rng.random(patients * images) < 0.4
    shared = rng.normal(size=len(truth)) + 0.5 * np.repeat(rng.normal(size=patients), images)
    p = {}
    for m in range(models):
        z = np.where(truth, skill, -skill) + 0.8 * shared + 0.6 * rng.normal(size=len(truth))
        p[f"model {m}"] = expit(1.5 * z)
    return CaseEvidence([f"{g}/{k}" for k, g in enumerate(groups)], groups.tolist(), truth, p)
