"""What peer review adds up to, per reader, team, system or month: rates with intervals, in words without blame."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlmodel import col, select

from core.review.database import Database
from core.review.tables import Adjudication, Case, PeerReview, RecordedReader
from core.review.vocabulary import Radpeer, Sided
from core.statistics import Interval, wilson

FEW = 20  # below this many decided cases the interval spans so much that a rate misleads
SELECTED = "Cases come up for review because a second look promised something, so this is not how often a reader errs."


class Verdict(StrEnum):
    """What peer review and arbitration made of a recorded diagnosis."""

    UPHELD = "upheld"
    PENDING = "waiting for arbitration"
    REVISED = "revised"


class By(StrEnum):
    """What to sum up by."""

    READER = "reader"
    TEAM = "team"
    SYSTEM = "system"
    MONTH = "month"


@dataclass(frozen=True)
class SummaryLine:
    """One line of the summary.

    Attributes:
        key: reader number, team, system or month (``2026-11``); "not recorded" where the source does not say.
        n: cases with a peer review.
        counts: peer reviews per RADPEER score (a case may have several).
        revised: cases whose recorded diagnosis an arbiter revised. pending: cases waiting for an arbiter.
        rate: revised among decided cases, Wilson interval.
        text: one sentence for the page.
    """

    key: str
    n: int
    counts: dict[str, int]
    revised: int
    pending: int
    rate: Interval
    text: str


def verdict(reviews: Iterable[PeerReview], truth: Adjudication | None) -> Verdict:
    """What became of a recorded diagnosis with at least one peer review."""
    if truth is not None:
        return Verdict.REVISED if truth.sided in (Sided.REVIEWER, Sided.NEITHER) else Verdict.UPHELD
    return Verdict.PENDING if any(Radpeer(r.score).to_arbitration for r in reviews) else Verdict.UPHELD


def verdicts(database: Database, archive_id: int) -> dict[int, Verdict]:
    """Verdict of every peer-reviewed case of an archive: the misses that a ranking is judged by."""
    reviews: dict[int, list[PeerReview]] = defaultdict(list)
    with database.snapshot() as session:
        inside = select(Case.id).where(Case.archive_id == archive_id)
        for review in session.exec(select(PeerReview).where(col(PeerReview.case_id).in_(inside))):
            reviews[review.case_id].append(review)
        truths = {t.case_id: t for t in session.exec(select(Adjudication))}
    return {number: verdict(found, truths.get(number)) for number, found in reviews.items()}


def _key(by: By, case: Case, review: PeerReview, readers: dict[int | None, RecordedReader]) -> str:
    if by is By.MONTH:
        return review.created.strftime("%Y-%m")
    if by is By.SYSTEM:
        return case.system or "not recorded"
    if by is By.READER:
        return str(case.recorded_reader or "not recorded")
    reader = readers.get(case.recorded_reader)
    return (reader.team if reader else "") or "not recorded"


def _sentence(n: int, revised: int, pending: int, rate: Interval) -> str:
    decided = n - pending
    waiting = f"; {pending} wait for arbitration" if pending else ""
    if decided == 0:
        return f"{n} reviewed{waiting}. Nothing is decided yet."
    head = f"{decided} of {n} reviewed cases are decided{waiting}: {decided - revised} upheld, {revised} revised"
    if decided < FEW:
        return f"{head}. Too few for a rate ({FEW} needed). {SELECTED}"
    return f"{head} ({rate.value:.0%}, 95 % interval {rate.low:.0%} to {rate.high:.0%}). {SELECTED}"


def summary(
    database: Database,
    *,
    by: By | str,
    archive_id: int | None = None,
    since: date | None = None,
    until: date | None = None,
) -> list[SummaryLine]:
    """Peer review summed up; the caller checks that the user may see it (``Action.SUMMARISE``).

    Args:
        database: an open store.
        by: ``reader`` and ``team`` are those of the recorded diagnosis; ``month`` is that of the first peer review.
        archive_id: one archive, or all.
        since, until: days of the peer reviews (UTC), both included.
    """
    by = By(by)
    with database.snapshot() as session:
        query = select(PeerReview, Case).join(Case, col(PeerReview.case_id) == col(Case.id))
        if archive_id is not None:
            query = query.where(Case.archive_id == archive_id)
        found = list(session.exec(query.order_by(col(PeerReview.id))))
        truths = {truth.case_id: truth for truth in session.exec(select(Adjudication))}
        readers = {reader.number: reader for reader in session.exec(select(RecordedReader))}
    cases: dict[int, tuple[str, list[PeerReview]]] = {}
    for review, case in found:
        day = review.created.date()
        if (since is None or day >= since) and (until is None or day <= until):
            entry = cases.setdefault(review.case_id, (_key(by, case, review, readers), []))
            entry[1].append(review)
    groups: dict[str, list[int]] = defaultdict(list)
    for number, (key, _) in cases.items():
        groups[key].append(number)
    lines = []
    for key, numbers in groups.items():
        outcomes = Counter(verdict(cases[number][1], truths.get(number)) for number in numbers)
        scores = Counter(review.score for number in numbers for review in cases[number][1])
        revised, pending, n = outcomes[Verdict.REVISED], outcomes[Verdict.PENDING], len(numbers)
        rate = wilson(revised, n - pending)
        counts = {score.value: scores[score.value] for score in Radpeer}
        lines.append(SummaryLine(key, n, counts, revised, pending, rate, _sentence(n, revised, pending, rate)))
    return sorted(
        lines, key=lambda line: (not line.key.isdigit(), int(line.key) if line.key.isdigit() else 0, line.key)
    )
