"""How fast an answer with its heat maps is, against the plain stack: the same networks as one would ask them by hand.

The plain stack is eager float32: a forward pass, a mirrored one where the model is asked mirrored too, and
pytorch-grad-cam on the same layer and target. Ours is what the pages do: rules, gate, every model, every heat map. Both
run in one process, in turns, so that other work on the machine slows both; medians are told.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from core.engine.engine import Engine, map_of, target_of
from core.engine.results import ModelStatus
from core.engine.shelf import Loaded
from core.errors import ContractError
from core.explain.gradcam import Target, class_score
from core.imaging.study import Series
from core.models.heads import mask_score
from core.models.net import OverreadNet
from core.models.output import Output
from core.preprocessing.prepare import prepare
from core.simulate import samples
from core.systems import adapt, system
from core.weights.card import ModelCard
from core.weights.store import load_model

Clock = Callable[[], float]


@dataclass(frozen=True, eq=False)
class Plain:
    """A model as one would ask it by hand, with its prepared slice ``(1, C, H, W)``."""

    loaded: Loaded
    net: OverreadNet
    x: torch.Tensor

    @cached_property
    def target(self) -> Target:
        """What its heat map explains."""
        return target_of(self.loaded, self.loaded.card.positive[0])

    def ask(self) -> tuple[float, np.ndarray]:
        """The logit that decides, and the heat map at input size."""
        mirrored = bool(self.loaded.card.test_time_flips)
        with torch.no_grad():
            logits = self._passed(self.x).logits
            if mirrored:
                logits = (logits + self._passed(self.x.flip(-1)).logits) / 2
        with GradCAM(_Explained(self.net, self.target), [self.net.tap_module]) as cam:
            return float(logits.flatten()[0]), cam(self.x, [_Score(self.target)])[0]

    def forward(self) -> None:
        """One eager pass."""
        with torch.inference_mode():
            self._passed(self.x)

    def _passed(self, x: torch.Tensor) -> Output:
        """The network and nothing else: :meth:`OverreadNet.run` also notes what heat maps need."""
        return self.net.output_from_stages(self.net.feature_stages(x))

    @property
    def operations(self) -> float:
        """Floating-point operations of an answer, multiplication and addition counted apart."""
        return operations(self.net, self.loaded.card)


class _Explained(nn.Module):
    def __init__(self, net: OverreadNet, target: Target) -> None:
        super().__init__()
        self.net, self.target = net, target

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.net.run(x)
        if self.target != "mask":
            return out.logits
        assert out.mask_logits is not None
        return out.mask_logits


class _Score:
    def __init__(self, target: Target) -> None:
        self._target = target

    def __call__(self, output: torch.Tensor) -> torch.Tensor:
        if self._target == "mask":
            return mask_score(output[None]).sum()
        return class_score(output[None], self._target).sum()


def plain_stack(engine: Engine, name: str, series: Series) -> dict[str, Plain]:
    """The plain networks of a system that can read a series, by model, with its first slice prepared for each."""
    found = {}
    for state in engine.states(name):
        if state.status is not ModelStatus.READY:
            continue
        loaded = engine.loaded(name, state.name)
        try:
            x = prepare(series, loaded.card.contract, [0])
        except ContractError:
            continue  # it reads another modality
        net, _ = load_model(engine.weights / name / state.name)
        found[state.name] = Plain(loaded, net.eval().requires_grad_(True), x)
    return found


def medians(ways: Mapping[str, Callable[[], object]], repeats: int, clock: Clock) -> dict[str, float]:
    """Median milliseconds of each way, asked in turns; the first round does not count."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats + 1):
        for name, way in ways.items():
            started = clock()
            way()
            taken[name].append(1000 * (clock() - started))
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def operations(net: OverreadNet, card: ModelCard) -> float:
    """Floating-point operations of an answer to one image, its mirrored one included.

    Multiplication and addition are counted apart, and so is what is multiplied with the zeros around a map.
    """
    x = torch.zeros(1, net.channels, *net.size)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net.output_from_stages(net.feature_stages(x))
    return float(counter.get_total_flops()) * (2 if card.test_time_flips else 1)


def matrix_rate(clock: Clock, side: int = 1024) -> float:
    """Floating-point operations a second of this machine on a float32 matrix product."""
    one = torch.rand(side, side)
    taken = medians({"product": lambda: one @ one}, 10, clock)["product"]
    return 2 * side**3 / (taken / 1000)


def measured(engine: Engine, name: str, sample: str, *, repeats: int, clock: Clock, rate: float) -> dict[str, Any]:
    """Figures of one system on a simulated sample of one slice.

    Returns:
        ``ours_ms``, ``plain_ms`` and ``times`` faster; ``models``: by model milliseconds of an eager pass, of the
        answer and of its heat map, that map in ``forwards`` (eager passes), and its largest distance from the
        library's; ``decisions_equal``; ``distance``: time of the answers over the time that their operations take at
        the machine's ``rate``.
    """
    study = samples.load_sample(sample)
    series = adapt(study.series[0], system(name))
    plain = plain_stack(engine, name, series)

    def ours() -> None:
        engine.review(study, name)
        for model in plain:
            engine.heat_map(study, name, 0, model, 0)

    def by_hand() -> None:
        for one in plain.values():
            one.ask()

    took = medians({"ours": ours, "plain": by_hand}, repeats, clock)
    models, equal, operations, answers = {}, True, 0.0, 0.0
    for model, one in plain.items():
        card, net, x = one.loaded.card, one.loaded.net, one.x
        both = torch.cat([x, x.flip(-1)]) if card.test_time_flips else x

        def answer(net: OverreadNet = net, both: torch.Tensor = both) -> None:
            with torch.inference_mode():
                net.run(both)

        ways: dict[str, Callable[[], object]] = {
            "forward_ms": one.forward,
            "answer_ms": answer,
            "heat_map_ms": partial(engine.heat_map, study, name, 0, model, 0),
        }
        figures = medians(ways, repeats, clock)
        logit, wanted = one.ask()
        with torch.inference_mode():
            said = net.run(both).logits.mean(0)
        equal &= bool((float(said[0]) > 0) == (logit > 0))
        figures |= {
            "logit_apart": abs(float(said[0]) - logit),
            "heat_map_forwards": figures["heat_map_ms"] / figures["forward_ms"],
            "map_apart": _map_apart(engine, one, wanted),
        }
        models[model] = figures
        operations += one.operations
        answers += figures["answer_ms"] / 1000
    return {
        "sample": sample,
        "ours_ms": took["ours"],
        "plain_ms": took["plain"],
        "times": took["plain"] / took["ours"],
        "decisions_equal": equal,
        "distance": answers / (operations / rate),
        "models": models,
    }


def _map_apart(engine: Engine, one: Plain, wanted: np.ndarray) -> float:
    held = one.loaded.kept.of(one.x)
    drawn, _ = map_of(one.loaded.net, one.x, one.target, "grad-cam", held)
    return float(np.abs(drawn - wanted).max())


def series_seconds(engines: Mapping[str, Engine], name: str, sample: str, repeats: int) -> dict[str, float]:
    """Median seconds until every slice of a sample's first series is answered by every model, engines in turns."""
    study = samples.load_sample(sample)
    ways = {title: (lambda engine=engine: engine.review(study, name)) for title, engine in engines.items()}
    return {title: took / 1000 for title, took in medians(ways, repeats, time.perf_counter).items()}
