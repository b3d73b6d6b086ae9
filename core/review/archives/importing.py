"""Cases into the store: read once to be sure that they can be, de-identified, kept by content, each noted.

An import that is killed goes on where it was: what became of a file is written in the same transaction as its case.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

import pydicom
from sqlmodel import select

from core.errors import ArchiveError, MemoryFullError, OverreadError, StoreError, UnreadableFileError
from core.imaging import Study, read
from core.imaging.bare import bare, hinted_name
from core.imaging.deidentify import Identity
from core.imaging.folder import read_files
from core.imaging.formats import Format, sniff
from core.imaging.keys import content_key
from core.review.archives.intake.sheet import Column, RowProblem
from core.review.archives.intake.sources import Found, Layout, Survey
from core.review.archives.recorded import check_mapping, is_finding, recorded_class
from core.review.kept.looks import looks
from core.review.pseudonyms import Pseudonyms
from core.review.store import Store
from core.review.tables import ImportFile
from core.review.vocabulary import FileRole, Outcome
from core.systems import accepts, adapt, match, system


@dataclass(frozen=True)
class ImportOptions:
    """What the user says about a source; kept with the run as JSON, so that it can go on after a kill.

    Attributes:
        system: the system that reads the cases; ``None``: matched case by case.
        layout: sheet, columns, folders.
        mapping: recorded text to class name, where the words do not tell.
        keep_patient_codes: keep the patients' codes as they are, because they are pseudonyms already; otherwise
            they are replaced. Numbers in DICOM headers are always replaced.
        team: reader group of the recorded diagnoses.
    """

    system: str | None = None
    layout: Layout = field(default_factory=Layout)
    mapping: Mapping[str, str] = field(default_factory=dict)
    keep_patient_codes: bool = False
    team: str = ""

    def check(self) -> ImportOptions:
        """Itself, when it makes sense.

        Raises:
            ArchiveError: the mapping names classes that the system does not have.
            SystemMismatchError: there is no such system.
        """
        if self.system is not None:
            check_mapping(self.mapping, system(self.system))
        return self

    def with_sheet(self, name: str) -> ImportOptions:
        """The same options with the sheet named."""
        return replace(self, layout=replace(self.layout, sheet=name))

    def to_json(self) -> dict[str, Any]:
        """As the run keeps it."""
        return asdict(self) | {"layout": asdict(self.layout) | {"columns": dict(self.layout.columns)}}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ImportOptions:
        """From what a run kept."""
        layout = dict(values["layout"])
        layout["columns"] = {Column(key): name for key, name in layout["columns"].items()}
        return cls(**{**values, "layout": Layout(**layout)})


def report_name(source: Path) -> str:
    """What a source is called in the import report: its name, and a little of its path's hash, so that two folders of
    the same name are told apart."""
    return f"{source.name}~{hashlib.sha256(str(source).encode()).hexdigest()[:6]}"


class Importer:
    """Imports the cases of one source into one archive.

    A file that cannot be read is noted; a store that cannot be written to (rights, a full disk) ends the import.

    Args:
        name: what the source is called in the report; the same name must not stand for another source.
    """

    def __init__(
        self, store: Store, actor: int, archive_id: int, name: str, options: ImportOptions, run_id: int | None = None
    ) -> None:
        self._store = store
        self._actor = actor
        self._archive = archive_id
        self._name = name
        self._options = options
        self._run = run_id
        self._pseudonyms = Pseudonyms.of(store.images_folder)

    def path_of(self, found: Found) -> str:
        """Pseudonym under which a case stands in the import report."""
        return self._pseudonyms.path(f"{self._name}/{found.path}")

    def waiting(self, survey: Survey) -> Iterator[Found]:
        """Cases that are not in the archive yet; those that could not be read before are tried once a run."""
        done = {
            row.path
            for row in self._store.import_report(self._archive)
            if row.outcome != Outcome.UNREADABLE or row.run_id == self._run
        }
        return (found for found in survey.cases if self.path_of(found) not in done)

    def note_rows(self, sheet: str, problems: tuple[RowProblem, ...]) -> None:
        """Report the rows of a sheet that could not be used."""
        for problem in problems:
            path = f"{self._pseudonyms.path(f'{self._name}/{sheet}')}, row {problem.row}"
            self._note(path, Outcome.UNREADABLE, f"Row {problem.row}: {problem.text}", problem.remedy)

    def note_skipped(self, members: Iterable[tuple[str, OverreadError]]) -> None:
        """Report the members of a zip that could not be unpacked, and why."""
        for member, error in members:
            path = self._pseudonyms.path(f"{self._name}/{member}")
            self._note(path, Outcome.UNREADABLE, error.message, error.remedy)

    def take(self, survey: Survey, found: Found) -> Outcome:
        """Import one case; whatever is wrong with it is noted, nothing is raised for it.

        Raises:
            MemoryFullError: the process has no memory left for it now; nothing was noted.
        """
        path = self.path_of(found)
        try:
            if found.error is not None:
                raise found.error
            return self._add(survey.root, found, path)
        except (StoreError, MemoryFullError):
            raise
        except OverreadError as error:
            self._note(path, Outcome.UNREADABLE, error.message, error.remedy)
            return Outcome.UNREADABLE

    def _note(self, path: str, outcome: Outcome, reason: str, remedy: str, case_id: int | None = None) -> None:
        self._store.note_import(
            self._archive, path, outcome, run_id=self._run, reason=reason, remedy=remedy, case_id=case_id
        )

    def _add(self, root: Path, found: Found, path: str) -> Outcome:
        files = _ordered(read_files(root, found.files), joined=bool(found.texts) or len(found.files) > 1)
        masks = read_files(root, found.masks)
        given = read(files)
        is_dicom = sniff(files[0][1]) is Format.DICOM
        identity = _identity(found, [data for _, data in (*files, *masks)])
        plain = [self._bare(number, file, identity, found) for number, file in enumerate(files, 1)]
        drawn = [self._bare(number, file, identity, found) for number, file in enumerate(masks, 1)]
        study = read(plain)
        _check_same(given, study)
        known = self._options.system
        index, name = _series_for(study, known)
        label = self._label(found, name) if name else None
        kept = [self._keep(file, FileRole.IMAGE) for file in plain]
        kept += [self._keep(file, FileRole.TRUTH) for file in drawn]
        series = study.series[index]
        case, new = self._store.add_case(
            self._actor,
            self._archive,
            content_hash=given.sha256,
            source=path if len(files) == 1 else series.description,
            files=kept,
            patient=self._patient(found.patient, is_dicom),
            system=name,
            recorded_finding=is_finding(label, name) if name else None,
            recorded_label=label,
            recorded_text=identity.masked(found.recorded or ""),
            recorded_reader=found.reader,
            team=self._options.team,
            study_date=found.date.isoformat() if isinstance(found.date, date) else None,
            simulated=study.simulated,
            details={
                "series_index": index,
                "slices": series.slices,
                "size": list(series.shape),
                "modality": series.modality.value,
                "series_keys": sorted({one.key for one in (*study.series, *given.series)}),
                "looks": [look for one in study.series for look in looks(one.pixels)],
                "source_sha256": [hashlib.sha256(data).hexdigest() for _, data in files],
                "notes": [problem.reason for problem in given.problems],
            },
            import_path=path,
            run_id=self._run,
        )
        if new:
            return Outcome.ADDED
        if self._first_seen(path, case.id):
            return Outcome.ADDED
        said, before = identity.masked(found.recorded or "") or "nothing", case.recorded_text or "nothing"
        if label != case.recorded_label:
            reason = f"The same image as {case.source}, recorded as {before!r} there and as {said!r} here."
            self._note(path, Outcome.DUPLICATE, reason, "Find out which is right; the first one is kept.", case.id)
        else:
            self._note(path, Outcome.DUPLICATE, f"The same image as {case.source}.", "", case.id)
        return Outcome.DUPLICATE

    def _label(self, found: Found, name: str) -> str | None:
        """Recorded class; of a scan joined of slices a finding when one slice has one, nothing when one is untold."""
        texts = found.texts or (found.recorded,)
        classes = [recorded_class(text, name, self._options.mapping) for text in texts]
        positive = Counter(one for one in classes if is_finding(one, name))
        if positive:
            return positive.most_common(1)[0][0]
        return None if None in classes else classes[0]

    def _first_seen(self, path: str, case_id: int | None) -> bool:
        """Whether the case came from this very file, in an import that was interrupted."""
        query = select(ImportFile.outcome).where(
            ImportFile.archive_id == self._archive, ImportFile.path == path, ImportFile.case_id == case_id
        )
        with self._store.reading() as session:
            return session.exec(query).first() == Outcome.ADDED

    def _patient(self, code: str | None, is_dicom: bool) -> str:
        if not code:
            return ""
        return code if self._options.keep_patient_codes and not is_dicom else self._pseudonyms.patient(code)

    def _bare(self, number: int, file: tuple[str, bytes], identity: Identity, found: Found) -> tuple[str, bytes]:
        """What is kept of a file, under a name that says only what reading goes by."""
        name, data = file
        patient = self._pseudonyms.patient(found.patient or "")
        return hinted_name(number, name, data), bare(data, identity, self._pseudonyms.code, patient)

    def _keep(self, file: tuple[str, bytes], role: FileRole) -> tuple[str, str, int, FileRole]:
        return file[0], self._store.put_image(file[1]), len(file[1]), role


def _identity(found: Found, files: Iterable[bytes]) -> Identity:
    """What a case's files and its row of the sheet say about the patient and the physicians."""
    identity = Identity()
    identity.know(found.patient, found.reader)
    for data in files:
        if sniff(data) is Format.DICOM:
            header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, force=True)
            identity.learn(header)
    return identity


