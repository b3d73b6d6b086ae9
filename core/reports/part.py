"""What every part of a record is: unchangeable, and with nothing in it that is not described."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a record of a case."""

    model_config = ConfigDict(extra="forbid", frozen=True)
