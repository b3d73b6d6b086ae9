"""From a recipe with ``members`` to one model: a network for each fold, thresholds from out-of-fold answers.

No patient is spent on a validation part: those outside the test part are dealt into folds, each fold is answered by the
network that never saw it, and these answers choose temperature, threshold and mask rule. What ships is all the networks
together, whose mean answers for patients that none of them saw; the test part measures that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from core.engine.predict import SeriesPrediction, smoothed
from core.errors import RecipeError
from core.models.members import Members
from core.models.net import OverreadNet
from core.models.registry import create
from core.weights.card import DataUse, ModelCard
from core.weights.predictions import load
from core.weights.store import as_stored
from trainers.data.items import Item, fold_groups
from trainers.data.parts import Parts, read_parts
from trainers.data.tensors import Cases, to_cases
from trainers.fitting.fit import draft_card, labels_of, network_of, ship_network
from trainers.fitting.initial import library_weights
from trainers.fitting.logs import console
from trainers.fitting.loop import Progress, Run
from trainers.fitting.precision import device_name
from trainers.fitting.recipe import Recipe, variant
from trainers.measuring.scoring import predictions

BATCH = 32


@dataclass
class _Fitted:
    """The members, what each says of its own fold in the order of the items, and the training's story."""

    nets: list[OverreadNet] = field(default_factory=list)
    answers: dict[int, SeriesPrediction] = field(default_factory=dict)  # by position among the items
    progress: Progress = field(default_factory=Progress)


def train_members(
    recipe: Recipe,
    *,
    folder: Path | None,
    runs: Path,
    weights: Path,
    minutes: float | None,
    fabric: Fabric,
    limit: int | None = None,
    finish: bool = True,
) -> Progress:
    """Fit a network for each of ``recipe.members`` folds and ship them as one; a stopped run goes on where it was.

    Raises:
        RecipeError: fewer patients than folds.
    """
    parts = read_parts(recipe, folder, limit=limit)
    items = [*parts.train, *parts.validation]
    real = [item for item in items if item.counted]
    fold_of = fold_groups(real, recipe.members)
    if len(fold_of) < recipe.members:
        raise RecipeError(f"There are {len(fold_of)} patients for {recipe.members} members.", "Use fewer members.")
    fitted = _Fitted()
    frozen = None if recipe.probe is None else Frozen.of(recipe, items)
    for fold in range(recipe.members):
        kept = [item for item in items if item.simulated or fold_of[item.group] != fold]
        asked = [place for place, item in enumerate(real) if fold_of[item.group] == fold]
        judged = [real[place] for place in asked]
        if frozen is not None:
            net = frozen.fitted(recipe, np.array([fold_of.get(group) != fold for group in frozen.cases.groups]))
        else:
            found = _trained(recipe, fold, kept, judged, runs, weights, minutes, fabric, fitted.progress)
            if found is None:
                return fitted.progress  # the time was up
            net = found
        # what is answered out of fold is what ships: the rounded weights
        net = as_stored(net, recipe.storage)
        fitted.nets.append(net)
        card = draft_card(recipe, parts, fitted.progress, "").model_copy(update={"gate": None})
        fitted.answers |= dict(zip(asked, predictions(net, card, judged), strict=True))
        console.print(f"{recipe.source}: member {fold + 1} of {recipe.members} is fitted")
    if finish:
        joined = Members(fitted.nets).eval()
        out_of_fold = [fitted.answers[place] for place in range(len(real))]
        told = device_name(fabric.device)
        known = without_validation(parts)
        ship_network(recipe, known, joined, fitted.progress, weights, device=told, on_validation=out_of_fold)
    return fitted.progress


def without_validation(parts: Parts) -> Parts:
    """Every patient outside the test part has trained members, and has been answered by one that did not know it."""
    items = [*parts.train, *parts.validation]
    real = [item for item in items if item.counted]
    return replace(parts, train=items, validation=real, use=tuple(_pooled(use) for use in parts.use))


def kept_answers(folder: Path, card: ModelCard, recipe: Recipe, items: Sequence[Item]) -> list[SeriesPrediction]:
    """What each member of a shipped model said of the fold it never saw, as it is kept beside the weights.

    Answers of single slices are averaged with their neighbours' where the recipe says so and the card does not yet.

    Args:
        folder: of the shipped model. items: all outside the test part.

    Raises:
        RecipeError: an item has no answer; masks are asked for, which are not kept; or what is kept has been averaged
            otherwise than the recipe says.
    """
    if recipe.role == "segmenter" or card.along not in (0, recipe.along):
        raise RecipeError(
            f"What {card.system}/{card.name} keeps of its members' answers cannot choose its thresholds again.",
            "Train it anew with --resume, or leave its storage as it is.",
        )
    part = load(folder).part("validation")
    row = {} if part is None else {name: at for at, name in enumerate(part.ids.tolist())}
    unknown = [name for item in items for name in item.ids if name not in row]
    if part is None or unknown:
        raise RecipeError(
            f"{card.system}/{card.name} keeps no answer of a member to {len(unknown)} images of its data.",
            "Use the data that it was trained with.",
        )
    kept = [part.logits[[row[name] for name in item.ids]].astype(np.float32) for item in items]
    if card.along != recipe.along:
        kept = [smoothed(own, item.series, recipe.along) for own, item in zip(kept, items, strict=True)]
    none, seconds = np.zeros((0, 0), np.float32), card.metrics["ms_per_image"].value / 1000
    return [SeriesPrediction(own, none, None, seconds) for own in kept]


