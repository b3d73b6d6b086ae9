// The row of tools over the picture, and the row of overlays.
import { stroke } from "./colours.js";
import { KINDS } from "./measures.js";
import { digits } from "./window.js";
import { h } from "./dom.js";

const NAVIGATE = { window: ["Window", "W"], pan: ["Move", "P"], zoom: ["Zoom", "Z"] };
const KEY_OF = { length: "D", angle: "A", rectangle: "B", ellipse: "E", freehand: "O" };
const ICONS = { window: "M8 4.5a3.5 3.5 0 1 0 .01 0zM8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.4 1.4M11.6 11.6 13 13M13 3l-1.4 1.4M4.4 11.6 3 13",
  pan: "M8 1v14M1 8h14M6 3l2-2 2 2M6 13l2 2 2-2M3 6 1 8l2 2M13 6l2 2-2 2", zoom: "M7 2a5 5 0 1 0 .01 0zM11 11l4 4M4.5 7h5M7 4.5v5",
  mark: "M8 5a3 3 0 1 0 .01 0zM8 1v4M8 11v4M1 8h4M11 8h4", length: "M2 14 14 2M2 10v4h4M10 2h4v4", angle: "M14 13H2L11 3M7 13a6 6 0 0 0-1.6-4", rectangle: "M2 4h12v8H2z",
  ellipse: "M2 8a6 4 0 1 0 12 0a6 4 0 1 0-12 0", freehand: "M3 11C1 5 7 1 10 4s5 2 4 6-8 6-11 1z" };

const icon = (path) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.innerHTML = `<path d="${path}" fill="none" stroke="currentColor" stroke-width="1.5"/>`;
  return svg;
};

export class Toolbar {
  constructor(viewer) {
    this.viewer = viewer;
    this.buttons = {};
    const button = (label, title, onclick, content) => h("button", { title, "aria-label": title, onclick }, content ?? label);
    const tool = (name, title, key, content) => (this.buttons[name] = button(title, `${title} (${key})`, () => viewer.pick(name), content));
    tool("mark", "Mark", "M", h("span", { class: "worded" }, icon(ICONS.mark), "Mark"));
    this.undo = button("Take the last change of the marks back", "Take the last change of the marks back (Ctrl + Z)", () => viewer.marker.undo(), icon("M6 3 2 7l4 4M2 7h8a4 4 0 0 1 0 8H8"));
    this.presets = h("select", { "aria-label": "Window", title: "Window presets (1 to 6)", onchange: () => this.preset(Number(this.presets.value)) });
    const field = (label, name) => h("input", { type: "number", step: "any", "aria-label": label, title: label,
      onchange: (event) => { const value = Number(event.target.value); if (event.target.value !== "" && Number.isFinite(value) && (name !== "width" || value > 0)) viewer.active.setWindow({ [name]: value, name: "" }); else this.follow(); } });
    this.width = field("Window width", "width");
    this.level = field("Window level", "centre");
    this.inverted = button("Invert", "Invert (I)", () => viewer.active.invert(), "◐");
    this.layouts = h("select", { "aria-label": "Layout", title: "Layout", onchange: () => this._layout() });
    this.link = button("Linked", "Link slices and windows of both pictures", () => { viewer.linked = !viewer.linked; this.follow(); }, "Linked");
    this.row = h("div", { class: "row", role: "toolbar", "aria-label": "Image tools" },
      this.presets, h("label", {}, "W", this.width), h("label", {}, "L", this.level), this.inverted, h("i", { class: "gap" }), this.buttons.mark, this.undo,
      ...Object.entries(NAVIGATE).map(([name, [title, key]]) => tool(name, title, key, icon(ICONS[name]))), h("i", { class: "gap" }),
      ...Object.entries(KINDS).map(([name, { title }]) => tool(name, title, KEY_OF[name], icon(ICONS[name]))), h("i", { class: "gap" }),
      button("Fit", "Fit to the frame (0)", () => viewer.active.fit()), button("1:1", "1:1, one pixel of the picture on one of the screen (9)", () => viewer.active.natural()),
      h("i", { class: "gap" }), this.layouts, this.link,
      button("Full screen", "Full screen (F)", () => viewer.full(), icon("M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4")),
      button("Keys", "Keys (?)", () => viewer.keys.toggle(), "?"));
    this.strength = h("input", { type: "range", min: "0", max: "100", value: "100", "aria-label": "Opacity of heat maps", title: "Opacity of heat maps",
      oninput: () => { const [pane] = viewer.panes; pane.strength = this.strength.value / 100; pane.redraw(); } });
    this.chips = h("div", { class: "row chips", role: "group", "aria-label": "Overlays", hidden: true });
    this.element = h("div", { class: "tools" }, this.row);
  }

  preset(number) {
    const pane = this.viewer.active, chosen = pane.facts.presets[number];
    if (chosen) pane.setWindow({ ...chosen });
  }

