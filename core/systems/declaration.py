"""What one system is: the images it accepts, its classes, its models and its wording."""

from __future__ import annotations

from dataclasses import dataclass

from core.imaging.study import Modality


@dataclass(frozen=True)
class ModelSlot:
    """A model a system has, whether or not its weights are installed."""

    name: str
    title: str
    architecture: str
    role: str  # "classifier" or "segmenter"
    gate: str | None = None


@dataclass(frozen=True)
class Term:
    """A coded concept: code, coding scheme (``SCT`` is SNOMED CT, ``DCM`` is DICOM PS3.16) and its meaning."""

    value: str
    scheme: str
    meaning: str


NEOPLASM = Term("108369006", "SCT", "Neoplasm")


@dataclass(frozen=True)
class System:
    """Declaration of one system.

    Attributes:
        name: identifier, also the folder under ``weights/``.
        title, summary: for people.
        modalities: modalities it accepts; body parts likewise (upper case, substring match); empty takes any.
        projection: ``slice`` or ``mip-coronal``.
        classes: class names in logit order; ``classes[0]`` is the negative one.
        positive: the classes that count as a finding.
        finding: the word for a positive answer ("tumour").
        clear: the word for a negative answer ("no tumour seen").
        scope: what an answer does and does not mean, one sentence.
        models: the models, first the main one.
        licence_note: licence of the training data.
        coded_finding, coded_site: what a finding is and where, for DICOM objects.
    """

    name: str
    title: str
    summary: str
    modalities: frozenset[Modality]
    body_parts: tuple[str, ...]
    projection: str
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    finding: str
    clear: str
    scope: str
    models: tuple[ModelSlot, ...]
    licence_note: str
    coded_finding: Term = NEOPLASM
    coded_site: Term | None = None
