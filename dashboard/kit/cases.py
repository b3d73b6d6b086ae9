"""The cases of one browser session: kept in memory only, bounded, never written to disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import streamlit as st

from core.engine.pair import PairAnswer
from core.engine.results import GateVerdict, HeatMap, Review
from core.engine.shared_runs import Watch
from core.engine.uncertainty import Uncertainty
from core.errors import OverreadError
from core.imaging.study import Series, SourceKind, Study
from core.review.tables import Opinion
from core.systems import Match
from dashboard.kit import room

MAX_CASES = 6
MAX_BYTES = 768 * 1024 * 1024
MAX_HEAT_MAPS = 96


@dataclass(eq=False)
class OpenCase:
    """One study on the Review page, with what was chosen and what the models said.

    ``originals`` are the uploaded files of a DICOM study: they alone still name the patient, and are kept for nothing
    but the DICOM objects that the user takes away.
    """

    study: Study
    match: Match
    system: str | None
    series_index: int
    jobs: dict[tuple[str, int], Watch] = field(default_factory=dict)
    chosen_slices: dict[int, int] = field(default_factory=dict)
    moves: int = 0  # how often the page has sent the reader to a slice: the viewer follows each once
    measures: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # drawn in the viewer, by the series' key
    keep: Callable[[str, list[dict[str, Any]]], object] | None = None  # takes what was drawn in a series to the store
    priors: list[Study] = field(default_factory=list)  # laid beside it as priors, images only
    beside: tuple[int, str] | None = None  # how often the page has laid a series there, and the last one's key
    unkept: OverreadError | None = None  # why it could not take the last ones
    heat_maps: OrderedDict[tuple[object, ...], HeatMap] = field(default_factory=OrderedDict)
    originals: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    spreads: dict[tuple[str, int, int], Uncertainty] = field(default_factory=dict)  # by system, series and slice
    pairs: dict[tuple[str, int, int, str], PairAnswer] = field(default_factory=dict)  # likewise
    overruled_gates: dict[tuple[str, int], str] = field(default_factory=dict)  # when the reviewer opened the gate
    sample: str | None = None  # name of the built-in sample in the address
    token: str | None = None  # by which the address finds an upload again
    around: tuple[bool, ...] | None = None  # how the review stood when what is around the desk was drawn
    looked_over: bool = False  # that it stands otherwise was seen, and what is beside it drawn
    truth_on: bool = False  # whether the reference mask is shown from the beginning
    record: int | None = None  # number in the store, of a case that was opened from there
    _shown: tuple[Review, bool, Review] | None = None  # a review as it was made, whether overruled, and as it is shown
    opinions: tuple[Opinion, ...] | None = None  # locked ones that reports may print; None for no case of the store

    @property
    def key(self) -> str:
        """Short identifier from the content."""
        return self.study.sha256[:12]

    @property
    def series(self) -> Series:
        """The series being looked at."""
        return self.study.series[self.series_index]

    @property
    def measured(self) -> list[dict[str, Any]]:
        """What was drawn in the series on the screen."""
        return self.measures.get(self.series.key, [])

    def measure(self, series: str, found: list[dict[str, Any]]) -> None:
        """Take all that is drawn in a series, by its key; what cannot be kept stays on the screen, and why is noted."""
        if self.unkept is None and self.measures.get(series, []) == found:
            return
        self.measures[series] = found
        self.unkept = None
        if self.keep is not None:
            try:
                self.keep(series, found)
            except OverreadError as error:
                self.unkept = error

    @property
    def overruled(self) -> bool:
        """True when the reviewer chose another system than the automatic one."""
        return self.system != self.match.system

    @property
    def job(self) -> Watch | None:
        """The review of the series on the screen, begun or done; perhaps one that other sessions look at too."""
        return self.jobs.get((self.system, self.series_index)) if self.system else None

    @property
    def review(self) -> Review | None:
        """The review of the series on the screen, as far as it has come (:attr:`Review.complete`); without its answers
        while the gate holds them back, ``None`` before the gate has spoken."""
        found = self.job.review if self.job else None
        if found is None:
            return None
        overruled = self.gate_key in self.overruled_gates
        if self._shown is None or self._shown[0] is not found or self._shown[1] != overruled:
            self._shown = found, overruled, found.shown(overruled=overruled)
        return self._shown[2]

    @property
    def verdict(self) -> GateVerdict | None:
        """What the wrong-image gate says about the series on the screen, once it has been asked."""
        found = self.job.review if self.job else None
        return found.gate if found else None

    @property
    def held_back(self) -> bool:
        """True while the gate has stopped the image and nobody has overruled it."""
        return self.review is not None and self.review.held_back

    @property
    def gate_key(self) -> tuple[str, int]:
        """What an overruling is good for: this system on this series, nothing else."""
        return self.system or "", self.series_index

    @property
    def closed(self) -> bool:
        """Whether it was let go to make room."""
        return not self.study.series

    def close(self) -> None:
        """Let everything go that takes memory, whoever still holds the case."""
        for job in self.jobs.values():
            job.stop()
        self.study, self.originals, self._shown = replace(self.study, series=()), (), None
        self.priors, self.beside = [], None
        for held in (self.jobs, self.heat_maps, self.spreads, self.pairs):
            held.clear()

    def go_on(self, before: OpenCase) -> None:
        """Take over what the reader did in the same case, where that was let go: it takes next to no memory."""
        if before.closed:
            self.measures, self.chosen_slices = before.measures, before.chosen_slices

    def remember(self, key: tuple[object, ...], heat: HeatMap) -> HeatMap:
        """Keep a heat map; the oldest goes when there are too many."""
        self.heat_maps[key] = heat
        while len(self.heat_maps) > MAX_HEAT_MAPS:
            self.heat_maps.popitem(last=False)
        return heat

    def replace_series(self, series: Series) -> None:
        """Put a changed series (one with a reference mask) in place of the one on the screen."""
        every = list(self.study.series)
        every[self.series_index] = series
        self.study = replace(self.study, series=tuple(every))

    @property
    def arrays(self) -> list[np.ndarray]:
        """All that takes memory but the files: pixels, masks, answers and heat maps."""
        found = [held for study in (self.study, *self.priors) for one in study.series for held in one.arrays]
        found += [heat.values for heat in self.heat_maps.values() if heat.values is not None]
        reviews = [job.review for job in self.jobs.values()]
        results = [result for review in reviews if review is not None for result in review.results]
        found += [held for one in results for held in (one.mask, one.mask_probability) if held is not None]
        return found

    @property
    def nbytes(self) -> int:
        """Memory of the arrays and of the files that were kept."""
        return sum(len(data) for _, data in self.originals) + sum(int(held.nbytes) for held in self.arrays)


def recent() -> list[OpenCase]:
    """Cases of this session, the latest first."""
    return list(reversed(_cases().values()))


def current() -> OpenCase | None:
    """The case on the Review page."""
    case = _cases().get(st.session_state.get("case", ""))
    if case is not None:
        room.settle(case, drop_oldest)
    return case


def open_case(study: Study, match: Match, files: Sequence[tuple[str, bytes]] = ()) -> OpenCase:
    """Make a study the current case; stop what the previous one had under way; drop the oldest when memory is full.

    Args:
        files: the files it was read from; kept in memory only when they are DICOM.
    """
    leave()
    cases = _cases()
    kept = tuple(files) if study.source is SourceKind.DICOM else ()
    case = OpenCase(study=study, match=match, system=match.system, series_index=match.series_index, originals=kept)
    before = st.session_state.get("cases-let-go", {}).pop(case.key, None)
    if before is not None:
        case.go_on(before)
    cases[case.key] = case
    select(case.key)
    while (len(cases) > MAX_CASES or sum(c.nbytes for c in cases.values()) > MAX_BYTES) and drop_oldest():
        pass
    room.watch(case)
    return case


def drop_oldest() -> bool:
    """Let go this session's oldest case but the one on the screen; false when there is none."""
    cases = _cases()
    for key in cases:
        if key != st.session_state.get("case", ""):
            cases.pop(key).close()
            return True
    return False


def make_room() -> bool:
    """Let go this session's oldest case, at last the one on the screen too; false when there is none."""
    if drop_oldest():
        return True
    st.session_state.pop("case", None)
    return drop_oldest()


def select(key: str) -> None:
    """Come back to a case of this session."""
    _cases().move_to_end(key)
    st.session_state["case"] = key


def delete(case: OpenCase) -> None:
    """Let go a case of this session, with what was done in it."""
    _cases().pop(case.key, None)
    st.session_state.get("cases-let-go", {}).pop(case.key, None)
    if st.session_state.get("case") == case.key:
        del st.session_state["case"]
    case.close()


def leave() -> None:
    """Stop the running reviews of the current case."""
    case = current()
    for job in case.jobs.values() if case else ():
        job.stop()


def _cases() -> OrderedDict[str, OpenCase]:
    if "cases" not in st.session_state:
        st.session_state["cases"] = OrderedDict()
    cases: OrderedDict[str, OpenCase] = st.session_state["cases"]
    for key in [key for key, case in cases.items() if case.closed]:
        st.session_state.setdefault("cases-let-go", {})[key] = cases.pop(key)
    return cases
