"""The second form of a file of weights: bit for bit, against a reader by hand, and damaged in every place."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save, save_file

from core.weights.coding import HEADER, STREAMS, decoded, encoded
from core.weights.quantise import by_channel, by_group
from core.weights.store import tensors_of
from tests.weights.by_hand import opened

ROOT = Path(__file__).resolve().parents[2]
Packed = dict[str, torch.Tensor]


def member(seed: int, bits: int) -> Packed:
    """One of several networks of one start: two layers, a head, a vector and a number."""
    start, own = np.random.default_rng(0), np.random.default_rng(seed)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.tensor(start.standard_t(6, shape) + 0.08 * own.standard_normal(shape), dtype=torch.float32)

    conv, small = drawn(48, 20, 3, 3), drawn(16, 1, 3, 3)
    packed = {"head.weight": drawn(2, 48), "norm.bias": drawn(48), "temper": drawn()}
    packed["conv.weight"], packed["conv.weight.scale"] = by_group(conv, bits) if bits < 8 else by_channel(conv)
    packed["small.weight"], packed["small.weight.scale"] = by_channel(small)
    return packed


def members(bits: int, count: int = 3) -> Packed:
    out: Packed = {"same.weight": torch.arange(6, dtype=torch.float32).view(2, 3)}
    for number in range(count):
        out |= {f"members.{number}.{key}": value for key, value in member(number + 1, bits).items()}
    return out


def same(one: Packed, other: Packed) -> bool:
    return set(one) == set(other) and all(
        one[k].dtype == other[k].dtype and one[k].shape == other[k].shape and torch.equal(one[k], other[k]) for k in one
    )


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 7, 8])
def test_what_was_packed_comes_back_bit_for_bit(bits: int) -> None:
    for packed in (member(1, bits), members(bits)):
        assert same(decoded(load(save(encoded(packed)))), packed)


@pytest.mark.parametrize("bits", [5, 6, 8])
def test_a_reader_by_hand_reads_the_same(bits: int, tmp_path: Path) -> None:
    packed = members(bits)
    save_file(encoded(packed), tmp_path / "w")
    found = opened(tmp_path / "w")
    assert list(found) == sorted(packed)
    for key, value in packed.items():
        np.testing.assert_array_equal(found[key], value.numpy())
        assert found[key].dtype == value.numpy().dtype


def test_special_numbers_keep_their_bits() -> None:
    odd = torch.tensor([0.0, -0.0, 1e-45, torch.finfo(torch.float32).max, float("inf"), float("nan")])
    packed = {"members.0.a": odd, "members.1.a": odd.flip(0), "members.1.b": odd.half(), "none": torch.zeros(0, 3)}
    again = decoded(encoded(packed))
    for key, value in packed.items():
        assert again[key].numpy().tobytes() == value.numpy().tobytes()
        assert again[key].shape == value.shape


def test_the_order_of_the_entries_changes_nothing() -> None:
    packed = members(5)
    one, other = encoded(packed), encoded(dict(reversed(packed.items())))
    assert same(one, other)


def test_a_member_is_told_by_what_differs() -> None:
    """Scales 0.5 and 0.25: the second member's integers are expected at twice the first's; one is off by -3."""
    first = torch.tensor([1, -2, 5, 60, 0], dtype=torch.int8)
    packed = {
        "members.0.w": first,
        "members.0.w.scale": torch.tensor([0.5], dtype=torch.float16),
        "members.1.w": torch.tensor([2, -4, 7, 120, 0], dtype=torch.int8),
        "members.1.w.scale": torch.tensor([0.25], dtype=torch.float16),
    }
    file = encoded(packed)
    last = json.loads(zlib.decompress(file[HEADER].numpy().tobytes()))["lengths"][-1]
    differences = zlib.decompress(file[STREAMS][-last:].numpy().tobytes(), wbits=-15)
    assert np.frombuffer(differences, np.int8).tolist() == [0, 0, -3, 0, 0]


def test_members_of_one_start_take_less_than_each_alone() -> None:
    sizes = [encoded(some)[STREAMS].numel() for some in (member(1, 5), members(5))]
    assert sizes[1] < 2 * sizes[0]  # three of them


def test_shipped_integers_lose_a_twelfth() -> None:
    """Eight bits of a shipped network: the entropy of each tensor is the bound, plus a fiftieth."""
    packed = tensors_of((ROOT / "weights" / "brain-mr" / "resunet" / "weights.safetensors").read_bytes())
    integers = {k: v for k, v in packed.items() if v.dtype == torch.int8}
    plain = sum(v.numel() for v in integers.values())
    counts = [np.bincount(v.numpy().view(np.uint8).ravel(), minlength=256) for v in integers.values()]
    entropy = sum(float(-(c[c > 0] * np.log2(c[c > 0] / c.sum())).sum()) / 8 for c in counts)
    coded = encoded(integers)[STREAMS].numel()
    assert coded < min(0.93 * plain, 1.02 * entropy)
    assert same(decoded(encoded(packed)), packed)


def header(file: Packed, change: Callable[[dict[str, Any]], object]) -> Packed:
    told = json.loads(zlib.decompress(file[HEADER].numpy().tobytes()))
    change(told)
    return file | {HEADER: bytes_of(zlib.compress(json.dumps(told).encode()))}


def bytes_of(content: bytes) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(content, np.uint8).copy())


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda f: f | {STREAMS: f[STREAMS][:-1]}, "announced"),
        (lambda f: f | {STREAMS: torch.cat([f[STREAMS], f[STREAMS][:1]])}, "announced"),
        (lambda f: f | {STREAMS: torch.full_like(f[STREAMS], 255)}, "cannot be read"),
        (lambda f: f | {STREAMS: torch.zeros_like(f[STREAMS])}, "stream"),
        (lambda f: f | {STREAMS: f[STREAMS].view(1, -1)}, "no bytes"),
        (lambda f: f | {STREAMS: f[STREAMS].float()}, "no bytes"),
        (lambda f: f | {HEADER: f[HEADER][:-6]}, "does not end"),
        (lambda f: f | {HEADER: bytes_of(b"plain text")}, "header cannot be read"),
        (lambda f: f | {HEADER: bytes_of(zlib.compress(b"[1"))}, "no JSON"),
        (lambda f: header(f, lambda told: told.update(version=3)), "another version"),
        (lambda f: header(f, lambda told: told.update(more=1)), "damaged"),
        (lambda f: header(f, lambda told: told["lengths"].pop()), "number of streams"),
        (lambda f: header(f, lambda told: told["entries"].append(told["entries"][0])), "twice"),
        (lambda f: header(f, lambda told: told["entries"].pop()), "announced"),
        (lambda f: header(f, lambda told: told["entries"][0].update(kind="int64")), "damaged"),
        (lambda f: header(f, lambda told: told["entries"][0].update(shape=[-1])), "damaged"),
        (lambda f: header(f, lambda told: told["entries"][0].update(shape=[2, 4])), "announced"),
        (lambda f: header(f, lambda told: told["entries"][0].update(shape=[1 << 40])), "cannot hold"),
    ],
)
def test_a_damaged_file_is_refused(spoil: Callable[[Packed], Packed], reason: str) -> None:
    packed = {
        "same": torch.arange(6, dtype=torch.float32).view(2, 3),
        "members.0.w": torch.arange(45, dtype=torch.int8),
        "members.1.w": torch.arange(45, dtype=torch.int8),
        "members.0.w.scale": torch.ones(1, dtype=torch.float16),
        "members.1.w.scale": torch.ones(1, dtype=torch.float16),
    }
    with pytest.raises(ValueError, match=reason):
        decoded(spoil(encoded(packed)))


def test_integers_whose_scales_are_too_few_are_refused() -> None:
    packed = {f"members.{n}.w": torch.arange(9, dtype=torch.int8).view(3, 3) for n in range(2)}
    packed |= {f"members.{n}.w.scale": torch.ones(3) for n in range(2)}
    file = encoded(packed)

    def regrouped(told: dict[str, Any]) -> None:
        for entry in told["entries"]:
            if entry["kind"] == "int8":
                entry["shape"] = [9, 1]

    with pytest.raises(ValueError, match="3 scales for 9 integers"):
        decoded(header(file, regrouped))


def test_no_flipped_byte_gives_another_number_of_weights() -> None:
    """Whatever stands there is an error, or numbers in the shapes that the header announces."""
    packed = member(1, 5)
    file = encoded(packed)
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.integers(0, file[STREAMS].numel(), 60):
        streams = file[STREAMS].clone()
        streams[place] ^= int(rng.integers(1, 256))
        try:
            found = decoded(file | {STREAMS: streams})
        except ValueError:
            refused += 1
            continue
        assert {k: v.shape for k, v in found.items()} == {k: v.shape for k, v in packed.items()}
    assert 0 < refused <= 60
