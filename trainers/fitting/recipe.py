"""A recipe: all that decides how one model is trained, in one YAML file."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import RecipeError
from core.preprocessing.contract import InputContract
from core.weights.store import Storage

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
# What a run may watch on validation, and in which direction each figure gets better.
MONITORS = {"auc": "higher", "dice": "higher", "macro_recall": "higher", "accuracy": "higher", "val_loss": "lower"}
Monitor = Literal["auc", "dice", "macro_recall", "accuracy", "val_loss"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataPart(_Part):
    """One data set: its name (the layout of its data card) and which label is which class."""

    name: str
    labels: dict[str, int] = {}
    simulated_share: float = Field(default=0.0, ge=0, le=0.5)
    keep: float = Field(default=1.0, gt=0, le=1)  # share of the training groups that is used
    # Every training slice without a finding joins again so many times with a lesion of the system's own kind inserted,
    # then a finding, and as often with a decoy, which changes nothing (trainers/data/planted.py).
    inserted: int = Field(default=0, ge=0, le=4)


class Split(_Part):
    """Group split: shares of the groups for validation and test; the rest is trained on.

    With ``named`` a set whose publisher names its parts is split as published, copies across parts left out.
    """

    named: bool = False
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
    per_image: bool = False  # Tversky index of every image with a tumour, averaged: a small one counts like a large one


class Teacher(_Part):
    """Shipped models, ``system/name``, whose answers are a second target; see :mod:`trainers.fitting.teacher`."""

    models: tuple[str, ...] = Field(min_length=1)
    weight: float = Field(default=1.0, gt=0)  # beside the recipe's own losses
    temperature: float = Field(default=2.0, ge=1)  # softens both, so that a sure teacher still tells how sure
    outlines: float = Field(default=0.0, ge=0)  # weight of their masks' probabilities as a target, pixel by pixel


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
    shear: float = 0.0  # horizontal shift per row, as a fraction
    crop: float = Field(default=1.0, gt=0, le=1)  # smallest share of the area that a random resized crop keeps
    contrast: tuple[float, float] = (1.0, 1.0)  # factor about the image mean, drawn from this range
    sharpness: tuple[float, float] = (1.0, 1.0)  # 0 smooth, 1 as it is, above sharper; drawn from this range
    window_width: float = 0.0  # relative change of the display window's width
    window_centre: float = 0.0  # shift of its centre, in widths
    clahe: float = 0.0  # probability
    enhance: float = Field(default=1.0, ge=0, le=1)  # probability of each of contrast, sharpness and window


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
    # Which logits the masks teach: those of a decoder that is not shipped, or the classifier's own evidence at every
    # place of the tap, which is its heat map before scaling (core/models/auxiliary.py).
    mask_from: Literal["decoder", "evidence"] = "decoder"
    teacher: Teacher | None = None
    gate: str | None = None
    test_time_flips: tuple[Literal["horizontal"], ...] = ()
    along: int = Field(default=0, ge=0, le=4)  # slices on either side whose answers are averaged with a slice's own
    sampling: Literal["natural", "balanced", "balanced-sets", "balanced-groups"] = "balanced"
    epoch_images: int | None = None
    positives_only: bool = False
    epochs: int = Field(default=10, ge=1)
    batch: int = Field(default=16, ge=2)
    optimizer: Literal["adamw", "adam"] = "adamw"
    epsilon: float = Field(default=1e-8, gt=0)  # of Adam's denominator
    lr: float = 1e-3
    weight_decay: float = 0.01
    schedule: Literal["one-cycle", "cosine", "warmup-step", "plateau"] = "one-cycle"
    step_epochs: tuple[int, ...] = ()
    step_factor: float = 0.1
    step_rates: tuple[float, ...] = ()  # learning rate before, between and after the step epochs, instead of a factor
    plateau_monitor: Monitor | None = None  # by default the monitored figure
    plateau_patience: int = Field(default=3, ge=1)
    min_lr: float = 0.0
    freeze_epochs: int = 0
    unfreeze_every: int = Field(default=0, ge=0)  # epochs between opening one more stage; 0 opens all at once
    keep_frozen: int = Field(default=0, ge=0)  # stages from the input on that never open
    dropout: float | None = Field(default=None, ge=0, lt=1)  # of the head; by default the architecture's own
    head_weight_decay: float | None = Field(default=None, ge=0)  # L2 of the head; by default weight_decay
    average: float = Field(default=0.0, ge=0, lt=1)  # decay of the running average of the weights
    monitor: Monitor = "auc"  # MONITORS tells the direction
    # Which epoch is shipped. A few dozen validation patients tell the epochs of one run apart by chance more than by
    # merit; then the last, where the learning rate has come to rest, is the choice that needs no luck.
    keep: Literal["best", "last"] = "best"
    patience: int = 0  # epochs without a better value before stopping; 0: never
    # a mask on an image without tumour costs a reader's trust: the share of such images on which one may be drawn
    false_masks: float = Field(default=0.04, ge=0, le=1)
    threshold_rule: Literal["balanced-accuracy", "youden", "sensitivity-0.94", "even-odds"] = "balanced-accuracy"
    initial_weights: str = Field(
        default="scratch", pattern=r"^(scratch|imagenet|imagenet-lite|ours|radimagenet:.+|model:[^/]+/[^/]+)$"
    )
    storage: Storage = "float16"
    # So many networks, each trained on all folds but one, ship as one model (trainers/fitting/members.py); with a probe
    # nothing is trained but a linear head on frozen features, by logistic regression of this inverse strength of L2.
    members: int = Field(default=1, ge=1, le=10)
    probe: float | None = Field(default=None, gt=0)
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
        if self.mask_from == "evidence" and (not self.auxiliary_mask or len(self.classes) > 2):
            raise ValueError("evidence is that of two classes, and learns from masks with auxiliary_mask: true")
        if any(part.inserted for part in self.data) and len(self.classes) > 2:
            raise ValueError("an inserted lesion is of no known kind: only two classes learn from it")
        if not self.positive or not set(self.positive) < set(self.classes):
            raise ValueError(f"positive {self.positive} must be some of the classes {self.classes}")
        if self.teacher is not None and self.members > 1:
            raise ValueError("a teacher has learnt from every fold: members and a teacher exclude each other")
        if self.teacher is not None and self.teacher.outlines and self.role != "segmenter":
            raise ValueError("only a segmenter can learn its teacher's outlines")
        if self.teacher is not None and f"{self.system}/{self.model}" in self.teacher.models:
            raise ValueError("a model cannot be its own teacher")
        if self.along and self.contract.projection != "slice":
            raise ValueError("along averages neighbouring slices; the views of a volume are none")
        if self.threshold_rule == "even-odds" and self.sampling == "natural":
            raise ValueError(
                "even-odds is the point of a training on as many of either kind: sampling must be balanced"
            )
        if self.probe is not None and (self.members == 1 or self.role == "segmenter"):
            raise ValueError("a probe is fitted fold by fold, to a classifier: it needs members, and draws no mask")
        if self.keep == "last" and self.patience:
            raise ValueError("patience waits for a better epoch, and keep: last takes none: they exclude each other")
        if self.loss.image == "focal" and len(self.loss.focal_alpha) != len(self.classes):
            raise ValueError(f"focal_alpha needs one weight for each of the classes {self.classes}")
        if "dice" in (self.monitor, self.plateau_monitor) and self.role != "segmenter":
            raise ValueError("only a segmenter has a dice to monitor")
        if self.augment.mixup_alpha and self.loss.mask != "none":
            raise ValueError("mixed images have no mask: mixup_alpha and a mask loss exclude each other")
        if self.step_rates and len(self.step_rates) != len(self.step_epochs) + 1:
            raise ValueError("step_rates needs one rate before, between and after the step_epochs")
        wrong = {k: v for part in self.data for k, v in part.labels.items() if not 0 <= v < len(self.classes)}
        if wrong:
            raise ValueError(f"labels {wrong} name no class; there are {len(self.classes)}")
        return self


def with_initial_weights(recipe: Recipe, start: str) -> Recipe:
    """The recipe with other initial weights; it keeps its own folder under ``runs`` and its own hash.

    Raises:
        RecipeError: not one of ``scratch``, ``imagenet``, ``imagenet-lite``, ``ours``, ``radimagenet:FILE`` and
            ``model:SYSTEM/NAME``.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", start.split(":")[0].lower())
    return variant(recipe, {"initial_weights": start}, slug)


