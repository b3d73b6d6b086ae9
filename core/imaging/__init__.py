"""From bytes to a study: readers, limits, uptake values, projections, reference masks, de-identification."""

from core.imaging.limits import Limits
from core.imaging.projections import coronal_mip
from core.imaging.reader import read
from core.imaging.study import Modality, Plane, Problem, Series, SourceKind, Study, Unit, Window
from core.imaging.truth import attach_truth

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
