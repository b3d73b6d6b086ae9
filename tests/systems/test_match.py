"""Which system reads what: tags first, then the picture; and refusals in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.errors import SystemMismatchError
from core.imaging import read
from core.imaging.study import Modality, Series, SourceKind, Study, Unit
from core.models.registry import architectures
from core.simulate.samples import list_samples, load_sample
from core.systems import SYSTEMS, accepts, adapt, match, system

RAMP = np.linspace(0, 200, 4 * 96 * 96, dtype=np.float32).reshape(4, 96, 96)


def series(modality: Modality = Modality.UNKNOWN, body_part: str | None = None, **facts: Any) -> Series:
    kind = {"unit": Unit.ARBITRARY, "description": "series", "pixels": RAMP, **facts}
    return Series(key="k", modality=modality, body_part=body_part, **kind)


def study(*many: Series) -> Study:
    return Study("case", SourceKind.DICOM, many, "0" * 64)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (series(Modality.MR, "BRAIN"), "brain-mr"),
        (series(Modality.MR, "HEAD"), "brain-mr"),
        (series(Modality.MR, "BREAST"), "breast-mri"),
        (series(Modality.MR, "EXTREMITY"), "mr-pet"),
        (series(Modality.CT, "CHEST", unit=Unit.HU), "chest-ct"),
        (series(Modality.CT, "LUNG", unit=Unit.HU), "chest-ct"),
        (series(Modality.PT, "WHOLEBODY", unit=Unit.SUV, projection="mip-coronal"), "pet"),
        (series(Modality.PT, "THIGH", unit=Unit.SUV), "mr-pet"),
    ],
)
def test_dicom_tags_decide(one: Series, expected: str) -> None:
    found = match(study(one))
    assert found.system == expected
    assert found.certain
    assert found.reason
    assert accepts(system(expected), one) is None


def test_without_a_body_part_the_description_decides() -> None:
    found = match(study(series(Modality.MR, description="T1 right thigh axial")))
    assert (found.system, found.certain) == ("mr-pet", True)
    assert match(study(series(Modality.MR, description="sT2 brain_flair"))).system == "brain-mr"


@pytest.mark.parametrize("word", ["Pharmacy protocol", "legacy export", "Armonk", "alarm"])
def test_a_word_that_merely_contains_a_body_part_does_not(word: str) -> None:
    found = match(study(series(Modality.MR, description=word)))
    assert found.system == "brain-mr"
    assert not found.certain


@pytest.mark.parametrize("words", ["Ax T1 post contrast", "T1+C axial", "t1 after contrast", "SAG T1 POST GADOLINIUM"])
@pytest.mark.parametrize("part", ["BRAIN", ""])
def test_a_brain_mr_said_to_be_after_contrast_goes_to_tumour_types(words: str, part: str) -> None:
    said = f"{words} brain" if not part else words
    found = match(study(series(Modality.MR, part, description=said)))
    assert (found.system, found.certain) == ("brain-type", True)
    assert "brain-mr" in found.alternatives


@pytest.mark.parametrize("words", ["FLAIR", "Ax T1", "t2_tse_tra"])
def test_other_brain_mr_keeps_to_the_glioma_system(words: str) -> None:
    found = match(study(series(Modality.MR, "BRAIN", description=words)))
    assert (found.system, found.certain) == ("brain-mr", True)
    assert "brain-type" in found.alternatives


def test_without_any_hint_it_says_that_it_guesses() -> None:
    found = match(study(series(Modality.MR)))
    assert (found.system, found.certain) == ("brain-mr", False)
    assert any("guess" in w for w in found.warnings)


def test_the_projection_is_chosen_among_the_series_of_a_pet() -> None:
    slices = series(Modality.PT, unit=Unit.SUV)
    flat = series(Modality.PT, unit=Unit.SUV, projection="mip-coronal", pixels=RAMP[:1])
    for many, place in (((flat, slices), 0), ((slices, flat), 1)):
        found = match(study(*many))
        assert (found.system, found.series_index) == ("pet", place)


def test_the_better_series_of_a_mixed_study_is_chosen() -> None:
    found = match(study(series(Modality.UNKNOWN), series(Modality.CT, "CHEST", unit=Unit.HU)))
    assert (found.system, found.series_index, found.certain) == ("chest-ct", 1, True)


def test_a_ct_of_another_region_is_taken_with_doubt() -> None:
    found = match(study(series(Modality.CT, "ABDOMEN", unit=Unit.HU)))
    assert found.system == "chest-ct"
    assert not found.certain
    assert "abdomen" in found.reason


def test_the_reviewer_can_overrule_with_any_system_that_accepts() -> None:
    picture = series(unit=Unit.GREY, value_range=(0.0, 255.0), pixels=RAMP[:1])
    found = match(study(picture))
    assert found.system is not None
    assert set(found.alternatives) == set(SYSTEMS) - {found.system}
    for name in found.alternatives:
        declared = system(name)
        assert accepts(declared, picture) is None
        assert adapt(picture, declared).projection == declared.projection


def test_a_pet_to_the_ct_system_is_refused_in_words() -> None:
    slices = series(Modality.PT, unit=Unit.SUV)
    assert "chest-ct" not in match(study(slices)).alternatives
    refusal = accepts(system("chest-ct"), slices)
    assert refusal is not None
    assert "CT" in refusal
    assert "PT" in refusal


def test_a_ct_to_the_pet_system_and_a_slice_to_a_projection_are_refused() -> None:
    assert accepts(system("pet"), series(Modality.CT, unit=Unit.HU)) is not None
    refusal = accepts(system("pet"), series(Modality.PT, unit=Unit.SUV))
    assert refusal is not None
    assert "projection" in refusal
    # an uptake volume is never passed off as a projection
    assert adapt(series(Modality.PT, unit=Unit.SUV), system("pet")).projection == "slice"


def test_an_image_of_a_few_pixels_is_refused() -> None:
    tiny = series(pixels=np.zeros((1, 4, 60), np.float32))
    assert all(accepts(s, tiny) for s in SYSTEMS.values())
    found = match(study(tiny))
    assert found.system is None
    assert found.reason


def test_colour_and_blank_pictures_are_mentioned() -> None:
    odd = replace(series(unit=Unit.GREY, pixels=np.full((1, 96, 96), 9, np.float32)), colour=True)
    warnings = " ".join(match(study(odd)).warnings)
    assert "colour" in warnings
    assert "blank" in warnings


def test_pictures_that_are_no_stack_are_mentioned() -> None:
    pixels = np.random.default_rng(0).uniform(0, 255, (3, 96, 96)).astype(np.float32)
    told = {apart: match(study(series(unit=Unit.GREY, pixels=pixels, apart=apart))).warnings for apart in (False, True)}
    assert [("do not resemble each other" in " ".join(told[apart])) for apart in (False, True)] == [False, True]


def test_an_unknown_system_names_the_known_ones() -> None:
    with pytest.raises(SystemMismatchError) as raised:
        system("liver")
    assert all(name in raised.value.remedy for name in SYSTEMS)


def test_declarations_hang_together() -> None:
    for name, declared in SYSTEMS.items():
        assert name == declared.name
        assert set(declared.positive) < set(declared.classes)
        names = [slot.name for slot in declared.models]
        assert len(set(names)) == len(names) > 0
        for slot in declared.models:
            assert slot.architecture in architectures()
            assert slot.gate is None or slot.gate in names


@pytest.mark.parametrize("info", list_samples(), ids=lambda info: info.id)
def test_every_sample_finds_its_own_system(info: Any) -> None:
    found = match(load_sample(info.id))
    assert found.system == info.system
    assert found.certain


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "expected", "projection"),
    [
        ("brain-mr-flair", "brain-mr", "slice"),
        ("chest-ct", "chest-ct", "slice"),
        ("whole-body-pet", "pet", "mip-coronal"),
    ],
)
def test_real_dicom_finds_its_system(real_data: Path, name: str, expected: str, projection: str) -> None:
    path = real_data / "dicom" / f"{name}.zip"
    upload = read([(path.name, path.read_bytes())])
    found = match(upload)
    assert found.system == expected
    assert upload.series[found.series_index].projection == projection


@pytest.mark.real
def test_a_real_roi_next_to_its_images_leaves_the_images_chosen(real_data: Path) -> None:
    folder = real_data / "dicom"
    files = [(n, (folder / n).read_bytes()) for n in ("brain-mr-flair.zip", "brain-mr-flair-roi.zip")]
    upload = read(files)
    found = match(upload)
    assert found.system == "brain-mr"
    chosen = upload.series[found.series_index]
    assert len(np.unique(chosen.pixels)) > 2


def test_a_picture_that_does_not_say_it_is_ct_is_answered_by_a_ct_system_with_a_doubt() -> None:
    (kind, *_) = SYSTEMS["chest-ct"].scans
    router: Any = SimpleNamespace(answer=lambda _: SimpleNamespace(shares={kind.kind: 0.97}))
    found = match(study(series(unit=Unit.GREY)), router)
    assert found.system == "chest-ct"
    assert [warning for warning in found.warnings if "if it is not CT, do not use the answers" in warning]
    said_so = match(study(series(Modality.CT, "CHEST", unit=Unit.HU)), router)
    assert (said_so.system, said_so.warnings) == ("chest-ct", ())
