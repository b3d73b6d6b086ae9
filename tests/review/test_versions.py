"""One file of weights in two versions, of other calibration and averaging: what the first said is not the second's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core.engine.results import ModelState
from core.imaging import read
from core.review import Mode, Store
from core.review.archives import (
    Installed,
    begin_scoring,
    check_drift,
    compare_versions,
    need_models,
    pending,
    scored_versions,
    stale_cases,
    sums_tell,
    wait,
    worklist,
)
from core.review.archives import __main__ as command
from core.review.archives.ranking import profiles_of
from core.review.archives.scoring import scores_of
from core.review.archives.standing import current
from core.review.tables import ScoreRun
from core.weights.card import ModelCard
from tests.evidence import made
from tests.review.archive_kit import SYSTEM, GreyEngine, card, folder, imported

LEVELS = [0.04 * place for place in range(24)]
SHIFT = 0.1  # what the second version answers above the first, save the rounding at the ends


@dataclass
class Packed(GreyEngine):
    """The grey engine's models packed again: the weights of version 1.0 under cards that answer otherwise."""

    version: str = "2.0"
    bias: dict[str, float] = field(default_factory=lambda: {"unet": 0.1, "resnet50": 0.06, "resunet": 0.14})

    def states(self, system_name: str | None = None) -> tuple[ModelState, ...]:
        """As before packing, but for the card."""
        return tuple(
            replace(state, card=_packed(state.card)) for state in super().states(system_name) if state.card is not None
        )


