"""Fusing the PET model and the MR model on places that both show: calibrated on validation, measured on test."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from scipy.special import logit

from core import places
from core.errors import DataLayoutError
from core.statistics import thresholds
from core.statistics.calibration import fit_temperature
from core.statistics.intervals import paired_bootstrap
from core.statistics.ranking import roc_auc
from core.systems import SYSTEMS
from core.weights.card import ModelCard, Threshold
from core.weights.fusion import FUSION, Difference, Fusion, fused
from core.weights.pairs import COLUMNS, save_pairs
from core.weights.predictions import Evidence, load
from core.weights.store import load_card
from trainers.commands.options import DataRoot
from trainers.data.items import Item
from trainers.data.parts import read_parts
from trainers.fitting.fit import labels_of
from trainers.fitting.logs import console
from trainers.fitting.recipe import load_recipe
from trainers.measuring.modalities import MR_WEIGHT, all_pairs, pair_figures

# The one system whose places are read in two modalities.
SYSTEM, _PAIR = next((s.name, s.pair) for s in SYSTEMS.values() if s.pair is not None)
PET, MR = _PAIR.pet, _PAIR.mr


@dataclass(frozen=True, eq=False)
class Pairs:
    """``(N,)`` probabilities of a finding on both slices of a place, whether the tumour reaches either, the patient."""

    pet: np.ndarray
    mr: np.ndarray
    truth: np.ndarray
    groups: np.ndarray


def fuse_command(
    data: DataRoot = None,
    weights: Annotated[Path, typer.Option(help="Folder with the models; fusion.json goes there.")] = places.WEIGHTS,
) -> None:
    """Fuse the PET and the MR model of mr-pet on matched slices; nothing is trained, stored answers are read."""
    fuse(data, weights)


def fuse(data: Path | None, weights: Path) -> Fusion:
    """Calibrate the rule on validation pairs, measure it on test pairs, write ``fusion.json`` and the pairs themselves.

    Raises:
        DataLayoutError: the stored answers are not those of the data, or there are too few pairs.
    """
    cards = {name: load_card(weights / SYSTEM / name) for name in (PET, MR)}
    recipes = {name: load_recipe(card.training.recipe) for name, card in cards.items()}
    parts = {name: read_parts(recipe, data) for name, recipe in recipes.items()}
    labels = labels_of(recipes[PET]) | labels_of(recipes[MR])
    findings = {name: _findings(load(weights / SYSTEM / name)) for name in cards}
    validation = pairs_of(parts[PET].validation, parts[MR].validation, findings, labels)
    test = pairs_of(parts[PET].test, parts[MR].test, findings, labels)
    rule = rule_of(cards, validation, test)
    both = (("validation", parts[PET].validation, parts[MR].validation), ("test", parts[PET].test, parts[MR].test))
    save_pairs(weights / SYSTEM, pd.concat([named_pairs(split, pet, mr) for split, pet, mr in both]))
    (weights / SYSTEM / FUSION).write_text(rule.model_dump_json(indent=1) + "\n", encoding="utf-8")
    auc = rule.metrics["auc"]
    console.print(f"{len(test.truth)} test pairs: AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]")
    for name, d in rule.differences.items():
        console.print(f"  less {name}: {d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}], p {d.p:.3f}")
    return rule


def pairs_of(pet: list[Item], mr: list[Item], findings: dict[str, dict[str, float]], labels: dict[str, int]) -> Pairs:
    """The places that both modalities show, with the models' answers; arguments: items, answers by id, classes."""
    rows = all_pairs(pet, mr)
    answers, truths = [], []
    for name, items, own in ((PET, pet, [p for p, _ in rows]), (MR, mr, [m for _, m in rows])):
        ids = np.array([x for i in items for x in i.ids])[own]
        missing = [x for x in ids if x not in findings[name]]
        if missing:
            raise DataLayoutError(
                f"{SYSTEM}/{name} has no stored answer for {missing[0]}.", "Train it again on this data."
            )
        answers.append(np.array([findings[name][x] for x in ids]))
        truths.append(np.array([labels[x] > 0 for i in items for x in i.labels])[own])
    groups = np.array([i.group for i in pet for _ in i.labels])[[p for p, _ in rows]]
    return Pairs(answers[0], answers[1], truths[0] | truths[1], groups)


def named_pairs(split: str, pet: list[Item], mr: list[Item]) -> pd.DataFrame:
    """The pairs of a split by the identifiers of their slices, as :mod:`core.weights.pairs` keeps them."""
    rows = all_pairs(pet, mr)
    names = [[x for i in items for x in i.ids] for items in (pet, mr)]
    groups = [i.group for i in pet for _ in i.labels]
    found = [(split, groups[p], names[0][p], names[1][m]) for p, m in rows]
    return pd.DataFrame(found, columns=list(COLUMNS))


def rule_of(cards: dict[str, ModelCard], validation: Pairs, test: Pairs) -> Fusion:
    """Temperature and threshold from validation; figures and differences from test.

    Raises:
        DataLayoutError: too few pairs for that.
    """
    for part, pairs in (("validation", validation), ("test", test)):
        if len(set(pairs.groups)) < 2 or pairs.truth.all() or not pairs.truth.any():
            raise DataLayoutError(
                f"The {part} part has {len(pairs.truth)} pairs of {len(set(pairs.groups))} patients, or of one class.",
                "Fusing needs two patients at least, and places with and without a finding.",
            )
    plain = fused(validation.pet, validation.mr, MR_WEIGHT)
    temperature = float(fit_temperature(logit(plain)[:, None], validation.truth))
    choice = thresholds.balanced_accuracy_optimum(
        validation.truth, fused(validation.pet, validation.mr, MR_WEIGHT, temperature), validation.groups
    )
    names = ", ".join(d.name for c in cards.values() for d in c.data)
    threshold = Threshold.of(choice, f"validation pairs of {names}")
    together = fused(test.pet, test.mr, MR_WEIGHT, temperature)
    differences = {}
    for name, alone in ((PET, test.pet), (MR, test.mr)):
        d = paired_bootstrap(roc_auc, [test.truth, together], [test.truth, alone], test.groups)
        differences[name] = Difference(value=d.difference.value, low=d.difference.low, high=d.difference.high, p=d.p)
    return Fusion(
        pet=PET,
        mr=MR,
        versions={name: card.version for name, card in cards.items()},
        weights_sha256={name: card.weights_sha256 for name, card in cards.items()},
        mr_weight=MR_WEIGHT,
        temperature=temperature,
        threshold=threshold,
        metrics=pair_figures(cards[PET], threshold, test.truth, together, test.groups),
        differences=differences,
        date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    )


def _findings(stored: Evidence) -> dict[str, float]:
    """Calibrated probability of a finding by image, from the answers stored when the model was shipped."""
    return {x: float(p) for part in stored.parts.values() for x, p in zip(part.ids, part.finding, strict=True)}
