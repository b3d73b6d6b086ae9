"""Several networks of one recipe as one: their answers, masks and features side by side, averaged.

The tap is the members' taps side by side, so that the gradient of the averaged logit with respect to it, and with it a
heat map, is the average over the members. Members that share their backbone (heads fitted to one frozen network) run
it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from core.models.net import OverreadNet
from core.models.output import Output


class Members(OverreadNet):
    """See the module docstring; made by :func:`core.weights.store.load_model` for a card with ``members``, not trained.

    Args:
        nets: at least two networks of one architecture, alike in classes, channels and size.

    Attributes:
        shared: whether all members have one backbone.

    Raises:
        ValueError: fewer, or unlike ones.
    """

    def __init__(self, nets: Sequence[OverreadNet]) -> None:
        first = nets[0]
        kinds = {(n.architecture, n.classes, n.channels, n.size) for n in nets}
        if len(nets) < 2 or len(kinds) > 1:
            raise ValueError(f"members must be two or more networks of one kind, got {len(nets)} of {len(kinds)} kinds")
        super().__init__(
            first.architecture,
            classes=first.classes,
            channels=first.channels,
            size=first.size,
            divisor=first.divisor,
        )
        self.nets = nn.ModuleList(nets)
        # Decided here and kept: torch.export gives a module another identity at every access.
        self.shared = all(net.backbone is first.backbone for net in nets)
        self.draws_masks = first.draws_masks
        self.join = nn.Identity()  # the joined tap passes through it, for libraries that hook a layer

    def __iter__(self) -> Iterator[OverreadNet]:
        """The members."""
        return iter(self.nets)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.nets)

    @property
    def _first(self) -> OverreadNet:
        return next(iter(self))

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """See :class:`OverreadNet`."""
        times = 1 if self.shared else len(self)
        return tuple(times * channels for channels in self._first.stage_channels)

    @property
    def tap_module(self) -> nn.Module:
        """See :class:`OverreadNet`."""
        return self.join

    def feature_stages(self, x: torch.Tensor) -> list[torch.Tensor]:
        """See :class:`OverreadNet`; the members' maps side by side."""
        if self.shared:
            stages = self._first.feature_stages(x)
        else:
            stages = [torch.cat(level, 1) for level in zip(*(net.feature_stages(x) for net in self), strict=True)]
        return [*stages[:-1], self.join(stages[-1])]

    def each(self, stages: Sequence[torch.Tensor]) -> tuple[Output, ...]:
        """The answer of every member from the maps of :meth:`feature_stages`."""
        if self.shared:
            return tuple(net.output_from_stages(stages) for net in self)
        own = zip(*(stage.chunk(len(self), 1) for stage in stages), strict=True)
        return tuple(net.output_from_stages(maps) for net, maps in zip(self, own, strict=True))

    def output_from_stages(self, stages: Sequence[torch.Tensor]) -> Output:
        """See :class:`OverreadNet`."""
        return self._joined(self.each(stages), stages[-1])

    def head_from_tap(self, tap: torch.Tensor) -> Output:
        """See :class:`OverreadNet`."""
        taps = [tap] * len(self) if self.shared else tap.chunk(len(self), 1)
        return self._joined(tuple(net.head_from_tap(own) for net, own in zip(self, taps, strict=True)), tap)

    def _joined(self, outputs: Sequence[Output], tap: torch.Tensor) -> Output:
        masks = [out.mask_logits for out in outputs if out.mask_logits is not None]
        features = [out.features for out in outputs]
        return Output(
            logits=torch.stack([out.logits for out in outputs]).mean(0),
            tap=tap,
            features=torch.stack(features).mean(0) if self.shared else torch.cat(features, 1),
            mask_logits=torch.stack(masks).mean(0) if masks else None,
        )

    @property
    def linear_weight(self) -> torch.Tensor | None:
        """See :class:`OverreadNet`."""
        weights = [net.linear_weight for net in self]
        known = [weight for weight in weights if weight is not None]
        if len(known) < len(weights):
            return None
        return torch.stack(known).mean(0) if self.shared else torch.cat(known, 1) / len(known)

    def backbone_parameters(self) -> Iterator[nn.Parameter]:
        """See :class:`OverreadNet`."""
        seen: dict[int, nn.Parameter] = {id(p): p for net in self for p in net.backbone_parameters()}
        return iter(seen.values())

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """See :class:`OverreadNet`."""
        return (p for net in self for p in net.head_parameters())

    def stages(self) -> tuple[tuple[nn.Module, ...], ...]:
        """See :class:`OverreadNet`; the members' stages together."""
        if self.shared:
            return self._first.stages()
        every = zip(*(net.stages() for net in self), strict=True)
        return tuple(tuple(module for group in groups for module in group) for groups in every)
