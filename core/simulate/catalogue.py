"""Which built-in samples there are, and how each is drawn and filed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from core.imaging.study import Unit
from core.simulate import pet, writers
from core.simulate.phantom import LABELS, Phantom, phantom
from core.simulate.samples import MANIFEST, SampleInfo


@dataclass(frozen=True)
class Case:
    """One sample: what to draw and in which format to keep it."""

    system: str
    number: int
    label: str
    seed: int
    title: str
    note: str
    hard: bool = False
    slices: int = 1
    form: str = "png"
    modality: str = "PT"

    @property
    def id(self) -> str:
        """Identifier that does not give the answer away."""
        return f"{self.system}-{self.number:02d}"


CASES: tuple[Case, ...] = (
    Case("brain-mr", 1, "tumour", 15, "Brain MR, stack of 14",
         "A large infiltrating tumour with mass effect.", False, 14, "nifti"),
    Case("brain-mr", 2, "no tumour", 22, "Brain MR, stack of 12",
         "No tumour; the ventricles differ in size, a normal variant.", False, 12, "nifti"),
    Case("brain-mr", 3, "tumour", 34, "Brain MR, single slice A",
         "A small, faint tumour that is easily overlooked.", True),
    Case("brain-mr", 4, "no tumour", 46, "Brain MR, single slice B", "No tumour."),
    Case("brain-mr", 5, "tumour", 55, "Brain MR, single slice C", "A plain infiltrating tumour."),
    Case("chest-ct", 1, "malignant", 101, "Chest CT, DICOM series",
         "A spiculated mass with a strand towards the pleura.", False, 14, "dicom"),
    Case("chest-ct", 2, "normal", 102, "Chest CT, picture A", "No nodule; the vessels are normal."),
    Case("chest-ct", 3, "benign", 103, "Chest CT, picture B", "A small, smooth, calcified nodule."),
    Case("chest-ct", 4, "malignant", 104, "Chest CT, picture C",
         "A subtle lesion: small, hidden or of ground glass.", True),
    Case("chest-ct", 5, "malignant", 105, "Chest CT, picture D", "A lobulated mass."),
    Case("breast-mri", 1, "malignant", 201, "Breast MR crop A", "An irregular, spiculated lesion."),
    Case("breast-mri", 2, "benign", 202, "Breast MR crop B", "An oval, smooth, evenly enhancing lesion."),
    Case("breast-mri", 3, "malignant", 203, "Breast MR crop C", "A malignant lesion that looks fairly smooth.", True),
    Case("breast-mri", 4, "benign", 204, "Breast MR crop D", "A benign lesion with an uneven edge.", True),
    Case("pet", 1, "breast cancer", 301, "Whole-body PET projection A",
         "A focus in the breast with nodes in the armpit."),
    Case("pet", 2, "no cancer", 302, "Whole-body PET projection B",
         "Normal uptake of brain, heart, kidneys, bowel and bladder."),
    Case("pet", 3, "prostate cancer", 303, "Whole-body PET projection C",
         "A focus below the bladder, with pelvic nodes."),
    Case("pet", 4, "prostate cancer", 304, "Whole-body PET projection D",
         "A faint focus beside the bladder's strong uptake.", True),
    Case("pet", 5, "breast cancer", 305, "Whole-body PET volume",
         "Foci in breast and armpit; the projection is made from the volume.", False, 1, "pet-volume"),
    Case("mr-pet", 1, "tumour", 401, "Thigh, FDG-PET volume A",
         "A soft-tissue tumour of high uptake.", False, 22, "nifti", "PT"),
    Case("mr-pet", 2, "tumour", 401, "Thigh, T1 MR volume A",
         "The same leg as PET volume A, in T1 MR.", False, 12, "nifti", "MR"),
    Case("mr-pet", 3, "no tumour", 403, "Thigh, FDG-PET volume B", "No tumour.", False, 22, "nifti", "PT"),
    Case("mr-pet", 4, "tumour", 404, "Thigh, FDG-PET volume C",
         "A small tumour of low uptake.", True, 22, "nifti", "PT"),
    Case("mr-pet", 5, "no tumour", 405, "Thigh, T1 MR volume B", "No tumour.", False, 8, "nifti", "MR"),
    Case("mr-pet", 6, "tumour", 406, "Thigh, FDG-PET and T1 MR volumes D",
         "One leg in both modalities, which can be read together.", False, 12, "nifti", "PT+MR"),
)  # fmt: skip


def draw_case(case: Case) -> tuple[SampleInfo, dict[str, bytes]]:
    """Draw one sample.

    Returns:
        Its description and the bytes of its files by name.
    """
    files: dict[str, bytes] = {}
    truth: tuple[str, ...] = ()
    if case.form == "pet-volume":
        suv, mask = pet.volume(np.random.default_rng([case.seed, 3]), case.label, case.hard)
        step = (8.0, 8.0, 8.0)
        files[f"{case.id}-suv.nii.gz"] = writers.nifti(suv[::-1], step, 0.01)
        files[f"{case.id}-suv_mask.nii.gz"] = writers.nifti(mask[::-1], step)
    elif "+" in case.modality:  # the same leg in each, about the same middle
        for modality in case.modality.split("+"):
            one = replace(case, modality=modality)
            drawn = phantom(case.system, case.seed, case.label, case.hard, slices=case.slices, modality=modality)
            files |= _volume(one, drawn, centred=True)
    else:
        drawn = phantom(
            case.system,
            case.seed,
            case.label,
            case.hard,
            slices=case.slices,
            modality=case.modality,
            picture=case.form != "dicom",
        )
        series, pixels, mask = drawn.series, drawn.series.pixels, drawn.truth
        if case.form == "png":
            files[f"{case.id}.png"] = writers.png(pixels[0])
            if mask.any():
                files[f"{case.id}_mask.png"] = writers.png(mask[0])
        elif case.form == "dicom":
            assert series.spacing is not None
            # Chests are drawn from the neck down; files run from the feet up.
            files[f"{case.id}.zip"] = writers.dicom_zip(pixels[::-1], series.spacing, case.id)
            truth = (f"{case.id}-truth.nii.gz",)
            files[truth[0]] = writers.nifti(mask[::-1], series.spacing)
        else:
            files |= _volume(case, drawn)
    images = tuple(name for name in files if name not in truth)
    if case.label not in LABELS[case.system]:
        raise ValueError(f"{case.id} has the unknown label {case.label!r}")
    return SampleInfo(case.id, case.system, case.title, case.note, images, case.label, truth), files


def _volume(case: Case, drawn: Phantom, *, centred: bool = False) -> dict[str, bytes]:
    """A volume and, where there is something to outline, its mask, as NIfTI files by name."""
    series = drawn.series
    assert series.spacing is not None
    hint = {"brain-mr": "", "mr-pet": "-thigh-t1" if case.modality == "MR" else "-thigh-pet"}[case.system]
    # A name with both "mr" and "pet" would leave the modality open.
    stem = f"{case.id}{hint}".replace("mr-pet-", "leg-")
    slope = 0.001 if series.unit is Unit.SUV else 1.0
    files = {f"{stem}.nii.gz": writers.nifti(series.pixels, series.spacing, slope, centred=centred)}
    if drawn.truth.any():
        files[f"{stem}_mask.nii.gz"] = writers.nifti(drawn.truth, series.spacing, centred=centred)
    return files


def write_samples(folder: Path) -> list[Path]:
    """Draw every sample into ``folder``, with the list of samples; the same bytes on every run.

    Returns:
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written, entries = [], []
    for case in CASES:
        info, files = draw_case(case)
        entries.append(asdict(info))
        for name, data in files.items():
            (folder / name).write_bytes(data)
            written.append(folder / name)
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [*written, manifest]
