"""Pictures of a report: the slice as it was shown, outlines and heat maps on it, with side marks and a scale bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from core.engine.heat_rules import brightness_words
from core.engine.results import Decision, HeatMap, ModelResult, mean_probability
from core.engine.words import probability, short
from core.imaging import render
from core.imaging.study import Series, Unit, Window
from core.preprocessing import windows
from core.reports.case import CaseReport
from core.reports.fonts import picture_font, printable

SIDE = 640
LIGHT, DARK = (235, 235, 235), (20, 20, 20)
OUTLINE_NAMES = ("green", "yellow dashed", "pink dotted", "orange dashed", "grey dashed", "teal dotted")
HEAT_OPACITY = 0.6
THUMBNAIL = 300  # pictures up to this size carry no side letters and no scale bar: nobody could read them
METHODS = {"grad-cam": "Grad-CAM", "grad-cam++": "Grad-CAM++", "layercam": "LayerCAM", "eigencam": "EigenCAM"}
_BARS_MM = (100, 50, 20, 10, 5, 2, 1)


Ink = tuple[tuple[int, int, int], tuple[int, int, int]]


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture with its words.

    Attributes:
        pixels: uint8 ``(height, width, 3)``.
        title: one short line ("Slice 12 of 22, outlines").
        caption: what is to be seen, sentence by sentence.
        index: slice it shows.
    """

    pixels: np.ndarray
    title: str
    caption: str
    index: int


def window_words(window: Window, series: Series) -> str:
    """Level and width with unit, and the preset's name where it has one."""
    unit = f" {series.unit}" if series.unit in (Unit.HU, Unit.SUV, Unit.BQML) else ""
    name = next((w.name for w in windows.presets(series) if (w.centre, w.width) == (window.centre, window.width)), "")
    values = f"level {window.centre:.4g}, width {window.width:.4g}{unit}"
    named = window.name or name
    return f"window {named} ({values})" if named else f"window {values}"


def plain_slice(report: CaseReport, index: int, side: int = SIDE) -> Figure:
    """The slice alone."""
    return Figure(_marked(report, _drawn(report, index, side)), _title(report, index, "as shown"), "", index)


def overlay(report: CaseReport, index: int, side: int = SIDE) -> Figure:
    """The slice with the outline of every model that draws one, and what each model says."""
    contours, words = [], []
    drawn = [r for r in report.review.ready if r.mask is not None]
    for place, result in enumerate(report.review.results):  # a model's number is that of its place in the system
        if result.mask is None:
            continue
        if result.mask[index].any():
            number = place % len(OUTLINE_NAMES)
            colour, how = render.MODEL_COLOURS[number], OUTLINE_NAMES[number]
            line = render.Contour(result.mask[index], colour, dashed="dashed" in how, dotted="dotted" in how)
            contours.append(line)
            words.append(f"{short(result.state.title)}: {OUTLINE_NAMES[number]} outline")
    if drawn and not words:
        words.append("no mask on this slice")
    pixels = _marked(report, _drawn(report, index, side, contours=contours))
    kind = "outlines" if drawn else "as shown"
    return Figure(pixels, _title(report, index, kind), _sentences([*words, *_answers(report, index)]), index)


def heat(report: CaseReport, shown: HeatMap, side: int = SIDE) -> Figure:
    """The slice with one model's heat map."""
    values = shown.drawn
    name = next((short(r.state.title) for r in report.review.results if r.state.name == shown.model), shown.model)
    method = METHODS.get(shown.method, shown.method)
    words = [f"{method} for “{shown.target}”, {brightness_words(shown)}"]
    if values is None:
        words = [f"{method}: nothing speaks for “{shown.target}”, the map is empty"]
    words += _answers(report, shown.slice_index, only=shown.model)
    pixels = _marked(report, _drawn(report, shown.slice_index, side, heat=values))
    return Figure(
        pixels, _title(report, shown.slice_index, f"heat map of {name}"), _sentences(words), shown.slice_index
    )


def heat_maps(report: CaseReport) -> tuple[HeatMap, ...]:
    """Heat maps of the key slices that exist, in the order of the key slices and models."""
    order = {r.state.name: place for place, r in enumerate(report.review.results)}
    keys = report.key_slices
    found = [h for h in report.heat_maps if h.values is not None and h.slice_index in keys and h.model in order]
    return tuple(sorted(found, key=lambda h: (keys.index(h.slice_index), order[h.model])))


def outlined_slices(report: CaseReport, most: int) -> list[int]:
    """Key slices and slices with a mask or a finding, at most ``most``: those of the highest mean probability."""
    ready = report.review.ready
    chosen = set(report.key_slices)
    for result in ready:
        if result.mask is not None:
            chosen |= set(np.flatnonzero(result.mask.any((1, 2))).tolist())
        if result.finding is not None and result.threshold is not None:
            chosen |= set(np.flatnonzero(result.finding >= result.threshold).tolist())
    mean = mean_probability(report.review.voting or ready)
    order = np.zeros(report.series.slices) if mean is None else np.nan_to_num(mean)
    ranked = sorted(chosen, key=lambda i: (i not in report.key_slices, -float(order[i])))
    return sorted(ranked[:most])


