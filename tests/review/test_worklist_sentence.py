"""The sentence beside a case says its numbers and nothing more."""

from __future__ import annotations

from collections.abc import Sequence

from core.engine.vote import Vote
from core.review.archives.sentence import ModelAnswer, PatientView
from core.review.archives.sentence import why as told


def why(  # every answer is a vote
    system: str, finding: bool | None, text: str, answers: Sequence[ModelAnswer], patient: PatientView
) -> str:
    return told(system, finding, text, answers, Vote(tuple(a.voice for a in answers)), patient)


def _answer(name: str, finding: float | None, **more: object) -> ModelAnswer:
    positive = None if finding is None else finding >= 0.5
    return ModelAnswer(name, f"{name.title()}, with details", "1.0", finding, positive, **more)  # type: ignore[arg-type]


def test_all_models_against_the_record() -> None:
    answers = [_answer("a", 0.91), _answer("b", 0.97), _answer("c", 0.94)]
    assert why("brain-mr", False, "0", answers, PatientView(19, 13, 0)) == (
        "Recorded: no tumour. All 3 models say tumour (0.97, 0.94, 0.91), as they do for 13 of the 19 other images of "
        "this patient (0 recorded so)."
    )


def test_no_model_sees_what_is_recorded() -> None:
    answers = [_answer("a", 0.004), _answer("b", 0.03)]
    assert why("chest-ct", True, "malignant", answers, PatientView()) == (
        "Recorded: malignant lesion. Neither model says malignant lesion (0.03, <0.01)."
    )


def test_doubts_are_named() -> None:
    answers = [_answer("a", 0.999, mask_pixels=0), _answer("b", 0.2, unlike=True), _answer("c", None, error="damaged")]
    assert why("brain-mr", None, "see  report", answers, PatientView(1, 1)) == (
        "Recorded: 'see report', which fits no class. The models are split: 1 of 2 models says tumour "
        "(>0.99, 0.20); they find it on the patient's one other image. A outlines nothing, which speaks against it. "
        "The image is unlike those the models learnt from, so their answers count for less. C could not answer."
    )


def test_silence_is_told_as_silence() -> None:
    text = why("brain-mr", None, "", [], PatientView())
    assert text == "Nothing is recorded. No model has answered, so nothing speaks for or against it."
