"""Buttons in the rows of the models that lay an outline or a heat map over the picture.

They are plain buttons with ``data-layer``; the viewer beside them (``src/rows.js``) acts on them in the browser, keeps
``aria-pressed`` true to the picture, and gives them free once it has what they show.
"""

from __future__ import annotations

from core.imaging.render import AI_RESULT_COLOUR, TRUTH_COLOUR
from core.imaging.study import Series
from dashboard.kit import words
from dashboard.review import heat_maps
from dashboard.review.drawn_models import DrawnModel
from dashboard.viewer import overlays

STYLE = """
<style>
.or-layers { display: flex; flex-wrap: wrap; gap: 4px; margin-top: 4px; }
.or-layer { display: inline-flex; align-items: center; gap: 5px; height: 24px; padding: 0 7px; border-radius: 4px;
  border: 1px solid color-mix(in srgb, currentColor 30%, transparent); background: none; color: inherit; font: inherit;
  font-size: 0.78rem; font-weight: 400; white-space: nowrap; cursor: pointer; }
.or-layer:hover:not(:disabled) { border-color: currentColor; }
.or-layer:focus-visible { outline: 2px solid #5aa9cf; outline-offset: 1px; }
.or-layer[aria-pressed=true] { border-color: #5aa9cf; background: color-mix(in srgb, #5aa9cf 30%, transparent); }
.or-layer:disabled { cursor: default; opacity: 0.55; }
.or-line { display: inline-block; flex: none; width: 26px; height: 3px; vertical-align: middle; margin-right: 5px; }
.or-layer .or-line { margin-right: 0; }
.or-line.heat { height: 9px; background: linear-gradient(90deg, #000004, #51127c, #b73779, #fc8961, #fcfdbf); }
.or-table tr:has(.or-layer:not(:disabled)) { cursor: pointer; }
</style>
"""


def of_model(model: DrawnModel) -> str:
    """The buttons of one model; empty where it draws nothing that may be shown by itself."""
    card, buttons = model.state.card, ""
    if card is not None and model.state.role == "segmenter":
        buttons += _button(model.mask_id, line(model), "Outline", f"Outline of {model.name}")
    if heat_maps.rule_of(model.state).passed:
        buttons += _button(model.heat_id, "<i class='or-line heat'></i>", "Heat map", f"Heat map of {model.name}")
    return f"<div class='or-layers'>{buttons}</div>" if buttons else ""


def of_series(series: Series) -> str:
    """The buttons of what came with the images: the truth, and what an algorithm drew."""
    buttons = ""
    if series.truth is not None:
        swatch = _swatch(TRUTH_COLOUR, overlays.TRUTH_DASH)
        buttons += _button("truth", swatch, "Truth", "Outline of the truth")
    if series.ai_result is not None:
        swatch = _swatch(AI_RESULT_COLOUR, overlays.AI_DASH)
        buttons += _button("ai-result", swatch, "AI result in the file", "Outline of the AI result in the file")
    return f"<div class='or-layers'>{buttons}</div>" if buttons else ""


def line(model: DrawnModel) -> str:
    """A model's line in its colour, as in the slice bar and around its outline."""
    return _swatch(*model.line)


def _button(layer: str, swatch: str, label: str, spoken: str) -> str:
    return (
        f"<button type='button' class='or-layer' data-layer='{words.cell(layer)}' aria-pressed='false' disabled "
        f"aria-label='{words.cell(spoken)}' title='{words.cell(spoken)}'>{swatch}{words.cell(label)}</button>"
    )


def _swatch(colour: tuple[int, int, int], dash: tuple[int, ...]) -> str:
    return f"<i class='or-line' style='background: {overlays.gradient(colour, dash)}'></i>"
