export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const root = parentElement.querySelector(".explorer");
  const find = (selector) => root.querySelector(selector);
  const slider = find("input");
  const state = (root.overread ??= { owner: null, at: 0, timer: 0 });

  find(".scores").innerHTML = data.sketch;
  find(".legend").innerHTML = data.legend;
  find(".right").innerHTML = data.table;
  find(".name").textContent = data.label;
  slider.max = String(data.stops.length - 1);
  if (state.owner !== data.owner) Object.assign(state, { owner: data.owner, at: data.start });

  const matrix = find(".matrix");
  matrix.replaceChildren();
  const buttons = data.rows.flatMap(([truth, names]) => {
    const head = document.createElement("p");
    head.textContent = `Truth: ${truth}`;
    const line = document.createElement("div");
    line.className = "cells";
    matrix.append(head, line);
    return names.map((name) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.cell = name;
      button.setAttribute("aria-expanded", String(data.open === name));
      button.onclick = () => setTriggerValue("cell", { cell: data.open === name ? "" : name, at: state.at });
      line.append(button);
      return button;
    });
  });

  const svg = find("svg");
  const left = Number(svg.dataset.left), across = Number(svg.dataset.across);
  const figures = [...root.querySelectorAll("[data-figure]")];
  const draw = () => {
    const stop = data.stops[state.at];
    slider.value = String(state.at);
    slider.setAttribute("aria-valuetext", stop);
    find(".value").textContent = stop;
    find(".at").textContent = `At ${stop}`;
    const x = left + across * Number(stop);
    const line = svg.querySelector("line.mark"), text = svg.querySelector("text.mark");
    for (const side of ["x1", "x2"]) line.setAttribute(side, String(x));
    const late = Number(stop) > 0.8;
    text.setAttribute("x", String(x + (late ? -5 : 5)));
    text.setAttribute("text-anchor", late ? "end" : "start");
    text.textContent = stop;
    figures.forEach((place, number) => {
      const [value, interval] = data.figures[state.at][number];
      place.firstChild.textContent = value;
      place.lastChild.textContent = interval;
    });
    buttons.forEach((button, number) => {
      const [count, share, weight] = data.cells[state.at][number];
      const bold = document.createElement("b");
      bold.textContent = count;
      button.replaceChildren(bold, ` ${button.dataset.cell} · ${share}`);
      button.style.setProperty("--weight", `${weight}%`);
    });
  };
  slider.oninput = () => { state.at = Number(slider.value); draw(); };
  // A list of cases that is open follows the threshold, once it stands still.
  slider.onchange = () => {
    clearTimeout(state.timer);
    if (data.open) state.timer = setTimeout(() => setTriggerValue("cell", { cell: data.open, at: state.at }), 250);
  };
  draw();
}
