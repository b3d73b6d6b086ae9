"""Work in the background: its result, its progress, its end, its failure, and how many run at once."""

from __future__ import annotations

import gc
import logging
import threading
from functools import partial

import pytest

from core.background import Job
from core.errors import ContractError, OverreadError
from core.line import Line

LONG = 30.0  # seconds: never waited for unless something is wrong


class Owner:
    """Somebody who waits for an answer."""


def _until_stopped(job: Job[str]) -> str:
    job.tell("waiting", 0.25)
    job.halt.wait(LONG)
    job.tell("on", 0.5)
    return "never"


def test_it_gives_its_result_and_how_far_it_is() -> None:
    go, told = threading.Event(), threading.Event()

    def work(job: Job[int]) -> int:
        job.tell("half of it", 0.5)
        told.set()
        go.wait(LONG)
        job.tell("all of it", 1.7)
        return 42

    job = Job(work)
    assert not job.running
    job.start()
    assert told.wait(LONG)
    assert (job.running, job.text, job.fraction, job.result) == (True, "half of it", 0.5, None)
    go.set()
    job.join(LONG)
    assert (job.running, job.fraction, job.result, job.error) == (False, 1.0, 42, None)


def test_stopping_ends_it_without_result_or_error() -> None:
    job = Job(_until_stopped).start()
    job.stop()
    job.join(LONG)
    assert (job.running, job.stopping, job.result, job.error) == (False, True, None, None)


def test_a_failure_on_the_way_out_is_none() -> None:
    def work(job: Job[None]) -> None:
        job.halt.wait(LONG)
        raise ContractError("The slice is gone.", "Look again.")

    job = Job(work).start()
    job.stop()
    job.join(LONG)
    assert job.error is None


def test_it_ends_when_its_owner_is_gone() -> None:
    owner = Owner()
    job = Job(_until_stopped).ends_with(owner).start()
    del owner
    gc.collect()
    job.join(LONG)
    assert not job.running


def test_an_error_for_the_user_is_kept_as_it_is() -> None:
    def work(job: Job[None]) -> None:
        raise ContractError("Too small.", "Crop it.")

    job = Job(work)
    job.run()
    assert isinstance(job.error, ContractError)
    assert job.error.remedy == "Crop it."


def test_another_error_tells_no_name_to_page_or_log(caplog: pytest.LogCaptureFixture) -> None:
    name = "/incoming/DOE^JANE.dcm"

    def work(job: Job[None]) -> None:
        raise ValueError(name)

    job = Job(work)
    with caplog.at_level(logging.ERROR):
        job.run()
    assert isinstance(job.error, OverreadError)
    assert "DOE" not in str(job.error) + caplog.text
    assert "ValueError" in caplog.text


def test_a_line_lets_only_so_many_run_and_a_waiting_one_can_be_stopped() -> None:
    line, go, full, inside, lock = Line(2), threading.Event(), threading.Barrier(3), set[int](), threading.Lock()
    seen: list[int] = []

    def work(job: Job[int], number: int) -> int:
        with lock:
            inside.add(number)
            seen.append(len(inside))
        if not go.is_set():
            full.wait(LONG)
            go.wait(LONG)
        with lock:
            inside.discard(number)
        return 1

    jobs = [Job(partial(work, number=number), line=line).start() for number in range(5)]
    full.wait(LONG)  # two are in, three wait
    with lock:
        waits = next(number for number in range(5) if number not in inside)
    jobs[waits].stop()
    jobs[waits].join(LONG)
    assert (jobs[waits].running, jobs[waits].result) == (False, None)
    go.set()
    for job in jobs:
        job.join(LONG)
    assert sum(job.result or 0 for job in jobs) == 4
    assert max(seen) == 2


def test_a_line_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="place"):
        Line(0)


def test_those_that_wait_have_their_turns_in_the_order_in_which_they_came() -> None:
    """Longer than a waiting one looks whether it was stopped: whoever looks must not lose its place by that."""
    line, go, order = Line(1), threading.Event(), list[int]()

    def work(job: Job[None], number: int) -> None:
        order.append(number)
        go.wait(LONG)

    jobs = [Job(partial(work, number=number), line=line) for number in range(8)]
    for job in jobs:
        job.start(0.06)  # apart, so that they look at different times
    go.set()
    for job in jobs:
        job.join(LONG)
    assert order == list(range(8))