def _check_same(given: Study, kept: Study) -> None:
    """Refuse a case whose kept files are not read as the given ones are.

    Raises:
        UnreadableFileError: they are not: something that reading needs was lost.
    """

    def facts(study: Study) -> list[tuple[object, ...]]:
        return sorted(
            (content_key(s.pixels, s.spacing), s.unit, s.modality, s.projection, s.low_is_bright, s.plane is None)
            for s in study.series
        )

    if facts(given) != facts(kept):
        raise UnreadableFileError(
            "Without what may name the patient its images are read otherwise, so they are not kept.",
            "Convert the series to NIfTI or export it again from its archive.",
        )


def _ordered(files: list[tuple[str, bytes]], *, joined: bool) -> list[tuple[str, bytes]]:
    """Pictures of one scan under names that keep their order, in one folder, so that they are read as a stack."""
    if not joined or sniff(files[0][1]) is Format.DICOM:
        return files
    return [(f"{number:04d}-{PurePosixPath(name).name}", data) for number, (name, data) in enumerate(files, 1)]


def _series_for(study: Study, known: str | None) -> tuple[int, str | None]:
    """Series to read and the system that reads it: the user's, or the one that fits."""
    if known is None:
        found = match(study)
        return found.series_index, found.system
    declared = system(known)
    for index, series in enumerate(study.series):
        if accepts(declared, adapt(series, declared)) is None:
            return index, known
    raise ArchiveError(
        accepts(declared, adapt(study.series[0], declared)) or f"{declared.title} cannot read it.",
        "Import it with the system that reads it, or let the system be matched case by case.",
    )
