"""Systems, models with their cards, and the evidence about them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from core.errors import NotFoundError, OverreadError
from core.evidence import Table, together
from core.evidence.catalogue import TABLES
from core.evidence.tables import Row
from core.review import Scope
from core.statistics import Interval
from core.systems import SYSTEMS
from core.systems.declaration import System
from core.weights.fusion import FUSION, load_fusion
from core.weights.pairs import load_pairs
from core.weights.predictions import Evidence, held
from dashboard.kit.routes import ANY_ROLE
from dashboard.service.callers import Caller, Needs
from dashboard.service.forms import FigureForm, ModelForm, RowForm, SystemForm, TableForm
from dashboard.service.shared import Shared

router = APIRouter(prefix="/systems", tags=["models"])
Looks = Annotated[Caller, Depends(Needs(Scope.MODELS, *ANY_ROLE))]
Split = Literal["validation", "test"]


@router.get("")
def systems(who: Looks) -> list[SystemForm]:
    """All systems."""
    return [_system(one) for one in SYSTEMS.values()]


@router.get("/{system}")
def one_system(system: str, who: Looks) -> SystemForm:
    """One system."""
    return _system(_declared(system))


@router.get("/{system}/models")
def models(system: str, request: Request, who: Looks) -> list[ModelForm]:
    """Its models with their cards: figures with intervals, data, threshold and its rule, limits."""
    shared: Shared = request.app.state.shared
    return [
        ModelForm(
            system=s.system,
            name=s.name,
            title=s.title,
            role=s.role,
            status=s.status,
            reason=s.reason,
            card=s.card,
            answers_from=s.link if s.card is not None else None,
            instead=s.instead,
        )
        for s in shared.engine().states(_declared(system).name)
    ]


@router.get("/{system}/models/{model}")
def one_model(system: str, model: str, request: Request, who: Looks) -> ModelForm:
    """One model with its card."""
    found = next((one for one in models(system, request, who) if one.name == model), None)
    if found is None:
        raise NotFoundError("There is no such model.", "The system lists its models.")
    return found


@router.get("/{system}/evidence")
def tables(system: str, who: Looks) -> list[str]:
    """Keys of the tables that there may be."""
    _declared(system)
    return list(TABLES)


@router.get("/{system}/evidence/{table}")
def one_table(system: str, table: str, request: Request, who: Looks, split: Split = "test") -> TableForm:
    """A table in which every figure has its interval, computed from stored predictions."""
    return _form(_table(request.app.state.shared, who, system, table, split))


@router.get("/{system}/evidence/{table}/csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def table_csv(system: str, table: str, request: Request, who: Looks, split: Split = "test") -> Response:
    """The same as CSV, one line a figure."""
    return Response(_table(request.app.state.shared, who, system, table, split).csv(), media_type="text/csv")


def _declared(name: str) -> System:
    if name not in SYSTEMS:
        raise NotFoundError("There is no such system.", f"Known: {', '.join(SYSTEMS)}.")
    return SYSTEMS[name]


def _system(one: System) -> SystemForm:
    return SystemForm(
        name=one.name,
        title=one.title,
        summary=one.summary,
        modalities=sorted(m.value for m in one.modalities),
        projection=one.projection,
        classes=list(one.classes),
        positive=list(one.positive),
        finding=one.finding,
        clear=one.clear,
        scope=one.scope,
        models=[slot.name for slot in one.models],
    )


def _table(shared: Shared, who: Caller, system: str, key: str, split: str) -> Table:
    declared = _declared(system)
    if key not in TABLES:
        raise NotFoundError("There is no such table.", f"Known: {', '.join(TABLES)}.")
    home = shared.engine().weights / system
    own: list[Evidence] = []
    for slot in declared.models:
        try:
            own.append(held(home / slot.name))
        except OverreadError:
            continue  # a model without stored predictions has no line; its state says why
    if not own:
        raise NotFoundError("No model of this system has stored predictions.", "Install its weights.")
    with shared.costly.one(who.number):
        found = _made(home, key, split, tuple(one.sha256 for one in own), _Evidences(own))
    if found is None:
        raise NotFoundError("There is nothing to tell in this table.", "Ask for another table or split.")
    return found


class _Evidences(list[Evidence]):
    """Told apart by what stands beside it in the key."""

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Evidences)


@lru_cache(maxsize=64)
def _made(home: Path, key: str, split: str, files: tuple[str, ...], own: _Evidences) -> Table | None:
    fused = (together.fusion_evidence(own, load_fusion(home, kind), load_pairs(home, kind)) for kind in FUSION)
    joint = (together.ensemble_evidence(own), *fused)
    return TABLES[key]([*own, *(one for one in joint if one is not None)], split)


def _form(found: Table) -> TableForm:
    return TableForm(
        key=found.key,
        title=found.title,
        columns={column.key: column.head for column in found.columns},
        rows=[_row(one) for one in found.rows],
        notes=list(found.notes),
    )


def _row(one: Row) -> RowForm:
    return RowForm(
        label=one.label,
        kind=one.kind,
        version=one.version,
        split=one.split,
        n=one.n,
        groups=one.groups,
        figures={key: _figure(figure) for key, figure in one.figures.items()},
        note=one.note,
    )


def _figure(one: Interval) -> FigureForm:
    return FigureForm(
        value=one.value, low=one.low, high=one.high, level=one.level, n=one.n, groups=one.groups, method=one.method
    )
