"""Networks that start from others: our pretrained backbones, shipped models, encoders of U-Nets and back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.errors import ModelUnavailableError
from core.models.net import OverreadNet
from core.models.registry import create
from core.weights.store import load_model, save_model
from tests.cards import card_of
from trainers.fitting.initial import BACKBONE, load_backbone, start_from_model

SIDE = 64


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shipped(folder: Path, architecture: str, channels: int) -> OverreadNet:
    """A network with running statistics of its own, saved as a model; as it is read back."""
    net = create(architecture, classes=2, channels=channels, size=(SIDE, SIDE))
    with torch.no_grad():
        net.train().run(torch.rand(4, channels, SIDE, SIDE, generator=rng(1)))  # for the running statistics
    contract = {"channels": channels, "height": SIDE, "width": SIDE}
    save_model(net, card_of("brain-mr", "unet", architecture, contract=contract), folder, "float32")
    return load_model(folder)[0]


def new(architecture: str, channels: int, classes: int = 2) -> OverreadNet:
    return create(architecture, classes=classes, channels=channels, size=(SIDE, SIDE)).eval()


def test_our_backbone_serves_classifiers_and_u_nets_alike(tmp_path: Path) -> None:
    teacher = create("resnet18", classes=2, channels=3, size=(64, 64)).eval()
    with pytest.raises(ModelUnavailableError, match="pretrain"):
        load_backbone(teacher, tmp_path)
    (tmp_path / "resnet18").mkdir()
    save_file({k: v.contiguous() for k, v in teacher.backbone.state_dict().items()}, tmp_path / "resnet18" / BACKBONE)
    x = torch.rand(1, 1, 64, 64, generator=rng())
    wanted = teacher.feature_stages(x.repeat(1, 3, 1, 1))[-1]
    for architecture, channels in (("resnet18", 3), ("unet_resnet18", 3), ("unet_resnet18", 1), ("resnet18", 1)):
        net = create(architecture, classes=2, channels=channels, size=(64, 64)).eval()
        load_backbone(net, tmp_path)
        torch.testing.assert_close(net.feature_stages(x.repeat(1, channels, 1, 1))[-1], wanted, atol=1e-4, rtol=1e-3)
    (tmp_path / "resnet50").mkdir()
    (tmp_path / "resnet50" / BACKBONE).write_bytes((tmp_path / "resnet18" / BACKBONE).read_bytes())
    with pytest.raises(ModelUnavailableError, match="does not fit"):
        load_backbone(create("resnet50", classes=2, channels=3, size=(64, 64)), tmp_path)


def test_a_shipped_model_lends_its_backbone(tmp_path: Path) -> None:
    net = create("resnet18", classes=2, channels=1, size=(48, 48)).eval()
    save_model(net, card_of("breast-mri", "resnet18", "resnet18"), tmp_path, "float32")
    shipped, card = load_model(tmp_path)
    net = create(card.architecture, classes=4, channels=card.contract.channels, size=(48, 48)).eval()
    start_from_model(net, tmp_path)
    x = torch.rand(1, card.contract.channels, 48, 48, generator=rng())
    torch.testing.assert_close(net.feature_stages(x)[-1], shipped.feature_stages(x)[-1])
    same = create(card.architecture, classes=2, channels=card.contract.channels, size=(48, 48)).eval()
    start_from_model(same, tmp_path)
    torch.testing.assert_close(same.run(x).logits, shipped.run(x).logits)
    with pytest.raises(ModelUnavailableError, match="does not fit"):
        start_from_model(create("resnet50", classes=2, channels=1, size=(48, 48)), tmp_path)


def test_a_u_net_of_other_classes_lends_its_decoder(tmp_path: Path) -> None:
    donor = shipped(tmp_path, "unet_efficientnet_lite0", 1)
    net = new("unet_efficientnet_lite0", 3, classes=4)
    start_from_model(net, tmp_path)
    x = torch.rand(2, 1, SIDE, SIDE, generator=rng(2))
    wanted = donor.run(x).mask_logits
    assert wanted is not None
    torch.testing.assert_close(net.run(x.expand(-1, 3, -1, -1)).mask_logits, wanted, atol=1e-4, rtol=1e-3)
    assert net.run(x.expand(-1, 3, -1, -1)).logits.shape == (2, 4)


# With a ResNet-34's further blocks as the identity its features are the ResNet-18's.
DONORS = [
    ("unet_resnet18", "resnet18"),
    ("resnet18", "unet_resnet18"),
    ("unet_resnet18", "resnet34"),
    ("resnet18", "unet_resnet34"),
    ("efficientnet_lite0", "unet_efficientnet_lite0"),
]


@pytest.mark.parametrize(
    ("source", "target", "given", "wanted"),
    [
        *((source, target, 3, 3) for source, target in DONORS),
        # what is done about channels is done to the first convolution, of which there are two kinds
        *((*donor, *channels) for donor in (DONORS[0], DONORS[-1]) for channels in ((1, 1), (3, 1), (1, 3))),
    ],
)
def test_a_u_net_and_a_classifier_lend_each_other_their_encoder(
    source: str, target: str, given: int, wanted: int, tmp_path: Path
) -> None:
    """The same feature maps at every resolution; a grey picture counts as three equal channels."""
    teacher = shipped(tmp_path, source, given)
    net = new(target, wanted)
    before = {name: value.clone() for name, value in net.state_dict().items() if not name.startswith("backbone.")}
    start_from_model(net, tmp_path)
    x = torch.rand(2, wanted if given == wanted else 1, SIDE, SIDE, generator=rng()).expand(-1, wanted, -1, -1)
    theirs = teacher.feature_stages(x[:, :1].expand(-1, given, -1, -1) if given != wanted else x)
    ours = net.feature_stages(x)
    maps = {tuple(m.shape): m for m in theirs}
    shared = [m for m in ours if tuple(m.shape) in maps]
    assert len(shared) >= (3 if "lite" in target else 4)  # a Lite U-Net's tap lies one convolution earlier
    for found in shared:
        torch.testing.assert_close(found, maps[tuple(found.shape)], atol=1e-4, rtol=1e-3)
    after = net.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())  # the rest is its own


def test_three_channels_are_summed_for_one(tmp_path: Path) -> None:
    teacher, net = shipped(tmp_path, "unet_resnet18", 3), new("resnet18", 1)
    start_from_model(net, tmp_path)
    theirs, ours = (next(p for p in n.backbone_parameters() if p.dim() == 4) for n in (teacher, net))
    torch.testing.assert_close(ours, theirs.sum(1, keepdim=True))


def test_a_smaller_network_takes_nothing_of_a_larger_one(tmp_path: Path) -> None:
    shipped(tmp_path, "resnet34", 1)
    with pytest.raises(ModelUnavailableError, match="does not fit"):
        start_from_model(new("resnet18", 1), tmp_path)


def test_a_deeper_bottleneck_network_is_no_identity_of_a_basic_one(tmp_path: Path) -> None:
    shipped(tmp_path, "resnet18", 3)
    with pytest.raises(ModelUnavailableError, match="does not fit resnet50"):
        start_from_model(new("resnet50", 3), tmp_path)


def test_another_encoder_does_not_fit(tmp_path: Path) -> None:
    shipped(tmp_path / "three", "unet_resnet18", 3)
    for architecture in ("resnet50", "densenet121_attention", "resunet"):
        with pytest.raises(ModelUnavailableError, match="does not fit"):
            start_from_model(new(architecture, 3), tmp_path / "three")
