"""The drift monitor at work: an archive's scores against each model's calibration set, kept and warned about."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import OverreadError
from core.review.archives.drift import Drift, drift
from core.review.archives.scoring import Installed
from core.review.archives.standing import group_of
from core.review.store import Store
from core.review.tables import DriftReading
from core.weights.predictions import load


@dataclass(frozen=True)
class ModelDrift:
    """One model's scores against its calibration set; ``drift`` is ``None`` where there is none, ``why`` says so."""

    model: str
    title: str
    version: str
    drift: Drift | None
    why: str = ""


def check_drift(store: Store, archive_id: int, models: Installed, *, keep: bool = True) -> list[ModelDrift]:
    """Compare an archive's scores, slice by slice, with the validation predictions beside each model's weights.

    Args:
        keep: write the readings to the store, so that they can be followed over time.
    """
    cases = {case.id or 0: case for case in store.cases(archive_id)}
    scores: dict[str, list[float]] = {name: [] for name in models.cards}
    groups: dict[str, list[str]] = {name: [] for name in models.cards}
    for score in store.machine_scores(archive_id):
        if score.error or not models.gave(score):
            continue
        findings = [p for p in score.details.get("findings") or [score.finding] if p is not None]
        scores[score.model] += findings
        groups[score.model] += [group_of(cases[score.case_id])] * len(findings)
    out = []
    for name, card in models.cards.items():
        try:
            part = load(models.folder / name).part("validation")
        except OverreadError as error:
            out.append(ModelDrift(name, card.title, card.version, None, str(error)))
            continue
        if part is None:
            out.append(ModelDrift(name, card.title, card.version, None, "The model came without a calibration set."))
            continue
        told = drift(scores[name], groups[name], part.finding, part.groups)
        out.append(ModelDrift(name, card.title, card.version, told))
        if keep:
            store.add_drift(
                DriftReading(
                    archive_id=archive_id,
                    system=models.system,
                    model=name,
                    weights_sha256=card.weights_sha256,
                    version=card.version,
                    n=told.n,
                    n_reference=told.reference_n,
                    statistic="KS, patients permuted",
                    value=told.ks if told.ks == told.ks else 0.0,
                    p_value=told.p if told.p == told.p else None,
                    warned=told.warns,
                    message=told.sentence,
                )
            )
    return out
