"""Reviews: asked for in the background, and followed while they are made. No answer of a model leaves here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import StreamingResponse

from core.errors import NotFoundError, SystemMismatchError
from core.review import Action, Scope
from core.systems import SYSTEMS
from dashboard.kit.routes import ANY_ROLE
from dashboard.service import answers
from dashboard.service.callers import Caller, Needs, still
from dashboard.service.forms import AskForm, OverruleForm, ReviewForm, ReviewState
from dashboard.service.kept import KeptReview
from dashboard.service.routers.studies import place
from dashboard.service.shared import Shared
from dashboard.service.stream import Stream

router = APIRouter(tags=["reviews"])
ASKS = Needs(Scope.STUDIES, *ANY_ROLE)
Asks = Annotated[Caller, Depends(ASKS)]
Begins = Annotated[Caller, Depends(Needs(Scope.STUDIES, *ANY_ROLE, answers=True))]
Overrules = Annotated[Caller, Depends(Needs(Scope.STUDIES, Action.OVERRULE, answers=True))]
Name = Annotated[str, Path(max_length=80)]
POLL_SECONDS = 0.2
BEAT_SECONDS = 15.0
CHECK_SECONDS = 3.0


@router.post("/studies/{study}/reviews", status_code=202)
def begin(study: str, asked: AskForm, request: Request, who: Begins) -> ReviewForm:
    """Ask every model of a system about every slice of a series. Asked again, the same review comes back."""
    shared: Shared = request.app.state.shared
    kept = shared.kept.study(who.number, study)
    answers.need_released(shared.store(), who, kept)
    system = asked.system or kept.system
    if system is None:
        raise SystemMismatchError("No system reads this kind of image.", "Name a system, or send another image.")
    if system not in SYSTEMS:
        raise NotFoundError("There is no such system.", f"Known: {', '.join(SYSTEMS)}.")
    series = kept.series_index if asked.series is None else asked.series
    place(kept, series, 0)
    return form(shared.kept.begin(kept, system, series, shared.engine()))


@router.get("/reviews/{review}")
def state(review: Name, request: Request, who: Asks) -> ReviewForm:
    """How far a review is."""
    shared: Shared = request.app.state.shared
    return form(shared.kept.review(who.number, review))


@router.delete("/reviews/{review}", status_code=204)
def stop(review: Name, request: Request, who: Asks) -> None:
    """Stop a review after the step at hand."""
    shared: Shared = request.app.state.shared
    shared.kept.review(who.number, review).job.stop()


@router.get(
    "/reviews/{review}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def events(review: Name, request: Request, who: Asks) -> StreamingResponse:
    """The same as a stream of server-sent events: ``progress``, and at the end ``done``, ``stopped`` or ``failed``.

    It ends without one of these when the token is revoked meanwhile.
    """
    shared: Shared = request.app.state.shared
    found = shared.kept.review(who.number, review)
    shared.streams.take(who.number)
    return Stream(_told(found, partial(still, request, ASKS)), partial(shared.streams.leave, who.number))


async def _told(found: KeptReview, let_in: Callable[[], Awaitable[bool]]) -> AsyncIterator[str]:
    said, quiet, checked = "", 0.0, 0.0
    while True:
        if checked >= CHECK_SECONDS:
            if not await let_in():
                return
            checked = 0.0
        now = form(found)
        line = now.model_dump_json()
        if now.state is not ReviewState.RUNNING:
            yield f"event: {now.state}\ndata: {line}\n\n"
            return
        if line != said:
            said, quiet = line, 0.0
            yield f"event: progress\ndata: {line}\n\n"
        elif quiet >= BEAT_SECONDS:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(POLL_SECONDS)
        quiet += POLL_SECONDS
        checked += POLL_SECONDS


@router.post("/reviews/{review}/overrule", status_code=204)
def overrule(review: Name, why: OverruleForm, request: Request, who: Overrules) -> None:
    """Have the answers although the wrong-image gate stopped the image. It is recorded with your number."""
    shared: Shared = request.app.state.shared
    found, told = answers.finished(shared, who, review)
    gate = told.gate
    if gate is None or not gate.stopped:
        raise NotFoundError("The gate has not stopped this image.", "There is nothing to overrule.")
    version = f" (router version {gate.version})" if gate.version else " (rules only)"
    shared.store().overrule(
        who.number,
        content_hash=found.kept.study.sha256,
        system=found.system,
        gate="; ".join(flag.text for flag in gate.reasons) + version,
        gate_score=gate.strange,
        case_id=found.kept.record,
        reason=why.reason,
    )
    found.kept.overruled.add(found.key)


def form(found: KeptReview) -> ReviewForm:
    """A review for the wire: how far it is, nothing that a model says."""
    job = found.job
    running = job.running
    if running:
        state = ReviewState.RUNNING
    elif job.error is not None:
        state = ReviewState.FAILED
    else:
        state = ReviewState.DONE if job.result is not None else ReviewState.STOPPED
    return ReviewForm(
        id=found.id,
        study=found.kept.id,
        system=found.system,
        series=found.series_index,
        state=state,
        model=job.text if running else "",
        fraction=job.fraction if running else float(state is ReviewState.DONE),
        error=str(job.error or ""),
    )
