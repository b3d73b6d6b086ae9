"""The source images of a series: found again in the uploaded files, because only these still name the patient.

Everything else in Overread works on de-identified studies. A DICOM object, though, must file to the right patient and
study, so its makers read the identifying modules from here, and from nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
from pydicom import Dataset
from pydicom.config import RAISE
from pydicom.valuerep import DS, validate_value

from core.errors import OverreadError, ReportError
from core.imaging.archive import walk
from core.imaging.deidentify import Identity
from core.imaging.dicom.frames import Frame, read_frames
from core.imaging.dicom.functional_groups import as_number
from core.imaging.dicom.series import build_series, sort_frames
from core.imaging.dicom.split import split_volumes
from core.imaging.dicom.truth import is_drawn
from core.imaging.formats import Format, sniff
from core.imaging.limits import DEFAULT_LIMITS, Budget, Limits
from core.imaging.projections import coronal_mip
from core.imaging.study import Modality, Series
from core.imaging.tag_lists import STORED
from core.imaging.terms import only_terms

# Type 2 attributes of patient and study (PS3.3 C.7.1.1, C.7.2.1): present, possibly empty. Old files leave them out.
_MAY_BE_EMPTY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
DEIDENTIFIED = ("DeidentificationMethod", "DeidentificationMethodCodeSequence")
# What an object may take over from its source besides what the reader goes by: who and which study. Whatever else
# hospitals write into patient and study (sixty texts and more) stays with them.
CARRIED = (
    *_MAY_BE_EMPTY,
    *("IssuerOfPatientID", "PatientAge", "PatientSize", "PatientWeight", "StudyInstanceUID"),
)
_COPIED = (STORED - {"ManufacturerModelName", "SoftwareVersions"}) | {
    *CARRIED,
    *(
        "PatientIdentityRemoved",
        "BurnedInAnnotation",
        "SpecificCharacterSet",
        "LongitudinalTemporalInformationModified",
    ),
    *("DeidentificationMethodCodeSequence",),
}
# highdicom writes unusual names into a warning, and so to the log: it gets to see none, they are put in afterwards.
_NAMES = ("PatientName", "ReferringPhysicianName")
_STRICT = ("DA", "TM", "AS")
_NUMBERS = ("PatientSize", "PatientWeight")
# Coded attributes that are copied, and their defined terms (PS3.3): anything else may be a name in the wrong place.
_TERMS = {
    "PatientSex": ("M", "F", "O"),
    "PatientIdentityRemoved": ("YES", "NO"),
    "BurnedInAnnotation": ("YES", "NO"),
    "LongitudinalTemporalInformationModified": ("UNMODIFIED", "MODIFIED", "REMOVED"),
}


@dataclass(frozen=True, eq=False)
class DicomSource:
    """Headers of the images a series was made of, without pixels.

    Attributes:
        headers: one per slice, in the series' order; frames of one multi-frame file share theirs. They hold no names.
        frames: the frame's number within its file, from 1.
        names: the names that were taken out of the headers, for :meth:`sign`.
        projected: the series is a projection made of these images; its pixels do not lie on theirs.
    """

    headers: tuple[Dataset, ...]
    frames: tuple[int, ...]
    names: Dataset = field(repr=False)
    projected: bool = False

    @property
    def files(self) -> list[Dataset]:
        """Headers of the files, each once, in the series' order."""
        return list({id(header): header for header in self.headers}.values())

    @property
    def multiframe(self) -> bool:
        """Whether the series lies in one file of several frames."""
        return "NumberOfFrames" in self.headers[0] and int(self.headers[0].NumberOfFrames) > 1

    @property
    def first(self) -> Dataset:
        """Header to copy patient and study from."""
        return self.headers[0]

    def measure(self, made: Dataset) -> None:
        """Take out the distance of slices that highdicom writes for one image alone, 1 mm: nobody has said it."""
        if len(self.headers) == 1 and "SpacingBetweenSlices" not in self.first:
            for group in made.get("SharedFunctionalGroupsSequence", ()):
                for item in group.get("PixelMeasuresSequence", ()):
                    item.pop("SpacingBetweenSlices", None)

    def sign(self, made: Dataset) -> None:
        """Put the patient's and the referring physician's name into a finished object, as the source has them."""
        made.update(self.names)


def find_source(files: Sequence[tuple[str, bytes]], series: Series, limits: Limits = DEFAULT_LIMITS) -> DicomSource:
    """Find the images of a series among the uploaded files.

    They are read again by the reader's own path, and recognised by the content key of the series.

    Args:
        files: name and bytes of each uploaded file, archives included.
        series: the series to find; a coronal projection is found by the volume it was made of.
        limits: what reading may cost.

    Raises:
        ReportError: the files hold no DICOM images of this series, or these lack the identifiers that DICOM requires.
    """
    if series.turned is not None:
        raise ReportError(
            "Projections from several sides are made here: no DICOM object can refer to them.",
            "Choose the coronal projection, or the slices it was made of.",
        )
    read = list(_frames(files, Budget(limits)))
    identity = Identity()  # the reader's own words for a volume depend on what gives the patient away
    for header in {id(frame.header): frame.header for frame in read}.values():
        identity.learn(header)
    for volume in split_volumes(read):
        group = volume.frames
        projected = series.projection != "slice" and group[0].modality is Modality.PT
        if is_drawn(group) or not (projected or _alike(group, series)):
            continue
        built = build_series(volume, identity)
        if projected and built.uneven:
            continue
        if (coronal_mip(built) if projected else built).key != series.key:
            continue
        distance = series.spacing[0] if series.spacing is not None and series.slices > 1 and not projected else None
        return _checked(sort_frames(group).frames, projected, distance)
    raise ReportError(
        "The uploaded files hold no DICOM images of this series.",
        "DICOM objects need DICOM source images: upload the series as DICOM files.",
    )


