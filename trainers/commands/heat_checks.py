"""How often do a model's heat maps find the lesion, and does its answer rest on what they mark? On validation patients.

The validation part is the one stored with the model's predictions: those are the patients it was neither trained nor
measured on. Where no set has masks, lesions with known outlines are inserted into clear slices of those patients, and
count where they turn the answer. Of a model with members each patient's maps are drawn by the one member that never saw
the patient, so that they are as much out of fold as its stored answers. Intervals draw whole patients.
"""

from __future__ import annotations

import datetime
import json as jsonlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from core import places
from core.engine.checks import Subject
from core.engine.engine import Engine
from core.engine.results import ModelStatus
from core.engine.shelf import Loaded
from core.errors import DataLayoutError, ModelUnavailableError
from core.explain.faithfulness import SPOKEN, body_of, road
from core.explain.pointing import TOLERANCE, point
from core.models.members import Members
from core.systems import adapt, system
from core.weights import predictions
from core.weights.answers import finding_probability, probabilities
from core.weights.card import Metric, ModelCard
from core.weights.heat_checks import HeatChecks, load_checks
from trainers.data.items import Item
from trainers.data.sets import folder_of, load_items
from trainers.fitting.fit import code_version
from trainers.measuring.heat_outcomes import Kept, Outcome, reference_peak, summed_up
from trainers.measuring.heat_slices import Chosen, choose, plant

METHODS = ("grad-cam", "grad-cam++", "layercam", "eigencam")
FRACTIONS = (0.1, 0.2, 0.4)
MAPS = 2  # per slice: over all slices that is two dozen
console = Console(width=160)

Load = Callable[[str], list[Item]]


def check_model(
    engine: Engine,
    card: ModelCard,
    chosen: Sequence[Chosen],
    *,
    seed: int,
    removals: int,
    kept: Path | None,
    progress: Callable[[int, int], None],
) -> HeatChecks:
    """Figures of one model over chosen slices.

    Args:
        removals: slices on which parts are removed too (the slow part), the first of ``chosen``.
        kept: file with the slices done so far, to go on from; another version or another seed begins afresh.
        progress: told how many slices of how many are done.
    """
    loaded = engine.loaded(card.system, card.name)
    own = _members(loaded)
    done = Kept(kept, f"{'-'.join(card.identity)}-{seed}")
    outcomes: dict[str, list[Outcome]] = {method: [] for method in METHODS}
    for number, case in enumerate(chosen):
        name = f"{case.item.ids[case.index]}{'' if number < removals else ' pointing only'}"
        found = done.get(name)
        if found is None:
            subject = Subject(
                own[case.member], adapt(case.item.series, system(card.system)), case.index, card.positive[0]
            )
            if case.planted:
                case = replace(case, called=_finding(own[case.member], subject.x) >= card.threshold.value)
            found = _outcomes(subject, case, seed + number if number < removals and not case.planted else None)
            done.put(name, found)
        for method, outcome in found.items():
            outcomes[method].append(outcome)
        progress(number + 1, len(chosen))
    return HeatChecks(
        system=card.system,
        name=card.name,
        version=card.version,
        weights_sha256=card.weights_sha256,
        date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        code_version=code_version(),
        data=tuple(use.name for use in card.data),
        seed=seed,
        slices=sum(not case.planted for case in chosen),
        groups=len({case.item.group for case in chosen if not case.planted}),
        outline=loaded.net.draws_masks,
        tolerance=TOLERANCE,
        fractions=FRACTIONS,
        random_maps=MAPS,
        methods={method: summed_up(some) for method, some in outcomes.items()},
    )


def _members(loaded: Loaded) -> list[Loaded]:
    """The networks of a model, each as if it stood alone."""
    return [replace(loaded, net=net) for net in loaded.net] if isinstance(loaded.net, Members) else [loaded]


def _finding(loaded: Loaded, x: torch.Tensor) -> float:
    """Calibrated probability of a finding on one picture ``(1, C, H, W)``."""
    with loaded.lock, torch.inference_mode():
        logits = loaded.net.run(x).logits.float().numpy()
    return float(finding_probability(probabilities(logits, loaded.card.temperature), loaded.card)[0])


