// One picture: a stack viewport with what is written around it, its overlays and its window.
import { core, frameOf, hold, imageId, isHeld, release, tools } from "./engine.js";
import { Geometry } from "./geometry.js";
import { Hud } from "./hud.js";
import { Layers } from "./layers.js";
import { Store } from "./store.js";
import { bend, between, curve, edges } from "./window.js";
import { h } from "./dom.js";

let made = 0;

export class Pane {
  /** `engine`: the rendering engine; `facts`: manifest; `told`: callbacks { slice, window, hover, loaded, failed }. */
  constructor(engine, group, facts, told) {
    Object.assign(this, { engine, group, facts, told, id: `pane-${made++}`, shown: -1, target: facts.start, busy: false });
    const held = isHeld(facts.id);
    const store = held?.store ?? new Store(facts);
    ({ store: this.store, geometry: this.geometry } = hold(facts.id, store, held?.geometry ?? new Geometry(facts)));
    this.canvas = h("canvas", { class: "over" });
    this.view = h("div", { class: "view" });
    this.element = h("div", { class: "pane" }, this.view, this.canvas);
    this.hud = new Hud(this.element, this);
    this.layers = new Layers(this.store, () => this.redraw());
    this.strength = 1;
    this.inverted = facts.inverted;
    this.window = { ...facts.presets[0] };
    this.frames = 0;
    this.loading = () => { this.hud.loading(); if (this.store.failed) told.failed(); told.loaded(this); };
    this.store.listeners.add(this.loading);
  }

  async open() {
    this.engine.enableElement({ viewportId: this.id, type: core.Enums.ViewportType.STACK, element: this.view,
      defaultOptions: { background: [0, 0, 0] } });
    this.viewport = this.engine.getViewport(this.id);
    this.group.addViewport(this.id, this.engine.id);
    this.view.addEventListener(core.Enums.Events.IMAGE_RENDERED, () => { this.frames += 1; this.redraw(); });
    this.view.addEventListener(core.Enums.Events.VOI_MODIFIED, (event) => this._dragged(event.detail.range));
    this.view.addEventListener("pointermove", (event) => this._hover(event));
    this.view.addEventListener("pointerleave", () => this.hud.value(""));
    this.view.addEventListener("contextmenu", (event) => event.preventDefault());
    const ids = Array.from({ length: this.store.count }, (_, i) => imageId(this.facts.id, i));
    await this.store.slice(this.target);
    if (this.gone) return;
    await this.viewport.setStack(ids, this.target);
    if (this.gone) return;
    this.shown = this.target;
    this.applyWindow();
    this.fit();
    this.told.slice(this, this.shown, true);
    this._pump();
  }

  get slice() { return this.target; }
  get frame() { return frameOf(this.facts.id, this.geometry); }

  /** Show a slice. Steps add up: what is asked for last is what is shown, however fast it was asked. */
  go(slice) {
    const to = Math.min(Math.max(Math.round(slice), 0), this.store.count - 1);
    if (to === this.target) return;
    this.target = to;
    this.wake?.();
    this.told.slice(this, to, false);
    this._pump();
  }

  step(by) { this.go(this.target + by); }

  async _pump() {
    if (this.busy || !this.viewport || this.shown < 0) return;
    this.busy = true;
    try {
      while (!this.gone && this.shown !== this.target) {
        const to = this.target;
        if (!this.store.has(to)) {
          this.hud.waiting(true);
          await Promise.race([this.store.slice(to).catch(() => {}), new Promise((resolve) => { this.wake = resolve; })]);
          if (this.store.failed && !this.store.has(to)) break;
          if (to !== this.target || !this.store.has(to)) continue;
        }
        this.hud.waiting(false);
        await this.viewport.setImageIdIndex(to);
        if (this.gone) return;
        this.shown = to;
        if (this.bent) this._bend();
        this.redraw();
      }
    } finally { this.busy = false; }
  }

  setWindow(window) {
    this.window = { ...this.window, ...window };
    this.applyWindow("window");
  }

