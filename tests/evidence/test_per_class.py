"""The report of every class, confusion, overlap of masks: against scikit-learn, on made-up models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from core.evidence import Evidence, Part, load, masks, per_class
from tests.evidence import made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write(tmp_path_factory.mktemp("weights"))


def part_of(model: Evidence) -> Part:
    part = model.part("test")
    assert part is not None
    return part


@pytest.mark.parametrize("name", ["chest-ct/densenet121", "pet/inception-three-class"])
def test_the_report_is_scikit_learns(folder: Path, name: str) -> None:
    model = load(folder / name)
    part = part_of(model)
    classes = model.card.classes
    said = part.calibrated.argmax(axis=1) if len(classes) > 2 else (part.finding >= 0.42).astype(int)
    theirs = sk.classification_report(part.classes, said, output_dict=True, zero_division=np.nan)
    table = per_class.table([model], "test")
    assert table is not None
    labels = [f"{model.card.title}: {x}" for x in (*classes, "mean over classes", "mean by support")]
    wanted = [*(theirs[str(k)] for k in range(len(classes))), theirs["macro avg"], theirs["weighted avg"]]
    for row, label, line in zip(table.rows, labels, wanted, strict=False):
        assert row.label == label
        for key, other in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            figure = row.figures[key]
            assert figure.value == pytest.approx(line[other])
            assert figure.low <= figure.value <= figure.high
        assert row.figures["support"].value == line["support"]
    assert table.rows[len(classes)].figures["accuracy"].value == pytest.approx(theirs["accuracy"])
    assert per_class.confusion(part).tolist() == sk.confusion_matrix(part.classes, said).tolist()


def test_the_baseline_is_the_largest_class(folder: Path) -> None:
    model = load(folder / "pet" / "inception-three-class")
    part = part_of(model)
    table = per_class.table([model], "test")
    assert table is not None
    base = next(row for row in table.rows if row.kind == "baseline")
    largest = int(np.bincount(part.classes).argmax())
    always = np.full(part.n, largest)
    assert base.label == f"always {model.card.classes[largest]}"
    assert base.figures["accuracy"].value == pytest.approx(sk.accuracy_score(part.classes, always))
    assert base.figures["recall"].value == pytest.approx(sk.balanced_accuracy_score(part.classes, always))


def test_overlap_is_what_pixels_say(folder: Path) -> None:
    """IoU and Tversky index of slices and volumes, by hand from the stored counts."""
    model = load(folder / "brain-mr" / "unet")
    frame = pd.read_parquet(folder / "brain-mr" / "unet" / "predictions.parquet").query("split == 'test'")
    table = masks.table([model], "test")
    assert table is not None
    figures = table.rows[0].figures

    def iou(f: pd.DataFrame) -> pd.Series:
        return f["shared_pixels"] / (f["mask_pixels"] + f["truth_pixels"] - f["shared_pixels"])

    def tversky(f: pd.DataFrame) -> pd.Series:
        false, missed = f["mask_pixels"] - f["shared_pixels"], f["truth_pixels"] - f["shared_pixels"]
        return f["shared_pixels"] / (f["shared_pixels"] + 0.3 * false + 0.7 * missed)

    slices = frame[frame["truth_pixels"] > 0]
    volumes = frame.groupby("group")[["mask_pixels", "truth_pixels", "shared_pixels"]].sum()
    volumes = volumes[volumes["truth_pixels"] > 0]
    for name, index in (("iou", iou), ("tversky", tversky)):
        assert figures[f"{name}_slice"].value == pytest.approx(index(slices).mean())
        assert figures[f"{name}_volume_mean"].value == pytest.approx(index(volumes).mean())
        assert figures[f"{name}_slice"].low < figures[f"{name}_slice"].value < figures[f"{name}_slice"].high
