"""The contrast-detail measurement with models whose answers are known, counted by hand from its CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.engine.results import ModelResult, ModelState, ModelStatus
from core.evidence.contrast_detail import measure
from core.imaging.study import Study
from core.simulate.laboratory import Setting, canvas


@dataclass
class Seer:
    """An engine of one model that calls a lesion from an area and a contrast on; it sees the truth, and says so."""

    needs: float
    blind: bool = False

    def review(self, study: Study, system: str) -> Any:
        series, (clear, place) = study.series[0], canvas(system, 1)
        area = float(series.truth.sum()) if series.truth is not None else 0.0
        lift = float(series.pixels[0][place] - clear.pixels[clear.slices // 2][place]) if area else 0.0
        p = np.nan if self.blind else 0.9 if area * lift > self.needs else 0.1
        card = SimpleNamespace(
            name="seer", title="A seer", version="1", weights_sha256="a" * 64, threshold=SimpleNamespace(value=0.5)
        )
        state = ModelState(system, "seer", "A seer", "classifier", ModelStatus.READY, card=card)  # type: ignore[arg-type]
        return SimpleNamespace(ready=(ModelResult(state, finding=np.array([p])),))


def _measured(engine: Any, tell: Any = lambda _: None) -> Any:
    return measure(engine, "brain-mr", (5.0, 10.0, 20.0), (0.1, 0.2), (1,), Setting(blur=0), tell)


def test_the_curve_is_what_the_model_needs() -> None:
    # Areas of 5, 10 and 20 mm are about 22, 89 and 355 pixels; 0.1 is 25.5 grey levels.
    found = _measured(Seer(needs=89 * 40.0))
    assert found.curve("seer") == [(10.0, 0.2), (20.0, 0.1)]
    assert found.clear("seer").called == 0
    rows = list(csv.DictReader(io.StringIO(found.csv())))
    assert [(r["diameter"], r["contrast_share"], r["called"]) for r in rows] == [
        *(("0.0", "0.0", "0"), ("5.0", "0.1", "0"), ("5.0", "0.2", "0"), ("10.0", "0.1", "0")),
        *(("10.0", "0.2", "1"), ("20.0", "0.1", "1"), ("20.0", "0.2", "1")),
    ]
    assert float(rows[1]["contrast_value"]) == pytest.approx(25.5)
    assert {row["length_unit"] for row in rows} == {"mm"}
    assert replace(found, cells=()).curve("seer") == []


def test_answers_that_are_not_finite_call_nothing() -> None:
    found = _measured(Seer(needs=0, blind=True))
    assert found.curve("seer") == []
    assert {(one.answered, one.called) for one in found.cells} == {(0, 0)}


def test_it_can_be_ended() -> None:
    def end(done: float) -> None:
        if done > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        _measured(Seer(needs=1), end)
