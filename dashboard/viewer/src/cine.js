// Plays the stack to its end and again from the beginning, as fast as it is asked and no faster than it is drawn. Views of
// a half turn are played to and fro, slower: from the last to the first the body would jump into its mirror image.

const SLICES = 12, SIDES = 6; // a second

export function cine(viewer) {
  let timer = null, step = 1;
  const stop = () => { clearInterval(timer); timer = null; viewer.play.textContent = "▶"; };
  const start = () => {
    viewer.play.textContent = "❚❚";
    timer = setInterval(() => {
      const pane = viewer.active;
      if (document.hidden || pane.busy) return;
      const { count } = pane.store, turns = pane.facts.sides.length > 0;
      if (!turns) step = 1;
      else if (pane.slice + step < 0 || pane.slice + step >= count) step = -step;
      pane.go(pane.slice + step < count ? pane.slice + step : 0);
    }, 1000 / (viewer.active.facts.sides.length ? SIDES : SLICES));
  };
  return { stop, toggle: () => (timer ? stop() : viewer.active.store.count > 1 && start()) };
}
