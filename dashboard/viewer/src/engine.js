// Cornerstone, begun once per page: it is told of our series by an image loader and a metadata provider of our own.
import * as core from "@cornerstonejs/core";
import * as tools from "@cornerstonejs/tools";

const SCHEME = "overread";
const shelf = new Map(); // series id -> { store, geometry, users }
let begun = false;

export const imageId = (series, index) => `${SCHEME}:${series}/${index}`;

export function whichImage(id) {
  const [series, index] = String(id).slice(SCHEME.length + 1).split("/");
  return { held: shelf.get(series), series, index: Number(index) };
}

export function begin() {
  if (begun) return;
  begun = true;
  core.init({ rendering: { renderingEngineMode: "contextPool", webGlContextCount: 4 } });
  tools.init();
  core.imageLoader.registerImageLoader(SCHEME, load);
  core.metaData.addProvider(facts, 10000);
  const used = ["WindowLevelTool", "PanTool", "ZoomTool", "LengthTool", "AngleTool", "RectangleROITool", "EllipticalROITool",
    "PlanarFreehandROITool"];
  used.forEach((name) => tools.addTool(tools[name]));
  const { style } = tools.annotation.config, before = style.getDefaultToolStyles();
  style.setDefaultToolStyles({
    ...before,
    global: {
      ...before.global,
      color: "rgb(245, 220, 90)", colorHighlighted: "rgb(255, 255, 255)", colorSelected: "rgb(127, 193, 224)", lineWidth: "1.5",
      textBoxFontFamily: "system-ui, sans-serif", textBoxFontSize: "13px", textBoxColor: "rgb(245, 220, 90)",
      textBoxColorHighlighted: "rgb(255, 255, 255)", textBoxColorSelected: "rgb(127, 193, 224)", textBoxBackground: "rgba(0,0,0,.55)",
    },
  });
}

/**
 * A rendering engine whose contexts smooth no edges: a slice has none but its own pixels', and where WebGL is done by the
 * processor, four samples of every pixel cost half of the frames. vtk.js asks for its contexts while the engine is made.
 */
function make(id) {
  const { getContext } = HTMLCanvasElement.prototype;
  HTMLCanvasElement.prototype.getContext = function plain(kind, options) {
    return getContext.call(this, kind, String(kind).startsWith("webgl") ? { ...options, antialias: false } : options);
  };
  try { return new core.RenderingEngine(id); } finally { HTMLCanvasElement.prototype.getContext = getContext; }
}

let spare = null;
let engines = 0;

/** An engine for the next viewer, made while nobody waits for it. */
export function prepare() { spare ??= make(`engine-${engines++}`); }

export function renderer() {
  prepare();
  const one = spare;
  spare = null;
  return one;
}

export function hold(series, store, geometry) {
  const held = shelf.get(series) ?? { store, geometry, users: 0 };
  held.users += 1;
  shelf.set(series, held);
  return held;
}

export function release(series) {
  const held = shelf.get(series);
  if (!held || --held.users > 0) return;
  shelf.delete(series);
  for (let i = 0; i < held.store.count; i++) {
    const id = imageId(series, i);
    if (core.cache.getImageLoadObject(id)) core.cache.removeImageLoadObject(id, { force: true });
  }
  held.store.dispose();
}

export const isHeld = (series) => shelf.get(series);

function load(id) {
  const { held, index } = whichImage(id);
  const promise = held ? held.store.slice(index).then((values) => image(id, held, values)) : Promise.reject(new Error("gone"));
  return { promise, cancelFn: undefined };
}

function image(id, { store, geometry }, values) {
  const [low, high] = store.facts.range;
  const { width, height } = store;
  const voxelManager = core.utilities.VoxelManager.createImageVoxelManager({
    width, height, scalarData: values, numberOfComponents: 1, id,
  });
  // "LINEAR": the tool that drags the window reads it back as that one, and drifts with every move under any other
  return {
    imageId: id, minPixelValue: low, maxPixelValue: high, slope: 1, intercept: 0, windowCenter: (low + high) / 2,
    windowWidth: Math.max(high - low, 1e-6), voiLUTFunction: "LINEAR", rows: height, columns: width, height, width, color: false,
    rgba: false, numberOfComponents: 1, columnPixelSpacing: geometry.across, rowPixelSpacing: geometry.down, invert: false,
    sizeInBytes: values.byteLength, dataType: values.constructor.name, voxelManager, getPixelData: () => values, getCanvas: undefined,
    photometricInterpretation: "MONOCHROME2",
  };
}

function facts(type, id) {
  if (typeof id !== "string" || !id.startsWith(`${SCHEME}:`)) return undefined;
  const { held, series, index } = whichImage(id);
  if (!held) return undefined;
  const { store, geometry } = held;
  const bits = { "|u1": 8, "<i2": 16, "<f4": 32 }[store.facts.kind];
  const float = bits === 32 || store.facts.offset !== 0 || store.facts.slope !== 1;
  const answers = {
    imagePixelModule: () => ({
      bitsAllocated: float ? 32 : bits, bitsStored: float ? 32 : bits, highBit: (float ? 32 : bits) - 1, samplesPerPixel: 1,
      photometricInterpretation: "MONOCHROME2", pixelRepresentation: bits === 8 ? 0 : 1, rows: store.height, columns: store.width,
    }),
    imagePlaneModule: () => ({
      frameOfReferenceUID: frameOf(series, geometry), rows: store.height, columns: store.width,
      imageOrientationPatient: [...geometry.row, ...geometry.column], rowCosines: geometry.row, columnCosines: geometry.column,
      imagePositionPatient: geometry.positions[index], pixelSpacing: [geometry.down, geometry.across],
      rowPixelSpacing: geometry.down, columnPixelSpacing: geometry.across, sliceThickness: geometry.between,
      usingDefaultValues: !geometry.scaled,
    }),
    generalSeriesModule: () => ({ modality: "OT", seriesInstanceUID: series, seriesNumber: 1 }),
    generalImageModule: () => ({ sopInstanceUID: `${series}.${index}`, instanceNumber: index + 1 }),
    modalityLutModule: () => ({ rescaleSlope: 1, rescaleIntercept: 0 }),
    voiLutModule: () => ({}),
    instance: () => ({ SeriesInstanceUID: series }),
  };
  return answers[type]?.();
}

/** Series of one frame of reference share it; a series without one is by itself. */
export const frameOf = (series, geometry) => geometry.frame ?? `own-${series}`;

export { core, tools };
