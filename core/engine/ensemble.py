"""The mean of the models that vote on a system's own question: its threshold from validation, its figures on test.

The one rule for pages and evaluation alike. Calibrated probabilities of a finding are averaged without weights; the
threshold is the best balanced accuracy of that mean on the validation images that all members share.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.engine.decision import Decision, decide
from core.engine.vote import own_question
from core.statistics import Interval, ThresholdChoice, bootstrap_by_group, ranking_past_perfection, roc_auc, thresholds
from core.statistics.operating import operating_point
from core.weights.predictions import Evidence, Part


@dataclass(frozen=True, eq=False)
class Joined:
    """Images of one split that every member answered: ``(N,)`` names, mean probability of a finding, truth, group."""

    ids: np.ndarray
    finding: np.ndarray
    truth: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True, eq=False)
class Ensemble:
    """A system's ensemble.

    Attributes:
        members: names of the models. versions: theirs, in the same order.
        threshold: on the mean, from the shared validation images.
        metrics: on the shared test images with intervals by group; empty when there are none of both classes.
    """

    members: tuple[str, ...]
    versions: tuple[str, ...]
    threshold: ThresholdChoice
    metrics: Mapping[str, Interval]


@dataclass(frozen=True, eq=False)
class EnsembleAnswer:
    """What the ensemble says of a series.

    Attributes:
        ensemble: its members, threshold and figures.
        finding: ``(slices,)`` mean calibrated probability of a finding.
    """

    ensemble: Ensemble
    finding: np.ndarray

    def decision(self, index: int) -> Decision | None:
        """Answer on one slice at the ensemble's threshold; ``None`` where a member's answer is not finite."""
        value = float(self.finding[index])
        return decide(value, self.ensemble.threshold.value) if np.isfinite(value) else None


def answer(findings: Mapping[str, np.ndarray], evidence: Sequence[Evidence]) -> EnsembleAnswer | None:
    """The ensemble of the models that answered; ``None`` with fewer than two, or where they share no validation images.

    Args:
        findings: ``(slices,)`` calibrated probability of a finding, by model.
        evidence: stored predictions of the very weights that answered.
    """
    found = _cached(tuple(e for e in evidence if e.card.name in findings))
    if found is None:
        return None
    return EnsembleAnswer(found, mean_finding([findings[name] for name in found.members]))


def mean_finding(findings: Sequence[np.ndarray]) -> np.ndarray:
    """Unweighted mean ``(N,)`` of calibrated probabilities of a finding."""
    return np.asarray(np.mean(np.stack([np.asarray(f, dtype=np.float64) for f in findings]), axis=0))


def joined(parts: Sequence[Part]) -> Joined | None:
    """The images that all parts hold, each once; ``None`` when they share none of one of the classes, or disagree."""
    rows = [{str(i): n for n, i in reversed(list(enumerate(p.ids)))} for p in parts]
    shared = [i for i in rows[0] if all(i in other for other in rows[1:])]
    if not shared:
        return None
    picks = [np.array([own[i] for i in shared]) for own in rows]
    truth = parts[0].truth[picks[0]]
    if truth.all() or not truth.any():
        return None
    if any((p.truth[pick] != truth).any() for p, pick in zip(parts, picks, strict=True)):
        return None  # the same name with another truth: the predictions are not of one set
    finding = mean_finding([p.finding[pick] for p, pick in zip(parts, picks, strict=True)])
    return Joined(parts[0].ids[picks[0]], finding, truth, parts[0].groups[picks[0]])


def threshold(evidence: Sequence[Evidence]) -> ThresholdChoice | None:
    """Threshold of the members' mean; ``None`` when they share no validation images of both classes."""
    found = _joined(evidence, "validation")
    return None if found is None else thresholds.balanced_accuracy_optimum(found.truth, found.finding, found.groups)


def ensemble(evidence: Sequence[Evidence]) -> Ensemble | None:
    """The ensemble of some models; ``None`` with fewer than two, or without a threshold of its own."""
    chosen = [e for e in evidence if own_question(e.card)]
    cut = threshold(chosen) if len(chosen) > 1 else None
    if cut is None:
        return None
    test = _joined(chosen, "test")
    metrics = {} if test is None else _figures(test, cut.value)
    return Ensemble(tuple(e.card.name for e in chosen), tuple(e.card.version for e in chosen), cut, metrics)


@functools.lru_cache(maxsize=16)
def _cached(evidence: tuple[Evidence, ...]) -> Ensemble | None:
    return ensemble(evidence)


def _joined(evidence: Sequence[Evidence], split: str) -> Joined | None:
    parts = [part for e in evidence if (part := e.part(split)) is not None]
    return joined(parts) if parts and len(parts) == len(evidence) else None


def _figures(test: Joined, cut: float) -> dict[str, Interval]:
    point = operating_point(test.truth, test.finding, cut, test.groups)
    auc = bootstrap_by_group(roc_auc, [test.truth, test.finding], test.groups)
    auc = ranking_past_perfection(auc, test.truth, test.groups)
    return {"auc": auc, "sensitivity": point.sensitivity, "specificity": point.specificity}
