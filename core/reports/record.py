"""The machine-readable report of one case: a documented, versioned JSON schema, and the content hash over it."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Literal

from pydantic import Field

from core.reports.drawn import DrawnPart
from core.reports.part import Part
from core.weights.card import DataUse, Metric, Threshold

SCHEMA_VERSION = "2.2"


class StudyPart(Part):
    """What was read. The study is de-identified: no field here names a patient."""

    name: str = Field(description="file name without folders, or a neutral one where it would name the patient")
    sha256: str = Field(description="SHA-256 of the uploaded bytes, hexadecimal")
    source: str = Field(description="format of the pixels")
    modality: str
    body_part: str | None
    series: str = Field(description="description of the series")
    series_key: str = Field(description="identifier of the series, from its content")
    projection: str = Field(description="slice, or mip-coronal for a projection along the body")
    slices: int
    rows: int
    columns: int
    spacing_mm: tuple[float, float, float] | None = Field(
        description="millimetres between slices, rows and columns; null when unknown"
    )
    uneven: str = Field(
        "", description="why the slices have no one distance, so that no volume is given; empty where one"
    )
    unit: str = Field(description="unit of the pixel values")
    simulated: bool
    notes: tuple[str, ...] = Field(description="what reading the files had to assume")
    problems: tuple[str, ...] = Field(description="files that could not be used, and why")


class SystemPart(Part):
    """Which system read it, and what its answer means."""

    name: str
    title: str
    scope: str
    finding: str = Field(description="the system's words for a positive answer")
    clear: str = Field(description="the system's words for a negative answer")
    licence: str
    chosen: str = Field(description="how the system was chosen")
    overruled: bool = Field(description="true when the reader chose another system than the automatic one")


class GatePart(Part):
    """What the wrong-image gate said about the series."""

    state: str = Field(description="passed or stopped")
    overruled: bool = Field(description="true when the reader looked at the answers although the gate had stopped it")
    reasons: tuple[str, ...] = Field(description="why the image was stopped")
    version: str = Field(description="version of the learnt router; empty when only rules were asked")
    evidence: str = Field(description="what the gate's limit rests on")
    unchecked: str = Field(description="why only rules were asked; empty when the router answered")


class SlicePart(Part):
    """A model's answer on one slice."""

    slice: int = Field(ge=1, description="number of the slice, from 1")
    raw: dict[str, float] = Field(description="class to probability before calibration")
    calibrated: dict[str, float] = Field(description="class to probability after temperature scaling")
    finding: float = Field(ge=0, le=1, description="calibrated probability of a finding")
    decision: Literal["finding", "clear"] = Field(description="finding when the probability reaches the threshold")
    mask_withheld: bool = Field(description="true where the gate model said clear, so that no mask is given")
    mask_pixels: int | None = Field(description="pixels of the mask; null for a model without masks")
    mask_area_mm2: float | None = Field(description="null without a mask or where the spacing is unknown")


class PedigreePart(Part):
    """What a model's numbers rest on."""

    version: str
    architecture: str
    weights_sha256: str
    threshold: Threshold
    temperature: float
    averaged: str = Field(description="over what its log-odds are averaged; empty where they are of one pass")
    mask_threshold: float | None
    gate: str | None
    trained: str = Field(description="date of training")
    recipe: str
    data: tuple[DataUse, ...]
    metrics: dict[str, Metric] = Field(description="on the test part, with 95 % intervals")
    baselines: dict[str, dict[str, float]]
    published: str
    intended_use: str
    limits: tuple[str, ...]


class TriagePart(Part):
    """Class-conditional conformal set of a model's answer on the most suspicious slice."""

    says: Literal["low", "refer", "high"] = Field(description="low or high when only such classes are left, else refer")
    classes: tuple[str, ...] = Field(description="classes in the set")
    level: float = Field(description="promised coverage in every class")
    calibration_cases: dict[str, int] = Field(description="validation images by class that the promise rests on")
    calibration_groups: int
    too_few_for: tuple[str, ...] = Field(description="classes with too few images to promise anything")


class ModelPart(Part):
    """One model: its answers, or why there are none."""

    name: str
    title: str
    role: str
    votes: bool = Field(description="whether it answers the system's own question, so that its answer is counted")
    status: str
    reason: str = Field(description="why the model did not answer, or did not outline")
    pedigree: PedigreePart | None
    triage: TriagePart | None = Field(description="null for a model without calibration images")
    slices: tuple[SlicePart, ...]
    failed_slices: tuple[int, ...] = Field(description="slices, from 1, on which its answer is not a finite number")
    mask_voxels: int | None = Field(description="voxels of the mask over all slices")
    mask_volume_ml: float | None = Field(description="null without a mask, spacing or a second slice")
    seconds_per_slice: float

    def at(self, index: int) -> SlicePart | None:
        """The answer on slice ``index``, from 0; ``None`` where the model gave none."""
        return next((part for part in self.slices if part.slice == index + 1), None)


