"""Decoding beside the models: files become studies in processes of their own, a few ahead, in order."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from core.errors import OverreadError, UnreadableFileError
from core.imaging import Study
from core.imaging.folder import decoded, let_studies_travel
from core.review.archives.intake.sources import Found

Answer = Study | OverreadError
Decode = Callable[[Path, Sequence[str]], Answer]


def studies(root: Path, cases: Sequence[Found], processes: int, decode: Decode = decoded) -> Iterator[Answer]:
    """The studies of images in their order; an image that could not be read is its error.

    At most ``processes + 1`` are decoded ahead, so memory does not grow with the number of images. A file on which the
    decoding process ends is tried once by itself; if it ends there too, the file is the one at fault.

    Args:
        root: folder of the source. cases: images there.
        processes: how many decode; 0 decodes in this process.
        decode: what each of them does with the files of an image.
    """
    if processes == 0:
        yield from (one.error or decode(root, one.files) for one in cases)
        return
    ahead: deque[tuple[Found, Future[Answer]]] = deque()
    coming = iter(cases)
    pool = _pool(processes)
    try:
        while True:
            while len(ahead) <= processes and (one := next(coming, None)) is not None:
                ahead.append((one, _ask(pool, decode, root, one)))
            if not ahead:
                return
            one, future = ahead.popleft()
            try:
                yield future.result()
            except BrokenProcessPool:
                pool.shutdown(wait=False, cancel_futures=True)
                pool = _pool(processes)
                ahead = deque((other, _ask(pool, decode, root, other)) for other, _ in ahead)
                yield _alone(root, one, decode)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _ask(pool: ProcessPoolExecutor, decode: Decode, root: Path, one: Found) -> Future[Answer]:
    known: Future[Answer] = Future()
    if one.error is not None:
        known.set_result(one.error)
        return known
    try:
        return pool.submit(decode, root, one.files)
    except BrokenProcessPool as error:  # broken by an image before this one, of which nobody has heard yet
        known.set_exception(error)
        return known


def _alone(root: Path, one: Found, decode: Decode) -> Answer:
    with _pool(1) as pool:
        try:
            return pool.submit(decode, root, one.files).result()
        except BrokenProcessPool:
            return UnreadableFileError(
                "The process that decoded it ended: the file breaks the decoder or needs more memory than there is.",
                "Look at the file by itself, or export it again.",
            )


def _pool(processes: int) -> ProcessPoolExecutor:
    # A fresh interpreter each: a fork of a process whose threads hold locks may stand still for ever.
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=spawn, initializer=let_studies_travel)
