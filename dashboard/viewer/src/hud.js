// What is written around a picture: sides, scale, window, place, name, value under the cursor, what is still loading.
import { MAGMA, css } from "./colours.js";
import { letters, roundLength } from "./geometry.js";
import { digits } from "./window.js";
import { h } from "./dom.js";

export class Hud {
  constructor(element, pane) {
    this.pane = pane;
    const part = (name, extra = {}) => { const made = h("div", { class: `hud ${name}`, ...extra }); element.append(made); return made; };
    this.sides = Object.fromEntries(["top", "right", "bottom", "left"].map((side) => [side, part(`side ${side}`)]));
    this.name = part("name");
    this.examined = part("examined");
    this.where = part("where");
    this.level = part("level");
    this.under = part("under", { "aria-live": "off" });
    this.scale = h("div", { class: "hud scale" }, h("span"), h("i"));
    this.heat = h("div", { class: "hud heat", hidden: true }, h("span", {}, "1"), h("i"), h("span", {}, "0"));
    this.lacks = part("lacks", { "aria-live": "polite" });
    const stops = [1, 0.75, 0.5, 0.25, 0].map((v) => css([...MAGMA.slice(3 * Math.round(255 * v), 3 * Math.round(255 * v) + 3)]));
    this.heat.querySelector("i").style.background = `linear-gradient(${stops.join(",")})`;
    this.bar = h("div", { class: "loading" }, h("i"));
    element.append(this.scale, this.heat, this.bar);
    this.loading();
  }

  loading() {
    const { loaded, count, failed } = this.pane.store;
    this.bar.hidden = loaded >= count;
    this.bar.firstChild.style.width = `${(100 * loaded) / count}%`;
    if (failed && loaded < count) this.where.textContent = "not all slices came: reload the page";
  }

  waiting(is) { this.under.textContent = is ? "loading this slice …" : ""; }
  value(text) { this.under.textContent = text; }

  /** A value as a reader says it: "43 HU at 120, 88". */
  said(found) {
    if (!found) return "";
    const { facts } = this.pane;
    const whole = facts.kind !== "<f4";
    const shown = found.value === null ? "no image here"
      : `${whole ? found.value : found.value.toFixed(Math.max(2, digits(facts.range[1] - facts.range[0])))} ${facts.unit || "as stored"}`;
    return `${shown} · column ${found.column}, row ${found.row}`;
  }

  text() {
    const { window, facts, inverted } = this.pane;
    const places = digits(window.width);
    this.level.textContent = `W ${window.width.toFixed(places)}  L ${window.centre.toFixed(places)}`
      + (window.name ? `  ${window.name}` : "") + (inverted !== facts.inverted ? "  inverted" : "");
  }

  update() {
    const { pane } = this, { geometry, facts, shown } = pane;
    this.name.textContent = facts.name;
    this.examined.textContent = pane.said?.() ?? "";
    this.where.textContent = (facts.shape[0] > 1 ? `${shown + 1} / ${facts.shape[0]}` : "") + (facts.plane ? `  ${facts.plane}` : "")
      + (facts.sides.length ? `  ${facts.sides[shown] ?? ""}` : "");
    const { hot } = pane.layers;
    this.heat.hidden = !hot;
    this.lacks.textContent = hot ? hot.missing(shown) : "";
    // a view from the side has no place, but its edges have: the viewer has walked about the body axis
    const angle = facts.angles[shown] * Math.PI / 180, turned = facts.angles.length > 0;
    const row = turned ? [Math.cos(angle), Math.sin(angle), 0] : geometry.row, column = turned ? [0, 0, -1] : geometry.column;
    const known = turned || geometry.known;
    const names = known ? { right: row, left: row.map((v) => -v), bottom: column, top: column.map((v) => -v) } : {};
    for (const [side, element] of Object.entries(this.sides)) element.textContent = names[side] ? letters(names[side]) : "";
    if (!known) this.sides.left.textContent = "side unknown";
    this.sides.left.classList.toggle("unknown", !known);
    this._scale();
    if (!this.level.textContent) this.text();
  }

  _scale() {
    const { pane } = this;
    const [bar, line] = [this.scale.firstChild, this.scale.lastChild];
    if (!pane.geometry.scaled) { bar.textContent = "no scale"; line.hidden = true; return; }
    const mm = roundLength(Math.min(pane.view.clientWidth * 0.3, 220) * pane.perPixel);
    line.style.width = `${mm / pane.perPixel}px`;
    bar.textContent = mm >= 10 ? `${mm / 10} cm` : `${mm} mm`;
    this.scale.dataset.mm = mm;
  }
}
