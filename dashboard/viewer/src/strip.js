// The slice bar: where in the stack the picture is and, where models were asked, how suspicious each slice is to each.
import { css } from "./colours.js";
import { fetched } from "./store.js";
import { h } from "./dom.js";

const AGAIN = 1500; // ms until it is asked again while answers come
const FOOT = 5; // CSS pixels at the bottom, where it stands which slices were answered

export class Strip {
  constructor(viewer) {
    this.viewer = viewer;
    this.said = null;
    this.canvas = h("canvas");
    this.place = h("i", { class: "at" });
    this.tip = h("div", { class: "tip", hidden: true });
    this.element = h("div", { class: "strip", role: "slider", tabindex: "0", "aria-label": "Slice", "aria-valuemin": "1" }, this.canvas, this.place, this.tip);
    this.element.addEventListener("pointerdown", (event) => this._hold(event));
    this.element.addEventListener("pointermove", (event) => this._over(event));
    this.element.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    this.element.addEventListener("keydown", (event) => this._key(event));
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.element);
  }

  /** Where to ask what the models say, or that nobody does. */
  take(told) {
    const before = this.told?.url;
    this.told = told;
    if (before !== told?.url) this.said = this.drawn = null;
    this.element.classList.toggle("tall", Boolean(told));
    clearTimeout(this.timer);
    if (told && !this._whole()) this._ask();
    this.follow();
  }

  /** Whether every model has answered every slice: nothing will be told beyond it. */
  _whole() {
    const models = this.said?.models ?? [];
    return models.length > 0 && !models.some((one) => one.waits.includes(true));
  }

  async _ask() {
    const { told } = this;
    try {
      if (!document.hidden) {
        const said = JSON.parse(new TextDecoder().decode(await fetched(told.url, this.viewer.stop.signal)));
        if (this.told?.url !== told.url) return;
        this.said = said;
        this.drawn = null;
        this.follow();
      }
    } catch { return; } // dropped, or the address is over: the page tells the next one
    clearTimeout(this.timer);
    if (!this.said || this.said.more) this.timer = setTimeout(() => this._ask(), AGAIN);
  }

  get pane() { return this.viewer.active; }
  get models() { return this.pane === this.viewer.panes[0] ? (this.said?.models ?? []) : []; }

  /** What is known of a slice, in words. */
  words(slice) {
    const { count } = this.pane.store, side = this.pane.facts.sides[slice];
    const where = side ? `View ${slice + 1} of ${count}, ${side}` : `Slice ${slice + 1} of ${count}`;
    if (!this.told || this.pane !== this.viewer.panes[0]) return where;
    const said = this.models.filter((one) => one.values[slice] !== null).map((one) => `${one.name} ${one.values[slice].toFixed(2)}`);
    if (said.length) return `${where}: ${said.join(", ")}${this._waits(slice) ? ", others not yet" : ""}`;
    return `${where}: ${this._waits(slice) ? "not answered yet" : "no answer"}`;
  }

  _waits(slice) { return this.models.length === 0 || this.models.some((one) => one.waits[slice]); }

  /** Show where the reader is. */
  follow() {
    const { pane } = this;
    if (!pane) return;
    const set = (name, value) => { if (this.element.getAttribute(name) !== String(value)) this.element.setAttribute(name, value); };
    set("aria-valuemax", pane.store.count);
    set("aria-valuenow", pane.slice + 1);
    set("aria-valuetext", this.words(pane.slice));
    this.place.style.left = `${(100 * (pane.slice + 0.5)) / pane.store.count}%`;
    if (this.drawn !== pane) this.draw();
  }

  /** What does not change with the slice in view. */
  draw() {
    const { pane, canvas } = this;
    if (!pane || !this.element.clientWidth || this.element.closest("[hidden]")) return;
    this.drawn = pane;
    const ratio = devicePixelRatio, width = this.element.clientWidth, height = this.element.clientHeight;
    Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    const context = canvas.getContext("2d"), fore = getComputedStyle(this.element).color;
    context.scale(ratio, ratio);
    const { count } = pane.store, step = width / count, x = (slice) => (slice + 0.5) * step;
    this._foot(context, count, step, height, fore);
    if (this.models.length) this._lines(context, x, width, height - FOOT - 2);
  }

  /** Along the bottom: full where every model has answered, open where one is still to be asked. */
  _foot(context, count, step, height, fore) {
    context.fillStyle = fore;
    for (let slice = 0; slice < count; slice++) {
      const open = this.told && this.pane === this.viewer.panes[0] && this._waits(slice);
      context.globalAlpha = open ? 0.15 : 0.45;
      context.fillRect(slice * step, height - (open ? 2 : FOOT), Math.max(step - (step > 4 ? 1 : 0), 0.5), open ? 2 : FOOT);
    }
    context.globalAlpha = 1;
  }

  _lines(context, x, width, height) {
    const y = (value) => 3 + (1 - value) * (height - 6);
    for (const one of this.models) {
      context.strokeStyle = css(one.colour);
      context.fillStyle = css(one.colour);
      if (one.threshold !== null) {
        context.globalAlpha = 0.5;
        context.lineWidth = 1;
        context.setLineDash([1, 3]);
        context.beginPath();
        context.moveTo(0, y(one.threshold));
        context.lineTo(width, y(one.threshold));
        context.stroke();
        context.globalAlpha = 1;
      }
      context.lineWidth = 1.8;
      context.setLineDash(one.dash);
      context.beginPath();
      one.values.forEach((value, slice) => {
        if (value === null) return;
        const joined = slice > 0 && one.values[slice - 1] !== null;
        if (joined) context.lineTo(x(slice), y(value)); else context.moveTo(x(slice), y(value));
        // by itself a slice has no line
        if (!joined && (one.values[slice + 1] ?? null) === null) context.fillRect(x(slice) - 2, y(value) - 2, 4, 4);
      });
      context.stroke();
    }
    context.setLineDash([]);
  }

  _at(event) {
    const box = this.element.getBoundingClientRect(), { count } = this.pane.store;
    return Math.min(Math.max(Math.floor(((event.clientX - box.left) / box.width) * count), 0), count - 1);
  }

  _hold(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    this.element.focus({ preventScroll: true });
    this.pane.go(this._at(event));
  }

  _over(event) {
    if (this.element.hasPointerCapture(event.pointerId)) this.pane.go(this._at(event));
    const slice = this._at(event), box = this.element.getBoundingClientRect();
    this.tip.hidden = false;
    this.tip.textContent = this.words(slice);
    const half = this.tip.offsetWidth / 2;
    this.tip.style.left = `${Math.min(Math.max(event.clientX - box.left, half), box.width - half)}px`;
  }

  /** The keys of a slider; the others are the viewer's. */
  _key(event) {
    const { pane } = this, by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (by) pane.step(by);
    else if (event.key === "Home") pane.go(0);
    else if (event.key === "End") pane.go(Infinity);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  dispose() { clearTimeout(this.timer); this.watch.disconnect(); }
}
