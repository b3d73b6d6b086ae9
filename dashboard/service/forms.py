"""What goes over the wire, as OpenAPI describes it. Values come from the engine and the store as they are."""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from core.review import Mode, RunState, Stage
from core.weights.card import ModelCard
from core.weights.exported.manifest import Link

MOST_TEXT = 4000
Number = Annotated[float | None, BeforeValidator(lambda v: v if v is None or math.isfinite(v) else None)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True)


class SystemForm(_Form):
    """One kind of image, and what is asked about it."""

    name: str
    title: str
    summary: str
    modalities: list[str]
    projection: str
    classes: list[str]
    positive: list[str]
    finding: str
    clear: str
    scope: str
    models: list[str]


class ModelForm(_Form):
    """One model: whether it can answer, its card, and what answers for it: its weights, or an export ``instead``."""

    system: str
    name: str
    title: str
    role: str
    status: str
    reason: str = ""
    card: ModelCard | None = None
    answers_from: Link | None = None
    instead: str = ""


class FigureForm(_Form):
    """A figure with its interval; ends that do not exist are null."""

    value: Number
    low: Number
    high: Number
    level: float
    n: int
    groups: int
    method: str


class RowForm(_Form):
    """One line of a table."""

    label: str
    kind: str
    version: str
    split: str
    n: int
    groups: int
    figures: dict[str, FigureForm]
    note: str


class TableForm(_Form):
    """A table of evidence."""

    key: str
    title: str
    columns: dict[str, str]
    rows: list[RowForm]
    notes: list[str]


class SeriesForm(_Form):
    """One stack of images."""

    number: int
    key: str = Field(description="The same for the same pixels; measurements name their series by it.")
    description: str
    modality: str
    unit: str
    slices: int
    rows: int
    columns: int
    spacing_mm: tuple[float, float, float] | None
    projection: str
    windows: list[str]
    notes: list[str]


class StudyForm(_Form):
    """One upload, or a case of the store that was opened."""

    id: str
    name: str
    sha256: str
    source: str
    simulated: bool
    case: int | None = Field(description="Number in the store, of a case that was opened from there.")
    system: str | None = Field(description="The system that fits; null where none does.")
    reason: str = Field(description="Why that system.")
    series_number: int = Field(description="The series that it should read.")
    series: list[SeriesForm]
    problems: list[str]
    dropped_tags: list[str] = Field(description="Names of the identifying tags that were removed.")


class ReviewState(StrEnum):
    """How far a review is."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class AskForm(_Form):
    """What to ask. Without a system: the one that fits."""

    system: str | None = Field(None, max_length=60)
    series: int | None = Field(None, ge=0, le=100_000)


class ReviewForm(_Form):
    """A review under way or done; its answers are at the addresses below it."""

    id: str
    study: str
    system: str
    series: int
    state: ReviewState
    model: str = Field(description="The model at work.")
    fraction: float
    error: str = ""


class OverruleForm(_Form):
    """Why the image is the right one although the wrong-image gate stopped it."""

    reason: str = Field(max_length=300)


class ArchiveForm(_Form):
    """A collection of cases."""

    id: int
    name: str
    note: str
    mode: Mode
    created: datetime
    cases: int


class NewArchiveForm(_Form):
    """An archive to be made."""

    name: str = Field(min_length=1, max_length=80)
    note: str = Field("", max_length=300)
    mode: Mode = Mode.SECOND_READER


class ScoreForm(_Form):
    """Which system's models are to score an archive."""

    system: str = Field(max_length=60)


class RunForm(_Form):
    """An import or a scoring in the background."""

    id: int
    kind: str
    state: RunState
    interrupted: bool
    done: int
    failed: int
    total: int
    message: str


class AnswerForm(_Form):
    """What one model says of a case at its most suspicious slice."""

    model: str
    title: str
    version: str
    finding: Number
    positive: bool | None
    threshold: Number
    error: str


class CaseForm(_Form):
    """One case as the caller may see it: where ``hidden``, nothing that a model says and nothing that was recorded."""

    id: int
    archive: int
    system: str | None
    state: str
    date: str | None
    slices: int
    simulated: bool
    hidden: bool
    source: str = ""
    patient: str = ""
    recorded_finding: bool | None = None
    recorded_label: str | None = None
    recorded_text: str = ""
    rank: int | None = None
    probability: Number = Field(None, description="That the recorded label is wrong.")
    reason: str = ""
    against: str | None = None
    finding: Number = Field(None, description="Mean probability of a finding over the models that vote.")
    decided: bool | None = None
    split: bool | None = None
    answers: list[AnswerForm] = []
    stopped: list[str] = Field([], description="Why the wrong-image gate stopped it; then no answer is told.")


class WorklistForm(_Form):
    """An archive's cases of one system, in the order they should be read."""

    archive: int
    system: str
    hidden: int
    stale: int
    unscored: int
    pedigree: str
    total: int
    cases: list[CaseForm]


class MarkForm(_Form):
    """A point, or with width and height a box, in image pixels."""

    kind: str = Field(pattern="^(point|box)$")
    slice: int = Field(0, ge=0, le=100_000)
    x: float = Field(allow_inf_nan=False)
    y: float = Field(allow_inf_nan=False)
    width: float | None = Field(None, gt=0, allow_inf_nan=False)
    height: float | None = Field(None, gt=0, allow_inf_nan=False)

    def plain(self) -> dict[str, Any]:
        """As the store takes it."""
        return self.model_dump(exclude_none=True)


class NewOpinionForm(_Form):
    """An answer to be locked for good."""

    stage: Stage
    finding: bool
    label: str | None = Field(None, max_length=60)
    confidence: int = Field(ge=0, le=100, description="In per cent.")
    seconds: float = Field(ge=0, le=1e6, description="Reading time.", allow_inf_nan=False)
    comment: str = Field("", max_length=MOST_TEXT)
    marks: list[MarkForm] = Field([], max_length=500)


class OpinionForm(_Form):
    """A locked answer; readers appear by number."""

    case: int
    reader: int
    stage: Stage
    finding: bool
    label: str | None
    confidence: int
    seconds: float
    locked_at: datetime
    comment: str
    marks: list[dict[str, Any]]


class MeasurementForm(_Form):
    """One measurement as its reader drew it; ``values`` are in millimetres or pixels, as their ``unit`` says."""

    id: str
    kind: str = Field(description="length, angle, rectangle, ellipse or freehand.")
    slice: int = Field(description="From 0.")
    points: list[tuple[float, float]] = Field(description="Column and row, whole numbers at the centres of pixels.")
    values: dict[str, Any] = Field(
        description="length, or angle in degrees, or area with the count n of its pixels, mean, sd, min, max, peak."
    )
    text: str


class MeasuredForm(_Form):
    """What one reader measured in one series of a case."""

    case: int
    reader: int
    series: str = Field(description="The series' key, as an opened case tells it.")
    measurements: list[MeasurementForm]


class PredictionForm(_Form):
    """The published demo's answer."""

    filename: str
    diagnosis: str
    cancer_probability: float
    confidence: float
    threshold_used: float
    model_type: str


class LoadedForm(_Form):
    """The published demo's word on its model."""

    model_loaded: bool
    model_type: str
    threshold: float


class NothingLoadedForm(_Form):
    """The same without one."""

    status: str


class HealthForm(_Form):
    """Whether the server answers, and whether it has a model for the published demo's question."""

    status: str
    model_loaded: bool
    model_type: str
