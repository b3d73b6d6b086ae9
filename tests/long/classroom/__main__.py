"""A whole class at once: ``python -m tests.long.classroom --students 40 --cases 4``, on a machine that rests.

Phones have processors of their own, and 40 browsers on the server's two would be measured in its place. So most
students speak the page's own protocol without drawing anything (``tests.teaching.phone``): the whole server, every run
of the page, every file of the client's program that a browser has fetched before, every picture as the viewer fetches
it. Some are real browsers, whose processes stand back; these have no WebGL, so that the server draws their pictures.
The teacher's screen is open. Among the phones and among the browsers one student reloads, one's phone dies and another
takes over, one has two tabs and answers in both. Afterwards the export must hold what each said, once, and the figures
of the store must be scikit-learn's.

Prints how long each step took, from the touch to the end of what the server sent for it (50th, 95th, 99th percentile,
longest), ``/health`` as a process beside them sees it (the stall), and whose processor time it was.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from core.teaching import learners
from core.teaching.rules import Models, Rules
from tests.dashboard import readings, weights
from tests.dashboard.house import ROOT, House
from tests.long.classroom import browsers as real
from tests.long.classroom import phones
from tests.long.classroom.check import check
from tests.long.classroom.plan import Pace, Times, students
from tests.teaching import school

LONGEST = 3600  # seconds that a class may take


def main(
    count: Annotated[int, typer.Option("--students", min=4)] = 40,
    cases: Annotated[int, typer.Option(min=3)] = 4,
    browsers: Annotated[int, typer.Option(min=1, help="Of the students, those in real browsers.")] = 4,
    arrive: Annotated[float, typer.Option(help="Seconds in which all come.")] = 20.0,
    think: Annotated[float, typer.Option(help="Seconds that a case is looked at.")] = 4.0,
    seed: int = 1,
) -> None:
    """Hold a class and check what is left of it; exits with 1 when anything is not as it should be."""
    class_ = students(count, cases, seed, browsers)
    pace, drawn, spoken, faults, end = Pace(arrive, think), Times(), Times(), list[str](), threading.Event()
    with TemporaryDirectory() as name:
        house = House(Path(name), weights.write(Path(name) / "weights"))
        store = readings.opened(house.store)
        school.short_course(store)
        labels = ["tumour" if n % 2 else "no tumour" for n in range(cases)]
        quiz = school.quiz(store, Rules(models=Models.NEVER, shuffle=False), labels).id or 0
        code = learners.open_class(store, school.teacher(store), quiz)
        address = f"{house.start().url}/class?code={code}"
        try:
            room = phones.Room(house.url, code, *asyncio.run(real.ahead(address, class_[0])))
            typer.echo(f"a browser fetches {len(room.opening)} files to open the page, then {len(room.beginning)}")
            screen = threading.Thread(target=phones.present, args=(house.url, quiz, spoken, end))
            screen.start()
            asked = [sys.executable, "-m", "tests.long.pulse", house.url, str(LONGEST)]
            pulse = subprocess.Popen(asked, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            before, began, spent, own = os.getloadavg()[0], time.monotonic(), house.processor_seconds(), _own()
            crowd = phones.hold(room, class_[browsers:], pace, spoken, faults)
            if browsers > 1:
                asyncio.run(real.hold(address, class_[1:browsers], drawn))
            for one in crowd:
                one.join()
            took, spent, own = time.monotonic() - began, house.processor_seconds() - spent, _own() - own
            pulse.send_signal(signal.SIGINT)
            alive = pulse.communicate()[0]
            faults += check(store, quiz, class_)
        finally:
            end.set()
            house.stop()
    typer.echo(f"{count} students, {cases} cases each, {took:.0f} s, {count * cases} answers")
    typer.echo(f"all came within {arrive:g} s and looked at a case for about {think:g} s")
    for line in spoken.told(f"{count - browsers} phones:"):
        typer.echo(line)
    for line in drawn.told(f"{browsers - 1} browsers (one more went ahead), standing back:") if browsers > 1 else ():
        typer.echo(line)
    typer.echo(alive.strip())
    typer.echo(
        f"processor seconds: the server {spent:.0f}, the phones {own:.0f}; load average {before:.1f} before, "
        f"{os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores"
    )
    for fault in faults:
        typer.echo(fault, err=True)
    sys.exit(1 if faults else 0)


def _own() -> float:
    """Processor time of this process, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    typer.run(main)
