"""Weights and card on disk: what was saved comes back, and what does not belong together is refused."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from core.models.net import OverreadNet
from core.weights.card import ModelCard
from core.weights.folder import ModelMissingError, ModelRefusedError, load_card
from core.weights.store import Storage, load_model, save_model
from tests import cards
from tests.models.networks import images, lively
from tests.weights.by_hand import first_form, opened


def card_of(net: OverreadNet) -> ModelCard:
    classes = tuple(f"class {index}" for index in range(net.classes))
    contract = {"channels": net.channels, "height": net.size[0], "width": net.size[1]}
    return cards.card_of(
        "simulated", "model", net.architecture, classes=classes, positive=("class 1",), contract=contract
    )


@pytest.fixture(scope="module")
def net() -> OverreadNet:
    return lively("efficientnet_b0")


@pytest.fixture
def saved(net: OverreadNet, tmp_path: Path) -> Path:
    folder = tmp_path / "simulated" / "model"
    save_model(net, card_of(net), folder)
    return folder


def rewrite_card(folder: Path, **changes: object) -> None:
    """Change the card and give it the hash of whatever weights lie there, so that only the change can be at fault."""
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    cards.rewrite(folder / "card.json", **({"weights_sha256": digest} | changes))


@pytest.mark.parametrize(("storage", "bound"), [("float32", 1e-6), ("float16", 2e-2), ("int8", 0.2)])
@pytest.mark.parametrize("name", ["resnet18", "densenet121_attention", "resunet", "unet_resnet18", "slab3d"])
def test_round_trip(name: str, storage: Storage, bound: float, tmp_path: Path) -> None:
    net = lively(name)
    written = save_model(net, card_of(net), tmp_path / "m", storage)
    again, card = load_model(tmp_path / "m")
    assert card == written
    assert card.storage == storage
    assert card.parameters == sum(p.numel() for p in net.parameters())
    assert not again.training
    assert not any(p.requires_grad for p in again.parameters())
    assert {p.dtype for p in again.parameters()} == {torch.float32}
    x = images(net)
    with torch.no_grad():
        before, after = net.run(x).logits, again.run(x).logits
    assert (before - after).abs().max() < bound * max(1.0, float(before.abs().max()))


def test_the_file_of_the_very_weights_stays_and_that_of_others_goes(tmp_path: Path) -> None:
    """What names the file's hash (heat checks, rules) stays true where no weight has changed, however it was coded."""
    net = lively("resnet18")
    card = save_model(net, card_of(net), tmp_path, "int6")
    path = tmp_path / "weights.safetensors"
    save_file(first_form(path), path)
    rewrite_card(tmp_path)
    before = path.read_bytes()
    stored, there = load_model(tmp_path)
    again = save_model(stored, there.model_copy(update={"temperature": 3.0}), tmp_path, "int6")
    assert path.read_bytes() == before
    assert (again.weights_sha256, again.temperature) == (there.weights_sha256, 3.0)
    assert load_model(tmp_path)[1] == again
    moved = copy.deepcopy(stored)
    with torch.no_grad():
        next(moved.parameters()).mul_(2)
    assert save_model(moved, card, tmp_path, "int6").weights_sha256 != there.weights_sha256
    assert torch.equal(next(load_model(tmp_path)[0].parameters()), next(moved.parameters()))


@pytest.mark.parametrize("storage", ["int8", "int6", "int5"])
def test_a_small_head_keeps_its_small_weights(storage: Storage, tmp_path: Path) -> None:
    net = lively("efficientnet_b0", classes=5)
    with torch.no_grad():
        net.linear_weight.copy_(torch.logspace(-5, 0, net.linear_weight.numel()).view_as(net.linear_weight))  # type: ignore[union-attr]
    assert net.linear_weight is not None
    assert 4096 < net.linear_weight.numel() < 16384
    save_model(net, card_of(net), tmp_path, storage)
    again, _ = load_model(tmp_path)
    assert again.linear_weight is not None
    assert torch.equal(again.linear_weight, net.linear_weight)


def test_int8_is_a_quarter_of_float32_and_off_by_half_a_step_at_most(net: OverreadNet, tmp_path: Path) -> None:
    for storage in ("float32", "int8"):
        save_model(net, card_of(net), tmp_path / storage, storage)  # type: ignore[arg-type]
    sizes = {s: (tmp_path / s / "weights.safetensors").stat().st_size for s in ("float32", "int8")}
    assert sizes["int8"] < 0.3 * sizes["float32"]
    exact = load_file(tmp_path / "float32" / "weights.safetensors")
    packed = opened(tmp_path / "int8" / "weights.safetensors")
    again = load_model(tmp_path / "int8")[0].state_dict()
    checked = 0
    for key, value in exact.items():
        if packed[key].dtype != np.int8:
            assert np.array_equal(packed[key], value)
            continue
        largest = np.abs(value).reshape(len(value), -1).max(1)
        step = (largest / 127).reshape(-1, *[1] * (value.ndim - 1))
        assert np.all(np.abs(again[key].numpy() - value) <= step / 2 * 1.001 + 1e-12)
        checked += 1
    assert checked > 50


