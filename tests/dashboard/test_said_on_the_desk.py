"""What a reader is told on the desk: why a map is held back, what a lock waits for, why the simple viewer draws."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.review import Role
from core.review.tables import User
from core.weights.folder import load_card
from core.weights.heat_checks import HeatChecks, load_checks
from dashboard.kit.engine import engine
from tests.dashboard import readings, weights

PAGES = Path(__file__).resolve().parents[2] / "dashboard" / "pages"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store and small models, of which the U-Net's maps failed their test."""
    made = weights.write(tmp_path / "weights")
    checks = load_checks(made / "brain-mr" / "unet", load_card(made / "brain-mr" / "unet"))
    assert isinstance(checks, HeatChecks)
    failed = {
        name: one.model_copy(
            update={"hit": one.hit and one.hit.model_copy(update={"value": 0.1, "low": 0.0, "high": 0.2})}
        )
        for name, one in checks.methods.items()
    }
    checks.model_copy(update={"methods": failed}).save(made / "brain-mr" / "unet")
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(made))
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / "store"))
    engine.clear()
    yield tmp_path
    engine.clear()


def page(name: str) -> AppTest:
    """A page as a reader without WebGL has it."""
    app = AppTest.from_file(str(PAGES / name), default_timeout=120)
    app.session_state["person"] = User(
        number=1, issuer="local", subject="local", name="local", roles=[role.value for role in Role]
    )
    app.session_state["viewer-without-webgl"] = True
    return app


def test_a_map_that_failed_its_test_is_held_back_with_the_reason(folder: Path) -> None:
    app = page("review.py")
    app.query_params["sample"] = "brain-mr-03"
    app.query_params["section"] = "Maps"
    app.run()
    for _ in range(40):
        if any("Where the models looked" in one.value for one in app.subheader):
            break
        app.run()
    assert not app.exception
    (asked,) = [one for one in app.button if one.label == "Show anyway"]
    (why,) = [
        one.value for one in app.caption if "failed their test on 40 slices of 9 validation patients" in one.value
    ]
    assert why.startswith("Its heat maps failed")
    drawn = len([one for one in app.button if one.label == "Enlarge"])
    asked.click().run()
    assert not [one for one in app.button if one.label == "Show anyway"]
    assert len([one for one in app.button if one.label == "Enlarge"]) == drawn + 1
    # This browser draws no WebGL: the page says why its viewer is the simple one, and what helps.
    (note,) = [one.value for one in app.caption if "The simple viewer" in one.value]
    assert "offers no WebGL. Switch on hardware acceleration, or use another browser." in note


def test_a_lock_says_what_it_waits_for(folder: Path) -> None:
    planted = readings.plant(readings.opened(folder / "store"), 1)
    app = page("read.py")
    app.query_params["case"] = str(planted.cases[0])
    app.run()

    def waits() -> tuple[bool, list[str]]:
        (lock,) = [one for one in app.button if one.label.startswith("Lock")]
        return lock.disabled, [one.value for one in app.caption if one.value.startswith("Still to say")]

    assert waits() == (True, ["Still to say before you can lock: what you see, how sure you are."])
    (finding,) = [one for one in app.button_group if one.label == "What do you see?"]
    finding.set_value("clear").run()
    assert waits() == (True, ["Still to say before you can lock: how sure you are."])
    (sure,) = [one for one in app.button_group if one.label == "How sure are you?"]
    sure.set_value(80).run()
    assert waits() == (False, [])
