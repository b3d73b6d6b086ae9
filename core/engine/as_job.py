"""A review as a piece of work in the background that tells how far it is."""

from __future__ import annotations

from core.background import Job
from core.engine.course import Course
from core.engine.results import Review


def ask(job: Job[Review], course: Course) -> Review:
    """Ask every model of a system about a series.

    Args:
        job: told the model at work and how much of all is done; when it is asked to stop, so is the review.

    Raises:
        InterruptedError: stopped before a model had answered.
    """

    def report(model: str, _: float) -> None:
        job.text, job.fraction = model, course.fraction

    review = course.run(progress=report, stop=lambda: job.stopping)
    if job.stopping and not review.ready:
        raise InterruptedError
    return review
