// The model of this file: unpacked, asked, and its answer put together as the card says.

import * as ort from "onnxruntime-web/wasm";
import { bodyOf } from "./body.js";
import { back, prepare } from "./prepare.js";

/** The bytes of a packed part of the page (base64 of gzip). */
async function unpacked(id) {
  const text = atob(document.getElementById(id).textContent.trim());
  const packed = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export class Model {
  constructor(facts, session) {
    this.facts = facts;
    this.session = session;
  }

  static async load(facts) {
    ort.env.wasm.wasmBinary = (await unpacked("runtime")).buffer;
    ort.env.wasm.numThreads = 1; // more need headers that a file has not
    ort.env.wasm.proxy = false;
    const session = await ort.InferenceSession.create(await unpacked("model"), { executionProviders: ["wasm"] });
    return new Model(facts, session);
  }

  /** What the model says of a picture: probabilities, decision, heat map and mask on the picture's grid. */
  async ask(picture) {
    const { contract, threshold, heat, mask } = this.facts;
    const { tensor, fit } = prepare(picture, contract);
    const shape = [1, contract.channels, contract.height, contract.width];
    const said = await this.session.run({ image: new ort.Tensor("float32", tensor, shape) });
    const finding = said.finding.data[0];
    if (!Number.isFinite(finding)) throw new Error("The model answered without a finite number.");
    const found = { probability: [...said.probability.data], finding, positive: finding >= threshold };
    if (said.heat_map) {
      const peak = said.heat_peak.data[0], body = bodyOf(picture);
      const values = back(said.heat_map.data, fit, contract, picture);
      const sure = threshold > 0 ? Math.min(finding / threshold, 1) : 1;
      found.heat = values.map((v, at) => (body[at] ? Math.min(1, Math.max(0, v)) : 0));
      found.brightness = peak > 0 ? sure * (heat.reference ? Math.min(peak / heat.reference, 1) : 1) : 0;
    }
    if (said.mask && mask.shown) {
      const drawn = back(said.mask.data, fit, contract, picture).map((v) => (v >= mask.threshold ? 1 : 0));
      const pixels = drawn.reduce((sum, v) => sum + v, 0);
      const withheld = pixels < mask.smallest || (mask.gated && !found.positive);
      found.mask = withheld ? drawn.fill(0) : drawn;
    }
    return found;
  }
}
