// The measurements of the series in a column beside the picture: a click goes to one, a cross takes it away.
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
    const { viewer } = this, [pane] = viewer.panes;
    if (!pane || viewer.gone) return;
    this.all = measures.list(pane.facts.id);
    this.rows.replaceChildren(...this.all.map((one) => h("li", {},
      h("button", { class: "go", onclick: () => { pane.go(one.slice); this.choose(one.id); } },
        h("b", {}, measures.KINDS[one.kind].title + (pane.store.count > 1 ? `, slice ${one.slice + 1}` : "")), h("span", {}, one.text)),
      h("button", { class: "drop", title: "Remove", "aria-label": `Remove ${one.kind}`, onclick: () => this.remove(one.id) }, "×"))));
    this.element.hidden = !this.all.length;
  }

  /** Slices came late: numbers that needed them are worked out again. */
  late() { if (this.all.some((one) => one.values.peak === null || one.values.n === 0)) this.fill(); }

  choose(id) {
    tools.annotation.selection.setAnnotationSelected(id, true);
    this.viewer.panes[0].viewport.render();
  }

  remove(id) {
    measures.remove(id);
    this.viewer.panes.forEach((pane) => pane.viewport.render());
  }

  removeChosen() { (tools.annotation.selection.getAnnotationsSelected() ?? []).forEach((id) => this.remove(id)); }
}
