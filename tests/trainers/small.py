"""A small simulated set laid out like brain-lgg, and a recipe that trains on it in seconds."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from core.simulate.phantom import phantom

SIDE, PATIENTS, SLICES = 64, 12, 4

RECIPE = """
system: brain-mr
model: unet
title: Test segmenter
architecture: resunet
role: segmenter
classes: [no tumour, tumour]
positive: [tumour]
gate: unet
contract: {channels: 3, context: neighbours, height: 48, width: 48, scaling: z-score, percentiles: [0, 99.5]}
data: [{name: brain-lgg, labels: {no tumour: 0, tumour: 1}}]
split: {seed: 1, validation: 0.25, test: 0.25}
loss: {image: cross-entropy, image_weight: 0.3, mask: tversky+bce}
augment: {rotation: 10, flip_horizontal: true, gain: 0.1, noise: 0.05, single_slice: 0.3}
sampling: balanced
epoch_images: 16
epochs: 4
batch: 4
lr: 3.0e-3
average: 0.5
monitor: dice
intended_use: tests
storage: float32
"""


# The lines that make it a classifier.
CLASSIFIER = {
    "architecture": "resnet18",
    "role": "classifier",
    "gate": "null",
    "contract": "{channels: 1, height: 48, width: 48}",
    "loss": "{image: cross-entropy}",
    "monitor": "auc",
}


def write_recipe(folder: Path, name: str = "small", **changes: str) -> Path:
    """The recipe with some lines replaced, as a file."""
    lines = []
    for line in RECIPE.strip().splitlines():
        key = line.split(":")[0]
        lines.append(f"{key}: {changes.pop(key)}" if key in changes else line)
    lines += [f"{key}: {value}" for key, value in changes.items()]
    path = folder / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def write_brain_lgg(folder: Path) -> Path:
    """Pictures, masks and index of :data:`PATIENTS` simulated patients, :data:`SLICES` slices each."""
    rng = np.random.default_rng(0)
    ill, well = (phantom("brain-mr", 4, label, slices=SLICES) for label in ("tumour", "no tumour"))
    rows = []
    for number in range(PATIENTS):
        patient = f"P{number:02d}"
        for kind in ("images", "masks"):
            (folder / kind / patient).mkdir(parents=True)
        for index in range(SLICES):
            tumour = index % 2 == 1
            plane = well.series.pixels[index]
            mask = np.zeros(plane.shape, np.float32)
            if tumour:
                place = int(ill.truth.sum((1, 2)).argmax())
                plane, mask = ill.series.pixels[place], ill.truth[place].astype(np.float32)
            move = np.float32([[1, 0, rng.uniform(-12, 12)], [0, 1, rng.uniform(-12, 12)]])
            plane, mask = (cv2.warpAffine(a.astype(np.float32), move, a.shape[::-1]) for a in (plane, mask))
            plane, mask = (cv2.resize(a, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for a in (plane, mask))
            plane = np.clip(plane * rng.uniform(0.8, 1.1) + rng.normal(0, 4, plane.shape), 0, 255)
            image, drawn = f"images/{patient}/{index + 1:03d}.png", f"masks/{patient}/{index + 1:03d}.png"
            cv2.imwrite(str(folder / image), plane.astype(np.uint8))
            cv2.imwrite(str(folder / drawn), ((mask > 0.5) * 255).astype(np.uint8))
            rows.append((image, drawn, patient, index + 1, int((mask > 0.5).any())))
    rng.shuffle(rows)  # the index need not be in order
    with (folder / "index.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("image", "mask", "patient", "slice", "tumour"))
        writer.writerows(rows)
    return folder
