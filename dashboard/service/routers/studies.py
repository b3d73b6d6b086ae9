"""Studies: given, listed, looked at, let go."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from core import imaging
from core.errors import NotFoundError
from core.imaging import render
from core.imaging.study import Series, SourceKind, Window
from core.memory import GiveWay
from core.preprocessing import windows
from core.review import Scope
from dashboard.kit.routes import ANY_ROLE
from dashboard.service import uploads
from dashboard.service.callers import Caller, Needs
from dashboard.service.forms import SeriesForm, StudyForm
from dashboard.service.kept import KeptStudy
from dashboard.service.shared import Shared

router = APIRouter(prefix="/studies", tags=["studies"])
Gives = Annotated[Caller, Depends(Needs(Scope.STUDIES, *ANY_ROLE))]
Number = Annotated[int, Path(ge=0, le=100_000)]
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}
MOST_SIDE = 2048


@router.post("", status_code=201, openapi_extra=uploads.schema("files", several=True))
async def give(request: Request, who: Gives) -> StudyForm:
    """Give images: PNG, JPEG, TIFF, DICOM, NIfTI, or zips of those. They are de-identified and stay in memory only."""
    shared: Shared = request.app.state.shared
    with shared.uploads.one(who.number):
        files, _ = await uploads.form(request, "files", _own_first(shared, who))
        return await run_in_threadpool(_taken, shared, who, files)


def _taken(shared: Shared, who: Caller, files: list[tuple[str, bytes]]) -> StudyForm:
    return form(shared.kept.add(read(shared, who, files)))


def _own_first(shared: Shared, who: Caller) -> GiveWay:
    return partial(shared.kept.drop_oldest, who.number)


def read(shared: Shared, who: Caller, files: list[tuple[str, bytes]]) -> KeptStudy:
    """An upload, read; kept nowhere yet."""
    study = imaging.read(files, give_way=_own_first(shared, who))
    match = shared.engine().match(study)
    kept = tuple(files) if study.source is SourceKind.DICOM else ()
    return KeptStudy(who.number, study, match, match.system, match.series_index, kept)


@router.get("")
def studies(request: Request, who: Gives) -> list[StudyForm]:
    """Your studies, the latest first. They are let go after a while without use."""
    shared: Shared = request.app.state.shared
    return [form(kept) for kept in shared.kept.of(who.number)]


@router.get("/{study}")
def one_study(study: str, request: Request, who: Gives) -> StudyForm:
    """One study with its series."""
    shared: Shared = request.app.state.shared
    return form(shared.kept.study(who.number, study))


@router.delete("/{study}", status_code=204)
def drop(study: str, request: Request, who: Gives) -> None:
    """Let a study go now; its reviews stop."""
    shared: Shared = request.app.state.shared
    shared.kept.drop(who.number, study)


@router.get("/{study}/series/{series}/slices/{index}", response_class=Response, responses=PNG)
def picture(
    study: str,
    series: Number,
    index: Number,
    request: Request,
    who: Gives,
    window: Annotated[str | None, Query(max_length=60, description="Name of one of the series' windows.")] = None,
    centre: Annotated[float | None, Query(ge=-1e9, le=1e9)] = None,
    width: Annotated[float | None, Query(gt=1e-9, le=1e9)] = None,
    side: Annotated[int, Query(ge=16, le=MOST_SIDE, description="Pixels of the longer side.")] = render.SIDE,
) -> Response:
    """A slice as a picture (PNG), by a window's name or by centre and width in the series' unit."""
    shared: Shared = request.app.state.shared
    one, at = place(shared.kept.study(who.number, study), series, index)
    shown = Window(centre, width) if centre is not None and width is not None else _named(one, window)
    grey = windows.to_display(one.pixels[at], shown, invert=windows.shown_inverted(one))
    return Response(render.png(render.picture(grey, render.display_size(one, side))), media_type="image/png")


def place(kept: KeptStudy, series: int, index: int) -> tuple[Series, int]:
    """A series and a slice of it. Raises ``NotFoundError``."""
    if series >= len(kept.study.series):
        raise NotFoundError("There is no such series.", "The study lists its series.")
    one = kept.study.series[series]
    if index >= one.slices:
        raise NotFoundError("There is no such slice.", f"Slices are numbered from 0 to {one.slices - 1}.")
    return one, index


def _named(one: Series, name: str | None) -> Window:
    offered = windows.presets(one)
    if name is None:
        return offered[0]
    found = next((window for window in offered if window.name == name), None)
    if found is None:
        raise NotFoundError("The series has no such window.", f"It has: {', '.join(w.name for w in offered)}.")
    return found


def form(kept: KeptStudy) -> StudyForm:
    """A study for the wire."""
    study = kept.study
    return StudyForm(
        id=kept.id,
        name=study.name,
        sha256=study.sha256,
        source=study.source,
        simulated=study.simulated,
        case=kept.record,
        system=kept.system,
        reason=kept.match.reason,
        series_number=kept.series_index,
        series=[_series(number, one) for number, one in enumerate(study.series)],
        problems=[f"{p.name}: {p.reason} {p.remedy}".strip() for p in study.problems],
        dropped_tags=list(study.dropped_tags),
    )


def _series(number: int, one: Series) -> SeriesForm:
    return SeriesForm(
        number=number,
        key=one.key,
        description=one.description,
        modality=one.modality,
        unit=one.unit,
        slices=one.slices,
        rows=one.shape[0],
        columns=one.shape[1],
        spacing_mm=one.spacing,
        projection=one.projection,
        windows=[window.name for window in windows.presets(one)],
        notes=list(one.notes),
    )
