"""What may be laid beside the series on the screen: others of its study, and priors, which are images only."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.imaging import priors
from core.imaging.priors import Beside
from core.imaging.series_names import names_of
from core.imaging.study import Series, Study
from dashboard.kit import words
from dashboard.kit.cases import OpenCase
from dashboard.viewer.component import Pictured

MOST = 4
MOST_PRIORS = 3  # studies that are held at a time: the one that was opened first goes
MOST_PIXELS = 60_000_000  # of one series


@dataclass(frozen=True, eq=False)
class Laid:
    """A series that may be laid beside the one on the screen, its name, and how the two stand to each other."""

    series: Series
    name: str
    said: Beside

    @property
    def words(self) -> str:
        """What is written on it: "prior, 2026-03-02"."""
        return ", ".join(filter(None, (self.said.there, self.said.patient)))

    def pictured(self, case: OpenCase) -> Pictured:
        """For the viewer, with what was measured in it."""
        measured = case.measures.get(self.series.key, ())
        if not self.said.other_study:
            return Pictured(self.series, self.name, measures=measured)
        here = self.said.here + ("\nmodels answer for this one only" if case.jobs else "")
        return Pictured(self.series, self.name, prior=True, said=self.words, here=here, measures=measured)


def of_case(case: OpenCase) -> list[Laid]:
    """Series of other examinations first; of those, the ones that show most like it."""
    here, kept = case.series, case.record is not None
    own = [
        Laid(one, name, priors.beside(here, one))
        for number, (one, name) in enumerate(zip(case.study.series, names(case.study, kept=kept), strict=True))
        if number != case.series_index
    ]
    given = [
        Laid(one, name, priors.beside(here, one, given=not kept))
        for study in case.priors
        for one, name in zip(study.series, names(study, kept=kept), strict=True)
    ]
    found = [one for one in (*given, *own) if not one.series.by_algorithm and one.series.pixels.size <= MOST_PIXELS]

    def unlike(one: Laid) -> tuple[bool, ...]:
        there = one.series
        wanted = case.beside is not None and there.key == case.beside[1]
        return not wanted, not one.said.other_study, there.modality != here.modality, there.plane != here.plane

    return sorted(found, key=unlike)[:MOST]


def names(study: Study, *, kept: bool) -> list[str]:
    """What the series of a study are called. One of the store has its case's number where nothing but a file's name is
    known: that could be looked up among published cases."""
    told = list(names_of(study.series))
    for number, one in enumerate(study.series):
        if told[number] == one.description and (kept or len(study.series) == 1):
            told[number] = study.name + (f", {number + 1} of {len(study.series)}" if len(study.series) > 1 else "")
    return told


def lay(case: OpenCase, key: str) -> None:
    """Have the viewer lay a series beside the one on the screen, once."""
    case.beside = ((case.beside[0] if case.beside else 0) + 1, key)


def add(case: OpenCase, study: Study) -> None:
    """Keep a prior with a case, and have the viewer lay beside it what shows most like the series on the screen."""
    others = [one for one in case.priors if one.sha256 != study.sha256]
    case.priors[:] = [*others[1 - MOST_PRIORS :], study]
    case.beside = (case.beside[0] if case.beside else 0, "")
    mine = {one.key for one in study.series}
    first = next((one for one in of_case(case) if one.series.key in mine), None)
    if first is not None:
        lay(case, first.series.key)


def buttons(case: OpenCase) -> None:
    """One for every series of another examination; nothing where there is none."""
    found = [one for one in of_case(case) if one.said.other_study]
    for one in found:
        st.button(
            f"Beside: {words.plain(one.words)}",
            key=f"beside-{case.key}-{case.series_index}-{one.series.key}",
            icon=":material/compare:",
            help=f"{words.plain(one.name)}. Linked to the picture on the screen; models answer for that one only.",
            on_click=lay,
            args=(case, one.series.key),
        )
