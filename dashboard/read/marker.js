export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const sheet = parentElement.querySelector(".sheet");
  const image = parentElement.querySelector("img");
  const layer = parentElement.querySelector(".layer");
  image.src = data.src;
  image.alt = data.alt;
  image.style.aspectRatio = String(data.ratio);
  sheet.setAttribute("aria-label", data.label);

  const percent = (part) => `${(part * 100).toFixed(3)}%`;
  const draw = (mark, number) => {
    const shape = document.createElement("div");
    const isBox = mark.width > 0 && mark.height > 0;
    shape.className = isBox ? "box" : "point";
    shape.style.left = percent(mark.x);
    shape.style.top = percent(mark.y);
    if (isBox) Object.assign(shape.style, { width: percent(mark.width), height: percent(mark.height) });
    if (number) {
      const label = document.createElement("span");
      label.className = "number";
      label.textContent = String(number);
      shape.append(label);
    }
    layer.append(shape);
    return shape;
  };
  layer.replaceChildren();
  data.marks.forEach((mark, index) => draw(mark, index + 1));

  const within = (event) => {
    const box = image.getBoundingClientRect();
    const clip = (value) => Math.min(1, Math.max(0, value));
    return [clip((event.clientX - box.left) / box.width), clip((event.clientY - box.top) / box.height)];
  };
  const spanned = (from, to) => ({
    x: Math.min(from[0], to[0]), y: Math.min(from[1], to[1]),
    width: Math.abs(to[0] - from[0]), height: Math.abs(to[1] - from[1]),
  });
  let start = null, rubber = null;
  sheet.onpointerdown = (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    start = within(event);
    sheet.setPointerCapture(event.pointerId);
  };
  sheet.onpointermove = (event) => {
    if (!start) return;
    rubber?.remove();
    const mark = spanned(start, within(event));
    rubber = mark.width > 0 && mark.height > 0 ? draw(mark, 0) : null;
    rubber?.classList.add("drawing");
  };
  sheet.onpointerup = (event) => {
    if (!start) return;
    const mark = spanned(start, within(event)), box = image.getBoundingClientRect();
    // A drag of less than six pixels was meant as a click.
    const dragged = mark.width * box.width >= 6 && mark.height * box.height >= 6;
    setTriggerValue("mark", dragged ? mark : { x: start[0], y: start[1], width: 0, height: 0 });
    start = null;
  };
  sheet.onpointercancel = () => { start = null; rubber?.remove(); rubber = null; };
}
