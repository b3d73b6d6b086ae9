"""What the process holds for its users, in one account: uploads being read, open scans, answers kept with them.

Memory is taken out before it is used, so that a server never holds more than its operator allows. What was read counts
until its pixels are gone, whoever holds them. Whoever takes some out offers what of his own may go to make room, the
oldest first; what others hold is theirs.
"""

from __future__ import annotations

import gc
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import LimitExceededError, MemoryFullError
from core.settings import settings

MIB = 1024 * 1024
FALLBACK_MIB = 4096  # where the system does not say how much memory there is
_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
GiveWay = Callable[[], bool]


class Memory:
    """An account with a limit.

    Args:
        most: bytes that may be out at once, asked each time.

    Attributes:
        serving: whether the limit holds; a command that trains or imports has no users that could starve one another.
        spares: asked, one after the other, when there is no room and the one who asks has nothing more to give: each
            lets go one thing that nobody waits for any more, and returns false when it has none.
    """

    def __init__(self, most: Callable[[], int], *, serving: bool = True) -> None:
        self.serving = serving
        self.spares: list[GiveWay] = []
        self._most = most
        self._kept: dict[int, int] = {}
        self._out: dict[int, int] = {}
        self._number = 0
        self._lock = threading.RLock()  # a finalizer may run in the thread that holds it

    def lease(self, size: int = 0, give_way: GiveWay | None = None) -> Lease:
        """Take memory out.

        Args:
            size: bytes to begin with.
            give_way: lets go one thing of the one who asks, the oldest; false when he has nothing more.

        Raises:
            MemoryFullError: there is no room for so much now. LimitExceededError: there never is.
        """
        with self._lock:
            self._number += 1
            lease = Lease(self, self._number, give_way)
            self._out[lease.number] = 0
        try:
            lease.resize(size)
        except LimitExceededError:
            lease.release()
            raise
        return lease

    def reserve(self, owner: object, size: int, give_way: GiveWay | None = None) -> Lease:
        """Take memory out for something that is to come, for as long as its owner is there or until it is released.

        Raises as :meth:`lease`.
        """
        lease = self.lease(size, give_way)
        lease.alone()  # it never grows, and must not hold what would have given way
        weakref.finalize(owner, lease.release)
        return lease

    @property
    def held(self) -> int:
        """Bytes that are out."""
        with self._lock:
            return sum(self._out.values()) + sum(self._kept.values())

    @property
    def full(self) -> bool:
        """Whether more is out than may be."""
        return self.serving and self.held > self._most()

    def possible(self, size: int) -> bool:
        """Whether so much may be out at all."""
        return not self.serving or size <= self._most()

    def keep(self, things: Iterable[Any], extra: int = 0) -> None:
        """Count things that are there already, each once and until it is gone.

        Args:
            things: arrays, whose ``nbytes`` count. extra: bytes that go with the first of them.
        """
        with self._lock:
            for thing in things:
                if id(thing) not in self._kept:
                    self._kept[id(thing)] = int(thing.nbytes) + extra
                    weakref.finalize(thing, self._gone, id(thing))
                extra = 0

    def _gone(self, thing: int) -> None:
        with self._lock:
            self._kept.pop(thing, None)

    def set(self, number: int, size: int, *, force: bool = False) -> bool:
        """Change what a lease has out; false, and nothing changed, where there is no room for more."""
        with self._lock:
            before = self._out.get(number, 0)
            if self.serving and not force and size > before and self.held - before + size > self._most():
                return False
            self._out[number] = size
            return True

    def forget(self, number: int) -> None:
        """End a lease."""
        with self._lock:
            self._out.pop(number, None)

    def refusal(self, number: int, size: int) -> LimitExceededError:
        """Why a lease cannot grow, with what helps."""
        with self._lock:
            others = self.held - self._out.get(number, 0)
        most = self._most()
        if size > most:
            return LimitExceededError(
                f"This takes {_said(size)} of memory; the server gives its users {_said(most)} together.",
                "Open fewer series at a time, or let the operator raise OVERREAD_TOTAL_MEMORY_MIB.",
            )
        return MemoryFullError(
            f"The server's memory for scans is full: those open in other windows and sessions take {_said(others)} of "
            f"{_said(most)}, and this one needs {_said(size)}.",
            "Close other windows of yours or try again later; the operator can raise OVERREAD_TOTAL_MEMORY_MIB.",
        )


class Lease:
    """Memory that one piece of work holds, given back by :meth:`release` or at the end of a ``with``."""

    def __init__(self, memory: Memory, number: int, give_way: GiveWay | None = None) -> None:
        self.number = number
        self.size = 0
        self._memory = memory
        self._give_way = give_way

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def resize(self, size: int, *, force: bool = False) -> None:
        """Hold so many bytes from now on.

        Args:
            size: bytes in all. force: count them whether or not there is room: they are there already.

        Raises:
            MemoryFullError, LimitExceededError: as :meth:`Memory.lease`; what was held before still is.
        """
        if not self._memory.set(self.number, size, force=force) and not self._made_room(size):
            raise self._memory.refusal(self.number, size)
        self.size = size

    def alone(self) -> None:
        """Let nothing more go for this lease."""
        self._give_way = None

    def release(self) -> None:
        """Give everything back."""
        self.size = 0
        self._memory.forget(self.number)

    def _made_room(self, size: int) -> bool:
        if not self._memory.possible(size):
            return False
        gc.collect()  # what went in a circle is not gone before
        if self._memory.set(self.number, size):
            return True
        for letting_go in (self._give_way, *self._memory.spares):
            while letting_go is not None and letting_go():
                if self._memory.set(self.number, size):
                    return True
        return False


@cache
def of_process() -> Memory:
    """The account of this process; its limit, where it serves, is OVERREAD_TOTAL_MEMORY_MIB."""
    return Memory(total, serving=False)


def total() -> int:
    """Bytes that all users of the process may hold together: as set, else half of the computer's memory."""
    given = settings().total_memory_mib
    return given * MIB if given is not None else _half_of_the_computer()


@cache
def _half_of_the_computer() -> int:
    found = []
    try:
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # not on every system
        found.append(2 * FALLBACK_MIB * MIB)
    for path in _CGROUPS:
        try:
            found.append(int(path.read_text()))
        except (OSError, ValueError):  # another system, or "max"
            continue
    return min(found) // 2


def _said(size: int) -> str:
    return f"{size / MIB / 1024:.1f} GiB" if size >= 1024 * MIB else f"{max(1, round(size / MIB))} MiB"
