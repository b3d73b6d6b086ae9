"""One plain sentence or two on why a case stands where it stands in the worklist, made of its numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.engine.vote import Voice, Vote, contradiction, says
from core.engine.words import probability, short
from core.systems import system


@dataclass(frozen=True)
class ModelAnswer:
    """One model's answer on a case.

    Attributes:
        model, title: identifier, and name for people.
        finding: calibrated probability of a finding on the case's most suspicious slice; ``None`` when it failed.
        positive: whether that reaches the threshold stored with this model version; ``None`` when it failed.
        ood: out-of-distribution score, when there is one; unlike: whether the gate calls the image unlike the
            training images.
        mask_pixels: outlined pixels, for a model that outlines.
        error: why there is no answer.
        stopped: why the wrong-image gate stopped the image; empty when it passed.
    """

    model: str
    title: str
    version: str
    finding: float | None
    positive: bool | None
    threshold: float | None = None
    ood: float | None = None
    unlike: bool = False
    mask_pixels: int | None = None
    error: str = ""
    stopped: tuple[str, ...] = ()

    @property
    def voice(self) -> Voice:
        """As the vote hears it."""
        return Voice(self.model, self.title, self.finding, self.positive, failed=self.positive is None)


@dataclass(frozen=True)
class PatientView:
    """What the models say about the other images of the same patient.

    Attributes:
        images: that a model answered. found: of them, those on which most votes are for a finding. split: on which
            the vote is a tie.
        recorded: of them, those recorded with a finding; ``None``: nothing is recorded.
    """

    images: int = 0
    found: int = 0
    recorded: int | None = None
    split: int = 0


@dataclass(frozen=True)
class SliceView:
    """Of a series' slices, those on which most votes are for a finding."""

    slices: int
    found: int


def why(
    system_name: str,
    recorded_finding: bool | None,
    recorded_text: str,
    answers: Sequence[ModelAnswer],
    vote: Vote,
    patient: PatientView,
    slices: SliceView | None = None,
) -> str:
    """Why the case stands where it stands: what is recorded, then what disagrees among the models, then what agrees.

    Args:
        answers: of the models that vote. vote: theirs, with the models without one beside it.

    Example:
        ``Recorded: no tumour. All 3 models say tumour (0.97, 0.94, 0.91), as they do for 13 of the 19 other images of
        this patient.``
    """
    declared = system(system_name)
    parts = [_recorded(declared.classes[0], declared.finding, recorded_finding, recorded_text)]
    if not vote.counted:
        return f"{parts[0]} No model has answered, so nothing speaks for or against it."
    told = [_models(declared.finding, vote, patient, slices)]
    if against := contradiction(vote, declared.finding, declared.clear):
        told.insert(1 if vote.split else 0, against)
    return " ".join([*parts, *told, *_doubts(answers)])


def _recorded(clear: str, finding: str, recorded: bool | None, text: str) -> str:
    if recorded is None:
        said = " ".join(text.split())[:60]
        return f"Recorded: {said!r}, which fits no class." if said else "Nothing is recorded."
    return f"Recorded: {finding if recorded else clear}."


def _models(finding: str, vote: Vote, patient: PatientView, slices: SliceView | None) -> str:
    ordered = sorted(vote.counted, key=lambda v: -(v.probability or 0.0))
    figures = ", ".join(probability(v.probability or 0.0) for v in ordered)
    found, count = len(vote.yes), len(vote.counted)
    if vote.split:
        lead = "The models are split: " if vote.tied else ""
        text = f"{lead}{found} of {count} models {says(vote.yes)} {finding} ({figures})"
    elif count == 1:
        text = f"The one model that answered says {finding if found else 'no ' + finding} ({figures})"
    elif found:
        text = f"{'Both' if count == 2 else f'All {count}'} models say {finding} ({figures})"
    else:
        text = f"{'Neither model says' if count == 2 else f'None of {count} models says'} {finding} ({figures})"
    if slices is not None and slices.slices > 1:
        text = f"{text} on the most suspicious of {slices.slices} slices, and most do on {slices.found} of them"
    return f"{text}{_others(patient, positive=vote.decided is True)}."


def _others(patient: PatientView, *, positive: bool) -> str:
    if not patient.images:
        return ""
    if patient.images == 1:
        alone = "find it" if patient.found else "are split" if patient.split else "do not"
        return f"; they {alone} on the patient's one other image"
    split = f", split on {patient.split}" if patient.split else ""
    which = f"{patient.found} of the {patient.images} other images of this patient{split}"
    told = f", as they do for {which}" if positive else f"; they find it on {which}"
    return f"{told}{_recorded_so(patient)}"


def _recorded_so(patient: PatientView) -> str:
    return "" if patient.recorded is None else f" ({patient.recorded} recorded so)"


def _doubts(answers: Sequence[ModelAnswer]) -> list[str]:
    out = []
    given = [a for a in answers if a.positive is not None]
    empty = [a for a in given if a.positive and a.mask_pixels == 0]
    if empty:
        names = " and ".join(short(a.title) for a in empty)
        out.append(f"{names} {'outline' if len(empty) > 1 else 'outlines'} nothing, which speaks against it.")
    if any(a.unlike for a in given):
        out.append("The image is unlike those the models learnt from, so their answers count for less.")
    failed = [a for a in answers if a.positive is None]
    if failed:
        out.append(f"{', '.join(short(a.title) for a in failed)} could not answer.")
    return out
