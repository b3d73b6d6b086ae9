// What lies over the picture: outlines and heat maps, fetched once, drawn on a canvas of their own.
import { MAGMA, css } from "./colours.js";
import { path } from "./contours.js";
import { fetched, unpacked } from "./store.js";

/** One overlay's numbers. */
class Layer {
  constructor(told, store) {
    this.store = store;
    this.told = told;
    this.on = told.on;
    this.drawn = new Map();
    this.heat = new Map();
    this.stop = new AbortController();
  }

  async fetch(ready) {
    try {
      const { told, store } = this;
      if (told.kind === "heat") {
        await Promise.all(told.slices.map(async (slice) => {
          this.heat.set(slice, new Uint8Array(await fetched(`${told.url}/${slice}`, this.stop.signal)));
        }));
      } else {
        this.mask = unpacked(await fetched(`${told.url}/all`, this.stop.signal), store.count * store.height * store.width);
      }
      ready();
    } catch { /* dropped, or the address is over: then there is nothing to draw */ }
  }

  part(slice) {
    const { height, width } = this.store, size = height * width;
    return this.mask?.subarray(slice * size, (slice + 1) * size);
  }
}

export class Layers {
  constructor(store, changed) {
    Object.assign(this, { store, changed, byId: new Map() });
  }

  /** Take what the server tells: new ones are fetched, changed ones anew, gone ones dropped. The images stay. */
  take(list) {
    const told = new Set(list.map((one) => one.id));
    for (const [id, layer] of this.byId) if (!told.has(id)) { layer.stop.abort(); this.byId.delete(id); }
    for (const one of list) {
      const old = this.byId.get(one.id);
      if (old && old.told.digest === one.digest && old.told.url === one.url) {
        if (one.on !== old.told.on) old.on = one.on;
        if (one.scale !== old.told.scale || one.opacity !== old.told.opacity) old.drawn.clear();
        old.told = one;
        continue;
      }
      const layer = new Layer(one, this.store);
      if (old) { old.stop.abort(); layer.on = one.on === old.told.on ? old.on : one.on; }
      this.byId.set(one.id, layer);
      layer.fetch(this.changed);
    }
    this.changed();
  }

  get all() { return [...this.byId.values()]; }
  get hot() { return this.all.some((layer) => layer.on && layer.told.kind === "heat"); }

  dispose() { this.all.forEach((layer) => layer.stop.abort()); this.byId.clear(); }

  /** Draw a slice. `place` is the DOMMatrix from (column, row) to CSS pixels; `strength` multiplies opacities. */
  draw(context, slice, place, ratio, strength) {
    const matrix = new DOMMatrix([ratio, 0, 0, ratio, 0, 0]).multiply(place);
    const shown = this.all.filter((layer) => layer.on);
    shown.filter((layer) => layer.told.kind === "heat").forEach((layer) => heat(context, layer, slice, matrix, strength));
    shown.filter((layer) => layer.told.kind !== "heat").forEach((layer) => line(context, layer, slice, matrix, ratio));
  }
}

function line(context, layer, slice, matrix, ratio) {
  const part = layer.part(slice);
  if (!part) return;
  if (!layer.drawn.has(slice)) layer.drawn.set(slice, path(part, layer.store.width, layer.store.height));
  const outline = new Path2D();
  outline.addPath(layer.drawn.get(slice), matrix);
  context.save();
  if (layer.told.opacity) {
    context.globalAlpha = layer.told.opacity;
    context.fillStyle = css(layer.told.colour);
    context.fill(outline, "evenodd");
    context.globalAlpha = 1;
  }
  context.lineWidth = 2 * ratio;
  context.lineJoin = "round";
  context.setLineDash(layer.told.dash.map((n) => n * ratio));
  context.strokeStyle = css(layer.told.colour);
  context.stroke(outline);
  context.restore();
}

function heat(context, layer, slice, matrix, strength) {
  const values = layer.heat.get(slice);
  if (!values) return;
  const { width, height } = layer.store;
  if (!layer.drawn.has(slice)) {
    const picture = new ImageData(width, height);
    values.forEach((value, i) => {
      const shown = Math.min(255, Math.round(value * layer.told.scale));
      for (let k = 0; k < 3; k++) picture.data[4 * i + k] = MAGMA[3 * shown + k];
      picture.data[4 * i + 3] = Math.round(255 * Math.sqrt(shown / 255));
    });
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").putImageData(picture, 0, 0);
    layer.drawn.set(slice, canvas);
  }
  context.save();
  context.globalAlpha = strength * (layer.told.opacity || 0.6);
  context.setTransform(matrix);
  context.imageSmoothingEnabled = true;
  context.drawImage(layer.drawn.get(slice), -0.5, -0.5);
  context.restore();
}
