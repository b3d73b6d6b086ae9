"""What goes wrong around a store, made to happen in processes of their own: a full disk, one without rights."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from core.errors import StoreError
from core.review import Stage, Store
from core.review.vocabulary import now

NOBODY = 65534


def read_cases(url: str, cases: list[int], reader: int, told: Connection) -> None:
    """Lock a blind opinion on one case after the other; tell of each once it is locked, and of what refused one."""
    store = Store.open(url)
    for case in cases:
        _one(lambda case=case: _lock(store, case, reader), told)  # type: ignore[misc]
    told.send("end")


def _lock(store: Store, case: int, reader: int) -> int:
    opinion = store.lock_opinion(
        case, reader, Stage.BLIND, finding=True, label=None, confidence=case % 101, started=now(), seconds=1
    )
    return opinion.id or 0


def _one(act: Callable[[], int], told: Connection) -> None:
    try:
        told.send(act())
    except StoreError as error:
        told.send((str(error), bool(error.remedy)))


def on_a_full_disk(url: str, cases: list[int], reader: int, told: Connection) -> None:
    """The same where no file may grow beyond what the store's database and its log have already."""
    largest = max(path.stat().st_size for path in Path(url).glob("*.sqlite*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 16384, resource.RLIM_INFINITY))
    read_cases(url, cases, reader, told)


def without_rights(url: str, cases: list[int], reader: int, told: Connection) -> None:
    """The same by somebody who may read the store's files and not write them."""
    Store.open(url).close()  # with all that the program loads for it, which that somebody may not read either
    if os.geteuid() == 0:  # whom no rights bind
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        read_cases(url, cases, reader, told)
    except StoreError as error:
        told.send((str(error), bool(error.remedy)))
        told.send("end")


def heard(pipe: Connection) -> list[object]:
    """All that a process told before it said "end", or died."""
    found: list[object] = []
    with contextlib.suppress(EOFError, ConnectionResetError):
        while (one := pipe.recv()) != "end":
            found.append(one)
    return found
