"""What runs until it is killed: each tells of a step once its call has returned. Importable, for a fork server."""

from __future__ import annotations

import itertools
import os
from multiprocessing.connection import Connection
from pathlib import Path

from core.review import FileRole, Role, Stage, Store
from core.review.tables import Score
from core.review.vocabulary import now
from dashboard.service.node.spool import Spool
from tests.imaging.builders import dataset, noise, to_bytes
from tests.review.casebook import WEIGHTS, archive, person
from tests.teaching import school


def _cases(store: Store, archive_id: int, count: int) -> list[tuple[int, str]]:
    found = []
    for _ in range(count):
        sha256 = store.put_image(image := os.urandom(2000))
        files = [("scan.png", sha256, len(image), FileRole.IMAGE)]
        case, _new = store.add_case(1, archive_id, content_hash=sha256, source="scan.png", files=files)
        found.append((case.id or 0, sha256))
    return found


def importing(place: str, told: Connection) -> None:
    """Images kept and cases made of them."""
    store = Store.open(place)
    number = archive(store, f"import {os.getpid()}")
    while True:
        told.send(_cases(store, number, 1)[0])


def scoring(place: str, told: Connection) -> None:
    """Scores of cases."""
    store = Store.open(place)
    number = archive(store, f"scoring {os.getpid()}")
    while True:
        for case, _ in _cases(store, number, 5):
            score = Score(case_id=case, system="s", model="m", version="1", weights_sha256=WEIGHTS, finding=0.5)
            store.save_scores([score])
            told.send((number, case))


def reading(place: str, told: Connection) -> None:
    """Opinions before and after the models."""
    store = Store.open(place)
    number, reader = archive(store, f"reading {os.getpid()}"), person(store, f"reader {os.getpid()}", Role.REVIEWER)
    while True:
        for case, _ in _cases(store, number, 5):
            for stage in (Stage.BLIND, Stage.FINAL):
                store.lock_opinion(
                    case, reader, stage, finding=True, label=None, confidence=case % 101, started=now(), seconds=1
                )
                told.send((case, reader, stage.value))


def teaching(place: str, told: Connection) -> None:
    """Answers to quizzes."""
    store = Store.open(place)
    for seed in itertools.count(os.getpid() * 1000):
        made, who = school.quiz(store, labels=["no tumour", "no tumour"], seed=seed), school.learner(store, f"s {seed}")
        attempt = school.begun(store, made.id, who)
        for _ in range(2):
            told.send((school.say(store, who, attempt).id,))


def receiving(place: str, told: Connection) -> None:
    """Images over DICOM, as the node keeps them before it acknowledges."""
    spool = Spool(Path(place) / "dicom")
    for number in itertools.count(os.getpid() * 1000):
        header = dataset(noise(64, 64, seed=number))
        study = spool.keep(to_bytes(header))
        told.send((study, str(header.SOPInstanceUID)))
