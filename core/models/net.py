"""The network base class: one forward pass, its tap, freezing, and the way from tap to answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Self, cast

import torch
from torch import nn

from core.errors import ContractError
from core.models.foreseen import Foreseen
from core.models.heads import gradient, mask_score, weighted
from core.models.output import Output, Trace
from core.models.program import Program
from core.models.way_back import Decoder, Gates, outline_gradient, outline_map


class Trunk(nn.Module):
    """A backbone cut into consecutive stages; the last stage's output is the tap.

    Args:
        stages: modules in forward order; stage 0 is the stem, the later ones end at ever coarser resolutions. A stage
            must never change its input in place, or the maps collected here would be overwritten.
        channels: channels of the maps that :meth:`forward` returns.
        keep: indices of the stages whose output :meth:`forward` returns; the last stage must be among them.
    """

    def __init__(self, stages: Sequence[nn.Module], channels: Sequence[int], keep: Sequence[int]) -> None:
        super().__init__()
        if len(channels) != len(keep) or keep[-1] != len(stages) - 1:
            raise ValueError("one channel count per kept stage, the last stage among them")
        self.stages = nn.ModuleList(stages)
        self.channels = tuple(channels)
        self.keep = frozenset(keep)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Maps of the kept stages, finest first, for ``x`` of shape ``(B, C, H, W)``."""
        kept = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in self.keep:
                kept.append(x)
        return kept


