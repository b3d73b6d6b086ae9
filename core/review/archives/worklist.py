"""The worklist: cases by expected yield of a second look, with what may be shown of each to the reader who asks.

In an archive that is read blind, a case's place in the ranking tells what the models say about it. So a reader who has
not locked an opinion sees such cases without rank, sentence or any model column, without what was recorded (beside the
place it would tell what the models say) and without names, in an order that tells nothing (:func:`reading_order`); no
filter or sorting looks at what is hidden. Nor do cases that are open tell of those that are not: while any is hidden,
places, chances and sentences of the open ones are made anew of the open ones alone
(:func:`core.review.archives.ranking.places`).
"""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from core.engine.vote import Vote
from core.review.archives.ranking import best_first, places
from core.review.archives.scoring import Installed
from core.review.archives.sentence import ModelAnswer
from core.review.archives.standing import Answers, current
from core.review.pseudonyms import Pseudonyms
from core.review.store import Store
from core.review.tables import Case, Discrepancy
from core.review.vocabulary import CaseState, Mode

HIDDEN = "Hidden until your own opinion is locked."
STALE = "Only scored by another version of the models; score the archive again."
UNSCORED = "Not scored yet."
BLOCK = 20
CONTROLS = 5
_DISPUTED = (CaseState.ARBITRATION, CaseState.ADJUDICATED)  # would tell a blind reader that another one disagreed


class Against(StrEnum):
    """The vote of the models against the recorded diagnosis."""

    MISSED = "models find, record clear"
    OVERCALLED = "record finding, models clear"
    AGREES = "agrees"
    SPLIT = "models are split"
    UNKNOWN = "nothing to compare"


@dataclass(frozen=True)
class WorklistRow:
    """One case of the list. Where ``hidden``, only number, system, state, date, slices and ``simulated`` are told.

    Attributes:
        reader: number of who wrote the recorded diagnosis.
        rank: 1 is the top of the cases that are open to the reader; ``None`` when not scored by the installed models.
        probability: that the recorded label is wrong, 0 to 1. value: the log odds the list is ordered by.
        reason: the sentence why it stands where it stands, or why it does not stand anywhere.
        answers: one a model that votes. finding: their mean probability of a finding. decided: what most of them say;
            ``None`` for a tie. tied: whether it is one.
        beside: answers of models with other classes, counted nowhere.
        confidence: distance of ``finding`` from even odds, 0 to 1.
        spread: largest distance between two of them. split: whether their decisions differ.
        ood: beyond the wrong-image gate's limit when above 0. unlike: whether the gate stopped the image.
        stopped: why the gate stopped it; then nothing that a model says is told until the reader overrules.
        stale: scored, but by other versions than the installed ones.
    """

    case_id: int
    source: str
    patient: str
    system: str | None
    state: CaseState
    recorded_finding: bool | None
    recorded_label: str | None
    recorded_text: str
    reader: int | None
    date: str | None
    simulated: bool
    hidden: bool
    rank: int | None = None
    probability: float | None = None
    value: float | None = None
    reason: str = ""
    against: Against | None = None
    answers: tuple[ModelAnswer, ...] = ()
    beside: tuple[ModelAnswer, ...] = ()
    finding: float | None = None
    decided: bool | None = None
    tied: bool = False
    confidence: float | None = None
    spread: float | None = None
    split: bool | None = None
    ood: float | None = None
    unlike: bool | None = None
    stopped: tuple[str, ...] = ()
    stale: bool = False
    slices: int = 1


@dataclass(frozen=True)
class Worklist:
    """The list as one reader may see it.

    Attributes:
        rows: ranked ones first in rank order, then those without rank; hidden ones in reading order.
        hidden: how many rows are hidden. stale: how many were scored by other versions only. unscored: not at all.
        models: fingerprint of the installed models the ranking rests on. pedigree: those models in words.
    """

    rows: tuple[WorklistRow, ...]
    hidden: int
    stale: int
    unscored: int
    models: str
    pedigree: str


def worklist(store: Store, archive_id: int, models: Installed, reader: int) -> Worklist:
    """Cases of one system in an archive, as a reader may see them.

    Raises:
        NotFoundError: there is no such archive. NotAllowedError: the reader may not look at cases.
    """
    archive = store.archive(archive_id)
    shown = store.revealed(archive_id, reader)
    cases = [case for case in store.cases(archive_id) if case.system == models.system]
    scores = store.machine_scores(archive_id)
    answers = current(scores, models)
    ever = {score.case_id for score in scores if score.system == models.system}
    # A case whose scores are there but whose place is not yet (the ranking follows a few cases behind) waits unranked.
    every = {d.case_id: d for d in store.machine_discrepancies(archive_id) if d.models == models.fingerprint}
    mine = places(cases, answers, models, shown, every)
    order = best_first(cases, mine)
    ranks = {case.id or 0: place for place, case in enumerate(order, 1)}
    open_to_all = archive.mode == Mode.OPEN
    overruled = store.overruled(archive_id, reader)
    rows = [
        _withheld(_row(case, case.id in shown, ranks, mine, answers, ever), overruled)
        for case in [*order, *(c for c in cases if c.id not in ranks)]
    ]
    visible = [row for row in rows if not row.hidden]
    hidden = {row.case_id: row for row in rows if row.hidden}
    # Of all cases, also those that this reader has read: the order of the others must not change with each read, or
    # whoever notes which ones stay in front would learn the ranking.
    everybody = (
        [] if open_to_all else reading_order([c.id or 0 for c in best_first(cases, every)], _seed(store, archive_id))
    )
    queue = [number for number in everybody if number in hidden]
    rest = [number for number in hidden if number not in set(queue)]
    return Worklist(
        rows=(*(hidden[number] for number in [*queue, *rest]), *visible),
        hidden=len(hidden),
        stale=sum(c.id in ever and c.id not in answers for c in cases),
        unscored=sum(c.id not in ever for c in cases),
        models=models.fingerprint,
        pedigree="; ".join(f"{card.title} (version {card.version})" for card in models.cards.values()),
    )


