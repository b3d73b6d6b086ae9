// From a picture's grey levels to the network's tensor: core/preprocessing, for 8-bit pictures.

import { bodyBox } from "./body.js";
import { border, extent, median, moments, percentiles, round } from "./numbers.js";
import { resize } from "./resize.js";

const EPSILON = 1e-6, HIGHEST = 255;

/** Grey levels as the contract scales them, before they are standardised. */
function scaled(picture, contract) {
  const { width, height } = picture;
  let data = Float32Array.from(picture.data);
  const projection = contract.projection === "mip-coronal";
  if (contract.invert_low_is_bright && projection && median(border(picture)) > HIGHEST / 2) {
    data = data.map((v) => HIGHEST - v);
  }
  const [lower, upper] = contract.percentiles;
  if (["range", "window", "suv"].includes(contract.scaling)) {
    data = data.map((v) => v / HIGHEST);
  } else if (contract.scaling === "percentile") {
    const [low, high] = percentiles(data, [lower, upper]);
    data = data.map((v) => Math.min(1, Math.max(0, (v - low) / Math.max(high - low, EPSILON))));
  } else if (lower !== 0 || upper !== 100) {
    const [low, high] = percentiles(data, [lower, upper]);
    data = data.map((v) => Math.min(high, Math.max(low, v)));
  }
  return { data, width, height };
}

/** Where the picture, or its body, lies in the tensor. */
function fitted(box, contract) {
  const tall = box[2] - box[0], wide = box[3] - box[1];
  let ratio = Math.min(contract.height / tall, contract.width / wide);
  if (contract.resize === "actual") ratio = Math.min(ratio, 1);
  const height = Math.max(1, Math.min(contract.height, round(tall * ratio)));
  const width = Math.max(1, Math.min(contract.width, round(wide * ratio)));
  const top = Math.floor((contract.height - height) / 2), left = Math.floor((contract.width - width) / 2);
  return { box, height, width, top, left };
}

function cut(plane, [top, left, bottom, right]) {
  const width = right - left, height = bottom - top, data = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = (top + y) * plane.width + left;
    data.set(plane.data.subarray(from, from + width), y * width);
  }
  return { data, width, height };
}

/** {tensor, fit} of a picture {data, width, height} of grey levels 0 to 255. */
export function prepare(picture, contract) {
  const plane = scaled(picture, contract);
  const whole = [0, 0, picture.height, picture.width];
  const fit = fitted(contract.crop === "body" ? bodyBox(plane, contract.projection === "mip-coronal") : whole, contract);
  const part = cut(plane, fit.box);
  if (contract.standardise || contract.scaling === "z-score") {
    const [mean, deviation] = moments(part.data);
    part.data = part.data.map((v) => (v - mean) / (deviation + EPSILON));
  }
  const inner = resize(part, fit.width, fit.height);
  const area = contract.height * contract.width;
  const placed = new Float32Array(area).fill(extent(part.data)[0]);
  for (let y = 0; y < inner.height; y++) {
    placed.set(inner.data.subarray(y * inner.width, (y + 1) * inner.width), (fit.top + y) * contract.width + fit.left);
  }
  const tensor = new Float32Array(contract.channels * area);
  for (let channel = 0; channel < contract.channels; channel++) {
    const mean = contract.mean[channel] ?? 0, deviation = contract.std[channel] ?? 1;
    tensor.set(placed.map((v) => (v - mean) / deviation), channel * area);
  }
  return { tensor, fit };
}

/** A plane of the tensor's size back on the picture's grid; 0 outside the part that was read. */
export function back(values, fit, contract, picture) {
  const inner = cut(
    { data: values, width: contract.width, height: contract.height },
    [fit.top, fit.left, fit.top + fit.height, fit.left + fit.width],
  );
  const [top, left, bottom, right] = fit.box;
  const part = resize(inner, right - left, bottom - top);
  const data = new Float32Array(picture.width * picture.height);
  for (let y = 0; y < part.height; y++) {
    data.set(part.data.subarray(y * part.width, (y + 1) * part.width), (top + y) * picture.width + left);
  }
  return data;
}
