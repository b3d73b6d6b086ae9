"""An export that answers for spoilt weights is named on Home, in the pedigree and over HTTP."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from streamlit.testing.v1 import AppTest

from core.engine.results import ModelState, ModelStatus
from core.weights.exported.manifest import Link
from dashboard.home import model_states
from dashboard.service.routers.models import models
from tests.cards import card_of

WHY = "The model brain-mr/unet is refused: the weights are not those the card was written for (SHA-256 differs)"


def _state(**fields: Any) -> ModelState:
    card = card_of("brain-mr", "unet", "resunet")
    return ModelState("brain-mr", "unet", "U-Net", "segmenter", ModelStatus.READY, card=card, **fields)


def test_home_says_which_file_answers_and_why() -> None:
    told = model_states._status(_state(link=Link.ONNX, instead=WHY))
    assert "ready" in told
    assert "model.onnx" in told
    assert "SHA-256 differs" in told
    assert "model.onnx" not in model_states._status(_state())


def test_the_interface_says_it() -> None:
    engine = SimpleNamespace(states=lambda _: [_state(link=Link.OPENVINO, instead=WHY), _state()])
    shared = SimpleNamespace(engine=lambda: engine)
    request = SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(shared=shared)))
    spoilt, whole = models("brain-mr", cast("Any", request), cast("Any", None))
    assert (spoilt.answers_from, spoilt.instead) == (Link.OPENVINO, WHY)
    assert (whole.answers_from, whole.instead) == (Link.SAFETENSORS, "")


def test_the_pedigree_says_it() -> None:
    def page() -> None:
        from dashboard.review import pedigree
        from tests.cards import card_of

        pedigree.model(card_of("brain-mr", "unet", "resunet"), "from the exported file model.onnx, since: x")

    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    assert "model.onnx" in app.table[0].value.to_string()
