"""A small set with faults planted by hand, and smooth noise for pictures that no two of are alike."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter


def texture(seed: int, size: int = 64) -> np.ndarray:
    """Smooth noise, uint8 ``(size, size)``, mean near 128."""
    field = gaussian_filter(np.random.default_rng(seed).normal(size=(size, size)), size / 16)
    return np.clip(128 + 40 * field / field.std(), 0, 255).astype(np.uint8)


def write_set(folder: Path, rows: list[dict[str, str]], pictures: list[np.ndarray]) -> Path:
    """Write pictures (PNG, so that the pixels stay) and their index."""
    folder.mkdir(parents=True, exist_ok=True)
    for row, pixels in zip(rows, pictures, strict=True):
        path = folder / row["image"]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def planted(folder: Path) -> Path:
    """40 pictures of 20 patients, 24 train / 16 test.

    Planted: test pictures 24 and 25 are train pictures 0 and 1 (same pixels, same labels);
    26 is train 2 slightly brighter and noisier; 3 is 2 in the same part, and patient p2 lies in both parts.
    """
    pictures = [texture(seed) for seed in range(40)]
    noise = np.random.default_rng(99).normal(scale=1.5, size=(64, 64))
    pictures[24] = pictures[0].copy()
    pictures[25] = pictures[1].copy()
    pictures[26] = np.clip(pictures[2] * 1.05 + 3 + noise, 0, 255).astype(np.uint8)
    pictures[3] = pictures[2].copy()
    rows = []
    for number in range(40):
        label = "malignant" if number % 2 else "benign"
        patient = "p2" if number == 30 else f"p{number // 2}"
        split = "train" if number < 24 else "test"
        rows.append({"image": f"{number:02d}.png", "label": label, "patient": patient, "split": split})
    rows[3]["label"] = "benign"  # copies of one picture agree here, so that only the planted conflict is one
    return write_set(folder, rows, pictures)
