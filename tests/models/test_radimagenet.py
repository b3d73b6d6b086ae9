"""RadImageNet files in the authors' layout, against torchvision's own networks."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from core.errors import ModelUnavailableError
from core.models.registry import create


class Authors(nn.Module):
    """The wrapper of the authors' example: a torchvision model's children in a row."""

    def __init__(self, model: nn.Module, children: int) -> None:
        super().__init__()
        self.backbone = nn.Sequential(*list(model.children())[:children])


def resnet() -> nn.Module:
    torch.manual_seed(5)
    return torchvision.models.resnet50(weights=None).eval()


def test_resnet50_in_the_authors_layout_gives_the_same_features(tmp_path: Path) -> None:
    model = resnet()
    torch.save(Authors(model, 9).state_dict(), tmp_path / "ResNet50.pt")
    net = create("resnet50", classes=2, channels=3, size=(64, 64), pretrained=tmp_path / "ResNet50.pt").eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = Authors(model, 9).backbone(x).flatten(1)
        assert torch.allclose(net.run(x).features, expected, atol=1e-4)


def test_densenet121_and_one_channel_from_safetensors(tmp_path: Path) -> None:
    torch.manual_seed(6)
    model = torchvision.models.densenet121(weights=None).eval()
    save_file({k: v.contiguous() for k, v in Authors(model, 1).state_dict().items()}, tmp_path / "d.safetensors")
    x = torch.randn(2, 1, 64, 64)
    net = create("densenet121_attention", classes=2, channels=1, size=(64, 64), pretrained=tmp_path / "d.safetensors")
    with torch.no_grad():
        # A single channel fed to all three inputs is the same as summing the first convolution over its inputs.
        expected = torch.relu(model.features(x.expand(-1, 3, -1, -1)))
        assert torch.allclose(net.eval().run(x).tap, expected, atol=1e-4)


def test_plain_names_with_a_classifier_fit_too(tmp_path: Path) -> None:
    model = resnet()
    torch.save({"state_dict": model.state_dict()}, tmp_path / "r.pth")
    net = create("resnet50", classes=2, channels=3, size=(64, 64), pretrained=tmp_path / "r.pth")
    assert torch.equal(net.state_dict()["backbone.stages.0.0.weight"], model.state_dict()["conv1.weight"])


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    state = resnet().state_dict()
    torch.save(state, tmp_path / "r.pt")
    with pytest.raises(ModelUnavailableError, match="does not fit densenet121"):
        create("densenet121_attention", classes=2, channels=3, size=(64, 64), pretrained=tmp_path / "r.pt")
    torch.save(state | {"conv1.bias": torch.ones(64)}, tmp_path / "keras.pt")
    with pytest.raises(ModelUnavailableError, match=r"1 unknown \(first: conv1\.bias\)"):
        create("resnet50", classes=2, channels=3, size=(64, 64), pretrained=tmp_path / "keras.pt")
    with pytest.raises(ModelUnavailableError, match="no RadImageNet file"):
        create("resnet50", classes=2, channels=3, size=(64, 64), pretrained=tmp_path / "none.pt")


def test_a_pickle_is_not_executed(tmp_path: Path) -> None:
    (tmp_path / "bad.pt").write_bytes(pickle.dumps(resnet, protocol=2))
    with pytest.raises(ModelUnavailableError, match="no plain PyTorch weights"):
        create("resnet50", classes=2, channels=3, size=(64, 64), pretrained=tmp_path / "bad.pt")