def _seed(store: Store, archive_id: int) -> int:
    """Known to nobody but the store: whoever knew it could undo the shuffling, since the program is public."""
    key = Pseudonyms.of(store.images_folder).key
    return int.from_bytes(hmac.new(key, f"reading order {archive_id}".encode(), hashlib.sha256).digest())


def reading_order(ranked: Sequence[int], seed: int) -> list[int]:
    """An order in which a case's place does not tell what the models say.

    Blocks of twenty: the next fifteen of the ranking and five drawn from the rest of the list, shuffled. The drawn ones
    also tell how many misses there are where nobody looks.

    Args:
        ranked: cases, the most promising first. seed: a secret; the same list for everybody, at every visit.
    """
    draw = random.Random(seed)  # noqa: S311  (an order to be repeated, from a seed that is secret)
    waiting = list(ranked)
    out: list[int] = []
    while waiting:
        block, waiting = waiting[: BLOCK - CONTROLS], waiting[BLOCK - CONTROLS :]
        controls = draw.sample(waiting, min(CONTROLS, len(waiting)))
        chosen = set(controls)
        waiting = [number for number in waiting if number not in chosen]
        block += controls
        draw.shuffle(block)
        out += block
    return out


def _row(
    case: Case,
    shown: bool,
    ranks: Mapping[int, int],
    places: Mapping[int, Discrepancy],
    answers: Mapping[int, Answers],
    ever: set[int],
) -> WorklistRow:
    number = case.id or 0
    state = CaseState(case.state)
    told = WorklistRow(
        case_id=number,
        source="",
        patient="",
        system=case.system,
        state=CaseState.READ if state in _DISPUTED else state,
        recorded_finding=None,
        recorded_label=None,
        recorded_text="",
        reader=None,
        date=case.study_date,
        simulated=case.simulated,
        hidden=True,
        reason=HIDDEN,
        slices=int(case.details.get("slices", 1)),
    )
    if not shown:
        return told
    base = replace(
        told,
        hidden=False,
        state=state,
        source=case.source,
        patient=case.patient,
        recorded_finding=case.recorded_finding,
        recorded_label=case.recorded_label,
        recorded_text=case.recorded_text,
        reader=case.recorded_reader,
    )
    own, place = answers.get(number, Answers()), places.get(number)
    stale = number in ever and number not in answers
    reason = place.reason if place is not None else STALE if stale else UNSCORED
    vote = own.vote
    if own.given and not vote.counted:
        reason = f"No model could answer: {own.given[0].error}"
    mean = vote.mean
    return replace(
        base,
        rank=ranks.get(number),
        probability=place.details.get("probability") if place is not None else None,
        value=place.value if place is not None else None,
        reason=reason,
        against=against(case.recorded_finding, vote),
        answers=own.given,
        beside=own.beside,
        finding=mean,
        decided=vote.decided,
        tied=vote.tied,
        confidence=None if mean is None else abs(2 * mean - 1),
        spread=vote.spread,
        split=vote.split if vote.counted else None,
        ood=own.ood,
        unlike=own.unlike if own.given else None,
        stopped=own.stopped,
        stale=stale,
    )


def _withheld(row: WorklistRow, overruled: Collection[int]) -> WorklistRow:
    """A row whose image the gate stopped keeps its place and the gate's reasons, nothing that a model says."""
    if not row.stopped or row.case_id in overruled:
        return row
    return replace(
        row,
        probability=None,
        value=None,
        reason=stopped_words(row.stopped),
        against=None,
        answers=(),
        beside=(),
        finding=None,
        decided=None,
        tied=False,
        confidence=None,
        spread=None,
        split=None,
    )


def stopped_words(reasons: Sequence[str]) -> str:
    """What stands in place of the models' answers on an image that the gate stopped."""
    return f"Stopped by the image check: {' '.join(reasons)} No answer is shown until you open the case and overrule."


def against(recorded: bool | None, vote: Vote) -> Against:
    """The models' vote against the record."""
    if recorded is None or not vote.counted:
        return Against.UNKNOWN
    if vote.decided is None:
        return Against.SPLIT
    if recorded == vote.decided:
        return Against.AGREES
    return Against.MISSED if vote.decided else Against.OVERCALLED
