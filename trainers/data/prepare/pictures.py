"""Sets that are distributed as pictures: LGG Segmentation, BRISC, Chest CT-Scan images, IQ-OTH/NCCD, BreaDM."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from trainers.data.items import PUBLISHED
from trainers.data.prepare.alike import groups_of
from trainers.data.prepare.writing import Prepared, below, parts_of, publisher

_PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")
_BRISC = re.compile(r"brisc\d*_(train|test)_\d+_(gl|me|pi|nt|no)_(ax|co|sa)", re.IGNORECASE)
_BRISC_LABELS = {"gl": "glioma", "me": "meningioma", "pi": "pituitary", "nt": "no-tumor", "no": "no-tumor"}
_PLANES = {"ax": "axial", "co": "coronal", "sa": "sagittal"}
_CHEST = {
    "adenocarcinoma": "adenocarcinoma",
    "large.cell.carcinoma": "large-cell-carcinoma",
    "squamous.cell.carcinoma": "squamous-cell-carcinoma",
    "normal": "normal",
}
_LUNG = {"bengin": "benign", "benign": "benign", "malignant": "malignant", "normal": "normal"}  # as they spell it


@publisher("brain-lgg")
def brain_lgg(source: Path, out: Prepared) -> None:
    """Kaggle ``lgg-mri-segmentation``: ``TCGA_*/TCGA_..._N.tif`` of three channels, ``..._N_mask.tif`` beside it."""
    seen: set[tuple[str, int]] = set()  # the download holds a second copy of the whole set within the first
    for mask_path in below(source, ".tif"):
        found = re.fullmatch(r"(TCGA_\w{2}_\w{4})_\d+_(\d+)_mask", mask_path.stem)
        if found is None or (found[1], int(found[2])) in seen:
            continue
        image_path = mask_path.with_name(mask_path.name.replace("_mask", ""))
        image, mask = _read(image_path, out, colour=True), _read(mask_path, out)
        if image is None or mask is None:
            continue
        patient, number = found[1], int(found[2])
        seen.add((patient, number))
        grey = np.rint(image.mean(axis=2)).astype(np.uint8) if image.ndim == 3 else image
        tumour = mask > 127
        out.rows.append(
            {
                "image": out.picture(f"images/{patient}/{number:03d}.jpg", grey),
                "mask": out.picture(f"masks/{patient}/{number:03d}.png", tumour),
                "patient": patient,
                "slice": str(number),
                "tumour": str(int(tumour.any())),
            }
        )


@publisher("brain-brisc")
def brain_brisc(source: Path, out: Prepared) -> None:
    """BRISC 2025: file names tell part, tumour and plane; masks are the pictures in a folder ``masks``."""
    masks = {p.stem: p for p in below(source, ".png", ".jpg") if "masks" in parts_of(p, source)}
    images = {p.stem: p for p in below(source, ".jpg") if "masks" not in parts_of(p, source)}
    planes: list[np.ndarray] = []
    counts: dict[str, int] = {}
    for stem, path in sorted(images.items()):
        told = _BRISC.match(stem)
        image = _read(path, out) if told else None
        if told is None or image is None:
            continue
        label = _BRISC_LABELS[told[2].lower()]
        counts[label] = counts.get(label, 0) + 1
        name = f"{label}/{counts[label]:04d}"
        row = {
            "image": out.picture(f"images/{name}.jpg", _within(image, 192)),
            "mask": "",
            "label": label,
            "plane": _PLANES[told[3].lower()],
            "group": "",
            "official_split": told[1].lower(),
        }
        mask = _read(masks[stem], out) if stem in masks and label != "no-tumor" else None
        if mask is not None:
            row["mask"] = out.picture(f"masks/{name}.png", _within(mask, 192))
        planes.append(_within(image, 192))
        out.rows.append(row)
    _grouped(planes, out, "g{:04d}")


@publisher("chest-ct")
def chest_ct(source: Path, out: Prepared) -> None:
    """Kaggle ``chest-ctscan-images``: ``train|valid|test/CLASS.../*``; the class's folder may go on with the stage."""
    counts: dict[tuple[str, str], int] = {}
    for path in below(source, *_PICTURES):
        folders = parts_of(path, source)
        part = next((name for name in folders if name in ("train", "valid", "test")), None)
        label = next((_CHEST[known] for name in folders for known in _CHEST if name.startswith(known)), None)
        image = _read(path, out) if part and label else None
        if part is None or label is None or image is None:
            continue
        counts[part, label] = counts.get((part, label), 0) + 1
        out.rows.append(
            {
                "image": out.picture(f"{part}/{label}/{counts[part, label]:03d}.jpg", image),
                "label": label,
                "split": part,
                "sha1_of_source": hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest(),
            }
        )


@publisher("lung-ct")
def lung_ct(source: Path, out: Prepared) -> None:
    """IQ-OTH/NCCD: ``Bengin cases|Malignant cases|Normal cases/*.jpg``."""
    planes: list[np.ndarray] = []
    counts: dict[str, int] = {}
    for path in below(source, *_PICTURES):
        folders = parts_of(path, source)
        label = next((_LUNG[n.split()[0]] for n in folders if n.endswith("cases") and n.split()[0] in _LUNG), None)
        image = _read(path, out) if label else None
        if label is None or image is None:
            continue
        counts[label] = counts.get(label, 0) + 1
        image = _within(image, 320)
        planes.append(image)
        name = out.picture(f"{label}/{counts[label]:03d}.jpg", image)
        out.rows.append({"image": name, "label": label, "group": ""})
    _grouped(planes, out, "{}")


@publisher("breast-mri")
def breast_mri(source: Path, out: Prepared) -> None:
    """BreaDM's crops: ``train|val|test/.../BreaDM-Be-N|BreaDM-Ma-N/SEQUENCE/p-NNN.*``, packed as they are."""
    with zipfile.ZipFile(out.folder / "crops.zip", "w", zipfile.ZIP_STORED) as packed:
        for path in below(source, *_PICTURES):
            folders = path.relative_to(source).parts[:-1]
            at = next((n for n, name in enumerate(folders) if re.fullmatch(r"BreaDM-(Be|Ma)-\d+", name)), None)
            if at is None or at + 1 >= len(folders) or _read(path, out) is None:
                continue
            patient, sequence = folders[at], folders[at + 1]
            part = next((name.lower() for name in folders[:at] if name.lower() in PUBLISHED), "")
            name = f"{patient}/{sequence}/{path.name}"
            packed.write(path, name)
            out.rows.append(
                {
                    "image": name,
                    "label": "benign" if "-Be-" in patient else "malignant",
                    "patient": patient,
                    "sequence": sequence,
                    "slice": path.stem,
                    "official_split": part,
                }
            )


def _read(path: Path, out: Prepared, *, colour: bool = False) -> np.ndarray | None:
    """A picture as uint8 grey ``(height, width)``, with ``colour`` as it is; ``None``, and noted, where it is none."""
    try:
        with Image.open(path) as opened:
            return np.asarray(opened if colour and opened.mode == "RGB" else opened.convert("L"))
    except (OSError, UnidentifiedImageError, ValueError) as error:
        out.left_out.append((path.name, f"cannot be read ({type(error).__name__})"))
        return None


def _within(plane: np.ndarray, side: int) -> np.ndarray:
    """The picture with its longest side at most ``side``."""
    longest = max(plane.shape)
    if longest <= side:
        return plane
    height, width = (max(round(n * side / longest), 1) for n in plane.shape)
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))


def _grouped(planes: list[np.ndarray], out: Prepared, name: str) -> None:
    out.tell(f"joining look-alikes among {len(planes)} pictures")
    for row, group in zip(out.rows, groups_of(planes), strict=True):
        row["group"] = name.format(group)
