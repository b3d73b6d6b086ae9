"""Spread under small changes of a slice: what is changed, what is asked, and what happens when it fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.engine import uncertainty
from core.engine.engine import Engine
from core.engine.results import ModelStatus
from core.engine.uncertainty import VARIANTS, Spread, SpreadError, spread
from core.models.output import Output
from tests.cards import card_of
from tests.engine.installed import scan, study


class Told:
    """Stands in for a network: its logit is what ``rule`` makes of the tensor."""

    def __init__(self, rule: object) -> None:
        self.rule = rule

    def run_with_stages(self, x: torch.Tensor) -> tuple[Output, list[torch.Tensor]]:
        logit = torch.as_tensor(self.rule(x)).reshape(1, 1).float()  # type: ignore[operator]
        return Output(logit, x, x.flatten(1)), [x]


def asked(rule: object, **fields: object) -> Spread:
    card = card_of("brain-mr", "resnet50", "resnet18", **fields)
    return spread(Told(rule), card, scan(1), 0)  # type: ignore[arg-type]


def test_an_answer_that_sees_nothing_is_steady() -> None:
    found = asked(lambda x: 2.0)
    np.testing.assert_allclose(found.finding, 1 / (1 + np.exp(-2.0)), rtol=1e-6)
    assert found.steady
    assert not found.flips
    assert found.variants == tuple(VARIANTS)


def test_an_answer_that_hangs_on_the_side_flips() -> None:
    found = asked(lambda x: 50 * (x[..., :24].mean() - x[..., 24:].mean()))
    plain, mirrored = found.finding[0], found.finding[list(VARIANTS).index("mirrored")]
    assert plain == pytest.approx(1 - mirrored, abs=1e-5)
    assert found.flips
    assert not found.steady


def test_variants_move_magnify_and_stretch_as_they_say() -> None:
    x = torch.zeros(1, 1, 100, 100)
    x[..., 40:60, 40:60] = 1.0
    centre = torch.arange(100.0)

    def middle(image: torch.Tensor) -> tuple[float, float]:
        mass = image[0, 0] / image.sum()
        return float((mass.sum(1) * centre).sum()), float((mass.sum(0) * centre).sum())

    for name, by in (("shifted right and down", 3.0), ("shifted left and up", -3.0)):
        assert middle(VARIANTS[name](x)) == pytest.approx((49.5 + by, 49.5 + by), abs=0.05)
    assert float(VARIANTS["enlarged"](x).sum()) == pytest.approx(400 * 1.05**2, rel=0.02)
    assert float(VARIANTS["shrunk"](x).sum()) == pytest.approx(400 * 0.95**2, rel=0.02)
    y = torch.randn(1, 1, 8, 8)
    assert float(VARIANTS["more contrast"](y).std() / y.std()) == pytest.approx(1.1, rel=1e-4)
    assert float(VARIANTS["less contrast"](y).mean()) == pytest.approx(float(y.mean()), abs=1e-5)


def test_the_first_variant_is_the_answer_itself(engine: Engine) -> None:
    one = study(scan(3))
    review, found = engine.review(one, "brain-mr"), engine.uncertainty(one, "brain-mr", 0, 1)
    assert [s.model for s in found.spreads] == [r.state.name for r in review.ready]
    for result, one_spread in zip(review.ready, found.spreads, strict=True):
        assert result.finding is not None
        assert one_spread.finding[0] == pytest.approx(float(result.finding[1]), abs=1e-5)


def test_a_network_without_a_number_has_no_spread() -> None:
    with pytest.raises(SpreadError, match="without a number"):
        asked(lambda x: float("nan"))


def test_a_model_whose_spread_fails_is_named_and_the_others_answer(
    brain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = uncertainty.spread

    def failing(net: object, card: object, series: object, index: int, sides: object) -> Spread:
        if card.name == "resnet50":  # type: ignore[attr-defined]
            raise SpreadError("No number.", "")
        return real(net, card, series, index, sides)  # type: ignore[arg-type]

    monkeypatch.setattr("core.engine.engine.spread", failing)
    found = Engine(brain).uncertainty(study(), "brain-mr", 0, 0)
    assert {s.model for s in found.spreads} == {"unet", "resunet", "slab"}
    assert [reason for _, reason in found.failed] == ["No number."]


def test_without_weights_there_is_nothing_to_tell(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    assert all(s.status is ModelStatus.MISSING for s in engine.states("brain-mr"))
    found = engine.uncertainty(study(), "brain-mr", 0, 0)
    assert found.spreads == ()
