"""Cards and predictions drawn at random: a weights folder without weights, whose numbers mean nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core.preprocessing.contract import InputContract
from core.systems import system
from core.weights.card import DataUse, Metric, ModelCard, Threshold, Training

THREE = ("no cancer", "breast cancer", "prostate cancer")


def card(system_name: str, name: str, **changes: object) -> ModelCard:
    """A card of a declared model; its figures are empty unless given."""
    declared = system(system_name)
    slot = next(s for s in declared.models if s.name == name)
    fields: dict[str, object] = {
        "system": system_name,
        "name": name,
        "title": slot.title,
        "version": "0.0.1",
        "architecture": slot.architecture,
        "role": slot.role,
        "classes": declared.classes,
        "positive": declared.positive,
        "contract": InputContract(channels=3, height=64, width=64),
        "temperature": 1.6,
        "threshold": Threshold(value=0.42, rule="largest balanced accuracy", data="validation", n=120),
        "data": (DataUse(name="made", licence="none", train=0, validation=0, test=0, split_fingerprint="0" * 16),),
        "training": Training(
            recipe="none",
            recipe_sha256="0" * 64,
            initial_weights="random",
            date="2026-01-01",
            code_version="none",
            device="cpu",
            minutes=0.0,
            epochs=1,
            seed=7,
        ),
        "metrics": {},
        "baselines": {
            "always positive": {"auc": 0.5, "accuracy": 0.5},
            "grey-level mean": {"auc": 0.58},
        },
        "published": "Source system: AUC 0.847, sensitivity 0.980, specificity 0.185 (README).",
        "intended_use": "tests",
        "parameters": 0,
        "weights_sha256": "0" * 64,
    }
    return ModelCard.model_validate(fields | changes)


def predictions(
    seed: int, *, classes: int = 2, skill: float = 1.6, pure: bool = True, masks: bool = False, groups: int = 24
) -> pd.DataFrame:
    """Predictions on about 8 images a group: alike within a group, too sure of themselves by a factor.

    The images depend on ``classes``, ``pure`` and ``groups`` only, so that two models share them.
    """
    images, noise, sizes = (np.random.default_rng(s) for s in (classes, seed, 99))
    columns: dict[str, list[np.ndarray]] = {}
    for split, count in (("validation", groups), ("test", groups + 4)):
        for g in range(count):
            size = int(images.integers(5, 12))
            truth = np.full(size, g % classes) if pure else np.sort(images.integers(0, classes, size))
            logits = noise.normal(size=(size, classes)) + noise.normal(scale=0.7, size=classes)
            logits[np.arange(size), truth] += skill
            logits *= 1.6
            kept = logits if classes > 2 else logits[:, 1:] - logits[:, :1]
            new = {
                "id": np.array([f"{split}-{g:02d}/{i:03d}" for i in range(size)], dtype=object),
                "group": np.full(size, f"{split}-{g:02d}", dtype=object),
                "split": np.full(size, split, dtype=object),
                "truth": truth,
            } | {f"logit_{k}": kept[:, k].astype(np.float32) for k in range(kept.shape[1])}
            if masks:
                real = np.where(truth > 0, sizes.integers(40, 900, size), 0)
                drawn = (real * noise.uniform(0.6, 1.2, size)).astype(int)
                drawn = np.where(noise.random(size) < 0.1, noise.integers(0, 30, size), drawn)
                shared = (np.minimum(drawn, real) * noise.uniform(0.75, 1.0, size)).astype(int)
                new |= {"mask_pixels": drawn, "truth_pixels": real, "shared_pixels": shared}
            for name, values in new.items():
                columns.setdefault(name, []).append(values)
    return pd.DataFrame({name: np.concatenate(values) for name, values in columns.items()})


def put(folder: Path, made: ModelCard, frame: pd.DataFrame | None) -> Path:
    """Write one model's card and, where given, its predictions."""
    home = folder / made.system / made.name
    home.mkdir(parents=True)
    made.save(home / "card.json")
    if frame is not None:
        frame.to_parquet(home / "predictions.parquet", index=False)
    return home


def write(folder: Path) -> Path:
    """Chest: two models with predictions, one card without. Brain: two segmenters and a classifier. PET: three classes.

    Breast and MR/PET stay empty.
    """
    put(folder, card("chest-ct", "densenet121", metrics=_metrics()), predictions(1))
    put(folder, card("chest-ct", "resnet50"), predictions(2, skill=1.0))
    put(folder, card("chest-ct", "efficientnet-b0"), None)
    put(folder, card("brain-mr", "unet", gate="unet"), predictions(3, pure=False, masks=True))
    put(folder, card("brain-mr", "resnet50"), predictions(4, pure=False, skill=1.2))
    put(folder, card("brain-mr", "resunet", gate="resnet50"), predictions(5, pure=False, masks=True, skill=1.0))
    three = card("pet", "inception-three-class", classes=THREE, positive=THREE[1:])
    put(folder, three, predictions(6, classes=3))
    return folder


def _metrics() -> dict[str, Metric]:
    """A figure that its predictions contradict."""
    return {"auc": Metric(value=0.999, n=1, groups=1)}


def renamed(frame: pd.DataFrame, image: str) -> pd.DataFrame:
    """Identifiers of a layout: ``{g}`` the group, ``{n}`` the image's number within it, ``{k}`` half of that."""
    number = frame.groupby("group").cumcount()
    return frame.assign(id=[image.format(g=g, n=n, k=n // 2) for g, n in zip(frame["group"], number, strict=True)])


def write_more(folder: Path) -> Path:
    """Breast: three classifiers. PET: segmenter, classifier, three classes. MR/PET: PET alone, MR alone, both."""
    for seed, name in enumerate(("resnet18", "resnet50", "vgg16")):
        put(folder, card("breast-mri", name), renamed(predictions(seed), "{g}/SUB{k}/p-{n:03d}.jpg"))
    put(folder, card("pet", "unet", gate="unet"), predictions(3, masks=True).assign(pixel_ml=0.05))
    put(folder, card("pet", "resnet34"), predictions(4))
    three = card("pet", "inception-three-class", classes=THREE, positive=THREE[1:])
    put(folder, three, predictions(6, classes=3))
    pet, mr = (renamed(predictions(7, pure=False), f"{{g}}/{kind}.nii.gz#{{n}}") for kind in ("pet", "mr_t1"))
    put(folder, card("mr-pet", "pet"), pet)
    put(folder, card("mr-pet", "mr-lite0"), mr)
    put(folder, card("mr-pet", "combined"), pd.concat([pet, mr], ignore_index=True))
    return folder
