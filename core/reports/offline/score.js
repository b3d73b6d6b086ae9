"use strict";
// What an answer is worth, by the same rules as core/teaching/scoring.py and core/statistics/intervals.py.

const GRACE = 3; // seconds after the end of the time in which an answer still counts, as in a class

function points(answer, truth) {
  if (answer.finding === null || answer.late) return 0;
  const stated = answer.finding ? answer.sure / 100 : 1 - answer.sure / 100;
  return 100 * (1 - (stated - Number(truth)) ** 2);
}

function right(answer, item) {
  const named = item.label === null || answer.label === null || answer.label === item.label;
  return answer.finding === item.finding && named && !answer.late;
}

/** Where the marks lie: on a lesion or not, and how far from its middle. */
function place(marks, item) {
  if (!item.lesions.length) return { found: null, away: null, beside: marks.length };
  if (!marks.length) return { found: null, away: null, beside: 0 };
  const length = (gaps) => Math.hypot(...gaps.map((gap, axis) => gap * item.step[axis]));
  const outside = (at, low, high) => Math.max(low - 0.5 - at, at - high - 0.5, 0);
  const measured = marks.map((mark) => {
    const [z, y, x] = [mark.slice, mark.y - 0.5, mark.x - 0.5];
    const each = item.lesions.map((lesion) => ({
      edge: Math.min(...lesion.runs.map(([s, r, a, b]) => length([outside(z, s, s), outside(y, r, r), outside(x, a, b)]))),
      middle: length([z, y, x].map((at, axis) => at - lesion.middle[axis])),
    }));
    return each.reduce((near, one) => (one.edge < near.edge ? one : near));
  });
  const hits = measured.filter((one) => one.edge <= item.near);
  const counted = hits.length ? hits : measured;
  return { found: hits.length > 0, away: Math.min(...counted.map((one) => one.middle)), beside: marks.length - hits.length };
}

/** Wilson's 95 % interval of a share. */
function wilson(successes, n) {
  if (!n) return null;
  const z = 1.959963984540054, share = successes / n, below = 1 + (z * z) / n;
  const centre = (share + (z * z) / (2 * n)) / below;
  const half = (z / below) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return { share, low: successes === 0 ? 0 : centre - half, high: successes === n ? 1 : centre + half, n };
}
