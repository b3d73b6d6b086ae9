"""Small folders of simulated scans, laid out like every real set."""

from __future__ import annotations

import csv
import hashlib
from functools import lru_cache
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

from core.simulate import Phantom, phantom

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@lru_cache(maxsize=64)
def _drawn(system: str, seed: int, label: str, slices: int, modality: str) -> Phantom:
    picture = None if system in ("mr-pet", "breast-mri", "brain-mr", "brain-type") else True
    return phantom(system, seed, label, slices=slices, modality=modality, picture=picture)


def _varied(
    system: str, seed: int, label: str, *, slices: int = 1, modality: str = "PT"
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and mask of one of two drawings, with grain of its own: other pixels for every seed, drawn quickly."""
    drawn = _drawn(system, seed % 2, label, slices, modality)
    rng = np.random.default_rng([seed, len(label)])
    pixels = drawn.series.pixels
    return pixels + rng.normal(0, 0.01 * pixels.max(), pixels.shape), drawn.truth


def _index(folder: Path, rows: list[dict[str, object]]) -> Path:
    with (folder / "index.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def _picture(path: Path, plane: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(np.rint(plane), 0, 255).astype(np.uint8)).save(path)


def brain_lgg(folder: Path, patients: int = 5, slices: int = 2) -> Path:
    rows: list[dict[str, object]] = []
    for p in range(patients):
        drawn = [_varied("brain-mr", p, x, slices=slices) for x in ("no tumour", "tumour")]
        planes = [(pixels[k], truth[k]) for pixels, truth in drawn for k in range(slices)]
        for k, (plane, mask) in enumerate(planes):
            name = f"P{p}/{k:03d}"
            _picture(folder / f"images/{name}.png", plane)
            _picture(folder / f"masks/{name}.png", mask * 255.0)
            found = int(mask.any())
            image, drawn_mask = f"images/{name}.png", f"masks/{name}.png"
            rows.append({"image": image, "mask": drawn_mask, "patient": f"P{p}", "slice": k, "tumour": found})
    return _index(folder, rows)


def brain_brisc(folder: Path, groups: int = 4) -> Path:
    rows: list[dict[str, object]] = []
    names = {"no-tumor": "no tumour", "pituitary": "pituitary tumour"}
    for label in ("no-tumor", "glioma", "meningioma", "pituitary"):
        for g in range(groups):
            pixels, truth = _varied("brain-type", g, names.get(label, label))
            image, mask = f"images/{label}/{g}.png", f"masks/{label}/{g}.png" if truth.any() else ""
            _picture(folder / image, pixels[0])
            if mask:
                _picture(folder / mask, truth[0] * 255.0)
            rows.append({"image": image, "mask": mask, "label": label, "group": f"{label}{g}"})
    return _index(folder, rows)


def lung_ct(folder: Path, groups: int = 4) -> Path:
    rows: list[dict[str, object]] = []
    for label in ("normal", "benign", "malignant"):
        for g in range(groups):
            _picture(folder / label / f"{g}.png", _varied("chest-ct", g, label)[0][0])
            rows.append({"image": f"{label}/{g}.png", "label": label, "group": f"{label}{g}"})
    return _index(folder, rows)


SUBTYPES = ("adenocarcinoma", "large-cell-carcinoma", "squamous-cell-carcinoma", "normal")


def chest_ct(folder: Path, each: int = 2) -> Path:
    """Every part has ``each`` pictures a class; one normal of the test part is a copy of a training picture."""
    rows: list[dict[str, object]] = []
    for place, part in enumerate(("train", "valid", "test")):
        for kind, label in enumerate(SUBTYPES):
            for n in range(each):
                seed = 1000 + 100 * place + 10 * kind + n
                if (part, label, n) == ("test", "normal", 0):
                    seed = 1000 + 10 * kind
                pixels, _ = _varied("chest-ct", seed, "normal" if label == "normal" else "malignant")
                name = f"{part}/{label}/{n}.png"
                _picture(folder / name, pixels[0])
                digest = hashlib.sha1((folder / name).read_bytes()).hexdigest()
                rows.append({"image": name, "label": label, "split": part, "sha1_of_source": digest})
    return _index(folder, rows)


def breast_mri(folder: Path, patients: int = 4, crops: int = 3) -> Path:
    rows: list[dict[str, object]] = []
    for label in ("benign", "malignant"):
        for p in range(patients):
            for n in range(crops):
                name = f"{label}-{p}/SUB1/{n}.png"
                _picture(folder / name, _varied("breast-mri", 10 * p + n, label)[0][0])
                part = "val" if p == patients - 1 else "train"
                row = {"image": name, "label": label, "patient": f"{label}-{p}", "sequence": "SUB1", "slice": n}
                rows.append({**row, "official_split": part})
    return _index(folder, rows)


def pet_mip(folder: Path, studies: int = 4) -> Path:
    rows: list[dict[str, object]] = []
    for label, drawn_label in (("cancer", "breast cancer"), ("no-cancer", "no cancer")):
        for n in range(studies):
            pixels, truth = _varied("pet", n, drawn_label)
            image, mask = f"{label}/{n}.png", f"masks/{n}.png" if label == "cancer" else ""
            _picture(folder / image, pixels[0])
            if mask:
                _picture(folder / mask, truth[0] * 255.0)
            rows.append({"image": image, "mask": mask, "label": label, "study": f"{label}-{n}"})
    return _index(folder, rows)


def _nifti(path: Path, values: np.ndarray, affine: np.ndarray) -> None:
    """Write ``(slices, rows, columns)`` with an affine of (column, row, slice) to LPS millimetres."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values.transpose(2, 1, 0).astype(np.float32), LPS_TO_RAS @ affine), path)  # type: ignore[attr-defined]


def sts_pet_mr(folder: Path, patients: int = 4, slices: int = 2, shift: int = 1) -> Path:
    """PET and MR of the same legs; the MR starts ``shift`` slices higher, and the last patient has none."""
    rows: list[dict[str, object]] = []
    for p in range(patients):
        row: dict[str, object] = {"patient": f"STS_{p}"}
        for kind, modality in (("pet", "PT"), ("mr_t1", "MR")):
            if kind == "mr_t1" and p == patients - 1:
                row |= {"mr_t1": "", "mr_t1_mask": ""}
                continue
            halves = [_varied("mr-pet", p, x, slices=slices, modality=modality) for x in ("no tumour", "tumour")]
            values, mask = (np.concatenate([half[i] for half in halves]) for i in (0, 1))
            spacing = _drawn("mr-pet", p % 2, "tumour", slices, modality).series.spacing
            assert spacing is not None
            gap, down, across = spacing
            first = shift if kind == "mr_t1" else 0
            affine = np.diag([across, down, gap, 1.0])
            affine[2, 3] = 50.0 + first * gap
            for name, content in ((kind, values[first:]), (f"{kind}_mask", mask[first:])):
                _nifti(folder / f"STS_{p}/{name}.nii.gz", content, affine)
                row[name] = f"STS_{p}/{name}.nii.gz"
            if kind == "pet":  # the CT: the same legs twice as fine in the plane, in HU
                fine = 100 * values.repeat(2, 1).repeat(2, 2) - 1000
                half = affine @ np.diag([0.5, 0.5, 1.0, 1.0])
                half[:2, 3] -= np.array([across, down]) / 4
                _nifti(folder / f"STS_{p}/ct.nii.gz", fine, half)
                row["ct"] = f"STS_{p}/ct.nii.gz"
        rows.append(row)
    return _index(folder, rows)


def data_root(root: Path) -> Path:
    """All sets under one folder, as ``OVERREAD_DATA`` has them."""
    for make in (brain_lgg, brain_brisc, lung_ct, chest_ct, breast_mri, pet_mip, sts_pet_mr):
        folder = root / make.__name__.replace("_", "-")
        folder.mkdir(parents=True)
        make(folder)
    return root
