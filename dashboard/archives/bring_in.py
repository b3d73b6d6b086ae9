"""Bring cases in: an upload or a folder on the server, looked at first, then imported in the background."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import streamlit as st

from core.imaging.deidentify import Identity
from core.imaging.folder import inside
from core.review import Store
from core.review.archives import (
    Column,
    ImportOptions,
    Layout,
    begin_import,
    guess_columns,
    headers,
    import_roots,
    join_slices,
    locate,
    permitted,
    stage_upload,
    survey,
    untold,
)
from core.systems import SYSTEMS
from dashboard.kit import messages, words

LABELS = {
    Column.FILE: "File",
    Column.PATIENT: "Patient",
    Column.RECORDED: "Recorded diagnosis",
    Column.READER: "Reader",
    Column.DATE: "Date",
    Column.MASK: "Reference mask",
    Column.SERIES: "Series",
    Column.SLICE: "Slice number",
}
MOST_WORDS = 15
JOINED = (
    "Because models that look at neighbouring slices then have them: of slices imported one by one, 5 to 10 decisions "
    "in 100 change. A scan is recorded with a finding when one of its slices is."
)
NOT_JOINED = (
    "Off, because nothing here says which picture is whose: name the column or the folder of the patient. Slices one "
    "by one miss their neighbours, which changes 5 to 10 decisions in 100."
)


@dataclass(frozen=True)
class Source:
    """What is to be imported: what to call it, where it lies, its sheet, and the sheet's headers.

    Folders and files may be named after patients, so ``said`` is what the importer typed himself, or how many files.
    """

    said: str
    path: Path
    root: Path
    sheet: str | None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What a look at a source found: a summary, rows that cannot be used, recorded words that fit no class.

    ``looked`` is what was looked at, and how it was understood: of anything else it tells nothing.
    """

    looked: tuple[Source, str | None, Layout]
    summary: str
    problems: tuple[str, ...]
    unknown: tuple[str, ...]


def show(store: Store, actor: int, archive: int) -> None:
    """Choose a source; say how it is to be understood; import."""
    key = f"import-source-{archive}"
    _choose(store, actor, key)
    source: Source | None = st.session_state.get(key)
    if source is None:
        return
    st.markdown(f"**{words.plain(source.said)}**" + (f", {told_sheet(source.sheet)}" if source.sheet else ""))
    options = _options(source, key)
    with st.container(horizontal=True, gap="small"):
        if st.button("Look first", icon=":material/search:", help="Counts the cases; nothing is imported."):
            with messages.shown(), st.spinner("Looking at the files"):
                st.session_state[f"{key}-seen"] = _look(source, options)
                st.rerun()
        if st.button("Import", type="primary", icon=":material/download:"):
            with messages.shown():
                begin_import(store, actor, archive, source.path, options)
                for kept in ("", "-seen", "-taken", "-named"):
                    st.session_state.pop(f"{key}{kept}", None)
                st.session_state[f"{key}-done"] = st.session_state.get(f"{key}-done", 0) + 1
                st.rerun()


def _choose(store: Store, actor: int, key: str) -> None:
    number = st.session_state.get(f"{key}-done", 0)  # fields of their own for each: the same folder can come again
    upload, folder = st.tabs(["Upload", "Folder on the server"])
    with upload:
        files = st.file_uploader(
            "A zip, or scans with a sheet (CSV): file, patient, recorded diagnosis, reader, date",
            accept_multiple_files=True,
            key=f"{key}-files-{number}",
        )
        taken = tuple(f.file_id for f in files)
        if not files and st.session_state.pop(f"{key}-taken", ()):
            _take_back(key, typed=False)
        if files and st.session_state.get(f"{key}-taken") != taken:
            with messages.shown(), st.spinner("Unpacking"):
                try:
                    staged = stage_upload(store.images_folder, [(f.name, f.getvalue()) for f in files])
                    st.session_state[key] = _source(store, f"Your upload of {words.count(len(files), 'file')}", staged)
                finally:  # not before: a run that is cut off while the spinner is drawn leaves them to the next
                    st.session_state[f"{key}-taken"] = taken
    with folder:
        roots = import_roots(store.user(actor))
        if not roots:
            st.info(
                "No folder of this server may be imported: whoever runs it names some in OVERREAD_IMPORT_ROOTS. "
                "An upload is always possible.",
                icon=":material/folder_off:",
            )
            return
        path = st.text_input(
            "Folder, zip or CSV on the machine that runs Overread",
            key=f"{key}-path-{number}",
            placeholder=f"{roots[0]}/archive-2024",
            help="Within " + ", ".join(str(root) for root in roots) + " (OVERREAD_IMPORT_ROOTS names the folders).",
        )
        named = path.strip()
        if not named:
            _take_back(key, typed=True)
        if named and st.session_state.get(f"{key}-named") != named:
            st.session_state.pop(key, None)  # what was named before is not this one
            with messages.shown(), st.spinner("Looking for it"):
                st.session_state[key] = _source(store, named, permitted(store, actor, Path(named)))
                st.session_state[f"{key}-named"] = named


def _take_back(key: str, *, typed: bool) -> None:
    """A folder that is named no more, or files that were removed, are not imported either."""
    source: Source | None = st.session_state.get(key)
    named = st.session_state.get(f"{key}-named")
    if typed:
        st.session_state.pop(f"{key}-named", None)
    if source is not None and (source.said == named) is typed:
        del st.session_state[key]


def told_sheet(name: str) -> str:
    """A sheet by its name, where that cannot be somebody's."""
    shown = Identity().may_show(PurePosixPath(name).stem)
    return f"sheet {words.plain(name)}" if shown else "with a sheet"


