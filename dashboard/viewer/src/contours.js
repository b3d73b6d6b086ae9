// Outlines of masks along the edges of their pixels, as a path in (column, row) of pixel corners. Pure but for Path2D.

/** Closed outlines: every edge between inside and outside, joined; the mask lies to the right of each edge. */
export function outlines(mask, width, height) {
  const at = (x, y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x];
  const from = new Map();
  const add = (x0, y0, x1, y1) => {
    const start = y0 * (width + 1) + x0, list = from.get(start);
    const end = y1 * (width + 1) + x1;
    list ? list.push(end) : from.set(start, [end]);
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!mask[y * width + x]) continue;
      if (!at(x, y - 1)) add(x, y, x + 1, y);
      if (!at(x + 1, y)) add(x + 1, y, x + 1, y + 1);
      if (!at(x, y + 1)) add(x + 1, y + 1, x, y + 1);
      if (!at(x - 1, y)) add(x, y + 1, x, y);
    }
  }
  const found = [];
  for (const start of from.keys()) {
    while (from.get(start)?.length) {
      const loop = [];
      let here = start;
      do {
        loop.push([here % (width + 1), Math.floor(here / (width + 1))]);
        here = from.get(here)?.pop();
      } while (here !== undefined && here !== start);
      found.push(loop);
    }
  }
  return found;
}

/** Outlines as one path, points at the middle of edges so that steps become slopes; in pixel-centre coordinates. */
export function path(mask, width, height) {
  const made = new Path2D();
  for (const loop of outlines(mask, width, height)) {
    loop.forEach(([x, y], i) => {
      const [u, v] = loop[(i + 1) % loop.length];
      const point = [(x + u) / 2 - 0.5, (y + v) / 2 - 0.5];
      i ? made.lineTo(...point) : made.moveTo(...point);
    });
    made.closePath();
  }
  return made;
}
