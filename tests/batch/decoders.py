"""What decoding processes of the tests do, without the models' libraries."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from core.errors import OverreadError
from core.imaging import Study
from core.imaging.folder import decoded


def ends_on(root: Path, names: Sequence[str]) -> Study | OverreadError:
    """Decodes; ends the process on one image, as a decoder that is killed for its memory does."""
    if list(names) == ["copy-2.png"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return decoded(root, names)
