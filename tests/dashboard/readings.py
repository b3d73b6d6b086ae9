"""Archives to read, with what the models said about each case planted so that a leak can be recognised."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from core import imaging
from core.review import FileRole, Mode, Store, fingerprint
from core.review.kept.looks import looks
from core.review.tables import Discrepancy, Score
from core.weights.card import Identity

SYSTEM = "brain-mr"
SECRET_REASON = "Recorded: no tumour. All 3 models say tumour, zanzibar"
SECRET_NUMBER = 0.73519


@dataclass(frozen=True)
class Planted:
    """An archive of the store.

    Attributes:
        archive: its number.
        cases: numbers of its cases, in the order of the worklist.
        pictures: PNG bytes of each.
    """

    archive: int
    cases: tuple[int, ...]
    pictures: tuple[bytes, ...] = field(repr=False)


def head(seed: int, side: int = 128) -> bytes:
    """A PNG that passes for a brain slice: a bright rim, grey tissue with texture, dark surround."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side - 0.5
    radius = np.hypot(x * 1.25, y)
    coarse = Image.fromarray(rng.normal(0, 35, (9, 9)).astype(np.float32)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    tissue = 100 + np.asarray(coarse) + rng.normal(0, 5, (side, side))
    image = np.where(radius < 0.36, tissue, np.where(radius < 0.4, 210, 4))
    image[(np.hypot(x - 0.1, y + 0.05) < 0.07)] += 70
    out = io.BytesIO()
    Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(out, format="PNG")
    return out.getvalue()


def plant(
    store: Store,
    count: int = 3,
    *,
    mode: Mode = Mode.SECOND_READER,
    name: str = "Night shift",
    models: Mapping[str, Identity] | None = None,
    patients: int | None = None,
) -> Planted:
    """An archive of simulated slices with scores and reasons; the first case has the most promising place.

    Args:
        models: weights and version by model, as installed; without them the scores are another version's.
        patients: how many they are of; by default each is somebody else's.
    """
    known = dict(models or {"unet": ("f" * 64, "0.0.0")})
    actor = store.local_user().number or 0
    archive = store.add_archive(actor, name, mode=mode).id or 0
    cases, pictures = [], []
    for number in range(count):
        data = head(number)
        file = f"patient-{number}-slice.png"
        study = imaging.read([(file, data)])
        case, _ = store.add_case(
            actor,
            archive,
            content_hash=study.sha256,
            source=file,
            files=[(file, store.put_image(data), len(data), FileRole.IMAGE)],
            patient=f"P{number if patients is None else number % patients}",
            system=SYSTEM,
            recorded_finding=False,
            recorded_label="no tumour",
            recorded_text="unremarkable",
            recorded_reader="Dr. Who",
            team="night",
            simulated=True,
            details={
                "series_index": 0,
                "series_keys": [series.key for series in study.series],
                "looks": [look for series in study.series for look in looks(series.pixels)],
            },
        )
        cases.append(case.id or 0)
        pictures.append(data)
    store.save_scores(
        [_score(case, model, identity) for case in cases for model, identity in known.items()],
        [
            Discrepancy(
                case_id=case,
                models=fingerprint(known.values()),
                value=5.0 - rank,
                reason=SECRET_REASON,
                details={"probability": 0.9 / (rank + 1)},
            )
            for rank, case in enumerate(cases)
        ],
    )
    return Planted(archive, tuple(cases), tuple(pictures))


def _score(case: int, model: str, identity: Identity) -> Score:
    return Score(
        case_id=case,
        system=SYSTEM,
        model=model,
        weights_sha256=identity[0],
        version=identity[1],
        finding=SECRET_NUMBER,
        decision="finding",
        threshold=0.42,
        probabilities={"no tumour": 1 - SECRET_NUMBER, "tumour": SECRET_NUMBER},
    )


def opened(folder: Path) -> Store:
    """The store of a house."""
    return Store.open(str(folder))
