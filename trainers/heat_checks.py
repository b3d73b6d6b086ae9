"""How often do a model's heat maps find the lesion, and does its answer rest on what they mark? On validation patients.

The validation part is the one stored with the model's predictions: those are the patients it was neither trained nor
measured on. Intervals draw whole patients.
"""

from __future__ import annotations

import datetime
import json as jsonlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from core.engine.checks import Subject
from core.engine.engine import Engine
from core.engine.results import ModelStatus
from core.errors import DataLayoutError, ModelUnavailableError
from core.evidence import records
from core.explain.faithfulness import SPOKEN, body_of, road
from core.explain.pointing import TOLERANCE, Pointing, point
from core.explain.record import HeatChecks, MethodChecks
from core.models.card import Metric, ModelCard
from core.statistics.intervals import bootstrap_by_group, wilson
from core.systems import adapt, system
from trainers.data.items import Item
from trainers.data.sets import FOLDERS, load_items
from trainers.fit import ROOT, code_version

METHODS = ("grad-cam", "grad-cam++", "layercam", "eigencam")
FRACTIONS = (0.1, 0.2, 0.4)
MAPS = 2  # per slice: over all slices that is dozens
console = Console(width=160)

Load = Callable[[str], list[Item]]


@dataclass(frozen=True, eq=False)
class Chosen:
    """One slice with a finding. ``called``: the model calls it one, by its stored answer."""

    item: Item
    index: int
    called: bool


@dataclass(frozen=True, eq=False)
class _Outcome:
    """One method on one slice. ``drops`` is the fall without marked and without random parts, where tested."""

    group: str
    called: bool
    masked: bool
    pointing: Pointing | None
    drops: tuple[float, float] | None


def choose(part: records.Part, threshold: float, items: Sequence[Item], *, slices: int, seed: int) -> list[Chosen]:
    """Slices with a finding, drawn from all validation patients in turn; where there are masks, those with one.

    Args:
        part: the model's stored answers on the validation part. threshold: from which on it calls a finding.
        items: the data; slices that are not in ``part`` are left out.
        slices: how many at most. seed: of the draw.
    """
    known = {str(name): row for row, name in enumerate(part.ids)}
    by_group: dict[str, list[Chosen]] = {}
    for item in items:
        for index, name in enumerate(item.ids):
            row = known.get(name)
            truth = item.series.truth
            if row is None or not part.truth[row] or (truth is not None and not truth[index].any()):
                continue
            called = bool(part.finding[row] >= threshold)
            by_group.setdefault(item.group, []).append(Chosen(item, index, called))
    rng = np.random.default_rng(seed)
    queues = [[some[i] for i in rng.permutation(len(some))] for _, some in sorted(by_group.items())]
    queues = [queues[i] for i in rng.permutation(len(queues))]
    out: list[Chosen] = []
    while any(queues) and len(out) < slices:
        for queue in queues:
            if queue and len(out) < slices:
                out.append(queue.pop())
    return out


def check_model(
    engine: Engine, card: ModelCard, chosen: Sequence[Chosen], *, seed: int, progress: Callable[[float], None]
) -> HeatChecks:
    """Figures of one model over chosen slices."""
    loaded = engine.loaded(card.system, card.name)
    outcomes: dict[str, list[_Outcome]] = {method: [] for method in METHODS}
    outline = False
    for number, case in enumerate(chosen):
        series = adapt(case.item.series, system(card.system))
        subject = Subject(loaded, series, case.index, card.positive[0])
        outline = subject.outline
        body = body_of(series.pixels[case.index : case.index + 1])
        mask = None if series.truth is None else series.truth[case.index]
        answer = float(subject.answer(subject.x)[0])
        for method in METHODS:
            drawn = subject.draw(subject.net, method)
            heat = np.clip(subject.fit.back(drawn), 0.0, 1.0)
            drops = None
            if answer >= SPOKEN:
                found = road(subject.answer, subject.x, drawn, maps=MAPS, fractions=FRACTIONS, seed=seed + number)
                drops = (found.drop, found.random_drop) if found else None
            pointing = None if mask is None else point(heat, mask, body=body)
            outcomes[method].append(_Outcome(case.item.group, case.called, mask is not None, pointing, drops))
        progress((number + 1) / len(chosen))
    return HeatChecks(
        system=card.system,
        name=card.name,
        version=card.version,
        weights_sha256=card.weights_sha256,
        date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        code_version=code_version(),
        data=tuple(use.name for use in card.data),
        seed=seed,
        slices=len(chosen),
        groups=len({case.item.group for case in chosen}),
        outline=outline,
        tolerance=TOLERANCE,
        fractions=FRACTIONS,
        random_maps=MAPS,
        methods={method: summed_up(some) for method, some in outcomes.items()},
    )


