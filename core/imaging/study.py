"""What an upload becomes: a study with its series, pixels in physical units where they are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from types import MappingProxyType

import numpy as np

_SAME_PLACE_MM = 0.01


class Modality(StrEnum):
    """DICOM modality codes (PS3.3 C.7.3.1.1.1) that Overread tells apart."""

    MR = "MR"
    CT = "CT"
    PT = "PT"
    UNKNOWN = "unknown"


class Unit(StrEnum):
    """Unit of the pixel values."""

    HU = "HU"
    SUV = "SUVbw"
    BQML = "Bq/ml"
    GREY = "grey level"
    ARBITRARY = "arbitrary"


class SourceKind(StrEnum):
    """Format the pixels came from."""

    RASTER = "raster image"
    DICOM = "DICOM"
    NIFTI = "NIfTI"
    SIMULATED = "simulated"


class Plane(StrEnum):
    """Anatomical plane of a slice."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


class Voi(StrEnum):
    """How a window turns values into grey (VOI LUT Function, PS3.3 C.11.2.1.3), or by an explicit curve."""

    LINEAR = "LINEAR"  # the standard's own, half a value off the middle and one value narrower
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"
    TABLE = "TABLE"


@dataclass(frozen=True)
class Window:
    """Display window (PS3.3 C.11.2.1.2): centre and full width, in the series' unit.

    Attributes:
        centre, width: in the series' unit.
        name: what to call it.
        function: how values between the edges become grey.
        curve: for ``TABLE``: grey from 0 to 1 at evenly spaced values from one edge to the other.
    """

    centre: float
    width: float
    name: str = ""
    function: Voi = Voi.LINEAR_EXACT
    curve: tuple[float, ...] = ()

    def scaled(self, factor: float) -> Window:
        """The same window for values that were multiplied with a factor above 0."""
        if self.function is Voi.LINEAR:
            return Window((self.centre - 0.5) * factor, (self.width - 1.0) * factor, self.name)
        return replace(self, centre=self.centre * factor, width=self.width * factor)


@dataclass(frozen=True)
class Problem:
    """A file of the upload that could not be used, why, and what helps."""

    name: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True)
class Turned:
    """How the slices of a series of projections come about: one volume seen from several sides.

    Attributes:
        coronal: key of the projection seen from the front, which the first slice holds.
        angles: degrees by which the viewer has walked from the front to the patient's left, one a slice.
        placed: whether it is known how the patient lay, or the front was taken for granted.
    """

    coronal: str
    angles: tuple[float, ...]
    placed: bool = True


APART = (
    "These pictures lie in one folder but do not resemble each other, so each is read by itself. Slices of one stack "
    "are read together: give every stack a folder of its own."
)


