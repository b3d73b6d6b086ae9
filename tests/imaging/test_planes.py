"""Stacks take planes over; grey of colour, and volumes, read piece by piece are what the whole would give."""

from __future__ import annotations

import io
import weakref
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from core.imaging import read
from core.imaging.planes import plane, take_over

RNG = np.random.default_rng(7)


def test_a_stack_takes_planes_over_and_lets_them_go() -> None:
    values = RNG.normal(size=(3, 200, 160)).astype(np.float32)
    holders = [SimpleNamespace(pixels=plane(one)) for one in values]
    gone = weakref.ref(holders[1].pixels)
    stack = take_over(holders)
    assert (stack == values).all()
    assert gone() is None
    assert all(np.shares_memory(one.pixels, stack[k]) for k, one in enumerate(holders))


def test_holders_of_several_slices_and_of_none() -> None:
    parts = [np.ones((2, 4, 5), bool), None, np.ones((4, 5), bool)]
    sizes = [(2, 4, 5), (3, 4, 5), (4, 5)]
    pairs = zip(parts, sizes, strict=True)
    holders = [SimpleNamespace(pixels=np.zeros(size, np.float32), padding=part) for part, size in pairs]
    assert take_over(holders, "padding")[:, 0, 0].tolist() == [True, True, False, False, False, True]


def test_one_holder_keeps_its_memory() -> None:
    alone = SimpleNamespace(pixels=np.zeros((4, 5), np.float32))
    assert np.shares_memory(take_over([alone]), alone.pixels)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA"])
def test_a_large_picture_in_colour_is_read_in_bands(mode: str) -> None:
    picture = Image.fromarray(RNG.integers(0, 256, (1100, 900, 3), np.uint8)).convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.fromarray(RNG.integers(0, 256, (1100, 900), np.uint8)))
    out = io.BytesIO()
    picture.save(out, "PNG")
    whole = np.asarray(picture.convert("RGBA"), dtype=np.float64)
    wanted = whole[..., :3] @ [0.299, 0.587, 0.114] * whole[..., 3] / 255
    found = read([("a.png", out.getvalue())]).series[0]
    np.testing.assert_allclose(found.pixels[0], wanted, atol=1e-3)
    assert found.colour == (mode != "LA")


@pytest.mark.parametrize("axes", ["RAS", "LPI", "SAR", "PIR", "ILA"])
def test_volumes_in_any_order_of_axes_are_those_of_nibabel(axes: str) -> None:
    ornt = nib.orientations.axcodes2ornt(axes)
    values = RNG.normal(size=(5, 6, 7)).astype(np.float32)
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = (-7, 8, 9)
    turned = nib.Nifti1Image(values, affine).as_reoriented(ornt)
    turned.header.set_xyzt_units("mm")
    canonical = nib.as_closest_canonical(turned)
    series = read([("a.nii", turned.to_bytes())]).series[0]
    assert (series.pixels == canonical.get_fdata().astype(np.float32)[::-1, ::-1].transpose(2, 1, 0)).all()
    assert series.affine is not None
    for column, row, number in ((0, 0, 0), (4, 2, 3)):
        place = canonical.affine @ [series.shape[1] - 1 - column, series.shape[0] - 1 - row, number, 1]
        assert series.affine @ [column, row, number, 1] == pytest.approx(place * [-1, -1, 1, 1])
