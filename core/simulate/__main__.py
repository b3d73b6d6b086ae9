"""``python -m core.simulate [FOLDER]``: draw the built-in samples again, byte for byte."""

from __future__ import annotations

import argparse
from pathlib import Path

import core.systems  # noqa: F401  tells this room what there is to draw
from core.simulate.catalogue import write_samples
from core.simulate.samples import FOLDER


def main() -> None:
    """Write the samples and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m core.simulate", description="Draw the built-in samples.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="where to write (default: data/samples)")
    written = write_samples(parser.parse_args().folder)
    size = sum(path.stat().st_size for path in written) / 1e6
    print(f"{len(written)} files, {size:.1f} MB")


if __name__ == "__main__":
    main()
