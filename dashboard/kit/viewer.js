export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const frame = parentElement.querySelector(".frame");
  const image = parentElement.querySelector("img");
  const zoomLabel = parentElement.querySelector(".zoom");
  const view = (frame.overread ??= { scale: 1, x: 0, y: 0, pointers: new Map(), owner: null, wheel: 0 });

  if (view.owner !== data.owner) Object.assign(view, { owner: data.owner, scale: 1, x: 0, y: 0 });
  image.src = data.src;
  image.dataset.digest = data.digest;
  image.alt = data.alt;
  frame.setAttribute("aria-label", data.label);
  image.style.imageRendering = data.pixelated ? "pixelated" : "auto";
  parentElement.querySelector(".corner.left").textContent = data.corner_left;
  parentElement.querySelector(".corner.right").textContent = data.corner_right;

  const apply = () => {
    const width = frame.clientWidth, height = frame.clientHeight;
    const limitX = Math.max(0, (view.scale - 1) * width / 2), limitY = Math.max(0, (view.scale - 1) * height / 2);
    view.x = Math.min(limitX, Math.max(-limitX, view.x));
    view.y = Math.min(limitY, Math.max(-limitY, view.y));
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    zoomLabel.textContent = `${Math.round(view.scale * 100)} %`;
    frame.style.cursor = view.scale > 1 ? "grab" : "default";
    frame.style.touchAction = view.scale > 1 ? "none" : "pan-y";
  };
  const zoom = (factor, atX = 0, atY = 0) => {
    const next = Math.min(12, Math.max(1, view.scale * factor));
    const ratio = next / view.scale;
    view.x = atX - (atX - view.x) * ratio;
    view.y = atY - (atY - view.y) * ratio;
    view.scale = next;
    apply();
  };
  const fit = () => { Object.assign(view, { scale: 1, x: 0, y: 0 }); apply(); };
  const step = (by) => { if (data.slices > 1) setTriggerValue("step", by); };
  const fromCentre = (event) => {
    const box = frame.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  };

  frame.onwheel = (event) => {
    const pinch = event.ctrlKey || event.metaKey;
    // Without focus the wheel scrolls the page, as a reader expects of a page.
    if (!pinch && !frame.matches(":focus-within, :focus")) return;
    event.preventDefault();
    if (pinch || data.slices < 2) return zoom(Math.exp(-event.deltaY * 0.002), ...fromCentre(event));
    view.wheel += event.deltaY;
    if (Math.abs(view.wheel) >= 60) { step(Math.sign(view.wheel)); view.wheel = 0; }
  };
  const spread = () => {
    const [a, b] = [...view.pointers.values()];
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  };
  frame.onpointerdown = (event) => {
    if (event.target.closest("button")) return;
    frame.focus({ preventScroll: true });
    view.pointers.set(event.pointerId, event);
    if (view.scale > 1 || view.pointers.size > 1) frame.setPointerCapture(event.pointerId);
  };
  frame.onpointermove = (event) => {
    const before = view.pointers.get(event.pointerId);
    if (!before) return;
    if (view.pointers.size === 2) {
      const old = spread();
      view.pointers.set(event.pointerId, event);
      return zoom(spread() / Math.max(old, 1));
    }
    view.x += event.clientX - before.clientX;
    view.y += event.clientY - before.clientY;
    view.pointers.set(event.pointerId, event);
    apply();
  };
  const release = (event) => view.pointers.delete(event.pointerId);
  Object.assign(frame, { onpointerup: release, onpointercancel: release, onpointerleave: release });
  frame.ondblclick = (event) => (event.target.closest("button") ? null : view.scale > 1 ? fit() : zoom(2, ...fromCentre(event)));
  frame.onkeydown = (event) => {
    const move = 40;
    const keys = {
      "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), "0": fit,
      ArrowLeft: () => (view.scale > 1 ? ((view.x += move), apply()) : step(-1)),
      ArrowRight: () => (view.scale > 1 ? ((view.x -= move), apply()) : step(1)),
      ArrowUp: () => (view.scale > 1 ? ((view.y += move), apply()) : step(-1)),
      ArrowDown: () => (view.scale > 1 ? ((view.y -= move), apply()) : step(1)),
      PageUp: () => step(-1), PageDown: () => step(1),
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? null : keys[event.key];
    if (action) { event.preventDefault(); event.stopPropagation(); action(); }
  };
  // Left and right step through the slices from anywhere, unless what has the focus wants these keys itself.
  const TAKES = "input, textarea, select, iframe, dialog, [role=slider], [role=radio], [role=tab], [role=combobox], "
    + "[role=listbox], [role=dialog], [role=grid], [contenteditable=true]";
  view.keys?.abort();
  view.keys = new AbortController();
  document.addEventListener("keydown", (event) => {
    if (!frame.isConnected) return view.keys.abort();
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.defaultPrevented || document.activeElement?.closest(TAKES) || document.querySelector("[role=dialog]")) return;
    event.preventDefault();
    step(by);
  }, { signal: view.keys.signal });
  parentElement.querySelector(".in").onclick = () => zoom(1.25);
  parentElement.querySelector(".out").onclick = () => zoom(0.8);
  parentElement.querySelector(".fit").onclick = fit;
  apply();
}
