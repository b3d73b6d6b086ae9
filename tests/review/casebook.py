"""People, cases and readings for the tests of the store."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from core.review import FileRole, Mode, Role, Stage, Store, fingerprint
from core.review.tables import Case, Discrepancy, Opinion, Score

WEIGHTS = "a" * 64
STARTED = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)


def person(store: Store, name: str, *roles: Role) -> int:
    """Number of a signed-in user with these roles."""
    admin = store.local_user().number or 0
    number = store.sign_in("https://id.test", name, name, f"{name}@test", True).number or 0
    store.set_roles(admin, number, roles)
    return number


def archive(store: Store, name: str = "Archive", mode: Mode = Mode.SECOND_READER) -> int:
    """Number of a new archive of the local user."""
    return store.add_archive(store.local_user().number or 0, name, mode=mode).id or 0


def case(store: Store, archive_id: int, image: bytes = b"image", **columns: Any) -> Case:
    """A case with one image and a recorded "no finding"."""
    sha256 = store.put_image(image)
    given = {"recorded_finding": False, "system": "brain-mr", **columns}
    found, _ = store.add_case(
        store.local_user().number or 0,
        archive_id,
        content_hash=hashlib.sha256(sha256.encode()).hexdigest(),
        source="scan.png",
        files=[("scan.png", sha256, len(image), FileRole.IMAGE)],
        **given,
    )
    return found


def scored(
    store: Store,
    found: Case,
    finding: float = 0.9,
    model: str = "one",
    weights: str = WEIGHTS,
    version: str = "1",
) -> None:
    """Give a case a score and a discrepancy."""
    assert found.id is not None
    decision = "finding" if finding >= 0.5 else "clear"
    store.save_scores(
        [
            Score(
                case_id=found.id,
                system="brain-mr",
                model=model,
                version=version,
                weights_sha256=weights,
                finding=finding,
                decision=decision,
                threshold=0.5,
            )
        ],
        [
            Discrepancy(
                case_id=found.id,
                models=fingerprint([(weights, version)]),
                value=finding,
                reason="the models see a finding",
            )
        ],
    )


def lock(store: Store, case_id: int | None, reader: int, stage: Stage = Stage.BLIND, **columns: Any) -> Opinion:
    """Lock an opinion: no finding, 80 % sure, unless told otherwise."""
    assert case_id is not None
    given: dict[str, Any] = {"finding": False, "label": "no finding", "confidence": 80, "seconds": 12.5, **columns}
    given.setdefault("started", STARTED + timedelta(seconds=case_id))
    return store.lock_opinion(case_id, reader, stage, **given)
