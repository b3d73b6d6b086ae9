"""Which built-in samples there are, and how each is drawn and filed."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from core.imaging.study import Unit
from core.simulate import writers
from core.simulate.phantom import DRAWINGS, Phantom, Sample, phantom
from core.simulate.samples import MANIFEST, SampleInfo


def all_samples() -> tuple[Sample, ...]:
    """Every built-in sample, system by system."""
    return tuple(sample for drawing in DRAWINGS.values() for sample in drawing.samples)


def draw_sample(case: Sample) -> tuple[SampleInfo, dict[str, bytes]]:
    """Draw one sample.

    Returns:
        Its description and the bytes of its files by name.
    """
    files: dict[str, bytes] = {}
    truth: tuple[str, ...] = ()
    drawing = DRAWINGS[case.system]
    if case.form in drawing.forms:
        files |= drawing.forms[case.form](case)
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
            lowest = writers.lowest_of(len(mask), series.spacing[0])
            files[truth[0]] = writers.nifti(mask[::-1], series.spacing, centred=True, lowest=lowest)
        else:
            files |= _volume(case, drawn)
    images = tuple(name for name in files if name not in truth)
    if case.label not in drawing.labels:
        raise ValueError(f"{case.id} has the unknown label {case.label!r}")
    return SampleInfo(case.id, case.system, case.title, case.note, images, case.label, truth), files


def _volume(case: Sample, drawn: Phantom, *, centred: bool = False) -> dict[str, bytes]:
    """A volume and, where there is something to outline, its mask, as NIfTI files by name."""
    series = drawn.series
    assert series.spacing is not None
    drawing = DRAWINGS[case.system]
    stem = case.id.replace(case.system, drawing.stem or case.system) + drawing.hints.get(case.modality, "")
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
    for case in all_samples():
        info, files = draw_sample(case)
        entries.append(asdict(info))
        for name, data in files.items():
            (folder / name).write_bytes(data)
            written.append(folder / name)
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [*written, manifest]