def captioned(figure: Figure) -> np.ndarray:
    """Picture with its words in a strip below, uint8 ``(height, width, 3)``."""
    height, width = figure.pixels.shape[:2]
    font = picture_font(14)
    lines = [
        figure.title,
        *_wrapped(figure.caption, width - 16, font),
        "Research and teaching only, not for diagnosis.",
    ]
    canvas = Image.new("RGB", (width, height + 20 * len(lines) + 12), (16, 16, 16))
    canvas.paste(Image.fromarray(figure.pixels))
    pen = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        pen.text((8, height + 6 + 20 * number), printable(line), fill=LIGHT, font=font)
    return np.asarray(canvas)


def directions(series: Series) -> tuple[str, str]:
    """Letters of the patient's side that rows run to (rightwards) and columns run to (downwards); empty if unknown."""
    if series.affine is None:
        return "", ""
    return _letter(series.affine[:3, 0]), _letter(series.affine[:3, 1])


_OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H", "": ""}


def _letter(direction: np.ndarray) -> str:
    axis = int(np.argmax(np.abs(direction)))
    return (("L", "R"), ("P", "A"), ("H", "F"))[axis][0 if direction[axis] > 0 else 1]


def _drawn(
    report: CaseReport,
    index: int,
    side: int,
    *,
    heat: np.ndarray | None = None,
    contours: list[render.Contour] | None = None,
) -> np.ndarray:
    series = report.series
    # Paper is read by others later: bright and dark as the format and the custom have it, whatever was turned around.
    grey = windows.to_display(series.pixels[index], report.display, invert=windows.shown_inverted(series))
    size = render.display_size(series, side)
    return render.picture(grey, size, heat=heat, opacity=HEAT_OPACITY, contours=contours or [])


def _marked(report: CaseReport, pixels: np.ndarray) -> np.ndarray:
    """Side letters at the edges and a scale bar, each on a dark ground so that they show on any picture."""
    series = report.series
    if max(pixels.shape) <= THUMBNAIL:
        return pixels
    canvas = Image.fromarray(pixels)
    pen = ImageDraw.Draw(canvas)
    width, height = canvas.size
    size = max(12, min(width, height) // 28)
    across, down = directions(series)
    ink = _ink(pixels)
    places = (
        ((size * 0.9, height / 2), _OPPOSITE[across]),
        ((width - size * 0.9, height / 2), across),
        ((width / 2, size * 0.9), _OPPOSITE[down]),
        ((width / 2, height - size * 0.9), down),
    )
    for at, letter in places:
        _write(pen, at, letter, size, "mm", ink)
    if series.spacing is not None:
        _bar(pen, (width, height), series.spacing[2] * series.shape[1] / width, size, ink)
    return np.asarray(canvas)


def _write(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, anchor: str, ink: Ink) -> None:
    """Words with an edge in the opposite tone, so that they show on any ground."""
    font = picture_font(size)
    pen.text(at, text, fill=ink[0], font=font, anchor=anchor, stroke_width=1, stroke_fill=ink[1])


def _ink(pixels: np.ndarray) -> Ink:
    """Light on dark pictures, dark on light ones; then the tone of the edge."""
    return (LIGHT, DARK) if float(pixels.mean()) < 128 else (DARK, LIGHT)


def _bar(pen: ImageDraw.ImageDraw, canvas: tuple[int, int], mm_per_pixel: float, size: int, ink: Ink) -> None:
    width, height = canvas
    length = next((mm for mm in _BARS_MM if mm / mm_per_pixel <= width / 4), _BARS_MM[-1])
    left, top = size * 0.6, height - size * 1.2
    right = left + length / mm_per_pixel
    pen.line([(left, top), (right, top)], fill=ink[1], width=4)
    pen.line([(left, top), (right, top)], fill=ink[0], width=2)
    words = f"{length // 10} cm" if length >= 10 else f"{length} mm"
    _write(pen, (left, top - 4), words, max(12, size * 4 // 5), "lb", ink)


def _title(report: CaseReport, index: int, kind: str) -> str:
    return f"Image {index + 1} of {report.series.slices}, {kind}"


def _answers(report: CaseReport, index: int, only: str = "") -> list[str]:
    return [answer_words(report, r, index) for r in report.review.ready if not only or r.state.name == only]


def answer_words(report: CaseReport, result: ModelResult, index: int) -> str:
    """``U-Net 0.91, threshold 0.42: tumour``."""
    assert result.finding is not None
    if result.failed(index):
        return f"{short(result.state.title)}: no answer on this image"
    value, threshold = float(result.finding[index]), float(result.threshold or 0.0)
    said = report.declared.finding if result.decision(index) is Decision.FINDING else report.declared.clear
    return f"{short(result.state.title)} {probability(value)}, threshold {threshold:.2f}: {said}"


def _sentences(words: list[str]) -> str:
    return ". ".join(words) + "." if words else ""


def _wrapped(text: str, width: int, font: object) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:  # type: ignore[attr-defined]
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
