"""Every shipped model as TorchScript: the file answers as the network does, one image at a time and several at once."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from core.weights.folder import WEIGHTS
from core.weights.store import load_model
from trainers.exporting.torchscript import export_torchscript

SHIPPED = Path(__file__).resolve().parents[2] / "weights"
NAMES = sorted(f"{path.parents[1].name}/{path.parent.name}" for path in SHIPPED.glob(f"*/*/{WEIGHTS}"))


@pytest.mark.parametrize("name", NAMES)
def test_the_exported_file_answers_as_the_network(name: str, tmp_path: Path) -> None:
    path = export_torchscript(name, SHIPPED, tmp_path / "net.torchscript")
    net, card = load_model(SHIPPED / name)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore", FutureWarning)
        exported = torch.jit.load(str(path))
        for batch in (1, 3):
            rng = torch.Generator().manual_seed(batch)
            x = torch.randn(batch, card.contract.channels, card.contract.height, card.contract.width, generator=rng)
            wanted, got = net.run(x), exported(x)
            logits, mask = got if net.draws_masks else (got, None)
            torch.testing.assert_close(logits, wanted.logits, atol=1e-4, rtol=1e-4)
            assert logits.shape[0] == batch
            if net.draws_masks:
                torch.testing.assert_close(mask, wanted.mask_logits, atol=1e-3, rtol=1e-3)
