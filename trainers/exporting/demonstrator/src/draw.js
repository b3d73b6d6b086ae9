// The picture, the heat map over it in a perceptually even scale, and the outline of a mask.

// Inferno, at even steps.
const SCALE = [
  [0, 0, 4], [31, 12, 72], [85, 15, 109], [136, 34, 106], [186, 54, 85], [227, 89, 51], [249, 140, 10], [249, 201, 50],
  [252, 255, 164],
];
const OUTLINE = [0, 220, 255], STRONGEST = 0.65;

export function colour(value) {
  const place = Math.min(1, Math.max(0, value)) * (SCALE.length - 1), low = Math.min(Math.floor(place), SCALE.length - 2);
  return SCALE[low].map((v, channel) => v + (SCALE[low + 1][channel] - v) * (place - low));
}

export function draw(canvas, picture, answer, { heat, outline }) {
  const { width, height, data } = picture;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  const mask = outline && answer?.mask, map = heat && answer?.heat;
  for (let at = 0; at < data.length; at++) {
    let shown = [data[at], data[at], data[at]];
    if (map) {
      const value = map[at] * answer.brightness, share = value * STRONGEST;
      const over = colour(value);
      shown = shown.map((v, channel) => v + (over[channel] - v) * share);
    }
    if (mask && mask[at] && edge(mask, at, width, height)) shown = OUTLINE;
    image.data.set([...shown, 255], 4 * at);
  }
  context.putImageData(image, 0, 0);
}

function edge(mask, at, width, height) {
  const x = at % width, y = (at - x) / width;
  return (
    x === 0 || y === 0 || x === width - 1 || y === height - 1 ||
    !mask[at - 1] || !mask[at + 1] || !mask[at - width] || !mask[at + width]
  );
}
