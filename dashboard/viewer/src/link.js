// How another picture follows the one that leads: to its slice, by place or by its share of the stack, and in its window.
import { dot } from "./geometry.js";

const ACROSS = 0.7; // cosine between normals under which two stacks are cut in different planes

const along = (leader, pane) => (leader.geometry.known && pane.geometry.known ? dot(leader.geometry.normal, pane.geometry.normal) : 1);

/** "place" in one frame of reference; between two examinations "share"; "slice" for stacks of one length; else "". */
export function way(leader, pane) {
  if (pane.frame === leader.frame && pane.geometry.known) return "place";
  if (pane.facts.prior || leader.facts.prior) return Math.abs(along(leader, pane)) < ACROSS ? "" : "share";
  return pane.store.count === leader.store.count ? "slice" : "";
}

/** The slice that belongs to the leader's; null where none does. */
export function partner(leader, pane) {
  const how = way(leader, pane), { width, height, count } = leader.store;
  if (how === "place") return pane.geometry.nearest(leader.geometry.world((width - 1) / 2, (height - 1) / 2, leader.slice))[0];
  if (how === "slice") return leader.slice;
  if (how !== "share") return null;
  const share = count > 1 ? leader.slice / (count - 1) : 0;
  return Math.round((along(leader, pane) < 0 ? 1 - share : share) * (pane.store.count - 1));
}

/** What a reader must know of the link between two examinations; nothing while they are not linked. */
export function told(leader, pane) {
  return { place: "linked by place", share: "linked by share of the stack: no common frame of reference",
    "": "slices not linked: other planes" }[way(leader, pane)] ?? "";
}

/** A picture of the same unit and modality takes the window of another, or whether that one is inverted. */
export function follow(pane, leader, what) {
  const { facts, window } = leader;
  if (pane.facts.unit !== facts.unit || pane.facts.modality !== facts.modality) return;
  if (what === "inverted") {
    const turned = leader.inverted !== facts.inverted;
    if (turned !== (pane.inverted !== pane.facts.inverted)) pane.invert();
    return;
  }
  // "as stored" or "automatic" is each picture's own
  const own = window.name && pane.facts.presets.find((one) => one.name === window.name);
  pane.setWindow(own ? { ...own } : window.name ? { ...window } : { centre: window.centre, width: window.width, name: "" });
}
