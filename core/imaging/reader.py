"""From uploaded bytes to a study."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from core.errors import OverreadError, UnreadableFileError
from core.imaging.archive import Entry, walk
from core.imaging.deidentify import Identity
from core.imaging.dicom.frames import Frame, read_frames
from core.imaging.dicom.segmentations import as_masks, drawn_by_algorithm
from core.imaging.dicom.series import build_series, sort_frames
from core.imaging.dicom.split import Volume, split_volumes
from core.imaging.dicom.truth import Source, attach_drawn, is_drawn, refers_to, sources_of
from core.imaging.formats import READABLE, Format, describe, sniff
from core.imaging.limits import Budget, Limits, UploadLimitError, declared
from core.imaging.nifti import read_nifti
from core.imaging.projections import coronal_mip
from core.imaging.raster import Picture, read_raster
from core.imaging.stacks import stack_pictures
from core.imaging.study import Modality, Problem, Series, SourceKind, Study
from core.imaging.truth import attach_truth, looks_like_mask, pairing_key
from core.imaging.turning import turned_mips
from core.memory import GiveWay, of_process

_LEAST_MIP_SLICES = 16
_LATER = ("roi", "seg", "mask", "label")


def read(files: Sequence[tuple[str, bytes]], limits: Limits | None = None, give_way: GiveWay | None = None) -> Study:
    """Read an upload: any mix of PNG, JPEG, TIFF, DICOM, NIfTI and zips of those.

    Formats are told by content. A file that cannot be read is named in ``Study.problems`` and the rest is read.
    Identifying tags are dropped on the way. PET volumes get a coronal maximum-intensity projection, placed first, and
    projections from further sides, placed last.

    Args:
        files: name and bytes of each file.
        limits: what an upload may cost; as the operator has set them unless given.
        give_way: lets go the oldest thing of the one who uploads, when the process's memory is full.

    Returns:
        The study, with at least one series; coronal projections first, then the largest.

    Raises:
        UnreadableFileError: nothing could be read (for a single file: why).
        EncryptedFileError: the upload is an encrypted archive.
        LimitExceededError: a limit is exceeded; the message names it and the remedy.
    """
    if not files:
        raise UnreadableFileError("Nothing was uploaded.", f"Choose {READABLE}.")
    lease = of_process().lease(give_way=give_way)
    try:
        uploaded = sum(len(data) for _, data in files)
        study = _read(files, _Upload(Budget(limits or declared(), lease, uploaded)))
        of_process().keep((held for one in study.series for held in one.arrays), uploaded)
        return study
    finally:
        lease.release()


def _read(files: Sequence[tuple[str, bytes]], upload: _Upload) -> Study:
    try:
        for entry in walk(files, upload.budget):
            upload.take(entry)
        series = upload.series()
    except OverreadError:
        raise
    except MemoryError as error:
        raise UnreadableFileError("The upload does not fit into memory.", "Upload fewer series at a time.") from error
    except Exception as error:  # whatever damaged headers bring about, the user gets a sentence
        raise UnreadableFileError(
            "The files are damaged or contradict each other.", "Export or download them again."
        ) from error
    if not series:
        raise upload.failure()
    return Study(
        name=upload.name([name for name, _ in files]),
        source=upload.sources[id(series[0])],
        series=tuple(series),
        sha256=_digest(files),
        dropped_tags=tuple(sorted(upload.identity.dropped)),
        problems=upload.problems(),
    )


class _Upload:
    """What has been read so far."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.identity = Identity()
        self.sources: dict[int, SourceKind] = {}
        self._frames: list[Frame] = []
        self._pictures: list[Picture] = []
        self._volumes: list[tuple[str, Series]] = []
        self._failures: list[tuple[str, OverreadError]] = []
        self._places: dict[str, int] = {}  # number of each file in the upload, told where its name is not
        self._later: list[Problem] = []

    def take(self, entry: Entry) -> None:
        """Decode one file; one that cannot be read is remembered, unless the upload as a whole is over a limit."""
        self._places.setdefault(entry.name, len(self._places) + 1)
        try:
            if entry.error is not None:
                raise entry.error
            self.budget.begin(len(entry.data) if entry.unpacked else 0)
            self._decode(entry)
        except UploadLimitError:
            raise
        except OverreadError as error:
            self._failures.append((entry.name, error))
        except Exception as error:  # decoders raise anything on damaged bytes; no file may take the upload down
            damaged = UnreadableFileError("The file is damaged.", "Export or download it again.")
            damaged.__cause__ = error
            self._failures.append((entry.name, damaged))

    def _decode(self, entry: Entry) -> None:
        kind = sniff(entry.data)
        if kind in (Format.PNG, Format.JPEG, Format.TIFF):
            pictures = read_raster(entry.name, entry.data, kind, self.budget)
            if any(picture.metadata for picture in pictures):
                self.identity.dropped.add("picture metadata")
            self._pictures += pictures
        elif kind is Format.DICOM:
            frames = read_frames(entry.name, entry.data, self.budget)
            if frames:
                self.identity.learn(frames[0].header)
            self._frames += frames
        elif kind in (Format.NIFTI, Format.GZIP):
            found = read_nifti(entry.name, entry.data, self.budget, self.identity)
            self._volumes += [(entry.name, one) for one in found]
        else:
            raise UnreadableFileError(f"It looks like {describe(entry.data)}.", f"Upload {READABLE}.")

    def series(self) -> list[Series]:
        """All series in the order in which they are shown."""
        found: list[Series] = []
        found += [self._from(one, SourceKind.DICOM) for one in self._dicom_series()]
        for volume in self._paired_volumes():
            found.append(self._from(volume, SourceKind.NIFTI))
        if any(looks_like_mask(picture.path) for picture in self._pictures):
            self.budget.add_masks(2 * sum(picture.pixels.size for picture in self._pictures))
        stacked, problems = stack_pictures(self._pictures, self.identity)
        self._pictures = []
        self._later += problems
        found += [self._from(stack, SourceKind.RASTER) for stack in stacked]
        found.sort(key=_rank)
        projections: list[Series] = []
        turned: list[Series] = []
        for number, one in enumerate(found):
            if one.modality is not Modality.PT or one.slices < _LEAST_MIP_SLICES or one.projection != "slice":
                continue
            source = self.sources[id(one)]
            if one.uneven:  # a projection would be squeezed somewhere
                note = f"No projection is made: {one.uneven}."
                found[number] = self._from(replace(one, notes=(*one.notes, note)), source)
            else:
                projections.append(self._from(coronal_mip(one), source))
                around = turned_mips(one, projections[-1])
                turned += [] if around is None else [self._from(around, source)]
        return projections + found + turned

    def _dicom_series(self) -> list[Series]:
        """DICOM series with the masks drawn on them attached; masks without a series stay series."""
        volumes = split_volumes(self._frames)
        self._frames = []
        images: list[tuple[Series, list[Source]]] = []
        drawn: list[Volume] = []
        for volume in volumes:
            if is_drawn(volume.frames):
                drawn.append(volume)
            else:
                images += self._built(volume)
        alone: list[Series] = []
        if drawn:  # outlines of people and of algorithms, one byte each
            self.budget.add_masks(2 * sum(image.pixels.size for image, _ in images))
        for mask in drawn:
            named = [refers_to(mask.frames, sources) for _, sources in images]
            tried = [
                attach_drawn(image, sources, mask.frames) if its or not any(named) else ""
                for (image, sources), its in zip(images, named, strict=True)
            ]
            if not any(isinstance(one, Series) for one in tried):
                alone += self._alone(mask, [why for why in tried if isinstance(why, str) and why])
            images = [
                (new if isinstance(new, Series) else old, sources)
                for new, (old, sources) in zip(tried, images, strict=True)
            ]
        return [image for image, _ in images] + alone

    def _alone(self, mask: Volume, reasons: list[str]) -> list[Series]:
        """A mask without a series as a series of its own, and why it is none's."""
        frames = as_masks(mask.frames)
        if reasons:
            path, why = mask.frames[0].path, "; ".join(dict.fromkeys(reasons))
            name = self.identity.file_name(path, 1)
            told = Problem(name, f"The mask fits no series: {why}.", "Upload it with the images that it was drawn on.")
            self._later.append(told)
        note = f"A mask that fits no series{': ' + '; '.join(dict.fromkeys(reasons)) if reasons else ''}."
        if not reasons:
            note = "A mask without the images that it was drawn on."
        built = self._built(replace(mask, frames=frames).noted(note))
        by_algorithm = drawn_by_algorithm(mask.frames)
        return [replace(one, by_algorithm=by_algorithm) for one, _ in built]

    def _built(self, volume: Volume) -> list[tuple[Series, list[Source]]]:
        """The series with the image behind every slice; nothing for contradicting headers, which are told of."""
        try:
            return [(build_series(volume, self.identity), sources_of(sort_frames(volume.frames).frames))]
        except Exception as error:  # contradicting headers; the other series are still shown
            damaged = UnreadableFileError("The series' headers contradict each other.", "Export the series again.")
            damaged.__cause__ = error
            self._failures.append((volume.frames[0].path, damaged))
            return []

    def _from(self, series: Series, source: SourceKind) -> Series:
        self.sources[id(series)] = source
        return series

    def _paired_volumes(self) -> list[Series]:
        """NIfTI volumes with their masks attached; masks without a volume stay volumes.

        A mask lies on every volume of its image's file, or, where it has as many volumes, each on its own.
        """
        kept = {id(one): self._named(path, one) for path, one in self._volumes}
        images: dict[str, list[Series]] = {}
        masks: dict[str, list[Series]] = {}
        for path, one in self._volumes:
            home, name = (masks, path) if looks_like_mask(path) else (images, pairing_key(path))
            home.setdefault(name, []).append(one)
        for path, drawn in masks.items():
            volumes = images.get(pairing_key(path), [])
            if not volumes:
                note = "This looks like a mask, but no image of the same name came with it."
                for mask in drawn:
                    kept[id(mask)] = replace(kept[id(mask)], notes=(*mask.notes, note))
                continue
            for mask in drawn:
                del kept[id(mask)]
            try:
                if len(drawn) not in (1, len(volumes)):
                    raise UnreadableFileError(
                        f"The mask has {len(drawn)} volumes, the image has {len(volumes)}.",
                        "Upload a mask drawn on this very image.",
                    )
                self.budget.add_masks(sum(image.pixels.size for image in volumes))
                for number, image in enumerate(volumes):
                    kept[id(image)] = attach_truth(kept[id(image)], drawn[number % len(drawn)])
            except UnreadableFileError as error:
                self._failures.append((path, error))
        return list(kept.values())

    def _named(self, path: str, volume: Series) -> Series:
        name = self.identity.file_name(path, 1)
        count = f"{volume.slices} slice{'s' if volume.slices > 1 else ''}"
        description = ", ".join([name, *volume.told_apart, count])
        return replace(volume, description=description, names=(name,) * volume.slices)

    def name(self, files: list[str]) -> str:
        """What to call the study: the file's name, unless it gives the patient away."""
        name = PurePosixPath(files[0].replace("\\", "/")).name or "Upload"
        if self.identity.reveals(files[0]) or not self.identity.may_show(name):
            return "DICOM study" if SourceKind.DICOM in self.sources.values() else "Uploaded study"
        return name if len(files) == 1 else f"{name} and {len(files) - 1} more"

    def problems(self) -> tuple[Problem, ...]:
        """Everything that could not be used."""
        told = [
            Problem(self.identity.file_name(name, self._places.get(name, 1)), error.message, error.remedy)
            for name, error in self._failures
        ]
        if len(self.identity.patients) > 1:
            count = len(self.identity.patients)
            told.append(Problem("upload", f"The files belong to {count} patients.", "Upload one patient at a time."))
        return (*told, *self._later)

    def failure(self) -> OverreadError:
        """The error to raise when nothing could be read."""
        if len(self._failures) == 1:
            return self._failures[0][1]
        if not self._failures:
            return UnreadableFileError(
                "The upload holds no images (a DICOMDIR is only an index).",
                f"Upload the images themselves: {READABLE}.",
            )
        name, error = self._failures[0]
        return UnreadableFileError(
            f"None of the {len(self._failures)} files could be read. "
            f"The first, {self.identity.file_name(name, self._places.get(name, 1))}: {error.message}",
            error.remedy,
        )


def _rank(series: Series) -> tuple[bool, bool, int]:
    text = f"{series.description} {' '.join(series.notes[-1:])}".lower()
    drawn = any(word in text.replace("_", " ").split() for word in _LATER) or "looks like a mask" in text
    return series.by_algorithm, drawn, -series.pixels.size


def _digest(files: Sequence[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for _, data in sorted(files, key=lambda file: file[0]):
        digest.update(data)
    return digest.hexdigest()
