"""What a model expects as input. The contract travels in the model card, so it cannot be forgotten."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.imaging.study import Modality, Unit


class Scaling(StrEnum):
    """How pixel values become network input."""

    ZSCORE = "z-score"  # (x - mean) / (std + eps) over the whole image
    RANGE = "range"  # stored value range to [0, 1]; 8-bit pictures: x / 255
    PERCENTILE = "percentile"  # between two percentiles of the image to [0, 1], clipped
    WINDOW = "window"  # HU: centre/width to [0, 1], clipped; pictures (windowed when exported): as RANGE
    SUV = "suv"  # SUV / divisor, clipped to [0, 1]; pictures: as RANGE; other units (MR): as PERCENTILE


class Context(StrEnum):
    """What the input channels hold."""

    REPEAT = "repeat"  # the slice itself in every channel
    NEIGHBOURS = "neighbours"  # a slab: the slices around this one, in order, this one in the middle


SLABS = (3, 5, 7, 9)  # slices that a network may see at once
MOST_COPIES = 3  # channels of one slice: networks made for colour pictures have as many


class InputContract(BaseModel):
    """The way from a series to a model's tensor.

    Attributes:
        channels: channels of the tensor; with ``NEIGHBOURS`` the slices of the slab: 3, 5, 7 or 9.
        context: what the channels hold.
        height, width: tensor size in pixels.
        resize: ``letterbox`` keeps the aspect and pads with the value of an empty pixel; ``stretch`` does not keep it;
            ``actual`` enlarges nothing: the image keeps its own pixels (its size tells) and only shrinks to fit.
        crop: ``body`` cuts the air around the body off before anything is standardised or resized, see
            :func:`core.preprocessing.body.body_box`; ``none`` takes the whole image.
        scaling: value scaling, see :class:`Scaling`.
        percentiles: lower and upper percentile for ``PERCENTILE``; for ``ZSCORE`` values are clipped there first.
        window: centre and width for ``WINDOW``, in ``unit``.
        suv_divisor: divisor for ``SUV``.
        standardise: after scaling, subtract the image's own mean and divide by its standard deviation.
        mean, std: statistics subtracted and divided after scaling (ImageNet's for transfer learning), per channel.
        unit: unit the pixels must have; ``None`` takes any. Pictures (grey levels) pass.
        modality: DICOM modality the series must have, where it is known; ``None`` takes any.
        projection: ``slice`` or ``mip-coronal``.
        enhance: greyscale enhancements before resizing, by name (``clahe``).
        invert_low_is_bright: turn pictures that show high uptake dark so that uptake is always high.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    channels: int = Field(default=1, ge=1, le=9)
    context: Context = Context.REPEAT
    height: int = Field(ge=16, le=1024)
    width: int = Field(ge=16, le=1024)
    resize: Literal["letterbox", "stretch", "actual"] = "letterbox"
    crop: Literal["none", "body"] = "none"
    scaling: Scaling = Scaling.ZSCORE
    percentiles: tuple[float, float] = (0.0, 100.0)
    window: tuple[float, float] | None = None
    suv_divisor: float = Field(default=10.0, ge=0.01)
    standardise: bool = False
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    unit: Unit | None = None
    modality: Modality | None = None
    projection: Literal["slice", "mip-coronal"] = "slice"
    enhance: tuple[Literal["clahe"], ...] = ()
    invert_low_is_bright: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> InputContract:
        if self.context is Context.NEIGHBOURS and self.channels not in SLABS:
            raise ValueError("neighbouring slices need 3 channels (previous, this, next), or 5, 7 or 9")
        if self.context is Context.REPEAT and self.channels > MOST_COPIES:
            raise ValueError(f"a slice is repeated in at most {MOST_COPIES} channels, got {self.channels}")
        if self.context is Context.NEIGHBOURS and self.crop != "none":
            raise ValueError("neighbouring slices would be cut differently: crop needs context repeat")
        if self.scaling is Scaling.WINDOW and self.window is None:
            raise ValueError("window scaling needs a window (centre, width)")
        if self.window is not None and not self.window[1] > 0:
            raise ValueError(f"the window's width must be above 0, got {self.window[1]}")
        if not all(each > 0 for each in self.std):
            raise ValueError(f"std must be above 0, got {self.std}")
        if len(self.mean) != len(self.std) or len(self.mean) not in (0, self.channels):
            raise ValueError("mean and std need one value per channel, or none at all")
        lower, upper = self.percentiles
        if not 0 <= lower < upper <= 100:
            raise ValueError(f"percentiles must rise within [0, 100], got {self.percentiles}")
        return self


IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
