// One viewer on the page: its panes, what links them, what is told to the server and what is taken from it.
import { begin, renderer, tools } from "./engine.js";
import { cine } from "./cine.js";
import { Keys } from "./keys.js";
import { MeasureList } from "./list.js";
import { follow, partner, told } from "./link.js";
import { Marker } from "./marks.js";
import * as measures from "./measures.js";
import { Pane } from "./pane.js";
import { Planes } from "./planes.js";
import { edges } from "./window.js";
import { Rows } from "./rows.js";
import { Strip } from "./strip.js";
import { STYLE } from "./style.js";
import { Toolbar } from "./toolbar.js";
import { h, paused } from "./dom.js";

let made = 0;
const REST = 350; // ms without a step after which the slice is told

export class Viewer {
  constructor(parent, component) {
    begin();
    this.number = made++;
    this.owner = component.data.owner;
    this.engine = renderer();
    this.group = measures.toolGroup(`reader-${this.number}`);
    this.panes = [];
    this.stop = new AbortController();
    this.opened = new Set();
    this.layout = "one";
    this.linked = true;
    this.went = component.data.go_to?.[0] ?? null;
    this.laid = 0;
    this.stage = h("div", { class: "stage" });
    this.toolbar = new Toolbar(this);
    this.bottom = this._bottom();
    this.list = new MeasureList(this);
    this.root = h("div", { class: "reader", tabindex: "0", role: "application", "aria-label": "Image viewer. Press ? for its keys." },
      this.toolbar.element, h("div", { class: "middle" }, this.stage, this.toolbar.chips, this.list.element), this.bottom);
    parent.replaceChildren(h("style", {}, STYLE), this.root);
    this.root.overread = this;
    this.cine = cine(this);
    this.keys = new Keys(this);
    this.marker = new Marker(this);
    this.rows = new Rows(this);
    this.tellSlice = paused(() => this._tell(), REST);
    this.tellWindow = paused(() => this._tell(), 4 * REST);
    this.tellMeasures = paused(() => this._tellMeasures(), REST);
    this.unlisten = measures.listen(() => { this.list.fill(); this.tellMeasures(); });
    this.watch = new ResizeObserver(paused(() => this._resized(), 60));
    this.watch.observe(this.stage);
    this.stage.addEventListener("wheel", (event) => this._wheel(event), { passive: false });
    this.stage.addEventListener("pointerdown", (event) => this._touched(event), { capture: true });
    this.stage.addEventListener("dblclick", () => this.tool === "window" && this.active.fit());
    this.data = component.data;
    this.component = component;
    this.pick("window");
    this._open(component.data.series);
  }

  get active() { return this.panes[this.focus ?? 0] ?? this.panes[0]; }

  /** A pane of each series that is shown. */
  get series() { return this.panes.filter((pane, at) => this.panes.findIndex((one) => one.facts.id === pane.facts.id) === at); }

  /** What the server says now. Nothing here moves the reader's slice, unless a new `go_to` asks for it. */
  take(component) {
    const { data } = component;
    this.component = component;
    this.data = data;
    this.root.style.height = data.height;
    this.root.classList.toggle("light", !data.dark);
    this.panes[0].layers.take(data.overlays);
    this.marker.take(data.marks);
    this.toolbar.follow();
    this.overlaid();
    this.strip.take(data.along);
    const asked = data.go_to?.[0] ?? null;
    if (asked !== null && asked !== this.went) this.panes[0].go(data.go_to[1]);
    this.went = asked;
    const [counter, number] = data.lay;
    if (counter !== this.laid && data.others[number]) this.toolbar.choose(number);
    this.laid = counter;
  }

  async _open(facts) {
    const pane = this._pane(facts);
    try {
      await pane.open();
      if (this.gone) return;
      this._restore(pane);
      this.list.fill();
      pane.viewport.render();
      this._link(pane);
      this.settled = true;
    } catch (error) { if (!this.gone) this._failed(error); }
  }

  /** Only then is it told what a picture holds: before, an empty list would take away what is kept. */
  _restore(pane) {
    measures.restore(pane.facts.id, pane.facts.measures);
    pane.restored = true;
  }

