// Marks that the reader sets: a click a point, a drag a box; in image pixels from the corner of the first pixel.
import { h } from "./dom.js";

const COLOUR = "rgb(245, 200, 60)";
const DRAG = 4; // CSS pixels that still are a click

export class Marker {
  constructor(viewer) {
    this.viewer = viewer;
    this.glass = h("div", { class: "glass", hidden: true });
    this.glass.onpointerdown = (event) => this._down(event);
    this.glass.onpointermove = (event) => this._move(event);
    this.glass.onpointerup = (event) => this._up(event);
    this.glass.onpointercancel = () => { this.from = null; };
    this.glass.oncontextmenu = (event) => event.preventDefault();
  }

  set(on) {
    const [pane] = this.viewer.panes;
    if (this.glass.parentElement !== pane.element) pane.element.append(this.glass);
    this.glass.hidden = !on;
    pane.redraw();
  }

  _at(event) {
    const [pane] = this.viewer.panes, box = pane.view.getBoundingClientRect();
    const [column, row] = pane.pixelAt(event.clientX - box.left, event.clientY - box.top);
    const within = (value, size) => Math.min(Math.max(value + 0.5, 0), size);
    return [within(column, pane.store.width), within(row, pane.store.height)];
  }

  _down(event) {
    if (event.button !== 0 || this.viewer.panes[0].shown < 0) return;
    this.glass.setPointerCapture(event.pointerId);
    this.from = { place: this._at(event), x: event.clientX, y: event.clientY };
  }

  _move(event) {
    if (!this.from) return;
    this.box = [this.from.place, this._at(event)];
    this.viewer.panes[0].draft = this.box;
    this.viewer.panes[0].redraw();
  }

  _up(event) {
    if (!this.from) return;
    const { place, x, y } = this.from, to = this._at(event), [pane] = this.viewer.panes;
    const dragged = Math.hypot(event.clientX - x, event.clientY - y) > DRAG;
    const tenth = (value) => Math.round(value * 10) / 10;
    const [left, right] = [place[0], to[0]].sort((a, b) => a - b), [top, bottom] = [place[1], to[1]].sort((a, b) => a - b);
    const mark = dragged && right > left && bottom > top
      ? { x: tenth(left), y: tenth(top), width: tenth(right - left), height: tenth(bottom - top) }
      : { x: tenth(place[0]), y: tenth(place[1]) };
    this.from = null;
    pane.draft = null;
    this.viewer.component.setTriggerValue("mark", { ...mark, slice: pane.shown });
  }
}

/** Draw the marks of the slice in view, and the box that is being drawn. */
export function draw(pane, context, ratio, marks) {
  context.save();
  context.strokeStyle = COLOUR;
  context.lineWidth = 2 * ratio;
  const corner = (x, y) => pane.canvasAt(x - 0.5, y - 0.5).map((v) => v * ratio);
  const box = (a, b) => { const [x, y] = corner(...a), [u, v] = corner(...b); context.strokeRect(x, y, u - x, v - y); };
  for (const mark of marks) {
    if (mark.slice !== pane.shown) continue;
    if (mark.width) { box([mark.x, mark.y], [mark.x + mark.width, mark.y + mark.height]); continue; }
    const [x, y] = corner(mark.x, mark.y), r = 7 * ratio;
    context.beginPath();
    context.arc(x, y, r, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) { context.moveTo(x + dx * r, y + dy * r); context.lineTo(x + 2 * dx * r, y + 2 * dy * r); }
    context.stroke();
  }
  if (pane.draft) box(...pane.draft);
  context.restore();
}
