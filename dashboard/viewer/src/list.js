// The measurements of the series on the screen in a column beside the picture: a click goes to one, a cross takes it away.
import * as measures from "./measures.js";
import { tools } from "./engine.js";
import { h } from "./dom.js";

export class MeasureList {
  constructor(viewer) {
    this.viewer = viewer;
    this.rows = h("ol");
    this.element = h("div", { class: "list", hidden: true }, h("h4", {}, "Measurements"), this.rows);
    this.all = [];
  }

  fill() {
    const { viewer } = this;
    if (!viewer.panes.length || viewer.gone) return;
    this.all = viewer.series.flatMap((pane) => measures.list(pane.facts.id));
    this.rows.replaceChildren(...viewer.series.flatMap((pane) => measures.list(pane.facts.id).map((one) => this._row(pane, one))));
    this.element.hidden = !this.all.length;
  }

  _row(pane, one) {
    const where = (pane.store.count > 1 ? `, slice ${one.slice + 1}` : "") + (pane === this.viewer.panes[0] ? "" : `, ${pane.facts.said || pane.facts.name}`);
    return h("li", {},
      h("button", { class: "go", onclick: () => { pane.go(one.slice); this.choose(one.id); } },
        h("b", {}, measures.KINDS[one.kind].title + where), h("span", {}, one.text)),
      h("button", { class: "drop", title: "Remove", "aria-label": `Remove ${one.kind}`, onclick: () => this.remove(one.id) }, "×"));
  }

  /** Slices came late: numbers that needed them are worked out again. */
  late() { if (this.all.some((one) => one.values.peak === null || one.values.n === 0)) this.fill(); }

  choose(id) {
    tools.annotation.selection.setAnnotationSelected(id, true);
    this.viewer.panes.forEach((pane) => pane.viewport?.render());
  }

  remove(id) {
    measures.remove(id);
    this.viewer.panes.forEach((pane) => pane.viewport.render());
  }

  removeChosen() { (tools.annotation.selection.getAnnotationsSelected() ?? []).forEach((id) => this.remove(id)); }
}
