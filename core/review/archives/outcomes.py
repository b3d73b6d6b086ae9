"""What the reads found, case by case, and the curve of reads per miss that they correct."""

from __future__ import annotations

from sqlmodel import col, select

from core.review.archives.scoring import Installed
from core.review.archives.sums import HELD_BACK, sums_tell
from core.review.archives.yields import YieldCurve, yield_curve
from core.review.store import Store
from core.review.tables import Adjudication, Case, Opinion, PeerReview
from core.review.vocabulary import Radpeer, Sided, Stage

_AGAINST_RECORD = (Sided.REVIEWER.value, Sided.NEITHER.value)


def outcomes(store: Store, archive_id: int) -> dict[int, bool]:
    """Whether a finished read found a relevant miss, by case; cases that nobody finished are left out.

    An arbiter's decision counts before everything. Without one, a RADPEER score of 2b, 3a or 3b is a miss (until an
    arbiter says otherwise) and 1 or 2a is none. Without a score, a final opinion that agrees with the record is a read
    without a miss; one that disagrees waits for its score.
    """
    found: dict[int, bool] = {}
    with store.reading() as session:
        here = select(Case.id).where(Case.archive_id == archive_id)
        final = select(Opinion.case_id, Opinion.finding, Case.recorded_finding).join(
            Case, col(Opinion.case_id) == col(Case.id)
        )
        final = final.where(
            col(Opinion.case_id).in_(here), col(Opinion.stage).in_([Stage.FINAL.value, Stage.OPEN.value])
        )
        opinions: dict[int, list[bool]] = {}
        for case, finding, recorded in session.exec(final):
            opinions.setdefault(case, []).append(recorded is not None and finding == recorded)
        found |= {case: False for case, agrees in opinions.items() if all(agrees)}
        scores: dict[int, list[bool]] = {}
        reviews = select(PeerReview.case_id, PeerReview.score).where(col(PeerReview.case_id).in_(here))
        for case, score in session.exec(reviews):
            scores.setdefault(case, []).append(Radpeer(score).to_arbitration)
        found |= {case: any(misses) for case, misses in scores.items()}
        truths = select(Adjudication.case_id, Adjudication.sided).where(col(Adjudication.case_id).in_(here))
        found |= {case: sided in _AGAINST_RECORD for case, sided in session.exec(truths)}
    return found


def archive_yield(store: Store, archive_id: int, models: Installed, reader: int | None = None) -> YieldCurve:
    """The curve "reads needed to find one relevant miss" along the ranking, updated by all finished reads.

    Only cases with a recorded diagnosis are on it: where nothing is recorded, nothing was missed.

    Args:
        reader: who is to see it. While a case is blind for that reader, the curve stands at the ends of tenths only,
            and there is none where it would tell of single cases; without a reader it is for the store's owner.
    """
    ranked = [
        (d.value, d.case_id, d.details["probability"])
        for d in store.machine_discrepancies(archive_id)
        if d.models == models.fingerprint and d.details.get("probability") is not None
    ]
    ranked.sort(key=lambda entry: (-entry[0], entry[1]))
    if reader is not None and sums_tell(store, archive_id, models, reader, {case for _, case, _ in ranked}):
        return YieldCurve((), (), 0, 0, 0.0, float("nan"), HELD_BACK)
    found = outcomes(store, archive_id)
    open_cases = None if reader is None else store.revealed(archive_id, reader)
    blind = None if open_cases is None else [case not in open_cases for _, case, _ in ranked]
    return yield_curve([p for _, _, p in ranked], [found.get(case) for _, case, _ in ranked], blind=blind)
