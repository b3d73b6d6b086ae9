"""A mask that is sure of every pixel, exported: the image's log-odds stay finite and are those of float64."""

from __future__ import annotations

import io

import numpy as np
import onnxruntime
import pytest
import torch
from scipy.special import log_expit, logsumexp

from core.models.heads import topk_logit


class Head(torch.nn.Module):
    """The head alone, on mask logits."""

    def forward(self, mask: torch.Tensor) -> torch.Tensor:
        return topk_logit(mask, 12)


@pytest.mark.parametrize("level", [0.0, 3.0, 40.0, 120.0, 1000.0])
def test_a_saturated_mask_gives_the_same_number_exported(level: float) -> None:
    rng = np.random.default_rng(0)
    mask = (level * np.sign(rng.normal(size=(2, 1, 16, 16))) + rng.normal(size=(2, 1, 16, 16))).astype(np.float32)
    mask[1] = -np.abs(mask[1])  # no pixel of a finding at all
    file = io.BytesIO()
    program = torch.onnx.export(Head().eval(), (torch.from_numpy(mask),), dynamo=True, verbose=False)
    assert program is not None
    program.save(file)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: mask})
    top = np.sort(mask.reshape(2, -1).astype(np.float64), axis=1)[:, -12:]
    expected = logsumexp(log_expit(top), axis=1) - logsumexp(log_expit(-top), axis=1)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.asarray(found)[:, 0], expected, rtol=1e-5, atol=1e-5)
