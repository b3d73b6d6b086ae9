"""Slices of two series at one place: by position in the patient, never by their numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.imaging import read
from core.imaging.places import Partner, matched_slices, partner
from core.imaging.study import Modality, Series, SourceKind, Study
from tests.imaging.builders import named, noise, stack


def volume(
    slices: int, start: float, step: float, modality: Modality = Modality.PT, pixel: float = 2.0, left: float = 0.0
) -> Series:
    affine = np.diag([pixel, pixel, step, 1.0])
    affine[:3, 3] = left, 0.0, start
    return Series("k", f"{modality} volume", noise(slices, 8, 8).astype(np.float32), modality=modality, affine=affine)


def study(*series: Series) -> Study:
    return Study("pair", SourceKind.NIFTI, series, "0" * 64)


@pytest.mark.parametrize(
    ("mr", "expected"),
    [
        (volume(4, 10.0, 5.0), [(2, 0), (3, 1), (4, 2), (5, 3)]),
        (volume(4, 12.0, 5.0), [(2, 0), (3, 1), (4, 2), (5, 3)]),
        (volume(3, 25.0, -5.0), [(3, 2), (4, 1), (5, 0)]),  # stored from head to feet
        (volume(3, 0.0, 10.0), [(0, 0), (2, 1), (4, 2)]),
        (volume(3, 500.0, 5.0), []),
    ],
)
def test_slices_match_by_position_not_by_index(mr: Series, expected: list[tuple[int, int]]) -> None:
    assert matched_slices(volume(6, 0.0, 5.0), mr) == expected


def test_the_partner_lies_at_the_same_height() -> None:
    pet, mr = volume(6, 0.0, 5.0), volume(4, 26.0, -5.0, Modality.MR)  # MR at 26, 21, 16 and 11 mm
    assert partner(study(pet, mr), 0, 3) == Partner(1, 2, pytest.approx(1.0), assumed=True)
    assert partner(study(pet, mr), 1, 2) == Partner(0, 3, pytest.approx(1.0), assumed=True)
    assert partner(study(pet, mr), 0, 0) == "MR volume does not reach this slice."
    nearer = volume(9, 0.2, 5.0, Modality.MR)
    assert partner(study(pet, mr, nearer), 0, 3) == Partner(2, 3, pytest.approx(0.2), assumed=True)


def test_one_modality_alone_has_no_partner() -> None:
    mr = volume(4, 0.0, 5.0, Modality.MR)
    assert partner(study(mr, mr), 0, 1) is None
    assert partner(study(mr, replace(mr, modality=Modality.CT)), 0, 1) is None
    projection = replace(volume(1, 0.0, 5.0), projection="mip-coronal")
    assert partner(study(mr, projection), 0, 1) is None


def test_a_ct_is_found_beside_a_pet_only() -> None:
    """By hand: the CT lies at 3, 13, 23 mm, the PET at 0, 5, .., 25; half the larger slice distance is 5 mm."""
    pet, ct, mr = volume(6, 0.0, 5.0), volume(3, 3.0, 10.0, Modality.CT), volume(6, 0.0, 5.0, Modality.MR)
    assert matched_slices(pet, ct) == [(1, 0), (3, 1), (5, 2)]
    three = study(pet, ct, mr)
    assert partner(three, 0, 3, Modality.CT) == Partner(1, 1, pytest.approx(2.0), assumed=True)
    assert partner(three, 0, 3) == partner(three, 0, 3, Modality.MR) == Partner(2, 3, 0.0, assumed=True)
    assert partner(three, 1, 1) is None  # a CT by itself asks for nothing
    assert partner(three, 1, 1, Modality.PT) is None
    assert partner(three, 2, 3, Modality.CT) is None
    far = replace(ct, frame="b")
    told = partner(study(replace(pet, frame="a"), far), 0, 3, Modality.CT)
    assert told == "CT volume lies in another frame of reference: register the two series first."


def oblique(series: Series) -> Series:
    assert series.affine is not None
    turn = np.eye(4)
    turn[1:3, 1:3] = [[0.0, -1.0], [1.0, 0.0]]
    return replace(series, affine=turn @ series.affine, positions=None)


PET = replace(volume(6, 0.0, 5.0), frame="a")
MR = replace(volume(6, 0.0, 5.0, Modality.MR), frame="a")


@pytest.mark.parametrize(
    ("mr", "why"),
    [
        (replace(MR, frame="b"), "another frame of reference"),
        (replace(MR, affine=None), "no position"),
        (oblique(MR), "sliced in another direction"),
        (replace(volume(6, 0.0, 5.0, Modality.MR, left=100.0), frame="a"), "another part of the body"),
        (replace(volume(6, 90.0, 5.0, Modality.MR), frame="a"), "does not reach"),
        (replace(MR, pixels=np.full_like(MR.pixels, 3.0)), "blank there"),
    ],
)
def test_what_cannot_be_put_side_by_side_says_why(mr: Series, why: str) -> None:
    found = partner(study(PET, mr), 0, 2)
    assert isinstance(found, str)
    assert why in found
    assert partner(study(PET, mr, MR), 0, 2) == Partner(2, 2, 0.0, assumed=False)


def test_dicom_tells_whether_two_series_share_a_space() -> None:
    def one(modality: str, seed: int, uid: str) -> list[tuple[str, bytes]]:
        facts = {"Modality": modality, "SeriesInstanceUID": f"1.2.{seed}", "FrameOfReferenceUID": uid}
        return [(f"{modality}-{name}", data) for name, data in named(stack(noise(3, 16, 16, seed=seed), **facts))]

    same = read([*one("MR", 1, "1.2.840.1"), *one("PT", 2, "1.2.840.1 ")])
    found = partner(same, 0, 1)
    assert isinstance(found, Partner)
    assert (found.series_index, found.slice_index, found.assumed) == (1, 1, False)
    frames = {s.frame for s in same.series}
    assert len(frames) == 1
    assert all(f is not None and len(f) == 8 and "." not in f for f in frames)  # never the UID itself
    apart = partner(read([*one("MR", 1, "1.2.840.1"), *one("PT", 2, "1.2.840.2")]), 0, 1)
    assert isinstance(apart, str)
    assert "another frame of reference" in apart
