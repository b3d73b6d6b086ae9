// Plays the stack forth and back to the beginning, as fast as it is asked and no faster than it is drawn.

export function cine(viewer) {
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; viewer.play.textContent = "▶"; };
  const start = () => {
    viewer.play.textContent = "❚❚";
    timer = setInterval(() => {
      const pane = viewer.active;
      if (document.hidden || pane.busy) return;
      pane.go(pane.slice + 1 < pane.store.count ? pane.slice + 1 : 0);
    }, 1000 / 12);
  };
  return { stop, toggle: () => (timer ? stop() : viewer.active.store.count > 1 && start()) };
}
