"""The same scores on a cluster: Ray Data hands parts to workers that read, ask the models and keep what they say.

Nothing that decides the table travels through Ray: a worker writes its part to the folder beside the wanted file, and
the driver puts the parts together. So a worker or a node that ends costs its part, which is done again, and a part that
was done twice is there once. Images and parts lie where every node sees them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import ArchiveError
from core.review.archives.intake.sources import Found
from core.review.archives.scoring import Reviewer
from core.review.batch.decoding import studies
from core.review.batch.parts import Parts, Plan, check
from core.review.batch.rows import Row, answered
from core.review.batch.score import CHUNK, Scored, Told, joined, plan_of
from core.review.batch.sources import opened, remote
from core.settings import unless_set
from core.systems import system

ROUNDS = 3  # how often parts that no worker delivered are handed out again before it is given up


class Worker:
    """One process of the cluster with the models loaded: parts in, parts out."""

    def __init__(self, make: Callable[[], Reviewer], root: Path, out: Path, plan: Plan) -> None:
        self._engine, self._root, self._known = make(), root, plan.system
        self._parts = Parts(out, plan)

    def __call__(self, item: dict[str, Any]) -> dict[str, Any]:
        """Do one part: ``{"part", "cases"}`` to ``{"part"}``."""
        rows: list[Row] = []
        number: int = int(item["part"])
        cases: list[Found] = item["cases"]
        read = studies(self._root, cases, 0)
        for image, one, study in zip(self._parts.plan.numbers(number), cases, read, strict=True):
            rows += answered(image, one.path, study, self._engine, self._known)
        self._parts.write(number, rows)
        return {"part": number}


def score_on_ray(
    source: Path,
    out: Path,
    make: Callable[[], Reviewer],
    known: str | None = None,
    *,
    join: bool = False,
    chunk: int = CHUNK,
    workers: int | None = None,
    told: Told | None = None,
) -> Scored:
    """Score a folder on the Ray cluster that ``RAY_ADDRESS`` names, or on this machine where it names none.

    Args:
        source: a folder that all nodes see under the same path.
        out: file for the rows in a folder that all nodes see.
        make: gives the engine; called once in every worker.
        known, join, chunk, told: as :func:`core.review.batch.score.score` has them.
        workers: how many processes at once; by default one a processor of the cluster.

    Raises:
        ArchiveError: Ray is not installed, the source is no folder, or parts were not delivered.
    """
    try:
        import ray
        from ray.exceptions import RayError
    except ModuleNotFoundError as error:
        raise ArchiveError("Ray is not installed.", "pip install 'overread[ray]'.") from error
    check(out)
    if known is not None:
        system(known)
    if remote(str(source)) or not source.is_dir():
        raise ArchiveError("A cluster scores a folder that all its nodes see.", "Unpack or copy it there first.")
    if not ray.is_initialized():
        unless_set("RAY_USAGE_STATS_ENABLED", "0")  # nothing about a run is told to anybody
        ray.init(logging_level=logging.ERROR, include_dashboard=False)
    with opened(str(source), join=join) as found:
        plan = plan_of(found, make(), known, chunk)
        parts = Parts(out.absolute(), plan)
        for _ in range(ROUNDS):
            missing = parts.missing()
            if not missing:
                break
            try:
                _hand_out(parts, missing, found.found.root, found.found.cases, make, workers, told)
            except RayError:
                continue  # what it finished is kept; the rest is handed out again
        return joined(parts)


def _hand_out(
    parts: Parts,
    missing: list[int],
    root: Path,
    cases: tuple[Found, ...],
    make: Callable[[], Reviewer],
    workers: int | None,
    told: Told | None,
) -> None:
    import ray

    plan = parts.plan
    done = plan.images - sum(len(plan.numbers(part)) for part in missing)
    items = [{"part": part, "cases": [cases[number] for number in plan.numbers(part)]} for part in missing]
    at_once = workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
    work = ray.data.from_items(items, override_num_blocks=len(items)).map(
        Worker,  # type: ignore[arg-type]  # Ray makes one of it in every process; its types know functions only
        fn_constructor_args=(make, root, parts.out, plan),
        concurrency=min(at_once, len(items)),
        num_cpus=1,
    )
    for row in work.iter_rows():
        done += len(plan.numbers(int(row["part"])))
        if told is not None:
            told(done, plan.images)
