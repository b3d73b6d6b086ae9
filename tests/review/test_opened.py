"""Cases of one patient: which they are, and what only their rows tell of the examination."""

from __future__ import annotations

from datetime import date

from core.imaging.priors import Order, beside
from core.review import Store
from core.review.opened import opened
from tests.imaging import builders
from tests.review.casebook import archive, case


def picture(seed: int) -> bytes:
    return builders.picture(builders.noise(1, 32, 32, seed=seed)[0])


def test_other_examinations_of_a_patient_the_latest_first(store: Store) -> None:
    place, elsewhere = archive(store), archive(store, "Elsewhere")
    days = ("2026-03-02", "2026-05-04", None)
    mine = [case(store, place, picture(n), patient="P-1", study_date=day).id for n, day in enumerate(days)]
    case(store, place, picture(5), patient="P-2", study_date="2026-05-04")
    case(store, elsewhere, picture(6), patient="P-1", study_date="2026-05-04")
    nobody = [case(store, place, picture(n)).id for n in (7, 8)]
    assert [one.id for one in store.of_patient(mine[0] or 0)] == [mine[1], mine[2]]
    assert [one.id for one in store.of_patient(mine[2] or 0)] == [mine[1], mine[0]]
    assert store.of_patient(nobody[0] or 0) == []  # no patient is told, which does not make them one


def test_a_picture_has_its_date_and_patient_from_its_row(sqlite_store: Store) -> None:
    place, series = archive(sqlite_store), []
    for seed, (patient, day) in enumerate((("P-1", "2026-05-04"), ("P-1", "2026-03-02"), ("P-2", None))):
        found = case(sqlite_store, place, picture(seed), patient=patient, study_date=day)
        series.append(opened(sqlite_store, found).study.series[0])
    assert [one.examined for one in series] == [date(2026, 5, 4), date(2026, 3, 2), None]
    said = beside(series[0], series[1])
    assert (said.order, said.there, said.patient) == (Order.PRIOR, "prior, 2026-03-02", "")
    said = beside(series[0], series[2])
    assert (said.order, said.patient) == (Order.UNKNOWN, "another patient number")
