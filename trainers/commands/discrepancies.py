"""Which labels of a folder are probably wrong, and a trial of that with labels turned over on purpose."""

from __future__ import annotations

import json as json_module
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from core import places
from core.csv_cells import frame_csv
from core.discrepancies.ranking import MASK, STOPPED, CaseEvidence, Discrepancies, rank_discrepancies
from core.discrepancies.signals import ValidationSignals, validation_signals
from core.discrepancies.trial import DECILE, METHODS, Found, compare, plant
from core.discrepancies.words import sentence
from core.engine.engine import Engine
from core.errors import DataLayoutError
from core.statistics import roc_auc
from core.systems import system as declared
from trainers.commands.evaluate import known_system, read_folder
from trainers.data.digests import DIGESTS, read_digests
from trainers.measuring.discrepancy_scores import Scores, score, stored

console = Console()
notices = Console(stderr=True)
FEW_PLANTED = 3  # patients: with fewer, one patient more or less moves the share by half


def discrepancies_command(
    system: Annotated[str, typer.Option(help="brain-mr, chest-ct, ...")],
    data: Annotated[Path | None, typer.Option(help="Folder laid out like one of the system's sets.")] = None,
    plant_share: Annotated[
        float, typer.Option("--plant", help="Turn over the labels of whole patients until so many images are wrong.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the planting.")] = 0,
    repeats: Annotated[int, typer.Option(help="Plant with so many further seeds and report the spread.", min=0)] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the figures here; probabilities are kept beside it.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the ranked list here (CSV).")] = None,
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = places.WEIGHTS,
    use_stored: Annotated[
        bool, typer.Option("--stored", help="Use the predictions stored with the models instead of running them.")
    ] = False,
    split: Annotated[str | None, typer.Option(help="With --stored: validation or test only.")] = None,
) -> None:
    """Rank recorded labels by how likely they are wrong; with --plant, see how many planted errors are found."""
    known_system(system)
    if (data is None) == (not use_stored):
        raise DataLayoutError("Give either --data or --stored.", "One of them says where the probabilities come from.")
    if split is not None and (not use_stored or split not in ("validation", "test")):
        raise DataLayoutError("--split is validation or test, and needs --stored.", "Leave it out.")
    scores = (
        stored(system, weights, [m.name for m in declared(system).models], split)
        if data is None
        else _scored(system, data, weights, None if json is None else json.with_suffix(".probabilities.parquet"))
    )
    known = validation_signals(weights / system, list(scores.cards))
    truth = evidence_of(scores)
    result = _describe(system, scores, known)
    planted = np.zeros(len(scores.ids), dtype=bool)
    if plant_share > 0:
        planted = plant(scores.groups, plant_share, seed)
        result |= _trial(truth, planted, scores, known, seed, plant_share)
        if repeats:
            result["repeats"] = repeated(truth, scores, known, plant_share, range(seed, seed + repeats))
        _print(result)
    ranked = _ranked(replace(truth, recorded=scores.recorded ^ planted), known)
    result["labels_belong_to"] = "patient" if ranked.one_label else "image"
    if out is not None:
        out.write_text(frame_csv(listing(ranked, planted, system)), encoding="utf-8", newline="")
    if json is not None:
        json.write_text(json_module.dumps(result, indent=1) + "\n", encoding="utf-8")


def evidence_of(scores: Scores) -> CaseEvidence:
    """Scores in the form that the ranking takes, labels as they are in the folder."""
    return CaseEvidence(
        ids=scores.ids.tolist(),
        groups=scores.groups.tolist(),
        recorded=scores.recorded,
        probabilities=scores.probabilities,
        mask_pixels=scores.mask_pixels,
        strangeness=None if scores.stopped is None else np.where(scores.stopped, STOPPED, 0.0),
        thresholds={name: card.threshold.value for name, card in scores.cards.items()},
    )


def _scored(system: str, data: Path, weights: Path, cache: Path | None) -> Scores:
    engine = Engine(weights)
    items = read_folder(system, data)
    seen = {d for path in sorted((weights / system).glob(f"*/{DIGESTS}")) for d in read_digests(path)}
    with Progress(console=notices, transient=True) as bar:
        job = bar.add_task(f"{system}: scoring", total=1.0)
        return score(
            system, items, declared(system).labels, engine, seen, cache, progress=lambda f: bar.update(job, completed=f)
        )


def _recorded(evidence: CaseEvidence) -> dict[tuple[str, str], bool]:
    images = zip(evidence.groups, evidence.ids, strict=True)
    return dict(zip(images, np.asarray(evidence.recorded).tolist(), strict=True))


def _ranked(evidence: CaseEvidence, known: ValidationSignals) -> Discrepancies:
    return rank_discrepancies(evidence, known.profiles(_recorded(evidence)))


def _compare(
    truth: CaseEvidence, planted: np.ndarray, known: ValidationSignals
) -> tuple[dict[str, Found], dict[str, Found]]:
    """Validation images that are ranked are known by their recorded label only, the planted ones by the wrong one."""
    given = replace(truth, recorded=np.asarray(truth.recorded) ^ planted)
    return compare(truth, planted, known.profiles(_recorded(given)), best_model=best_model(known))


