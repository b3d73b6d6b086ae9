"""Fusing the PET model with that of MR, and of CT, on places that both show: from validation, measured on test."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from scipy.special import logit

from core import places
from core.errors import DataLayoutError, SystemMismatchError
from core.imaging.study import Modality
from core.statistics import thresholds
from core.statistics.calibration import fit_temperature
from core.statistics.intervals import paired_bootstrap
from core.statistics.ranking import roc_auc
from core.systems import SYSTEMS, System
from core.weights.card import ModelCard, Threshold
from core.weights.folder import load_card
from core.weights.fusion import FUSION, Difference, Fusion, fused
from core.weights.pairs import COLUMNS, save_pairs
from core.weights.predictions import Evidence, load
from trainers.commands.options import DataRoot
from trainers.data.items import Item
from trainers.data.parts import read_parts
from trainers.fitting.fit import labels_of
from trainers.fitting.logs import console
from trainers.fitting.recipe import load_recipe
from trainers.measuring.modalities import OTHER_WEIGHT, all_pairs, pair_figures


@dataclass(frozen=True, eq=False)
class Pairs:
    """``(N,)`` probabilities of a finding on both slices of a place, whether the tumour reaches either, the patient."""

    pet: np.ndarray
    other: np.ndarray
    truth: np.ndarray
    groups: np.ndarray


def fuse_command(
    data: DataRoot = None,
    weights: Annotated[Path, typer.Option(help="Folder with the models; the rules go there.")] = places.WEIGHTS,
    system: Annotated[
        str | None, typer.Option(help="The system whose two models are fused; needed where several have two.")
    ] = None,
    beside: Annotated[Modality | None, typer.Option(help="MR or CT: only that one with PET; by default each.")] = None,
) -> None:
    """Fuse the PET model of a system with its MR and its CT model on matched slices; stored answers are read."""
    chosen = paired(system)
    assert chosen.pair is not None
    for kind in chosen.pair.others if beside is None else (beside,):
        fuse(data, weights, chosen, kind)


def paired(name: str | None, known: Mapping[str, System] = SYSTEMS) -> System:
    """The system of this name, or the only one whose places are read in two modalities.

    Raises:
        SystemMismatchError: none of this name, it has no two modalities, or there are several to choose from.
    """
    found = [one for one in known.values() if one.pair is not None]
    names = ", ".join(one.name for one in found) or "none"
    if name is None and len(found) != 1:
        raise SystemMismatchError(
            f"Which system is meant? Read in two modalities: {names}.", "Name one of them with --system."
        )
    chosen = [one for one in found if name in (None, one.name)]
    if not chosen:
        raise SystemMismatchError(
            f"{name} is no system that is read in two modalities: {names}.", "Name one of them with --system."
        )
    return chosen[0]


def fuse(data: Path | None, weights: Path, system: System | None = None, beside: Modality = Modality.MR) -> Fusion:
    """Calibrate a rule on validation pairs, measure it on test pairs, write it and the pairs themselves.

    Args:
        data, weights: their folders. system: the only one that is read in two modalities, unless given.
        beside: what is read beside PET.

    Raises:
        DataLayoutError: the stored answers are not those of the data, or there are too few pairs.
        SystemMismatchError: as for :func:`paired`; or the system has no model for that modality.
    """
    system = system or paired(None)
    assert system.pair is not None
    if beside not in system.pair.others:
        known = ", ".join(system.pair.others)
        raise SystemMismatchError(f"{system.name} reads no {beside} beside PET.", f"It reads {known}.")
    one, other, folder = system.pair.pet, system.pair.others[beside], weights / system.name
    cards = {name: load_card(folder / name) for name in (one, other)}
    recipes = {name: load_recipe(card.training.recipe) for name, card in cards.items()}
    parts = {name: read_parts(recipe, data) for name, recipe in recipes.items()}
    labels = labels_of(recipes[one]) | labels_of(recipes[other])
    findings = {name: _findings(load(folder / name)) for name in cards}
    validation = pairs_of(parts[one].validation, parts[other].validation, findings, labels)
    test = pairs_of(parts[one].test, parts[other].test, findings, labels)
    rule = rule_of(cards, validation, test, beside)
    first, second = parts[one], parts[other]
    both = (("validation", first.validation, second.validation), ("test", first.test, second.test))
    save_pairs(folder, pd.concat([named_pairs(split, pet, mr) for split, pet, mr in both]), beside)
    rule.save(folder / FUSION[beside])
    auc = rule.metrics["auc"]
    console.print(
        f"PET and {beside}, {len(test.truth)} test pairs: AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]"
    )
    for name, d in rule.differences.items():
        console.print(f"  less {name}: {d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}], p {d.p:.3f}")
    return rule


def pairs_of(
    pet: list[Item], others: list[Item], findings: dict[str, dict[str, float]], labels: dict[str, int]
) -> Pairs:
    """The places that both modalities show, with the models' answers.

    Args:
        pet, others: items. findings: answers by id, by model, that of PET first. labels: classes by label.
    """
    rows = all_pairs(pet, others)
    answers, truths = [], []
    owned = ([p for p, _ in rows], [m for _, m in rows])
    for name, items, own in zip(findings, (pet, others), owned, strict=True):
        ids = np.array([x for i in items for x in i.ids])[own]
        missing = [x for x in ids if x not in findings[name]]
        if missing:
            raise DataLayoutError(
                f"The model {name} has no stored answer for {missing[0]}.", "Train it again on this data."
            )
        answers.append(np.array([findings[name][x] for x in ids]))
        truths.append(np.array([labels[x] > 0 for i in items for x in i.labels])[own])
    groups = np.array([i.group for i in pet for _ in i.labels])[[p for p, _ in rows]]
    return Pairs(answers[0], answers[1], truths[0] | truths[1], groups)


def named_pairs(split: str, pet: list[Item], others: list[Item]) -> pd.DataFrame:
    """The pairs of a split by the identifiers of their slices, as :mod:`core.weights.pairs` keeps them."""
    rows = all_pairs(pet, others)
    names = [[x for i in items for x in i.ids] for items in (pet, others)]
    groups = [i.group for i in pet for _ in i.labels]
    found = [(split, groups[p], names[0][p], names[1][m]) for p, m in rows]
    return pd.DataFrame(found, columns=list(COLUMNS))


def rule_of(cards: dict[str, ModelCard], validation: Pairs, test: Pairs, beside: Modality = Modality.MR) -> Fusion:
    """Temperature and threshold from validation; figures and differences from test.

    Args:
        cards: of both models, that of PET first. validation, test: the places of either part. beside: the other's
            modality.

    Raises:
        DataLayoutError: too few pairs for that.
    """
    one, other = cards
    for part, pairs in (("validation", validation), ("test", test)):
        if len(set(pairs.groups)) < 2 or pairs.truth.all() or not pairs.truth.any():
            raise DataLayoutError(
                f"The {part} part has {len(pairs.truth)} pairs of {len(set(pairs.groups))} patients, or of one class.",
                "Fusing needs two patients at least, and places with and without a finding.",
            )
    plain = fused(validation.pet, validation.other, OTHER_WEIGHT)
    temperature = float(fit_temperature(logit(plain)[:, None], validation.truth))
    choice = thresholds.balanced_accuracy_optimum(
        validation.truth, fused(validation.pet, validation.other, OTHER_WEIGHT, temperature), validation.groups
    )
    names = ", ".join(d.name for c in cards.values() for d in c.data)
    threshold = Threshold.of(choice, f"validation pairs of {names}")
    together = fused(test.pet, test.other, OTHER_WEIGHT, temperature)
    differences = {}
    for name, alone in ((one, test.pet), (other, test.other)):
        d = paired_bootstrap(roc_auc, [test.truth, together], [test.truth, alone], test.groups)
        differences[name] = Difference(value=d.difference.value, low=d.difference.low, high=d.difference.high, p=d.p)
    return Fusion(
        pet=one,
        other=other,
        beside=beside,
        versions={name: card.version for name, card in cards.items()},
        weights_sha256={name: card.weights_sha256 for name, card in cards.items()},
        other_weight=OTHER_WEIGHT,
        temperature=temperature,
        threshold=threshold,
        metrics=pair_figures(cards[one], threshold, test.truth, together, test.groups),
        differences=differences,
        date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    )


def _findings(stored: Evidence) -> dict[str, float]:
    """Calibrated probability of a finding by image, from the answers stored when the model was shipped."""
    return {x: float(p) for part in stored.parts.values() for x, p in zip(part.ids, part.finding, strict=True)}
