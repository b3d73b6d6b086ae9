"""What masks teach a classifier by: a decoder through the backbone's maps, or the evidence of its own heat map."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from core.explain.gradcam import explain_forward
from core.models.auxiliary import EvidenceHead, MaskHead, brightest_place
from core.models.heads import activation
from core.models.registry import create
from tests.models.networks import images, lively


@pytest.mark.parametrize("name", ["resnet18", "vgg16", "densenet121_attention", "efficientnet_b0"])
def test_mask_logits_at_a_quarter_of_the_size_reach_the_whole_backbone(name: str) -> None:
    net = create(name, classes=2, channels=1, size=(64, 96))
    head = MaskHead(net)
    output, stages = net.run_with_stages(torch.randn(2, 1, 64, 96))
    logits = head(stages)
    assert logits.shape == (2, 1, 16, 24)
    functional.binary_cross_entropy_with_logits(logits, torch.rand(2, 1, 16, 24)).backward()
    assert all(parameter.grad is not None for parameter in net.backbone_parameters())
    assert output.logits.shape == (2, 1)


def test_odd_map_sizes_fit_too() -> None:
    net = lively("inception_resnet_v2")
    with torch.no_grad():
        _, stages = net.run_with_stages(images(net, 1))
        assert MaskHead(net)(stages).shape == (1, 1, *stages[0].shape[-2:])


def test_the_decoder_can_learn_where_a_bright_square_is() -> None:
    torch.manual_seed(0)
    net = create("resnet18", classes=2, channels=1, size=(32, 32))
    head = MaskHead(net, width=16)
    x = torch.zeros(4, 1, 32, 32)
    for index, (row, column) in enumerate([(4, 4), (4, 20), (20, 4), (20, 20)]):
        x[index, :, row : row + 8, column : column + 8] = 1
    truth = functional.max_pool2d(x, 4)
    optimiser = torch.optim.Adam([*net.parameters(), *head.parameters()], lr=3e-3)
    for _ in range(25):
        optimiser.zero_grad()
        logits = head(net.run_with_stages(x)[1])
        functional.binary_cross_entropy_with_logits(logits, truth).backward()
        optimiser.step()
    found = logits.detach() > 0
    overlap = (found & (truth > 0)).sum() / (found | (truth > 0)).sum()
    assert overlap > 0.6


def test_a_segmenter_needs_no_auxiliary_decoder() -> None:
    with pytest.raises(TypeError, match="draws masks itself"):
        MaskHead(create("resunet", classes=2, channels=1, size=(64, 64)))


def test_evidence_is_the_answer_place_by_place_and_grad_cam_before_scaling() -> None:
    net = lively("efficientnet_lite0")
    assert net.outputs == 1
    x = images(net, 2)
    with torch.no_grad():
        output, stages = net.run_with_stages(x)
        evidence = EvidenceHead(net)(stages)[:, 0] * 8 + 16
    bias = net.head.linear.bias  # type: ignore[union-attr]
    torch.testing.assert_close(evidence.mean((1, 2)) + bias, output.logits[:, 0], rtol=1e-4, atol=1e-4)
    # the gradient of a mean over all places is a share of it
    explained = explain_forward(net, x)
    by_gradient = activation(explained.logits[:, 0], explained.tap)
    torch.testing.assert_close(evidence.relu() / evidence[0].numel(), by_gradient, rtol=1e-4, atol=1e-5)
    assert not list(EvidenceHead(net).parameters())


def test_evidence_needs_a_linear_head() -> None:
    with pytest.raises(TypeError, match="linear head"):
        EvidenceHead(create("densenet121_attention", classes=2, channels=1, size=(64, 64)))


def test_a_small_lesion_marks_the_places_that_hold_most_of_it() -> None:
    covered = torch.tensor([[0.1, 0.06, 0.0], [0.04, 0.05, 0.0]]).view(1, 1, 2, 3)
    marked = brightest_place(torch.cat([covered, 0 * covered]))
    assert marked[0, 0].tolist() == [[1, 1, 0], [0, 1, 0]]
    assert not marked[1].any()
