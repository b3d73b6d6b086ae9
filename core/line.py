"""A line for work that takes long: a few go ahead side by side, the others in the order in which they came."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self


class Line:
    """Turns for long work. What is short, such as the slice that a reader looks at, is done without one.

    Args:
        side_by_side: how many may have their turn at once.
    """

    def __init__(self, side_by_side: int) -> None:
        if side_by_side < 1:
            raise ValueError(f"a line needs a place, got {side_by_side}")
        self._side_by_side = side_by_side
        self._changed = threading.Condition()
        self._standing: list[Ticket] = []

    def join(self) -> Ticket:
        """Stand at the end of the line; the ticket is a context that leaves it."""
        ticket = Ticket(self)
        with self._changed:
            self._standing.append(ticket)
        return ticket

    def ahead(self, ticket: Ticket) -> int:
        """How many must end before this one's turn; 0 when it is its turn, or when it has left."""
        with self._changed:
            return self._ahead(ticket)

    def _ahead(self, ticket: Ticket) -> int:
        if ticket not in self._standing:
            return 0
        return max(self._standing.index(ticket) + 1 - self._side_by_side, 0)

    def wait(self, ticket: Ticket, seconds: float) -> bool:
        """Wait for the turn, so many seconds at most; whether it has come."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ahead(ticket) == 0, timeout=seconds)

    def leave(self, ticket: Ticket) -> None:
        """Let the next one in."""
        with self._changed:
            if ticket in self._standing:
                self._standing.remove(ticket)
            self._changed.notify_all()


class Ticket:
    """One place in a line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @property
    def ahead(self) -> int:
        """How many must end before it is this one's turn."""
        return self._line.ahead(self)

    def wait(self, seconds: float) -> bool:
        """Wait for the turn, so many seconds at most; whether it has come."""
        return self._line.wait(self, seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.leave(self)
