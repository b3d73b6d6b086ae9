"""The audit of a folder, or of simulated scans drawn on the spot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.audit.fingerprint import Fingerprint, tabulate
from core.audit.report import AuditReport, Watch, audit_table
from core.audit.sets import FIRST, VOLUMES, fingerprints, read_index
from core.audit.simulated import PREFIX, in_both, simulated_fingerprints
from core.errors import DataLayoutError
from core.settings import settings

READING = 0.7  # share of the progress that reading the pictures takes
SIMULATED = 240


def data_root() -> Path | None:
    """Folder that holds the real sets: ``OVERREAD_DATA``; ``None`` where it is not set or not there."""
    named = settings().data
    return named if named and named.is_dir() else None


def find_set(source: str | Path, root: Path | None = None) -> Path:
    """Folder of a set: a path, or a name under ``root`` (by default :func:`data_root`).

    Raises:
        DataLayoutError: neither.
    """
    root = root or data_root()
    for candidate in (Path(source), *((root / source,) if root else ())):
        if (candidate / "index.csv").is_file():
            return candidate
    where = f", nor in {root / source}" if root else ""
    raise DataLayoutError(
        f"There is no set {str(source)!r}: no index.csv in that folder{where}.",
        "Pass the folder of the set, or set OVERREAD_DATA to the folder that holds the sets.",
    )


def audit(
    source: str | Path,
    *,
    series: str = FIRST,
    positives: frozenset[str] | None = None,
    split: Mapping[str, str] | None = None,
    features: NDArray[Any] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    root: Path | None = None,
    watch: Watch | None = None,
) -> AuditReport:
    """Audit a set.

    Args:
        source: name of a set or its folder, or ``simulated.SYSTEM`` for scans drawn on the spot.
        series: of a set of volumes, ``pet`` or ``mr_t1``.
        positives: labels that count as positive; by default all but the usual names of health.
        split: part by group; by default the index's own ``official_split`` or ``split``, if any.
        features: ``(N, F)`` embeddings of a model in the order of the index; by default thumbnails.
        resamples, seed: of the intervals. root: where sets are looked for by name.
        watch: told what is being done and the fraction done; what it raises ends the audit.

    Raises:
        DataLayoutError: the folder is not laid out as a data card says. UnreadableFileError: a picture is damaged.
    """
    tell = watch or (lambda _text, _fraction: None)
    if str(source).startswith(PREFIX):
        if series not in VOLUMES:
            raise DataLayoutError(f"No simulated scans are a series {series!r}.", f"Known: {', '.join(VOLUMES)}.")
        system, modality = str(source).removeprefix(PREFIX), VOLUMES[series].modality
        drawn = simulated_fingerprints(system, SIMULATED, seed=seed, modality=modality)
        table = tabulate(_counted(drawn, SIMULATED, tell))
        name, volumes = str(source), in_both(system)
    else:
        folder = find_set(source, root)
        rows = read_index(folder)
        prints = fingerprints(folder, series=series, positives=positives, split=split)
        read = _counted(prints, len(rows), tell) if "image" in rows[0] else _by_group(prints, len(rows), tell)
        table = tabulate(read)
        name, volumes = folder.name, "file size" not in table.features
    if features is not None and len(features) != len(table):
        raise DataLayoutError(f"{len(features)} features for {len(table)} pictures.", "Pass one row a picture.")
    positive = " or ".join(sorted(np.unique(table.labels[table.positive]))) or "no label"
    return audit_table(
        f"{name} ({series})" if volumes else name,
        table,
        positive,
        features=features,
        feature_name="model features",
        resamples=resamples,
        seed=seed,
        watch=lambda text, fraction: tell(text, READING + (1 - READING) * fraction),
    )


def _counted(prints: Iterable[Fingerprint], total: int, tell: Watch) -> Iterator[Fingerprint]:
    for number, one in enumerate(prints, 1):
        tell(f"Reading picture {number:,} of {total:,}", READING * number / total)
        yield one


def _by_group(prints: Iterable[Fingerprint], total: int, tell: Watch) -> Iterator[Fingerprint]:
    seen: set[str | None] = set()
    for one in prints:
        seen.add(one.group)
        tell(f"Reading volume {len(seen):,} of {total:,}", READING * (len(seen) - 1) / total)
        yield one
