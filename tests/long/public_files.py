"""Reads a folder of files and compares with what other software reads in them.

    python -m tests.long.public_files --data DIR

Every file is read alone, and every folder with several DICOM files once more as a whole. The references are pydicom,
SimpleITK, nibabel, tifffile and Pillow. Compared are pixels (after rescale), spacing, position and unit. The command
fails when anything differs.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import OverreadError
from core.imaging import Series, Study, Unit, read
from tests.long.references import Plane, Reference, reference, series_by_gdcm

_MOST_BYTES = 200_000_000
_NEAR_MM = 0.02


@dataclass(frozen=True)
class Line:
    """One line of the table: what was read, by what it was checked, what came out."""

    name: str
    by: str
    read: str
    said: str

    @property
    def wrong(self) -> bool:
        """Whether something differs."""
        return self.said.startswith("DIFFERS")


def check_file(path: Path, name: str) -> Line:
    """One file, read alone."""
    found = reference(path)
    by = found.by if found is not None else "-"
    try:
        study = read([(path.name, path.read_bytes())])
    except OverreadError as error:
        told = f"refused: {error.message}"
        return Line(name, by, "-", told)
    shapes = ", ".join(f"{count} x {shape}" for shape, count in Counter(_shapes(study)).items())
    if found is None:
        return Line(name, by, shapes, "no reference reads it")
    wrong = _differences(study, found)
    second = f", SimpleITK {found.second}" if found.second else ""
    return Line(name, by + second, shapes, "DIFFERS: " + "; ".join(wrong) if wrong else _units(study))


def _shapes(study: Study) -> list[str]:
    return [" x ".join(map(str, one.pixels.shape)) for one in study.series if one.projection == "slice"]


def _units(study: Study) -> str:
    return "same, " + ", ".join(sorted({str(one.unit) for one in study.series}))


def _differences(study: Study, found: Reference) -> list[str]:
    images = [one for one in study.series if one.projection == "slice"]
    slices = [(one, number) for one in images for number in range(one.slices)]
    wrong = []
    if len(slices) != len(found.planes):
        wrong.append(f"{len(slices)} images instead of {len(found.planes)}")
    missing = [plane for plane in found.planes if not any(_same(*at, plane) for at in slices)]
    if missing:
        wrong.append(f"{len(missing)} images have other pixels, spacing or position: {_why(slices, missing[0])}")
    if found.unit and any(str(one.unit) != found.unit for one in images):
        wrong.append(f"the unit is {images[0].unit}, not {found.unit}")
    return wrong


def _same(series: Series, number: int, plane: Plane) -> bool:
    return not _apart(series, number, plane)


def _apart(series: Series, number: int, plane: Plane) -> str:
    """What differs between a slice and a reference's plane; empty for nothing."""
    own = series.pixels[number].astype(np.float64)
    if own.shape != plane.pixels.shape:
        return f"size {own.shape} instead of {plane.pixels.shape}"
    values = np.nan_to_num(plane.pixels)
    shown = np.ones(own.shape, bool) if series.padding is None else ~series.padding[number]
    if not shown.any():
        return ""
    factor = _factor(own[shown], values[shown]) if series.unit in (Unit.SUV, Unit.BQML) else 1.0
    apart = float(np.abs(own - factor * values)[shown].max())
    if apart > 2e-6 * max(1.0, float(np.abs(factor * values).max())) + (1.0 if series.colour else 0.0):
        return f"pixels by {apart:.4g}"
    own_spacing = None if series.spacing is None else series.spacing[1:]
    if None not in (plane.spacing, own_spacing) and not np.allclose(own_spacing, plane.spacing, rtol=1e-3):  # type: ignore[arg-type]
        return f"spacing {own_spacing} instead of {plane.spacing}"
    if plane.place is not None and series.positions is not None:
        away = float(np.abs(series.positions[number] - plane.place).max())
        if away > _NEAR_MM:
            return f"position by {away:.4g} mm"
    return ""


def _factor(own: np.ndarray, values: np.ndarray) -> float:
    at = int(np.abs(values).argmax())
    return float(own[at] / values[at]) if values[at] else 1.0


def _why(slices: Sequence[tuple[Series, int]], plane: Plane) -> str:
    reasons = [_apart(*at, plane) for at in slices]
    placed = [reason for reason in reasons if not reason.startswith("size")]
    return min(placed or reasons, key=len, default="nothing was read")


def check_folder(folder: Path, name: str) -> list[Line]:
    """The DICOM series of one folder, read together, against SimpleITK's volumes."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.stat().st_size < _MOST_BYTES]
    lines = []
    for number, (_, spacing, pixels) in enumerate(series_by_gdcm(folder), 1):
        label = f"{name}/ series {number}"
        study = read([(path.name, path.read_bytes()) for path in files])
        alike = [s for s in study.series if s.pixels.shape == pixels.shape and s.projection == "slice"]
        shape = " x ".join(map(str, pixels.shape))
        if not alike:
            told = Counter(" x ".join(map(str, s.pixels.shape)) for s in study.series).most_common(5)
            told_in_words = ", ".join(f"{count} of {size}" for size, count in told)
            lines.append(Line(label, "SimpleITK", shape, f"split otherwise: {told_in_words}"))
            continue
        worst = min(float(np.abs(s.pixels - pixels.astype(np.float64)).max()) for s in alike)
        best = min(alike, key=lambda s: float(np.abs(s.pixels - pixels.astype(np.float64)).max()))
        if worst > 1e-2:
            lines.append(Line(label, "SimpleITK", shape, f"DIFFERS: pixels by {worst:.4g}"))
        elif best.uneven:
            lines.append(Line(label, "SimpleITK", shape, f"same pixels; {best.uneven}"))
        elif best.spacing is None or not np.allclose(best.spacing, spacing, rtol=0.01):
            lines.append(Line(label, "SimpleITK", shape, f"DIFFERS: spacing {best.spacing} instead of {spacing}"))
        else:
            lines.append(Line(label, "SimpleITK", shape, "same"))
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 when anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files, searched with its folders")
    root = parser.parse_args(arguments).data
    lines: list[Line] = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix not in (".py", ".pyc", ".md", ".txt") and path.stat().st_size < _MOST_BYTES:
            lines.append(check_file(path, str(path.relative_to(root))))
    for folder in sorted({root, *(path for path in root.rglob("*") if path.is_dir())}):
        lines += check_folder(folder, str(folder.relative_to(root)))
    for line in lines:
        print(f"| {line.name} | {line.by} | {line.read} | {line.said} |")
    counts = Counter(line.said.split(":")[0].split(",")[0] for line in lines)
    print(", ".join(f"{count} {word}" for word, count in counts.most_common()))
    return int(any(line.wrong for line in lines))


if __name__ == "__main__":
    sys.exit(main())
