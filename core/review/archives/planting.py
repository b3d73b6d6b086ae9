"""The worklist put to the proof: real held-out slices, wrong labels planted by patient, how many stand in front.

The images are those that no installed model was trained on: the validation and test parts of every model's stored
predictions. Where a validation image is ranked, the models' worth is measured on its recorded (perhaps planted) label,
never on its true one.
"""

from __future__ import annotations

import csv
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.discrepancies.profile import Profiles
from core.discrepancies.signals import validation_signals
from core.discrepancies.trial import DECILE, plant
from core.engine.vote import voters
from core.errors import ArchiveError
from core.review.archives.importing import ImportOptions
from core.review.archives.jobs import begin_import, begin_scoring
from core.review.archives.ranking import rank, ranked
from core.review.archives.scoring import Installed, Reviewer, need_models
from core.review.archives.standing import current
from core.review.archives.threads import wait
from core.review.pseudonyms import Pseudonyms
from core.review.store import Store
from core.review.tables import Case
from core.review.vocabulary import Mode
from core.systems import system
from core.weights.predictions import load


@dataclass(frozen=True)
class HeldOut:
    """One slice that no installed model was trained on; ``finding`` is its true label."""

    path: str
    patient: str
    finding: bool


@dataclass(frozen=True)
class Trial:
    """Planted labels among the first tenth of a worklist. ``share``: found / planted; ``chance``: a random order's."""

    seed: int
    planted: int
    planted_patients: int
    found: int
    top: int
    share: float
    chance: float


@dataclass(frozen=True)
class Proof:
    """What a run showed; ``trial`` is the archive's own worklist, ``repeats`` the same scores under other plantings."""

    system: str
    models: Mapping[str, str]
    images: int
    patients: int
    available: int
    trial: Trial
    repeats: tuple[Trial, ...]
    import_seconds: float
    score_seconds: float
    rank_seconds: float


def held_out(models: Installed) -> list[HeldOut]:
    """Slices in the validation or test part of every installed model that votes.

    Raises:
        EvidenceError: a model came without predictions.
    """
    shared: dict[str, HeldOut] | None = None
    for name in voters(models.cards):
        parts = load(models.folder / name).parts.values()
        rows = {
            str(i): HeldOut(str(i), str(g), bool(t))
            for part in parts
            for i, g, t in zip(part.ids, part.groups, part.truth, strict=True)
        }
        shared = rows if shared is None else {i: row for i, row in shared.items() if i in rows}
    return sorted((shared or {}).values(), key=lambda row: row.path)


def spread(rows: Sequence[HeldOut], most: int) -> list[HeldOut]:
    """At most ``most`` slices, taken evenly from all patients, so that as many patients as possible are in."""
    if len(rows) <= most:
        return list(rows)
    by_patient: dict[str, list[HeldOut]] = {}
    for row in rows:
        by_patient.setdefault(row.patient, []).append(row)
    chosen = []
    for own in by_patient.values():
        take = max(1, math.floor(len(own) * most / len(rows)))
        chosen += [own[int(place)] for place in np.linspace(0, len(own) - 1, take).round()]
    left = sorted(set(rows) - set(chosen), key=lambda row: row.path)
    return sorted([*chosen, *left[: most - len(chosen)]], key=lambda row: row.path)[:most]


def write_source(
    folder: Path, data: Path, rows: Sequence[HeldOut], planted: NDArray[np.bool_], names: Sequence[str]
) -> None:
    """Copy the slices beside a sheet with their recorded labels, the planted ones turned over.

    Args:
        names: the system's words for no finding and for a finding.
    """
    with (_made(folder) / "index.csv").open("w", newline="", encoding="utf-8") as handle:
        sheet = csv.writer(handle)
        sheet.writerow(["file", "patient", "recorded"])
        for row, wrong in zip(rows, planted, strict=True):
            target = folder / row.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(data / row.path, target)
            sheet.writerow([row.path, row.patient, names[int(row.finding ^ bool(wrong))]])


@dataclass(frozen=True, eq=False)
class Planting:
    """An archive's source on disk: its slices, and which of them carry a wrong label."""

    rows: tuple[HeldOut, ...]
    planted: NDArray[np.bool_]
    available: int

    @property
    def patients(self) -> int:
        """Number of patients."""
        return len({row.patient for row in self.rows})


def prepare(
    models: Installed, data: Path, folder: Path, share: float = 0.1, seed: int = 0, most: int = 500
) -> Planting:
    """Write a source of held-out slices with wrong labels planted by patient.

    Args:
        data: folder that the paths in the models' predictions are relative to. folder: empty, for the archive's files.
        share, seed: of the planting. most: slices.

    Raises:
        ArchiveError: the images are not there.
        DiscrepancyError: too few patients to plant.
    """
    every = [row for row in held_out(models) if (data / row.path).is_file()]
    if not every:
        raise ArchiveError(
            f"No held-out image of {models.system} is in {data}.", "Give the folder of the training set."
        )
    rows = spread(every, most)
    planted = plant([row.patient for row in rows], share, seed)
    declared = system(models.system)
    write_source(folder, data, rows, planted, (declared.classes[0], declared.positive[0]))
    return Planting(tuple(rows), planted, len(every))


