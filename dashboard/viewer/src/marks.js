// Marks of a reader: a click a point, a drag a box; in image pixels from the corner of the first pixel. The client has
// the list: every change is told whole and counted, and what the server says holds once it has seen the last one.

const COLOUR = "rgb(245, 200, 60)", CHOSEN = "rgb(255, 255, 255)";
const DRAG = 4; // CSS pixels that still are a click
const REACH = 9; // CSS pixels within which a mark is meant

const tenth = (value) => Math.round(value * 10) / 10;

export class Marker {
  constructor(viewer) {
    Object.assign(this, { viewer, list: [], count: 0, before: [], shown: true, offered: false, chosen: null, cursor: null, corner: null });
  }

  get on() { return this.offered && this.viewer.tool === "mark"; }

  /** What the server says: the marks, how many changes of ours it knows of, whether they may be changed, how many there may be. */
  take(told) {
    const { offered } = this;
    this.offered = Boolean(told?.may);
    this.most = told?.most ?? Infinity;
    if (offered && !this.offered && this.viewer.tool === "mark") this.viewer.pick("window");
    if (!told || told.count >= this.count) {
      this.count = Math.max(this.count, told?.count ?? 0);
      this._put(told?.marks ?? []);
    }
    this.viewer.panes[0]?.redraw();
  }

  _put(list) {
    const places = (marks) => JSON.stringify(marks.map(({ slice, x, y, width, height }) => [slice, x, y, width ?? 0, height ?? 0]));
    const same = places(list) === places(this.list);
    this.list = list;
    if (same) return;
    this.before = [];
    this.chosen = null;
  }

  /** Take a new list and tell it. */
  _change(list) {
    this.before.push(this.list);
    this.list = list;
    this._tell();
  }

  _tell() {
    this.count += 1;
    this.chosen = null;
    this.viewer.component.setStateValue("marks", { count: this.count, list: this.list });
    this.viewer.toolbar.overlays();
    this.viewer.panes[0]?.redraw();
  }

  undo() {
    if (!this.offered || !this.before.length) return;
    this.list = this.before.pop();
    this._tell();
  }

  erase() {
    if (!this.offered || this.chosen === null) return false;
    this._change(this.list.filter((_, number) => number !== this.chosen));
    return true;
  }

  _add(from, to) {
    if (this.list.length >= this.most) return;
    const [left, right] = [from[0], to[0]].sort((a, b) => a - b), [top, bottom] = [from[1], to[1]].sort((a, b) => a - b);
    const { shown } = this.viewer.panes[0];
    const mark = right - left >= 0.1 && bottom - top >= 0.1
      ? { slice: shown, x: tenth(left), y: tenth(top), width: tenth(right - left), height: tenth(bottom - top) }
      : { slice: shown, x: tenth(from[0]), y: tenth(from[1]) };
    this._change([...this.list, mark]);
  }

  // pointer

  listen(pane) {
    const stopped = (event) => { if (this.on && this._button(event)) event.stopPropagation(); };
    for (const name of ["mousedown", "touchstart"]) pane.element.addEventListener(name, stopped, { capture: true });
    pane.element.addEventListener("pointerdown", (event) => this._down(event, pane));
    pane.element.addEventListener("pointermove", (event) => this._move(event));
    pane.element.addEventListener("pointerup", (event) => this._up(event));
    pane.element.addEventListener("pointercancel", () => { this.held = null; this._draft(null); });
  }

  // the other buttons window and move while marks are set, two fingers zoom
  _button(event) { return event.touches ? event.touches.length < 2 : event.button === 0; }

  _at(event, pane) {
    const box = pane.view.getBoundingClientRect();
    const [column, row] = pane.pixelAt(event.clientX - box.left, event.clientY - box.top);
    return this._within(column + 0.5, row + 0.5, pane);
  }

  _within(x, y, { store }) { return [Math.min(Math.max(x, 0), store.width), Math.min(Math.max(y, 0), store.height)]; }

  _down(event, pane) {
    if (!this.on || event.button !== 0 || !event.isPrimary || pane.shown < 0 || pane !== this.viewer.panes[0]) return;
    try { pane.element.setPointerCapture(event.pointerId); } catch { /* the pointer is gone already */ }
    const box = pane.view.getBoundingClientRect(), place = this._at(event, pane);
    const number = this._near(pane, event.clientX - box.left, event.clientY - box.top);
    this.held = { place, x: event.clientX, y: event.clientY, pane, number };
  }

  _move(event) {
    if (!this.held) return;
    const { held } = this, at = this._at(event, held.pane);
    if (Math.hypot(event.clientX - held.x, event.clientY - held.y) > DRAG) held.dragged = true;
    if (held.dragged) this._draft(held.number === null ? boxOf(held.place, at) : this._moved(held, at));
  }

