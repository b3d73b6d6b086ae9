"""Who learns: a user of the store, or a guest of a class, known to nobody and found again by a secret of their own."""

from __future__ import annotations

import hashlib
import secrets

from sqlmodel import Session, col, func, select

from core.errors import NotAllowedError, NotFoundError
from core.review.cases import clean
from core.review.people import Action, acting
from core.review.store import Store
from core.review.tables import Learner, Quiz
from core.teaching.quizzes import found_quiz, own_course
from core.teaching.rules import TeachingError

MOST_GUESTS = 200  # of one class
LETTERS = "ACDEFGHJKLMNPQRTUVWXY34679"  # those that nobody takes for one another
CODE_LENGTH = 6
_SECRET_BYTES = 24


def of_user(store: Store, user: int) -> Learner:
    """The learner that a user is; made on the first visit.

    Raises:
        NotAllowedError: the user's roles do not include learning.
    """
    with store.reading() as session:
        acting(session, user, Action.LEARN)
        found = session.exec(select(Learner).where(Learner.user == user)).first()
    if found is not None:
        return found
    with store.writing() as session:
        found = session.exec(select(Learner).where(Learner.user == user)).first()
        if found is None:
            found = Learner(user=user)
            session.add(found)
            session.flush()
        return found


def open_class(store: Store, actor: int, quiz_id: int) -> str:
    """Let a class in: a new code to join by, in place of the one before.

    Raises:
        NotAllowedError: the actor does not teach, or the quiz is another teacher's.
    """
    code = "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))
    with store.writing() as session:
        acting(session, actor, Action.TEACH)
        quiz = found_quiz(session, quiz_id)
        own_course(session, actor, quiz.course_id)
        quiz.code = code
        session.add(quiz)
    return code


def close_class(store: Store, actor: int, quiz_id: int) -> None:
    """Let nobody in any more; who is in may finish."""
    with store.writing() as session:
        acting(session, actor, Action.TEACH)
        quiz = found_quiz(session, quiz_id)
        own_course(session, actor, quiz.course_id)
        quiz.code = None
        session.add(quiz)


def class_of_code(store: Store, code: str) -> Quiz | None:
    """The quiz whose class a code opens; ``None`` when there is none such."""
    wanted = code.strip().upper()
    with store.reading() as session:
        return session.exec(select(Quiz).where(Quiz.code == wanted)).first() if wanted else None


def join(store: Store, code: str, name: str = "") -> tuple[Learner, str]:
    """Take part in a class without an account.

    Args:
        name: what the teacher reads in the list of results; may be made up, and may be empty.

    Returns:
        The learner, and the secret by which they are found again: told this once, kept as a hash.

    Raises:
        TeachingError: no class has this code, or it is full.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    with store.writing() as session:
        wanted = code.strip().upper()
        quiz = session.exec(select(Quiz).where(Quiz.code == wanted)).first() if wanted else None
        if quiz is None:
            raise TeachingError(f"No class has the code {wanted or 'given'}.", "Ask the teacher for today's code.")
        guests = session.exec(select(func.count()).select_from(Learner).where(Learner.quiz_id == quiz.id)).one()
        if guests >= MOST_GUESTS:
            raise TeachingError(f"This class is full: {MOST_GUESTS} have joined.", "Ask the teacher to open another.")
        learner = Learner(quiz_id=quiz.id, name=clean(name).strip()[:60], secret_sha256=_hash(secret))
        session.add(learner)
        session.flush()
    return learner, secret


def guest(store: Store, secret: str) -> Learner | None:
    """The guest of a secret; ``None`` when there is none such."""
    with store.reading() as session:
        return session.exec(select(Learner).where(Learner.secret_sha256 == _hash(secret))).first()


def name_of(learner: Learner, names: dict[int, str]) -> str:
    """What the teacher calls a learner: the user's name, the name a guest gave, or a number."""
    if learner.user is not None:
        return names.get(learner.user, f"User {learner.user}")
    return learner.name or f"Guest {learner.id}"


def found_learner(session: Session, learner_id: int) -> Learner:
    """The learner of an id, who may still learn.

    Raises:
        NotFoundError: there is none. NotAllowedError: the user may no longer learn.
    """
    learner = session.exec(select(Learner).where(col(Learner.id) == learner_id)).first()
    if learner is None:
        raise NotFoundError(f"There is no learner {learner_id}.")
    if learner.user is not None:
        acting(session, learner.user, Action.LEARN)
    elif learner.secret_sha256 is None:
        raise NotAllowedError("This learner belongs to nobody.", "Join the class again.")
    return learner


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
