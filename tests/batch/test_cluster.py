"""A cluster gives the table that one machine gives, though a worker is killed and a node goes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import ray
from ray.cluster_utils import Cluster

from core.engine.engine import Engine
from core.errors import ArchiveError
from core.review.batch.cluster import score_on_ray
from core.review.batch.score import score
from tests.batch.conftest import NAMES
from tests.batch.workers import EndsOnce


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Two nodes of one processor each, and a head without any."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "0")  # the machine's memory is shared with other tests
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.add_node(num_cpus=1)
    try:
        ray.init(address=made.address, logging_level="ERROR", log_to_driver=False)
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


def test_exactly_one_row_an_image_and_model_through_a_killed_worker_and_a_lost_node(
    cluster: Cluster, brain: Path, folder: Path, tmp_path: Path
) -> None:
    for number in range(9):
        shutil.copy(folder / NAMES[0], folder / f"copy-{number}.png")
    score(str(folder), tmp_path / "here.parquet", Engine(brain), "brain-mr", processes=0)

    leaving = cluster.add_node(num_cpus=1)
    mark = tmp_path / "mark"
    gone: list[int] = []

    def told(done: int, _: int) -> None:
        if done >= 2 and not gone:
            gone.append(done)
            mark.touch()
            cluster.remove_node(leaving, allow_graceful=False)

    out = tmp_path / "there.parquet"
    done = score_on_ray(folder, out, partial(EndsOnce, brain, mark), "brain-mr", chunk=1, told=told)
    assert gone
    assert mark.with_suffix(".used").exists()
    assert (done.images, done.failed) == (12, 1)
    pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(tmp_path / "here.parquet"), atol=1e-6, rtol=0)
    assert not out.with_name("there.parquet.parts").exists()


def test_a_cluster_needs_a_folder_that_all_see(brain: Path, tmp_path: Path) -> None:
    for source in (Path("s3://bucket/scans"), tmp_path / "scans.zip"):
        with pytest.raises(ArchiveError, match="all its nodes see"):
            score_on_ray(source, tmp_path / "rows.csv", partial(Engine, brain))
