"""What the router learns from and is measured on: every set's parts, simulated scans, and wrong images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from core.imaging.study import Modality, Series, Unit
from core.simulate import DRAWINGS
from core.systems import SYSTEMS
from core.systems.declaration import ScanKind
from core.systems.router import plane
from core.weights.card import DataUse
from trainers.data import wrong_drawings as drawings
from trainers.data import wrong_images as wrong
from trainers.data.items import Item
from trainers.data.parts import PARTS, read_parts
from trainers.data.simulated import simulated_items
from trainers.fitting.recipe import load_recipe

OTHER = "other"
UNSEEN = ("unseen photograph", "unseen page", "chart", "code block", "face")  # families that are never trained on
Tell = Callable[[str], None]


def sources() -> tuple[tuple[str, ScanKind], ...]:
    """Every kind of scan with its system, in the order of the network's outputs."""
    return tuple((system.name, kind) for system in SYSTEMS.values() for kind in system.scans)


def kinds() -> tuple[str, ...]:
    """What the router tells apart: the kinds of scan, then everything else."""
    return (*(source.kind for _, source in sources()), OTHER)


MOST = {"train": 2600, "validation": 900, "test": 1500}  # slices of a kind: neighbours are alike, more teaches little
SIMULATED = {"train": 240, "validation": 40, "test": 40}


class RouterImage(NamedTuple):
    """One image: its plane, kind, family and group."""

    plane: np.ndarray
    kind: int
    family: str
    group: str


Rows = dict[str, list[RouterImage]]


@dataclass(frozen=True, eq=False)
class Shots:
    """Images of one part: uint8 planes ``(N, side, side)`` as the router sees them.

    ``families`` names where an image comes from: the set, ``simulated``, or the family of wrong images.
    """

    planes: np.ndarray
    kinds: np.ndarray
    families: np.ndarray
    groups: np.ndarray

    def __len__(self) -> int:
        return len(self.planes)

    def take(self, rows: np.ndarray) -> Shots:
        """The images of some rows."""
        return Shots(self.planes[rows], self.kinds[rows], self.families[rows], self.groups[rows])


def joined(first: Shots, second: Shots) -> Shots:
    """Images of two parts as one."""
    both = ((getattr(first, name), getattr(second, name)) for name in ("planes", "kinds", "families", "groups"))
    return Shots(*(np.concatenate(pair) for pair in both))


def read_shots(
    seed: int, folder: Path | None, cache: Path, limit: int | None, tell: Tell
) -> tuple[dict[str, Shots], tuple[DataUse, ...]]:
    """Images of the three parts; what has been read once is kept in ``cache``, so that a stopped run goes on."""
    found: Rows = {part: [] for part in PARTS}
    use: list[DataUse] = []
    for number, (system, source) in enumerate(sources()):
        kept = cache / f"{number}.npz"
        if not kept.is_file():
            _write(kept, *_scans(system, source, number, seed, folder, limit))
        rows, uses = _read(kept)
        use += uses
        for part in PARTS:
            found[part] += rows[part]
        tell(f"{source.kind}: " + ", ".join(f"{part} {len(rows[part])}" for part in PARTS))
    return {part: _shots(part, found[part], seed) for part in PARTS}, tuple(use)


def _scans(
    system: str, source: ScanKind, number: int, seed: int, folder: Path | None, limit: int | None
) -> tuple[Rows, list[DataUse]]:
    rng = np.random.default_rng([seed, number])
    rows: Rows = {part: [] for part in PARTS}
    use: dict[str, DataUse] = {}
    for name in source.recipes:
        recipe = load_recipe(name)
        plain = recipe.model_copy(
            update={"data": tuple(d.model_copy(update={"simulated_share": 0.0, "keep": 1.0}) for d in recipe.data)}
        )
        parts = read_parts(plain, folder, limit=limit)
        use |= {d.name: d for d in parts.use if d.name not in use}
        for part in PARTS:
            slices = [(i, k) for i in getattr(parts, part) for k in range(i.series.slices)]
            most = MOST[part] // len(source.recipes)
            chosen = rng.permutation(len(slices))[:most]
            rows[part] += [RouterImage(_seen(*slices[c]), number, name, slices[c][0].group) for c in chosen.tolist()]
    for place, part in enumerate(PARTS):
        wanted = SIMULATED[part] if system in DRAWINGS else 0
        drawn = simulated_items(system, wanted, seed + 500 + place, modality=source.modality)
        rows[part] += [RouterImage(_seen(item, 0), number, "simulated", item.group) for item in drawn]
    return rows, list(use.values())


