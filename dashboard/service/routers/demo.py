"""The published chest-CT demo's three end points, with its fields: what was written for it goes on working.

One picture, one answer: the ensemble's, at its own threshold, or that of the one model that votes. The wrong-image gate
and the rules of reading blind hold here too; then, and for anything else that is no answer, ``error`` says why.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool

from core.engine.results import Decision, ModelState, Review
from core.errors import ModelUnavailableError
from core.imaging.deidentify import Identity
from core.review import Scope
from dashboard.kit.routes import ANY_ROLE
from dashboard.service import answers, uploads
from dashboard.service.callers import Caller, Needs
from dashboard.service.forms import HealthForm, LoadedForm, NothingLoadedForm, PredictionForm
from dashboard.service.problems import MalformedError
from dashboard.service.readiness import heard
from dashboard.service.routers import studies
from dashboard.service.shared import DEMO_SYSTEM, Shared

router = APIRouter(tags=["published demo"])
ENDINGS = (".png", ".jpg", ".jpeg")
Asks = Annotated[Caller, Depends(Needs(Scope.STUDIES, *ANY_ROLE, answers=True))]
Looks = Annotated[Caller, Depends(Needs(Scope.MODELS, *ANY_ROLE))]


@router.post("/predict", include_in_schema=False)  # the demo sent this one on to the other
@router.post("/predict/", openapi_extra=uploads.schema("file", several=False))
async def predict(request: Request, who: Asks) -> PredictionForm:
    """Cancer or not on one chest CT picture (PNG or JPEG)."""
    shared: Shared = request.app.state.shared
    with shared.uploads.one(who.number), shared.costly.one(who.number):
        files, _ = await uploads.form(request, "file")
        return await run_in_threadpool(_predicted, shared, who, files[:1])


def _predicted(shared: Shared, who: Caller, files: list[tuple[str, bytes]]) -> PredictionForm:
    name = files[0][0]
    if not name.lower().endswith(ENDINGS):
        raise MalformedError("Only PNG and JPEG pictures are taken here.", "Send other formats to /api/v1/studies.")
    kept = studies.read(shared, who, files)
    answers.need_released(shared.store(), who, kept)
    review = answers.spoken(shared.engine().review(kept.study, DEMO_SYSTEM).shown(overruled=False))
    probability, decision, threshold, model = _said(review)
    return PredictionForm(
        filename=Identity().file_name(PurePosixPath(name).name, 1),
        diagnosis="Cancer" if decision is Decision.FINDING else "Normal",
        cancer_probability=probability,
        confidence=max(probability, 1 - probability),
        threshold_used=threshold,
        model_type=model,
    )


def _said(review: Review) -> tuple[float, Decision, float, str]:
    """Probability, decision, threshold, and whose they are."""
    joint = review.ensemble
    if joint is not None and (together := joint.decision(review.peak)) is not None:
        model = "ensemble of " + " + ".join(joint.ensemble.members)
        return float(joint.finding[review.peak]), together, joint.ensemble.threshold.value, model
    for one in review.voting:
        decision = one.decision(review.peak)
        if decision is not None and one.finding is not None and one.threshold is not None:
            return float(one.finding[review.peak]), decision, one.threshold, one.state.name
    raise ModelUnavailableError("No model answered.", "Install the chest-CT models, or send a CT picture.")


@router.get("/model-info")
def model_info(request: Request, who: Looks) -> LoadedForm | NothingLoadedForm:
    """Which models answer, and at which threshold the first of them decides."""
    shared: Shared = request.app.state.shared
    ready = heard(shared.engine().states(DEMO_SYSTEM))
    if not ready or ready[0].card is None:
        return NothingLoadedForm(status="No model loaded")
    return LoadedForm(model_loaded=True, model_type=_names(ready), threshold=ready[0].card.threshold.value)


@router.get("/health")
async def health(request: Request) -> HealthForm:
    """Whether the server answers. Takes no token.

    A server that is busy answers at once too; while models are loaded or checked, those of the last check are told.
    """
    shared: Shared = request.app.state.shared
    ready = await shared.readiness.ready()
    return HealthForm(status="healthy", model_loaded=bool(ready), model_type=_names(ready))


def _names(ready: tuple[ModelState, ...]) -> str:
    return " + ".join(s.name for s in ready)
