"""What the models said: numbers, masks, heat maps, reports and DICOM objects of a review that is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from core.errors import ModelUnavailableError, NotFoundError, ReportError
from core.imaging import render
from core.reports.build import record_of
from core.reports.dicom import dicom_objects, dicom_zip, find_source
from core.reports.files import case_csv, case_json
from core.reports.pdf import case_pdf
from core.reports.record import CaseRecord
from core.review import Scope
from dashboard.kit.routes import ANY_ROLE
from dashboard.service import answers
from dashboard.service.callers import Caller, Needs
from dashboard.service.routers.studies import PNG, place
from dashboard.service.shared import Shared

Hears = Annotated[Caller, Depends(Needs(Scope.STUDIES, *ANY_ROLE, answers=True))]
Name = Annotated[str, Path(max_length=80)]
Index = Annotated[int, Path(ge=0, le=100_000)]
Shown = Annotated[
    int | None, Query(ge=0, le=100_000, alias="slice", description="Slice to show beside the most suspicious one.")
]


def _answering(review: Name, request: Request, who: Hears) -> Iterator[None]:
    """The study stays until the answer is made: a report may take longer than a study is kept for its next use."""
    shared: Shared = request.app.state.shared
    with shared.kept.answering(shared.kept.review(who.number, review).kept):
        yield


router = APIRouter(prefix="/reviews/{review}", tags=["results"], dependencies=[Depends(_answering)])
MEDIA = {"pdf": "application/pdf", "json": "application/json", "csv": "text/csv"}


@router.get("/result")
def result(review: Name, request: Request, who: Hears, shown: Shown = None) -> CaseRecord:
    """Everything the models say: probabilities of every slice, votes, ensemble, masks in numbers, cards, warnings.

    The form is that of the JSON report (docs/schema/review-record.schema.json), without heat maps.
    """
    return record_of(answers.report(request.app.state.shared, who, review, shown, maps=False))


@router.get("/models/{model}/slices/{index}/mask", response_class=Response, responses=PNG)
def mask(review: Name, model: Name, index: Index, request: Request, who: Hears) -> Response:
    """A model's mask of a slice on the image's own grid: PNG, 255 where it outlines."""
    shared: Shared = request.app.state.shared
    found, told = answers.finished(shared, who, review)
    place(found.kept, found.series_index, index)
    one = next((r for r in answers.spoken(told).ready if r.state.name == model), None)
    if one is None or one.mask is None:
        raise NotFoundError("This model drew no mask.", "The result lists the models that did.")
    return Response(render.png(one.mask[index].astype(np.uint8) * 255), media_type="image/png")


@router.get("/models/{model}/slices/{index}/heat-map", response_class=Response, responses=PNG)
def heat_map(
    review: Name,
    model: Name,
    index: Index,
    request: Request,
    who: Hears,
    target: Annotated[str | None, Query(max_length=60, description="Class; by default the finding.")] = None,
    method: Annotated[str | None, Query(max_length=40, description="By default the one that passed its test.")] = None,
) -> Response:
    """Where a model looked on a slice, on the image's own grid: PNG, by the brightness that every surface draws."""
    shared: Shared = request.app.state.shared
    found, told = answers.finished(shared, who, review)
    place(found.kept, found.series_index, index)
    one = next((r for r in answers.spoken(told).ready if r.state.name == model), None)
    if one is None:
        raise NotFoundError("This model did not answer.", "The result lists the models that did.")
    with shared.costly.one(who.number):
        heat = answers.heat_map(shared, found, one, index, target, method)
    if heat.values is None:
        raise ModelUnavailableError(heat.error or "There is no such map.", "Choose another method or class.")
    shown = heat.values * 0 if heat.drawn is None else heat.drawn
    heads = {"X-Heat-Map-Peak": repr(float(heat.peak)), "X-Heat-Map-Method": heat.method}
    return Response(render.png(np.round(shown * 255).astype(np.uint8)), media_type="image/png", headers=heads)


@router.get(
    "/report.{kind}",
    response_class=Response,
    responses={200: {"content": {media: {} for media in MEDIA.values()}}},
)
def report(
    review: Name,
    kind: Annotated[str, Path(pattern="^(pdf|json|csv)$")],
    request: Request,
    who: Hears,
    shown: Shown = None,
) -> Response:
    """The report of a series as PDF, JSON or CSV, with the heat maps of the slices that it shows large."""
    shared: Shared = request.app.state.shared
    make = {"pdf": case_pdf, "json": case_json, "csv": case_csv}[kind]
    with shared.costly.one(who.number):
        return Response(make(answers.report(shared, who, review, shown, maps=True)), media_type=MEDIA[kind])


@router.get("/dicom.zip", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def dicom(
    review: Name,
    request: Request,
    who: Hears,
    shown: Shown = None,
    probabilities: Annotated[bool, Query(description="Parametric Maps of the masks' probabilities too.")] = False,
) -> Response:
    """Segmentations, structured reports and secondary captures of a DICOM study. They name the patient as it does."""
    shared: Shared = request.app.state.shared
    found, told = answers.finished(shared, who, review)
    answers.spoken(told)
    if not found.kept.originals:
        raise ReportError("DICOM objects are made of DICOM images only.", "Send the DICOM files.")
    with shared.costly.one(who.number):
        made = answers.report(shared, who, review, shown, maps=True)
        source = find_source(found.kept.originals, made.series)
        return Response(
            dicom_zip(dicom_objects(made, source, probabilities=probabilities)), media_type="application/zip"
        )
