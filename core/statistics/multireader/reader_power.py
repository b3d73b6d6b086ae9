"""How many readers and cases a study needs: studies are simulated, analysed, and those that find a difference counted.

The ratings follow the model of Roe and Metz (1997): a rating is the sum of what the case shows, how the reader reads,
how the arm helps, and each interaction, all normal; readers and cases are drawn anew for every simulated study.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.statistics._checks import FloatArray, StatisticsInputError
from core.statistics.intervals import Interval, wilson
from core.statistics.multireader.reader_study import compare
from core.statistics.multireader.split_plot import areas


@dataclass(frozen=True)
class Scatter:
    """Standard-normal variance of a rating, shared out; what is left to 1 is pure error.

    Attributes:
        case: how the case looks to everybody in every arm. case_arm: in one arm. case_reader: to one reader.
        reader: how much sooner a reader calls a finding, for each class. reader_arm: the same in one arm.

    The defaults are after Roe and Metz (1997): ratings of one case much alike, readers little apart.
    """

    case: float = 0.3
    case_arm: float = 0.3
    case_reader: float = 0.2
    reader: float = 0.0055
    reader_arm: float = 0.0055


@dataclass(frozen=True)
class Design:
    """A study of two arms.

    Attributes:
        readers, positives, negatives: how many in all. first, second: area under the ROC curve that an average reader
            has in either arm, strictly between 0.5 and 1.
        blocks: that readers and cases are dealt into evenly; 1 for a fully crossed study.
    """

    readers: int
    positives: int
    negatives: int
    first: float
    second: float
    scatter: Scatter = Scatter()
    blocks: int = 1


def simulated(design: Design, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Ratings of one study.

    Returns:
        Truth ``(cases,)`` 0/1, positives first, and ratings ``(2, readers, cases)``, NaN for cases of another
        block than the reader's.

    Raises:
        StatisticsInputError: a design that cannot be simulated.
    """
    _check(design)
    s, cases = design.scatter, design.positives + design.negatives
    truth = np.repeat([1.0, 0.0], [design.positives, design.negatives])
    normal = rng.standard_normal
    ratings = np.sqrt(s.case) * normal((1, 1, cases)) + np.sqrt(s.case_arm) * normal((2, 1, cases))
    ratings = ratings + np.sqrt(s.case_reader) * normal((1, design.readers, cases))
    ratings = ratings + np.sqrt(_error(s)) * normal((2, design.readers, cases))
    # A reader's own threshold is drawn for each class apart, as in the paper: only the difference changes the area.
    for positive in (False, True):
        shift = np.sqrt(s.reader) * normal((1, design.readers, 1)) + np.sqrt(s.reader_arm) * normal(
            (2, design.readers, 1)
        )
        ratings = ratings + np.where(truth == positive, shift, 0.0)
    # Area of an average reader: Phi(mean / sqrt(2 (1 + variances of readers))), so the mean follows from the area.
    spread = np.sqrt(2 * (1 + s.reader + s.reader_arm))
    means = stats.norm.ppf([design.first, design.second]) * spread
    ratings = ratings + means[:, None, None] * truth
    home = np.concatenate([np.arange(design.positives), np.arange(design.negatives)]) % design.blocks
    theirs = np.arange(design.readers)[:, None] % design.blocks == home[None]
    return truth, np.where(theirs[None], ratings, np.nan)


def power(
    design: Design,
    studies: int = 500,
    seed: int = 0,
    alpha: float = 0.05,
    tell: Callable[[float], None] | None = None,
) -> Interval:
    """Share of simulated studies whose two arms differ with ``p < alpha``, for other readers and other cases.

    Args:
        studies: how many to simulate. tell: called with the share done, 0 to 1; what it raises ends the work.

    Returns:
        The share with its Wilson interval: it says how well this many simulations know it.
    """
    _check(design)
    rng = np.random.default_rng(seed)
    found = 0
    for number in range(studies):
        figures, covariance = areas(*simulated(design, rng))
        found += int(compare(figures, covariance).test.p < alpha)
        if tell is not None:
            tell((number + 1) / studies)
    return wilson(found, studies)


def _error(scatter: Scatter) -> float:
    return 1 - scatter.case - scatter.case_arm - scatter.case_reader


def _check(design: Design) -> None:
    if design.readers < 2 or min(design.positives, design.negatives) < 2:
        raise StatisticsInputError("A study needs two readers and two cases of each class.", "Plan for more.")
    if not 1 <= design.blocks <= design.readers or min(design.positives, design.negatives) < 2 * design.blocks:
        raise StatisticsInputError(
            "A block needs a reader and two cases of each class.", "Plan for fewer blocks, or for more of both."
        )
    if not all(0.5 < area < 1 for area in (design.first, design.second)):
        raise StatisticsInputError("An expected area lies between 0.5 and 1.", "Take it from a study like this one.")
    shares = (design.scatter.case, design.scatter.case_arm, design.scatter.case_reader, _error(design.scatter))
    if min(*shares, design.scatter.reader, design.scatter.reader_arm) < 0:
        raise StatisticsInputError("Variances cannot be negative, and those of the cases add up to 1 at most.", "")
