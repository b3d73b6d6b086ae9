// What numpy and Python do with numbers, as they do it.

/** Rounds halves to even, as Python's round does. */
export function round(value) {
  const low = Math.floor(value), over = value - low;
  if (over !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/** Percentiles with linear interpolation between ranks, as numpy's default. */
export function percentiles(values, wanted) {
  const sorted = Float32Array.from(values).sort();
  return wanted.map((q) => {
    const place = ((sorted.length - 1) * q) / 100, low = Math.floor(place);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
  });
}

/** Mean and standard deviation (divided by n). */
export function moments(values) {
  let sum = 0;
  for (const v of values) sum += v;
  const mean = sum / values.length;
  let squares = 0;
  for (const v of values) squares += (v - mean) * (v - mean);
  return [mean, Math.sqrt(squares / values.length)];
}

export function median(values) {
  return percentiles(values, [50])[0];
}

export function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
}

/** The values along the four edges of a plane; corners count twice, as in core/preprocessing/scaling.py. */
export function border({ data, width, height }) {
  const found = [];
  for (let x = 0; x < width; x++) found.push(data[x], data[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) found.push(data[y * width], data[y * width + width - 1]);
  return found;
}
