"""Archives: made, imported into, scored; their worklists and reports as the caller may see them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from core.errors import NotFoundError
from core.reports.archive import archive_csv, discrepancy_csv
from core.reports.from_store import archive_report
from core.reports.pdf import archive_pdf
from core.review import Action, Mode, RunState, Scope, Store
from core.review.archives import (
    ImportOptions,
    Installed,
    Layout,
    WorklistRow,
    begin_import,
    begin_scoring,
    installed,
    progress,
    stage_upload,
    worklist,
)
from core.review.tables import Archive, ImportRun, ScoreRun
from core.systems import SYSTEMS
from dashboard.service import uploads
from dashboard.service.callers import Caller, Needs
from dashboard.service.forms import (
    AnswerForm,
    ArchiveForm,
    CaseForm,
    NewArchiveForm,
    RunForm,
    ScoreForm,
    WorklistForm,
)
from dashboard.service.shared import Shared

router = APIRouter(prefix="/archives", tags=["archives"])
Views = Annotated[Caller, Depends(Needs(Scope.ARCHIVES, Action.VIEW))]
Lists = Annotated[Caller, Depends(Needs(Scope.ARCHIVES, Action.VIEW, answers=True))]
Reports = Annotated[Caller, Depends(Needs(Scope.ARCHIVES, Action.REPORT, answers=True))]
Imports = Annotated[Caller, Depends(Needs(Scope.IMPORT, Action.IMPORT))]
Scores = Annotated[Caller, Depends(Needs(Scope.IMPORT, Action.SCORE))]
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
OfSystem = Annotated[str, Query(max_length=60)]
MEDIA = {"pdf": "application/pdf", "csv": "text/csv", "discrepancies": "text/csv"}


@router.get("")
def archives(request: Request, who: Views) -> list[ArchiveForm]:
    """All archives, newest first."""
    store = request.app.state.shared.store()
    return [_archive(store, one) for one in store.archives()]


@router.post("", status_code=201)
def make(new: NewArchiveForm, request: Request, who: Imports) -> ArchiveForm:
    """Make an empty archive."""
    store = request.app.state.shared.store()
    return _archive(store, store.add_archive(who.number, new.name, new.note, new.mode))


@router.get("/{archive}")
def one_archive(archive: Id, request: Request, who: Views) -> ArchiveForm:
    """One archive."""
    store = request.app.state.shared.store()
    return _archive(store, store.archive(archive))


_IMPORT = uploads.schema("files", several=True, system={"type": "string"}, join={"type": "boolean"})


@router.post("/{archive}/imports", status_code=202, openapi_extra=_IMPORT)
async def bring_in(archive: Id, request: Request, who: Imports) -> RunForm:
    """Import a zip, or scans with a sheet (CSV), in the background.

    ``system`` names what reads them (by default each case is matched); ``join`` makes one scan of a patient's slices.
    """
    shared: Shared = request.app.state.shared
    with shared.uploads.one(who.number):
        files, texts = await uploads.form(request, "files")
        return await run_in_threadpool(_brought, shared, who, archive, files, texts)


def _brought(
    shared: Shared, who: Caller, archive: int, files: list[tuple[str, bytes]], texts: dict[str, str]
) -> RunForm:
    store = shared.store()
    store.archive(archive)
    system = texts.get("system") or None
    if system is not None:
        _known(system)
    options = ImportOptions(system, Layout(join=texts.get("join", "").lower() in ("true", "1")))
    source = stage_upload(store.images_folder, files)
    return _run(store, begin_import(store, who.number, archive, source, options))


@router.post("/{archive}/scorings", status_code=202)
def score(archive: Id, asked: ScoreForm, request: Request, who: Scores) -> RunForm:
    """Have the installed models of a system score the cases that they have not answered, in the background."""
    shared: Shared = request.app.state.shared
    store = shared.store()
    store.archive(archive)
    return _run(store, begin_scoring(store, shared.engine(), who.number, archive, _known(asked.system)))


@router.get("/{archive}/runs")
def runs(archive: Id, request: Request, who: Views) -> list[RunForm]:
    """Imports and scorings, and how far they are."""
    store = request.app.state.shared.store()
    store.archive(archive)
    found: list[ImportRun | ScoreRun] = [*store.runs(ImportRun, archive), *store.runs(ScoreRun, archive)]
    return [_run(store, one) for one in found]


@router.get("/{archive}/worklist")
def listed(
    archive: Id,
    system: OfSystem,
    request: Request,
    who: Lists,
    first: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    most: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> WorklistForm:
    """Cases of a system in the order they should be read; those that wait for your own opinion tell nothing else."""
    shared: Shared = request.app.state.shared
    found = worklist(shared.store(), archive, _installed(shared, system), who.number)
    return WorklistForm(
        archive=archive,
        system=system,
        hidden=found.hidden,
        stale=found.stale,
        unscored=found.unscored,
        pedigree=found.pedigree,
        total=len(found.rows),
        cases=[case_form(archive, row) for row in found.rows[first : first + most]],
    )


@router.get(
    "/{archive}/report.{kind}",
    response_class=Response,
    responses={200: {"content": {media: {} for media in MEDIA.values()}}},
)
def report(
    archive: Id,
    kind: Annotated[str, Path(pattern="^(pdf|csv|discrepancies)$")],
    system: OfSystem,
    request: Request,
    who: Reports,
) -> Response:
    """The archive's report as PDF, all its cases as CSV, or the list of discrepancies as CSV."""
    shared: Shared = request.app.state.shared
    draw = {"pdf": archive_pdf, "csv": archive_csv, "discrepancies": discrepancy_csv}[kind]
    with shared.costly.one(who.number):
        made = draw(archive_report(shared.store(), archive, _installed(shared, system), who.number))
    return Response(made, media_type=MEDIA[kind])


