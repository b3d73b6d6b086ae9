"""Three MR sequences in one picture go to the brain system and through its gate; photographs and faces do not."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from core.engine.gate import Gate
from core.engine.results import GateVerdict
from core.engine.warn import series_warnings
from core.imaging import Series, SourceKind, Study, read
from core.simulate.brain_sequences import brain_sequences
from core.systems import accepts, adapt, match, system
from tests.conftest import ROOT
from tests.imaging.builders import picture

GATE = Gate(ROOT / "weights")


def judged(series: Series, name: str) -> GateVerdict:
    declared = system(name)
    series = adapt(series, declared)
    return GATE.verdict(declared, series, series_warnings(declared, series, accepts(declared, series)))


@pytest.fixture(scope="module")
def heads() -> list[Series]:
    rng = np.random.default_rng(7)
    images = [brain_sequences(rng, n % 2 == 0, level)[0] for n, level in enumerate((0.4, 0.55, 0.7))]
    return [read([("x.tif", picture(image, "TIFF"))]).series[0] for image in images]


def test_sequences_pass_the_gate_of_the_brain_system(heads: list[Series]) -> None:
    assert [judged(series, "brain-mr").reasons for series in heads] == [()] * len(heads)


@pytest.mark.parametrize("name", ["chest-ct", "breast-mri", "pet", "mr-pet", "brain-type"])
def test_no_other_system_reads_the_mix(heads: list[Series], name: str) -> None:
    for series in heads:
        verdict = judged(series, name)
        assert verdict.stopped
        assert "colour" in {flag.kind for flag in verdict.reasons}


def test_the_brain_system_is_offered(heads: list[Series]) -> None:
    for router in (None, GATE.router()):
        found = match(Study("case", SourceKind.RASTER, (heads[0],), "0" * 64), router)
        assert (found.system, found.certain) == ("brain-mr", False)
        assert "three MR sequences" in found.reason


def test_photographs_and_faces_are_stopped() -> None:
    photos = [getattr(skimage.data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket", "retina")]
    rng = np.random.default_rng(0)
    # A face in grey, with grain of its own in every channel: the channels differ as sequences do.
    for face in skimage.data.lfw_subset()[:4]:
        large = np.kron(face * 220, np.ones((6, 6)))[..., None]
        photos.append(np.clip(large + rng.normal(0, 12, (*large.shape[:2], 3)), 0, 255).astype(np.uint8))
    for image in photos:
        series = read([("x.tif", picture(np.ascontiguousarray(image[:512, :512]), "TIFF"))]).series[0]
        assert judged(series, "brain-mr").stopped
