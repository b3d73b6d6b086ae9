"""MR of the chest and other parts that no system was made for: offered to MR and PET of soft tissue, never as brain."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.engine.gate import Gate
from core.imaging import read
from core.imaging.study import Modality, Series, SourceKind, Study, Unit
from core.simulate import phantom
from core.simulate.chest import chest
from core.systems import match
from core.systems.catalogue import SYSTEMS
from tests.conftest import ROOT
from tests.imaging.builders import dataset, noise, to_bytes

BRAIN = {name for name, declared in SYSTEMS.items() if "BRAIN" in declared.body_parts}
RAMP = np.linspace(0, 200, 96 * 96, dtype=np.float32).reshape(1, 96, 96)
ROUTER = Gate(ROOT / "weights").router()


def study(pixels: np.ndarray = RAMP, **facts: object) -> Study:
    known = {"modality": Modality.MR, "unit": Unit.ARBITRARY, "description": "series", **facts}
    return Study("case", SourceKind.DICOM, (Series("k", pixels=pixels, **known),), "0" * 64)  # type: ignore[arg-type]


@pytest.mark.parametrize("part", ["CHEST", "THORAX", "LUNG", "HEART", "ABDOMEN", "CSPINE"])
def test_dicom_mr_of_another_part(part: str) -> None:
    header = dataset(noise(64, 64, dtype=np.uint16), BodyPartExamined=part)
    found = match(read([("a.dcm", to_bytes(header))]), ROUTER)
    assert (found.system, found.certain) == ("mr-pet", False)
    assert not BRAIN & set(found.alternatives)
    assert part.lower() in found.reason


def test_a_head_with_its_neck_is_a_head() -> None:
    assert match(study(body_part="HEADNECK")).system == "brain-mr"


@pytest.mark.parametrize("words", ["t1_tse_chest_tra", "AX T2 Thorax", "cardiac cine", "T1 axial right hip"])
def test_the_description_of_an_mr_without_a_body_part(words: str) -> None:
    assert match(study(description=words)).system == "mr-pet"


@pytest.mark.parametrize("words", ["hippocampus t2", "brain for spine navigation", "t1_mprage"])
def test_other_descriptions_keep_to_the_brain(words: str) -> None:
    assert match(study(description=words)).system == "brain-mr"


def chest_mr(seed: int) -> np.ndarray:
    """A simulated chest as T1 MR shows it: fat bright, muscle grey, lungs and cortical bone dark."""
    rng = np.random.default_rng(seed)
    hounsfield = chest(rng, "normal")[0][0]
    signal = np.interp(hounsfield, [-950, -500, -200, -120, -60, -20, 10, 60, 300, 1200], SIGNAL).astype(np.float32)
    signal = cv2.GaussianBlur(signal, (0, 0), 0.8)
    grain = rng.normal(0, 0.03, (2, *signal.shape))
    return np.hypot(signal + grain[0], grain[1]).astype(np.float32)[None]


SIGNAL = [0.03, 0.1, 0.5, 1.0, 1.0, 0.5, 0.33, 0.38, 0.5, 0.15]


@pytest.mark.parametrize("seed", range(3))
def test_an_mr_that_shows_a_chest_is_no_brain(seed: int) -> None:
    found = match(study(chest_mr(seed)), ROUTER)
    assert (found.system, found.certain) == ("mr-pet", False)


def test_an_mr_that_shows_a_head_is_one() -> None:
    series = phantom("brain-mr", 1, finding="no tumour").series
    assert match(study(series.pixels[:1]), ROUTER).system == "brain-mr"


@pytest.mark.real
@pytest.mark.parametrize("modality", [Modality.MR, Modality.UNKNOWN])
def test_real_slices_of_soft_tissue_are_no_brain(real_data: Path, modality: Modality) -> None:
    files = sorted(real_data.glob("sts-pet-mr/*/mr_t1.nii.gz"))[::4]
    assert len(files) > 8
    for file in files:
        series = read([("x.nii.gz", file.read_bytes())]).series[0]
        for index in (0, series.slices // 2, series.slices - 1):
            unit = Unit.ARBITRARY if modality is Modality.MR else Unit.GREY
            one = study(series.pixels[index : index + 1], modality=modality, unit=unit)
            assert match(one, ROUTER).system == "mr-pet", (file.parent.name, index)