def first_tenth(store: Store, archive: int, models: Installed, made: Planting, seed: int = 0) -> Trial:
    """How many planted labels stand in the first tenth of an archive's worklist, as it is ranked in the store."""
    place = places(store, archive, made.rows)
    ranks = [d for d in store.machine_discrepancies(archive) if d.models == models.fingerprint]
    ranks.sort(key=lambda d: (-d.value, d.case_id))
    return _trial([place[d.case_id] for d in ranks], made.rows, made.planted, seed)


def repeated(
    store: Store, archive: int, models: Installed, made: Planting, share: float, seed: int, times: int
) -> tuple[Trial, ...]:
    """The same scores ranked under other plantings."""
    place = places(store, archive, made.rows)
    return tuple(_again(store, archive, models, made.rows, place, share, seed + k) for k in range(times))


def prove(
    store: Store,
    engine: Reviewer,
    system_name: str,
    data: Path,
    folder: Path,
    *,
    share: float = 0.1,
    seed: int = 0,
    most: int = 500,
    repeats: int = 20,
) -> Proof:
    """Import, score and rank an archive with planted wrong labels, as a user would.

    Args:
        data, folder, share, seed, most: see :func:`prepare`. repeats: further plantings on the same scores.

    Raises:
        ArchiveError: the images are not there, or a run failed.
        DiscrepancyError: too few patients to plant.
    """
    models, actor = need_models(engine, system_name), store.local_user().number or 0
    made = prepare(models, data, folder, share, seed, most)
    archive = store.add_archive(actor, f"proof {seed} {time.time():.0f}", mode=Mode.OPEN).id or 0
    started = time.perf_counter()
    options = ImportOptions(system=system_name, keep_patient_codes=True)
    _done(wait(store, begin_import(store, actor, archive, folder, options, anywhere=True)))
    imported = time.perf_counter()
    _done(wait(store, begin_scoring(store, engine, actor, archive, system_name), 86_400))
    scored = time.perf_counter()
    rank(store, archive, models, honest(models, made.rows, made.planted))
    ended = time.perf_counter()
    return Proof(
        system=system_name,
        models={name: card.version for name, card in models.cards.items()},
        images=len(made.rows),
        patients=made.patients,
        available=made.available,
        trial=first_tenth(store, archive, models, made, seed),
        repeats=repeated(store, archive, models, made, share, seed + 1, repeats),
        import_seconds=imported - started,
        score_seconds=scored - imported,
        rank_seconds=ended - scored,
    )


def _done(run: object) -> None:
    if getattr(run, "state", "") != "done":
        raise ArchiveError(f"The run did not finish: {getattr(run, 'message', '')}", "See the import report.")


def honest(models: Installed, rows: Sequence[HeldOut], planted: NDArray[np.bool_]) -> Profiles:
    """The models' worth, with the archive's labels in place of the true ones."""
    recorded = {(r.patient, r.path): bool(r.finding ^ w) for r, w in zip(rows, planted, strict=True)}
    return validation_signals(models.folder, list(voters(models.cards))).profiles(recorded)


def places(store: Store, archive: int, rows: Sequence[HeldOut]) -> dict[int, int]:
    """Row number by case; a case is known by the path it was imported from."""
    by_path = {row.path: number for number, row in enumerate(rows)}
    names = Pseudonyms.of(store.images_folder)
    found = {}
    for file in store.import_report(archive):
        if file.case_id is not None and file.outcome == "added":
            found[file.case_id] = by_path[(names.meaning(file.path) or "").split("/", 1)[1]]
    return found


def _again(
    store: Store,
    archive: int,
    models: Installed,
    rows: Sequence[HeldOut],
    place: Mapping[int, int],
    share: float,
    seed: int,
) -> Trial:
    """The ranking under another planting, from the scores that are there."""
    planted = plant([row.patient for row in rows], share, seed)
    cases = [
        Case(
            id=case,
            archive_id=archive,
            content_hash=str(case),
            source=rows[number].path,
            patient=rows[number].patient,
            system=models.system,
            recorded_finding=bool(rows[number].finding ^ planted[number]),
        )
        for case, number in place.items()
    ]
    answers = current(store.machine_scores(archive), models)
    found = ranked(cases, answers, models, honest(models, rows, planted))
    found.sort(key=lambda row: (-row.value, row.case_id))
    return _trial([place[row.case_id] for row in found], rows, planted, seed)


def _trial(order: Sequence[int], rows: Sequence[HeldOut], planted: NDArray[np.bool_], seed: int) -> Trial:
    top = math.ceil(DECILE * len(rows))
    found, count = int(planted[list(order[:top])].sum()), int(planted.sum())
    patients = len({row.patient for row, wrong in zip(rows, planted, strict=True) if wrong})
    return Trial(seed, count, patients, found, top, found / max(count, 1), top / len(rows))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
