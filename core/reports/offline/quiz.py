"""The file: cases, pictures, rules and truth as data, and the page that asks and scores under a policy of its own."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.errors import LimitExceededError
from core.reports.offline import lesions
from core.reports.pdf.page import moment
from core.review.tables import QuizItem
from core.review.vocabulary import now
from core.systems import SYSTEMS
from core.systems.declaration import System
from core.teaching.material import Material
from core.teaching.rules import Rules, Source, TeachingError, Verify
from core.teaching.scoring import TOLERANCE_MM, TOLERANCE_SHARE

HERE = Path(__file__).resolve().parent
MOST_BYTES = 60 * 2**20  # of the file: a phone has to hold it
CONFIDENCE = (50, 60, 70, 80, 90, 95, 100)
DRAWN = (Source.SIMULATED, Source.SAMPLE)
NOTICE = "For teaching only. Every scan here is drawn by a computer: none is a patient's."
OPEN_TRUTH = (
    "The truth is in this file: who opens its source can read it. Where an answer counts, hold a class instead."
)


@dataclass(frozen=True, eq=False)
class OfflineCase:
    """One case for the file.

    Attributes:
        item: as the quiz has it, with its hint and note. material: its images and truth.
        grey: uint8 ``(slices, height, width)``: the series as it is shown. window: by which one, in words.
    """

    item: QuizItem
    material: Material
    grey: np.ndarray
    window: str


def refuse(items: Iterable[QuizItem], rules: Rules) -> None:
    """Raise ``TeachingError`` when a quiz must not leave the store for good.

    That is when a case is not drawn by a computer, or when its truth is not to be told (a reader study).
    """
    if rules.verify is Verify.NEVER:
        raise TeachingError(
            "The truth of a reader study's cases is not told, and a file cannot hide it.", "Make a quiz of its own."
        )
    real = [one.position + 1 for one in items if one.source not in DRAWN or not one.simulated]
    if real:
        named = f"Case {real[0]} is" if len(real) == 1 else f"Cases {', '.join(map(str, real))} are"
        raise TeachingError(
            f"{named} from an archive: no patient's images may leave it in a file.",
            "Make a quiz of simulated scans or built-in samples for use offline; this one can be held as a class.",
        )


def offline_quiz(title: str, goals: str, rules: Rules, cases: Sequence[OfflineCase]) -> bytes:
    """The quiz as one HTML file, UTF-8. No model answers in it; where the quiz shuffles, the browser does.

    Raises:
        TeachingError: a case comes from an archive, the truth is not to be told, or there is no case.
        LimitExceededError: the file would be larger than :data:`MOST_BYTES`.
    """
    refuse((one.item for one in cases), rules)
    if not cases:
        raise TeachingError("A quiz without a case cannot be taken along.", "Choose one with cases.")
    content = {
        "title": title,
        "goals": goals,
        "notice": NOTICE,
        "open": OPEN_TRUTH,
        "made": moment(now()),
        "shuffle": rules.shuffle,
        "atEnd": rules.verify is Verify.AT_END,
        "seconds": rules.seconds,
        "confidence": CONFIDENCE,
        "systems": {name: _system(SYSTEMS[name]) for name in sorted({one.item.system for one in cases})},
        "cases": [_case(one) for one in cases],
    }
    # A data block ends at the first "</script": no sign in it may open a tag.
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    page = _page(title, data)
    if len(page) > MOST_BYTES:
        raise LimitExceededError(
            f"The quiz would be a file of {len(page) / 2**20:.0f} MiB; {MOST_BYTES / 2**20:.0f} are allowed.",
            "Take fewer cases, or fewer slices of each.",
        )
    return page


def _page(title: str, data: str) -> bytes:
    style, score, quiz = ((HERE / name).read_text(encoding="utf-8") for name in ("quiz.css", "score.js", "quiz.js"))
    script = f"{score}\n{quiz}"
    # Nothing but this very script and style runs, nothing is fetched, and nothing can be sent anywhere.
    policy = f"default-src 'none'; img-src data:; script-src {_hash(script)}; style-src {_hash(style)}"
    whole = (HERE / "quiz.html").read_text(encoding="utf-8")
    key = hashlib.sha256(data.encode()).hexdigest()[:16]
    parts = {"POLICY": policy, "TITLE": html.escape(title), "KEY": key, "STYLE": style, "SCRIPT": script, "DATA": data}
    return re.sub("@([A-Z]+)@", lambda found: parts[found[1]], whole).encode("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _system(system: System) -> dict[str, Any]:
    return {
        "title": system.title,
        "finding": system.finding,
        "clear": system.clear,
        "positive": [name for name in system.classes if name in system.positive],
        "negative": [name for name in system.classes if name not in system.positive],
    }


def _case(one: OfflineCase) -> dict[str, Any]:
    item, found = one.item, one.material
    series, spacing = found.series, found.series.spacing
    height, width = series.shape
    step = spacing or (1.0, 1.0, 1.0)
    return {
        "system": item.system,
        "finding": item.finding,
        "label": item.label,
        "hint": item.hint,
        "note": " ".join(part for part in (item.note, found.note) if part),
        "window": one.window,
        "width": width,
        "height": height,
        "aspect": round(float(series.aspect), 4),
        "unit": "px" if spacing is None else "mm",
        "step": [float(v) for v in step],
        "near": TOLERANCE_MM if spacing is not None else TOLERANCE_SHARE * float(np.hypot(height, width)),
        "pictures": [_picture(plane) for plane in one.grey],
        "lesions": lesions.lesions(found.truth, step),
        "outlines": lesions.outlines(found.truth),
    }


def _picture(plane: np.ndarray) -> str:
    """A slice as a PNG in a data address."""
    buffer = io.BytesIO()
    Image.fromarray(plane).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