def _source(store: Store, said: str, path: Path) -> Source:
    root, sheet = locate(path, store.images_folder)
    found = sheet or ("index.csv" if (root / "index.csv").is_file() else None)
    if found is None:
        sheets = sorted(p.name for p in root.glob("*.csv"))
        found = sheets[0] if len(sheets) == 1 else None
    return Source(said, path, root, found, tuple(headers(inside(root, found).read_bytes())) if found else ())


def _options(source: Source, key: str) -> ImportOptions:
    stem = f"{key}-{source.path.name}"
    left, right = st.columns(2, gap="medium")
    with left:
        system = st.selectbox(
            "Read by",
            [None, *SYSTEMS],
            format_func=lambda n: SYSTEMS[n].title if n else "whichever system fits, case by case",
            key=f"{stem}-system",
        )
        team = st.text_input("Reader group of the recorded diagnoses (optional)", key=f"{stem}-team", max_chars=60)
        keep = st.toggle(
            "Patient codes are pseudonyms already",
            key=f"{stem}-keep",
            help="Otherwise they are replaced. Identifiers in DICOM headers are always replaced.",
        )
    with right:
        layout = _sheet(source, stem) if source.headers else _folders(stem)
    told = tells_patients(layout)
    with left:
        join = st.toggle("Join the slices of a patient to one scan", value=told, key=f"{stem}-join-{told}")
        st.caption(JOINED if told else NOT_JOINED)
    layout = replace(layout, join=join)
    options = ImportOptions(system=system, layout=layout, keep_patient_codes=keep, team=team)
    seen = _seen(key, (source, system, layout))
    return _mapped(options, seen.unknown if seen else (), stem)


def tells_patients(layout: Layout) -> bool:
    """Whether a source says which picture is whose: only then may slices be joined without being asked."""
    named = Column.PATIENT in layout.columns or Column.SLICE in layout.columns
    return named or layout.patient_level is not None


def recognised(guessed: Mapping[Column, str]) -> str:
    """Columns that were recognised, in a line."""
    known = [f"{LABELS[column]}: {header}" for column, header in guessed.items() if column in LABELS]
    return "; ".join(known) or "none"


def _sheet(source: Source, stem: str) -> Layout:
    """The sheet's columns; folded away where the one that names the files was recognised."""
    guessed = guess_columns(list(source.headers))
    offered = [None, *source.headers]
    columns = {}
    st.markdown(f":material/table: **Recognised columns.** {words.plain(recognised(guessed))}")
    with st.expander("Other columns", expanded=Column.FILE not in guessed):
        for column, label in LABELS.items():
            start = guessed.get(column)
            chosen = st.selectbox(
                f"Column: {label}",
                offered,
                index=offered.index(start) if start in offered else 0,
                format_func=lambda n: n or "none",
                key=f"{stem}-{column}",
            )
            if chosen:
                columns[column] = chosen
        date_format = st.text_input(
            "Date format, if it is not 2024-05-31", key=f"{stem}-date-format", placeholder="%d.%m.%Y"
        )
    return Layout(sheet=source.sheet, columns=columns, date_format=date_format.strip() or None)


def _folders(stem: str) -> Layout:
    levels = [None, 0, 1, 2, 3]
    patient = st.selectbox("Folder that names the patient", levels, format_func=_level, key=f"{stem}-patient")
    recorded = st.selectbox("Folder that names the diagnosis", levels, format_func=_level, key=f"{stem}-recorded")
    return Layout(sheet="", patient_level=patient, recorded_level=recorded)


def _level(number: int | None) -> str:
    return "none" if number is None else ("the outermost" if number == 0 else f"{number} further in")


def _mapped(options: ImportOptions, unknown: tuple[str, ...], stem: str) -> ImportOptions:
    """Recorded words that fit no class, to be told by the user."""
    if options.system is None or not unknown:
        return options
    st.markdown("**Recorded words that fit no class**")
    classes = [None, *SYSTEMS[options.system].classes]
    mapping = {}
    for text in unknown:
        meant = st.selectbox(
            words.plain(text), classes, format_func=lambda n: n or "leave without a class", key=f"{stem}-means-{text}"
        )
        if meant:
            mapping[text] = meant
    return replace(options, mapping=mapping)


def _look(source: Source, options: ImportOptions) -> Seen:
    found = survey(source.root, options.layout)
    recorded = [case.recorded for case in found.cases if case.recorded]
    strange = untold(recorded, options.system) if options.system else []  # whatever was said of them: it can be changed
    cases = join_slices(found.cases) if options.layout.join else found.cases
    return Seen(
        (source, options.system, options.layout),
        f"{words.count(len(cases), 'case')}, {sum(bool(case.recorded) for case in cases):,} with a recorded diagnosis"
        f"{'' if options.system else ', which counts where it fits a class of the system that reads the case'}; "
        f"{words.count(found.aside, 'file')} left aside; {words.count(len(found.problems), 'row')} of no use.",
        tuple(f"Row {p.row}: {p.text} {p.remedy}".strip() for p in found.problems[:10]),
        tuple(one.text for one in strange[:MOST_WORDS]),
    )


def _seen(key: str, now: tuple[Source, str | None, Layout]) -> Seen | None:
    seen: Seen | None = st.session_state.get(f"{key}-seen")
    if seen is None or seen.looked != now:
        return None
    st.success(seen.summary, icon=":material/search:")
    for line in seen.problems:
        st.text(line)
    return seen