def summed_up(outcomes: Sequence[_Outcome]) -> MethodChecks:
    """Figures of one method with 95 % intervals; an empty map on a slice with a mask is a miss."""
    masked = [o for o in outcomes if o.masked]
    pointed = [o for o in masked if o.pointing is not None]
    called = [o for o in masked if o.called]
    tested = [o for o in outcomes if o.drops is not None]

    def of(some: Sequence[_Outcome], value: Callable[[_Outcome], float]) -> Metric | None:
        return _mean(np.array([value(o) for o in some]), [o.group for o in some]) if some else None

    def point_of(o: _Outcome, name: str) -> float:
        return float(getattr(o.pointing, name)) if o.pointing is not None else 0.0

    def drop_of(o: _Outcome, which: int) -> float:
        assert o.drops is not None
        return o.drops[which]

    return MethodChecks(
        hit=of(masked, lambda o: point_of(o, "hit")),
        hit_called=of(called, lambda o: point_of(o, "hit")),
        chance=float(np.mean([point_of(o, "chance") for o in pointed])) if pointed else None,
        energy=of(masked, lambda o: point_of(o, "energy")),
        area=float(np.mean([point_of(o, "area") for o in pointed])) if pointed else None,
        overlap=of(masked, lambda o: point_of(o, "overlap")),
        marked=of(tested, lambda o: drop_of(o, 0)),
        random=of(tested, lambda o: drop_of(o, 1)),
        ahead=of(tested, lambda o: drop_of(o, 0) - drop_of(o, 1)),
        empty=len(masked) - len(pointed),
    )


def _mean(values: NDArray[np.float64], groups: Sequence[str]) -> Metric:
    """Mean with a bootstrap interval by patient; for a share of 0 or 1, Wilson's over the patients.

    The bootstrap of slices that all say the same is a point, which claims to know what a dozen patients cannot tell.
    """
    patients = len(set(groups))
    interval = bootstrap_by_group(np.mean, [values], list(groups))
    low, high, method = interval.low, interval.high, interval.method
    if set(np.unique(values)) in ({0.0}, {1.0}):
        edge = wilson(patients if values[0] else 0, patients)
        low, high, method = edge.low, edge.high, f"Wilson score over {patients} groups"
    finite = bool(np.isfinite(low) and np.isfinite(high))
    return Metric(
        value=interval.value,
        low=low if finite else None,
        high=high if finite else None,
        n=len(values),
        groups=patients,
        method=method,
    )


def heat_checks_command(
    system: Annotated[str, typer.Option(help="brain-mr, chest-ct, ...")],
    json: Annotated[Path | None, typer.Option(help="Write the figures of all models here.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data root; by default OVERREAD_DATA.")] = None,
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = ROOT / "weights",
    model: Annotated[list[str] | None, typer.Option(help="Only these models.")] = None,
    slices: Annotated[int, typer.Option(help="Slices a model, at most.", min=1)] = 40,
    seed: Annotated[int, typer.Option(help="Of the draw of slices and of the random maps.")] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all.")] = 0,
) -> None:
    """Test the heat maps of a system's models on validation patients; the figures go beside the weights."""
    if threads:
        torch.set_num_threads(threads)
    engine = Engine(weights)
    wanted = [s.card for s in engine.states(system) if s.status is ModelStatus.READY and s.card is not None]
    wanted = [card for card in wanted if not model or card.name in model]
    if not wanted:
        raise ModelUnavailableError(f"No such model of {system} is installed in {weights}.", "Train it first.")
    read: dict[str, list[Item]] = {}

    def load(name: str) -> list[Item]:
        if name not in read:
            read[name] = load_items(name, data / FOLDERS.get(name, name) if data else None)
        return read[name]

    report = []
    for card in wanted:
        folder = weights / card.system / card.name
        found = check_model(engine, card, _held_out(folder, card, load, slices, seed), seed=seed, progress=_tell(card))
        found.save(folder)
        report.append(found)
        console.print(_table(found))
    if json is not None:
        json.write_text(
            jsonlib.dumps({"system": system, "models": [r.model_dump(mode="json") for r in report]}, indent=1) + "\n",
            encoding="utf-8",
        )


def _held_out(folder: Path, card: ModelCard, load: Load, slices: int, seed: int) -> list[Chosen]:
    part = records.load(folder).part("validation")
    if part is None:
        raise DataLayoutError(f"{card.name} has no stored answers on validation patients.", "Ship it again.")
    items = [item for use in card.data for item in load(use.name)]
    chosen = choose(part, card.threshold.value, items, slices=slices, seed=seed)
    if not chosen:
        raise DataLayoutError(
            f"None of the {part.n} validation slices of {card.name} with a finding is in the data folder.",
            "Point --data or OVERREAD_DATA at the data the model was trained with.",
        )
    return chosen


def _tell(card: ModelCard) -> Callable[[float], None]:
    tenths = [0]

    def tell(share: float) -> None:
        if int(10 * share) > tenths[0]:
            tenths[0] = int(10 * share)
            console.print(f"{card.name}: {share:.0%}")

    return tell


def _table(found: HeatChecks) -> Table:
    table = Table(title=f"{found.system}/{found.name}: {found.slices} slices of {found.groups} validation patients")
    for head in ("method", "hits", "chance", "energy", "area", "overlap", "marked", "random", "difference"):
        table.add_column(head)
    for name, m in found.methods.items():
        cells = [_cell(m.hit), _plain(m.chance), _cell(m.energy), _plain(m.area), _cell(m.overlap)]
        table.add_row(name, *cells, _cell(m.marked), _cell(m.random), _cell(m.ahead))
    return table


def _cell(figure: Metric | None) -> str:
    if figure is None:
        return "-"
    interval = f" ({figure.low:.2f} to {figure.high:.2f})" if figure.low is not None and figure.high is not None else ""
    return f"{figure.value:.2f}{interval}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