@pytest.mark.parametrize("storage", ["int6", "int5"])
def test_what_was_packed_by_groups_is_what_is_read(storage: Storage, net: OverreadNet, tmp_path: Path) -> None:
    """The file decoded without the store: integers, a scale for every 64; small tensors are int8 by channel."""
    save_model(net, card_of(net), tmp_path / "m", storage)
    packed = opened(tmp_path / "m" / "weights.safetensors")
    again = load_model(tmp_path / "m")[0].state_dict()
    forms = {"groups": 0, "channels": 0, "float32": 0}
    for key, value in packed.items():
        if key.endswith(".scale") and key not in again:
            continue
        grouped = value.dtype == np.int8 and value.ndim == 1
        forms["groups" if grouped else "channels" if value.dtype == np.int8 else "float32"] += 1
        if grouped:
            scale = np.repeat(packed[key + ".scale"].astype(np.float32), 64)[: value.size]
            value = (value * scale).reshape(again[key].shape)
        elif value.dtype == np.int8:
            assert value.size < 4096
            value = value * packed[key + ".scale"].reshape(-1, *[1] * (value.ndim - 1))
        np.testing.assert_array_equal(again[key].numpy(), value)
    assert forms["groups"] > 50
    assert forms["channels"] > 10
    assert forms["float32"] > 100


@pytest.mark.parametrize("storage", ["int8", "int6", "int5"])
def test_a_file_of_the_first_form_gives_the_same_network(storage: Storage, net: OverreadNet, tmp_path: Path) -> None:
    save_model(net, card_of(net), tmp_path, storage)
    path = tmp_path / "weights.safetensors"
    wanted, size = load_model(tmp_path)[0].state_dict(), path.stat().st_size
    save_file(first_form(path), path)
    rewrite_card(tmp_path)
    again = load_model(tmp_path)[0].state_dict()
    assert size < path.stat().st_size
    assert list(again) == list(wanted)
    assert all(torch.equal(again[key], value) for key, value in wanted.items())


def test_a_damaged_stream_is_refused(net: OverreadNet, tmp_path: Path) -> None:
    save_model(net, card_of(net), tmp_path, "int6")
    found = load_file(tmp_path / "weights.safetensors")
    found["streams"] = found["streams"][:-9]
    save_file(found, tmp_path / "weights.safetensors")
    rewrite_card(tmp_path)
    with pytest.raises(ModelRefusedError, match=r"cannot be read \(its streams hold"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda found, key: found.pop(key + ".scale"), "no fitting scales"),
        (lambda found, key: found.update({key: found[key][:-40]}), "another shape"),
        (lambda found, key: found.update({key + ".scale": found[key + ".scale"][1:]}), "another shape"),
        (lambda found, key: found.update({key: np.full_like(found[key], 255)}), "another shape"),
    ],
)
def test_spoilt_groups_are_refused(spoil: Any, reason: str, net: OverreadNet, tmp_path: Path) -> None:
    save_model(net, card_of(net), tmp_path / "m", "int6")
    path = tmp_path / "m" / "weights.safetensors"
    found = first_form(tmp_path / "m" / "weights.safetensors")
    spoil(found, max((k for k in found if found[k].dtype == np.uint8), key=lambda k: found[k].size))
    save_file(found, path)
    rewrite_card(tmp_path / "m")
    with pytest.raises(ModelRefusedError, match=reason):
        load_model(tmp_path / "m")


def test_a_channel_of_zeros_survives_int8(net: OverreadNet, tmp_path: Path) -> None:
    twin = lively("efficientnet_b0")
    weight = next(p for p in twin.backbone_parameters() if p.dim() == 4)
    weight.data[3] = 0
    save_model(twin, card_of(twin), tmp_path / "m", "int8")
    loaded = next(p for p in load_model(tmp_path / "m")[0].backbone_parameters() if p.dim() == 4)
    assert torch.all(loaded[3] == 0)
    assert torch.any(loaded[2] != 0)


def test_missing_files_are_told_apart_from_refused_ones(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"card\.json"):
        load_model(tmp_path / "nowhere" / "model")
    with pytest.raises(ModelMissingError, match="recipe"):
        load_card(tmp_path / "nowhere")
    (saved / "weights.safetensors").unlink()
    with pytest.raises(ModelMissingError, match="weights"):
        load_model(saved)


