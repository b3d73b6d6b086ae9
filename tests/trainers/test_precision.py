"""Which precision a device trains in: what torch itself says of this processor and of a pretended GPU."""

from __future__ import annotations

import pytest
import torch

from trainers.fitting.precision import autocast, best_precision, launched, make_fabric


def test_this_processor_computes_in_bfloat16_only_with_avx_512() -> None:
    """By torch's reading of the processor's flags, not by the library that multiplies."""
    able = torch.cpu._is_avx512_supported()
    assert best_precision("cpu") == ("bf16-mixed" if able else "32-true")
    assert autocast(torch.device("cpu")).fast_dtype == torch.bfloat16
    net = torch.nn.Linear(3, 2)
    with autocast(torch.device("cpu")):
        assert net(torch.ones(1, 3)).dtype == (torch.bfloat16 if able else torch.float32)


@pytest.mark.parametrize(("native", "precision"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_gpu_trains_in_bfloat16_where_it_need_not_emulate_it(
    native: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: native or including_emulation)
    assert [best_precision(name) for name in ("auto", "gpu", "cuda")] == [precision] * 3
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert best_precision("cpu") == "32-true"  # whatever the GPU can do


def test_a_fabric_computes_in_that_precision() -> None:
    assert make_fabric()._precision.precision == best_precision("cpu")
    before = torch.get_num_threads()
    try:
        fabric = launched("cpu", threads=1)
        assert torch.get_num_threads() == 1
        assert (fabric.device.type, fabric.world_size) == ("cpu", 1)
    finally:
        torch.set_num_threads(before)
