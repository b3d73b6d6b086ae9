"""What a learner may be shown. The one place that decides; pages only ask."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from core.errors import BlindingError
from core.imaging.study import Study
from core.memory import GiveWay
from core.review.store import Store
from core.review.tables import Attempt, ItemScore, PlantedAnswer, QuizAnswer, QuizItem
from core.teaching import planted
from core.teaching.attempts import own
from core.teaching.material import Material, material
from core.teaching.quizzes import found_item, found_quiz
from core.teaching.rules import Models, Rules, Stage
from core.teaching.telling import answers, told

_REMEDY = "Answer it first."


@dataclass(frozen=True, eq=False)
class Shown:
    """A case with its truth, for a learner who has answered it.

    Attributes:
        answers: the learner's own, alone first. material: images and truth. models: whether theirs may be shown too.
        planted: what a made-up AI said of it; ``None`` where there was none.
    """

    item: QuizItem
    answers: tuple[QuizAnswer, ...]
    material: Material
    models: bool
    place: int
    total: int
    planted: PlantedAnswer | None = None


def images(
    store: Store, learner_id: int, attempt_id: int, item_id: int, give_way: GiveWay | None = None
) -> tuple[Study, int]:
    """The images of a case of one's own attempt, and which series is read: no truth, no remark, no name that tells."""
    with store.reading() as session:
        made = own(session, learner_id, attempt_id)
        item = _of(session, made, item_id)
    found = material(store, item.source, item.place, give_way)
    return found.blind(f"Case {made.sequence.index(item_id) + 1}"), found.series_index


def truth(store: Store, learner_id: int, attempt_id: int, item_id: int, give_way: GiveWay | None = None) -> Shown:
    """A case with its truth.

    Raises:
        BlindingError: it is not answered, or the quiz tells the truth at its end and is not finished.
        NotFoundError: no such attempt of the learner's.
    """
    with store.reading() as session:
        made = own(session, learner_id, attempt_id)
        item, rules = _of(session, made, item_id), Rules.of(found_quiz(session, made.quiz_id).rules)
        given = answers(session, attempt_id)
        mine = tuple(given[item_id, stage] for stage in rules.stages if (item_id, stage) in given)
        if not told(made, rules, mine):
            raise BlindingError("The truth of this case is not shown to you yet.", _REMEDY)
        made_up = planted.of_item(session, item_id)
    found = material(store, item.source, item.place, give_way)
    return Shown(item, mine, found, rules.asks_models, made.sequence.index(item_id) + 1, len(made.sequence), made_up)


def models_allowed(store: Store, learner_id: int, attempt_id: int, item_id: int) -> bool:
    """Whether the models' answers may be shown now: as the quiz says."""
    with store.reading() as session:
        made = own(session, learner_id, attempt_id)
        _of(session, made, item_id)
        rules, given = Rules.of(found_quiz(session, made.quiz_id).rules), answers(session, attempt_id)
    if not rules.asks_models:
        return False
    if rules.models is Models.AT_ONCE:
        return True
    if rules.models is Models.SECOND:
        return (item_id, Stage.ALONE) in given
    mine = [given[item_id, stage] for stage in rules.stages if (item_id, stage) in given]
    return rules.models is Models.WITH_TRUTH and told(made, rules, mine)


def scores(store: Store, learner_id: int, attempt_id: int, item_id: int) -> list[ItemScore]:
    """What models said about a case, for a learner who may see it.

    Raises:
        BlindingError: not yet, or never in this quiz.
    """
    if not models_allowed(store, learner_id, attempt_id, item_id):
        raise BlindingError("The models' answers on this case are not shown to you.", _REMEDY)
    with store.reading() as session:
        return list(session.exec(select(ItemScore).where(ItemScore.item_id == item_id).order_by(col(ItemScore.id))))


def planted_answer(store: Store, learner_id: int, attempt_id: int, item_id: int) -> PlantedAnswer | None:
    """What the made-up AI says of a case, for the second answer; ``None`` in a quiz that has none.

    Raises:
        BlindingError: the learner's own answer is not locked yet.
    """
    with store.reading() as session:
        _of(session, own(session, learner_id, attempt_id), item_id)
        if (item_id, Stage.ALONE) not in answers(session, attempt_id):
            raise BlindingError("This answer is not shown to you yet.", _REMEDY)
        return planted.of_item(session, item_id)


def _of(session: Session, made: Attempt, item_id: int) -> QuizItem:
    if item_id not in made.sequence:
        raise BlindingError("This case is not in your quiz.", "Open the quiz again from your page.")
    return found_item(session, item_id)