  _up(event) {
    if (!this.held) return;
    const { held } = this, at = this._at(event, held.pane);
    this.held = null;
    this._draft(null);
    if (held.number !== null && held.dragged) {
      this._change(this.list.map((mark, number) => (number === held.number ? this._moved(held, at) : mark)));
    } else if (held.number !== null) this.chosen = held.number === this.chosen ? null : held.number;
    else if (this.chosen !== null && !held.dragged) this.chosen = null;
    else this._add(held.place, held.dragged ? at : held.place);
    held.pane.redraw();
  }

  _moved({ place, number, pane }, at) {
    const mark = this.list[number], { width, height } = pane.store;
    const within = (value, most) => tenth(Math.min(Math.max(value, 0), most));
    return { ...mark, x: within(mark.x + at[0] - place[0], width - (mark.width ?? 0)), y: within(mark.y + at[1] - place[1], height - (mark.height ?? 0)) };
  }

  _draft(mark) {
    this.draft = mark;
    this.viewer.panes[0]?.redraw();
  }

  /** Which mark of the slice a place on the screen means; null for none. */
  _near(pane, x, y) {
    for (let number = this.list.length - 1; number >= 0; number--) {
      const mark = this.list[number];
      if (mark.slice !== pane.shown) continue;
      const [left, top] = pane.canvasAt(mark.x - 0.5, mark.y - 0.5);
      if (!mark.width) { if (Math.hypot(x - left, y - top) <= REACH) return number; continue; }
      const [right, bottom] = pane.canvasAt(mark.x + mark.width - 0.5, mark.y + mark.height - 0.5);
      const away = Math.max(left - x, x - right, top - y, y - bottom); // below 0 inside
      if (Math.abs(away) <= REACH) return number;
    }
    return null;
  }

  // keyboard: Shift and arrows move a cross, Enter sets a corner there, and a second one the other

  steer(dx, dy, fast) {
    if (!this.on) return;
    const [pane] = this.viewer.panes, by = fast ? 4 : 1;
    const [x, y] = this.cursor ?? [pane.store.width / 2, pane.store.height / 2];
    this.cursor = this.cursor ? this._within(x + dx * by, y + dy * by, pane) : [x, y];
    this._draft(this.corner && boxOf(this.corner, this.cursor));
  }

  enter() {
    if (!this.on || !this.cursor) return;
    if (!this.corner) { this.corner = this.cursor; return this._draft(null); }
    const { corner, cursor } = this;
    this.corner = null;
    this.draft = null;
    this._add(corner, cursor);
  }

  leave() { this.cursor = this.corner = this.chosen = null; this._draft(null); }

  // drawing

  draw(pane, context, ratio) {
    context.save();
    context.lineWidth = 2 * ratio;
    context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
    const corner = (x, y) => pane.canvasAt(x - 0.5, y - 0.5).map((v) => v * ratio);
    const held = this.held?.dragged ? this.held.number : null;
    if (this.shown) this.list.forEach((mark, number) => {
      if (mark.slice === pane.shown && number !== held) one(context, corner, ratio, mark, mark.label ?? `${number + 1}`, number === this.chosen ? CHOSEN : COLOUR);
    });
    if (this.draft) one(context, corner, ratio, this.draft, "", CHOSEN);
    if (this.on && this.cursor) cross(context, corner(...this.cursor), ratio, this.corner ? CHOSEN : COLOUR);
    context.restore();
  }
}

function boxOf(a, b) {
  return { x: Math.min(a[0], b[0]), y: Math.min(a[1], b[1]), width: Math.abs(a[0] - b[0]), height: Math.abs(a[1] - b[1]) };
}

function one(context, corner, ratio, mark, label, colour) {
  const [x, y] = corner(mark.x, mark.y), r = 7 * ratio;
  context.strokeStyle = context.fillStyle = colour;
  context.shadowColor = "#000";
  context.shadowBlur = 3 * ratio;
  let beside = x + 2 * r + 3 * ratio;
  if (mark.width) {
    const [u, v] = corner(mark.x + mark.width, mark.y + mark.height);
    context.strokeRect(x, y, u - x, v - y);
    beside = u + 4 * ratio;
  } else {
    context.beginPath();
    context.arc(x, y, r, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) { context.moveTo(x + dx * r, y + dy * r); context.lineTo(x + 2 * dx * r, y + 2 * dy * r); }
    context.stroke();
  }
  if (label) context.fillText(label, beside, y + 5 * ratio);
}

function cross(context, [x, y], ratio, colour) {
  const r = 12 * ratio;
  context.strokeStyle = colour;
  context.beginPath();
  for (const [dx, dy] of [[r, 0], [0, r]]) { context.moveTo(x - dx, y - dy); context.lineTo(x + dx, y + dy); }
  context.stroke();
}
