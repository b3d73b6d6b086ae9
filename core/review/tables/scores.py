"""What models said of cases, and what follows from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.review.vocabulary import Moment, now
from core.weights.card import Identity


class Score(SQLModel, table=True):
    """What one model said about one case; unique per weights and version, so that rescoring is idempotent.

    ``finding`` is the calibrated probability of a finding on ``slice_index``, the case's most suspicious slice;
    ``probabilities`` maps class to calibrated probability there; ``error`` is set, and the numbers are ``None``, when
    the model could not answer.
    """

    __tablename__ = "scores"
    __table_args__ = (UniqueConstraint("case_id", "system", "model", "weights_sha256", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    run_id: int | None = Field(default=None, foreign_key="score_runs.id", index=True)
    system: str
    model: str
    version: str
    weights_sha256: str
    finding: float | None = None
    decision: str | None = None
    threshold: float | None = None
    slice_index: int = 0
    probabilities: dict[str, float] = Field(default_factory=dict, sa_type=JSON)
    ood: float | None = None
    mask_pixels: int | None = None
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    error: str = Field(default="", sa_type=Text)
    seconds: float = 0.0
    created: datetime = Field(default_factory=now, sa_type=Moment)

    @property
    def identity(self) -> Identity:
        """Weights and version of the model when it answered."""
        return self.weights_sha256, self.version


class Discrepancy(SQLModel, table=True):
    """How much a second look at a case promises, for one set of models.

    ``models`` is the fingerprint of the models it rests on (``store.fingerprint``); ``value`` orders the worklist
    (higher first); ``reason`` is the plain sentence why the case stands where it stands.
    """

    __tablename__ = "discrepancies"
    __table_args__ = (UniqueConstraint("case_id", "models"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    models: str
    value: float
    reason: str = Field(default="", sa_type=Text)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    created: datetime = Field(default_factory=now, sa_type=Moment)


class DriftReading(SQLModel, table=True):
    """One comparison of incoming scores with the calibration set; ``version`` is empty where it was not kept."""

    __tablename__ = "drift_readings"

    id: int | None = Field(default=None, primary_key=True)
    archive_id: int | None = Field(default=None, foreign_key="archives.id")
    system: str
    model: str
    weights_sha256: str
    version: str = ""
    n: int
    n_reference: int
    statistic: str
    value: float
    p_value: float | None = None
    warned: bool = False
    message: str = Field(default="", sa_type=Text)
    created: datetime = Field(default_factory=now, sa_type=Moment)
