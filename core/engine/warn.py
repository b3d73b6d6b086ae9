"""Warnings that concern a whole series: what the models were not made for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.engine.picture_rules import FEW, LINES, LONGEST, SEAM, is_mask, is_noise, lines_of_writing, seam
from core.engine.results import Flag, ModelResult
from core.imaging.study import Series, Unit
from core.systems.declaration import System
from core.systems.match import untold

FEW_SLICES = 12  # so many slices are named, of more only that there are


def series_warnings(system: System, series: Series, refusal: str | None) -> tuple[Flag, ...]:
    """Rules that need no model. ``refusal`` is why the system would not have taken the series by itself."""
    flags = []
    if refusal is not None:
        flags.append(Flag("not-accepted", refusal))
    elif untold(system, series):
        flags.append(Flag("modality-untold", untold(system, series)))
    if series.colour:
        flags.append(Flag("colour", "The picture is in colour; scans are grey. Colour was converted to luminance."))
    elif series.sequences and not system.reads_sequences:
        flags.append(Flag("colour", f"The picture mixes three MR sequences; {system.title} reads images of one kind."))
    spread = series.pixels.reshape(series.slices, -1)
    broken = np.nonzero(~np.isfinite(spread).all(1))[0]
    if len(broken):
        which = "The image holds" if series.slices == 1 else f"{len(broken)} of {series.slices} slices hold"
        kind = "not-finite" if len(broken) == series.slices else "not-finite-slices"
        flags.append(Flag(kind, f"{which} pixels that are no finite numbers. The models give no answer there."))
        spread = np.where(np.isfinite(spread), spread, 0)
    blank = np.nonzero(spread.max(1) - spread.min(1) < 1e-6)[0]
    if len(blank):
        which = "The image is" if series.slices == 1 else f"{len(blank)} of {series.slices} slices are"
        kind = "blank" if len(blank) == series.slices else "blank-slices"
        flags.append(Flag(kind, f"{which} blank: one grey level everywhere. No answer there means anything."))
    if system.warn is not None:
        flags.extend(Flag(key, text) for key, text in system.warn(series))
    if series.unit is Unit.BQML:
        flags.append(Flag("no-suv", "The pixels are in Bq/ml: a tag that the SUV needs is missing."))
    if len(blank) < series.slices and np.isfinite(series.pixels[series.slices // 2]).all():
        flags.extend(_picture(series))
    return tuple(flags)


def failures(results: Sequence[ModelResult]) -> tuple[Flag, ...]:
    """Slices on which a model was asked and gave no finite answer, one warning per model."""
    out = []
    for result in results:
        asked = result.answered if result.waiting is None else result.answered | result.waiting[: result.answered.size]
        where = np.flatnonzero(~asked)
        if len(where):
            told = ", ".join(str(i + 1) for i in where[:FEW_SLICES]) + (" and more" if len(where) > FEW_SLICES else "")
            which = f"slice{'s' if len(where) > 1 else ''} {told}"
            text = f"{result.state.title} failed on {which}: its answer there is not a finite number."
            out.append(Flag("model-failed", text))
    return tuple(out)


def stand_ins(results: Sequence[ModelResult]) -> tuple[Flag, ...]:
    """Models whose weights do not answer, but an exported file of theirs, one warning per model."""
    return tuple(
        Flag("stands-in", f"{result.state.title} answers {result.state.stands_in}.")
        for result in results
        if result.finding is not None and result.state.stands_in
    )


def _picture(series: Series) -> list[Flag]:
    """What the middle slice looks like instead of a scan."""
    flags = []
    plane = series.pixels[series.slices // 2]
    if max(series.shape) > LONGEST * min(series.shape):
        size = f"{series.shape[1]} x {series.shape[0]}"
        flags.append(Flag("odd-shape", f"The image is {size} pixels: no scan is that long and narrow."))
    if plane.max() > plane.min() and is_mask(plane):
        flags.append(Flag("looks-like-mask", "The image has two grey levels only: it looks like a mask, not a scan."))
    elif plane.max() > plane.min() and is_noise(plane):
        flags.append(Flag("noise", "The image is noise: neighbouring pixels have nothing in common."))
    elif series.unit is Unit.GREY:
        if seam(plane) > SEAM:
            text = "The image is put together from tiles: grey levels jump along the lines of a grid."
            flags.append(Flag("cut-up", text))
        lines = lines_of_writing(plane)
        if lines >= LINES:
            flags.append(Flag("looks-like-document", f"The image has {lines} lines of writing: it looks like a page."))
        elif lines >= FEW:
            flags.append(
                Flag("writing", "Writing is burnt into the image: it may name the patient, and models may react to it.")
            )
    return flags
