// Other planes of a volume: three with a crosshair, a projection of the highest values, or one volume over another.
import { core } from "./engine.js";
import { Geometry, cross, dot, letters } from "./geometry.js";
import { Store } from "./store.js";
import { edges } from "./window.js";
import { h } from "./dom.js";

const { Enums, utilities } = core;
const VIEWS = {
  planes: [["axial", "first"], ["sagittal"], ["coronal"]],
  mip: [["coronal"]],
  blend: [["axial"]],
};
let made = 0;
// A plane is a slab that rays go through, in mm to either side. What is opaque shows its face: a thin slab, sampled finer
// than it is thick, or the ray ends in it half lit. What is laid over it with an opacity needs a path that is long beside
// the rounding of the ray's ends (0.02 mm), and one whole sample, so that the opacity is that of the slider.
const THIN = 0.1, FINE = 0.05, OVER = 0.5;
const LOOKS = 1000; // of a ray through a whole block
// From black over red and yellow to white, as uptake is coloured over anatomy.
const HOT = { Name: "overread hot", ColorSpace: "RGB", RGBPoints: [0, 0, 0, 0, 0.4, 0.902, 0, 0, 0.8, 0.902, 0.902, 0, 1, 1, 1, 1] };

export class Planes {
  constructor(viewer, mode, other) {
    Object.assign(this, { viewer, mode, other, panes: [], volumes: [], number: made++ });
    this.main = viewer.panes[0];
    this.element = h("div", { class: `planes ${mode === "planes" ? "three" : ""}` });
    viewer.stage.append(this.element);
  }

  async open() {
    const { main } = this;
    this.wait = h("div", { class: "hud name" }, "cutting the planes …");
    this.element.append(this.wait);
    const base = await this._volume(main.facts, main.store, main.geometry);
    let over = null;
    if (this.other) {
      this.store = new Store(this.other);
      over = await this._volume(this.other, this.store, new Geometry(this.other));
    }
    if (this.gone) return;
    this.wait.remove();
    const { width, height } = main.store;
    this.place = main.geometry.world((width - 1) / 2, (height - 1) / 2, main.slice);
    for (const [orientation, extra] of VIEWS[this.mode]) await this._pane(orientation, extra, base, over);
    this._all();
    this.element.dataset.drawn = "true";
  }

  /** All slices as one block of numbers. */
  async _volume(facts, store, geometry) {
    const slices = [];
    for (let i = 0; i < store.count; i++) slices.push(await store.slice(i));
    const size = store.width * store.height, scalarData = new slices[0].constructor(size * store.count);
    slices.forEach((values, i) => scalarData.set(values, i * size));
    const step = geometry.positions[1].map((v, k) => v - geometry.positions[0][k]);
    const normal = step.map((v) => v / Math.hypot(...step));
    const id = `planes-${this.number}-${facts.id}`;
    core.volumeLoader.createLocalVolume(id, {
      scalarData, dimensions: [store.width, store.height, store.count], spacing: [geometry.across, geometry.down, geometry.between],
      origin: geometry.positions[0], direction: [...geometry.row, ...geometry.column, ...normal],
      metadata: { Modality: "OT", FrameOfReferenceUID: geometry.frame ?? `own-${facts.id}`, BitsAllocated: 16, PixelRepresentation: 1,
        Rows: store.height, Columns: store.width, PixelSpacing: [geometry.down, geometry.across], ImageOrientationPatient: [...geometry.row, ...geometry.column],
        PhotometricInterpretation: "MONOCHROME2", BitsStored: 16, HighBit: 15, SamplesPerPixel: 1, voiLut: [] },
    });
    this.volumes.push(id);
    return { id, facts, window: facts === this.main.facts ? this.main.window : facts.presets[0],
      inverted: facts === this.main.facts ? this.main.inverted : facts.inverted };
  }

  async _pane(orientation, extra, base, over) {
    const view = h("div", { class: "view" }), canvas = h("canvas", { class: "over" });
    const sides = Object.fromEntries(["top", "right", "bottom", "left"].map((side) => [side, h("div", { class: `hud side ${side}` })]));
    const under = h("div", { class: "hud under" });
    const element = h("div", { class: `pane ${extra ?? ""}` }, view, canvas, ...Object.values(sides), under, h("div", { class: "hud name" },
      this.mode === "mip" ? `${base.facts.name}: highest values, front view` : over ? `${base.facts.name} under ${over.facts.name}` : orientation));
    this.element.append(element);
    const id = `planes-${this.number}-${orientation}`, { engine } = this.viewer;
    engine.enableElement({ viewportId: id, type: Enums.ViewportType.ORTHOGRAPHIC, element: view, defaultOptions: { orientation, background: [0, 0, 0] } });
    const viewport = engine.getViewport(id), pane = { id, view, canvas, sides, under, viewport, orientation };
    this.panes.push(pane);
    await viewport.setVolumes([{ volumeId: base.id }, ...(over ? [{ volumeId: over.id }] : [])]);
    viewport.setProperties({ voiRange: edges(base.window), invert: base.inverted }, base.id);
    if (this.mode !== "mip") {
      viewport.setSlabThickness(over ? OVER : THIN);
      this._sampled(viewport, base.id, FINE);
    }
    if (over) this._blend(viewport, over, element);
    viewport.resetCamera();
    if (this.mode === "mip") {
      viewport.setBlendMode(Enums.BlendModes.MAXIMUM_INTENSITY_BLEND);
      // once the camera stands (it sets the depth anew), and as deep as the block is
      const { geometry: g, store } = this.main, sides = [store.width * g.across, store.height * g.down, store.count * g.between];
      viewport.setSlabThickness(Math.hypot(...sides) / 2);
      // A ray looks beside the highest value, by up to half of its step (they begin at random): two looks at a pixel at
      // least, four where there are few pixels along it.
      const least = Math.min(g.across, g.down, g.between);
      this._sampled(viewport, base.id, Math.min(least / 2, Math.max(least / 4, Math.max(...sides) / LOOKS)));
      // the first image still is that of the mode before: empty
      view.addEventListener(Enums.Events.IMAGE_RENDERED, () => setTimeout(() => this.gone || viewport.render()), { once: true });
    }
    view.addEventListener(Enums.Events.IMAGE_RENDERED, () => this._draw(pane));
    view.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("wheel", (event) => this._wheel(event, pane), { passive: false });
    element.addEventListener("pointerdown", (event) => this._point(event, pane));
    element.addEventListener("pointermove", (event) => event.buttons === 1 && this._point(event, pane));
  }

