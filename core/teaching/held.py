"""Images that wait for a learner's answer: no model may answer on them, wherever else they are opened."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import numpy as np
from sqlmodel import Session, col, or_, select

from core.imaging.study import Study
from core.review.kept.looks import looks, near, reduced, same, variants
from core.review.people import LOCAL_NUMBER
from core.review.store import Store
from core.review.tables import Attempt, Learner, Quiz, QuizItem
from core.review.vocabulary import now
from core.teaching import studies
from core.teaching.material import material
from core.teaching.telling import untold

MOST_KNOWN = 4000
GUESTS = timedelta(days=1)  # how long who is in a closed class may take to finish
_known: dict[tuple[str, int, str], bool] = {}


def in_quiz(store: Store, user: int, study: Study) -> bool:
    """Whether a study shows a case of a quiz that the user has begun and not been told the truth of, or of a reader
    study that the user still has sessions in.

    The same series, the same picture in another wrapping, or the same picture saved again, as for a second reader.
    Where nobody signs in, guests of a class that is under way, or was joined within a day, count as the local user.
    """
    with store.reading() as session:
        items = _waiting(session, user)
    if not items:
        return False
    keys = {series.key for series in study.series}
    if any(keys & set(item.details.get("series_keys", ())) for item in items):
        return True
    return _any_alike(store, items, study.sha256, [plane for series in study.series for plane in series.pixels])


def picture_in_quiz(store: Store, user: int, plane: np.ndarray) -> bool:
    """The same of a single picture, ``(height, width)``, of a gallery or a showcase."""
    with store.reading() as session:
        items = _waiting(session, user)
    if not items:
        return False
    return _any_alike(store, items, hashlib.sha256(np.ascontiguousarray(plane).tobytes()).hexdigest(), [plane])


def _any_alike(store: Store, items: list[QuizItem], name: str, planes: list[np.ndarray]) -> bool:
    mine = [seen for plane in planes for seen in variants(plane)]
    hashes = looks(mine)
    return any(_alike(store, item, name, mine, hashes) for item in items)


def _waiting(session: Session, user: int) -> list[QuizItem]:
    mine = col(Learner.user) == user
    if user == LOCAL_NUMBER:
        under_way = col(Quiz.code).is_not(None) | (col(Attempt.started) > now() - GUESTS)
        mine = or_(mine, col(Learner.user).is_(None) & under_way)
    numbers = untold(session, mine)
    for learner in session.exec(select(Learner.id).where(Learner.user == user)):
        numbers |= studies.held(session, learner or 0)
    return list(session.exec(select(QuizItem).where(col(QuizItem.id).in_(numbers))))


def _alike(store: Store, item: QuizItem, name: str, mine: list[np.ndarray], hashes: list[str]) -> bool:
    """Whether a case of a quiz shows what a study or picture does; looked at once, since every click asks."""
    key = (str(store.engine.url), item.id or 0, name)
    if key not in _known:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[key] = near(hashes, item.details.get("looks", ())) and _shows(store, item, mine, hashes)
    return _known[key]


def _shows(store: Store, item: QuizItem, mine: list[np.ndarray], hashes: list[str]) -> bool:
    """Where the hashes are near, the pictures themselves decide."""
    found = material(store, item.source, item.place)
    stored = [reduced(plane) for series in found.study.series for plane in series.pixels]
    pairs = [
        (seen, a, other, b)
        for seen, a in zip(mine, hashes, strict=True)
        for other, b in zip(stored, looks(stored), strict=True)
    ]
    return any(near([a], [b]) and same(seen, other) for seen, a, other, b in pairs)
