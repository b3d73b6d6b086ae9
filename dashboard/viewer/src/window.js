// From a window (centre, width, function) to grey, as PS3.3 C.11.2.1 has it.

/** Values drawn black and white by a window. */
export function edges({ centre, width, function: how }) {
  if (how === "LINEAR") {
    const half = Math.max(width - 1, 1e-6) / 2;
    return { lower: centre - 0.5 - half, upper: centre - 0.5 + half };
  }
  const half = Math.max(width, 1e-6) / 2;
  return { lower: centre - half, upper: centre + half };
}

/** The window between two values, with the function of another. */
export function between({ lower, upper }, how) {
  const width = upper - lower, centre = (upper + lower) / 2;
  return how === "LINEAR" ? { centre: centre + 0.5, width: width + 1 } : { centre, width };
}

/** Grey 0 to 1 at evenly spaced values from `lower` to `upper`, where it is no straight line; else null. */
export function curve(window, points = 128) {
  if (window.function === "SIGMOID") {
    // wide enough that its ends are all but black and white
    const lower = window.centre - 1.5 * window.width, upper = window.centre + 1.5 * window.width;
    const grey = (value) => 1 / (1 + Math.exp((-4 * (value - window.centre)) / window.width));
    return { lower, upper, greys: Array.from({ length: points }, (_, i) => grey(lower + ((upper - lower) * i) / (points - 1))) };
  }
  if (window.function === "TABLE" && window.curve?.length > 1) return { ...edges(window), greys: window.curve };
  return null;
}

/** Put a curve into the transfer function of a picture. */
export function bend(transfer, { lower, upper, greys }, inverted) {
  transfer.removeAllPoints();
  greys.forEach((grey, i) => {
    const shown = inverted ? 1 - grey : grey;
    transfer.addRGBPoint(lower + ((upper - lower) * i) / (greys.length - 1), shown, shown, shown);
  });
  transfer.setMappingRange(lower, upper);
}

export function digits(span) {
  return span >= 50 ? 0 : span >= 5 ? 1 : span >= 0.5 ? 2 : 3;
}
