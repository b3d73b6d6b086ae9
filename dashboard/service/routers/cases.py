"""Cases of the store: what the caller may know of one, its images, and opinions on it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from core.errors import NotFoundError
from core.review import Action, Scope, Stage
from core.review.archives import installed, worklist
from core.review.opened import opened
from core.review.tables import Opinion
from core.review.vocabulary import now
from core.systems import SYSTEMS
from dashboard.service.callers import Caller, Needs
from dashboard.service.forms import CaseForm, MeasuredForm, MeasurementForm, NewOpinionForm, OpinionForm, StudyForm
from dashboard.service.kept import KeptStudy
from dashboard.service.routers import studies
from dashboard.service.routers.archives import case_form
from dashboard.service.shared import Shared

router = APIRouter(prefix="/cases", tags=["cases"])
Views = Annotated[Caller, Depends(Needs(Scope.ARCHIVES, Action.VIEW))]
Hears = Annotated[Caller, Depends(Needs(Scope.ARCHIVES, Action.VIEW, answers=True))]
Reads = Annotated[Caller, Depends(Needs(Scope.OPINIONS, Action.READ))]
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/{case}")
def one_case(case: Id, request: Request, who: Hears) -> CaseForm:
    """One case, with the models' answers once they are released to you."""
    shared: Shared = request.app.state.shared
    store = shared.store()
    record = store.case(case)
    if record.system not in SYSTEMS:
        raise NotFoundError("No system reads this case.", "Import it for a system.")
    rows = worklist(store, record.archive_id, installed(shared.engine(), record.system), who.number).rows
    return case_form(record.archive_id, next(row for row in rows if row.case_id == case))


@router.post("/{case}/study", status_code=201)
def open_case(case: Id, request: Request, who: Views) -> StudyForm:
    """Open a case's images, to look at and to be reviewed: without reference masks and results of algorithms."""
    shared: Shared = request.app.state.shared
    store = shared.store()
    record = store.case(case)
    found = opened(store, record, partial(shared.kept.drop_oldest, who.number))
    kept = KeptStudy(
        who.number, found.study, found.match, found.system, found.series_index, found.originals, record=case
    )
    if case in store.overruled(record.archive_id, who.number):
        kept.overruled.add((record.system or "", found.series_index))
    return studies.form(shared.kept.add(kept))


@router.get("/{case}/opinions")
def opinions(case: Id, request: Request, who: Hears) -> list[OpinionForm]:
    """Locked opinions: your own, and those of others once the models' answers are released to you."""
    store = request.app.state.shared.store()
    return [_opinion(one) for one in store.opinions(case, who.number)]


@router.get("/{case}/measurements")
def measurements(case: Id, request: Request, who: Hears) -> list[MeasuredForm]:
    """What was measured in a case: by you, and by others once you may see the opinions that it belongs to."""
    store = request.app.state.shared.store()
    others = store.measured_by_others(case, who.number)
    return [
        MeasuredForm(case=case, reader=reader, series=series, measurements=[MeasurementForm(**one) for one in measured])
        for reader, found in ({who.number: store.measurements(case, who.number)} | others).items()
        for series, measured in found.items()
    ]


@router.post("/{case}/opinions", status_code=201)
def lock(case: Id, new: NewOpinionForm, request: Request, who: Reads) -> OpinionForm:
    """Lock an opinion for good. A blind one releases the models' answers to you."""
    store = request.app.state.shared.store()
    classes = SYSTEMS[system].classes_of(new.finding) if (system := store.case(case).system) in SYSTEMS else ()
    if new.label is not None and new.label not in classes:
        raise NotFoundError(
            "The case's system has no such class for this answer.", f"It has: {', '.join(classes) or 'none'}."
        )
    made = store.lock_opinion(
        case,
        who.number,
        Stage(new.stage),
        finding=new.finding,
        label=new.label,
        confidence=new.confidence,
        marks=[mark.plain() for mark in new.marks],
        comment=new.comment,
        started=now() - timedelta(seconds=new.seconds),
        seconds=new.seconds,
    )
    return _opinion(made)


def _opinion(one: Opinion) -> OpinionForm:
    return OpinionForm(
        case=one.case_id,
        reader=one.reader,
        stage=Stage(one.stage),
        finding=one.finding,
        label=one.label,
        confidence=one.confidence,
        seconds=one.seconds,
        locked_at=one.locked_at,
        comment=one.comment,
        marks=one.marks,
    )
