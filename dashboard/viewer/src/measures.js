// Measuring: Cornerstone's tools draw and drag; the numbers are our own (statistics.js), from the numbers as they came.
import { core, frameOf, imageId, isHeld, tools, whichImage } from "./engine.js";
import { area, peak, pixelsIn, summary } from "./statistics.js";

export const KINDS = {
  length: { tool: "Length", title: "Length" },
  angle: { tool: "Angle", title: "Angle" },
  rectangle: { tool: "RectangleROI", title: "Rectangle" },
  ellipse: { tool: "EllipticalROI", title: "Ellipse" },
  freehand: { tool: "PlanarFreehandROI", title: "Freehand" },
};
const KIND_OF = Object.fromEntries(Object.entries(KINDS).map(([kind, { tool }]) => [tool, kind]));

/** A tool group whose measuring tools say our numbers. */
export function toolGroup(id) {
  const group = tools.ToolGroupManager.createToolGroup(id);
  for (const name of ["WindowLevel", "Pan", "Zoom"]) group.addTool(name);
  for (const [kind, { tool }] of Object.entries(KINDS)) {
    group.addTool(tool, {
      getTextLines: (data, target) => lines(kind, data, target), calculateStats: true, showAngleArc: true,
      allowOpenContours: false,
    });
  }
  return group;
}

function lines(kind, data, target) {
  const { held, index } = whichImage(String(target).replace(/^imageId:/, ""));
  if (!held || Number.isNaN(index)) return undefined;
  return text(measured(kind, pointsOf(data, held.geometry, index), held, index), held.store.facts);
}

const worldPoints = (data) => (data.contour?.polyline?.length ? data.contour.polyline : data.handles.points);
const pointsOf = (data, geometry, slice) => worldPoints(data).map((p) => geometry.pixel(p, slice));

const memory = new Map();

/** Numbers of a measurement: length in mm or px, angle in degrees, area and statistics of a region. */
export function measured(kind, points, { store, geometry }, slice) {
  const key = `${store.facts.id} ${slice} ${kind} ${store.loaded === store.count} ${points.flat().map((v) => v.toFixed(3))}`;
  if (memory.has(key)) return memory.get(key);
  if (memory.size > 400) memory.clear();
  const found = numbers(kind, points, store, geometry, slice);
  memory.set(key, found);
  return found;
}

function numbers(kind, points, store, geometry, slice) {
  const { unit } = geometry;
  if (kind === "length") return { length: geometry.distance(points[0], points[1]), unit };
  if (kind === "angle") {
    if (points.length < 3) return {};
    const arm = (p) => [(p[0] - points[1][0]) * geometry.across, (p[1] - points[1][1]) * geometry.down];
    const [a, b] = [arm(points[0]), arm(points[2])];
    const turn = Math.abs(Math.atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1]));
    return { angle: (turn * 180) / Math.PI };
  }
  const pixels = pixelsIn(kind, points, store.width, store.height);
  const at = pixels.map(([x, y]) => y * store.width + x).filter((i) => !store.empty(slice, i));
  const values = store.has(slice) ? at.map((i) => store.slices[slice][i]) : [];
  const shape = { ...summary(values), area: area(kind, points) * geometry.across * geometry.down, unit: `${unit}²` };
  if (store.facts.pet && store.facts.unit === "SUV") shape.peak = peak(store, geometry, slice, pixels);
  return shape;
}

/** A number with the digits it deserves: none behind the point for whole numbers, one for means of HU, else three in all. */
function round(value, unit) {
  if (Number.isInteger(value)) return String(value);
  return unit === "HU" ? value.toFixed(1) : Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** A measurement as it stands beside its line. */
export function text(found, facts) {
  if (found.length !== undefined) return [`${found.length.toFixed(1)} ${found.unit}`];
  if (found.angle !== undefined) return [`${found.angle.toFixed(1)}°`];
  if (found.area === undefined) return [];
  const { unit } = facts, suv = unit === "SUV";
  const size = found.unit === "mm²" && found.area >= 100 ? `${(found.area / 100).toFixed(2)} cm²` : `${found.area.toFixed(1)} ${found.unit}`;
  if (!found.n) return [size, "no pixel inside"];
  const say = (value) => round(value, unit);
  const top = suv ? "SUVmax" : "max";
  const rows = [size, `mean ${say(found.mean)} ± ${say(found.sd)} ${unit}`, `min ${say(found.min)}  ${top} ${say(found.max)}`];
  if (found.peak) rows.push(`SUVpeak ${say(found.peak.value)}${found.peak.inPlane ? " (in the plane)" : ""}`);
  return rows;
}

const mine = (annotation) => KIND_OF[annotation.metadata?.toolName];

/** The measurements of one series, as the page keeps them. */
export function list(series) {
  return tools.annotation.state.getAllAnnotations().filter(mine).flatMap((annotation) => {
    const image = whichImage(annotation.metadata.referencedImageId ?? "");
    if (image.series !== series || !image.held || annotation.data.isOpenUShapeContour) return [];
    const kind = mine(annotation);
    const points = pointsOf(annotation.data, image.held.geometry, image.index);
    if (points.length < (kind === "angle" ? 3 : 2)) return [];
    const values = measured(kind, points, image.held, image.index);
    const kept = points.map((p) => p.map((v) => Number(v.toFixed(3))));
    return [{ id: annotation.annotationUID, kind, slice: image.index, points: kept, values, text: text(values, image.held.store.facts).join(", ") }];
  });
}

/** Draw kept measurements again. */
export function restore(series, kept) {
  const held = isHeld(series);
  const known = new Set(tools.annotation.state.getAllAnnotations().map((one) => one.annotationUID));
  for (const one of kept) {
    if (known.has(one.id) || !KINDS[one.kind] || one.slice >= held.store.count) continue;
    const { geometry } = held;
    const points = one.points.map(([c, r]) => geometry.world(c, r, one.slice));
    const free = one.kind === "freehand";
    tools.annotation.state.addAnnotation({
      annotationUID: one.id, highlighted: false, invalidated: true, isLocked: false, isVisible: true,
      metadata: {
        toolName: KINDS[one.kind].tool, FrameOfReferenceUID: frameOf(series, geometry), referencedImageId: imageId(series, one.slice),
        viewPlaneNormal: geometry.normal.map((v) => -v), viewUp: geometry.column.map((v) => -v), cameraFocalPoint: geometry.positions[one.slice],
      },
      data: {
        label: "", cachedStats: {},
        handles: { points: free ? [] : points, activeHandleIndex: null,
          textBox: { hasMoved: false, worldPosition: [0, 0, 0], worldBoundingBox: undefined } },
        ...(free ? { contour: { polyline: points, closed: true } } : {}),
      },
    }, frameOf(series, geometry));
  }
}

export function remove(id) { tools.annotation.state.removeAnnotation(id); }

export function forget(series) {
  tools.annotation.state.getAllAnnotations()
    .filter((one) => whichImage(one.metadata?.referencedImageId ?? "").series === series)
    .forEach((one) => tools.annotation.state.removeAnnotation(one.annotationUID));
}

/** Calls when measurements were made, moved or removed. */
export function listen(told) {
  const { Events } = tools.Enums;
  const names = [Events.ANNOTATION_COMPLETED, Events.ANNOTATION_MODIFIED, Events.ANNOTATION_REMOVED];
  names.forEach((name) => core.eventTarget.addEventListener(name, told));
  return () => names.forEach((name) => core.eventTarget.removeEventListener(name, told));
}
