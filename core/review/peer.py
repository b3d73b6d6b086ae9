"""Peer review of recorded diagnoses, arbitration, and what they add up to. Readers appear by number, without blame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import col, select

from core.errors import AlreadyLockedError, NotAllowedError, NotFoundError, StoreError
from core.review.cases import advance, clean, found_case
from core.review.opinions import checked_marks, need_opinion
from core.review.people import LOCAL_NUMBER, Action, People, acting
from core.review.tables import Adjudication, Arbitration, Case, Opinion, PeerReview
from core.review.trail import decide, record
from core.review.vocabulary import CaseState, Radpeer, Sided, now


class Peer(People):
    """Peer reviews, the arbitration queue, and the arbiters' truth."""

    def peer_review(self, case_id: int, reader: int, score: Radpeer, comment: str = "") -> PeerReview:
        """Score a recorded diagnosis; 2b, 3a and 3b queue the case for arbitration.

        Raises:
            AlreadyLockedError: this reader has scored it.
            NotAllowedError: no reviewer, or no opinion locked yet.
            StoreError: nothing is recorded to compare with.
        """
        score = Radpeer(score)
        with self.writing() as session:
            acting(session, reader, Action.PEER_REVIEW)
            case = found_case(session, case_id)
            need_opinion(session, case_id, reader)
            if case.recorded_finding is None and not case.recorded_label and not case.recorded_text:
                raise StoreError("The case has no recorded diagnosis to score.")
            mine = select(PeerReview).where(PeerReview.case_id == case_id, PeerReview.reader == reader)
            if session.exec(mine).first():
                raise AlreadyLockedError("You have scored this recorded diagnosis already.")
            review = PeerReview(case_id=case_id, reader=reader, score=score.value, comment=clean(comment))
            record(session, reader, "peer_review.locked", f"case:{case_id}", review, score=score.value)
            queued = session.exec(select(Arbitration).where(Arbitration.case_id == case_id)).first()
            if score.to_arbitration and queued is None:
                opened = Arbitration(case_id=case_id, peer_review_id=review.id or 0)
                advance(case, CaseState.ARBITRATION)
                decide(session, reader, "arbitration.opened", f"case:{case_id}", opened, peer_review=review.id)
            return review

    def peer_reviews(self, case_id: int) -> list[PeerReview]:
        """Peer reviews of a case, oldest first."""
        with self.reading() as session:
            query = select(PeerReview).where(PeerReview.case_id == case_id).order_by(col(PeerReview.id))
            return list(session.exec(query))

    def arbitration_queue(self, archive_id: int | None = None) -> list[Arbitration]:
        """Cases waiting for an arbiter, oldest first."""
        query = select(Arbitration).where(col(Arbitration.closed).is_(None)).order_by(col(Arbitration.id))
        if archive_id is not None:
            cases = select(Case.id).where(Case.archive_id == archive_id)
            query = query.where(col(Arbitration.case_id).in_(cases))
        with self.reading() as session:
            return list(session.exec(query))

    def adjudicate(
        self,
        case_id: int,
        arbiter: int,
        *,
        finding: bool,
        label: str | None,
        sided: Sided,
        marks: Sequence[Mapping[str, Any]] = (),
        comment: str = "",
    ) -> Adjudication:
        """Keep an arbiter's truth on a queued case.

        Raises:
            AlreadyLockedError: another arbiter was first.
            NotAllowedError: no arbiter, or one who has read the case (only the single local user may do both; the
                truth is then marked as not independent).
            NotFoundError: the case is not in the queue.
        """
        with self.writing() as session:
            acting(session, arbiter, Action.ARBITRATE)
            case = found_case(session, case_id)
            queued = session.exec(select(Arbitration).where(Arbitration.case_id == case_id)).first()
            if queued is None:
                raise NotFoundError("The case does not wait for arbitration.")
            if queued.closed is not None:
                raise AlreadyLockedError("The case is arbitrated already.")
            read = select(Opinion).where(Opinion.case_id == case_id, Opinion.reader == arbiter)
            independent = session.exec(read.limit(1)).first() is None
            alone = arbiter == LOCAL_NUMBER and self._signed_in_users(session) == 0
            if not independent and not alone:
                raise NotAllowedError("You have read this case.", "Another arbiter must decide.")
            truth = Adjudication(
                arbitration_id=queued.id or 0,
                case_id=case_id,
                arbiter=arbiter,
                finding=bool(finding),
                label=None if label is None else clean(label),
                sided=Sided(sided).value,
                independent=independent,
                marks=checked_marks(marks),
                comment=clean(comment),
            )
            queued.closed = now()
            record(session, arbiter, "case.adjudicated", f"case:{case_id}", truth, queued, sided=truth.sided)
            advance(case, CaseState.ADJUDICATED)
            return truth

    def adjudication(self, case_id: int) -> Adjudication | None:
        """The arbiter's truth on a case."""
        with self.reading() as session:
            return session.exec(select(Adjudication).where(Adjudication.case_id == case_id)).first()

    def adjudications(self, archive_id: int) -> list[Adjudication]:
        """Truths of an archive, oldest first: for teaching, and to judge the ranking."""
        with self.reading() as session:
            query = select(Adjudication).join(Case, col(Adjudication.case_id) == col(Case.id))
            return list(session.exec(query.where(Case.archive_id == archive_id).order_by(col(Adjudication.id))))
