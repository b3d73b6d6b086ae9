"""What each signal was worth on validation patients: log-likelihood ratios, their bounds, and their correlation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are first used
from numpy.typing import ArrayLike, NDArray

from core.errors import DiscrepancyError

Floats = NDArray[np.float64]

CLIP = 1e-6  # a probability is never nearer to 0 or 1 than this before its logit is taken
STRENGTH = 4.0  # pull of a fitted line towards "take the calibrated probability at its word", in patients
UNKNOWN_ICC = 0.2  # correlation of a model's errors within a patient, where no validation patients tell
UNKNOWN_LIKENESS = 0.5  # correlation between signals, likewise
MOST_LIKENESS = 0.5  # a wrong label looks like an error that all signals share, which inflates what is measured
MISLEADS = 0.03  # how often a signal misleads with full confidence, before validation patients tell
SURE = 1.5  # standard deviation of that share's log odds


@dataclass(frozen=True)
class Profile:
    """How a signal's value turns into evidence for a finding.

    The log-likelihood ratio is ``slope * value + intercept``, :func:`tempered` by how often the signal misleads.

    Attributes:
        name: signal, such as a model's name.
        missed, false_alarms: share of findings that look entirely clear to the signal, and of clear images that look
            entirely like a finding: errors of which its own value gives no warning.
        sensitivity, specificity: of the line's sign on the validation images; ``nan`` when unknown.
        icc: correlation of its errors between images of one patient, in [0, 1).
        n, groups: validation images and patients it rests on; 0 when it is assumed.
    """

    name: str
    slope: float = 1.0
    intercept: float = 0.0
    missed: float = MISLEADS
    false_alarms: float = MISLEADS
    sensitivity: float = float("nan")
    specificity: float = float("nan")
    icc: float = UNKNOWN_ICC
    n: int = 0
    groups: int = 0

    def evidence(self, values: ArrayLike) -> Floats:
        """Log-likelihood ratios in nats for ``(N,)`` values; 0 where a value is ``nan``: no answer, no evidence."""
        x = np.asarray(values, dtype=np.float64)
        ratio = tempered(self.slope * np.nan_to_num(x) + self.intercept, self.missed, self.false_alarms)
        return np.where(np.isnan(x), 0.0, ratio)


@dataclass(frozen=True)
class Profiles:
    """Profiles of all signals, by name, and what holds for their sum.

    Attributes:
        of: profile by signal.
        likeness: mean correlation between signals of one image given its class.
        icc: correlation of the sum between images of one patient given the class.
    """

    of: Mapping[str, Profile]
    likeness: float = UNKNOWN_LIKENESS
    icc: float = UNKNOWN_ICC

    def get(self, name: str) -> Profile:
        """Profile of a signal; an assumed one when it was never measured."""
        return self.of.get(name, Profile(name))


def logits(probability: ArrayLike) -> Floats:
    """Log odds of calibrated probabilities; ``nan`` stays ``nan``."""
    return np.asarray(scipy.special.logit(np.clip(np.asarray(probability, dtype=np.float64), CLIP, 1 - CLIP)))


def mask_signal(pixels: ArrayLike) -> Floats:
    """Outlined pixels as a signal: -1 for an empty mask, else ``log10(pixels)``; ``nan`` stays ``nan``."""
    x = np.asarray(pixels, dtype=np.float64)
    return np.where(x > 0, np.log10(np.maximum(x, 1.0)), np.where(np.isnan(x), np.nan, -1.0))


def tempered(ratio: ArrayLike, missed: float, false_alarms: float) -> Floats:
    """Log-likelihood ratio of a signal that now and then sees the wrong class with full confidence.

    ``log((1 - m) e^r + m) - log((1 - f) + f e^r)``: rises with ``r``, but stays between ``log(m / (1 - f))`` and
    ``log((1 - m) / f)``: a model that misses a quarter of the findings cannot rule one out beyond that.

    >>> [round(float(tempered(r, 0.25, 0.05)), 3) for r in (-50, 0, 50)]
    [-1.335, 0.0, 2.708]
    """
    r = np.asarray(ratio, dtype=np.float64)
    return np.asarray(
        np.logaddexp(np.log1p(-missed) + r, np.log(missed))
        - np.logaddexp(np.log1p(-false_alarms), np.log(false_alarms) + r)
    )


def fit_profiles(signals: Mapping[str, ArrayLike], finding: ArrayLike, groups: Sequence[str] | ArrayLike) -> Profiles:
    """Measure signals on validation images with known labels.

    By signal a logistic line with a share of misleading values on either side (what wrong labels among the validation
    images themselves look like, too), every patient with the same total weight. The line is drawn towards the
    identity for calibrated log odds with the strength of four patients, the shares towards 3 %, so that a handful of
    patients cannot turn a calibrated model round.

    Args:
        signals: ``(V,)`` values by name: :func:`logits` of calibrated probabilities, :func:`mask_signal` of masks.
        finding: ``(V,)`` whether the label is a finding. groups: ``(V,)`` patients.

    Raises:
        DiscrepancyError: unequal lengths, or only one class.
    """
    truth = np.asarray(finding).astype(bool)
    of = np.asarray(groups)
    if any(len(np.asarray(v)) != len(truth) for v in signals.values()) or len(of) != len(truth):
        raise DiscrepancyError("Signals, labels and patients differ in number.", "Give one of each for every image.")
    if not len(truth) or truth.all() or not truth.any():
        raise DiscrepancyError("The validation images have one class only.", "Give images with and without a finding.")
    profiles, evidence = {}, []
    for name, values in signals.items():
        x = np.asarray(values, dtype=np.float64)
        profiles[name] = _fit(name, x, truth, of)
        evidence.append(profiles[name].evidence(x))
    table = np.stack(evidence, 1)
    likeness = _likeness(table, truth)
    pooled = table.sum(1) / discount(table.shape[1], likeness)
    return Profiles(profiles, likeness, icc(pooled, truth, of))


def discount(count: ArrayLike, correlation: float) -> Floats:
    """By what the sum of ``count`` equally correlated log-likelihood ratios overstates: ``1 + (count - 1) * r``.

    The design effect of cluster sampling (Kish 1965): ``count / discount`` is the effective number of observations.
    """
    return np.asarray(1.0 + (np.maximum(np.asarray(count, dtype=np.float64), 1.0) - 1.0) * correlation)


def _fit(name: str, x: Floats, truth: NDArray[np.bool_], of: NDArray[np.generic]) -> Profile:
    known = ~np.isnan(x)
    x, truth, of = x[known], truth[known], of[known]
    if not len(x) or truth.all() or not truth.any():
        return Profile(name)
    _, code, size = np.unique(of, return_inverse=True, return_counts=True)
    patients = len(size)
    # Both classes weigh the same, so that the line is a likelihood ratio and holds at any prevalence.
    weight = 1.0 / size[code]
    for one in (truth, ~truth):
        weight[one] *= patients / 2 / weight[one].sum()
    sign = np.where(truth, 1.0, -1.0)
    usual = float(scipy.special.logit(MISLEADS))

    def loss(at: Floats) -> float:
        slope, intercept, missed, false_alarms = at
        if slope < 0 or max(missed, false_alarms) > 0:  # above one half a signal would speak against itself
            return float("inf")
        ratio = tempered(
            slope * x + intercept, float(scipy.special.expit(missed)), float(scipy.special.expit(false_alarms))
        )
        misfit = float(np.sum(weight * np.logaddexp(0.0, -sign * ratio)))
        drawn = STRENGTH / 2 * ((slope - 1) ** 2 + intercept**2)
        return misfit + drawn + ((missed - usual) ** 2 + (false_alarms - usual) ** 2) / (2 * SURE**2)

    start = np.array([1.0, 0.0, usual, usual])
    options = {"xatol": 1e-3, "fatol": 1e-6, "maxiter": 2000, "maxfev": 2000}
    slope, intercept, *shares = scipy.optimize.minimize(loss, start, method="Nelder-Mead", options=options).x
    missed, false_alarms = (float(scipy.special.expit(share)) for share in shares)
    ratio = tempered(float(slope) * x + float(intercept), missed, false_alarms)
    return Profile(
        name=name,
        slope=float(slope),
        intercept=float(intercept),
        missed=missed,
        false_alarms=false_alarms,
        sensitivity=float((ratio[truth] > 0).mean()),
        specificity=float((ratio[~truth] <= 0).mean()),
        icc=icc(ratio, truth, of),
        n=len(x),
        groups=patients,
    )


def icc(values: Floats, truth: NDArray[np.bool_], groups: NDArray[np.generic]) -> float:
    """Intraclass correlation (one-way analysis of variance) of values within patients, given the class.

    Returns:
        In [0, 0.95]; the assumed 0.2 when there are too few patients to tell.
    """
    rest = values - np.where(truth, values[truth].mean(), values[~truth].mean())
    _, code, size = np.unique(groups, return_inverse=True, return_counts=True)
    n, k = len(rest), len(size)
    if k < 3 or n - k < 3:
        return UNKNOWN_ICC
    means = np.bincount(code, rest) / size
    between = float((size * (means - rest.mean()) ** 2).sum()) / (k - 1)
    within = float(((rest - means[code]) ** 2).sum()) / (n - k)
    typical = (n - float((size**2).sum()) / n) / (k - 1)
    total = between + (typical - 1) * within
    return float(np.clip((between - within) / total, 0.0, 0.95)) if total > 0 else UNKNOWN_ICC


def _likeness(evidence: Floats, truth: NDArray[np.bool_]) -> float:
    """Mean correlation between signals (columns) given the class, in [0, 1]; 1 for a single signal."""
    if evidence.shape[1] < 2:
        return 1.0
    rest = evidence - np.where(truth[:, None], evidence[truth].mean(0), evidence[~truth].mean(0))
    spread = rest.std(0)
    if (spread == 0).any():
        return UNKNOWN_LIKENESS
    r = np.corrcoef(rest.T)
    return float(np.clip(r[np.triu_indices(len(r), 1)].mean(), 0.0, MOST_LIKENESS))
