"""Images that an older version kept with all that their headers and text chunks say of patients."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, func, select

from core.review.store import Store
from core.review.tables import Archive, AuditEntry, Case, CaseFile

COVERED = "store.covered"  # in the trail since images are kept bare, with the rows there were until then
REMEDY = "Import their folders into a new archive, which keeps images bare, and close the old one."


def kept_whole(store: Store) -> dict[int, int]:
    """How many images of each archive were stored before images were kept bare; archives without any are left out.

    They are not rewritten: their names are the hashes of their bytes, which the trail and the opinions rest on.
    """
    with store.reading() as session:
        first = select(AuditEntry.time).where(AuditEntry.action == COVERED).order_by(col(AuditEntry.seq)).limit(1)
        since = session.exec(first).first()
        if since is None:
            return {}
        moment = datetime.fromisoformat(since)
        query = select(Case.archive_id, func.count(func.distinct(CaseFile.sha256)))
        query = query.join(CaseFile, col(CaseFile.case_id) == col(Case.id)).where(col(Case.created) < moment)
        return {int(archive): int(count) for archive, count in session.exec(query.group_by(col(Case.archive_id)))}


def told(store: Store) -> list[str]:
    """The same in sentences, one an archive, for whoever looks after the store."""
    found = kept_whole(store)
    with store.reading() as session:
        rows = session.exec(select(Archive.id, Archive.name).where(col(Archive.id).in_(list(found))))
        names = dict(rows.all())
    return [sentence(names[archive], count) for archive, count in sorted(found.items())]


def sentence(name: str, count: int) -> str:
    """What is to be said of an archive with such images."""
    images = "1 image was" if count == 1 else f"{count:,} images were"
    return (
        f"In the archive {name!r}, {images} stored by an older version with all that headers and texts say of "
        f"patients; exports and backups hold that too. {REMEDY}"
    )
