"""What a reader measured by hand, as it stands in the record of a case."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.imaging.study import Unit
from core.reports.part import Part


class QuantityPart(Part):
    """One number of a measurement."""

    name: Literal[
        "length",
        "angle",
        "area",
        "pixels",
        "mean",
        "standard deviation",
        "minimum",
        "maximum",
        "SUVpeak",
        "SUVpeak in the plane",
    ] = Field(description="pixels: whose centre lies in the shape; the standard deviation is divided by their number")
    value: float = Field(allow_inf_nan=False)
    unit: str = Field(description="mm, px, mm², px², °, the unit of the pixel values, or empty for a count")


class DrawnPart(Part):
    """A measurement that the reader drew by hand in the viewer, with the numbers that the viewer gave."""

    kind: Literal["length", "angle", "rectangle", "ellipse", "freehand"]
    slice: int = Field(ge=1, description="number of the slice, from 1")
    points: tuple[tuple[float, float], ...] = Field(
        description="column and row of each point, from 0 at the centre of the upper left pixel: ends of a length; "
        "arm, vertex and arm of an angle; corners; ends of an ellipse's axes; the line of a freehand shape"
    )
    quantities: tuple[QuantityPart, ...]

    @property
    def words(self) -> str:
        """``mean 45.2 HU, SD 3.1 HU`` and the like: every number with its unit, to the digits that the viewer gives."""
        return ", ".join(map(_told, self.quantities))


def _told(quantity: QuantityPart) -> str:
    value, unit = quantity.value, "" if quantity.unit in (Unit.GREY, Unit.ARBITRARY) else quantity.unit
    if quantity.name in ("length", "angle", "area"):
        said = f"{value:.1f}"
    elif value.is_integer():
        said = f"{value:.0f}"
    else:
        said = f"{value:.1f}" if unit == "HU" else f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"
    name = {"standard deviation": "SD", "length": "", "angle": ""}.get(quantity.name, quantity.name)
    return f"{name} {said}{'' if unit == '°' else ' '}{unit}".strip()
