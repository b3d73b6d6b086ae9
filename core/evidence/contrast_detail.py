"""Contrast-detail measurement: which simulated lesions a system's models call, by their size and contrast.

Scans are drawn by a computer: this tells how models behave, not how well they read patients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.csv_cells import rows_csv
from core.engine.engine import Engine
from core.engine.results import Decision, ModelResult
from core.simulate.laboratory import Setting, canvas, full_scale, made

COLUMNS = (
    *("system", "model", "version", "weights_sha256", "threshold", "diameter", "length_unit"),
    *("contrast_share", "contrast_value", "unit", "scans", "answered", "called", "mean_probability", "setting"),
)
HALF = 0.5  # share of the scans that have to be called


@dataclass(frozen=True)
class Cell:
    """One model on lesions of one size and contrast.

    Attributes:
        diameter: mm (pixels where the scan's are not known); 0 is the clear scan. contrast: share of ``full_scale``.
        answered, called: scans with a finite answer, and those at or above the stored threshold.
        mean: of the calibrated probability of a finding; ``nan`` without an answer.
    """

    model: str
    title: str
    version: str
    weights_sha256: str
    threshold: float
    diameter: float
    contrast: float
    answered: int
    called: int
    mean: float


@dataclass(frozen=True)
class ContrastDetail:
    """The whole measurement: ``scans`` drawn, the picture quality ``setting``, the value of contrast 1 in ``unit``, and
    the unit of diameters and blur, ``length``: mm, or pixels where their size is not known."""

    system: str
    scans: int
    setting: Setting
    scale: float
    unit: str
    length: str
    cells: tuple[Cell, ...]

    def curve(self, model: str) -> list[tuple[float, float]]:
        """Of each diameter the lowest contrast measured at which at least half of the scans are called.

        Diameters at which no contrast was called so often are left out.
        """
        found: dict[float, float] = {}
        mine = [one for one in self.cells if one.model == model and one.diameter]
        for one in sorted(mine, key=lambda cell: cell.contrast):
            if one.answered and one.called >= HALF * self.scans:
                found.setdefault(one.diameter, one.contrast)
        return sorted(found.items())

    def clear(self, model: str) -> Cell | None:
        """The model on the same scans without a lesion."""
        return next((one for one in self.cells if one.model == model and not one.diameter), None)

    def csv(self) -> str:
        """A row for each model, diameter and contrast."""
        return rows_csv(COLUMNS, (self._row(one) for one in self.cells))

    def _row(self, one: Cell) -> dict[str, object]:
        values = (
            *(self.system, one.title, one.version, one.weights_sha256, one.threshold, one.diameter),
            *(self.length, one.contrast, one.contrast * self.scale, self.unit, self.scans, one.answered, one.called),
            *("" if np.isnan(one.mean) else one.mean, described(self.setting, self.length)),
        )
        return dict(zip(COLUMNS, values, strict=True))


def described(setting: Setting, length: str) -> str:
    """The picture quality in words; ``length`` is the unit of the blur."""
    window = "none" if setting.window is None else f"{setting.window[0]:g}/{setting.window[1]:g}"
    quality = "lossless" if setting.quality is None else f"JPEG {setting.quality}"
    spoilt = f"blur {setting.blur:g} {length}; noise {setting.noise:g}; slices {setting.slices}"
    return f"{spoilt}; centre/width {window}; {quality}"


def measure(
    engine: Engine,
    system: str,
    diameters: Sequence[float],
    contrasts: Sequence[float],
    seeds: Sequence[int],
    setting: Setting | None = None,
    tell: Callable[[float], None] = lambda _: None,
) -> ContrastDetail:
    """Ask all models about lesions of every size and contrast, in every scan; and about the clear scans.

    Args:
        diameters: above 0. contrasts: shares of the scan's full scale. seeds: of the scans.
        setting: picture quality; its lesion is of no account. tell: told the fraction done; may raise to end it.

    Raises:
        ContractError: the system has no laboratory. InterruptedError: from ``tell``.
    """
    usual = setting or Setting()
    series, _ = canvas(system, seeds[0])
    length = "mm" if series.spacing else "pixels"
    grid = [(0.0, 0.0), *((d, c) for d in diameters for c in contrasts)]
    cells: list[Cell] = []
    for number, (diameter, contrast) in enumerate(grid):
        given: dict[str, list[ModelResult]] = {}
        for place, seed in enumerate(seeds):
            tell((number + place / len(seeds)) / len(grid))
            study = made(system, seed, replace(usual, diameter=diameter, contrast=contrast))
            for result in engine.review(study, system).ready:
                given.setdefault(result.state.name, []).append(result)
        cells += [_cell(results, diameter, contrast) for results in given.values()]
    tell(1.0)
    return ContrastDetail(system, len(seeds), usual, full_scale(series), str(series.unit), length, tuple(cells))


def _cell(results: Sequence[ModelResult], diameter: float, contrast: float) -> Cell:
    card = results[0].state.card
    assert card is not None
    told = [float(r.finding[0]) for r in results if r.finding is not None and r.answered[0]]
    called = sum(r.decision(0) is Decision.FINDING for r in results)
    mean = float(np.mean(told)) if told else float("nan")
    identity = (card.name, card.title, card.version, card.weights_sha256, card.threshold.value)
    return Cell(*identity, diameter, contrast, len(told), called, mean)
