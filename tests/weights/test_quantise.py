"""Integers of five and six bits: by hand, against a search in numpy; codes of the first form that cannot be right."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import torch

from core.weights.quantise import CLIPS, GROUP, by_channel, by_group, from_groups, inflated

TOP = {5: 15, 6: 31}


def weights(*shape: int, seed: int = 0) -> torch.Tensor:
    """Nearly normal, with a few large ones, as trained weights are."""
    return torch.from_numpy(np.random.default_rng(seed).standard_t(6, shape).astype(np.float32) * 0.02)


def recoded(symbols: bytes) -> torch.Tensor:
    coder = zlib.compressobj(9, zlib.DEFLATED, -15)
    return torch.from_numpy(np.frombuffer(coder.compress(symbols) + coder.flush(), np.uint8).copy())


def test_multiples_of_a_step_come_back_exactly() -> None:
    """Five bits hold -15 to 15: a quarter of each is stored without error, with the scale 0.25."""
    steps = np.r_[np.arange(-15, 16), np.zeros(33)].astype(np.float32)
    integers, scale = by_group(torch.from_numpy(steps / 4), 5)
    assert (integers.dtype, scale.dtype) == (torch.int8, torch.float16)
    assert scale.tolist() == [0.25]
    np.testing.assert_array_equal(integers, steps)
    np.testing.assert_array_equal(from_groups(integers, scale, torch.Size([64])), steps / 4)


@pytest.mark.parametrize("bits", [5, 6])
def test_the_error_is_half_a_step_and_what_is_clipped(bits: int) -> None:
    weight = weights(24, 10, 3, 3)  # 2,160 weights: the last group is not full
    integers, scale = by_group(weight, bits)
    flat, again = weight.flatten().numpy(), from_groups(integers, scale, weight.shape).flatten().numpy()
    step = scale.float().repeat_interleave(GROUP)[: len(flat)].numpy()
    clipped = np.maximum(np.abs(flat) - TOP[bits] * step, 0)
    assert np.all(np.abs(again - flat) <= np.maximum(step / 2, clipped) * (1 + 1e-5))
    assert (clipped > step / 2).mean() < 0.05  # the largest only
    assert integers.abs().max() == TOP[bits]
    assert from_groups(integers, scale, weight.shape).shape == weight.shape


@pytest.mark.parametrize("bits", [5, 6])
def test_each_scale_is_the_best_of_its_group(bits: int) -> None:
    weight = weights(640, seed=3)
    scales = by_group(weight, bits)[1].tolist()
    for group, chosen in zip(weight.numpy().reshape(-1, GROUP).astype(np.float64), scales, strict=True):

        def error(step: float, group: np.ndarray = group) -> float:
            return float(((np.clip(np.rint(group / step), -TOP[bits], TOP[bits]) * step - group) ** 2).sum())

        largest = np.float32(np.abs(group).max())
        tried = [float(np.float16(largest * np.float32(clip) / TOP[bits])) for clip in CLIPS]
        assert error(chosen) == pytest.approx(min(map(error, tried)), rel=1e-4)


def test_groups_are_finer_than_channels() -> None:
    weight = weights(64, 64, 3, 3)
    coarse, scale = by_channel(weight)
    by_eight = ((coarse.float() * scale.view(-1, 1, 1, 1) - weight) ** 2).mean()
    by_six = ((from_groups(*by_group(weight, 6), weight.shape) - weight) ** 2).mean()
    assert float(by_six) < 10 * float(by_eight)  # by sixteen without groups


def test_a_group_of_zeros_stays_zero() -> None:
    weight = torch.zeros(128)
    weight[70] = 0.5
    again = from_groups(*by_group(weight, 6), weight.shape)
    assert torch.equal(again[:64], torch.zeros(64))
    assert again[70] == pytest.approx(0.5, rel=1e-3)


def test_the_first_form_is_read() -> None:
    weight = weights(300)
    integers, scale = by_group(weight, 5)
    read = inflated(recoded(integers.numpy().tobytes()), 300)
    assert torch.equal(read, integers)
    assert torch.equal(from_groups(read, scale, weight.shape), from_groups(integers, scale, weight.shape))


def test_a_code_that_cannot_be_right_is_refused() -> None:
    symbols = by_group(weights(300), 5)[0].numpy().tobytes()
    coded = recoded(symbols)
    for wrong, count in (
        (coded[: len(coded) // 2], 300),  # cut off
        (coded[:-1], 300),  # its end is missing
        (torch.cat([coded, coded]), 300),  # something behind its end
        (torch.full((40,), 255, dtype=torch.uint8), 300),  # no code at all
        (recoded(symbols[:-1]), 300),
        (recoded(symbols + b"\0"), 300),
        (coded, 301),
    ):
        with pytest.raises(ValueError, match=r"weights|cannot be read"):
            inflated(wrong, count)


def test_another_number_of_weights_or_scales_is_refused() -> None:
    integers, scale = by_group(weights(300), 5)
    for some, scales, count in (
        (integers, scale, 301),
        (integers[:-1], scale, 300),
        (integers, scale[:-1], 300),
        (integers, torch.cat([scale, scale[:1]]), 300),
    ):
        with pytest.raises(ValueError, match="weights"):
            from_groups(some, scales, torch.Size([count]))


def test_a_code_that_swells_is_read_no_further_than_the_network_needs() -> None:
    bomb = recoded(bytes(50_000_000))
    assert bomb.numel() < 60_000
    with pytest.raises(ValueError, match="holds 65 weights"):
        inflated(bomb, 64)
