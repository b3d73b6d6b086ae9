"""Pictures whose grey level is the answer, and an engine that reads it off: runs whose truth is known."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from core.engine.results import Flag, GateState, GateVerdict, ModelResult, ModelState, ModelStatus, Review
from core.errors import EngineBusyError
from core.imaging import Study
from core.review import Mode, Store
from core.review.archives import ImportOptions, begin_import, wait
from core.review.pseudonyms import Pseudonyms
from core.systems import system
from core.weights.card import ModelCard, Threshold
from tests.cards import card_of
from tests.imaging.builders import picture

SYSTEM = "brain-mr"
SIDE = 24


def image(level: float, number: int = 0) -> bytes:
    """A PNG whose mean is ``level`` of the full range, and whose pixels depend on ``number``."""
    rng = np.random.default_rng(number)
    plane = np.full((SIDE, SIDE), round(255 * level), np.int16)
    plane[: SIDE // 2] += rng.integers(0, 3, (SIDE // 2, SIDE), dtype=np.int16)
    return picture(plane.clip(0, 255).astype(np.uint8))


def card(name: str, version: str = "1.0", threshold: float = 0.5) -> ModelCard:
    """A card whose weights' hash is told by name and version."""
    slot = next(s for s in system(SYSTEM).models if s.name == name)
    return card_of(
        SYSTEM,
        name,
        "none",
        title=slot.title,
        version=version,
        role=slot.role,
        contract={"height": SIDE, "width": SIDE},
        threshold=Threshold(value=threshold, rule="none", data="none", n=1),
        data=(),
        weights_sha256=(name + version).encode().hex().ljust(64, "0")[:64],
    )


@dataclass
class GreyEngine:
    """Every model answers the mean grey of a slice, shifted by its own little bias."""

    weights: Path = Path("/nonexistent")
    version: str = "1.0"
    bias: dict[str, float] = field(default_factory=lambda: {"unet": 0.0, "resnet50": -0.04, "resunet": 0.04})
    seconds: float = 0.0
    busy: int = 0
    asked: int = 0
    strange: Callable[[Study], float] | None = None

    def states(self, system_name: str | None = None) -> tuple[ModelState, ...]:
        """All models of brain MR are ready, no other system has any."""
        if system_name not in (None, SYSTEM):
            return ()
        return tuple(
            ModelState(SYSTEM, name, name, "classifier", ModelStatus.READY, card=card(name, self.version))
            for name in self.bias
        )

    def review(
        self,
        study: Study,
        system_name: str,
        series_index: int = 0,
        *,
        progress: Callable[[str, float], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Review:
        """Read the answer off the pixels."""
        if self.busy > 0:
            self.busy -= 1
            raise EngineBusyError("busy")
        self.asked += 1
        series = study.series[series_index]
        results = []
        for state in self.states(system_name):
            for index in range(series.slices):
                time.sleep(self.seconds)
                if stop is not None and stop():
                    raise InterruptedError
                if progress is not None:
                    progress(state.name, (index + 1) / series.slices)
            p = (series.pixels.mean((1, 2)) / 255 + self.bias[state.name]).clip(0, 1)
            mask = np.repeat((p >= 0.5)[:, None, None], SIDE, 1).repeat(SIDE, 2) if state.name != "resnet50" else None
            both = np.stack([1 - p, p], 1)
            results.append(ModelResult(state, raw=both, calibrated=both, finding=p, mask=mask, seconds=self.seconds))
        peak = int(np.mean([r.finding for r in results if r.finding is not None], 0).argmax())
        review = Review(study.sha256, system_name, series.key, tuple(results), peak)
        if self.strange is None:
            return review
        far = self.strange(study)
        if far <= 0:
            return replace(review, gate=GateVerdict(GateState.PASSED, strange=far))
        flag = Flag("unlike-training", "It looks like something else.")
        return replace(review, gate=GateVerdict(GateState.STOPPED, (flag,), strange=far))


def real(store: Store, shown: str) -> str:
    """A file's path within its source, from the pseudonym under which it is kept."""
    pseudonym, comma, row = shown.partition(",")
    meaning = Pseudonyms.of(store.images_folder).meaning(pseudonym)
    return (meaning or "?/?").split("/", 1)[1] + comma + row


def folder(root: Path, levels: dict[str, list[tuple[float, int]]]) -> Path:
    """A folder with ``index.csv``: by patient, grey level and recorded label of each picture."""
    rows = ["image,patient,tumour,reader,date"]
    root.mkdir(parents=True, exist_ok=True)
    number = 0
    for patient, pictures in levels.items():
        for level, recorded in pictures:
            number += 1
            name = f"{patient}-{number:03d}.png"
            (root / name).write_bytes(image(level, number))
            rows.append(f"{name},{patient},{recorded},Reader {number % 2},2026-01-{1 + number % 28:02d}")
    (root / "index.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


def imported(store: Store, source: Path, options: ImportOptions | None = None, mode: Mode = Mode.OPEN) -> int:
    """Archive with a source imported."""
    actor = store.local_user().number or 0
    archive = store.add_archive(actor, f"archive {len(store.archives())}", mode=mode).id or 0
    run = wait(store, begin_import(store, actor, archive, source, options or ImportOptions(system=SYSTEM)))
    assert run.state == "done", run.message
    return archive
