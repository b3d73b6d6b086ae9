"""A PET volume from several sides: the front answers, as it does alone; the views beside it tell how steady that is."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine.certainty import beside, round_about
from core.engine.engine import Engine
from core.imaging import Modality, Series, Unit, coronal_mip
from core.imaging.turning import turned_mips
from tests.engine.installed import install, study


@pytest.fixture(scope="module")
def pet(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    weights = tmp_path_factory.mktemp("weights")
    install(weights, "pet", "resnet34", "resnet18", contract={"projection": "mip-coronal"})
    return Engine(weights)


def whole_body() -> tuple[Series, Series, Series]:
    rng = np.random.default_rng(5)
    pixels = rng.uniform(0, 2, (40, 24, 24)).astype(np.float32)
    pixels[8:14, 3:9, 4:12] += 7  # in front, on the patient's right
    body = Series("k", "PET, 40 slices", pixels, Unit.SUV, Modality.PT, (16, 8, 8), affine=np.diag([8.0, 8, 16, 1]))
    front = coronal_mip(body)
    turned = turned_mips(body, front)
    assert turned is not None
    return front, body, turned


def test_the_front_answers_whatever_is_seen_from_the_sides(pet: Engine) -> None:
    front, body, turned = whole_body()
    alone, review = pet.review(study(front), "pet"), pet.review(study(front, body, turned), "pet", 2)
    (one,), (several,) = alone.ready, review.ready
    assert one.finding is not None
    assert several.finding is not None
    assert len(several.finding) == 8
    assert np.ptp(several.finding) > 1e-4
    assert several.finding.argmax() != 0  # by suspicion another view would lead
    assert review.peak == 0
    # a volume that is no deeper than wide has the very same front
    assert several.finding[0] == one.finding[0]
    with_sides = pet.review(study(front, body, turned), "pet", 0)
    assert with_sides.ready[0].finding is not None
    np.testing.assert_array_equal(with_sides.ready[0].finding, one.finding)


def test_how_steady_the_front_is_comes_from_both_sides_of_it(pet: Engine) -> None:
    front, body, turned = whole_body()
    whole = study(front, body, turned)
    (found,) = pet.uncertainty(whole, "pet", 0, 0).spreads
    seen = pet.review(study(turned), "pet").ready[0].finding
    mirrored = pet.uncertainty(study(turned), "pet", 0, 7).spreads[0].finding[found.variants.index("mirrored")]
    assert seen is not None
    np.testing.assert_allclose(found.beside, [mirrored, seen[1]], atol=1e-5)
    assert len(found.finding) == len(found.variants)  # they are none of the small changes of the slice
    assert pet.uncertainty(study(front), "pet", 0, 0).spreads[0].sides == ()
    told = beside(pet.uncertainty(whole, "pet", 0, 0))
    low, high = sorted([found.finding[0], *found.beside])[::2]
    assert told.startswith(f"Seen from 22.5° further left and right: Test resnet34 {low:.2f} to {high:.2f}")
    assert beside(pet.uncertainty(study(front), "pet", 0, 0)) == ""


def test_a_row_tells_the_span_over_all_sides(pet: Engine) -> None:
    _, _, turned = whole_body()
    assert turned.turned is not None
    result = pet.review(study(turned), "pet").ready[0]
    assert result.finding is not None
    near, every = result.finding[[7, 0, 1]], result.finding
    assert round_about(result, turned.turned) == (
        f"front ±22.5° {near.min():.2f} to {near.max():.2f}; all 8 sides {every.min():.2f} to {every.max():.2f}"
    )
