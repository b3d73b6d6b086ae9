"""A batch that was broken off goes on where it was, and nothing half done can be taken for a table."""

from __future__ import annotations

import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.dataset
import pytest

from core.engine.engine import Engine
from core.errors import ArchiveError, UnreadableFileError
from core.imaging import Study
from core.review.archives.intake.sources import survey
from core.review.batch import decoding
from core.review.batch.decoding import studies
from core.review.batch.parts import Parts, Plan
from core.review.batch.score import plan_of, score
from core.review.batch.sources import opened
from tests.batch.conftest import NAMES
from tests.batch.decoders import ends_on
from tests.batch.workers import score_and_tell
from tests.cards import rewrite


class StoppedError(Exception):
    pass


class Counting(Engine):
    """Counts how many images its models were asked about."""

    asked = 0

    def review(self, *args: Any, **options: Any) -> Any:
        self.asked += 1
        return super().review(*args, **options)


@pytest.fixture
def many(folder: Path) -> Path:
    """Nine images: eight readable ones and a damaged one."""
    for number in range(6):
        shutil.copy(folder / NAMES[0], folder / f"copy-{number}.png")
    return folder


def test_killed_and_run_again_gives_the_same_table(brain: Path, many: Path, tmp_path: Path) -> None:
    score(str(many), tmp_path / "whole.parquet", Engine(brain), "brain-mr", processes=0)

    out = tmp_path / "rows.parquet"
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=score_and_tell, args=(brain, many, out, there), daemon=True)
    child.start()
    while here.recv() < 5:  # two parts of two are kept, the third is under way
        pass
    child.kill()
    child.join()
    assert not out.exists()
    parts = out.with_name("rows.parquet.parts")
    assert len(list(parts.glob("_*.part"))) == 2
    assert pyarrow.dataset.dataset(parts, format="parquet").files == []  # as pandas, Spark and Ray read folders

    again = Counting(brain)
    done = score(str(many), out, again, "brain-mr", processes=0, chunk=2)
    assert (done.images, done.failed) == (9, 1)
    assert again.asked == 5 - 1 + (1 if _damaged_is_late(many) else 0)
    assert not parts.exists()
    pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(tmp_path / "whole.parquet"))


def _damaged_is_late(many: Path) -> bool:
    """Whether the damaged image, which no model is asked about, is among the four that were done before."""
    return [one.path for one in survey(many).cases].index("broken.png") < 4


def test_parts_of_something_else_are_not_mixed_in(engine: Engine, many: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"

    def stop(done: int, _: int) -> None:
        if done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        score(str(many), out, engine, "brain-mr", processes=0, chunk=1, told=stop)
    shutil.copy(many / NAMES[0], many / "one-more.png")
    with pytest.raises(ArchiveError, match="another run"):
        score(str(many), out, engine, "brain-mr", processes=0, chunk=1)
    assert not out.exists()


@pytest.mark.parametrize("change", [{"version": "2"}, {"along": 1}, {"test_time_flips": ["horizontal"]}])
def test_other_versions_of_the_weights_make_another_plan(
    brain: Path, folder: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    shutil.copytree(brain, tmp_path / "packed")
    rewrite(tmp_path / "packed" / "brain-mr" / "unet" / "card.json", **change)
    with opened(str(folder), join=False) as source:
        before, same, after = (
            plan_of(source, Engine(place), "brain-mr", 2) for place in (brain, brain, tmp_path / "packed")
        )
    assert before == same
    assert replace(after, models=before.models) == before
    assert after.models != before.models


def test_a_part_holds_its_own_images_and_all_of_them(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "rows.csv", Plan(source="", images=5, chunk=2, system=None, models=""))
    assert [list(parts.plan.numbers(part)) for part in range(3)] == [[0, 1], [2, 3], [4]]
    for wrong in ([{"image": 0}], [{"image": 0}, {"image": 2}], []):
        with pytest.raises(ValueError, match="Part 0"):
            parts.write(0, wrong)
    parts.write(0, [{"image": 0}, {"image": 1}])
    parts.write(2, [{"image": 4}])
    with pytest.raises(ArchiveError, match="1 of 3 parts are missing"):
        parts.join()
    parts.write(1, [{"image": 2}, {"image": 2}, {"image": 3}])
    assert parts.join() == (6, 0)
    assert pd.read_csv(tmp_path / "rows.csv")["image"].tolist() == [0, 1, 2, 2, 3, 4]


def test_a_part_that_holds_others_images_is_not_read(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "rows.csv", Plan(source="", images=2, chunk=1, system=None, models=""))
    for part in range(2):
        parts.write(part, [{"image": part}])
    shutil.copy(parts.folder / "_00000000.part", parts.folder / "_00000001.part")
    with pytest.raises(ArchiveError, match="Part 1"):
        parts.join()
    assert not (tmp_path / "rows.csv").exists()


def test_images_decoded_beside_are_the_same_and_one_that_ends_the_process_costs_itself(many: Path) -> None:
    cases = survey(many).cases
    here = list(studies(many, cases, 0))
    beside = list(studies(many, cases, 2, ends_on))
    for one, mine, other in zip(cases, here, beside, strict=True):
        if one.path == "copy-2.png":
            assert isinstance(other, UnreadableFileError)
            assert "ended" in str(other)
        elif isinstance(mine, Study):
            assert isinstance(other, Study)
            assert other.sha256 == mine.sha256
            assert (other.series[0].pixels == mine.series[0].pixels).all()
            assert other.series[0].tags == mine.series[0].tags
        else:
            assert str(other) == str(mine)


def test_a_pool_that_broke_before_anybody_heard_of_it_is_made_anew(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = survey(many).cases[:4]
    made: list[object] = []
    real = decoding._pool

    def broken_at_first(processes: int) -> ProcessPoolExecutor:
        pool = real(processes)
        if not made:
            pool._broken = "by an image before"  # type: ignore[attr-defined]
        made.append(pool)
        return pool

    monkeypatch.setattr(decoding, "_pool", broken_at_first)
    found = list(studies(many, cases, 1))
    here = list(studies(many, cases, 0))
    assert len(made) > 1
    assert [type(one) for one in found] == [type(one) for one in here]
    assert [one.sha256 for one in found if isinstance(one, Study)] == [o.sha256 for o in here if isinstance(o, Study)]
