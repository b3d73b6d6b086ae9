"""Which of two series of a patient is the earlier one, as far as their files tell; nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from pydicom import Dataset

from core.imaging.study import Series

# When the examination began, else when its series and images were made (PS3.3 C.7.2.1, C.7.3.1, C.7.6.1).
_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")


class Order(StrEnum):
    """How another series stands to the one on the screen."""

    SAME_STUDY = "same study"
    PRIOR = "prior"
    LATER = "later"
    SAME_DATE = "same date"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Beside:
    """What is said of two series that are laid beside each other.

    Attributes:
        order: how the other one stands to the one on the screen.
        here, there: what is written on the one on the screen and on the other; empty for two series of one study.
        patient: why the other one may be somebody else's; empty where the patient numbers agree.
    """

    order: Order
    here: str = ""
    there: str = ""
    patient: str = ""

    @property
    def other_study(self) -> bool:
        """Whether they are of two examinations."""
        return self.order is not Order.SAME_STUDY


def beside(here: Series, there: Series, *, given: bool = False) -> Beside:
    """What to say when another series is laid beside the one on the screen.

    Args:
        here: the one on the screen. there: the other.
        given: whether somebody opened the other one as a prior; then it is of another study, whatever its files say.
    """
    if not given and (here.study is None or there.study is None or here.study == there.study):
        return Beside(Order.SAME_STUDY)
    first, second = here.examined, there.examined
    if first is None or second is None:
        missing = "no date in its file"
        said = f"opened as prior, {second or missing}" if given else str(second or missing)
        found = Beside(Order.UNKNOWN, f"on the screen, {first or missing}", said)
    elif first == second:
        said = f"same date, {second}: which is earlier is not told"
        found = Beside(Order.SAME_DATE, f"on the screen, {first}", f"opened as prior, {said}" if given else said)
    elif second < first:
        found = Beside(Order.PRIOR, f"current, {first}", f"prior, {second}")
    else:
        found = Beside(Order.LATER, f"earlier, {first}", f"later, {second}")
    return Beside(found.order, found.here, found.there, _whose(here, there))


def _whose(here: Series, there: Series) -> str:
    if here.patient is None or there.patient is None:
        return "no patient number tells whose it is"
    return "" if here.patient == there.patient else "another patient number"


def date_of(header: Dataset) -> date | None:
    """The day of an examination by its header; ``None`` where no valid one stands there."""
    for keyword in _DATES:
        text = str(header.get(keyword, "") or "").strip()
        try:
            return datetime.strptime(text.replace(".", ""), "%Y%m%d").date()
        except ValueError:
            continue
    return None
