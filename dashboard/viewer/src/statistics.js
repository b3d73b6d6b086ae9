// What a region holds. A pixel belongs to it when its centre does. Pure; points are (column, row) of pixel centres.

/** Pixels [column, row] of a shape on an image of this width and height. */
export function pixelsIn(kind, points, width, height) {
  const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const inside = { rectangle: inBox, ellipse: inEllipse, freehand: inPolygon }[kind];
  const found = [];
  for (let y = Math.max(0, Math.ceil(Math.min(...ys))); y <= Math.min(height - 1, Math.floor(Math.max(...ys))); y++) {
    for (let x = Math.max(0, Math.ceil(Math.min(...xs))); x <= Math.min(width - 1, Math.floor(Math.max(...xs))); x++) {
      if (inside(points, x, y)) found.push([x, y]);
    }
  }
  return found;
}

const inBox = () => true; // the box that is searched is the rectangle itself

function inEllipse(points, x, y) {
  const [cx, cy, a, b] = ellipse(points);
  return a > 0 && b > 0 && ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 <= 1;
}

/** Centre and half axes of the ellipse through four end points of its axes. */
export function ellipse(points) {
  const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return [(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2];
}

function inPolygon(points, x, y) {
  let inside = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const [xi, yi] = points[i], [xj, yj] = points[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Area of the drawn shape in pixels (not the number of pixels in it). */
export function area(kind, points) {
  if (kind === "ellipse") { const [, , a, b] = ellipse(points); return Math.PI * a * b; }
  if (kind === "rectangle") { const [, , a, b] = ellipse(points); return 4 * a * b; }
  let twice = 0;
  points.forEach(([x, y], i) => { const [u, v] = points[(i + 1) % points.length]; twice += x * v - u * y; });
  return Math.abs(twice) / 2;
}

/** Mean, standard deviation (of the pixels as they are: divided by n), least, most and number. */
export function summary(values) {
  const n = values.length;
  if (!n) return { n: 0 };
  let sum = 0, min = Infinity, max = -Infinity;
  for (const v of values) { sum += v; if (v < min) min = v; if (v > max) max = v; }
  const mean = sum / n;
  let squares = 0;
  for (const v of values) squares += (v - mean) ** 2;
  return { n, mean, sd: Math.sqrt(squares / n), min, max };
}

export const PEAK_MM = ((3 * 1000) / (4 * Math.PI)) ** (1 / 3); // radius of a sphere of 1 ml: 6.2 mm

/**
 * SUVpeak: the highest mean of a sphere of 1 ml around any pixel of the region (a circle of the same radius where the
 * slices have no one distance). Only pixels of the image count; null while a slice that it needs is not here yet.
 */
export function peak(store, geometry, slice, pixels) {
  if (!geometry.scaled) return null;
  const even = store.facts.volume;
  const [dz, dy, dx] = even ? [geometry.between, geometry.down, geometry.across] : [Infinity, geometry.down, geometry.across];
  const reach = (mm) => (Number.isFinite(mm) ? Math.floor(PEAK_MM / mm) : 0);
  const sphere = [];
  for (let z = -reach(dz); z <= reach(dz); z++) for (let y = -reach(dy); y <= reach(dy); y++) for (let x = -reach(dx); x <= reach(dx); x++) {
    if (Math.hypot(z && z * dz, y * dy, x * dx) <= PEAK_MM) sphere.push([z, y, x]);
  }
  let best = -Infinity;
  for (const [x, y] of pixels) {
    let sum = 0, n = 0;
    for (const [a, b, c] of sphere) {
      const s = slice + a, r = y + b, q = x + c;
      if (s < 0 || s >= store.count || r < 0 || r >= store.height || q < 0 || q >= store.width) continue;
      if (!store.has(s)) return null;
      const at = r * store.width + q;
      if (store.empty(s, at)) continue;
      sum += store.slices[s][at];
      n += 1;
    }
    if (n && sum / n > best) best = sum / n;
  }
  return { value: best, inPlane: !even };
}
