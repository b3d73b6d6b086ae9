"""DICOM series with a patient's name on them, and reviews with hand-made answers on them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydicom.uid import generate_uid

from core.engine.results import HeatMap, ModelResult, ModelState, ModelStatus, Review
from core.imaging import read
from core.imaging.study import Series, Study
from core.reports.case import CaseReport
from core.simulate import samples
from core.weights.card import Metric, ModelCard
from core.weights.predictions import Evidence, from_frame
from tests.cards import card_of
from tests.imaging import builders

PATIENT = {
    "SpecificCharacterSet": "ISO_IR 192",
    "PatientName": "Müßiggang^Jürgen",
    "PatientID": "PID-4711",
    "PatientBirthDate": "19500203",
    "PatientSex": "M",
    "StudyDate": "20200102",
    "StudyTime": "101112",
    "StudyID": "S1",
    "AccessionNumber": "ACC-9",
    "ReferringPhysicianName": "Ärztin^Eva",
    "FrameOfReferenceUID": generate_uid(entropy_srcs=["frame"]),
    "BodyPartExamined": "BRAIN",
    "SeriesNumber": 3,
    "Manufacturer": "Test",
    "PatientPosition": "HFS",
}
SECRETS = ("Müßiggang", "Jürgen", "PID-4711", "ACC-9", "Ärztin")
TITLES = {"unet": "U-Net, test", "resunet": "Residual U-Net, test", "resnet50": "ResNet, test"}


def mr_files(slices: int = 5, **changes: Any) -> list[tuple[str, bytes]]:
    """An MR series of 24 x 32 pixels, 0.75 x 0.5 mm, 3 mm apart, files in a shuffled order."""
    volume = np.random.default_rng(1).integers(0, 900, (slices, 24, 32)).astype(np.uint16)
    headers = builders.stack(volume, **(PATIENT | changes))
    files = builders.named(headers)
    return [files[number] for number in np.random.default_rng(2).permutation(slices)]


def sample_files() -> list[tuple[str, bytes]]:
    """The simulated chest CT series of the shipped samples."""
    return samples.sample_files("chest-ct-01")


def masks_of(series: Series, which: int = 0) -> np.ndarray:
    """A box that grows from slice to slice, none on the first and last slice; moved by ``which``."""
    out = np.zeros(series.pixels.shape, bool)
    for index in range(1, series.slices - 1) if series.slices > 2 else [0]:
        out[index, 3 + which : 8 + which + index % 5, 4 : 10 + which] = True
    return out


def result(
    system: str, name: str, finding: Sequence[float], mask: np.ndarray | None = None, **card: Any
) -> ModelResult:
    """What a model said, with a card that has figures on it."""
    role = "classifier" if mask is None else "segmenter"
    metrics = {"auc": Metric(value=0.913, low=0.871, high=0.944, n=321, groups=17)}
    made = card_of(system, name, "resunet", role=role, metrics=metrics, weights_sha256="ab" * 32, **card)
    p = np.asarray(finding, dtype=np.float64)
    both = np.stack([1 - p, p], 1)
    title = TITLES.get(name, name)
    state = ModelState(system, name, title, role, ModelStatus.READY, card=made)
    probability = None if mask is None else np.where(mask, 0.5 + p[:, None, None] / 2, 0.03).astype(np.float16)
    return ModelResult(state, both, both, p, mask, None if mask is None else np.zeros(len(p), bool), 0.01, probability)


def review_of(study: Study, system: str = "brain-mr", index: int = 0) -> Review:
    """Two outlining models and a classifier; they agree in the middle of the stack and nowhere else."""
    series = study.series[index]
    p = np.linspace(0.05, 0.97, series.slices) if series.slices > 1 else np.array([0.81])
    results = (
        result(system, "unet", p, masks_of(series)),
        result(system, "resunet", p[::-1], masks_of(series, 2)),
        result(system, "resnet50", np.full(series.slices, 0.73)),
    )
    return Review(study.sha256, system, series.key, results, peak=series.slices // 2)


def predictions(card: ModelCard, shift: float) -> Evidence:
    """Sixty validation and sixty test images; ``shift`` moves the model's log odds."""
    rng = np.random.default_rng(4)
    truth = np.tile([0, 1], 60)
    frame = pd.DataFrame({"id": [f"i{n}" for n in range(120)], "group": [f"g{n % 20}" for n in range(120)]})
    frame["split"], frame["truth"] = ["validation"] * 60 + ["test"] * 60, truth
    frame["logit_0"] = rng.normal(2.0 * truth - 1.0 + shift, 1.0)
    return from_frame(card, frame, card.name)


def stored(review: Review) -> dict[str, Evidence]:
    """Predictions beside the weights of every model of a review."""
    return {name: predictions(card, 0.1 * place) for place, (name, card) in enumerate(review.pedigree.items())}


def heat_of(report: CaseReport, model: str = "resnet50") -> HeatMap:
    """A heat map that is hottest at row 6, column 9 of the most suspicious slice."""
    values = np.zeros(report.series.shape, np.float32)
    values[6, 9] = 1.0
    return HeatMap(model, report.review.peak, "tumour", "grad-cam", values, peak=2.0)


def case(files: Sequence[tuple[str, bytes]], system: str = "brain-mr", index: int = 0, **fields: Any) -> CaseReport:
    """A report of a read upload, with hand-made answers and one heat map."""
    study = read(files)
    made = CaseReport(study, index, review_of(study, system, index), shown=0, **fields)
    return CaseReport(study, index, made.review, shown=0, **({"heat_maps": (heat_of(made),)} | fields))


def complaints(file: Path) -> list[str]:
    """Errors that dciodvfy reports about a DICOM file."""
    done = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, errors="replace", check=False)
    said = (done.stdout + done.stderr).splitlines()
    assert len(said) >= 1, "dciodvfy said nothing: is dicom3tools installed?"
    return [line for line in said if line.startswith(("Error", "Abort"))]
