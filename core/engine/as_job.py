"""A review as a piece of work in the background that tells how far it is."""

from __future__ import annotations

from core.background import Job
from core.engine.engine import Engine
from core.engine.results import ModelStatus, Review
from core.imaging.study import Study


def ask(job: Job[Review], study: Study, key: tuple[str, int], engine: Engine) -> Review:
    """Ask every model of a system about a series.

    Args:
        job: told the model at work and how much of all is done; when it is asked to stop, so is the review.
        key: system and number of the series.

    Raises:
        InterruptedError: stopped before a model had answered.
    """
    system, series_index = key
    order = [s.title for s in engine.states(system) if s.status is ModelStatus.READY]

    def report(model: str, fraction: float) -> None:
        done = order.index(model) if model in order else 0
        job.text, job.fraction = model, min((done + fraction) / max(len(order), 1), 1.0)

    review = engine.review(study, system, series_index, progress=report, stop=lambda: job.stopping)
    if job.stopping and not review.ready:
        raise InterruptedError
    return review
