"""Random changes: identity when off, exact flips, image and mask together, and MixUp's distribution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from trainers.fitting.augment import geometric, mixup, photometric
from trainers.fitting.recipe import Augment


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def disc(height: int, width: int, radius: float, batch: int = 8) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    inside = ((y - height / 2 + 0.5) ** 2 + (x - width / 2 + 0.5) ** 2) <= radius**2
    return inside.float().expand(batch, 1, -1, -1).clone()


def test_all_off_changes_nothing() -> None:
    images, masks = torch.randn(4, 3, 32, 48, generator=rng()), disc(32, 48, 8, 4)
    moved, moved_masks = geometric(images, masks, Augment(), rng())
    assert moved_masks is not None
    torch.testing.assert_close(moved, images, atol=2e-5, rtol=0)
    torch.testing.assert_close(moved_masks, masks, atol=2e-5, rtol=0)
    assert photometric(images, Augment(), rng()) is images


@pytest.mark.parametrize(("field", "axis"), [("flip_horizontal", -1), ("flip_vertical", -2)])
def test_flips_are_exact_and_come_half_the_time(field: str, axis: int) -> None:
    images = torch.randn(64, 1, 24, 40, generator=rng(1))
    moved, _ = geometric(images, None, Augment(**{field: True}), rng(2))
    same = (moved - images).abs().amax((1, 2, 3)) < 1e-4
    flipped = (moved - images.flip(axis)).abs().amax((1, 2, 3)) < 1e-4
    assert (same ^ flipped).all()
    assert 16 < int(flipped.sum()) < 48


def test_mask_and_image_move_together() -> None:
    masks = disc(64, 64, 9)
    masks = torch.roll(masks, (9, -14), (2, 3))
    how = Augment(rotation=25, shift=0.1, zoom=0.2, flip_horizontal=True, flip_vertical=True)
    moved, moved_masks = geometric(masks.clone(), masks, how, rng(3))
    assert moved_masks is not None
    torch.testing.assert_close(moved, moved_masks, atol=1e-5, rtol=0)
    assert (moved_masks - masks).abs().amax((1, 2, 3)).min() > 0.5  # and every one has moved


def test_a_circle_stays_a_circle_on_a_non_square_image() -> None:
    _, turned = geometric(disc(48, 96, 15), disc(48, 96, 15), Augment(rotation=60), rng(4))
    assert turned is not None
    for mask in turned[:, 0] > 0.5:
        rows, columns = np.nonzero(mask.numpy())
        assert abs(int(np.ptp(rows)) - int(np.ptp(columns))) <= 1
        assert mask.sum() == pytest.approx(np.pi * 15**2, rel=0.03)


def test_the_angle_is_right_on_a_non_square_image() -> None:
    bar = torch.zeros(16, 1, 60, 120)
    bar[:, :, 29:31, 40:80] = 1
    turned, _ = geometric(bar, None, Augment(rotation=40), rng(5))
    angles = []
    for picture in turned[:, 0].numpy():
        rows, columns = np.nonzero(picture > 0.3)
        (_, axis) = np.linalg.eigh(np.cov(columns, rows))[1].T
        angles.append(abs(np.degrees(np.arctan(axis[1] / axis[0]))))
    drawn = (torch.rand(16, generator=rng(5)) * 2 - 1).abs().numpy() * 40
    np.testing.assert_allclose(angles, drawn, atol=2.0)


def test_shift_and_zoom_span_what_the_recipe_says() -> None:
    masks = disc(64, 64, 6, 200)
    _, shifted = geometric(masks, masks, Augment(shift=0.125), rng(6))
    _, zoomed = geometric(masks, masks, Augment(zoom=0.3), rng(7))
    assert shifted is not None
    assert zoomed is not None
    centres = (shifted[:, 0] * torch.arange(64)).sum((1, 2)) / shifted[:, 0].sum((1, 2)) - 31.5
    assert 7 < float(centres.abs().max()) < 8.2  # an eighth of 64
    ratio = (zoomed.sum((1, 2, 3)) / masks[0].sum()).sqrt()
    assert 0.68 < float(ratio.min()) < 0.75
    assert 1.25 < float(ratio.max()) < 1.32


def test_photometric_changes_the_values_it_names() -> None:
    images = torch.randn(300, 1, 8, 8, generator=rng(8))
    shifted = photometric(images, Augment(bias=0.2), rng(9)) - images
    assert float(shifted.abs().max()) <= 0.2001
    assert float((shifted - shifted.mean((1, 2, 3), keepdim=True)).abs().max()) < 1e-5  # one value an image
    gained = photometric(images, Augment(gain=0.2), rng(9)) / images
    assert 0.79 < float(gained.median()) < 1.21
    bent = photometric(images, Augment(gamma=0.3), rng(9))
    torch.testing.assert_close(bent.amax((1, 2, 3)), images.amax((1, 2, 3)))
    torch.testing.assert_close(bent.amin((1, 2, 3)), images.amin((1, 2, 3)))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 2.0])
def test_mixup_draws_lambda_from_beta_anew_for_every_batch(alpha: float) -> None:
    generator = rng(10)
    images, target = torch.eye(2).view(2, 1, 1, 2), torch.eye(2)
    shares = []
    while len(shares) < 700:
        mixed, labels = mixup(images, target, alpha, generator)
        assert torch.equal(mixed.view(2, 2), labels)  # images and labels share the weight
        if not torch.equal(labels, target):  # the order was swapped: the weight can be read off
            shares.append(float(labels[0, 0]))
    assert len(set(shares)) > 500
    # lambda = 1 leaves no trace; what is left out so has next to no weight for these alphas and this tolerance
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).statistic < 0.07


def test_the_same_seed_gives_the_same_batch() -> None:
    images = torch.randn(4, 1, 16, 16, generator=rng())
    how = Augment(rotation=20, noise=0.3, blur=0.5, gamma=0.2)
    first, second, other = (photometric(geometric(images, None, how, g)[0], how, g) for g in (rng(1), rng(1), rng(2)))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