  _pane(facts) {
    const pane = new Pane(this.engine, this.group, facts, {
      slice: (one, slice, first) => this._moved(one, slice, first),
      window: (one, chosen) => this._windowed(one, chosen),
      loaded: () => this._loaded(),
      failed: () => this._failed(),
      drawn: (one, context, ratio) => {
        if (one !== this.panes[0]) return;
        this.marker.draw(one, context, ratio);
        this._shown();
      },
    });
    this.panes.push(pane);
    this.opened.add(facts.id);
    this.stage.append(pane.element);
    if (pane === this.panes[0]) this.marker.listen(pane);
    pane.element.addEventListener("pointerdown", () => { this.focus = this.panes.indexOf(pane); this._marked(); }, { capture: true });
    this._marked();
    return pane;
  }

  _marked() {
    this.panes.forEach((pane, i) => pane.element.classList.toggle("active", this.panes.length > 1 && i === (this.focus ?? 0)));
    this.toolbar.follow();
    this._bar();
  }

  /** A second picture: another series, or the same one again, without overlays. */
  async addBeside(facts) {
    this.planes?.close();
    this.panes.splice(1).forEach((pane) => pane.dispose());
    this.panes[0].said = null;
    this.layout = "two";
    const pane = this._pane({ ...facts, start: this._partner(facts) });
    if (facts.prior) {
      this.panes[0].said = () => facts.here;
      pane.said = () => [facts.said, this.linked ? told(this.panes[0], pane) : ""].filter(Boolean).join("\n");
    }
    this._resized();
    await pane.open();
    if (pane.gone) return;
    this._restore(pane);
    this.list.fill();
    this._resized();
    this.panes[0].fit();
    this._link(this.panes[0]);
    // numbers without a unit mean the same in one series only
    if (this.linked && (facts.unit || facts.id === this.panes[0].facts.id)) {
      ["window", "inverted"].forEach((what) => follow(pane, this.panes[0], what));
    }
  }

  alone() {
    this.planes?.close();
    this.panes[0].said = null;
    this.panes.splice(1).forEach((pane) => pane.dispose());
    this.focus = 0;
    this.layout = "one";
    this.list.fill();
    this._marked();
    this._resized();
  }

  async open3(mode, other) {
    this.panes[0].said = null;
    this.panes.splice(1).forEach((pane) => pane.dispose());
    this.focus = 0;
    this.planes?.close();
    this.planes = new Planes(this, mode, other);
    await this.planes.open();
  }

  _partner(facts) { return Math.min(this.panes[0].slice, facts.shape[0] - 1); }

  /** Other panes follow. */
  _link(leader) {
    if (!this.linked) return;
    for (const pane of this.panes) {
      if (pane === leader || pane.shown < 0) continue;
      const slice = partner(leader, pane);
      if (slice !== null) pane.go(slice);
    }
  }

  _moved(pane, slice, first) {
    if (pane !== this.panes[0] && this._linking) return;
    // one that has just been opened follows, it does not lead
    if (!first && !this._linking) { this._linking = true; this._link(pane); this._linking = false; }
    this._bar();
    if (!first) this.tellSlice();
    this.root.dataset.slice = this.panes[0].slice;
  }

  _windowed(pane, chosen) {
    if (chosen && this.linked && !this._spreading) {
      this._spreading = true;
      this.panes.forEach((other) => { if (other !== pane) follow(other, pane, chosen); });
      this._spreading = false;
    }
    if (pane === this.active) this.toolbar.follow();
    if (pane === this.panes[0] && this.settled) this.tellWindow();
  }

  _loaded() { this.root.dataset.loaded = this.panes.every((p) => p.store.loaded === p.store.count); this.list.late(); }

  _failed() { this.root.dataset.failed = "true"; }

  pick(tool) {
    this.tool = tool;
    const { MouseBindings } = tools.Enums;
    const names = { window: "WindowLevel", pan: "Pan", zoom: "Zoom" };
    const chosen = names[tool] ?? measures.KINDS[tool]?.tool;
    for (const name of [...Object.values(names), ...Object.values(measures.KINDS).map((k) => k.tool)]) this.group.setToolPassive(name);
    const bind = (name, ...buttons) => this.group.setToolActive(name, { bindings: buttons.map((mouseButton) => ({ mouseButton })) });
    if (chosen !== "WindowLevel") bind("WindowLevel", MouseBindings.Secondary);
    if (chosen !== "Pan") bind("Pan", MouseBindings.Auxiliary);
    if (chosen) {
      const own = { WindowLevel: MouseBindings.Secondary, Pan: MouseBindings.Auxiliary }[chosen];
      bind(chosen, MouseBindings.Primary, ...(own ? [own] : []));
    }
    this.root.classList.toggle("marking", tool === "mark");
    if (tool !== "mark") this.marker?.leave();
    this.toolbar?.follow();
  }

