// cv2.resize for float32 planes: area averaging where both sides shrink, linear where they grow.

const NEAR = 1e-3; // shares of a pixel below this are left out, as in OpenCV

/** For every place of the result: which places of the source, and their shares. */
function areaTable(from, to) {
  const scale = from / to, table = [];
  for (let place = 0; place < to; place++) {
    const begin = place * scale, end = begin + scale;
    const cell = Math.min(scale, from - begin);
    let first = Math.ceil(begin);
    const last = Math.min(Math.floor(end), from - 1);
    first = Math.min(first, last);
    const row = [];
    if (first - begin > NEAR) row.push([first - 1, (first - begin) / cell]);
    for (let at = first; at < last; at++) row.push([at, 1 / cell]);
    if (end - last > NEAR) row.push([last, Math.min(Math.min(end - last, 1), cell) / cell]);
    table.push(row);
  }
  return table;
}

function linearTable(from, to) {
  const scale = from / to, table = [];
  for (let place = 0; place < to; place++) {
    const centre = (place + 0.5) * scale - 0.5;
    let low = Math.floor(centre), share = centre - low;
    if (low < 0) [low, share] = [0, 0];
    if (low >= from - 1) [low, share] = [from - 1, 0];
    table.push(share ? [[low, 1 - share], [low + 1, share]] : [[low, 1]]);
  }
  return table;
}

/** A plane {data, width, height} at another size. */
export function resize(plane, width, height) {
  if (plane.width === width && plane.height === height) return plane;
  const shrinks = width < plane.width || height < plane.height;
  const table = shrinks ? areaTable : linearTable;
  const across = table(plane.width, width), down = table(plane.height, height);
  const rows = new Float64Array(plane.height * width);
  for (let y = 0; y < plane.height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (const [at, share] of across[x]) sum += plane.data[y * plane.width + at] * share;
      rows[y * width + x] = sum;
    }
  }
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (const [at, share] of down[y]) sum += rows[at * width + x] * share;
      data[y * width + x] = sum;
    }
  }
  return { data, width, height };
}
