// Where the body lies: core/preprocessing/body.py (the part that is read) and core/explain/faithfulness.py (what a heat
// map may colour).

import { border, median, percentiles, round } from "./numbers.js";

const PROJECTION_LEVEL = 0.04, SLICE_LEVEL = 0.15, TABLE = 0.02, SMALLEST_SIDE = 0.25, MARGIN = 0.02;

/** Box [top, left, bottom, right] around the largest bright region, with a margin. */
export function bodyBox(plane, projection) {
  const { width, height } = plane, whole = [0, 0, height, width];
  const [low, high] = percentiles(plane.data, [1, 99.5]);
  if (!(high > low)) return whole;
  const smooth = blurred(plane), level = low + (projection ? PROJECTION_LEVEL : SLICE_LEVEL) * (high - low);
  let bright = Uint8Array.from(smooth, (v) => (v > level ? 1 : 0));
  if (!projection) {
    const reach = round((TABLE * width) / 2);
    bright = extremes(extremes(bright, width, height, reach, Math.min), width, height, reach, Math.max);
  }
  const box = largest(bright, width, height);
  if (!box) return whole;
  const [top, left, bottom, right] = box;
  if (right - left < SMALLEST_SIDE * width || bottom - top < SMALLEST_SIDE * height) return whole;
  const aside = round(MARGIN * width), above = round(MARGIN * height);
  return [
    Math.max(0, top - above), Math.max(0, left - aside),
    Math.min(height, bottom + above), Math.min(width, right + aside),
  ];
}

/** Mean of 5 x 5 pixels, mirrored about the outermost ones. */
function blurred({ data, width, height }) {
  const mirrored = (at, count) => {
    if (count === 1) return 0;
    while (at < 0 || at >= count) at = at < 0 ? -at : 2 * count - 2 - at;
    return at;
  };
  const rows = new Float64Array(data.length), out = new Float32Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let d = -2; d <= 2; d++) sum += data[y * width + mirrored(x + d, width)];
      rows[y * width + x] = sum;
    }
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let d = -2; d <= 2; d++) sum += rows[mirrored(y + d, height) * width + x];
      out[y * width + x] = sum / 25;
    }
  }
  return out;
}

/** Smallest or largest value of a square around each pixel; what is outside does not count. */
function extremes(mask, width, height, reach, pick) {
  const pass = (from, across) => {
    const out = new Uint8Array(from.length), length = across ? width : height;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = across ? x : y;
        let value = from[y * width + x];
        for (let o = Math.max(0, at - reach); o <= Math.min(length - 1, at + reach); o++) {
          value = pick(value, across ? from[y * width + o] : from[o * width + x]);
        }
        out[y * width + x] = value;
      }
    }
    return out;
  };
  return pass(pass(mask, true), false);
}

/** Box of the region (corners touch) with the most pixels; null without any. */
function largest(mask, width, height) {
  const left = Uint8Array.from(mask);
  let best = null, most = 0;
  for (let start = 0; start < left.length; start++) {
    if (!left[start]) continue;
    let count = 0;
    const box = [height, width, 0, 0], open = [start];
    left[start] = 0;
    while (open.length) {
      const at = open.pop(), y = Math.floor(at / width), x = at % width;
      count++;
      box[0] = Math.min(box[0], y);
      box[1] = Math.min(box[1], x);
      box[2] = Math.max(box[2], y + 1);
      box[3] = Math.max(box[3], x + 1);
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (left[next]) {
            left[next] = 0;
            open.push(next);
          }
        }
      }
    }
    if (count > most) [best, most] = [box, count];
  }
  return best;
}

/** Which pixels of a picture stand out from an even surround, holes filled; all of them where there is no surround. */
export function bodyOf(picture) {
  const { width, height } = picture, smooth = { data: gaussian(picture), width, height };
  const everything = new Uint8Array(width * height).fill(1);
  const [low, high] = percentiles(smooth.data, [0.5, 99.5]);
  const edge = median(border(smooth)), span = high - low;
  if (span <= 0 || Math.min(edge - low, high - edge) > 0.1 * span) return everything;
  const body = filled(Uint8Array.from(smooth.data, (v) => (Math.abs(v - edge) > 0.1 * span ? 1 : 0)), width, height);
  return body.reduce((sum, v) => sum + v, 0) / body.length >= 0.05 ? body : everything;
}

/** Gaussian of standard deviation 1, cut at 4 pixels, edges mirrored with the outermost pixel twice. */
function gaussian({ data, width, height }) {
  const kernel = [];
  for (let d = -4; d <= 4; d++) kernel.push(Math.exp(-0.5 * d * d));
  const total = kernel.reduce((sum, v) => sum + v, 0);
  const mirrored = (at, count) => {
    while (at < 0 || at >= count) at = at < 0 ? -at - 1 : 2 * count - 1 - at;
    return at;
  };
  let now = Float64Array.from(data);
  for (const across of [false, true]) {
    const out = new Float64Array(now.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let d = -4; d <= 4; d++) {
          const at = across ? y * width + mirrored(x + d, width) : mirrored(y + d, height) * width + x;
          sum += now[at] * kernel[d + 4];
        }
        out[y * width + x] = sum / total;
      }
    }
    now = out;
  }
  return now;
}

/** A mask without holes: what the outside does not reach, going from side to side only, is inside. */
function filled(mask, width, height) {
  const outside = new Uint8Array(mask.length), open = [];
  const visit = (x, y) => {
    const at = y * width + x;
    if (x < 0 || y < 0 || x >= width || y >= height || mask[at] || outside[at]) return;
    outside[at] = 1;
    open.push(at);
  };
  for (let x = 0; x < width; x++) {
    visit(x, 0);
    visit(x, height - 1);
  }
  for (let y = 0; y < height; y++) {
    visit(0, y);
    visit(width - 1, y);
  }
  while (open.length) {
    const at = open.pop(), x = at % width, y = (at - x) / width;
    visit(x - 1, y);
    visit(x + 1, y);
    visit(x, y - 1);
    visit(x, y + 1);
  }
  return outside.map((v) => 1 - v);
}
