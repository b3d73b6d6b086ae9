"""The guided tours in the browser, as shipped: what the threshold calls is scikit-learn's count, in both sizes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from sklearn.metrics import confusion_matrix, roc_auc_score

from core.audit.memoriser import stored
from core.engine.spoilt import twins
from core.weights.predictions import held
from dashboard.kit.engine import engine
from dashboard.learn.tours import heat, prevalence
from tests.dashboard import desk
from tests.dashboard.conftest import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
TOLD = re.compile(r"calls (\d+) of (\d+) findings \(sensitivity (\d+) %\) and (\d+) of (\d+) clear images")


def _counts(page: Page, at: str) -> list[int]:
    told = page.get_by_text(f"At {at} the model calls")
    expect(told).to_be_visible(timeout=desk.ANSWER)
    found = TOLD.search(told.inner_text())
    assert found is not None
    hits, findings, _, alarms, clear = map(int, found.groups())
    return [clear - alarms, alarms, findings - hits, hits]


def test_dragging_the_threshold_moves_cases_from_side_to_side(page: Page, shipped: Server) -> None:
    part = held(ROOT / "weights" / "brain-mr" / "resnet50").parts["test"]
    page.goto(f"{shipped.url}/learn?part=Tours&section=ROC")
    slider = page.get_by_role("slider", name="Threshold")
    expect(slider).to_be_visible(timeout=desk.ANSWER)
    for at in ("1.000", "0.700", "0.250", "0.000"):
        slider.evaluate("(e, at) => { e.value = at; e.dispatchEvent(new Event('input')); }", float(at) * 1000)
        expected = confusion_matrix(part.truth, part.finding >= float(at)).ravel().tolist()
        assert _counts(page, at) == expected
        filled = page.locator("svg.dots circle:not([fill='none'])")
        assert filled.count() == expected[1] + expected[3]
    expect(page.get_by_text(f"here {roc_auc_score(part.truth, part.finding):.3f}.")).to_be_visible()


def test_always_no_beats_a_model_where_disease_is_rare(page: Page, shipped: Server) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    part = held(ROOT / "weights" / "brain-mr" / "resnet50").parts["test"]
    tn, fp, fn, tp = confusion_matrix(part.truth, part.finding >= part.card.threshold.value).ravel()
    right = 0.01 * tp / (tp + fn) + 0.99 * tn / (tn + fp)
    page.goto(f"{shipped.url}/learn?part=Tours&section=Accuracy")
    expect(page.get_by_text(f"this model is right in {right:.1%}")).to_be_visible(timeout=desk.ANSWER)
    expect(page.get_by_text("always says “no” is right in 99.0%: it wins, and finds nobody.")).to_be_visible()


def test_the_leak_on_the_page_is_the_one_that_was_measured(page: Page, shipped: Server) -> None:
    page.goto(f"{shipped.url}/learn?part=Tours&section=Leaks")
    for one in stored():
        told = f"So {100 * one.inflation.value:.0f} points"
        expect(page.get_by_text(told)).to_be_visible(timeout=desk.ANSWER)


def test_the_forgotten_network_says_something_else_every_time() -> None:
    """The model's own map and answer are the engine's; the copy's change with its random weights."""
    study, index = heat.scan("brain-mr", 1)
    made = [twins(engine(), study, "brain-mr", "resnet50", index, seed) for seed in (1, 1, 2)]
    own = engine().heat_map(study, "brain-mr", 0, "resnet50", index)
    assert own.values == pytest.approx(made[0].learnt, abs=1e-5)
    assert (made[0].forgotten == made[1].forgotten).all()
    assert made[0].answers == made[1].answers
    assert made[0].answers[0] == made[2].answers[0]
    assert made[0].answers[1] != made[2].answers[1]
    assert all(abs(one.likeness) < 1 for one in made)


def test_balanced_accuracy_is_what_prevalence_does_not_move() -> None:
    part = held(ROOT / "weights" / "brain-mr" / "resnet50").parts["test"]
    rates = prevalence._point("x", 0.5, part.truth, part.finding, part.groups, part.card.threshold.value).rates
    model, always = prevalence.accuracies(rates, 0.5)
    assert (model, always) == (pytest.approx((rates.sensitivity + rates.specificity) / 2), 0.5)


def test_one_click_opens_each_part_of_learn(page: Page, shipped: Server) -> None:
    page.goto(f"{shipped.url}/learn?part=Tours")
    for part in ("Laboratory", "Quizzes", "Your curves", "Tours"):
        desk.settled(page)
        page.get_by_role("tab", name=part, exact=True).click()
        expect(page.get_by_role("tab", selected=True).first).to_have_text(part)
        expect(page).to_have_url(re.compile(f"part={part.split()[0]}"))
