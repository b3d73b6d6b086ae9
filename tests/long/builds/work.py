"""What one build is asked to do, in a process of its own: ``python -P work.py JOB ...`` with the build's tree as its
folder and search path. Uses only what both builds have under the same name; prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from core.engine.engine import Engine
from core.imaging import read


def series(weights: str, system: str, file: str, warm: str) -> dict[str, float]:
    """Seconds until every model has answered for the slice in view, until all answers and masks are there, and until a
    heat map of every slice by every model is there too; weights loaded.

    The slice in view is the middle one. A build that answers slice by slice says when every model has answered once,
    which it does for the slice in view first; one that answers model by model has it when the last model has ended.
    """
    engine = Engine(Path(weights))
    engine.review(_study(warm), system)
    study = _study(file)
    middle = study.series[0].slices // 2
    heard: dict[str, float] = {}
    began = time.perf_counter()

    def told(title: str, _: float) -> None:
        heard.setdefault(title, time.perf_counter() - began)

    if hasattr(engine, "course"):
        review = engine.course(study, system, first=middle).run(progress=told)
        view = max(heard.values())
    else:
        review = engine.review(study, system)
        view = time.perf_counter() - began
    whole = time.perf_counter() - began
    answered = [one.finding for one in review.results if one.finding is not None]
    assert answered, "no model answered"
    began = time.perf_counter()
    for one in review.results:
        for index in range(study.series[0].slices if one.finding is not None else 0):
            drawn = engine.heat_map(study, system, 0, one.state.name, index)
            assert drawn.values is not None, f"{one.state.name}, slice {index}: {drawn.error}"
    maps = time.perf_counter() - began
    return {
        "view": view,
        "answers": whole,
        "all": whole + maps,
        "models": len(answered),
        "slices": len(answered[0]),
    }


def archive(weights: str, system: str, store: str, warm: str) -> dict[str, float]:
    """Seconds of scoring the one archive of a store, weights loaded; and how many cases."""
    from core.review import archives
    from core.review.store import Store

    opened = Store.open(store)
    engine = Engine(Path(weights))
    engine.review(_study(warm), system)
    (kept,) = opened.archives()
    began = time.perf_counter()
    run = archives.begin_scoring(opened, engine, opened.local_user().number or 0, kept.id or 0, system)
    run = archives.wait(opened, run)
    took = time.perf_counter() - began
    assert run.state == "done", f"{run.state}: {run.message}"
    assert run.failed == 0, f"{run.failed} cases failed"
    archives.shut_down()
    opened.close()
    return {"seconds": took, "images": run.done}


def _study(path: str) -> Any:
    return read([(Path(path).name, Path(path).read_bytes())])


if __name__ == "__main__":
    print(json.dumps({"series": series, "archive": archive}[sys.argv[1]](*sys.argv[2:])))
