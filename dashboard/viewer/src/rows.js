// Buttons on the page beside the viewer that lay something over the picture: every `data-layer`, in the table of models.

export class Rows {
  constructor(viewer) {
    this.viewer = viewer;
    this.stop = new AbortController();
    document.addEventListener("click", (event) => this._clicked(event), { signal: this.stop.signal });
    // the page draws its tables anew whenever it likes: what they say of the picture is set right before they are seen
    this.watch = new MutationObserver(() => this.viewer.overlaid());
    this.watch.observe(document.body, { childList: true, subtree: true });
    document.addEventListener("fullscreenchange", () => this.viewer.overlaid(), { signal: this.stop.signal });
  }

  /** Whether a row of the page stands for a layer, where it can be seen beside the picture: on a phone it lies far below. */
  stand(layer) {
    if (document.fullscreenElement || matchMedia("(max-width: 760px)").matches) return false;
    return Boolean(document.querySelector(`button[data-layer="${CSS.escape(layer.told.id)}"]`)?.checkVisibility());
  }

  layer(button) { return this.viewer.panes[0]?.layers.byId.get(button.dataset.layer); }

  /** Say of every button whether what it stands for is there, and whether it is shown. */
  follow() {
    for (const button of document.querySelectorAll("button[data-layer]")) {
      const layer = this.layer(button), pressed = String(Boolean(layer?.on));
      if (button.disabled !== !layer) button.disabled = !layer;
      if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
    }
  }

  /** A button, or elsewhere in a model's row: then the first of the row. */
  _clicked(event) {
    const { target } = event;
    if (!(target instanceof Element)) return;
    const reading = !getSelection().isCollapsed || target.closest("a, button, input"); // text is chosen, or something else is meant
    const row = reading ? null : target.closest(".or-table tr");
    const button = target.closest("button[data-layer]") ?? row?.querySelector("button[data-layer]:not(:disabled)");
    const layer = button && this.layer(button);
    if (layer) this.viewer.toggle(layer);
  }

  dispose() { this.stop.abort(); this.watch.disconnect(); }
}
