"""Which recorded labels are most likely wrong: log odds by image, pooled over the patient, with every part named.

The model. A signal (a model's probability, a segmenter's mask, cleanlab's class-adjusted probability) gives a
log-likelihood ratio for a finding, measured on validation patients (:mod:`core.discrepancies.profile`). Signals of
one image resemble each other, and so do images of one patient: sums of ratios are divided by the design effect. The
patient has an unknown share of wrong labels, from a rare slip to all of them (a report that is wrong, a mix-up), or,
where the label belongs to the patient, one unknown true label. Summing over these unknowns gives each image's
probability that its recorded label is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy  # its parts are loaded where they are first used
from numpy.typing import ArrayLike, NDArray

from core.discrepancies.profile import Floats, Profiles, discount, logits, mask_signal
from core.errors import DiscrepancyError

CLEANLAB = "cleanlab"
PATIENT = "patient"
MASK = "mask of "  # prefix of a segmenter's mask among the signals
SHARES = (0.25, 0.5, 0.75, 1.0)  # of a patient's labels that may be wrong, beside the rare slip
TRUSTED = 0.95  # images stranger than this share of the calibration images lose weight ...
STOPPED = (1 + TRUSTED) / 2  # strangeness of an image that the wrong-image gate stopped: half of the weight is left
BASE_STRENGTH = 100.0  # patients: with fewer of them the share of findings on record is mostly chance
ONE_LABEL = 0.85  # labels belong to the patient when so many images agree with their patient's majority


@dataclass(frozen=True, eq=False)
class CaseEvidence:
    """What is known about ``N`` images.

    Attributes:
        ids, groups: ``(N,)`` names of the images and of their patients.
        recorded: ``(N,)`` whether the recorded label is a finding.
        probabilities: ``(N,)`` calibrated probability of a finding by model, out of fold or held out, from a model
            that never saw the image; ``nan`` where a model did not answer.
        mask_pixels: ``(N,)`` outlined pixels by segmenter, 0 where its gate withheld the mask, ``nan`` where it was
            not asked.
        strangeness: ``(N,)`` share of the calibration images that lie nearer to the training data than this image, in
            [0, 1]; ``None`` when no out-of-distribution score is known.
        thresholds: operating point by model, for what a model "says"; 0.5 where none is given.
    """

    ids: Sequence[str]
    groups: Sequence[str]
    recorded: ArrayLike
    probabilities: Mapping[str, ArrayLike]
    mask_pixels: Mapping[str, ArrayLike] = field(default_factory=dict)
    strangeness: ArrayLike | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def decisions(self) -> Floats:
        """``(N, models)`` 1 where a model says finding, 0 where it does not, ``nan`` without an answer."""
        columns = []
        for name, values in self.probabilities.items():
            p = np.asarray(values, dtype=np.float64)
            columns.append(np.where(np.isnan(p), np.nan, p >= self.thresholds.get(name, 0.5)))
        return np.stack(columns, 1)


@dataclass(frozen=True)
class Settings:
    """How labels go wrong, before looking.

    Attributes:
        error_rate: share of patients whose labels are wrong in part or all.
        slip: share of single wrong labels in an otherwise right patient.
        cleanlab: whether cleanlab's class-adjusted probability is one of the signals.
        one_label: whether the label belongs to the patient; ``None``: told from the recorded labels.
    """

    error_rate: float = 0.05
    slip: float = 0.03
    cleanlab: bool = True
    one_label: bool | None = None


@dataclass(frozen=True, eq=False)
class Discrepancies:
    """Answer of :func:`rank_discrepancies`, arrays in the order of the evidence.

    Attributes:
        log_odds: ``(N,)`` that the recorded label is wrong, nats. probability: ``(N,)`` the same in [0, 1].
        order: ``(N,)`` row numbers, most suspicious first.
        parts: ``(N,)`` contributions in nats that sum to ``log_odds``: ``prior``, one a signal (own image), and
            ``patient`` (what the patient's other images, their labels and the share of findings on record add).
        trust: ``(N,)`` weight of the image's own evidence, below 1 for an image unlike the calibration images.
        images: ``(N,)`` images of the image's patient. contradicting: ``(N,)`` how many of them have signals that
            together contradict their label.
        finding: ``(N,)`` mean calibrated probability of a finding over the models that answered.
        says_finding, answered: ``(N,)`` how many models say finding at their threshold, of how many that answered.
        evidence, one_label: what was asked; whether labels were taken to belong to patients.
    """

    log_odds: Floats
    probability: Floats
    order: NDArray[np.intp]
    parts: dict[str, Floats]
    trust: Floats
    images: NDArray[np.intp]
    contradicting: NDArray[np.intp]
    finding: Floats
    says_finding: NDArray[np.intp]
    answered: NDArray[np.intp]
    evidence: CaseEvidence
    one_label: bool


def signals_of(evidence: CaseEvidence) -> dict[str, Floats]:
    """Signals by name in the form that profiles are fitted on: log odds by model, mask sizes by segmenter."""
    found = {name: logits(p) for name, p in evidence.probabilities.items()}
    return found | {MASK + name: mask_signal(pixels) for name, pixels in evidence.mask_pixels.items()}


def rank_discrepancies(
    evidence: CaseEvidence, profiles: Profiles | None = None, settings: Settings | None = None
) -> Discrepancies:
    """Rank images by how likely their recorded label is wrong.

    Args:
        evidence: labels and what speaks about them. profiles: what the signals were worth on validation patients,
            from :func:`core.discrepancies.profile.fit_profiles` on :func:`signals_of`; assumed when not given.
        settings: how labels go wrong.

    Raises:
        DiscrepancyError: no image, no model, unequal lengths, probabilities outside [0, 1].
    """
    profiles, settings = profiles or Profiles({}), settings or Settings()
    recorded, code = _checked(evidence)
    trust = _trust(evidence, len(recorded))
    signals = signals_of(evidence)
    if settings.cleanlab:
        signals[CLEANLAB] = logits(class_adjusted(evidence.probabilities, recorded))
    names, values = list(signals), np.stack(list(signals.values()), 1)
    ratios = np.stack([profiles.get(name).evidence(signals[name]) for name in names], 1)
    own = trust[:, None] * ratios / discount((~np.isnan(values)).sum(1), profiles.likeness)[:, None]
    for_finding = own.sum(1)
    against = np.where(recorded, -for_finding, for_finding)
    one_label = _belongs_to_patient(recorded, code) if settings.one_label is None else settings.one_label
    base = _base_rate(recorded, code)
    weight = 1.0 / discount(np.bincount(code), profiles.icc)
    if one_label:
        log_odds = _true_label(for_finding, base, recorded, code, weight, settings)
    else:
        log_odds = _share_wrong(against + np.where(recorded, -base, base), code, weight, settings)
    sign = np.where(recorded, -1.0, 1.0)
    parts = {"prior": np.full(len(recorded), float(scipy.special.logit(_expected(settings, one_label))))}
    parts |= {name: sign * own[:, k] for k, name in enumerate(names)}
    parts[PATIENT] = log_odds - sum(parts.values())
    p = np.stack([np.asarray(v, dtype=np.float64) for v in evidence.probabilities.values()], 1)
    answered = (~np.isnan(p)).sum(1)
    return Discrepancies(
        log_odds=log_odds,
        probability=scipy.special.expit(log_odds),
        order=np.lexsort((-against, -log_odds)),
        parts=parts,
        trust=trust,
        images=np.bincount(code)[code],
        contradicting=np.bincount(code, against > 0).astype(np.intp)[code],
        finding=np.where(answered > 0, np.nansum(p, 1) / np.maximum(answered, 1), np.nan),
        says_finding=np.nansum(evidence.decisions(), 1).astype(np.intp),
        answered=answered,
        evidence=evidence,
        one_label=one_label,
    )


def _checked(evidence: CaseEvidence) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    recorded = np.asarray(evidence.recorded).astype(bool)
    n = len(recorded)
    columns = [*evidence.probabilities.values(), *evidence.mask_pixels.values()]
    if not n or not evidence.probabilities:
        raise DiscrepancyError("There are no images or no models to rank by.", "Score the images first.")
    if len(evidence.ids) != n or len(evidence.groups) != n or any(np.shape(c) != (n,) for c in columns):
        raise DiscrepancyError("Labels, patients and scores differ in number.", "Give one of each for every image.")
    for values in evidence.probabilities.values():
        p = np.asarray(values, dtype=np.float64)
        if bool(((p < 0) | (p > 1)).any()):
            raise DiscrepancyError("A probability lies outside [0, 1].", "Give calibrated probabilities of a finding.")
    return recorded, np.unique(np.asarray(evidence.groups, dtype=str), return_inverse=True)[1]


def _trust(evidence: CaseEvidence, n: int) -> Floats:
    """1 up to the 95th percentile of the calibration images, falling to 0 beyond all of them."""
    if evidence.strangeness is None:
        return np.ones(n)
    q = np.asarray(evidence.strangeness, dtype=np.float64)
    return np.where(np.isnan(q), 1.0, np.clip((1.0 - q) / (1.0 - TRUSTED), 0.0, 1.0))


def class_adjusted(probabilities: Mapping[str, ArrayLike], recorded: NDArray[np.bool_]) -> Floats:
    """Probability of a finding as cleanlab's label quality sees it: class thresholds from the recorded labels.

    cleanlab (Northcutt et al. 2021) takes off each class's mean self-confidence, which undoes a model's leaning
    towards one class in *these* data. ``nan`` where no model answered or only one class is recorded.
    """
    from cleanlab.rank import get_label_quality_scores  # here: it brings scikit-learn, and few pages rank

    p = np.stack([np.asarray(v, dtype=np.float64) for v in probabilities.values()], 1)
    out = np.full(len(p), np.nan)
    rows = np.flatnonzero(~np.isnan(p).all(1))
    known = recorded[rows]
    if not len(rows) or known.all() or not known.any():
        return out
    mean = np.nanmean(p[rows], 1)
    quality = get_label_quality_scores(known.astype(int), np.stack([1 - mean, mean], 1), adjust_pred_probs=True)
    out[rows] = np.where(known, quality, 1 - quality)
    return out


def _belongs_to_patient(recorded: NDArray[np.bool_], code: NDArray[np.intp]) -> bool:
    size, findings = np.bincount(code), np.bincount(code, recorded)
    return bool(np.maximum(findings, size - findings).sum() >= ONE_LABEL * len(recorded))


def _base_rate(recorded: NDArray[np.bool_], code: NDArray[np.intp]) -> float:
    """Log odds of a finding among what was recorded by patient, drawn towards one half by 100 patients."""
    share = np.bincount(code, recorded) / np.bincount(code)
    return float(scipy.special.logit((share.sum() + BASE_STRENGTH / 2) / (len(share) + BASE_STRENGTH)))


def _expected(settings: Settings, one_label: bool) -> float:
    """Probability that a label is wrong before looking at anything."""
    in_error = 1 - settings.slip if one_label else (1 + float(np.mean(SHARES[:-1]))) / 2
    return settings.error_rate * in_error + settings.slip * (1 - settings.error_rate)


def _share_wrong(against: Floats, code: NDArray[np.intp], weight: Floats, settings: Settings) -> Floats:
    """Log odds that each label is wrong when any share of a patient's labels may be.

    Half of the patients with errors have all labels wrong, the other half some share of them.
    """
    shares = np.array([settings.slip, *SHARES])
    some = settings.error_rate / 2
    prior = np.log([1 - settings.error_rate, *[some / (len(SHARES) - 1)] * (len(SHARES) - 1), some])
    with np.errstate(divide="ignore"):
        right, wrong = np.log1p(-shares)[None], np.log(shares)[None] + against[:, None]
    each = np.logaddexp(right, wrong)
    by_patient = np.stack([np.bincount(code, each[:, k]) for k in range(len(shares))], 1)
    posterior = prior + weight[:, None] * by_patient
    posterior = (posterior - scipy.special.logsumexp(posterior, 1, keepdims=True))[code]
    return np.asarray(
        scipy.special.logsumexp(posterior + wrong - each, axis=1)
        - scipy.special.logsumexp(posterior + right - each, axis=1)
    )


def _true_label(
    for_finding: Floats,
    base: float,
    recorded: NDArray[np.bool_],
    code: NDArray[np.intp],
    weight: Floats,
    settings: Settings,
) -> Floats:
    """Log odds that each label is wrong when the patient has one true label.

    Recorded labels are wrong for the whole patient at the error rate, singly at the rate of slips; an image may
    show something else than its patient's label at the rate of slips too, which bounds what one image can say.
    """
    slip = settings.slip
    inside, outside = np.log1p(-slip), np.log(slip)
    bounded = np.logaddexp(inside + for_finding, outside) - np.logaddexp(inside, outside + for_finding)
    findings = np.bincount(code, recorded).astype(np.float64)
    clear = np.bincount(code) - findings
    usual, mixed_up = np.log1p(-settings.error_rate), np.log(settings.error_rate)

    def said(right: Floats, wrong: Floats) -> Floats:
        return np.asarray(
            np.logaddexp(usual + right * inside + wrong * outside, mixed_up + wrong * inside + right * outside)
        )

    odds = base + weight * np.bincount(code, bounded) + said(findings, clear) - said(clear, findings)
    return np.where(recorded, -odds[code], odds[code])
