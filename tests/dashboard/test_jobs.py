"""Reviews in the background: stopped on request, and when nobody is left who waits for them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any, cast

from core import systems
from core.engine.engine import Engine
from core.errors import EngineBusyError
from core.simulate.samples import load_sample
from dashboard.kit import jobs
from dashboard.kit.cases import OpenCase


class Endless:
    """Stands in for an engine whose models never come to an end."""

    def states(self, system: str) -> tuple[()]:
        return ()

    def review(self, *_: Any, stop: Callable[[], bool], **__: Any) -> None:
        while not stop():
            time.sleep(0.01)
        raise InterruptedError


class Full(Endless):
    """Stands in for an engine whose queue is full."""

    def review(self, *_: Any, **__: Any) -> None:
        raise EngineBusyError("All places are taken.", "Wait.")


def _case() -> OpenCase:
    study = load_sample("brain-mr-04")
    match = systems.match(study)
    return OpenCase(study=study, match=match, system=match.system, series_index=match.series_index)


def test_stopping_ends_the_review_without_an_answer_or_an_error() -> None:
    case = _case()
    job = jobs.ensure(case, cast(Engine, Endless()))
    assert job is not None
    assert job.running
    assert jobs.ensure(case, cast(Engine, Endless())) is job
    job.stop()
    job.join(5)
    assert not job.running
    assert (job.result, job.error) == (None, None)


def test_a_review_ends_when_its_session_is_gone() -> None:
    case = _case()
    job = jobs.ensure(case, cast(Engine, Endless()))
    assert job is not None
    del case
    gc.collect()
    job.join(5)
    assert not job.running


def test_a_full_queue_is_told_with_its_remedy() -> None:
    job = jobs.ensure(_case(), cast(Engine, Full()))
    assert job is not None
    assert isinstance(job.error, EngineBusyError)
    assert job.error.remedy == "Wait."
