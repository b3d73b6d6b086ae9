"""The order of the worklist: how likely each recorded label is wrong, and the sentence that says why."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from core.discrepancies.profile import Profiles
from core.discrepancies.ranking import STOPPED, CaseEvidence, Discrepancies, rank_discrepancies
from core.discrepancies.signals import validation_signals
from core.engine.vote import voters
from core.review.archives.scoring import Installed
from core.review.archives.sentence import SliceView, why
from core.review.archives.standing import Answers, current, group_of, patient_views
from core.review.store import Store
from core.review.tables import Case, Discrepancy
from core.weights.card import Identity

# An image that the gate stopped counts half: one in twenty good scans is stopped too (see the router's card).
UNRANKED = -1000.0  # below every log odds: cases with nothing recorded, among themselves by probability


def rank(store: Store, archive_id: int, models: Installed, profiles: Profiles | None = None) -> int:
    """Rank the scored cases of a system anew and keep value, sentence and parts with each.

    ``Discrepancy.value`` is the log odds that the recorded label is wrong; ``details`` holds ``probability`` (the same
    as a probability; ``None`` where nothing is recorded), ``parts`` (what it is the sum of) and ``trust``.

    Returns:
        How many cases stand in the list.
    """
    cases = [case for case in store.cases(archive_id) if case.system == models.system]
    answers = current(store.machine_scores(archive_id), models)
    rows = ranked(cases, answers, models, profiles)
    store.save_discrepancies(rows)
    return len(rows)


def ranked(
    cases: Sequence[Case], answers: Mapping[int, Answers], models: Installed, profiles: Profiles | None = None
) -> list[Discrepancy]:
    """Rows of the worklist for cases that at least one model has answered."""
    scored = [case for case in cases if answers.get(case.id or 0, Answers()).vote.counted]
    told = [case for case in scored if case.recorded_finding is not None]
    views = patient_views(cases, answers)
    found = discrepancies(told, answers, models, profiles) if told else None
    place = {case.id: row for row, case in enumerate(told)}
    out = []
    for case in scored:
        own = answers[case.id or 0]
        row = place.get(case.id)
        if row is not None and found is not None:
            value = float(found.log_odds[row])
            details = {
                "probability": float(found.probability[row]),
                "parts": {name: round(float(part[row]), 4) for name, part in found.parts.items()},
                "trust": round(float(found.trust[row]), 4),
            }
        else:
            value, details = UNRANKED + (own.vote.mean or 0.0), {"probability": None}
        slices = SliceView(own.slices, own.found)
        view = views[case.id or 0]
        reason = why(models.system, case.recorded_finding, case.recorded_text, own.given, own.vote, view, slices)
        out.append(
            Discrepancy(case_id=case.id or 0, models=models.fingerprint, value=value, reason=reason, details=details)
        )
    return out


def places(
    cases: Sequence[Case],
    answers: Mapping[int, Answers],
    models: Installed,
    shown: Collection[int],
    every: Mapping[int, Discrepancy],
) -> Mapping[int, Discrepancy]:
    """What is told of each open case, by number, with nothing in it that the models say of a hidden one.

    A case's chance of a wrong record draws on the patient's other images and on all records of the archive, its
    sentence counts those images, and its rank says which ranks are left. So all three are made of the open cases only.

    Args:
        shown: cases that are open to the reader. every: what the store keeps, made of all cases.
    """
    if all(case.id in shown for case in cases):
        return every
    told = [case for case in cases if case.id in shown]
    heard = {number: given for number, given in answers.items() if number in shown}
    return {place.case_id: place for place in ranked(told, heard, models)}


def best_first(cases: Sequence[Case], places: Mapping[int, Discrepancy]) -> list[Case]:
    """Cases that have a place, the most promising first."""
    return sorted((c for c in cases if c.id in places), key=lambda c: (-places[c.id or 0].value, c.id or 0))


def discrepancies(
    cases: Sequence[Case], answers: Mapping[int, Answers], models: Installed, profiles: Profiles | None = None
) -> Discrepancies:
    """Discrepancy scores of cases with a recorded finding or none.

    Args:
        profiles: what the models' signals are worth; by default measured on the validation predictions beside the
            weights, and assumed where there are none.

    Raises:
        DiscrepancyError: no case.
    """
    cards = voters(models.cards)
    columns: dict[str, list[float]] = {name: [] for name in cards}
    outlined: dict[str, list[float]] = {name: [] for name, card in cards.items() if card.role == "segmenter"}
    strange = []
    for case in cases:
        own = {a.model: a for a in answers[case.id or 0].given}
        for name, column in columns.items():
            answer = own.get(name)
            column.append(np.nan if answer is None or answer.finding is None else answer.finding)
        for name, column in outlined.items():
            answer = own.get(name)
            column.append(np.nan if answer is None or answer.mask_pixels is None else float(answer.mask_pixels))
        strange.append(STOPPED if answers[case.id or 0].unlike else 0.0)
    evidence = CaseEvidence(
        ids=[str(case.id) for case in cases],
        groups=[group_of(case) for case in cases],
        recorded=np.array([bool(case.recorded_finding) for case in cases]),
        probabilities={name: np.array(column) for name, column in columns.items()},
        mask_pixels={name: np.array(column) for name, column in outlined.items()},
        strangeness=np.array(strange),
        thresholds={name: card.threshold.value for name, card in cards.items()},
    )
    return rank_discrepancies(evidence, profiles or profiles_of(models))


def profiles_of(models: Installed) -> Profiles:
    """What the models' signals were worth on their validation patients; assumed where that is not known."""
    cards = voters(models.cards)
    return _profiles(models.folder, tuple(sorted((name, card.identity) for name, card in cards.items())))


@functools.lru_cache(maxsize=32)
def _profiles(folder: Path, models: tuple[tuple[str, Identity], ...]) -> Profiles:
    return validation_signals(folder, [name for name, _ in models]).profiles()
