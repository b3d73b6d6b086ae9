"""Where studies come from: files dropped on the page, built-in simulated samples, and what the address names."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from core import imaging, systems
from core.errors import OverreadError
from core.imaging.archive import clean_name
from core.imaging.deidentify import Identity
from core.imaging.study import Study
from core.simulate import samples
from dashboard.kit import address, cases, controls, held, messages, picture, render, slices, who
from dashboard.kit.engine import engine
from dashboard.review import keeping

THUMBNAIL = 160


def received() -> None:
    """Open what was just given to the uploader, before anything is drawn: the same run goes on to its picture."""
    with st.container(key="reading-files"):  # always there, so that nothing below it takes another place
        files = st.session_state.get(_key())
        if files:
            _take([(f.name, f.getvalue()) for f in files])


def upload() -> None:
    """The uploader; :func:`received` opens what it is given."""
    with st.container(key="give"):
        _upload_here()


def _upload_here() -> None:
    given = st.file_uploader(
        "Scan files: DICOM, NIfTI, PNG, JPEG, TIFF, or a zip of them; several at once make one study",
        accept_multiple_files=True,
        key=_key(),
    )
    if given:  # the state did not tell of them when this run began: the next one begins with them
        st.rerun()
    st.caption(
        "Files stay in this computer's memory. Names and other identifying tags are dropped when they are read; "
        "only DICOM objects made for download carry them on, so that they file to the right patient."
    )
    error = st.session_state.get("upload-error")
    if error is not None:
        messages.show(error)


def _key() -> str:
    return f"upload-{st.session_state.setdefault('upload-generation', 0)}"


def from_address() -> None:
    """Open what the address names, once, and again where it was let go meanwhile: a sample, or an upload that is still
    held, at its series and slice."""
    sample, token = st.query_params.get("sample"), st.query_params.get("open")
    wanted = sample or token
    if not wanted or (st.session_state.get("sample-opened") == wanted and cases.current() is not None):
        return
    st.session_state["sample-opened"] = wanted
    st.session_state.pop("upload-error", None)  # it was about another study
    with messages.shown():
        case = _sample(sample) if sample else _upload(str(token))
        if case is None:
            st.session_state.pop("case", None)
            st.query_params.clear()
        else:
            _places(case)


def _sample(name: str) -> cases.OpenCase | None:
    if name not in {known.id for known in samples.list_samples()}:
        st.info("There is no such sample. These are the built-in ones:", icon=":material/help:")
        return None
    study = samples.load_sample(name)
    case = cases.open_case(study, systems.match(study), samples.sample_files(name))
    case.sample = name
    case.measures = st.session_state.setdefault("sample-measures", {}).setdefault(name, case.measures)
    return case


def _upload(token: str) -> cases.OpenCase | None:
    found = keeping.uploads().find(token, who.number())
    if found is None:
        st.info(
            f"This upload is not held any more (it is for {held.MINUTES} minutes, for the one who opened it). "
            "Upload it again, or open a sample.",
            icon=":material/help:",
        )
        return None
    case = cases.open_case(found.study, found.match, found.files)
    case.token, case.measures, case.priors = token, found.measures, found.priors
    return case


def _places(case: cases.OpenCase) -> None:
    """Series, system and slice as the address has them."""
    series = address.number("series", len(case.study.series))
    case.series_index = case.series_index if series is None else series
    system = st.query_params.get("system")
    case.system = system if system in systems.SYSTEMS else case.system
    index = address.number("slice", case.series.slices)
    if index is not None:
        slices.go(case, index)


def keep_address(case: cases.OpenCase) -> None:
    """The address of the case on the screen."""
    st.session_state["sample-opened"] = case.sample or case.token
    several = len(case.study.series) > 1
    address.keep(
        sample=case.sample,
        open=case.token,
        series=case.series_index + 1 if several else None,
        system=case.system if case.overruled else None,
    )


def gallery() -> None:
    """Built-in cases, by system."""
    order = list(systems.SYSTEMS)
    known = sorted(samples.list_samples(), key=lambda s: order.index(s.system))
    for system, group in groupby(known, key=lambda s: s.system):
        st.markdown(f"**{systems.SYSTEMS[system].title}**")
        with st.container(horizontal=True, gap="small"):
            for sample in group:
                with st.container(width=THUMBNAIL):
                    picture.show(thumbnail(sample.id), f"Simulated sample: {sample.title}")
                    st.button(
                        sample.title,
                        key=f"sample-{sample.id}",
                        width="stretch",
                        on_click=choose,
                        args=(sample.id,),
                    )


def choose(sample: str) -> None:
    """Open a sample through the address, so that the page can be shared and reloaded."""
    st.session_state.pop("sample-opened", None)
    st.query_params.from_dict({"sample": sample})


@st.cache_data(max_entries=64, show_spinner=False)
def thumbnail(sample: str) -> str:
    """Small picture of a sample."""
    study = samples.load_sample(sample)
    found = systems.match(study)
    return small(study, found.series_index, system=found.system)


def small(study: Study, series_index: int, side: int = THUMBNAIL, *, system: str | None = None) -> str:
    """Address of a small square picture of a series' middle slice, in the window that the viewer begins with."""
    series = study.series[series_index]
    view = controls.View(controls.offered(series, system)[0], False, controls.NONE, 0.0)
    grey = controls.grey(series, series.slices // 2, view)
    return render.data_url(render.framed(render.picture(grey, render.display_size(series, side)), side))


def told_names(names: list[str]) -> str:
    """The first files of an upload by name; by number where the name may be somebody's."""
    nobody = Identity()  # the files were not read: nothing is known of the patient, so the rule for names decides alone
    told = [nobody.file_name(clean_name(name), number) for number, name in enumerate(names[:3], 1)]
    return ", ".join(told) + (" and more" if len(names) > 3 else "")


def _take(files: list[tuple[str, bytes]]) -> None:
    st.session_state["upload-error"] = None
    try:
        with st.spinner("Reading the files"):
            study = imaging.read(files, give_way=cases.make_room)
            match = engine().match(study)
    except Exception as failure:
        names = told_names([name for name, _ in files])
        error = messages.as_error(failure)
        st.session_state["upload-error"] = OverreadError(f"{names}: {error.message}", error.remedy)
        _emptied()
        return
    case = cases.open_case(study, match, files)
    case.token = keeping.uploads().hold(
        held.Upload(study, match, tuple(files), case.measures, case.priors), who.number()
    )
    _emptied()
    st.query_params.clear()


def _emptied() -> None:
    """Give the uploader a new key: the bytes are let go, and the same file can be dropped again.

    Only once the files are read: a run may be cut off by the next one wherever it draws, and that one must find them.
    """
    st.session_state["upload-generation"] += 1
