// Elements without ceremony.

/** An element: `h("button", { class: "x", onclick: f, "aria-label": "…" }, children)`. */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made[name] = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Calls the last of several calls once they pause. */
export function paused(call, milliseconds) {
  let timer = null;
  const later = (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => { timer = null; call(...given); }, milliseconds);
  };
  later.stop = () => clearTimeout(timer);
  return later;
}