  /** Wheel: every notch is one slice, and a fine wheel adds up; Ctrl with it zooms. */
  _wheel(event) {
    if (event.target.closest?.(".planes")) return;
    event.preventDefault();
    const pane = this.panes.find((one) => one.element.contains(event.target)) ?? this.active;
    const notch = event.deltaMode === 1 ? event.deltaY / 3 : event.deltaMode === 2 ? event.deltaY : event.deltaY / 100;
    if (event.ctrlKey || event.metaKey || pane.store.count < 2) return pane.zoom(Math.exp(-notch * 0.2));
    if (Math.sign(notch) !== Math.sign(this.turned ?? 0)) this.turned = 0;
    this.turned = (this.turned ?? 0) + notch;
    const steps = Math.trunc(this.turned + 1e-6 * Math.sign(this.turned));
    // one notch of a coarse wheel may be a little less or more than 100: it still is one slice
    const whole = steps || (Math.abs(notch) >= 0.5 ? Math.sign(notch) : 0);
    if (!whole) return;
    this.turned = Math.abs(notch) >= 0.5 ? 0 : this.turned - whole;
    pane.step(whole);
  }

  _touched() { this.root.focus({ preventScroll: true }); }

  _bottom() {
    this.strip = new Strip(this);
    this.number_ = h("output");
    this.play = h("button", { title: "Cine (Space)", "aria-label": "Cine", onclick: () => this.cine.toggle() }, "▶");
    return h("div", { class: "bottom" }, this.play, this.strip.element, this.number_);
  }

  _bar() {
    const pane = this.active;
    if (!pane || !this.number_) return;
    this.number_.textContent = `${pane.slice + 1} / ${pane.store.count}`;
    this.bottom.hidden = pane.store.count < 2;
    if (!this.bottom.hidden) this.strip.follow();
  }

  _resized() {
    if (this.gone || !this.root.isConnected) return;
    if (!this.stage.clientWidth || !this.stage.clientHeight) return; // in a tab that is not shown
    this.engine.resize(true, true);
    this.panes.forEach((pane) => pane.redraw());
  }

  /** Where the reader rests: for answers about that slice, and pictures of reports in that window. */
  _tell() {
    const [pane] = this.panes, { centre, width } = pane.window;
    if (this.data.tells.slice) this.component.setStateValue("view", { slice: pane.slice, centre, width, inverted: pane.inverted });
  }

  /** What is drawn, in one line: the same line, the same picture. */
  _shown() {
    const [pane] = this.panes, { lower, upper } = edges(pane.window);
    this.root.dataset.shown = [pane.shown, lower, upper, pane.inverted, ...pane.layers.shown(pane.shown)].join(" ");
  }

  /** Switch an overlay on or off, wherever the reader asked for it. */
  toggle(layer) {
    this.panes[0].layers.toggle(layer);
    this.overlaid();
    this.panes[0].redraw();
  }

  /** Buttons that stand for overlays say what holds. */
  overlaid() { this.toolbar.overlays(); this.rows.follow(); }

  _tellMeasures() {
    if (!this.data.tells.measures) return;
    const restored = this.series.filter((pane) => pane.restored).map(({ facts }) => [facts.id, measures.list(facts.id)]);
    this.component.setStateValue("measures", Object.fromEntries(restored));
  }

  full() { document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen(); }

  dispose() {
    this.gone = true;
    this.tellSlice.stop();
    this.tellWindow.stop();
    this.tellMeasures.stop();
    this.cine.stop();
    this.keys.dispose();
    this.rows.dispose();
    this.strip.dispose();
    this.stop.abort();
    this.unlisten();
    this.watch.disconnect();
    this.planes?.close();
    this.panes.forEach((pane) => pane.dispose());
    this.opened.forEach((id) => measures.forget(id)); // also of pictures that were taken away before
    tools.ToolGroupManager.destroyToolGroup(this.group.id);
    this.engine.destroy();
    this.root.remove();
  }
}