def _pooled(use: DataUse) -> DataUse:
    """A set's part in a training of members: what was validation trains too."""
    groups = {**use.groups, "train": use.groups.get("train", 0) + use.groups.get("validation", 0), "validation": 0}
    return use.model_copy(update={"train": use.train + use.validation, "validation": 0, "groups": groups})


def _trained(
    recipe: Recipe,
    fold: int,
    kept: Sequence[Item],
    judged: Sequence[Item],
    runs: Path,
    weights: Path,
    minutes: float | None,
    fabric: Fabric,
    progress: Progress,
) -> OverreadNet | None:
    """A network trained on the other folds, its last epoch; ``None`` when the time was up before its end."""
    # the same run as that of the command ``folds``, so that what one has trained the other finds
    changes: dict[str, object] = {"keep": "last", "patience": 0, "epochs": recipe.epochs}
    own = variant(recipe, changes, f"fold-{fold}-of-{recipe.members}")
    train, test = (to_cases(some, recipe.contract, labels_of(recipe)) for some in (kept, judged))
    run = Run(own, train, test, runs / own.source, fabric, resume=True, pretrained=weights / "pretrained")
    left = None if minutes is None else max(0.0, minutes - progress.minutes)
    done = run.fit(minutes=left)
    progress.minutes += done.minutes
    progress.epoch, progress.best_epoch, progress.curve = done.epoch, done.best_epoch, done.curve
    return network_of(own, run.best_state) if run.finished else None


@dataclass(frozen=True, eq=False)
class Frozen:
    """The recipe's network as it starts, and its pooled features of all slices: to fit heads on.

    Attributes:
        net: whose backbone all members share.
        features: ``(N, F)`` or, with mirror images below, ``(2 N, F)``, in the order of the ``N`` cases.
    """

    net: OverreadNet
    cases: Cases
    features: np.ndarray

    @classmethod
    def of(cls, recipe: Recipe, items: Sequence[Item]) -> Frozen:
        """Read all slices once, by the weights as they will be stored; mirrored too where the recipe flips."""
        net = as_stored(_new(recipe, library_weights(recipe.initial_weights)), recipe.storage)
        cases = to_cases(items, recipe.contract, labels_of(recipe))
        return cls(net, cases, pooled_features(net, cases, mirrored="horizontal" in recipe.test_time_flips))

    def fitted(self, recipe: Recipe, rows: np.ndarray) -> OverreadNet:
        """A network with a head by logistic regression on some cases.

        Weights make the classes count alike, and within them the sets where the recipe says ``balanced-sets``.

        Args:
            rows: bool ``(N,)``, which cases are fitted to.

        Raises:
            RecipeError: a head that is not one linear layer.
        """
        net = _new(recipe, None)
        net.backbone = self.net.backbone
        linear = next(
            (m for m in net.modules() if isinstance(m, torch.nn.Linear) and m.weight is net.linear_weight), None
        )
        if linear is None:
            raise RecipeError(f"{recipe.architecture} has no linear head to fit.", "Use a ResNet or an EfficientNet.")
        repeats = len(self.features) // len(self.cases)
        labels, sets = self.cases.labels.numpy()[rows], self.cases.sources.numpy()[rows]
        cells = labels * 1000 + (sets if recipe.sampling == "balanced-sets" else 0)
        share = np.array([1 / (cells == cell).sum() for cell in cells])
        for label in np.unique(labels):
            share[labels == label] /= share[labels == label].sum()
        chosen = self.features[np.tile(rows, repeats)]
        scaler = StandardScaler().fit(chosen)
        fit = LogisticRegression(C=recipe.probe, max_iter=3000, random_state=recipe.seed)
        counts = np.tile(share / share.mean(), repeats) / repeats
        fit.fit(scaler.transform(chosen), np.tile(labels, repeats), sample_weight=counts)
        weight = fit.coef_ / scaler.scale_
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(fit.intercept_ - weight @ scaler.mean_))
        return net


def _new(recipe: Recipe, start: str | None) -> OverreadNet:
    return create(
        recipe.architecture,
        classes=len(recipe.classes),
        channels=recipe.contract.channels,
        size=(recipe.contract.height, recipe.contract.width),
        pretrained=start,
    ).eval()


def pooled_features(net: OverreadNet, cases: Cases, *, mirrored: bool) -> np.ndarray:
    """Pooled features ``(N, F)`` of all cases; with ``mirrored`` those of their mirror images below, ``(2 N, F)``."""
    found: list[list[torch.Tensor]] = [[], []]
    with torch.inference_mode():
        for start in range(0, len(cases), BATCH):
            x = cases.images(torch.arange(start, min(start + BATCH, len(cases))))
            for place, images in enumerate((x, x.flip(-1)) if mirrored else (x,)):
                found[place].append(net.run(images).features)
    return torch.cat([*found[0], *found[1]]).numpy()
