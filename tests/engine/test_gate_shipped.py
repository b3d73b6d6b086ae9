"""The router that is shipped: good scans pass, other images are stopped, samples find their system without tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data

from core.engine.gate import Gate
from core.engine.warn import series_warnings
from core.imaging import read
from core.imaging.study import Modality, Series, Unit
from core.simulate.samples import list_samples, load_sample
from core.systems import SYSTEMS, accepts, adapt, match, system
from tests.conftest import ROOT

GATE = Gate(ROOT / "weights")
ROUTED = [name for name, declared in SYSTEMS.items() if declared.scans]  # of the others the router knows nothing
SAMPLES = [info for info in list_samples() if info.system in ROUTED]


def stopped(series: Series, name: str) -> bool:
    declared = system(name)
    series = adapt(series, declared)
    verdict = GATE.verdict(declared, series, series_warnings(declared, series, accepts(declared, series)))
    assert verdict.unchecked == ""
    return verdict.stopped


def picture(image: np.ndarray) -> Series:
    pixels = np.asarray(image, np.float32)
    pixels = pixels @ np.array([0.299, 0.587, 0.114], np.float32) if pixels.ndim == 3 else pixels
    return Series("p", "picture", np.ascontiguousarray(pixels)[None], unit=Unit.GREY, value_range=(0.0, 255.0))


@pytest.mark.parametrize("info", SAMPLES, ids=lambda info: info.id)
def test_samples_pass_the_gate_of_their_system_and_no_other(info: object) -> None:
    study = load_sample(info.id)  # type: ignore[attr-defined]
    series = study.series[match(study).series_index]
    for name in ROUTED:
        assert stopped(series, name) is (name != info.system)  # type: ignore[attr-defined]


def test_untagged_sample_pictures_find_their_system() -> None:
    folder = ROOT / "data" / "samples"
    names = [f for info in SAMPLES for f in info.files if f.endswith(".png") and "mask" not in f]
    assert len(names) > 10
    for name in names:
        study = read([("picture.png", (folder / name).read_bytes())])
        assert study.series[0].modality is Modality.UNKNOWN
        assert name.startswith(str(match(study, GATE.router()).system)), name


@pytest.mark.parametrize("name", ROUTED)
def test_photographs_pages_and_noise_are_stopped(name: str) -> None:
    rng = np.random.default_rng(0)
    wrong = [skimage.data.coffee(), skimage.data.rocket(), skimage.data.page()]
    wrong += [rng.integers(0, 255, (256, 256)), np.tile(np.linspace(0, 255, 200), (180, 1))]
    assert [stopped(picture(image), name) for image in wrong] == [True] * len(wrong)


@pytest.mark.real
@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("brain-lgg/images/*/01*.jpg", "brain-mr"),
        ("lung-ct/*/*.jpg", "chest-ct"),
        ("pet-mip/*cancer/*.jpg", "pet"),
        ("sts-pet-mr/*/pet.nii.gz", "mr-pet"),
        ("sts-pet-mr/*/mr_t1.nii.gz", "mr-pet"),
    ],
)
def test_real_scans_pass_their_own_gate_and_no_other(real_data: Path, pattern: str, name: str) -> None:
    files = sorted(real_data.glob(pattern))
    files = files[:: max(1, len(files) // 12)]
    assert len(files) >= 10
    chosen = [read([(f.name, f.read_bytes())]).series for f in files]
    series = [
        next(s for s in many if s.projection == SYSTEMS[name].projection or s.unit is Unit.GREY) for many in chosen
    ]
    assert sum(stopped(s, name) for s in series) <= 1
    other = "chest-ct" if name == "brain-mr" else "brain-mr"
    assert sum(not stopped(s, other) for s in series) == 0


@pytest.mark.real
@pytest.mark.parametrize(
    ("archive", "name"), [("brain-mr-flair", "brain-mr"), ("chest-ct", "chest-ct"), ("whole-body-pet", "pet")]
)
def test_real_dicom_of_another_source_passes(real_data: Path, archive: str, name: str) -> None:
    path = real_data / "dicom" / f"{archive}.zip"
    study = read([(path.name, path.read_bytes())])
    assert not stopped(study.series[match(study).series_index], name)
