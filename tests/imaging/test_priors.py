"""Which of two examinations is the earlier one: by the dates that pydicom finds in the files, never by a guess."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pytest
from pydicom.uid import generate_uid

from core import imaging
from core.imaging.priors import Order, beside
from core.imaging.study import Series
from tests.imaging import builders

FIRST, SECOND = generate_uid(entropy_srcs=["first"]), generate_uid(entropy_srcs=["second"])


def files(study: str, folder: str = "", seed: int = 0, **tags: Any) -> list[tuple[str, bytes]]:
    """An MR series of three slices of a study."""
    volume = builders.noise(3, 16, 16, seed=seed)
    return builders.named(
        builders.stack(volume, StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1", **tags), folder
    )


def pair(first: dict[str, Any], second: dict[str, Any]) -> tuple[Series, Series]:
    """The series of two studies that came in one upload."""
    study = imaging.read(files(FIRST, "a/", 1, **first) + files(SECOND, "b/", 2, **second))
    by_pixels = {float(series.pixels[0, 0, 0]): series for series in study.series}
    here, there = (by_pixels[float(builders.noise(3, 16, 16, seed=seed)[0, 0, 0])] for seed in (1, 2))
    return here, there


MAY, MARCH = {"StudyDate": "20260504", "PatientID": "7"}, {"StudyDate": "20260302", "PatientID": "7"}


@pytest.mark.parametrize(
    ("first", "second", "order", "here", "there", "patient"),
    [
        (MAY, MARCH, Order.PRIOR, "current, 2026-05-04", "prior, 2026-03-02", ""),
        (MARCH, MAY, Order.LATER, "earlier, 2026-03-02", "later, 2026-05-04", ""),
        (MAY, MAY, Order.SAME_DATE, "on the screen, 2026-05-04",
         "same date, 2026-05-04: which is earlier is not told", ""),
        (MAY, {"PatientID": "7"}, Order.UNKNOWN, "on the screen, 2026-05-04", "no date in its file", ""),
        ({"PatientID": "7"}, {"PatientID": "7"}, Order.UNKNOWN, "on the screen, no date in its file",
         "no date in its file", ""),
        (MAY, MARCH | {"PatientID": "8"}, Order.PRIOR, "current, 2026-05-04", "prior, 2026-03-02",
         "another patient number"),
        ({"StudyDate": "20260504"}, {"StudyDate": "20260302"}, Order.PRIOR, "current, 2026-05-04", "prior, 2026-03-02",
         "no patient number tells whose it is"),
        # a date that is none is none; the series' own stands in for the study's
        (MAY, {"StudyDate": "20261345", "SeriesDate": "20260101", "PatientID": "7"}, Order.PRIOR, "current, 2026-05-04",
         "prior, 2026-01-01", ""),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Invalid value for VR DA")
def test_what_is_said_of_two_studies(
    first: dict[str, Any], second: dict[str, Any], order: Order, here: str, there: str, patient: str
) -> None:
    found = beside(*pair(first, second))
    assert (found.order, found.here, found.there, found.patient) == (order, here, there, patient)
    assert found.other_study


def test_series_of_one_study_are_no_priors_of_each_other() -> None:
    uid = {"SeriesInstanceUID": f"{FIRST}.2"}
    second = builders.stack(builders.noise(3, 16, 16, seed=2), StudyInstanceUID=FIRST, **uid, **MARCH)
    study = imaging.read(files(FIRST, "a/", 1, **MAY) + builders.named(second, "b/"))
    found = beside(*study.series)
    assert (found.order, found.here, found.there, found.other_study) == (Order.SAME_STUDY, "", "", False)


def test_what_somebody_opens_as_a_prior_is_called_one_only_where_its_date_is_earlier() -> None:
    picture = imaging.read([("a.png", builders.picture(builders.noise(1, 16, 16)[0]))]).series[0]
    other = imaging.read([("b.png", builders.picture(builders.noise(1, 16, 16, seed=3)[0]))]).series[0]
    assert beside(picture, other).order is Order.SAME_STUDY  # two pictures of one upload
    found = beside(picture, other, given=True)
    assert (found.order, found.there) == (Order.UNKNOWN, "opened as prior, no date in its file")
    here, there = pair(MAY, MARCH)
    assert beside(here, there, given=True).there == "prior, 2026-03-02"
    assert beside(there, here, given=True).there == "later, 2026-05-04"
    assert (
        beside(here, here, given=True).there == "opened as prior, same date, 2026-05-04: which is earlier is not told"
    )


def test_a_patient_number_cannot_be_found_by_what_is_kept_of_it() -> None:
    """The same within the process, and nothing that a list of all numbers would bring back."""
    here, there = pair(MAY, MARCH)
    assert here.patient == there.patient
    assert here.examined == date(2026, 5, 4)
    every = {hashlib.sha256(f"{number}".encode()).hexdigest()[:16] for number in range(1000)}
    assert here.patient not in every
    assert str(here.patient) not in repr(here)