def _outcomes(subject: Subject, case: Chosen, seed: int | None) -> dict[str, Outcome]:
    """Every method on one slice; with a seed, parts are removed too."""
    series = case.item.series
    body = body_of(series.pixels[case.index : case.index + 1])
    mask = None if series.truth is None else series.truth[case.index]
    spoken = seed is not None and float(subject.answer(subject.x)[0]) >= SPOKEN
    found = {}
    for method in METHODS:
        drawn, peak = subject.drawn(subject.net, method)
        heat = np.clip(subject.fit.back(drawn), 0.0, 1.0)
        drops = None
        if spoken and seed is not None:
            removed = road(subject.answer, subject.x, drawn, maps=MAPS, fractions=FRACTIONS, seed=seed)
            drops = (removed.drop, removed.random_drop) if removed else None
        pointing = None if mask is None else point(heat, mask, body=body)
        found[method] = Outcome(case.item.group, case.called, mask is not None, pointing, drops, peak, case.planted)
    return found


def with_peaks(engine: Engine, card: ModelCard, chosen: Sequence[Chosen], checks: HeatChecks) -> HeatChecks:
    """Stored checks with the reference peak of every method measured anew; nothing else of them changes."""
    own = _members(engine.loaded(card.system, card.name))
    outcomes: dict[str, list[Outcome]] = {method: [] for method in checks.methods}
    for case in chosen:
        subject = Subject(own[case.member], adapt(case.item.series, system(card.system)), case.index, card.positive[0])
        for method, some in outcomes.items():
            _, peak = subject.drawn(subject.net, method)
            some.append(Outcome(case.item.group, case.called, False, None, None, peak))
    peaks = {method: reference_peak(some) for method, some in outcomes.items()}
    methods = {name: one.model_copy(update={"peak": peaks[name]}) for name, one in checks.methods.items()}
    return checks.model_copy(update={"methods": methods})


def heat_checks_command(
    system: Annotated[str, typer.Option(help="brain-mr, chest-ct, ...")],
    json: Annotated[Path | None, typer.Option(help="Write the figures of all models here.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data root; by default OVERREAD_DATA.")] = None,
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = places.WEIGHTS,
    model: Annotated[list[str] | None, typer.Option(help="Only these models.")] = None,
    slices: Annotated[int, typer.Option(help="Slices a model, at most.", min=1)] = 40,
    removals: Annotated[int, typer.Option(help="Of these, slices on which parts are removed too.", min=0)] = 12,
    runs: Annotated[Path, typer.Option(help="Keeps finished slices; a stopped run goes on.")] = places.RUNS,
    seed: Annotated[int, typer.Option(help="Of the draw of slices and of the random maps.")] = 0,
    peaks: Annotated[
        bool, typer.Option("--peaks", help="Measure only how bright maps are, beside stored checks.")
    ] = False,
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
            read[name] = load_items(name, data / folder_of(name) if data else None)
        return read[name]

    report = []
    for card in wanted:
        folder = weights / card.system / card.name
        chosen = _held_out(folder, card, load, slices, seed)
        before = load_checks(folder, card) if peaks else None
        if before is not None:
            with_peaks(engine, card, [case for case in chosen if not case.planted], before).save(folder)
            continue
        found = check_model(
            engine,
            card,
            chosen,
            seed=seed,
            removals=removals,
            kept=runs / "heat-checks" / f"{card.system}-{card.name}.json",
            progress=_tell(card),
        )
        found.save(folder)
        report.append(found)
        console.print(_table(found))
    if json is not None:
        json.write_text(
            jsonlib.dumps({"system": system, "models": [r.model_dump(mode="json") for r in report]}, indent=1) + "\n",
            encoding="utf-8",
        )


def _held_out(folder: Path, card: ModelCard, load: Load, slices: int, seed: int) -> list[Chosen]:
    part = predictions.load(folder).part("validation")
    if part is None:
        raise DataLayoutError(f"{card.name} has no stored answers on validation patients.", "Ship it again.")
    items = [item for use in card.data for item in load(use.name)]
    chosen = choose(part, card.threshold.value, items, slices=slices, seed=seed, members=card.members)
    if not chosen:
        raise DataLayoutError(
            f"None of the {part.n} validation slices of {card.name} with a finding is in the data folder.",
            "Point --data or OVERREAD_DATA at the data the model was trained with.",
        )
    kind = system(card.system).plants
    if kind:
        threshold = card.threshold.value
        chosen += plant(part, threshold, items, kind=kind, slices=slices, seed=seed, members=card.members)
    return chosen


def _tell(card: ModelCard) -> Callable[[int, int], None]:
    started = time.monotonic()

    def tell(done: int, total: int) -> None:
        spent = time.monotonic() - started
        console.print(
            f"{card.name}: {done} of {total} slices, {spent:.0f} s, about {spent / done * (total - done):.0f} s left"
        )

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