def _frames(files: Sequence[tuple[str, bytes]], budget: Budget) -> Iterator[Frame]:
    for entry in walk(files, budget):
        if entry.error is not None or sniff(entry.data) is not Format.DICOM:
            continue
        try:
            yield from read_frames(entry.name, entry.data, budget)
        except OverreadError:  # the reader has named this file among the study's problems already
            continue


def _alike(group: Sequence[Frame], series: Series) -> bool:
    return len(group) == series.slices and group[0].pixels.shape == series.shape


def _checked(frames: Sequence[Frame], projected: bool, distance: float | None) -> DicomSource:
    """Args: distance: of the slices along their normal in mm, where they have one."""
    if any(frame.tile for frame in frames):
        raise ReportError(
            "The slices were cut out of a mosaic: no DICOM object can refer to one of them.",
            "Export the series without mosaics from its archive.",
        )
    files = {id(frame.header): frame.header for frame in frames}
    if len(files) > 1 and any(int(header.get("NumberOfFrames", 1) or 1) > 1 for header in files.values()):
        raise ReportError(
            "The series lies in several files of frames: no one DICOM object can refer to them all.",
            "Export the series as one file, or as one file for every slice.",
        )
    complete: dict[int, Dataset] = {}
    for frame in frames:
        header = frame.header
        if id(header) in complete:
            continue
        missing = [k for k in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID") if not header.get(k)]
        if missing:
            raise ReportError(
                f"The source images lack {', '.join(missing)}: nothing can refer to them.",
                "Export the series again from its archive.",
            )
        complete[id(header)] = fit = _fit_for_writing(header)
        if not (as_number(fit.get("SliceThickness")) or 0.0) > 0:  # highdicom wants one, an empty one at least
            fit.SliceThickness = None if distance is None else DS(round(distance, 6))
    return DicomSource(
        headers=tuple(complete[id(frame.header)] for frame in frames),
        frames=tuple(frame.order[1] + 1 for frame in frames),
        names=_names(frames[0].header),
        projected=projected,
    )


def _names(header: Dataset) -> Dataset:
    out = Dataset()
    for keyword in _NAMES:
        if keyword in header:
            out[keyword] = header[keyword]
        else:
            setattr(out, keyword, "")
    return out


def _fit_for_writing(header: Dataset) -> Dataset:
    """A copy without names; empty or gone where they are invalid; empty where type 2 attributes lack."""
    copy = deepcopy(header)  # pydicom's shallower copies share the elements with their original
    for element in list(copy):
        if element.keyword not in _COPIED:
            del copy[element.tag]
    copy.PositionReferenceIndicator = ""
    for keyword in _MAY_BE_EMPTY:
        if keyword not in copy or keyword in _NAMES:
            setattr(copy, keyword, "")
    for element in list(copy):
        if element.VR in _STRICT and not _valid(element.VR, str(element.value or "")):
            setattr(copy, element.keyword, "") if element.keyword in _MAY_BE_EMPTY else copy.pop(element.tag)
    for keyword in _NUMBERS:
        if keyword in copy and as_number(copy[keyword].value) is None:
            copy.pop(keyword)
    for keyword, terms in _TERMS.items():
        if keyword in copy and copy.get(keyword) not in terms:
            setattr(copy, keyword, "") if keyword in _MAY_BE_EMPTY else copy.pop(keyword)
    if not only_terms(str(copy.get("Manufacturer", ""))):  # free text, which objects name as contributing equipment
        copy.pop("Manufacturer", None)
    if copy.get("PatientIdentityRemoved") == "YES" and "DeidentificationMethodCodeSequence" not in copy:
        copy.DeidentificationMethod = "as the source images state it"  # type 1C; their own words may be anything
    if "SOPClassUID" not in copy:
        copy.SOPClassUID = header.file_meta.MediaStorageSOPClassUID
    return copy


def _valid(vr: str, value: str) -> bool:
    try:
        validate_value(vr, value, RAISE)
    except ValueError:
        return False
    return True


def on_frames(source: DicomSource, slices: np.ndarray) -> np.ndarray:
    """Values by slice ``(slices, height, width)`` put in the order of a multi-frame file's frames; others stay 0."""
    if not source.multiframe:
        return slices
    out = np.zeros((int(source.first.NumberOfFrames), *slices.shape[1:]), dtype=slices.dtype)
    out[[number - 1 for number in source.frames]] = slices
    return out