def _seen(item: Item, index: int) -> np.ndarray:
    return np.round(plane(item.series, index) * 255).clip(0, 255).astype(np.uint8)


def _write(path: Path, rows: Rows, use: list[DataUse]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content: dict[str, np.ndarray] = {"use": np.array([u.model_dump_json() for u in use])}
    for part, some in rows.items():
        for place, name in enumerate(("planes", "kinds", "families", "groups")):
            content[f"{part}_{name}"] = np.array([row[place] for row in some])
    aside = path.with_suffix(".part.npz")
    np.savez_compressed(aside, **content)  # type: ignore[arg-type]
    aside.replace(path)


def _read(path: Path) -> tuple[Rows, list[DataUse]]:
    with np.load(path, allow_pickle=False) as content:
        rows = {
            part: [
                RouterImage(*row)
                for row in zip(
                    content[f"{part}_planes"],
                    content[f"{part}_kinds"].tolist(),
                    content[f"{part}_families"].tolist(),
                    content[f"{part}_groups"].tolist(),
                    strict=True,
                )
            ]
            for part in PARTS
        }
        return rows, [DataUse.model_validate_json(str(text)) for text in content["use"]]


def _shots(part: str, scans: list[RouterImage], seed: int) -> Shots:
    """Scans with as many wrong images as the part needs; the test part gets families that were never trained on."""
    rng = np.random.default_rng([seed, 77, PARTS.index(part)])
    rows = list(scans)
    planes = [row[0].astype(np.float32) for row in scans]
    for family, make, count in families(part, planes):
        for _ in range(count):
            rows.append(RouterImage(picture(make(rng)), kinds().index(OTHER), family, family))
    return Shots(
        np.stack([r.plane for r in rows]),
        np.array([r.kind for r in rows]),
        np.array([r.family for r in rows]),
        np.array([r.group for r in rows]),
    )


def families(part: str, planes: Sequence[np.ndarray]) -> list[tuple[str, wrong.Maker, int]]:
    """Families of wrong images of a part, with how many of each."""
    seen: list[tuple[str, wrong.Maker]] = [
        ("document", wrong.small(wrong.document)),
        ("texture", wrong.small(wrong.texture)),
        ("shapes and masks", wrong.small(wrong.shapes)),
        ("whole breasts", wrong.whole_breasts),
        ("photograph", wrong.small(wrong.photo(wrong.SEEN_PHOTOS), 0.45)),
        ("patch of a scan", wrong.patch(planes)),
        ("screenshot of scans", wrong.small(wrong.panels(planes))),
        ("shuffled scan", wrong.small(wrong.shuffled(planes))),
    ]
    unseen: list[tuple[str, wrong.Maker]] = [
        ("unseen photograph", wrong.small(wrong.photo(wrong.UNSEEN_PHOTOS), 0.45)),
        ("unseen page", wrong.small(wrong.photo(("page", "text")))),
        ("chart", wrong.small(wrong.chart)),
        ("code block", wrong.small(wrong.code_block)),
        ("face", wrong.face),
    ]
    if part == "train":
        more = (drawings.leaves, drawings.clouds, drawings.stars, drawings.paper, drawings.snapshot)
        drawn = [(make.__name__, wrong.small(make), 900) for make in more]
        # As small as lesion crops, most of them: what is small and smooth is hardest to tell from those.
        drawn += [
            ("relief", wrong.small(drawings.relief, 0.7), 900),
            ("mirrored", wrong.small(drawings.mirrored, 0.8), 900),
            ("small snapshot", wrong.small(drawings.snapshot, 1.0), 900),
        ]
        return [*((name, make, 1200) for name, make in seen), *drawn]
    chosen = seen if part == "validation" else [*seen, *unseen]
    return [(name, make, 90) for name, make in chosen]


def picture(image: np.ndarray) -> np.ndarray:
    """A grey picture as the router sees it after an upload: uint8 ``(side, side)``."""
    stored = np.clip(np.round(image), 0, 255).astype(np.float32)
    if min(stored.shape) < 8:
        stored = np.asarray(cv2.resize(stored, (max(8, stored.shape[1]), max(8, stored.shape[0]))), np.float32)
    series = Series(
        "wrong", "picture", stored[None], unit=Unit.GREY, modality=Modality.UNKNOWN, value_range=(0.0, 255.0)
    )
    return np.round(plane(series, 0) * 255).clip(0, 255).astype(np.uint8)
