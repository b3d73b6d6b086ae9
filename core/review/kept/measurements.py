"""What readers measure in the images of a case: their own from the first line on, locked with their opinions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, select

from core.errors import StoreError
from core.review.blinding import released
from core.review.canonical import canonical
from core.review.cases import clean, found_case
from core.review.database import Database
from core.review.people import Action, acting, allowed
from core.review.tables import Arbitration, Case, MeasurementSet, Opinion
from core.review.trail import decide
from core.review.vocabulary import LATER, Stage, now

MOST_LETTERS = 64  # of a series' key
_ORDER = (Stage.BLIND.value, Stage.OPEN.value, Stage.FINAL.value, LATER)


class Measurements(Database):
    """Measurements by reader and series.

    A set belongs to the opinion that the reader is forming: while that one is open the set follows every change, and
    with the opinion it is closed. What is changed afterwards goes into a set of the next stage, so what was measured
    before the models' answers were shown can always be told.
    """

    def keep_measurements(
        self, case_id: int, reader: int, series: str, content: Sequence[Mapping[str, Any]]
    ) -> MeasurementSet | None:
        """Keep all that a reader has measured in a series of a case, in place of what there was.

        Args:
            series: the series' key. content: the measurements, see ``MeasurementSet``.

        Returns:
            The set; ``None`` where nothing has changed.

        Raises:
            NotAllowedError: the user may not look at cases.
            StoreError: the series has no such key, or the store cannot be written to.
        """
        try:
            kept = json.loads(canonical([dict(one) for one in content]))
        except (TypeError, ValueError):
            kept = None
        if kept is None or not series or len(series) > MOST_LETTERS or clean(series) != series:
            raise StoreError("These are no measurements of a series.", "Open the case again and measure anew.")
        with self.writing() as session:
            acting(session, reader, Action.VIEW)
            case = found_case(session, case_id)
            stage = _stage(session, case, reader)
            sets = {one.stage: one for one in _own(session, case_id, reader) if one.series == series}
            latest = next((sets[name] for name in reversed(_ORDER) if name in sets), None)
            if kept == (latest.content if latest is not None else []):
                return None
            row = sets.get(stage) or MeasurementSet(case_id=case_id, reader=reader, series=series, stage=stage)
            row.content, row.saved = kept, now()
            # not how many there are: the trail is read by people who have not read the case
            decide(session, reader, "measurements.kept", f"case:{case_id}", row, stage=stage)
            return row

    def measurements(self, case_id: int, reader: int) -> dict[str, list[dict[str, Any]]]:
        """The reader's own measurements of a case as they stand, by the key of their series."""
        with self.reading() as session:
            acting(session, reader, Action.VIEW)
            found_case(session, case_id)
            return _standing(_own(session, case_id, reader))

    def measured_by_others(self, case_id: int, reader: int) -> dict[int, dict[str, list[dict[str, Any]]]]:
        """What others measured in a case, by their number and series; nothing before their opinions may be seen.

        A set counts once an opinion of its reader is locked with it; what is measured later is its reader's alone.
        An arbiter sees those of a case in the queue, as the opinions.
        """
        with self.reading() as session:
            user, case = acting(session, reader, Action.VIEW), found_case(session, case_id)
            queued = session.exec(select(Arbitration).where(Arbitration.case_id == case_id)).first() is not None
            if not released(session, case, reader) and not (queued and allowed(user, Action.ARBITRATE)):
                return {}
            locked = {
                (one.reader, one.stage) for one in session.exec(select(Opinion).where(Opinion.case_id == case_id))
            }
            query = select(MeasurementSet).where(MeasurementSet.case_id == case_id, MeasurementSet.reader != reader)
            found: dict[int, list[MeasurementSet]] = {}
            for one in session.exec(query.order_by(col(MeasurementSet.reader))):
                if (one.reader, one.stage) in locked:
                    found.setdefault(one.reader, []).append(one)
        return {number: _standing(sets) for number, sets in found.items()}


def _own(session: Session, case_id: int, reader: int) -> list[MeasurementSet]:
    query = select(MeasurementSet).where(MeasurementSet.case_id == case_id, MeasurementSet.reader == reader)
    return list(session.exec(query.order_by(col(MeasurementSet.id))))


def _standing(sets: Sequence[MeasurementSet]) -> dict[str, list[dict[str, Any]]]:
    """The latest set of each series, without those that were emptied."""
    ordered = sorted(sets, key=lambda one: _ORDER.index(one.stage))
    return {series: content for series, content in {one.series: one.content for one in ordered}.items() if content}


def _stage(session: Session, case: Case, reader: int) -> str:
    """The opinion that the reader is forming; ``LATER`` when there is none left to form."""
    if not released(session, case, reader):
        locked = select(Opinion).where(Opinion.case_id == case.id, Opinion.reader == reader)
        # locked, but waiting for another case that shares images: what is measured now is no part of it any more
        return Stage.BLIND.value if session.exec(locked.limit(1)).first() is None else Stage.FINAL.value
    done = set(session.exec(select(Opinion.stage).where(Opinion.case_id == case.id, Opinion.reader == reader)))
    following = Stage.FINAL if Stage.BLIND.value in done else Stage.OPEN
    return LATER if following.value in done else following.value
