"""The whole analysis of a reader study: for other readers and cases, for other cases, for other readers; and without
the model of the analysis of variance."""

from __future__ import annotations

from dataclasses import dataclass

from core.evidence.readings import Readings
from core.statistics import Interval
from core.statistics.multireader import reader_bootstrap, reader_study, split_plot
from core.statistics.multireader.reader_study import ReaderStudy, To

METHOD = "Obuchowski-Rockette with Hillis' degrees of freedom; covariances by DeLong"


@dataclass(frozen=True)
class Analysis:
    """What a study came to.

    Attributes:
        studies: one for each of ``To``, in its order. drawn: each difference of the first of them, readers and cases
            drawn anew. blocks: 1 for a fully crossed study.
    """

    studies: tuple[ReaderStudy, ...]
    drawn: tuple[Interval, ...]
    blocks: int


def analyse(readings: Readings) -> Analysis:
    """Compare the arms of a study by their areas under the ROC curve.

    Raises:
        OverreadError: fewer than two arms or readers, or two cases of a class.
    """
    figures, covariance = split_plot.areas(readings.truth, readings.ratings)
    studies = tuple(reader_study.compare(figures, covariance, to) for to in To)
    drawn = tuple(
        reader_bootstrap.area_difference(readings.truth, readings.ratings, gap.first, gap.second)
        for gap in studies[0].differences
    )
    return Analysis(studies, drawn, len(split_plot.blocks(readings.ratings)))
