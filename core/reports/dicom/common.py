"""What all DICOM objects of Overread have in common: coded concepts, plain text, who made them."""

from __future__ import annotations

import unicodedata
from typing import Any

import highdicom as hd
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from core.engine.results import ModelResult
from core.engine.words import caveats
from core.reports.case import NOTICE, SOFTWARE, SOFTWARE_VERSION
from core.systems.declaration import Term
from core.weights.card import ModelCard

FIRST_SERIES_NUMBER = 9001
FIRST_MASK_NUMBER = 9011  # segmentations, a series each
PROBABILITY = codes.DCM.Probability
THRESHOLD = codes.DCM.ThresholdValue
PRESENT = codes.SCT.Present
ABSENT = codes.SCT.Absent
VOTE = Code("VOTE", "99OVERREAD", "Vote of the models of a system")
VOTES_FOR = Code("VOTES-FOR", "99OVERREAD", "Models that say finding")
VOTES_GIVEN = Code("VOTES-GIVEN", "99OVERREAD", "Models that gave a vote")
TIED = Code("TIED", "99OVERREAD", "As many models for as against")
MODELS = Code("{models}", "UCUM", "models")
UNITLESS = Code("1", "UCUM", "no units")
ABNORMAL = codes.cid7150.MorphologicallyAbnormalStructure
INTELLIGENCE = codes.cid7162.ArtificialIntelligence
DEVICE_UID = hd.UID.from_uuid("7d1f6d0b-5a44-4f0e-9c7e-1d5b8a3c2f60")  # Overread as an observer, the same everywhere

EQUIPMENT: dict[str, Any] = {
    "manufacturer": SOFTWARE,
    "manufacturer_model_name": SOFTWARE,
    "software_versions": SOFTWARE_VERSION,
    "device_serial_number": "none",
}


def code(term: Term) -> Code:
    """A declared term as pydicom's code."""
    return Code(term.value, term.scheme, term.meaning)


def plain(text: str, most: int = 64) -> str:
    """Text in ASCII, which every character set of a source file includes; at most ``most`` characters."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(folded.replace("\\", "/").split())[:most]


def algorithm(result: ModelResult) -> tuple[str, str]:
    """Name and version of a model, as DICOM names an algorithm."""
    return plain(f"{SOFTWARE} {result.state.system}/{result.state.name}"), plain(card_of(result).version)


def parameters(card: ModelCard) -> list[str]:
    """Pedigree of an answer as algorithm parameters, one fact each."""
    t = card.threshold
    facts = [
        f"architecture {card.architecture}",
        f"weights SHA-256 {card.weights_sha256}",
        f"threshold {t.value:.4f} on the calibrated probability: {t.rule}; chosen on {t.data}, n={t.n}",
        f"temperature {card.temperature:.4f}",
        *([f"answer {card.averaged}"] if card.averaged else []),
    ]
    for used in card.data:
        facts.append(f"data {used.name}: test {used.test} images, split {used.split_fingerprint}")
    if "auc" in card.metrics:
        auc = card.metrics["auc"]
        interval = f" ({auc.low:.3f} to {auc.high:.3f})" if auc.low is not None and auc.high is not None else ""
        facts.append(f"test AUC {auc.value:.3f}{interval}, n={auc.n}")
        facts += caveats(auc, card.system, card.data)
    return [plain(fact, 1024) for fact in (*facts, NOTICE)]


def card_of(result: ModelResult) -> ModelCard:
    """Card of a model that answered."""
    if result.state.card is None:
        raise ValueError(f"the model {result.state.name} has no card")
    return result.state.card