class OverreadNet(nn.Module, ABC):
    """Base of every network here.

    A network is a ``backbone`` giving feature maps and a rest that turns them into an :class:`Output`. The cut lies at
    the *tap*, the last feature map, so that a heat map needs gradients from the logit to the tap only.

    Args:
        architecture: registry name.
        classes: number of classes; two classes give one logit.
        channels: input channels.
        size: ``(height, width)`` the network is made for, in pixels.
        divisor: height and width of an input must be multiples of this.

    Attributes:
        draws_masks: whether its output has mask logits.
        walks_back: whether it tells its decoder for the heat map of its outline (:meth:`decoder_back`).
        differentiable: whether its answer can be followed back with gradients.
        program: computes the same for this processor, where one was compiled; it serves whoever asks without gradients.
        foreseen: passes made beforehand; they serve whoever asks without gradients.
    """

    backbone: nn.Module
    draws_masks: bool = False
    walks_back: bool = False
    differentiable: bool = True
    program: Program | None = None
    foreseen: Foreseen | None = None

    def __init__(
        self, architecture: str, *, classes: int, channels: int, size: tuple[int, int], divisor: int = 1
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.classes = classes
        self.channels = channels
        self.size = size
        self.divisor = divisor
        self._frozen_stages = 0
        self._check_size(*size)

    @property
    def outputs(self) -> int:
        """Number of logits: one for two classes, else one per class."""
        return 1 if self.classes == 2 else self.classes

    @property
    @abstractmethod
    def stage_channels(self) -> tuple[int, ...]:
        """Channels of the maps that :meth:`feature_stages` returns."""

    @property
    @abstractmethod
    def tap_module(self) -> nn.Module:
        """The module whose output is the tap; for libraries that hook a layer."""

    @abstractmethod
    def feature_stages(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of the backbone, finest first; the last one is the tap."""

    @abstractmethod
    def output_from_stages(self, stages: Sequence[torch.Tensor]) -> Output:
        """The answer from the backbone's maps."""

    @abstractmethod
    def stages(self) -> tuple[tuple[nn.Module, ...], ...]:
        """The backbone's modules from input to tap, grouped for gradual unfreezing (from the last one back)."""

    @property
    def linear_weight(self) -> torch.Tensor | None:
        """Weight ``(K, C)`` when the logits are ``mean(tap) @ weight.T + bias`` exactly; ``None`` otherwise."""
        return None

    def run(self, x: torch.Tensor) -> Output:
        """One forward pass over ``x`` of shape ``(B, channels, H, W)``.

        Raises:
            ContractError: the tensor's shape does not fit this network.
        """
        return self.run_with_stages(x)[0]

    def run_with_stages(self, x: torch.Tensor) -> tuple[Output, list[torch.Tensor]]:
        """As :meth:`run`, and the backbone's maps too (for an auxiliary decoder), the backbone running once."""
        self.check_input(x)
        if self.foreseen is not None and not torch.is_grad_enabled() and not self.training:
            made = self.foreseen.take(x)
            if made is not None:
                return made
        if self.program is not None and self._compiled_serves(x):
            return self.program(x)
        stages = self.feature_stages(x)
        if not self.walks_back or torch.is_grad_enabled() or _written_down():
            return self.output_from_stages(stages), stages
        with Gates() as relus:
            out = self.output_from_stages(stages)
        return replace(out, gates=relus.open), stages

    def trace(self, x: torch.Tensor) -> Trace:
        """What heat maps of these images begin from, without gradients."""
        with torch.no_grad():
            out, stages = self.run_with_stages(x)
        return Trace(stages, out.mask_logits, out.gates)

    def maps(self, x: torch.Tensor) -> list[torch.Tensor]:
        """What :meth:`output_from_stages` needs, the tap last, without gradients; for heat maps, which begin there."""
        self.check_input(x)
        with torch.no_grad():
            return (
                self.program(x)[1] if self.program is not None and self._compiled_serves(x) else self.feature_stages(x)
            )

    def decoder_back(self) -> Decoder:
        """The decoder as the heat map of an outline walks it back.

        Raises:
            ValueError: this network does not tell it (:attr:`walks_back`).
        """
        raise ValueError(f"{self.architecture} does not tell how its mask is drawn")

    def outline_map(self, trace: Trace) -> torch.Tensor:
        """Raw Grad-CAM ``(B, h, w)`` of a segmenter's mask (:func:`core.models.heads.mask_score`), at the tap's size.

        Args:
            trace: of an answer; where it is one image's and holds its gates, only the way back is computed.

        Returns:
            Values not below 0, not scaled.

        Raises:
            ValueError: this network draws no mask.
        """
        if self._walks(trace):
            return outline_map(self.decoder_back(), trace)
        return weighted(self.outline_gradient(trace).mean((2, 3)), trace.stages[-1])

    def outline_gradient(self, trace: Trace) -> torch.Tensor:
        """Gradient of the same score at every position of the tap, float32 ``(B, C, h, w)``; see :meth:`outline_map`.

        Raises:
            ValueError: this network draws no mask.
        """
        if not self.draws_masks:
            raise ValueError(f"{self.architecture} draws no mask to explain")
        if self._walks(trace):
            return outline_gradient(self.decoder_back(), trace)
        stages = trace.stages
        with torch.inference_mode(False), torch.enable_grad():
            tap = stages[-1].detach().requires_grad_()
            mask = self.output_from_stages([*stages[:-1], tap]).mask_logits
            assert mask is not None
            return gradient(mask_score(mask), tap)

    def _walks(self, trace: Trace) -> bool:
        """Whether the way back alone gives the gradient of the mask: only one image's gates are noted."""
        return bool(trace.gates) and len(trace.stages[-1]) == 1 and not self.training

    def _compiled_serves(self, x: torch.Tensor) -> bool:
        """Whether a compiled program computes what this network would: its size, no gradients, nothing in training."""
        plain = not torch.is_grad_enabled() and not self.training and not torch.is_autocast_enabled(x.device.type)
        return plain and x.device.type == "cpu" and x.dtype == torch.float32 and tuple(x.shape[2:]) == self.size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits ``(B, K)`` only; for libraries and exporters that want a plain function."""
        return self.run(x).logits

    def head_from_tap(self, tap: torch.Tensor) -> Output:
        """Features and logits from the tap alone, where the head needs nothing else.

        Raises:
            TypeError: the head needs finer maps too (segmenters).
        """
        raise TypeError(f"{self.architecture} needs the finer maps too: use output_from_stages")

    def check_input(self, x: torch.Tensor) -> None:
        """Refuse a tensor of another rank, channel count or an unfitting size."""
        if x.dim() != 4 or x.shape[1] != self.channels:
            raise ContractError(
                f"{self.architecture} expects (batch, {self.channels}, height, width), got {tuple(x.shape)}.",
                "Prepare the image through this model's input contract.",
            )
        self._check_size(int(x.shape[2]), int(x.shape[3]))

    def _check_size(self, height: int, width: int) -> None:
        if height % self.divisor or width % self.divisor:
            up = [-(-side // self.divisor) * self.divisor for side in (height, width)]
            raise ContractError(
                f"{self.architecture} expects height and width in multiples of {self.divisor}, got {height}x{width}.",
                f"Resize or pad to {up[0]}x{up[1]}.",
            )

    def backbone_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters up to the tap."""
        return self.backbone.parameters()

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """All other parameters."""
        return (p for name, p in self.named_parameters() if not name.startswith("backbone."))

    def freeze_backbone(self, on: bool) -> None:
        """Freeze or free the whole backbone; see :meth:`freeze_stages`."""
        self.freeze_stages(len(self.stages()) if on else 0)

    def freeze_stages(self, count: int) -> None:
        """Freeze the first ``count`` stages and free the rest.

        Frozen stages get no gradients and stay in evaluation mode when :meth:`train` is called, so that the running
        statistics of their batch norms do not drift away from the weights they belong to.
        """
        groups = self.stages()
        if not 0 <= count <= len(groups):
            raise ValueError(f"{self.architecture} has {len(groups)} stages, cannot freeze {count}")
        self._frozen_stages = count
        for index, group in enumerate(groups):
            for module in group:
                module.requires_grad_(index >= count)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set the training mode of everything that is not frozen."""
        super().train(mode)
        for group in self.stages()[: self._frozen_stages]:
            for module in group:
                module.eval()
        return self


def _written_down() -> bool:
    """Whether the pass is being traced or exported: then nothing beside the answer is computed."""
    return torch.jit.is_tracing() or torch.compiler.is_compiling()


class TrunkNet(OverreadNet):
    """A network whose backbone is a :class:`Trunk`."""

    backbone: Trunk

    def __init__(self, architecture: str, trunk: Trunk, **kwargs: Any) -> None:
        super().__init__(architecture, **kwargs)
        self.backbone = trunk

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """See :class:`OverreadNet`."""
        return self.backbone.channels

    @property
    def tap_module(self) -> nn.Module:
        """See :class:`OverreadNet`."""
        return self.backbone.stages[-1]

    def feature_stages(self, x: torch.Tensor) -> list[torch.Tensor]:
        """See :class:`OverreadNet`."""
        return cast("list[torch.Tensor]", self.backbone(x))

    def stages(self) -> tuple[tuple[nn.Module, ...], ...]:
        """See :class:`OverreadNet`."""
        return tuple((stage,) for stage in self.backbone.stages)
