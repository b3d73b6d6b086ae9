"""JPEG Lossless and 12-bit JPEG for pydicom, which brings no decoder of its own for them.

libjpeg-turbo 3 (in imagecodecs) decodes both. GDCM decodes them too, slower, but ends the whole process on about one
damaged frame in thirty, which an upload must not do; the third, pylibjpeg-libjpeg, is under the GPL.
"""

from __future__ import annotations

import numpy as np
from imagecodecs import jpeg8_decode
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1

from core.imaging.dicom.jpeg_frames import coded_size

_SYNTAXES = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1)
# pydicom asks a plug-in for these names
DECODER_DEPENDENCIES = dict.fromkeys(_SYNTAXES, ("imagecodecs",))
_END = b"\xff\xd9"
_LABEL = "libjpeg-turbo"


def is_available(uid: str) -> bool:
    """Whether a transfer syntax can be decoded."""
    return uid in DECODER_DEPENDENCIES


def decode_frame(src: bytes, runner: DecodeRunner) -> bytearray:
    """Samples of one frame, colour as stored, in words of Bits Allocated.

    Raises:
        ValueError: the frame holds something else than the header says.
    """
    rows, columns, samples = runner.rows, runner.columns, runner.samples_per_pixel
    if coded_size(src) != (columns, rows):
        raise ValueError("the frame has another size than the header")
    if _END not in src[-64:]:  # the library fills up what is missing, and says nothing
        raise ValueError("the frame ends early")
    space = "GRAYSCALE" if samples == 1 else "RGB"  # no conversion: pydicom knows what the components mean
    values = np.asarray(jpeg8_decode(src, colorspace=space, outcolorspace=space))
    width = runner.bits_allocated
    if values.size != rows * columns * samples or 8 * values.dtype.itemsize > width:
        raise ValueError("the frame has other samples than the header says")
    if samples > 1:
        runner.set_option("planar_configuration", 0)
    return bytearray(values.astype(f"<u{width // 8}", copy=False).tobytes())


def register() -> None:
    """Make the decoder known to pydicom, once a process."""
    for uid in DECODER_DEPENDENCIES:
        decoder = get_decoder(uid)
        if _LABEL not in decoder.available_plugins:
            decoder.add_plugin(_LABEL, (__name__, decode_frame.__name__))
