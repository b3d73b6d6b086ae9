"""Model versions side by side: which scores belong to which, and what changed case by case."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import scipy  # its parts are loaded where they are first used

from core.engine.results import Decision
from core.errors import ModelVersionError
from core.review.archives.scoring import Installed
from core.review.store import Store
from core.review.tables import Score
from core.weights.card import Identity


@dataclass(frozen=True)
class ScoredVersion:
    """One version of one model that scored cases of an archive. ``installed``: the one that answers now."""

    model: str
    version: str
    weights_sha256: str
    threshold: float | None
    cases: int
    errors: int
    last: datetime
    installed: bool

    @property
    def identity(self) -> Identity:
        """What :func:`compare_versions` knows it by: two versions may share the weights."""
        return self.weights_sha256, self.version


@dataclass(frozen=True)
class Change:
    """One case under both versions; decisions are each at its own version's threshold."""

    case_id: int
    old: float
    new: float
    old_positive: bool
    new_positive: bool

    @property
    def flipped(self) -> bool:
        """Whether the decision changed."""
        return self.old_positive != self.new_positive


@dataclass(frozen=True)
class Comparison:
    """Two versions of a model on the cases that both answered, largest change first.

    Attributes:
        to_finding, to_clear: decisions that changed. only_old, only_new: cases that one of them did not answer.
        correlation: Spearman's of the probabilities; ``nan`` below three cases.
        better, worse: changed decisions that now agree with the adjudicated truth, and that no longer do.
    """

    old: ScoredVersion
    new: ScoredVersion
    changes: tuple[Change, ...]
    to_finding: int
    to_clear: int
    only_old: int
    only_new: int
    mean_difference: float
    correlation: float
    better: int
    worse: int

    @property
    def sentence(self) -> str:
        """What it comes to."""
        n, flips = len(self.changes), self.to_finding + self.to_clear
        if not n:
            return "No case was answered by both versions."
        text = (
            f"Of {n} cases, {flips} changed their decision from version {self.old.version} to version "
            f"{self.new.version}: {self.to_finding} to a finding, {self.to_clear} to none"
        )
        if self.better or self.worse:
            text += f"; of those with an arbiter's truth {self.better} are now right and {self.worse} now wrong"
        return f"{text}."


def scored_versions(store: Store, archive_id: int, models: Installed) -> list[ScoredVersion]:
    """Versions of a system's models that scored cases of an archive: installed ones first, then the newest."""
    rows: dict[tuple[str, Identity], list[Score]] = defaultdict(list)
    for score in store.machine_scores(archive_id):
        if score.system == models.system:
            rows[score.model, score.identity].append(score)
    found = [
        ScoredVersion(
            model=model,
            version=version,
            weights_sha256=weights,
            threshold=scores[-1].threshold,
            cases=sum(not s.error for s in scores),
            errors=sum(bool(s.error) for s in scores),
            last=max(s.created for s in scores),
            installed=models.gave(scores[-1]),
        )
        for (model, (weights, version)), scores in rows.items()
    ]
    return sorted(found, key=lambda v: (v.model, not v.installed, -v.last.timestamp()))


def stale_cases(store: Store, archive_id: int, models: Installed) -> set[int]:
    """Cases that other versions scored, and no installed one."""
    rows = [score for score in store.machine_scores(archive_id) if score.system == models.system]
    fresh = {s.case_id for s in rows if models.gave(s)}
    return {s.case_id for s in rows} - fresh


def compare_versions(
    store: Store, archive_id: int, models: Installed, model: str, old: Identity, new: Identity
) -> Comparison:
    """Compare two versions of a model case by case.

    Args:
        old, new: :attr:`ScoredVersion.identity` of either.

    Raises:
        ModelVersionError: one of them has scored nothing in this archive.
    """
    known = {v.identity: v for v in scored_versions(store, archive_id, models) if v.model == model}
    for weights, version in (old, new):
        if (weights, version) not in known:
            raise ModelVersionError(
                f"Version {version} of {model} ({weights[:12]}) has scored nothing in this archive.",
                "Score the archive with it.",
            )
    by_version: dict[Identity, dict[int, Score]] = {old: {}, new: {}}
    for score in store.machine_scores(archive_id):
        wanted = score.system == models.system and score.model == model and score.identity in by_version
        if wanted and not score.error and score.finding is not None:
            by_version[score.identity][score.case_id] = score
    before, after = by_version[old], by_version[new]
    changes = [_change(before[case], after[case]) for case in before.keys() & after.keys()]
    changes.sort(key=lambda c: (not c.flipped, -abs(c.new - c.old), c.case_id))
    truth = {a.case_id: a.finding for a in store.adjudications(archive_id)}
    decided = [c for c in changes if c.flipped and c.case_id in truth]
    old_values, new_values = [c.old for c in changes], [c.new for c in changes]
    return Comparison(
        old=known[old],
        new=known[new],
        changes=tuple(changes),
        to_finding=sum(c.flipped and c.new_positive for c in changes),
        to_clear=sum(c.flipped and c.old_positive for c in changes),
        only_old=len(before.keys() - after.keys()),
        only_new=len(after.keys() - before.keys()),
        mean_difference=float(np.mean(np.subtract(new_values, old_values))) if changes else float("nan"),
        correlation=float(scipy.stats.spearmanr(old_values, new_values).statistic)
        if len(changes) > 2
        else float("nan"),
        better=sum(c.new_positive == truth[c.case_id] for c in decided),
        worse=sum(c.new_positive != truth[c.case_id] for c in decided),
    )


def _change(old: Score, new: Score) -> Change:
    assert old.finding is not None
    assert new.finding is not None
    positive = Decision.FINDING.value
    return Change(old.case_id, old.finding, new.finding, old.decision == positive, new.decision == positive)