def test_one_altered_byte_is_refused(saved: Path) -> None:
    path = saved / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelRefusedError, match="SHA-256"):
        load_model(saved)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"architecture": "resnet18"}, "another architecture"),
        ({"architecture": "resnet99"}, "no architecture"),
        ({"classes": ["a", "b", "c"]}, "number of classes"),
        ({"classes": ["a"]}, "at least two"),
        ({"contract": {"channels": 3, "height": 96, "width": 96}}, "another shape"),
        ({"threshold": {"value": 2}}, "cannot be read"),
    ],
)
def test_a_card_of_another_network_is_refused(saved: Path, changes: dict[str, object], reason: str) -> None:
    rewrite_card(saved, **changes)
    with pytest.raises(ModelRefusedError, match=reason):
        load_model(saved)


@pytest.mark.parametrize(
    "altered",
    [
        {"temperature": 0.5},
        {"threshold": {"value": 0.1, "rule": "fixed", "data": "none", "n": 0}},
        {"classes": ["tumour", "no tumour"]},
        {"positive": ["no tumour"]},
        {"mask_threshold": 0.9},
        {"mask_min_pixels": 3},
        {"gate": "other"},
        {"test_time_flips": ["horizontal"]},
        {"version": "2"},
        {"digest": ""},
        {"digest": "0" * 64},
        {"schema_version": 1},
        {"schema_version": 3},
    ],
)
def test_a_value_that_decides_cannot_be_altered(saved: Path, altered: dict[str, object]) -> None:
    """Whoever edits the file by hand gets no answers from it, whatever the weights are."""
    path = saved / "card.json"
    before = json.loads(path.read_text())
    assert any(before[key] != value for key, value in altered.items())
    path.write_text(json.dumps(before | altered))
    with pytest.raises(ModelRefusedError, match=r"altered|schema"):
        load_card(saved)


def test_what_only_tells_may_be_corrected(saved: Path) -> None:
    path = saved / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"title": "Said better", "limits": ["one more"]}))
    assert load_card(saved).title == "Said better"


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf"), 1e999])
def test_a_temperature_that_gives_no_probability_is_no_card(saved: Path, temperature: float) -> None:
    rewrite_card(saved, temperature=temperature)
    with pytest.raises(ModelRefusedError, match="card cannot be read"):
        load_model(saved)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(saved: Path, value: float) -> None:
    path = saved / "weights.safetensors"
    found = load_file(path)
    key = max((k for k in found if found[k].dtype == np.float32), key=lambda k: found[k].size)
    found[key].flat[0] = value
    save_file(found, path)
    rewrite_card(saved)
    with pytest.raises(ModelRefusedError, match="not finite"):
        load_model(saved)


def test_weights_whose_sum_is_beyond_a_float_are_read(saved: Path) -> None:
    path = saved / "weights.safetensors"
    found = load_file(path)
    key = max((k for k in found if found[k].dtype == np.float32), key=lambda k: found[k].size)
    found[key].flat[:2] = np.finfo(np.float32).max
    save_file(found, path)
    rewrite_card(saved)
    assert load_model(saved)[0].state_dict()[key].flatten()[:2].tolist() == [float(np.finfo(np.float32).max)] * 2


def test_nothing_is_drawn_for_weights_that_are_read(saved: Path) -> None:
    torch.manual_seed(7)
    wanted = torch.rand(3).tolist()
    torch.manual_seed(7)
    load_model(saved)
    assert torch.rand(3).tolist() == wanted


@pytest.mark.parametrize("content", [b"", b"\xff\xfe not json", b"[]"])
def test_an_unreadable_card_is_refused(saved: Path, content: bytes) -> None:
    (saved / "card.json").write_bytes(content)
    with pytest.raises(ModelRefusedError, match="card cannot be read"):
        load_model(saved)


class _Bomb:
    fired = False

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return setattr, (_Bomb, "fired", True)


def test_a_pickle_in_place_of_weights_is_never_executed(saved: Path) -> None:
    (saved / "weights.safetensors").write_bytes(pickle.dumps(_Bomb()))
    rewrite_card(saved)
    with pytest.raises(ModelRefusedError, match="cannot be read"):
        load_model(saved)
    assert not _Bomb.fired


def test_a_diverged_network_or_a_wrong_card_is_not_saved(net: OverreadNet, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the card says"):
        save_model(net, card_of(net).model_copy(update={"architecture": "resnet18"}), tmp_path / "m")
    broken = lively("resunet")
    next(broken.parameters()).data[0] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        save_model(broken, card_of(broken), tmp_path / "m")
    assert not (tmp_path / "m").exists()
