// Where pixels lie: (column, row, slice) to patient millimetres (LPS) and back, letters, distances. Pure.

export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const length = (a) => Math.hypot(...a);
const SMALLEST = 0.26; // sine of 15 degrees: a direction names an axis from here on

/** Letters of a direction in the patient, the nearest axis first: "L", "LA", "PH". */
export function letters(direction) {
  const names = [["L", "R"], ["P", "A"], ["H", "F"]];
  return [0, 1, 2]
    .filter((axis) => Math.abs(direction[axis]) >= SMALLEST)
    .sort((a, b) => Math.abs(direction[b]) - Math.abs(direction[a]))
    .map((axis) => names[axis][direction[axis] > 0 ? 0 : 1])
    .join("");
}

/** A round length that fits, in mm: 1, 2 or 5 times a power of ten. */
export function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((n) => n * power).find((n) => n <= most) ?? power;
}

/** Geometry of a series from its facts; without any, pixels stand side by side from 0. */
export class Geometry {
  constructor(facts) {
    const [count] = facts.shape;
    this.known = Boolean(facts.geometry);
    this.scaled = Boolean(facts.spacing);
    this.row = facts.geometry?.row ?? [1, 0, 0];
    this.column = facts.geometry?.column ?? [0, 1, 0];
    this.normal = cross(this.row, this.column);
    [this.between, this.down, this.across] = facts.spacing ?? [1, facts.aspect, 1];
    this.positions = facts.geometry?.positions ?? Array.from({ length: count }, (_, i) => [0, 0, i * this.between]);
    this.frame = facts.frame ?? null;
  }

  world(column, row, slice) {
    const p = this.positions[slice];
    return [0, 1, 2].map((k) => p[k] + this.row[k] * column * this.across + this.column[k] * row * this.down);
  }

  /** Column and row on a slice of a place in the patient (projected along the normal). */
  pixel(world, slice) {
    const away = minus(world, this.positions[slice]);
    return [dot(away, this.row) / this.across, dot(away, this.column) / this.down];
  }

  /** The slice whose plane is nearest, and how far that is in mm. */
  nearest(world) {
    let best = 0, least = Infinity;
    this.positions.forEach((p, slice) => {
      const away = Math.abs(dot(minus(world, p), this.normal));
      if (away < least) [best, least] = [slice, away];
    });
    return [best, least];
  }

  /** Length and unit between two pixels of one slice. */
  distance(a, b) {
    return Math.hypot((a[0] - b[0]) * this.across, (a[1] - b[1]) * this.down);
  }

  get unit() { return this.scaled ? "mm" : "px"; }
}
