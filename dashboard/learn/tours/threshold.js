const BINS = 27, LEFT = 10, WIDTH = 540, MIDDLE = 150, ROOM = 130, BOX = { x: 44, y: 10, side: 270 };

function make(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Dots in stacks: findings up from the line, clear images down. */
function stacks(cases) {
  const heights = [new Array(BINS).fill(0), new Array(BINS).fill(0)];
  const placed = cases.map(([p, truth]) => {
    const bin = Math.min(Math.floor(p * BINS), BINS - 1);
    return { p, truth, bin, level: heights[truth][bin]++ };
  });
  return { placed, highest: Math.max(1, ...heights.flat()) };
}

export default function (component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".tour"), find = (selector) => root.querySelector(selector);
  const slider = find("input"), dots = find(".dots"), roc = find(".roc");
  const state = (root.overread ??= { owner: null, at: 1000, frame: 0 });
  if (state.owner !== data.owner) Object.assign(state, { owner: data.owner, at: 1000 });
  const positives = data.cases.filter(([, truth]) => truth).length, negatives = data.cases.length - positives;
  const { placed, highest } = stacks(data.cases);
  // The largest dots of which the fullest bin still has room, in as many columns as a bin is wide.
  const across = (pitch) => Math.max(1, Math.floor((WIDTH / BINS - 2) / pitch));
  let pitch = 9;
  while (pitch > 1 && Math.ceil(highest / across(pitch)) * pitch > ROOM) pitch -= 0.25;
  const columns = across(pitch), radius = pitch / 2 - 0.4;

  dots.replaceChildren();
  roc.replaceChildren();
  const circles = placed.map((one) => {
    const row = Math.floor(one.level / columns), up = pitch * (row + 0.7);
    const y = one.truth ? MIDDLE - up : MIDDLE + up;
    const x = LEFT + (WIDTH * (one.bin + 0.5)) / BINS + pitch * ((one.level % columns) - (columns - 1) / 2);
    const shape = make("circle", { cx: x, cy: y, r: radius, "stroke-width": 0.8, stroke: data.colours[one.truth] });
    dots.append(shape);
    return shape;
  });
  dots.append(make("line", { class: "axis", x1: LEFT, x2: LEFT + WIDTH, y1: MIDDLE, y2: MIDDLE }));
  dots.append(make("text", { x: LEFT, y: 14 }, `Finding (${positives})`), make("text", { x: LEFT, y: 292 }, `Clear (${negatives})`));
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    dots.append(make("text", { x: LEFT + WIDTH * tick, y: 312, "text-anchor": "middle" }, String(tick)));
  }
  dots.append(make("text", { x: LEFT + WIDTH / 2, y: 328, "text-anchor": "middle" }, "Calibrated probability of a finding"));
  const cut = make("line", { class: "cut", y1: 18, y2: 296 });
  dots.append(cut);

  // The curve, one step for each distinct number, from the strictest threshold to the loosest.
  const sorted = [...data.cases].sort((a, b) => b[0] - a[0]);
  const steps = [{ from: Infinity, hits: 0, alarms: 0 }];
  for (const [p, truth] of sorted) {
    const last = steps.at(-1);
    if (last.from === p) last[truth ? "hits" : "alarms"] += 1;
    else steps.push({ from: p, hits: last.hits + truth, alarms: last.alarms + 1 - truth });
  }
  const point = (one) => `${BOX.x + (BOX.side * one.alarms) / negatives} ${BOX.y + BOX.side * (1 - one.hits / positives)}`;
  const path = (some) => "M" + some.map(point).join("L");
  roc.append(make("rect", { x: BOX.x, y: BOX.y, width: BOX.side, height: BOX.side, fill: "none", class: "axis" }));
  roc.append(make("path", { class: "whole", d: path(steps) }));
  const way = make("path", { class: "way" }), here = make("circle", { r: 6, fill: "#d55e00", stroke: "currentColor" });
  roc.append(way, here);
  for (const tick of [0, 0.5, 1]) {
    roc.append(make("text", { x: BOX.x + BOX.side * tick, y: 296, "text-anchor": "middle" }, String(tick)));
    roc.append(make("text", { x: BOX.x - 6, y: BOX.y + BOX.side * (1 - tick) + 4, "text-anchor": "end" }, String(tick)));
  }
  roc.append(make("text", { x: BOX.x + BOX.side / 2, y: 316, "text-anchor": "middle" }, "1 − specificity"));
  roc.append(make("text", { transform: `translate(12 ${BOX.y + BOX.side / 2}) rotate(-90)`, "text-anchor": "middle" }, "Sensitivity"));

  const draw = () => {
    const threshold = state.at / 1000;
    slider.value = String(state.at);
    slider.setAttribute("aria-valuetext", threshold.toFixed(3));
    find(".value").textContent = threshold.toFixed(3);
    const x = LEFT + WIDTH * threshold;
    cut.setAttribute("x1", x);
    cut.setAttribute("x2", x);
    placed.forEach((one, number) => circles[number].setAttribute("fill", one.p >= threshold ? data.colours[one.truth] : "none"));
    const passed = steps.filter((one) => one.from >= threshold), now = passed.at(-1);
    way.setAttribute("d", path(passed));
    const [cx, cy] = point(now).split(" ");
    here.setAttribute("cx", cx);
    here.setAttribute("cy", cy);
    const percent = (part, all) => `${((100 * part) / all).toFixed(0)} %`;
    const told = `At ${threshold.toFixed(3)} the model calls ${now.hits} of ${positives} findings (sensitivity ${percent(now.hits, positives)}) ` +
      `and ${now.alarms} of ${negatives} clear images (1 − specificity ${percent(now.alarms, negatives)}).`;
    find(".told").textContent = told;
    dots.setAttribute("aria-label", told);
    roc.setAttribute("aria-label", told);
  };
  const halt = () => cancelAnimationFrame(state.frame);
  slider.oninput = () => { halt(); state.at = Number(slider.value); draw(); };
  find(".stored").onclick = () => { halt(); state.at = Math.round(1000 * data.stored); draw(); };
  find(".play").onclick = () => {
    halt();
    const start = performance.now(), seconds = 8;
    const fall = (now) => {
      state.at = Math.max(0, Math.round(1000 * (1 - (now - start) / 1000 / seconds)));
      draw();
      if (state.at > 0) state.frame = requestAnimationFrame(fall);
    };
    state.frame = requestAnimationFrame(fall);
  };
  draw();
  return halt;
}
