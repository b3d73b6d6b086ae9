// The page: a picture comes in, the model's answer is drawn.

import { draw } from "./draw.js";
import { Model } from "./model.js";
import { Refused, read } from "./picture.js";
import { prepare } from "./prepare.js";

const facts = JSON.parse(document.getElementById("facts").textContent);
const find = (id) => document.getElementById(id);
const state = { picture: null, answer: null };

function installable() {
  if (!location.protocol.startsWith("http")) return;
  // The address is known only here, and a manifest in an address of its own needs it whole.
  const icon = { src: find("icon").href, sizes: "any", type: "image/svg+xml", purpose: "any" };
  const manifest = {
    id: location.href, name: facts.name, short_name: facts.shortName, description: facts.notice, icons: [icon],
    start_url: location.href, scope: new URL(".", location.href).href, display: "standalone",
    background_color: "#0e1117", theme_color: "#0e1117",
  };
  find("manifest").href = URL.createObjectURL(new Blob([JSON.stringify(manifest)], { type: "application/manifest+json" }));
}

const percent = (p) => (p > 0 && p < 0.01 ? "< 0.01" : p < 1 && p > 0.99 ? "> 0.99" : p.toFixed(2));

function tell(text, kind = "") {
  find("said").textContent = text;
  find("said").className = kind;
}

function show() {
  const { picture, answer } = state;
  if (!picture) return;
  draw(find("canvas"), picture, answer, { heat: find("heat").checked, outline: find("outline").checked });
  find("answer").hidden = !answer;
  if (!answer) return;
  find("decision").textContent = answer.positive ? facts.finding : facts.clear;
  find("decision").className = answer.positive ? "finding" : "clear";
  find("probability").textContent = percent(answer.finding);
  find("bar").style.width = `${100 * answer.finding}%`;
  find("classes").replaceChildren(
    ...facts.classes.map((name, n) => {
      const row = document.createElement("li");
      row.textContent = `${name}: ${percent(answer.probability[n])}`;
      return row;
    }),
  );
  const dark = answer.heat && answer.brightness === 0 && find("heat").checked;
  find("dark").hidden = !dark;
}

async function ask(blob, what) {
  try {
    tell("Reading the picture");
    state.answer = null;
    state.picture = await read(blob);
    show();
    const loaded = await model;
    tell("Asking the model");
    const before = performance.now();
    state.answer = await loaded.ask(state.picture);
    tell(`${what}: answered here in ${Math.round(performance.now() - before)} ms.`);
    document.body.dataset.answer = JSON.stringify({
      finding: state.answer.finding, probability: state.answer.probability, brightness: state.answer.brightness,
    });
    show();
  } catch (error) {
    tell(error instanceof Refused ? error.message : `The model did not answer: ${error.message}`, "wrong");
    state.answer = null;
    find("answer").hidden = true;
  }
}

function sample({ title, png }) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = title;
  button.addEventListener("click", () => {
    const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
    ask(new Blob([bytes], { type: "image/png" }), `${title}, simulated`);
  });
  return button;
}

installable();
find("samples").append(...facts.samples.map(sample));
find("tick").style.left = `${100 * facts.threshold}%`;
find("heat").checked = facts.heat.default;
find("heat-row").hidden = !facts.heat.available;
find("heat-note").hidden = !facts.heat.reason;
find("outline-row").hidden = !facts.mask.shown;
for (const id of ["heat", "outline"]) find(id).addEventListener("change", show);
find("file").addEventListener("change", (event) => {
  if (event.target.files[0]) ask(event.target.files[0], event.target.files[0].name);
  event.target.value = "";
});
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  if (event.dataTransfer.files[0]) ask(event.dataTransfer.files[0], event.dataTransfer.files[0].name);
});
tell("Unpacking the model");
const model = Model.load(facts);
model.then(
  () => tell("Ready. Drop a picture, or take a simulated one."),
  (error) => tell(`The model in this file cannot be opened: ${error.message}`, "wrong"),
);
// For tests and the curious: the whole answer, with heat map and mask, and the way to the tensor.
window.overread = { facts, state, model, prepare, read };
