"""By which rules a quiz is answered, and the closed sets of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from core.errors import OverreadError

SHORTEST, LONGEST = 5, 3600  # seconds for one case


class TeachingError(OverreadError):
    """A quiz, an answer or a class that cannot be as asked."""


class Source(StrEnum):
    """Where the images of a case of a quiz come from."""

    SIMULATED = "simulated"
    SAMPLE = "built-in sample"
    CASE = "case of an archive"


class Verify(StrEnum):
    """When a learner is told the truth."""

    AT_ONCE = "after each case"
    AT_END = "at the end"
    NEVER = "not at all"  # a reader study: the same cases are read again in another arm


class Models(StrEnum):
    """Whether a learner sees what models say, and when."""

    NEVER = "never"
    WITH_TRUTH = "with the truth"
    AT_ONCE = "from the beginning"  # the one answer is given with the models in sight
    SECOND = "for a second answer"  # alone first, then with the models in sight; the truth comes after both


class Purpose(StrEnum):
    """Why a learner answers: the quiz itself, or cases that came back."""

    QUIZ = "quiz"
    AGAIN = "repetition"
    STUDY = "session of a reader study"


class Stage(StrEnum):
    """With what in sight an answer was given."""

    ALONE = "alone"
    ADVISED = "with the models"

    def in_words(self, planted: bool) -> str:
        """With what in sight; no model is named where there was none."""
        return "with the planted AI" if planted and self is Stage.ADVISED else str(self)


@dataclass(frozen=True)
class Rules:
    """How a quiz is answered.

    Attributes:
        shuffle: every learner has an order of their own, from ``seed``.
        verify, models: when the truth and the models' answers are shown.
        seconds: for each case; ``None`` without a limit.
        seed: of the orders.
        planted: share of the cases, above 0 and below 1, of which a made-up AI says what is wrong, in place of the
            models for the second answer (automation-bias laboratory); ``None``: the models themselves.
    """

    shuffle: bool = True
    verify: Verify = Verify.AT_ONCE
    models: Models = Models.WITH_TRUTH
    seconds: int | None = None
    seed: int = 0
    planted: float | None = None

    def __post_init__(self) -> None:
        if self.planted is not None and not (
            0 < self.planted < 1 and self.models is Models.SECOND and self.verify is Verify.AT_END
        ):
            raise TeachingError(
                "A planted AI is wrong in some cases, comes after a first answer, and is told at the end.",
                "Ask for second answers, tell the truth at the end, and let it be wrong in 1 to 99 % of the cases.",
            )
        if self.seconds is not None and not SHORTEST <= self.seconds <= LONGEST:
            raise TeachingError(
                f"A case may be given {SHORTEST} to {LONGEST} seconds, not {self.seconds}.", "Choose another time."
            )

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The answers that each case takes, in order."""
        if self.models is Models.SECOND:
            return Stage.ALONE, Stage.ADVISED
        return (Stage.ADVISED,) if self.models is Models.AT_ONCE else (Stage.ALONE,)

    @property
    def asks_models(self) -> bool:
        """Whether the models' own answers are ever shown."""
        return self.models is not Models.NEVER and self.planted is None

    @property
    def in_words(self) -> str:
        """How a quiz is answered, in one line."""
        said = ["the truth is not told" if self.verify is Verify.NEVER else f"the truth {self.verify}"]
        models = {
            Models.NEVER: "without models",
            Models.AT_ONCE: "the models in sight",
            Models.WITH_TRUTH: "the models with the truth",
            Models.SECOND: "the models after your first answer, then a second one",
        }
        # Who reads this is not to know before the end that the AI is planted; a model of ours it is not called, either.
        planted = self.planted is not None
        said.append("an AI’s answer after your first one, then a second one" if planted else models[self.models])
        if self.seconds is not None:
            said.append(f"{self.seconds} seconds a case")
        line = "; ".join(said)
        return f"{line[0].upper()}{line[1:]}."

    def as_json(self) -> dict[str, Any]:
        """As the store keeps them."""
        return {name: str(value) if isinstance(value, StrEnum) else value for name, value in asdict(self).items()}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Rules:
        """From what the store keeps."""
        return cls(
            shuffle=bool(kept.get("shuffle", True)),
            verify=Verify(kept.get("verify", Verify.AT_ONCE)),
            models=Models(kept.get("models", Models.WITH_TRUTH)),
            seconds=kept.get("seconds"),
            seed=int(kept.get("seed", 0)),
            planted=kept.get("planted"),
        )
