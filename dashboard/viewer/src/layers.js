// What lies over the picture: outlines and heat maps, each number fetched once, drawn on a canvas of their own.
import { MAGMA, css } from "./colours.js";
import { path } from "./contours.js";
import { fetched, unpacked } from "./store.js";

const AROUND = 4; // slices on either side of the one in view whose heat maps are asked for beforehand
const AGAIN = 1500; // ms until a slice that was not answered yet is asked for again
const KEPT = 64 * 1024 * 1024; // bytes of one layer's heat maps and their pictures; the farthest from the view go first

/** One overlay's numbers: an outline comes whole, heat maps slice by slice while they are looked at. */
class Layer {
  constructor(told, store, changed) {
    Object.assign(this, { told, store, changed, on: told.on, drawn: new Map(), heat: new Map(), later: new Map() });
    this.hot = told.kind === "heat";
    this.stop = new AbortController();
    if (!this.hot) this._whole();
  }

  async _whole() {
    try {
      const { told, store } = this;
      this.mask = unpacked(await fetched(`${told.url}/all`, this.stop.signal), store.count * store.height * store.width);
      this.changed();
    } catch { /* dropped, or the address is over: then there is nothing to draw */ }
  }

  part(slice) {
    const { height, width } = this.store, size = height * width;
    return this.mask?.subarray(slice * size, (slice + 1) * size);
  }

  /** The slice in view: its map is asked for first, then those around it, one at a time. */
  look(slice) {
    this.view = slice;
    if (this.on && this.hot && !this.asking) this._ask();
  }

  _next() {
    const now = performance.now();
    for (let away = 0; away <= AROUND; away++) {
      for (const slice of away ? [this.view + away, this.view - away] : [this.view]) {
        if (slice < 0 || slice >= this.store.count || this.heat.has(slice) || (this.later.get(slice) ?? 0) > now) continue;
        return slice;
      }
    }
    return null;
  }

  async _ask() {
    this.asking = true;
    try {
      for (let slice = this._next(); this.on && slice !== null; slice = this._next()) {
        const buffer = await fetched(`${this.told.url}/${slice}`, this.stop.signal);
        if (buffer === null) {
          this.later.set(slice, performance.now() + AGAIN);
          if (slice === this.view) setTimeout(() => this.look(this.view), AGAIN + 20);
          continue;
        }
        this.later.delete(slice);
        this.heat.set(slice, new Uint8Array(buffer));
        this._bound();
        if (slice === this.view) this.changed();
      }
    } catch { /* as above */ } finally { this.asking = false; }
  }

  _bound() {
    const most = Math.max(2 * AROUND + 1, Math.floor(KEPT / (5 * this.store.width * this.store.height)));
    const far = [...this.heat.keys()].sort((a, b) => Math.abs(b - this.view) - Math.abs(a - this.view));
    far.slice(0, Math.max(0, far.length - most)).forEach((slice) => { this.heat.delete(slice); this.drawn.delete(slice); });
  }

  /** What is to be said where a slice's map is not drawn; nothing where it is. */
  missing(slice) {
    const map = this.heat.get(slice);
    return !map ? "no map for this slice yet" : map.length ? "" : "empty map on this slice";
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
      const layer = new Layer(one, this.store, this.changed);
      if (old) { old.stop.abort(); layer.on = one.on === old.told.on ? old.on : one.on; }
      this.byId.set(one.id, layer);
    }
    this.byId = new Map(list.map((one) => [one.id, this.byId.get(one.id)]));
    this.changed();
  }

  get all() { return [...this.byId.values()]; }
  /** The heat map that is switched on. */
  get hot() { return this.all.find((layer) => layer.on && layer.hot) ?? null; }

  /** Switch one. Two heat maps mixed could not be read: one takes the place of another. */
  toggle(layer) {
    layer.on = !layer.on;
    if (layer.on && layer.hot) this.all.forEach((other) => { if (other !== layer && other.hot) other.on = false; });
  }

  /** In a line: what of them is drawn on a slice. */
  shown(slice) {
    return this.all.filter((one) => one.on && (!one.hot || !one.missing(slice))).map((one) => `${one.told.id}:${one.told.digest}`);
  }

  dispose() { this.all.forEach((layer) => layer.stop.abort()); this.byId.clear(); }

  /** Draw a slice. `place` is the DOMMatrix from (column, row) to CSS pixels; `strength` multiplies opacities. */
  draw(context, slice, place, ratio, strength) {
    const matrix = new DOMMatrix([ratio, 0, 0, ratio, 0, 0]).multiply(place);
    const shown = this.all.filter((layer) => layer.on);
    shown.filter((layer) => layer.hot).forEach((layer) => layer.look(slice));
    shown.filter((layer) => layer.hot && !layer.missing(slice)).forEach((layer) => heat(context, layer, slice, matrix, strength));
    shown.filter((layer) => !layer.hot).forEach((layer) => line(context, layer, slice, matrix, ratio));
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
