"""The benchmark measures like with like: the same answers and maps by both ways, operations counted as by hand."""

from __future__ import annotations

import itertools
import time

import pytest
from torch import nn

from core.engine.engine import Engine
from core.imaging.study import Series
from core.simulate import samples
from core.systems import adapt, system
from tests.engine.installed import install
from trainers.commands.speed import page
from trainers.measuring.side_by_side import section
from trainers.measuring.speed import measured, medians, plain_stack


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("weights")
    install(folder, "brain-mr", "unet", "resunet", role="segmenter", test_time_flips=("horizontal",))
    install(folder, "brain-mr", "resnet50", "resnet18")
    return Engine(folder, programs=tmp_path_factory.mktemp("programs"))


@pytest.fixture
def series() -> Series:
    return adapt(samples.load_sample("brain-mr-03").series[0], system("brain-mr"))


def test_medians_of_ways_in_turns() -> None:
    ticks = itertools.accumulate(itertools.cycle([1.0, 5.0, 1.0, 2.0]))  # seconds between looks at the clock
    order: list[str] = []
    found = medians({"one": lambda: order.append("one"), "two": lambda: order.append("two")}, 3, lambda: next(ticks))
    assert order == ["one", "two"] * 4
    assert found == {"one": 5000.0, "two": 2000.0}


def test_operations_are_those_of_the_convolutions(engine: Engine, series: Series) -> None:
    one = plain_stack(engine, "brain-mr", series)["unet"]
    counted = 0

    def count(module: nn.Module, given: object, made: object) -> None:
        nonlocal counted
        assert isinstance(module, nn.Conv2d)
        kernel = module.kernel_size[0] * module.kernel_size[1]
        counted += 2 * kernel * module.in_channels * made.numel()  # type: ignore[attr-defined]

    hooks = [m.register_forward_hook(count) for m in one.net.modules() if isinstance(m, nn.Conv2d)]
    one.forward()
    for hook in hooks:
        hook.remove()
    assert one.operations == 2 * counted  # it is asked mirrored too


def test_both_ways_give_the_same_and_the_page_says_so(engine: Engine) -> None:
    found = measured(engine, "brain-mr", "brain-mr-03", repeats=1, clock=time.perf_counter, rate=1e10)
    assert set(found["models"]) == {"unet", "resnet50"}
    assert found["decisions_equal"]
    for model in found["models"].values():
        assert model["map_apart"] < 1e-3
        assert model["logit_apart"] < 1e-4
    assert found["times"] == pytest.approx(found["plain_ms"] / found["ours_ms"])
    told = page(
        {
            "machine": "a machine", "processors": 2, "threads": 2, "clock": "time", "load": 0.5, "when": "2026-01-01",
            "torch": "2", "openvino": "3", "matrix_product_gflops": 10.0, "repeats": 1,
            "one_slice": {"brain-mr": found}, "series_seconds": {},
        }
    )  # fmt: skip
    assert f"| brain-mr | {found['plain_ms']:.0f} | {found['ours_ms']:.0f} |" in told
    assert "brain-mr/unet" in told


def test_two_builds_are_told_with_what_was_asked() -> None:
    found = {
        "old": "1" * 40, "new": "2" * 40, "models": ["a/b", "a/c"], "machine": "a machine", "processors": 2,
        "load": 0.5, "when": "2026-01-01", "rounds": 5, "archive_images": 200, "evaluated_slices": 100,
        "evaluated_rounds": 2,
        "medians": {
            "brain-mr: 24 slices, the slice in view, s": {"old": 30.0, "new": 2.0},
            "archive: images a second": {"old": 2.0, "new": 11.0},
            "start to first page, s": {"old": 8.0, "new": 3.2},
        },
        "memory": {"images": [200, 2000], "peak_mib": [900, 903], "mib_a_thousand": 1.67, "images_a_second": 12.5},
        "least": {
            "matrix_product_gflops": 200.0,
            **{name: {"gflop_an_image": 20.0, "series_s": 2.4, "images_a_second": 10.0}
               for name in ("brain-mr", "chest-ct", "breast-mri")},
        },
    }  # fmt: skip
    told = "\n".join(section(found))
    assert "rate (200.0 GFLOP/s" in told
    assert "of brain-mr 2.4 s (20.0 GFLOP" in told
    assert "10.0 images a second" in told
    assert "Builds 1111111 and 2222222" in told
    assert "the slice in view, s | 30 | 2 | **15.00** | 10 times faster |" in told
    assert "images a second | 2 | 11 | **5.50** | 5 times faster |" in told
    assert "first page, s | 8 | 3.2 | **2.50** | 3 s |" in told
    assert "1.67 MiB a thousand images" in told
