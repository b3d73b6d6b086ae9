"""A recipe: all that decides how one model is trained, in one YAML file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import RecipeError
from core.preprocessing.contract import InputContract

RECIPES = Path(__file__).parent / "recipes"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataPart(_Part):
    """One data set: its name (the layout of its data card) and which label is which class."""

    name: str
    labels: dict[str, int] = {}
    simulated_share: float = Field(default=0.0, ge=0, le=0.5)


class Split(_Part):
    """Group split: shares of the groups for validation and test; the rest is trained on."""

    seed: int = 0
    validation: float = Field(default=0.15, gt=0, lt=0.5)
    test: float = Field(default=0.15, gt=0, lt=0.5)


class Loss(_Part):
    """Image loss and mask loss with their weights."""

    image: Literal["cross-entropy", "focal"] = "cross-entropy"
    image_weight: float = 1.0
    focal_alpha: tuple[float, ...] = (0.75, 0.25)
    focal_gamma: float = 2.0
    class_weights: Literal["none", "balanced"] = "none"
    label_smoothing: float = 0.0
    mask: Literal["none", "tversky+bce", "focal-tversky", "dice"] = "none"
    mask_weight: float = 1.0
    tversky_miss: float = 0.6  # weight of a missed pixel; 1 - this is the weight of a false one
    tversky_exponent: float = 0.75


class Augment(_Part):
    """Random changes of a training image. Ranges are symmetric; 0 switches a change off."""

    rotation: float = 0.0  # degrees
    shift: float = 0.0  # fraction of the side
    zoom: float = 0.0  # fraction
    flip_horizontal: bool = False
    flip_vertical: bool = False
    gain: float = 0.0  # relative
    bias: float = 0.0  # in network units
    gamma: float = 0.0  # exponent 1 +- this, on the image's own range
    noise: float = 0.0  # largest standard deviation, in network units
    blur: float = 0.0  # probability of a 3x3 smoothing
    single_slice: float = 0.0  # probability that neighbours are replaced by the slice itself
    mixup_alpha: float = 0.0  # lambda ~ Beta(alpha, alpha), fresh for every batch


class Recipe(_Part):
    """See the module docstring. ``source`` and ``sha256`` are filled in by :func:`load_recipe`."""

    system: str
    model: str
    title: str
    architecture: str
    role: Literal["classifier", "segmenter"]
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    contract: InputContract
    data: tuple[DataPart, ...]
    split: Split = Split()
    loss: Loss = Loss()
    augment: Augment = Augment()
    auxiliary_mask: bool = False
    gate: str | None = None
    test_time_flips: tuple[Literal["horizontal"], ...] = ()
    sampling: Literal["natural", "balanced"] = "balanced"
    epoch_images: int | None = None
    positives_only: bool = False
    epochs: int = Field(default=10, ge=1)
    batch: int = Field(default=16, ge=2)
    optimizer: Literal["adamw", "adam"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.01
    schedule: Literal["one-cycle", "cosine", "warmup-step", "plateau"] = "one-cycle"
    step_epochs: tuple[int, ...] = ()
    step_factor: float = 0.1
    freeze_epochs: int = 0
    average: float = Field(default=0.0, ge=0, lt=1)  # decay of the running average of the weights
    monitor: Literal["auc", "dice"] = "auc"  # higher is better for both
    patience: int = 0  # epochs without a better value before stopping; 0: never
    threshold_rule: Literal["balanced-accuracy", "youden", "sensitivity-0.94"] = "balanced-accuracy"
    initial_weights: Literal["scratch", "imagenet"] = "scratch"
    storage: Literal["float16", "int8", "float32"] = "float16"
    seed: int = 0
    published: str = ""
    intended_use: str
    limits: tuple[str, ...] = ()
    source: str = ""
    sha256: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        if self.role == "segmenter" and self.loss.mask == "none":
            raise ValueError("a segmenter needs a mask loss")
        if self.loss.mask != "none" and self.role == "classifier" and not self.auxiliary_mask:
            raise ValueError("a classifier learns from masks only with auxiliary_mask: true")
        if not self.positive or not set(self.positive) < set(self.classes):
            raise ValueError(f"positive {self.positive} must be some of the classes {self.classes}")
        if self.loss.image == "focal" and len(self.loss.focal_alpha) != len(self.classes):
            raise ValueError(f"focal_alpha needs one weight for each of the classes {self.classes}")
        if self.monitor == "dice" and self.role != "segmenter":
            raise ValueError("only a segmenter has a dice to monitor")
        if self.augment.mixup_alpha and self.loss.mask != "none":
            raise ValueError("mixed images have no mask: mixup_alpha and a mask loss exclude each other")
        wrong = {k: v for part in self.data for k, v in part.labels.items() if not 0 <= v < len(self.classes)}
        if wrong:
            raise ValueError(f"labels {wrong} name no class; there are {len(self.classes)}")
        return self


def load_recipe(name: str) -> Recipe:
    """Read a recipe by name (``brain-unet``) or by path.

    Raises:
        RecipeError: no such recipe, or a field is missing, unknown or contradicts another.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else RECIPES / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.yaml")))
        raise RecipeError(f"There is no recipe {name!r}.", f"Known recipes: {known}. Or give a path to a YAML file.")
    text = path.read_text(encoding="utf-8")
    try:
        fields = yaml.safe_load(text)
        return Recipe.model_validate(
            {**fields, "source": path.stem, "sha256": hashlib.sha256(text.encode()).hexdigest()}
        )
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        raise RecipeError(f"The recipe {path.name} cannot be used: {error}", "Correct the fields named.") from error