def _known(system: str) -> str:
    if system not in SYSTEMS:
        raise NotFoundError("There is no such system.", f"Known: {', '.join(SYSTEMS)}.")
    return system


def _installed(shared: Shared, system: str) -> Installed:
    return installed(shared.engine(), _known(system))


def _archive(store: Store, one: Archive) -> ArchiveForm:
    return ArchiveForm(
        id=one.id or 0,
        name=one.name,
        note=one.note,
        mode=Mode(one.mode),
        created=one.created,
        cases=len(store.cases(one.id or 0)),
    )


def _run(store: Store, run: ImportRun | ScoreRun) -> RunForm:
    far = progress(store, run)
    return RunForm(
        id=run.id or 0,
        kind="import" if isinstance(run, ImportRun) else "scoring",
        state=RunState(far.state),
        interrupted=far.interrupted,
        done=far.done,
        failed=far.failed,
        total=far.total,
        message=far.message,
    )


def case_form(archive: int, row: WorklistRow) -> CaseForm:
    """A case for the wire, as the worklist tells it."""
    return CaseForm(
        id=row.case_id,
        archive=archive,
        system=row.system,
        state=row.state,
        date=row.date,
        slices=row.slices,
        simulated=row.simulated,
        hidden=row.hidden,
        source=row.source,
        patient=row.patient,
        recorded_finding=row.recorded_finding,
        recorded_label=row.recorded_label,
        recorded_text=row.recorded_text,
        rank=row.rank,
        probability=row.probability,
        reason=row.reason,
        against=row.against,
        finding=row.finding,
        decided=row.decided,
        split=row.split,
        answers=[
            AnswerForm(
                model=a.model,
                title=a.title,
                version=a.version,
                finding=a.finding,
                positive=a.positive,
                threshold=a.threshold,
                error=a.error,
            )
            for a in (*row.answers, *row.beside)
        ],
        stopped=list(row.stopped),
    )