def _no_tags() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Series:
    """A stack of equally sized images, sorted along the slice normal.

    Attributes:
        key: stable identifier derived from the content (never an original UID).
        description: what to call it on the page ("FLAIR, 22 slices").
        pixels: float32 ``(slices, height, width)`` in ``unit``.
        unit: unit of the pixels.
        modality: modality, ``UNKNOWN`` when the format does not say.
        spacing: millimetres ``(between slices, between rows, between columns)``; ``None`` when unknown.
        plane: anatomical plane when known.
        affine: 4x4 voxel (column, row, slice) to patient millimetres in LPS, when known. Where ``uneven`` says that no
            one step leads from slice to slice, it holds for the first slice only; :meth:`affine_at` holds for any.
        positions: float64 ``(slices, 3)``, the centre of every slice's first pixel in LPS millimetres; worked out from
            the affine where only that is given, ``None`` where neither is known.
        uneven: why the slices have no one distance ("2 slices are missing"), in words without a full stop; empty where
            they have. Then ``spacing[0]`` is the usual distance, and the series has no volume and no projection.
        told_apart: what tells this volume from the others of its series ("echo 2", "b=1000", "phase"); empty where the
            series is one volume.
        frame: short hash of the frame of reference that positions count in; ``None`` when the format names none.
        study: short hash of the study's UID; ``None`` when the format names none.
        examined: day of the examination; ``None`` when the file does not say. Never in a report.
        patient: by which the patients of this process are told apart: the patient number, hashed with a key that is
            made anew with every process and kept nowhere; ``None`` without a number.
        body_part: body part examined, upper case as DICOM has it, when known.
        window: window stored with the image, when there is one.
        other_windows: further windows and curves stored with it.
        value_range: lowest and highest value the stored format can hold, when that is known (8-bit: 0, 255).
        low_is_bright: true when the format asks to draw low values bright (MONOCHROME1, TIFF with white as zero).
        colour: true when the source had colour that greyscale conversion threw away.
        sequences: true when the source's three channels were three MR sequences (before contrast, FLAIR, after
            contrast), of which ``pixels`` is the grey mix; then ``colour`` is false.
        projection: ``"slice"`` or ``"mip-coronal"``.
        turned: how the slices are one volume seen from several sides; ``None`` for every other series.
        tags: technical tags kept after de-identification.
        notes: plain sentences about what reading had to assume.
        truth: bool ``(slices, height, width)`` reference mask drawn by people, when one was uploaded.
        ai_result: bool ``(slices, height, width)`` mask that came with the images and was drawn by an algorithm: an
            answer like a model's, never the truth.
        by_algorithm: the series is itself a mask, drawn by an algorithm.
        padding: bool ``(slices, height, width)`` pixels that hold no image and so have the background's value in
            ``pixels``; ``None`` where all hold image. Windows and measures leave them out.
        pixel_aspect: height of a pixel over its width where only that is known, not its size in millimetres.
        names: file name each slice came from, without folders; may be empty.
        apart: true where the slices only came together, pictures of one folder that do not resemble each other: none
            is another's neighbour.
    """

    key: str
    description: str
    pixels: np.ndarray
    unit: Unit = Unit.ARBITRARY
    modality: Modality = Modality.UNKNOWN
    spacing: tuple[float, float, float] | None = None
    plane: Plane | None = None
    affine: np.ndarray | None = None
    positions: np.ndarray | None = None
    uneven: str = ""
    told_apart: tuple[str, ...] = ()
    frame: str | None = None
    study: str | None = None
    examined: date | None = None
    patient: str | None = field(default=None, repr=False)
    body_part: str | None = None
    window: Window | None = None
    other_windows: tuple[Window, ...] = ()
    value_range: tuple[float, float] | None = None
    low_is_bright: bool = False
    colour: bool = False
    sequences: bool = False
    projection: str = "slice"
    turned: Turned | None = None
    tags: Mapping[str, str] = field(default_factory=_no_tags)
    notes: tuple[str, ...] = ()
    truth: np.ndarray | None = None
    ai_result: np.ndarray | None = None
    by_algorithm: bool = False
    padding: np.ndarray | None = None
    pixel_aspect: float = 1.0
    names: tuple[str, ...] = ()
    apart: bool = False

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.dtype != np.float32:
            raise ValueError(
                f"Series.pixels must be float32 (slices, height, width), got {self.pixels.dtype} {self.pixels.shape}"
            )
        for name in ("truth", "ai_result", "padding"):
            mask = getattr(self, name)
            if mask is not None and mask.shape != self.pixels.shape:
                raise ValueError(f"Series.{name} has shape {mask.shape}, the pixels have {self.pixels.shape}")
        if self.positions is None and self.affine is not None:
            steps = np.arange(self.slices, dtype=np.float64)[:, None] * self.affine[:3, 2]
            object.__setattr__(self, "positions", self.affine[:3, 3] + steps)
        if self.positions is not None and self.positions.shape != (self.slices, 3):
            raise ValueError(f"Series.positions has shape {self.positions.shape}, expected {(self.slices, 3)}")
        if self.positions is not None and self.affine is not None:
            apart = float(np.abs(self.positions[0] - self.affine[:3, 3]).max())
            if apart > _SAME_PLACE_MM:
                raise ValueError(
                    f"Series.positions begin {apart:.3g} mm from the affine: change both, or set them None"
                )

    def affine_at(self, index: int) -> np.ndarray | None:
        """4x4 voxel (column, row, 0) of one slice to patient millimetres in LPS; ``None`` when unknown."""
        if self.affine is None or self.positions is None:
            return None
        here = self.affine.copy()
        here[:3, 3] = self.positions[index]
        return here

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """The pixels and the masks over them: what a series takes of the memory."""
        held = (self.pixels, self.truth, self.ai_result, self.padding)
        return tuple(one for one in held if one is not None)

    @property
    def slices(self) -> int:
        """Number of images in the stack."""
        return int(self.pixels.shape[0])

    @property
    def aspect(self) -> float:
        """Height of a pixel over its width, to draw it true; between 1/100 and 100."""
        aspect = self.spacing[1] / self.spacing[2] if self.spacing else self.pixel_aspect
        return min(max(aspect, 0.01), 100.0)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.pixels.shape[1]), int(self.pixels.shape[2])


@dataclass(frozen=True, eq=False)
class Study:
    """One upload, decoded and de-identified.

    Attributes:
        name: name to show; never a patient's name.
        source: format of the pixels.
        series: at least one series.
        sha256: hex digest of the uploaded bytes (of all files, in name order).
        dropped_tags: names of the identifying tags that were removed on entry.
        problems: files that could not be read.
        simulated: true for phantoms and inserted lesions.
        case_note: one sentence about a built-in case (what it is meant to show).
    """

    name: str
    source: SourceKind
    series: tuple[Series, ...]
    sha256: str
    dropped_tags: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    simulated: bool = False
    case_note: str = ""

    def without_answers(self) -> Study:
        """The study as a reader gets it who has not answered yet: no truth, no result of an algorithm."""
        kept = tuple(series for series in self.series if not series.by_algorithm) or self.series
        return replace(self, series=tuple(replace(series, truth=None, ai_result=None) for series in kept))