class VotePart(Part):
    """What the models say together of one slice. Models appear by name."""

    slice: int = Field(ge=1, description="number of the slice, from 1")
    decided: Literal["finding", "clear"] | None = Field(
        description="what more than half of the votes say; null for a tie or without a vote"
    )
    tied: bool = Field(description="as many votes for a finding as for none")
    mean: float | None = Field(description="mean probability of a finding over the votes; null without one")
    spread: float | None = Field(description="largest distance between two votes' probabilities")
    finding: tuple[str, ...] = Field(description="models that vote for a finding")
    clear: tuple[str, ...] = Field(description="models that vote for none")
    contradicting: tuple[str, ...] = Field(
        description="models without a vote, not counted, that say otherwise than most votes"
    )


class EnsemblePart(Part):
    """The mean of the models that vote, at a threshold of its own."""

    members: tuple[str, ...]
    versions: tuple[str, ...] = Field(description="of the members, in the same order")
    threshold: float = Field(ge=0, le=1, description="on the mean, from the members' shared validation images")
    threshold_rule: str
    threshold_images: int = Field(description="validation images that the threshold rests on")
    finding: tuple[float | None, ...] = Field(
        description="mean calibrated probability of a finding, one a slice; null where a member failed"
    )
    decisions: tuple[Literal["finding", "clear"] | None, ...] = Field(description="at the threshold, one a slice")
    metrics: dict[str, Metric] = Field(description="on the members' shared test images, with 95 % intervals")


class PairPart(Part):
    """The most suspicious slice read together with the slice of another modality at its place: PET with MR or CT."""

    slice: int = Field(ge=1)
    reason: str = Field(description="why there is no joint answer; empty with one")
    other_series: str | None = Field(description="description of the other series")
    other_slice: int | None
    distance_mm: float | None = Field(description="between the planes of the two slices")
    assumed: bool | None = Field(description="true where the files do not say that both series share one space")
    pet: float | None = Field(description="probability of a finding on the PET slice alone")
    mr: float | None = Field(description="on the MR slice alone; null where CT was read")
    ct: float | None = Field(None, description="on the CT slice alone; null where MR was read")
    finding: float | None = Field(description="of both together")
    threshold: float | None
    decision: Literal["finding", "clear"] | None
    versions: dict[str, str] = Field(description="of the two models, by name")
    metrics: dict[str, Metric] = Field(description="of the rule, on test pairs of slices")


class FlagPart(Part):
    """A disagreement on one slice, or a warning about the whole series (``slice`` null)."""

    slice: int | None
    kind: str
    text: str


class HeatMapPart(Part):
    """A heat map in the report: where it is highest, not its pixels."""

    model: str
    slice: int
    target: str
    method: str
    peak_row: int | None = Field(description="row of the hottest pixel, from 0; null for an empty map")
    peak_column: int | None


class OpinionPart(Part):
    """A reader's locked opinion; readers appear by number."""

    stage: str = Field(description="blind (before the models were shown), final (after) or open")
    reader: int
    finding: bool
    label: str | None
    confidence: int = Field(ge=0, le=100)
    locked_at: datetime
    seconds: float
    marks: int
    comment: str


class ChangePart(Part):
    """How one reader's final opinion differs from the blind one."""

    reader: int
    finding_changed: bool
    label_changed: bool
    confidence_change: int
    towards_models: bool | None = Field(
        description="whether a changed answer moved to what the vote says; null when unchanged or for a tie"
    )


class CaseRecord(Part):
    """A report of one case; ``schema_version`` changes with every change of these fields."""

    schema_version: Literal["2.2"] = SCHEMA_VERSION  # type: ignore[assignment]
    software: str
    notice: str
    generated_at: datetime
    content_sha256: str = Field(default="", description="over everything but this field and generated_at")
    study: StudyPart
    system: SystemPart
    shown_slice: int
    most_suspicious_slice: int
    window: str = Field(description="display window of the pictures, in words")
    agreement: str = Field(description="what the models say together of the most suspicious slice, in words")
    certainty: str = Field(description="how far the models that vote lie apart there, in words; empty without answers")
    vote: VotePart | None = Field(description="on the series: that of its most suspicious slice; null without answers")
    votes: tuple[VotePart, ...] = Field(description="on every slice")
    ensemble: EnsemblePart | None = Field(description="null with fewer than two members or without shared images")
    pair: PairPart | None = Field(description="null for a study of one modality, or a system without a rule for two")
    pair_ct: PairPart | None = Field(None, description="PET and CT of one place; null where pair would be")
    gate: GatePart | None = Field(description="null when the image was not put before the gate")
    models: tuple[ModelPart, ...]
    flags: tuple[FlagPart, ...]
    heat_maps: tuple[HeatMapPart, ...]
    drawn: tuple[DrawnPart, ...] = Field((), description="measured by hand on this series by whoever made this report")
    opinions: tuple[OpinionPart, ...]
    changes: tuple[ChangePart, ...]

    def hashed(self) -> CaseRecord:
        """The record with its content hash filled in."""
        return self.model_copy(update={"content_sha256": content_hash(self)})

    @property
    def intact(self) -> bool:
        """Whether the content is still what the hash was made of."""
        return self.content_sha256 == content_hash(self)


def content_hash(record: CaseRecord) -> str:
    """SHA-256 over the record's JSON with sorted keys, without the hash itself and the moment of generation."""
    content = record.model_dump(mode="json", exclude={"content_sha256", "generated_at"})
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
