"""The table of models: what they say together, published recipes, sure thresholds, times of another machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.engine.results import ModelState, ModelStatus
from core.evidence.timing import machine_name
from core.systems import SYSTEMS
from core.weights import repeats
from dashboard.kit.engine import engine
from dashboard.kit.shelf import shelf
from dashboard.models import about, times
from tests.evidence import made

SHIPPED = Path(__file__).resolve().parents[2] / "weights"


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = made.write(tmp_path)
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(folder))
    engine.clear()
    yield folder
    engine.clear()


def states(folder: Path) -> list[ModelState]:
    cards = [made.card("chest-ct", name) for name in ("densenet121", "resnet50")]
    return [ModelState("chest-ct", c.name, c.title, c.role, ModelStatus.READY, card=c) for c in cards]


def test_the_ensemble_and_published_recipes_have_rows(weights: Path) -> None:
    system = SYSTEMS["chest-ct"]
    joint = [m for m in shelf("chest-ct").models if m.card.name == "ensemble"]
    assert len(joint) == 1
    html = about.table(system, states(weights), {}, joint)
    assert "Ensemble, mean of 2 models" in html
    assert f"{joint[0].card.threshold.low:.3f} to {joint[0].card.threshold.high:.3f}" in html
    assert html.count("published recipe, not trained here") == len(system.classics)
    assert "python -m trainers train --recipe classic-chest-resnet50" in html
    classic = made.card("chest-ct", "resnet50").model_copy(update={"name": "classic-resnet50"})
    made.put(weights, classic, None)
    html = about.table(system, states(weights), {}, joint)
    assert html.count("published recipe, trained here") == 1
    assert html.count("published recipe, not trained here") == len(system.classics) - 1


def test_times_of_another_machine_are_marked(weights: Path) -> None:
    content = json.loads((SHIPPED / repeats.BENCHMARK).read_text(encoding="utf-8"))
    shipped = {f"{p.parents[1].name}/{p.parent.name}" for p in SHIPPED.glob("*/*/weights.safetensors")}
    assert set(content["models"]) <= shipped
    own = {name for name, system in SYSTEMS.items() if any(key.startswith(f"{name}/") for key in content["models"])}
    assert {"brain-mr", "chest-ct", "breast-mri", "pet", "mr-pet"} <= own
    other = content | {"machine": "another", "models": {"chest-ct/resnet50": content["models"]["chest-ct/resnet50"]}}
    (weights / repeats.BENCHMARK).write_text(json.dumps(other))
    assert times.elsewhere("chest-ct/resnet50")
    html = about.table(SYSTEMS["chest-ct"], states(weights), times.known("chest-ct"))
    assert html.count("measured elsewhere") == 1
    here = other | {"machine": machine_name(), "processors": times.os.cpu_count(), "clock": "time"}
    (weights / repeats.BENCHMARK).write_text(json.dumps(here))
    assert not times.elsewhere("chest-ct/resnet50")
    assert "measured elsewhere" not in about.table(SYSTEMS["chest-ct"], states(weights), times.known("chest-ct"))


def test_pet_with_ct_has_a_row_and_its_difference_beside_pet_with_mr(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the rule's file says stands on the page, both ends of the interval, whether or not they leave out 0."""
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(SHIPPED))
    engine.clear()
    app = AppTest.from_function(_mr_and_pet, default_timeout=240).run()
    assert not app.exception
    html = " ".join(element.proto.body for element in app.get("html"))
    assert "PET and MR, fused at one place" in html
    assert "PET and CT, fused at one place" in html
    rule = json.loads((SHIPPED / "mr-pet" / "fusion-ct.json").read_text(encoding="utf-8"))
    gain = rule["differences"]["pet"]
    told = next(m.value for m in app.markdown if m.value.startswith("**PET and CT at one place**"))
    assert f"{gain['value']:+.3f} against ResNet-34, PET only ({gain['low']:+.3f} to {gain['high']:+.3f}" in told
    assert f"{rule['threshold']['n']} validation pairs of 4 patients" in told
    engine.clear()


def _mr_and_pet() -> None:
    from core.systems import SYSTEMS
    from dashboard.kit.engine import engine
    from dashboard.models import about

    about.show(SYSTEMS["mr-pet"], engine().states("mr-pet"))
