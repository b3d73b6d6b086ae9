// What the page calls: `warm` before there is anything to show, `update` on every run with what the server says, `dispose`
// when the place on the page is gone.
import { begin, prepare } from "./engine.js";
import { Viewer } from "./viewer.js";

const viewers = new Map();

export function warm() {
  begin();
  prepare();
}

export function update(component) {
  const { parentElement, data } = component;
  let viewer = viewers.get(parentElement);
  if (viewer && viewer.owner !== data.owner) { viewer.dispose(); viewer = null; }
  if (!viewer) { viewer = new Viewer(parentElement, component); viewers.set(parentElement, viewer); }
  steady(parentElement);
  viewer.take(component);
}

/** Streamlit greys what a run has not confirmed yet; a picture that somebody reads on stays as it is. */
function steady(parentElement) {
  const host = parentElement.getRootNode().host ?? parentElement;
  host.closest("[data-testid=stElementContainer]")?.style.setProperty("opacity", "1", "important");
}

export function dispose(parentElement) {
  viewers.get(parentElement)?.dispose();
  viewers.delete(parentElement);
}
