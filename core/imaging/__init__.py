"""From bytes to a study: readers, limits, uptake values, projections, reference masks, de-identification."""

from typing import TYPE_CHECKING, Any

from core.imaging.limits import Limits
from core.imaging.projections import coronal_mip
from core.imaging.study import Modality, Plane, Problem, Series, SourceKind, Study, Unit, Window
from core.imaging.truth import attach_truth

if TYPE_CHECKING:
    from core.imaging.reader import read

__all__ = [
    "Limits",
    "Modality",
    "Plane",
    "Problem",
    "Series",
    "SourceKind",
    "Study",
    "Unit",
    "Window",
    "attach_truth",
    "coronal_mip",
    "read",
]


def __getattr__(name: str) -> Any:
    """``read`` when it is first asked for: its libraries (pydicom, nibabel, codecs) take half a second, and whoever
    only speaks of series and windows needs none."""
    if name == "read":
        from core.imaging.reader import read

        return read
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
