"""Model cards for tests: one builder, every field of which can be changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.preprocessing.contract import InputContract
from core.systems import SYSTEMS
from core.weights.card import DataUse, ModelCard, Threshold, Training

SIDE = 48


def card_of(system_name: str, name: str, architecture: str, **fields: Any) -> ModelCard:
    """A card of no training; the classes are those of the system, where there is one of that name.

    Args:
        fields: other values; ``contract`` and ``training`` take the fields in which they differ.
    """
    contract = {"channels": 1, "height": SIDE, "width": SIDE} | fields.pop("contract", {})
    training = {
        "recipe": "none",
        "recipe_sha256": "0" * 64,
        "initial_weights": "random",
        "date": "2024-01-01",
        "code_version": "0",
        "device": "cpu",
        "minutes": 0,
        "epochs": 0,
        "seed": 0,
    } | fields.pop("training", {})
    facts: dict[str, Any] = {
        "title": f"Test {name}",
        "version": "1",
        "role": "classifier",
        "threshold": Threshold(value=0.5, rule="fixed", data="none", n=0),
        "data": (DataUse(name="none", licence="none", train=0, validation=0, test=0, split_fingerprint=""),),
        "metrics": {},
        "intended_use": "tests",
        "parameters": 0,
        "weights_sha256": "0" * 64,
    }
    if system_name in SYSTEMS:
        declared = SYSTEMS[system_name]
        facts |= {"classes": declared.classes, "positive": declared.positive}
    return ModelCard(
        system=system_name,
        name=name,
        architecture=architecture,
        contract=InputContract(**contract),
        training=Training(**training),
        **(facts | fields),
    )


def rewrite(path: Path, **changes: Any) -> None:
    """Change a stored card as whoever measured the model anew would: with a digest that fits, if it still is a card."""
    changed = json.loads(path.read_text()) | changes
    try:
        ModelCard.model_validate(changed).save(path)
    except ValidationError:
        path.write_text(json.dumps(changed))
