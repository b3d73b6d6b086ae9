#!/usr/bin/env bash
# pydicom 3.0.2, pydicom.pixels.apply_voi (and so apply_voi_lut): a VOI LUT whose entries have 8 bits is read with an
# index of 8 bits, so that a table of more than 256 entries repeats its first 256.
#
# PS3.3 C.11.2.1.1: the number of entries (first value of LUT Descriptor) and the bits of an entry (third value) are
# independent; 4096 entries of 8 bits are the usual table of a 12-bit image on an 8-bit display.
#
# Observed with pydicom 3.0.2 and numpy 2.4.6, a table of 1024 entries that rises by one every four values:
#   value 100: entry 100 holds 25, apply_voi gives 25
#   value 300: entry 300 holds 75, apply_voi gives 11   (entry 300 % 256 = 44)
#   value 1000: entry 1000 holds 250, apply_voi gives 58
# The same table with 16-bit entries is read rightly.
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pydicom==3.0.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi

print("pydicom", pydicom.__version__)


def read(bits: int) -> np.ndarray:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [1024, 0, bits])
    item.add_new("LUTData", "US", [number // 4 for number in range(1024)])
    header = Dataset()
    header.VOILUTSequence = [item]
    return apply_voi(np.array([100, 300, 1000], np.uint16), header)


eight, sixteen = read(8).tolist(), read(16).tolist()
for value, got in zip((100, 300, 1000), eight):
    print(f"value {value}: entry {value} holds {value // 4}, apply_voi gives {got}")
print("with 16-bit entries:", sixteen)
sys.exit(0 if eight == [25, 11, 58] and sixteen == [25, 75, 250] else 1)
PY