def _packed(before: ModelCard) -> ModelCard:
    sha256 = card(before.name).weights_sha256
    return before.model_copy(update={"weights_sha256": sha256, "temperature": 2.0, "along": 1})


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Stored predictions of the three models, for comparing archives with."""
    return made.write(tmp_path / "weights")


@pytest.fixture
def archive(sqlite_store: Store, tmp_path: Path, weights: Path) -> int:
    """Twenty-four cases of six patients, scored by version 1.0."""
    levels = {f"P{p}": [(level, place % 2) for place, level in enumerate(LEVELS[p::6])] for p in range(6)}
    found = imported(sqlite_store, folder(tmp_path / "set", levels))
    assert _scored(sqlite_store, GreyEngine(weights), found).total == len(LEVELS)
    return found


def _scored(store: Store, engine: GreyEngine, archive: int) -> ScoreRun:
    run = wait(store, begin_scoring(store, engine, _actor(store), archive, SYSTEM))
    assert run.state == "done", run.message
    return run


def _actor(store: Store) -> int:
    return store.local_user().number or 0


def _both(weights: Path) -> tuple[Installed, Installed]:
    return need_models(GreyEngine(weights), SYSTEM), need_models(Packed(weights), SYSTEM)


def test_cards_of_one_file_are_told_apart(weights: Path) -> None:
    old, new = _both(weights)
    assert {c.weights_sha256 for c in old.cards.values()} == {c.weights_sha256 for c in new.cards.values()}
    assert old.fingerprint != new.fingerprint
    assert old.identities["unet"] == (card("unet").weights_sha256, "1.0")
    assert new.identities["unet"] == (card("unet").weights_sha256, "2.0")


def test_what_the_first_version_said_counts_nowhere_as_the_seconds(
    sqlite_store: Store, archive: int, weights: Path
) -> None:
    old, new = _both(weights)
    cases = {case.id for case in sqlite_store.cases(archive)}
    assert stale_cases(sqlite_store, archive, old) == set()
    assert stale_cases(sqlite_store, archive, new) == cases
    assert {case.id for case in pending(sqlite_store, archive, new)} == cases
    assert pending(sqlite_store, archive, old) == []
    rows = sqlite_store.machine_scores(archive)
    assert len(current(rows, old)) == len(LEVELS)
    assert current(rows, new) == {}
    before, after = (worklist(sqlite_store, archive, models, _actor(sqlite_store)) for models in (old, new))
    assert (before.stale, after.stale, after.unscored) == (0, len(LEVELS), 0)
    assert all(row.rank is not None for row in before.rows)
    assert all(row.rank is None and row.stale and not row.answers for row in after.rows)
    assert [one.drift and one.drift.n for one in check_drift(sqlite_store, archive, new)] == [0, 0, 0]
    assert [one.drift and one.drift.n for one in check_drift(sqlite_store, archive, old)] == [len(LEVELS)] * 3
    assert [(r.version, r.n) for r in sqlite_store.drift(SYSTEM, archive)] == [("1.0", 24)] * 3 + [("2.0", 0)] * 3


def test_sums_wait_for_the_installed_version(sqlite_store: Store, tmp_path: Path, weights: Path) -> None:
    """Twenty and more blind cases: a sum may be told once this version has answered them all."""
    place = imported(sqlite_store, folder(tmp_path / "blind", {"P": [(x, 0) for x in LEVELS]}), mode=Mode.SECOND_READER)
    _scored(sqlite_store, GreyEngine(weights), place)
    reader = _actor(sqlite_store)
    old, new = _both(weights)
    assert not sums_tell(sqlite_store, place, old, reader)
    assert sums_tell(sqlite_store, place, new, reader)


def test_scored_again_both_stand_side_by_side_and_are_compared(
    sqlite_store: Store, archive: int, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = _both(weights)
    first = {(s.case_id, s.model): s.finding for s in sqlite_store.machine_scores(archive)}
    assert _scored(sqlite_store, Packed(weights), archive).total == len(LEVELS)
    rows = sqlite_store.machine_scores(archive)
    assert {(s.case_id, s.model): s.finding for s in rows if s.version == "1.0"} == first
    assert len(rows) == 2 * len(first)
    assert stale_cases(sqlite_store, archive, new) == set()
    for models, bias in ((old, 0.0), (new, SHIFT)):
        means = sorted(answers.vote.mean or 0.0 for answers in current(rows, models).values())
        expected = [np.mean([min(max(x + bias + own, 0), 1) for own in (0.0, -0.04, 0.04)]) for x in LEVELS]
        assert means == pytest.approx(expected, abs=0.01)
    places = sqlite_store.machine_discrepancies(archive)
    assert [sum(d.models == models.fingerprint for d in places) for models in (old, new)] == [len(LEVELS)] * 2

    known = [v for v in scored_versions(sqlite_store, archive, new) if v.model == "unet"]
    assert [(v.version, v.installed, v.cases) for v in known] == [("2.0", True, 24), ("1.0", False, 24)]
    assert known[0].weights_sha256 == known[1].weights_sha256
    told = compare_versions(sqlite_store, archive, new, "unet", known[1].identity, known[0].identity)
    flips = sum(level < 0.5 <= level + SHIFT for level in LEVELS)
    assert (told.old.version, told.new.version, len(told.changes)) == ("1.0", "2.0", 24)
    assert (told.to_finding, told.to_clear) == (flips, 0)
    assert flips > 0

    monkeypatch.setattr(command, "Engine", Packed)
    place = Path(str(sqlite_store.engine.url.database)).parent
    said = CliRunner().invoke(
        command.app, ["versions", "archive 0", "--system", SYSTEM, "--store", str(place), "--weights", str(weights)]
    )
    assert said.exit_code == 0, said.output
    sha256 = card("unet").weights_sha256[:12]
    assert f"unet 2.0 ({sha256}, installed): 24 cases" in said.output
    assert f"unet 1.0 ({sha256}, not installed): 24 cases" in said.output
    assert f"unet: Of 24 cases, {flips} changed their decision from version 1.0 to version 2.0" in said.output


def test_a_card_exchanged_under_a_review_leaves_no_score(sqlite_store: Store, archive: int, weights: Path) -> None:
    old, new = _both(weights)
    case = sqlite_store.cases(archive)[0].id or 0
    review = Packed(weights).review(read(sqlite_store.case_bytes(case)), SYSTEM)
    assert scores_of(review, case, old) == []
    assert len(scores_of(review, case, new)) == 3


def test_what_signals_are_worth_is_measured_for_each_version(weights: Path) -> None:
    """Packing writes predictions and card anew: what was worked out from the old ones is not kept for the new."""
    old, new = _both(weights)
    before = profiles_of(old)
    frame = made.predictions(11, pure=False, skill=0.2)
    frame.to_parquet(weights / SYSTEM / "resnet50" / "predictions.parquet", index=False)
    assert profiles_of(old) is before
    assert profiles_of(new).get("resnet50").sensitivity != before.get("resnet50").sensitivity