  _blend(viewport, over, element) {
    const slider = h("input", { type: "range", min: "0", max: "100", value: "50", "aria-label": "Blend", oninput: () => {
      viewport.setProperties({ colormap: { ...this.map, opacity: slider.value / 100 } }, over.id);
      viewport.render();
    } });
    if (!utilities.colormap.getColormap(HOT.Name)) utilities.colormap.registerColormap(HOT);
    this.map = { name: HOT.Name };
    viewport.setProperties({ voiRange: edges(over.window), colormap: { ...this.map, opacity: 0.5 } }, over.id);
    const property = this._sampled(viewport, over.id, 2 * OVER);
    property.setScalarOpacityUnitDistance(0, 2 * OVER);
    element.append(h("label", { class: "blend" }, "Blend ", slider));
  }

  /** How far apart, in mm, rays look at a volume; gives its property. */
  _sampled(viewport, id, distance) {
    const { actor } = viewport.getActors().find((one) => one.referencedId === id);
    actor.getMapper().setSampleDistance(distance);
    return actor.getProperty();
  }

  /** Bring every plane to the crosshair. */
  _all() {
    for (const pane of this.panes) {
      if (this.mode !== "mip") {
        const { focalPoint, position, viewPlaneNormal } = pane.viewport.getCamera();
        const away = dot(viewPlaneNormal, this.place.map((v, k) => v - focalPoint[k]));
        const moved = (p) => p.map((v, k) => v + viewPlaneNormal[k] * away);
        pane.viewport.setCamera({ focalPoint: moved(focalPoint), position: moved(position) });
      }
      pane.viewport.render();
    }
    this.viewer.root.dataset.place = this.place.map((v) => v.toFixed(2)).join(" ");
    if (this.mode !== "mip") this.main.go(this.main.geometry.nearest(this.place)[0]);
  }

  _point(event, pane) {
    if (event.button > 0 || event.target.closest("input")) return;
    const box = pane.view.getBoundingClientRect();
    const at = pane.viewport.canvasToWorld([event.clientX - box.left, event.clientY - box.top]);
    if (this.mode === "mip") return;
    this.place = at;
    this._all();
  }

  _wheel(event, pane) {
    event.preventDefault();
    event.stopPropagation();
    const sign = Math.sign(event.deltaY);
    if (event.ctrlKey) { pane.viewport.setZoom(pane.viewport.getZoom() * (sign > 0 ? 0.85 : 1.18)); pane.viewport.render(); return; }
    if (this.mode === "mip") return;
    const { viewPlaneNormal } = pane.viewport.getCamera(), { geometry } = this.main;
    const along = [geometry.row, geometry.column, geometry.normal].map((axis) => Math.abs(dot(axis, viewPlaneNormal)));
    const step = [geometry.across, geometry.down, geometry.between][along.indexOf(Math.max(...along))];
    this.place = this.place.map((v, k) => v - viewPlaneNormal[k] * step * sign);
    this._all();
  }

  _draw(pane) {
    const { viewport, canvas, view } = pane, ratio = devicePixelRatio;
    const { viewPlaneNormal, viewUp } = viewport.getCamera(), right = cross(viewUp, viewPlaneNormal);
    const named = { right, left: right.map((v) => -v), top: viewUp, bottom: viewUp.map((v) => -v) };
    for (const [side, direction] of Object.entries(named)) pane.sides[side].textContent = letters(direction);
    Object.assign(canvas, { width: view.clientWidth * ratio, height: view.clientHeight * ratio });
    if (this.mode === "mip") return;
    const context = canvas.getContext("2d"), [x, y] = viewport.worldToCanvas(this.place);
    context.scale(ratio, ratio);
    context.strokeStyle = "rgba(127, 193, 224, .8)";
    const gap = 14;
    context.beginPath();
    for (const [a, b, c, d] of [[0, y, x - gap, y], [x + gap, y, view.clientWidth, y], [x, 0, x, y - gap], [x, y + gap, x, view.clientHeight]]) {
      context.moveTo(a, b);
      context.lineTo(c, d);
    }
    context.stroke();
    const { geometry } = this.main, slice = geometry.nearest(this.place)[0], [column, row] = geometry.pixel(this.place, slice);
    const found = { column: Math.round(column), row: Math.round(row) };
    const { store } = this.main;
    const inside = found.column >= 0 && found.row >= 0 && found.column < store.width && found.row < store.height;
    pane.under.textContent = inside ? this.main.hud.said({ ...found, value: store.slices[slice]?.[found.row * store.width + found.column] ?? null }) : "";
  }

  close() {
    if (this.gone) return;
    this.gone = true;
    for (const pane of this.panes) { try { this.viewer.engine.disableElement(pane.id); } catch { /* gone with the engine */ } }
    this.volumes.forEach((id) => core.cache.getVolume(id) && core.cache.removeVolumeLoadObject(id));
    this.store?.dispose();
    this.element.remove();
    this.viewer.planes = null;
  }
}

