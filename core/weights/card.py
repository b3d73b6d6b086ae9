"""The model card: everything a reader must know to judge a number, in JSON beside the weights."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.preprocessing.contract import InputContract
from core.statistics import ThresholdChoice
from core.weights.sealed import Sealed

Identity = tuple[str, str]  # SHA-256 of the weights, version: see ModelCard.identity
# Fitting gives 0.05 to 20 (core/statistics/calibration.py); far beyond, every answer would be 0, 1/2 or 1.
Temperature = Annotated[float, Field(ge=0.01, le=100)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Metric(_Part):
    """A figure with its 95 % interval, the cases it rests on, and how the interval was made."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int
    groups: int | None = None
    method: str = ""


class Threshold(_Part):
    """Operating point: chosen on validation data only, valid for this model version only."""

    value: float = Field(ge=0, le=1)
    rule: str
    data: str
    n: int
    groups: int | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, choice: ThresholdChoice, data: str) -> Threshold:
        """A chosen threshold as cards hold it; ``data`` says what it was chosen on."""
        return cls(
            value=choice.value,
            rule=choice.rule,
            data=data,
            n=choice.n,
            groups=choice.groups,
            low=choice.low,
            high=choice.high,
        )


class DataUse(_Part):
    """One data set's part in the training, and the share of simulated scans."""

    name: str
    licence: str
    train: int
    validation: int
    test: int
    groups: dict[str, int] = {}
    split_fingerprint: str
    simulated_share: float = 0.0
    caveats: tuple[str, ...] = ()


class Training(_Part):
    """How the weights came to be."""

    recipe: str
    recipe_sha256: str
    initial_weights: str
    teachers: tuple[str, ...] = ()  # models whose answers were a second target
    date: str
    code_version: str
    device: str
    minutes: float
    epochs: float
    seed: int
    learning_curve: list[dict[str, float]] = []

    @property
    def origin(self) -> str:
        """What the weights began as, and whose answers they were taught by."""
        return self.initial_weights + (f", taught by {', '.join(self.teachers)}" if self.teachers else "")


class ModelCard(Sealed):
    """Card of one shipped model; see the module docstring.

    ``classes`` names the classes in logit order; a binary model has two names and one logit (that of ``classes[1]``).
    ``metrics`` are on the test part, ``baselines`` (``always positive``, shortcuts) too. ``published`` is what the
    re-implemented system reached, as text with its source. ``digest`` is over all that decides an answer (weights by
    their hash, threshold, temperature, classes, contract, gate ...): a card in which such a value was altered after it
    was measured is refused.
    """

    telling: ClassVar[frozenset[str]] = frozenset(
        {
            "title",
            "data",
            "training",
            "metrics",
            "baselines",
            "published",
            "intended_use",
            "limits",
            "parameters",
            "storage_change",
        }
    )

    system: str
    name: str
    title: str
    version: str
    architecture: str
    role: Literal["classifier", "segmenter"]
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    contract: InputContract
    temperature: Temperature = 1.0
    threshold: Threshold
    mask_threshold: float = Field(default=0.5, ge=0.001, le=0.999)
    mask_min_pixels: int = Field(default=0, ge=0)
    gate: str | None = None  # name of the model that must be positive before this one's mask is shown
    members: int = Field(default=1, ge=1, le=10)  # networks whose answers are averaged, see core/models/members.py
    test_time_flips: tuple[Literal["horizontal"], ...] = ()  # logits are averaged over these flips
    along: int = Field(default=0, ge=0, le=4)  # and over so many slices on either side, see core/engine/predict.py
    data: tuple[DataUse, ...]
    training: Training
    metrics: dict[str, Metric]
    baselines: dict[str, dict[str, float]] = Field(default_factory=dict)
    published: str = ""
    intended_use: str
    limits: tuple[str, ...] = ()
    parameters: int = Field(ge=0)
    storage: str = "float16"
    storage_change: dict[str, float] = Field(default_factory=dict)
    weights_sha256: str

    @property
    def identity(self) -> Identity:
        """What tells its answers from any others: weights and version together.

        The same weights answer otherwise at another temperature, or averaged over other slices; packing raises the
        version then.
        """
        return self.weights_sha256, self.version

    @property
    def averaged(self) -> str:
        """Over what its log-odds are averaged, in words; empty where they are of one pass over the slice."""
        parts = []
        if self.test_time_flips:
            parts.append("its mirror image")
        if self.along:
            several = "slice" if self.along == 1 else f"{self.along} slices"
            parts.append(f"the {several} on either side in its stack, each read by itself")
        return f"mean of the slice, {' and '.join(parts)}" if parts else ""

    @property
    def pedigree(self) -> str:
        """One line: which model, which data, which split, how many."""
        used = "; ".join(f"{d.name} ({d.test} test images, {d.groups.get('test', '?')} groups)" for d in self.data)
        return f"{self.system}/{self.name} {self.version}, {used}"