  /** Show what holds now. */
  follow() {
    const { viewer } = this, pane = viewer.active;
    if (!pane) return;
    for (const [name, button] of Object.entries(this.buttons)) button.setAttribute("aria-pressed", String(name === viewer.tool));
    if (this.of !== pane.facts.id) {
      this.of = pane.facts.id;
      this.presets.replaceChildren(...pane.facts.presets.map((one, i) => h("option", { value: i }, `${i < 6 ? `${i + 1}  ` : ""}${one.name}`)),
        h("option", { value: -1, hidden: true }, "own"));
    }
    this.presets.value = pane.facts.presets.findIndex((one) => one.name === pane.window.name && one.centre === pane.window.centre && one.width === pane.window.width);
    const places = Math.max(digits(pane.window.width), 0);
    for (const [input, name] of [[this.width, "width"], [this.level, "centre"]]) {
      if (input.getRootNode().activeElement !== input || !input.matches(":focus")) input.value = Number(pane.window[name].toFixed(places));
    }
    this.buttons.mark.hidden = this.undo.hidden = !viewer.marker?.offered;
    this.inverted.setAttribute("aria-pressed", String(pane.inverted !== pane.facts.inverted));
    this.link.hidden = viewer.panes.length < 2;
    this.link.setAttribute("aria-pressed", String(viewer.linked));
    this._offerLayouts();
  }

  _offerLayouts() {
    const { viewer } = this, { data } = viewer, main = data.series;
    const options = [["one", "One picture"], ["self", "Beside itself"]];
    data.others.forEach((other, i) => options.push([`beside-${i}`, `${other.prior ? other.said : "Beside"}: ${other.name}`]));
    if (main.volume) options.push(["planes", "Three planes"], ["mip", "Projection (MIP)"]);
    data.others.forEach((other, i) => {
      if (main.volume && other.volume && main.frame && main.frame === other.frame) options.push([`blend-${i}`, `Blend with: ${other.name}`]);
    });
    const now = options.join();
    if (this.offered !== now) {
      this.offered = now;
      this.layouts.replaceChildren(...options.map(([value, title]) => h("option", { value }, title)));
    }
    this.layouts.value = this.chosen ?? "one";
  }

  /** Lay one of the others beside the picture. */
  choose(number) {
    this.chosen = `beside-${number}`;
    this._offerLayouts();
    this.viewer.addBeside(this.viewer.data.others[number]);
  }

  _layout() {
    const { viewer } = this, { data } = viewer, [what, number] = this.layouts.value.split("-");
    this.chosen = this.layouts.value;
    if (what === "one") viewer.alone();
    else if (what === "self") viewer.addBeside(data.series);
    else if (what === "beside") viewer.addBeside(data.others[number]);
    else viewer.open3(what, data.others[number]);
    viewer.root.focus({ preventScroll: true });
  }

  /** The row of overlays: each with its colour and line, switched by a click; where rows of the page do that, those shown. */
  overlays() {
    const [pane] = this.viewer.panes, { marker, rows } = this.viewer;
    const all = pane.layers.all.filter((layer) => layer.on || !rows.stand(layer));
    this.chips.hidden = !all.length && !marker.list.length;
    const now = [...all.map((layer) => `${layer.told.id}${layer.told.name}${layer.on}`), marker.list.length > 0, marker.shown].join();
    if (now === this.shown) return;
    this.shown = now;
    const focused = this.chips.getRootNode().activeElement?.dataset?.id;
    const marks = marker.list.length ? [h("button", { "aria-pressed": String(marker.shown), "data-id": "marks", title: `${marker.shown ? "Hide" : "Show"} marks`,
      onclick: () => { marker.shown = !marker.shown; this.overlays(); pane.redraw(); } }, h("i", { class: "swatch markswatch" }), "Marks")] : [];
    this.chips.replaceChildren(...marks, ...all.map((layer) => this._chip(layer)), ...(all.some((layer) => layer.hot) ? [this.strength] : []));
    if (focused) this.chips.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  }

  _chip(layer) {
    const { told } = layer;
    const swatch = layer.hot ? h("i", { class: "swatch heatswatch" })
      : h("i", { class: "swatch", style: `background:${stroke(told)}` });
    return h("button", { "aria-pressed": String(layer.on), "data-id": told.id, title: `${layer.on ? "Hide" : "Show"}: ${told.name}`,
      onclick: () => this.viewer.toggle(layer) }, swatch, told.name);
  }

  /** All overlays off, or those on again that were. */
  hide() {
    const { marker } = this.viewer, [pane] = this.viewer.panes, on = pane.layers.all.filter((layer) => layer.on);
    const marks = marker.list.length > 0 && marker.shown;
    if (on.length || marks) {
      this.were = on.map((layer) => layer.told.id);
      on.forEach((layer) => { layer.on = false; });
      marker.shown = false;
    } else {
      pane.layers.all.forEach((layer) => { layer.on = this.were?.includes(layer.told.id) ?? false; });
      marker.shown = true;
    }
    this.viewer.overlaid();
    pane.redraw();
  }
}
