"""Students on phones that draw nothing, and the teacher's screen: the page's own protocol."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np

from tests.long.classroom.plan import GIVE, HOW_SURE, NAME, SEEN, Pace, Student, Times
from tests.teaching.phone import Phone

CONNECTIONS = 6


@dataclass(frozen=True)
class Room:
    """The class that everybody goes to.

    Attributes:
        url, code: of the server and of the class.
        opening, beginning: what a browser fetches of the client's program to open the page, and to show a case.
    """

    url: str
    code: str
    opening: Sequence[str]
    beginning: Sequence[str]


def fetch(url: str, paths: Sequence[str]) -> None:
    """Load files over as many connections as a browser has to one server."""
    place = urlsplit(url)

    def over_one(mine: Sequence[str]) -> None:
        line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=180)
        for path in mine:
            line.request("GET", path, headers={"Accept-Encoding": "gzip, deflate, br, zstd", "Accept": "text/html,*/*"})
            with line.getresponse() as answer:
                answer.read()
                assert answer.status == 200, f"{path}: {answer.status}"
        line.close()

    with ThreadPoolExecutor(CONNECTIONS) as lines:
        list(lines.map(over_one, (paths[n::CONNECTIONS] for n in range(CONNECTIONS))))


def take_part(class_: Room, me: Student, pace: Pace, times: Times, seed: int) -> None:
    """From the door to the results."""
    rng = np.random.default_rng(seed)
    time.sleep(pace.coming(rng))
    with times.of("open the page"):
        fetch(class_.url, class_.opening)
        phone = Phone(class_.url, "class", f"code={class_.code}")
    phone.write(NAME, me.name)
    time.sleep(pace.looking(rng))
    with times.of("join"):
        phone.press("Join")
    time.sleep(pace.looking(rng) / 2)
    with times.of("begin"):
        fetch(class_.url, class_.beginning)
        phone.press("Begin")
    of = len(me.plan)
    for place in range(1, of + 1):
        time.sleep(pace.looking(rng))
        phone = _case(class_, phone, me, place, times, pace.looking(rng) / 2)
        with times.of("next case"):
            phone.press("Next case" if place < of else "To your results")
    assert f"of {of} cases right" in phone.text
    phone.close()


def _case(class_: Room, phone: Phone, me: Student, place: int, times: Times, look: float) -> Phone:
    """One case to its truth, with whatever happens to this student there; the phone that is held at its end."""
    seen, sure = me.said(place)
    assert f"Case {place} of {len(me.plan)}" in phone.text, phone.text
    with times.of("what is seen"):
        phone.choose(SEEN, seen)
    with times.of("how sure"):
        phone.choose(HOW_SURE, sure)
    if place in (me.reloads, me.dies):
        phone.close()
        phone = Phone(class_.url, "class", phone.query)
        assert phone.chosen(HOW_SURE) == [sure]
    if place == me.twice:
        twin = Phone(class_.url, "class", phone.query)
        twin.choose(SEEN, "tumour" if seen != "tumour" else "no tumour seen")
        twin.choose(HOW_SURE, "100 %")
        phone.press(GIVE)
        twin.press(GIVE)
        assert f"{sure} sure" in twin.text, twin.text
        twin.close()
    else:
        with times.of("answer and truth"):
            phone.press(GIVE)
    assert "The truth:" in phone.text, phone.text
    time.sleep(look)
    return phone


def present(url: str, quiz: int, times: Times, end: threading.Event) -> None:
    """The class on the teacher's screen, drawn anew as often as the page asks for."""
    with Phone(url, "teach", f"section=Class&quiz={quiz}") as screen:
        ((fragment, every),) = screen.repeating.items()
        while not end.wait(every):
            with times.of("teacher's screen"):
                screen.run(fragment, repeated=True)


def hold(
    class_: Room, members: Sequence[Student], pace: Pace, times: Times, faults: list[str]
) -> list[threading.Thread]:
    """All students of a class, each in a thread; what goes wrong is kept."""

    def one(number: int, me: Student) -> None:
        try:
            take_part(class_, me, pace, times, number)
        except Exception as error:  # whatever it is: a student who ended in silence would count as one without a fault
            faults.append(f"{me.name}: {error!r}")

    crowd = [threading.Thread(target=one, args=(number, me)) for number, me in enumerate(members)]
    for thread in crowd:
        thread.start()
    return crowd