  /** `chosen`: what the reader has just chosen, "window" or "inverted"; empty where nobody chose. */
  applyWindow(chosen = "") {
    if (this.shown < 0) return;
    this.mine = true;
    this.viewport.setProperties({ voiRange: edges(this.window), invert: this.inverted });
    this.mine = false;
    const shape = curve(this.window);
    if (this.bent && !shape) {
      bend(this._transfer(), { ...edges(this.window), greys: [0, 1] }, this.inverted);
    }
    this.bent = shape;
    if (shape) this._bend();
    this.viewport.render();
    this.told.window(this, chosen);
    this.hud.text();
  }

  invert() { this.inverted = !this.inverted; this.applyWindow("inverted"); }

  _transfer() { return this.viewport.getDefaultActor().actor.getProperty().getRGBTransferFunction(0); }
  _bend() { bend(this._transfer(), this.bent, this.inverted); this.viewport.render(); }

  _dragged(range) {
    if (this.mine || this.shown < 0) return;
    Object.assign(this.window, between(range, this.window.function), { name: "" });
    if (this.bent) { this.bent = curve(this.window); this._bend(); }
    this.told.window(this, "window");
    this.hud.text();
  }

  fit() { this.viewport?.resetCamera(); this.viewport?.render(); this.redraw(); }

  /** One pixel of the picture on one pixel of the screen (along the smaller distance of its pixels). */
  natural() {
    const camera = this.viewport.getCamera();
    const pixel = Math.min(this.geometry.down, this.geometry.across) * devicePixelRatio;
    this.viewport.setCamera({ ...camera, parallelScale: (this.view.clientHeight * pixel) / 2 });
    this.viewport.render();
  }

  zoom(factor) { this.viewport.setZoom(this.viewport.getZoom() * factor); this.viewport.render(); }

  /** Millimetres (or pixels, without a scale) in one CSS pixel of the screen. */
  get perPixel() { return (2 * this.viewport.getCamera().parallelScale) / Math.max(this.view.clientHeight, 1); }

  /** Column and row under a place in CSS pixels of the pane. */
  pixelAt(x, y) { return this.geometry.pixel(this.viewport.canvasToWorld([x, y]), Math.max(this.shown, 0)); }

  canvasAt(column, row) { return this.viewport.worldToCanvas(this.geometry.world(column, row, Math.max(this.shown, 0))); }

  valueAt(column, row) {
    const c = Math.round(column), r = Math.round(row);
    if (c < 0 || r < 0 || c >= this.store.width || r >= this.store.height || !this.store.has(this.shown)) return null;
    const at = r * this.store.width + c;
    return { column: c, row: r, value: this.store.empty(this.shown, at) ? null : this.store.slices[this.shown][at] };
  }

  _hover(event) {
    if (this.shown < 0) return;
    const box = this.view.getBoundingClientRect();
    this.hud.value(this.hud.said(this.valueAt(...this.pixelAt(event.clientX - box.left, event.clientY - box.top))));
  }

  redraw() {
    if (this.shown < 0 || this.gone) return;
    const ratio = devicePixelRatio, width = this.view.clientWidth, height = this.view.clientHeight;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const [ox, oy] = this.canvasAt(0, 0), [rx, ry] = this.canvasAt(1, 0), [cx, cy] = this.canvasAt(0, 1);
    const place = new DOMMatrix([rx - ox, ry - oy, cx - ox, cy - oy, ox, oy]);
    this.layers.draw(context, this.shown, place, ratio, this.strength);
    this.told.drawn?.(this, context, ratio);
    this.hud.update();
  }

  dispose() {
    this.gone = true;
    this.wake?.();
    this.store.listeners.delete(this.loading);
    this.layers.dispose();
    if (this.viewport) {
      this.group.removeViewports(this.engine.id, this.id);
      try { this.engine.disableElement(this.id); } catch { /* the engine went first */ }
    }
    release(this.facts.id);
    this.element.remove();
  }
}

export { tools };
