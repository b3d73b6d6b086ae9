"""Processes that the tests start, race against each other and kill. Importable, so that a fork server can run them."""

from __future__ import annotations

import itertools
import os
from multiprocessing.connection import Connection

from core.errors import AlreadyLockedError
from core.review import FileRole, Stage, Store
from core.review.tables import Score
from core.review.vocabulary import now
from tests.review.casebook import WEIGHTS


def work_until_killed(url: str, archive_id: int, reader: int, told: Connection) -> None:
    """Import, score and read cases for ever; tell of each step after its call has returned."""
    store = Store.open(url)
    told.send_bytes(b"open 0")
    for number in itertools.count():
        image = os.urandom(20_000)
        sha256 = store.put_image(image)
        told.send_bytes(f"image {sha256}".encode())
        files = [("scan.png", sha256, len(image), FileRole.IMAGE)]
        case, _ = store.add_case(1, archive_id, content_hash=sha256, source="scan.png", files=files)
        assert case.id is not None
        told.send_bytes(f"case {case.id}".encode())
        score = Score(case_id=case.id, system="s", model="m", version="1", weights_sha256=WEIGHTS, finding=0.5)
        store.save_scores([score])
        told.send_bytes(f"score {case.id}".encode())
        store.keep_measurements(case.id, reader, sha256[:16], [{"kind": "length", "slice": number}])
        told.send_bytes(f"measured {case.id}".encode())
        for stage in (Stage.BLIND, Stage.FINAL):
            opinion = store.lock_opinion(
                case.id, reader, stage, finding=True, label=None, confidence=number % 101, started=now(), seconds=1
            )
            told.send_bytes(f"opinion {opinion.id}".encode())


def lock_all(url: str, cases: list[int], reader: int, confidence: int, told: Connection) -> None:
    """Lock a blind opinion on every case; tell which ones were locked and which were locked already."""
    store = Store.open(url)
    told.send("ready")
    told.recv()
    won, lost = [], []
    for case in cases:
        try:
            store.lock_opinion(
                case, reader, Stage.BLIND, finding=True, label=None, confidence=confidence, started=now(), seconds=1
            )
            won.append(case)
        except AlreadyLockedError:
            lost.append(case)
    told.send((won, lost))


def open_new(folder: str, told: Connection) -> None:
    """Open a store that may not exist yet, at the same time as others do, and add an entry to its trail."""
    told.send("ready")
    told.recv()
    store = Store.open(folder)
    store.local_user()
    told.send(store.note(1, "store.opened", "store").seq)
