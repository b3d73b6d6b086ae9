"""How far a model is believed: against logistic regression and simulated errors of known size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from core.discrepancies.profile import Profile, Profiles, fit_profiles, icc, logits, tempered
from core.discrepancies.ranking import CaseEvidence, rank_discrepancies
from core.errors import DiscrepancyError
from tests.discrepancies.suspicions import PLAIN


def test_profile_is_logistic_regression_where_patients_abound() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(6000) < 0.3
    x = np.where(truth, 1.0, -0.4) + rng.normal(size=6000)
    profiles = fit_profiles({"m": x}, truth, [str(k) for k in range(6000)])
    reference = LogisticRegression(C=np.inf, class_weight="balanced").fit(x[:, None], truth)
    m = profiles.get("m")
    usual = np.linspace(-1.5, 2.0, 50)  # further out few values lie, and misleading ones bound the curve
    assert m.evidence(usual) == pytest.approx(reference.decision_function(usual[:, None]), abs=0.2)
    says = reference.predict(x[:, None]).astype(bool)
    assert m.sensitivity == pytest.approx(says[truth].mean(), abs=0.01)
    assert m.specificity == pytest.approx((~says[~truth]).mean(), abs=0.01)
    assert (m.n, m.groups) == (6000, 6000)


def test_few_patients_leave_a_calibrated_model_alone() -> None:
    x = logits([0.9, 0.8, 0.2, 0.1])
    few = fit_profiles({"m": x}, [True, True, False, False], ["a", "a", "b", "b"]).get("m")
    assert few.slope == pytest.approx(1.0, abs=0.25)
    assert few.intercept == pytest.approx(0.0, abs=0.05)


def test_intraclass_correlation_is_what_was_put_in() -> None:
    rng = np.random.default_rng(1)
    groups, truth = np.repeat(np.arange(400), 10), rng.random(4000) < 0.5
    values = 3.0 * truth + np.repeat(rng.normal(scale=np.sqrt(0.3), size=400), 10)
    values = values + rng.normal(scale=np.sqrt(0.7), size=4000)
    assert icc(values, truth, groups) == pytest.approx(0.3, abs=0.04)


def test_findings_that_look_clear_limit_the_evidence() -> None:
    """Half of the patients with a finding look clear: a recorded finding under a clear look proves little."""
    groups = np.repeat([f"P{k}" for k in range(40)], 5)
    truth = np.repeat(np.arange(40) < 20, 5)
    looks = np.repeat(np.arange(40) < 10, 5)
    m = fit_profiles({"m": logits(np.where(looks, 0.95, 0.05))}, truth, groups).get("m")
    assert m.missed > 0.15 > m.false_alarms
    clear, finding = m.evidence(logits([0.001, 0.999]))
    assert finding > -1.5 * clear
    both = CaseEvidence(["a", "b"], ["A", "B"], [True, False], {"m": [0.05, 0.95]})
    assert rank_discrepancies(both, Profiles({"m": m}), replace(PLAIN, one_label=True)).order[0] == 1


def test_tempering_rises_and_is_bounded() -> None:
    r = np.linspace(-40, 40, 201)
    t = tempered(r, 0.25, 0.05)
    assert (np.diff(t) >= 0).all()
    assert t[0] == pytest.approx(np.log(0.25 / 0.95))
    assert t[-1] == pytest.approx(np.log(0.75 / 0.05))
    assert Profile("m").evidence([np.nan, 0.0]).tolist() == [0.0, 0.0]


def test_refuses_a_profile_of_one_class() -> None:
    with pytest.raises(DiscrepancyError, match="one class"):
        fit_profiles({"m": logit([0.2, 0.7])}, [True, True], ["a", "b"])
