"""Files that decide answers, sealed: a value altered after it was measured gets a refusal, not an answer."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 2


class Sealed(BaseModel):
    """Base of what lies as JSON beside weights.

    Attributes:
        schema_version: of the file's form.
        digest: SHA-256 over every field but those in ``telling``, as canonical JSON; fields that stand at their default
            do not count, so that a field added later breaks no older file.
        telling: fields that tell about a model and decide nothing; they may be corrected.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    telling: ClassVar[frozenset[str]] = frozenset()

    schema_version: int = SCHEMA_VERSION
    digest: str = ""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            OSError: it cannot be read.
            ValueError: it holds something else (``pydantic.ValidationError``), is of another schema version, or a value
                that decides answers is not the one that was measured.
        """
        return cls.parse(path.read_bytes())

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """As :meth:`load`, from the bytes of the file."""
        found = cls.model_validate_json(content)
        if found.schema_version != SCHEMA_VERSION or not found.digest:
            raise ValueError(f"it is not of schema {SCHEMA_VERSION}: an older or newer Overread wrote it")
        if found.digest != found.sealed().digest:
            raise ValueError("a value that decides answers was altered after it was measured")
        return found

    def sealed(self) -> Self:
        """The same with its digest."""
        deciding = self.model_dump(mode="json", exclude={"digest", *self.telling}, exclude_defaults=True)
        text = json.dumps(deciding | {"schema_version": self.schema_version}, sort_keys=True, separators=(",", ":"))
        return self.model_copy(update={"digest": hashlib.sha256(text.encode()).hexdigest()})

    def save(self, path: Path) -> None:
        """Write it, sealed, as indented JSON."""
        path.write_text(self.sealed().model_dump_json(indent=1) + "\n", encoding="utf-8")
