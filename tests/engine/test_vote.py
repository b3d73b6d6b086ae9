"""The one rule by which answers are counted: who votes, what a tie is, who contradicts; cases worked by hand."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from core.engine.results import ModelResult, ModelState, ModelStatus, Review, most_suspicious
from core.engine.vote import Voice, Vote, headline, most, own_question, voice, voters
from core.systems import SYSTEMS
from tests.cards import card_of

TYPES = ("normal", "adenocarcinoma", "large cell carcinoma", "squamous cell carcinoma")
BINARY = card_of("chest-ct", "resnet50", "resnet50")
FOUR = card_of("chest-ct", "types", "efficientnet_b0", classes=TYPES, positive=TYPES[1:])


def said(name: str, *p: float, **card: object) -> ModelResult:
    made = card_of("chest-ct", name, "none", **card)
    finding = np.array(p)
    both = np.stack([1 - finding, finding], 1)
    return ModelResult(
        ModelState("chest-ct", name, name, "classifier", ModelStatus.READY, card=made), both, both, finding
    )


def four(name: str, *p: float) -> ModelResult:
    return said(name, *p, classes=TYPES, positive=TYPES[1:])


def review(*results: ModelResult, peak: int = 0) -> Review:
    return Review("0" * 64, "chest-ct", "k", results, peak)


def test_who_votes() -> None:
    turned = card_of("chest-ct", "turned", "resnet50", classes=("malignant", "not malignant"))
    other_finding = card_of("chest-ct", "other", "resnet50", positive=("not malignant",))
    classic = card_of("chest-ct", "classic-resnet50", "resnet50")
    installed = {c.name: c for c in (FOUR, BINARY, turned, other_finding, classic)}
    assert list(voters(installed)) == ["resnet50", "turned"]


def test_a_model_that_its_system_shows_without_a_vote_is_named_and_counted_nowhere() -> None:
    def brain(name: str, p: float, **card: object) -> ModelResult:
        one = said(name, p)
        return replace(one, state=replace(one.state, system="brain-mr", card=card_of("brain-mr", name, "none", **card)))

    mute = [slot.name for slot in SYSTEMS["brain-mr"].models if not slot.votes]
    assert mute == ["slab"]
    cards = {name: card_of("brain-mr", name, "none") for name in ("unet", "resnet50", "slab")}
    assert list(voters(cards)) == ["unet", "resnet50"]
    assert [own_question(card) for card in cards.values()] == [True, True, False]
    against = review(brain("unet", 0.9), brain("resnet50", 0.8), brain("slab", 0.1)).vote
    assert (against.decided, against.mean, [v.model for v in against.contradicting]) == (
        True,
        pytest.approx(0.85),
        mute,
    )
    assert headline(against, "tumour", "none seen") == (
        "Not all agree: slab, without a vote, says none seen. Both models that vote say tumour."
    )
    alike = review(brain("unet", 0.9), brain("resnet50", 0.8), brain("slab", 0.7)).vote
    assert headline(alike, "tumour", "none seen") == "Both models say tumour. slab, without a vote, agrees."
    types = brain("types", 0.9, classes=TYPES, positive=TYPES[1:])
    both = review(brain("unet", 0.2), brain("slab", 0.7), types).vote
    assert headline(both, "tumour", "none seen") == (
        "Not all agree: slab, without a vote, says tumour; types, of other classes, says tumour. "
        "The one model that votes says none seen."
    )
    # By itself it is all there is, and says so as any other.
    assert list(voters({"slab": cards["slab"]})) == ["slab"]


def test_where_nobody_asks_the_own_question_those_who_can_speak_to_the_finding_vote() -> None:
    mute = card_of("chest-ct", "mute", "resnet50", classes=TYPES, positive=TYPES)
    assert voters({"types": FOUR, "mute": mute}) == {"types": FOUR}
    assert voters({}) == {}


def test_a_voter_that_fails_does_not_hand_its_vote_to_a_model_of_other_classes() -> None:
    silent = said("resnet50", 0.9)
    failed = ModelResult(replace(silent.state, status=ModelStatus.FAILED))
    vote = review(failed, four("types", 0.99)).vote
    assert (vote.decided, vote.counted, [v.model for v in vote.beside]) == (None, (), ["types"])
    assert headline(vote, "malignant", "none") == (
        "No model of this system has answered. types, of other classes and not counted, says malignant. "
        "resnet50 gave no answer and has no vote."
    )


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_side_is_more_than_half_whatever_the_votes(number: int) -> None:
    for answers in itertools.product([True, False], repeat=number):
        vote = Vote(tuple(Voice(str(i), str(i), 0.5, a) for i, a in enumerate(answers)))
        yes = sum(answers)
        expected = None if yes * 2 == number else yes * 2 > number
        assert vote.decided is expected
        assert vote.tied is (yes * 2 == number)
        assert vote.split is (0 < yes < number)
        assert bool(most(np.array(answers)[:, None])[0]) is (expected is True)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_no_vote(value: float) -> None:
    assert voice("a", "A", value, 0.5) == Voice("a", "A", failed=True)
    lame = said("a", value, 0.2)
    assert lame.decision(0) is None
    r = review(lame, said("b", 0.9, 0.9))
    assert [len(v.counted) for v in r.votes] == [1, 2]
    assert [v.model for v in r.vote.voters if v.failed] == ["a"]
    assert (r.votes[0].decided, r.votes[1].tied) == (True, True)


def test_a_tie_is_told_as_a_split_first() -> None:
    two = review(said("a", 0.9), said("b", 0.1)).vote
    assert headline(two, "tumour", "none seen") == "The models are split: 1 of 2 models says tumour; b says none seen."
    names = {"a": 0.9, "b": 0.8, "c": 0.1, "d": 0.2}
    both = review(*(said(n, p) for n, p in names.items()), four("types", 0.99)).vote
    assert headline(both, "tumour", "none seen") == (
        "The models are split: 2 of 4 models say tumour; c and d say none seen. types, of other classes, says tumour."
    )


def test_a_model_of_other_classes_is_named_where_it_contradicts_and_not_counted_where_it_agrees() -> None:
    own = [said("a", 0.1), said("b", 0.2), said("c", 0.9)]
    against = review(*own, four("types", 0.99)).vote
    assert (against.decided, [v.model for v in against.contradicting]) == (False, ["types"])
    alike = review(*own, four("types", 0.01)).vote
    assert (alike.decided, alike.contradicting) == (False, ())
    assert headline(alike, "tumour", "none seen").endswith("types, of other classes, agrees.")


def test_the_most_suspicious_slice_is_that_of_the_models_that_vote() -> None:
    # Two models of other classes are sure of slice 0, three that vote find slice 1.
    results = [said(n, 0.1, 0.6) for n in "abc"] + [four(n, 0.99, 0.0) for n in ("x", "y")]
    assert most_suspicious(results, 2) == 1
    assert most_suspicious([four("x", 0.9, 0.1)], 2) == 0
    assert most_suspicious([], 5) == 2


def test_a_review_that_is_held_back_has_no_vote() -> None:
    r = review(said("a", 0.9), said("b", 0.8))
    assert r.vote.decided is True
    assert r.withheld().votes == ()
    assert r.withheld().vote == Vote()