def as_trial(recipe: Recipe) -> Recipe:
    """A recipe for a try of seconds: two epochs of a few small batches. Its model is not meant to be shipped."""
    changes: dict[str, object] = {
        "epochs": 2,
        "members": 1,
        "probe": None,
        "batch": 4,
        "epoch_images": 8,
        "average": 0.0,
        "freeze_epochs": min(recipe.freeze_epochs, 1),
    }
    return variant(recipe, changes, "trial")


def variant(recipe: Recipe, changes: dict[str, object], slug: str) -> Recipe:
    """The recipe with some fields changed; it keeps its own folder under ``runs`` and its own hash.

    Args:
        changes: new values by field. slug: appended to the recipe's name, after a full stop.

    Raises:
        RecipeError: the changed recipe contradicts itself.
    """
    digest = hashlib.sha256(f"{recipe.sha256} {sorted(changes.items())}".encode()).hexdigest()
    try:
        return Recipe.model_validate(
            {**recipe.model_dump(), **changes, "source": f"{recipe.source}.{slug}", "sha256": digest}
        )
    except ValidationError as error:
        raise RecipeError(f"{recipe.source} cannot be changed so: {error}", "Correct the fields named.") from error


def load_recipe(name: str) -> Recipe:
    """Read a recipe by name (``brain-unet``) or by path.

    Raises:
        RecipeError: no such recipe, or a field is missing, unknown or contradicts another.
    """
    found = {p.stem: p for p in RECIPES.rglob("*.yaml")}
    path = Path(name) if name.endswith((".yaml", ".yml")) else found.get(name, RECIPES / f"{name}.yaml")
    if not path.is_file():
        known = ", ".join(sorted(found))
        raise RecipeError(f"There is no recipe {name!r}.", f"Known recipes: {known}. Or give a path to a YAML file.")
    text = path.read_text(encoding="utf-8")
    try:
        fields = yaml.safe_load(text)
        return Recipe.model_validate(
            {**fields, "source": path.stem, "sha256": hashlib.sha256(text.encode()).hexdigest()}
        )
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        raise RecipeError(f"The recipe {path.name} cannot be used: {error}", "Correct the fields named.") from error
