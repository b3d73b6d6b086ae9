"""The published form of a case's record: JSON Schema, made of the very classes that write it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.reports.record import SCHEMA_VERSION, CaseRecord

FILE = Path(__file__).resolve().parents[2] / "docs" / "schema" / "review-record.schema.json"


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of :class:`~core.reports.record.CaseRecord` as it is written."""
    found = CaseRecord.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:overread:review-record:{SCHEMA_VERSION}",
        "title": f"Overread review record {SCHEMA_VERSION}",
        **{key: value for key, value in found.items() if key != "title"},
    }


def publish(path: Path = FILE) -> Path:
    """Write the schema as indented JSON; returns where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    publish()
