"""Paths and readers' names become pseudonyms; what decides something is put under the audit trail as it stands.

Images that an older program kept are not rewritten: their names are the hashes of their bytes, which the trail and the
opinions rest on. They keep what their headers and text chunks say of patients, and so do exports and backups of them.
The remedy is to import the folders into a new archive, which keeps them bare, and to close the old one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from alembic import op
from sqlalchemy import text
from sqlmodel import Session

from core.review import decided
from core.review.pseudonyms import Pseudonyms
from core.review.tables import Arbitration, Archive, Case, User
from core.review.trail import append

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_AT_ONCE = 500
_DECIDING = (User, Archive, Case, Arbitration)  # what there was at this revision
_PLAIN = re.compile(r"\d{4}\.dcm")
_NAMES_A_FILE = re.compile(r"The same image as |leads out|stands in row|cannot be opened|There is no ")


def upgrade() -> None:
    """Rewrite what names files and people, then note the state of every row that decides something."""
    config = op.get_context().config
    images: Path | None = None if config is None else config.attributes.get("images")
    with Session(op.get_bind()) as session:
        if images is not None:
            _rename(session, Pseudonyms.of(images))
        told: list[dict[str, object]] = []
        for state in decided.states(session, _DECIDING):
            told.append(state)
            if len(told) == _AT_ONCE:
                append(session, 1, "store.covered", "store", {"states": told})
                told = []
        if told:
            append(session, 1, "store.covered", "store", {"states": told})
        session.commit()


def _rename(session: Session, names: Pseudonyms) -> None:
    def rows(query: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in session.connection().execute(text(query))]

    def change(statement: str, **values: object) -> None:
        session.connection().execute(text(statement), values)

    for number, name in rows("SELECT number, name FROM recorded_readers"):
        change("UPDATE recorded_readers SET name = :n WHERE number = :i", n=names.reader(str(name)), i=number)
    if rows("SELECT id FROM cases LIMIT 1"):  # a new store has none, and does without the reader of DICOM
        _rename_cases(rows, change, names)
    for number, path, reason in rows("SELECT id, path, reason FROM import_files"):
        file, comma, row = str(path).partition(", row ")
        change(
            "UPDATE import_files SET path = :p, reason = :r WHERE id = :i",
            p=names.path(file) + comma + row,
            r="The reason named the file." if _NAMES_A_FILE.search(str(reason)) else reason,
            i=number,
        )
    for number, settings, message in rows("SELECT id, settings, message FROM import_runs"):
        kept = settings if isinstance(settings, dict) else json.loads(str(settings))
        place = names.path(str(kept["path"])) if kept.get("path") else names.path(f"import {number}")
        kept = kept | {"path": place}
        layout = kept.get("options", {}).get("layout", {})
        if layout.get("sheet"):
            layout["sheet"] = names.path(str(layout["sheet"]))
        change(
            "UPDATE import_runs SET source = :s, settings = :j, message = :m WHERE id = :i",
            s=place,
            j=json.dumps(kept),
            m="The message named a file." if _NAMES_A_FILE.search(str(message)) else message,
            i=number,
        )


def _rename_cases(
    rows: Callable[[str], list[tuple[object, ...]]], change: Callable[..., None], names: Pseudonyms
) -> None:
    from core.imaging.deidentify import Identity
    from core.imaging.nifti import HINT_WORDS

    identity = Identity()
    for number, source in rows("SELECT id, source FROM cases"):
        if re.search(r"\.[A-Za-z]{2,4}$", str(source)) or not identity.may_show(str(source)):
            change("UPDATE cases SET source = :s WHERE id = :i", s=names.path(str(source)), i=number)
    for number, position, name in rows("SELECT id, position, name FROM case_files"):
        if not _PLAIN.fullmatch(str(name)):
            ending = re.search(r"(\.nii)?\.\w{2,4}$", str(name).lower())
            hints = "".join(f"-{w}" for w in re.split(r"[^a-z0-9]+", str(name).lower()) if w in HINT_WORDS)
            mask = "_mask" if re.search(r"mask", str(name), re.IGNORECASE) else ""
            made = f"{int(str(position)) + 1:04d}{hints}{mask}{ending[0] if ending else ''}"
            change("UPDATE case_files SET name = :n WHERE id = :i", n=made, i=number)