def best_model(known: ValidationSignals) -> str | None:
    """Classifier with the largest AUC on the validation images; ``None`` when there is nothing to choose from."""
    named = {n: s for n, s in known.signals.items() if not n.startswith(MASK)}
    if len(named) < 2 or known.finding.all() or not known.finding.any():
        return None
    return max(named, key=lambda name: roc_auc(known.finding, named[name]))


def _describe(system: str, scores: Scores, known: ValidationSignals) -> dict[str, object]:
    profiles = known.profiles()
    return {
        "system": system,
        "n": len(scores.ids),
        "groups": len(set(scores.groups.tolist())),
        "with_finding": int(scores.recorded.sum()),
        "left_out_training_pictures": scores.left_out,
        "left_out_groups": scores.left_out_groups,
        "stopped_by_the_gate": None if scores.stopped is None else int(scores.stopped.sum()),
        "models": {
            name: {
                "version": card.version,
                "weights_sha256": card.weights_sha256,
                "validation_images": profiles.get(name).n,
                "validation_groups": profiles.get(name).groups,
                "sensitivity": _number(profiles.get(name).sensitivity),
                "specificity": _number(profiles.get(name).specificity),
            }
            for name, card in scores.cards.items()
        },
    }


def _trial(
    truth: CaseEvidence, planted: np.ndarray, scores: Scores, known: ValidationSignals, seed: int, share: float
) -> dict[str, object]:
    main, further = _compare(truth, planted, known)
    patients = len(set(scores.groups[planted].tolist()))
    notes = []
    if patients < FEW_PLANTED:
        carry = "One patient carries" if patients == 1 else f"Only {patients} patients carry"
        notes.append(f"{carry} the planted labels: look at --repeats for the spread.")
    return {
        "seed": seed,
        "share": share,
        "planted": int(planted.sum()),
        "planted_groups": patients,
        "top": math.ceil(DECILE * len(planted)),
        "found_in_top_decile": {name: main[name].share for name in METHODS},
        "precision_in_top_decile": {name: main[name].precision for name in METHODS},
        "further_rankings": {name: asdict(found) for name, found in further.items()},
        "notes": notes,
    }


def repeated(
    truth: CaseEvidence, scores: Scores, known: ValidationSignals, share: float, seeds: Sequence[int]
) -> dict[str, object]:
    """Mean, standard deviation and range over seeds of the share found, by ranking."""
    found: dict[str, list[float]] = {}
    planted_images = []
    for seed in seeds:
        planted = plant(scores.groups, share, seed)
        planted_images.append(int(planted.sum()))
        main, further = _compare(truth, planted, known)
        for name, one in (main | further).items():
            found.setdefault(name, []).append(one.share)
    return {
        "seeds": list(seeds),
        "planted": planted_images,
        "found_in_top_decile": {
            name: {
                "mean": float(np.mean(v)),
                "sd": float(np.std(v, ddof=1)) if len(v) > 1 else None,
                "least": float(min(v)),
                "most": float(max(v)),
            }
            for name, v in found.items()
        },
    }


def listing(found: Discrepancies, planted: np.ndarray, system: str) -> pd.DataFrame:
    """The ranked list, worst first, one row an image with its reasons in nats and in words."""
    words, order = declared(system), found.order
    evidence = found.evidence
    table = {
        "rank": np.arange(1, len(order) + 1),
        "id": np.asarray(evidence.ids, dtype=object)[order],
        "group": np.asarray(evidence.groups, dtype=object)[order],
        "recorded": np.where(np.asarray(evidence.recorded)[order], words.finding, words.clear),
        "planted": planted[order],
        "probability_wrong": found.probability[order].round(4),
        "finding": found.finding[order].round(4),
    }
    parts = {f"nats: {name}": values[order].round(3) for name, values in found.parts.items()}
    why = [sentence(found, int(row), words.finding, words.clear) for row in order]
    return pd.DataFrame(table | parts | {"why": why})


def _print(result: dict[str, object]) -> None:
    shares, precisions = result["found_in_top_decile"], result["precision_in_top_decile"]
    assert isinstance(shares, dict)
    assert isinstance(precisions, dict)
    title = (
        f"{result['system']}: {result['planted']} wrong labels of {result['planted_groups']} patients planted among "
        f"{result['n']} images of {result['groups']} patients"
    )
    table = Table("ranking", "found in the top 10 %", "precision there", title=title)
    repeats = result.get("repeats")
    spread = repeats["found_in_top_decile"] if isinstance(repeats, dict) else {}
    if isinstance(repeats, dict):
        table.add_column(f"mean ± SD over {len(repeats['seeds'])} seeds")
    for name in METHODS:
        cells = [name, f"{shares[name]:.2f}", f"{precisions[name]:.2f}"]
        if name in spread:
            cells.append(f"{spread[name]['mean']:.2f} ± {spread[name]['sd'] or 0:.2f}")
        table.add_row(*cells)
    console.print(table)
    left, notes = result["left_out_training_pictures"], result["notes"]
    assert isinstance(notes, list)
    if left:
        console.print(f"left out because a model was trained on them: {left} images")
    for note in notes:
        console.print(note)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
