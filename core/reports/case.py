"""What a report of one case rests on: plain values that a page or the store hands over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.engine.results import HeatMap, Review
from core.errors import ReportError
from core.imaging.study import Series, Study, Window
from core.preprocessing import windows
from core.reports.drawn import DrawnPart
from core.systems import System, system

SOFTWARE = "Overread"
SOFTWARE_VERSION = "0.1.0"
NOTICE = "Research and teaching only. Not a medical device, not for diagnosis or treatment."


@dataclass(frozen=True)
class OpinionLine:
    """One reader's locked answer, as a report shows it: readers appear by number.

    Attributes:
        stage: ``blind`` (before the models were shown), ``final`` (after) or ``open``.
        reader: the reader's number, never a name.
        finding: whether the reader saw a finding.
        label: class of the system, where one was chosen.
        confidence: 0 to 100 %.
        locked_at: moment of locking, with time zone.
        seconds: reading time.
        marks: number of points and boxes set on the image.
        comment: free text of the reader.
    """

    stage: str
    reader: int
    finding: bool
    label: str | None
    confidence: int
    locked_at: datetime
    seconds: float
    marks: int = 0
    comment: str = ""


@dataclass(frozen=True, eq=False)
class CaseReport:
    """Everything a report of one case is made of.

    Attributes:
        study: the de-identified upload.
        series_index: the series that was reviewed.
        review: what the models said about it.
        shown: slice on the reader's screen.
        window: display window on the reader's screen; its ``name`` is printed. ``None`` takes the series' first preset.
        heat_maps: maps that exist; those of other slices than the key slices are left out.
        opinions: locked opinions, oldest first. ``None`` for a case that is not read in second-reader mode; an empty
            tuple is a blind case without a locked opinion, and that one gets no report.
        drawn: what the reader who makes the report measured by hand on this series.
        system_reason: how the system was chosen.
        overruled: the reader chose another system than the automatic one.
        generated_at: moment printed on every page.
    """

    study: Study
    series_index: int
    review: Review
    shown: int
    window: Window | None = None
    heat_maps: tuple[HeatMap, ...] = ()
    opinions: tuple[OpinionLine, ...] | None = None
    drawn: tuple[DrawnPart, ...] = ()
    system_reason: str = ""
    overruled: bool = False
    generated_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if self.opinions == ():
            raise ReportError(
                "This case is still blind: a report would tell the models' answer.",
                "Lock your own opinion first.",
            )
        if self.review.held_back and self.review.ready:
            raise ReportError(
                "The wrong-image gate has stopped this image: a report would show its answers.",
                "Overrule the gate on the Review page first.",
            )
        if not 0 <= self.shown < self.series.slices:
            raise ReportError(f"There is no slice {self.shown + 1} among {self.series.slices}.", "Choose one of them.")
        beyond = [one.slice for one in self.drawn if one.slice > self.series.slices]
        if beyond:
            raise ReportError(f"A measurement lies on slice {beyond[0]}, which is not there.", "Measure this series.")
        if self.series.key != self.review.series_key:
            raise ReportError("The answers belong to another series.", "Let the models read this series first.")

    @property
    def series(self) -> Series:
        """The series that was reviewed."""
        return self.study.series[self.series_index]

    @property
    def declared(self) -> System:
        """Declaration of the system that read it."""
        return system(self.review.system)

    @property
    def display(self) -> Window:
        """Display window of the pictures."""
        return self.window or windows.presets(self.series)[0]

    @property
    def key(self) -> str:
        """Short identifier of the case, from its content."""
        return self.study.sha256[:12]

    @property
    def key_slices(self) -> tuple[int, ...]:
        """Slices that the report shows large: the most suspicious one first, then the one on the screen."""
        return key_slices(self.review, self.shown)


def key_slices(review: Review, shown: int) -> tuple[int, ...]:
    """Slices that a report shows large: the most suspicious one, then the one on the screen."""
    return tuple(dict.fromkeys((review.peak, shown)))
