"""The model card: everything a reader must know to judge a number, in JSON beside the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core.preprocessing.contract import InputContract


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
    date: str
    code_version: str
    device: str
    minutes: float
    epochs: float
    seed: int
    learning_curve: list[dict[str, float]] = []


class ModelCard(_Part):
    """Card of one shipped model; see the module docstring.

    ``classes`` names the classes in logit order; a binary model has two names and one logit (that of ``classes[1]``).
    ``metrics`` are on the test part, ``baselines`` (``always positive``, shortcuts) too. ``published`` is what the
    re-implemented system reached, as text with its source.
    """

    system: str
    name: str
    title: str
    version: str
    architecture: str
    role: Literal["classifier", "segmenter"]
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    contract: InputContract
    temperature: float = 1.0
    threshold: Threshold
    mask_threshold: float = 0.5
    mask_min_pixels: int = 0
    gate: str | None = None  # name of the model that must be positive before this one's mask is shown
    test_time_flips: tuple[Literal["horizontal"], ...] = ()  # logits are averaged over these flips
    data: tuple[DataUse, ...]
    training: Training
    metrics: dict[str, Metric]
    baselines: dict[str, dict[str, float]] = {}
    published: str = ""
    intended_use: str
    limits: tuple[str, ...] = ()
    parameters: int
    storage: str = "float16"
    storage_change: dict[str, float] = {}
    weights_sha256: str

    @classmethod
    def load(cls, path: Path) -> ModelCard:
        """Read ``card.json``; raises ``pydantic.ValidationError`` when it is not a card."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def save(self, path: Path) -> None:
        """Write the card as indented JSON."""
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @property
    def pedigree(self) -> str:
        """One line: which model, which data, which split, how many."""
        used = "; ".join(f"{d.name} ({d.test} test images, {d.groups.get('test', '?')} groups)" for d in self.data)
        return f"{self.system}/{self.name} {self.version}, {used}"
