// Keys of the viewer, and the sheet that lists them.
import { h } from "./dom.js";

// What has the focus and wants these keys for itself.
const TAKES = "input, textarea, select, iframe, dialog, [role=slider], [role=radio], [role=tab], [role=combobox], "
  + "[role=listbox], [role=dialog], [role=grid], [contenteditable=true]";

const SHEET = [
  ["Wheel, ↑ ↓ ← →", "slices; Page Up and Down: ten; Home, End"],
  ["Right button and drag", "window: sideways width, up and down level"],
  ["1 … 6", "window presets"],
  ["I", "invert"],
  ["Middle button and drag", "move the picture; Ctrl + wheel, + −: zoom"],
  ["0 or double click", "fit; 9: one pixel on one pixel"],
  ["W  P  Z", "left button: window, move, zoom"],
  ["D  A  B  E  O", "left button: length, angle, rectangle, ellipse, outline"],
  ["Delete", "take the chosen measurement or mark away"],
  ["M", "left button: mark; a click is a point, a drag a box, on a mark it moves it; a click chooses it"],
  ["Shift + arrows, Enter", "mark: a cross, a corner, the other corner (the same place twice: a point)"],
  ["Ctrl + Z", "take the last change of the marks back"],
  ["Space", "cine"],
  ["H", "overlays off and on"],
  ["F", "full screen"],
  ["?", "this sheet"],
];

export class Keys {
  constructor(viewer) {
    this.viewer = viewer;
    this.stop = new AbortController();
    this.sheet = h("div", { class: "sheet", role: "dialog", "aria-label": "Keys", hidden: true },
      h("h4", {}, "Keys"),
      h("dl", {}, ...SHEET.flatMap(([key, what]) => [h("dt", {}, key), h("dd", {}, what)])),
      h("button", { onclick: () => this.toggle() }, "Close"));
    viewer.root.append(this.sheet);
    viewer.root.addEventListener("keydown", (event) => this._inside(event), { signal: this.stop.signal });
    document.addEventListener("keydown", (event) => this._anywhere(event), { signal: this.stop.signal });
  }

  dispose() { this.stop.abort(); }

  toggle() {
    this.sheet.hidden = !this.sheet.hidden;
    (this.sheet.hidden ? this.viewer.root : this.sheet.querySelector("button")).focus();
  }

  _inside(event) {
    if (event.altKey || ((event.ctrlKey || event.metaKey) && event.key !== "z")) return;
    const typed = event.target.closest?.("input, select, textarea");
    if (typed && event.key !== "Escape") { event.stopPropagation(); return; }
    if (event.target.closest?.("button") && ["Enter", " "].includes(event.key)) return; // the button's own
    const act = this._action(event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  /** Left and right step through the slices from anywhere on the page, unless what has the focus wants them. */
  _anywhere(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.defaultPrevented) return;
    if (!this.viewer.root.isConnected || !this.viewer.root.checkVisibility?.()) return;
    if (document.activeElement?.closest(TAKES) || document.querySelector("[role=dialog]:not([hidden])")) return;
    event.preventDefault();
    this.viewer.active.step(by);
  }

  _action({ key, ctrlKey, metaKey, shiftKey, repeat }) {
    const { viewer } = this, pane = viewer.active, { marker } = viewer;
    if (ctrlKey || metaKey) return marker.offered ? () => marker.undo() : null;
    const steered = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (marker.on && shiftKey && steered) return () => marker.steer(...steered, repeat);
    if (marker.on && key === "Enter") return () => marker.enter();
    const tools = { ...(marker.offered ? { m: "mark" } : {}), w: "window", p: "pan", z: "zoom", d: "length", a: "angle", b: "rectangle", e: "ellipse", o: "freehand" };
    const actions = {
      ArrowLeft: () => pane.step(-1), ArrowUp: () => pane.step(-1), ArrowRight: () => pane.step(1), ArrowDown: () => pane.step(1),
      PageUp: () => pane.step(-10), PageDown: () => pane.step(10), Home: () => pane.go(0), End: () => pane.go(Infinity),
      "+": () => pane.zoom(1.25), "=": () => pane.zoom(1.25), "-": () => pane.zoom(0.8), 0: () => pane.fit(), 9: () => pane.natural(),
      i: () => pane.invert(), " ": () => viewer.cine.toggle(), f: () => viewer.full(), h: () => viewer.toolbar.hide(),
      "?": () => this.toggle(), Escape: () => (this.sheet.hidden ? marker.leave() : this.toggle()),
      Delete: () => marker.erase() || viewer.list.removeChosen(), Backspace: () => marker.erase() || viewer.list.removeChosen(),
    };
    if (/^[1-6]$/.test(key)) return () => viewer.toolbar.preset(Number(key) - 1);
    const lower = key.length === 1 ? key.toLowerCase() : key;
    return tools[lower] ? () => viewer.pick(tools[lower]) : actions[lower];
  }
}
