"use strict";
const quiz = JSON.parse(document.getElementById("data").textContent);
const KEPT = "overread-quiz-" + document.body.dataset.key;
const MOST_MARKS = 40;
const main = document.getElementById("main");
const clock = document.getElementById("clock");
let state = restored() ?? { order: null, at: 0, look: null, answers: {}, draft: null };
let ticking = 0;

/** An element with properties, and children: text never becomes markup. */
function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** What was answered so far lives as long as the tab: a reload loses nothing, and nothing stays behind. */
function restored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

function keep() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(state));
  } catch { /* a browser that keeps nothing for files: the quiz goes on without */ }
}

function shuffled(count) {
  const order = Array.from({ length: count }, (_, n) => n);
  for (let n = count - 1; n > 0; n -= 1) {
    const other = Math.floor(Math.random() * (n + 1));
    [order[n], order[other]] = [order[other], order[n]];
  }
  return order;
}

/* ---- words ---- */

const percent = (share) => `${Math.round(100 * share)} %`;
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

function named(what, label) {
  return label && !what.includes(label) ? `${what} (${label})` : what;
}

function said(answer, system) {
  if (answer.finding === null) return "no answer in time";
  return `you said ${named(answer.finding ? system.finding : system.clear, answer.label)}, ${answer.sure} % sure`;
}

function truth(item, system) {
  return named(item.finding ? system.finding : `no ${system.finding}`, item.label);
}

function verdict(answer, item) {
  const where = place(answer.marks, item), told = [said(answer, quiz.systems[item.system])];
  told.push(answer.late ? "too late: no points" : `${points(answer, item.finding).toFixed(0)} points`);
  const unit = item.unit === "mm" ? "mm" : "pixels";
  if (where.found !== null) {
    const far = `${where.away.toFixed(0)} ${unit} from its middle`;
    told.push(where.found ? `you found it, ${far}` : `your mark is ${far}: beside it`);
  }
  if (where.beside && where.found !== false) told.push(`${plural(where.beside, "mark")} where nothing is`);
  return told.join(" · ");
}

/* ---- the picture ---- */

/** The slices of a case with what is marked on them; `marks` is changed in place. */
function viewer(item, marks, { told, changed }) {
  const count = item.pictures.length, lit = { brightness: 100, contrast: 100 };
  const image = el("img", { draggable: false });
  const lines = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  lines.setAttribute("viewBox", `0 0 ${item.width} ${item.height}`);
  lines.setAttribute("preserveAspectRatio", "none");
  const stage = el("div", { className: told ? "stage told" : "stage", id: "stage" }, image, lines);
  stage.style.setProperty("--shape", String(item.width / (item.height * item.aspect)));
  const areas = Array(count).fill(0);
  for (const lesion of told ? item.lesions : []) for (const [s, , a, b] of lesion.runs) areas[s] += b - a + 1;
  let slice = told && item.lesions.length ? areas.indexOf(Math.max(...areas)) : Math.floor(count / 2);
  const slider = el("input", { type: "range", min: 0, max: count - 1, value: slice, "aria-label": "Slice" });
  const where = el("span");

  function draw() {
    image.src = item.pictures[slice];
    image.alt = `Slice ${slice + 1} of ${count}`;
    where.textContent = `${slice + 1} / ${count}`;
    slider.value = slice;
    lines.replaceChildren();
    for (const line of told ? item.outlines : []) {
      if (line.slice !== slice) continue;
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", "M" + line.points.map((point) => point.join(" ")).join("L") + "Z");
      path.setAttribute("class", "truth");
      lines.append(path);
    }
    stage.querySelectorAll(".mark").forEach((old) => old.remove());
    marks.forEach((mark, number) => {
      if (mark.slice !== slice) return;
      const dot = el("button", { className: "mark", type: "button", disabled: told,
        "aria-label": told ? `Your mark ${number + 1}` : `Remove mark ${number + 1}` }, el("span", {}, String(number + 1)));
      dot.style.left = `${(100 * mark.x) / item.width}%`;
      dot.style.top = `${(100 * mark.y) / item.height}%`;
      dot.onclick = (event) => {
        event.stopPropagation();
        marks.splice(number, 1);
        changed();
        draw();
      };
      stage.append(dot);
    });
  }

  function go(to) {
    slice = Math.min(Math.max(to, 0), count - 1);
    draw();
  }

  stage.onclick = (event) => {
    if (told || marks.length >= MOST_MARKS) return;
    const box = stage.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * item.width;
    const y = ((event.clientY - box.top) / box.height) * item.height;
    marks.push({ slice, x: Math.round(x * 100) / 100, y: Math.round(y * 100) / 100 });
    changed();
    draw();
  };
  slider.oninput = () => go(Number(slider.value));
  if (count > 1) {
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      go(slice + Math.sign(event.deltaY));
    }, { passive: false });
  }
  const light = ["brightness", "contrast"].map((name) => {
    const range = el("input", { type: "range", min: 30, max: 300, value: 100, "aria-label": name });
    range.oninput = () => {
      lit[name] = Number(range.value);
      image.style.filter = `brightness(${lit.brightness}%) contrast(${lit.contrast}%)`;
    };
    return el("label", { className: "bar" }, name[0].toUpperCase() + name.slice(1), range);
  });
  draw();
  return el("div", {}, stage,
    count > 1 ? el("div", { className: "bar" }, "Slice", slider, where) : null,
    el("details", { className: "small" }, el("summary", {}, `Window: ${item.window}`), ...light));
}

/* ---- the pages ---- */

function page(head, className, ...children) {
  clearInterval(ticking);
  clock.textContent = "";
  document.getElementById("head").textContent = head;
  main.className = className;
  main.replaceChildren(...children.filter((child) => child != null));
  keep();
  scrollTo(0, 0);
}

function show() {
  if (state.order === null) return door();
  if (state.look !== null) return told(state.look);
  if (state.at >= state.order.length) return summary();
  return question();
}

function door() {
  const rules = [quiz.atEnd ? "the truth at the end" : "the truth after each case", "without models"];
  if (quiz.seconds !== null) rules.push(`${quiz.seconds} seconds a case`);
  const begin = el("button", { className: "wide", type: "button" }, "Begin");
  begin.onclick = () => {
    const count = quiz.cases.length;
    state = { order: quiz.shuffle ? shuffled(count) : [...Array(count).keys()], at: 0, look: null, answers: {}, draft: null };
    show();
  };
  page(quiz.title, "", quiz.goals ? el("p", {}, quiz.goals) : null,
    el("p", {}, `${plural(quiz.cases.length, "case")}; ${rules.join("; ")}. An answer is final once given.`),
    el("p", {}, "Confidence is scored so that saying what you believe earns most: certain and right 100 points, a guess 75, certain and wrong 0."),
    begin, el("p", { className: "small" }, quiz.open));
}

/** A row of choices, of which one holds. */
function choices(name, legend, offered, chosen, taken) {
  return el("fieldset", {}, el("legend", {}, legend), el("div", { className: "choices" }, ...offered.map(([value, text]) => {
    const input = el("input", { type: "radio", name, checked: value === chosen });
    input.onchange = () => taken(value);
    return el("label", {}, input, el("span", {}, text));
  })));
}

function question() {
  const item = quiz.cases[state.order[state.at]], system = quiz.systems[item.system];
  state.draft ??= { finding: null, label: null, sure: null, marks: [], hinted: false, started: Date.now() };
  const draft = state.draft, form = el("div");
  const give = () => {
    const seconds = (Date.now() - draft.started) / 1000, whole = draft.finding !== null && draft.sure !== null;
    state.answers[state.order[state.at]] = {
      finding: whole ? draft.finding : null, label: whole ? draft.label : null, sure: whole ? draft.sure : null,
      marks: draft.marks, hinted: draft.hinted, seconds,
      late: !whole || (quiz.seconds !== null && seconds > quiz.seconds + GRACE),
    };
    state.draft = null;
    if (!quiz.atEnd) state.look = state.at;
    state.at += 1;
    show();
  };
  const ask = () => {
    const labels = draft.finding === null ? [] : draft.finding ? system.positive : system.negative;
    if (labels.length === 1) draft.label = labels[0];
    const wanting = [[draft.finding, "what you see"], [labels.length ? draft.label : true, "the class"], [draft.sure, "how sure you are"]]
      .filter(([value]) => value === null).map(([, text]) => text);
    const button = el("button", { className: "wide", type: "button", disabled: wanting.length > 0 }, "This is my answer");
    button.onclick = give;
    const hint = !item.hint ? null : draft.hinted ? el("p", { className: "hint" }, item.hint)
      : el("button", { className: "plain", type: "button", onclick: () => { draft.hinted = true; ask(); } }, "A hint");
    const focused = document.activeElement?.closest("label")?.textContent;
    form.replaceChildren(...[
      choices("finding", "What do you see?", [[false, system.clear], [true, system.finding]], draft.finding, (value) => {
        if (draft.finding !== value) draft.label = null;
        draft.finding = value;
        ask();
      }),
      labels.length > 1 ? choices("label", "Class", labels.map((one) => [one, one]), draft.label, (value) => { draft.label = value; ask(); }) : null,
      choices("sure", "How sure are you?", quiz.confidence.map((one) => [one, `${one} %`]), draft.sure, (value) => { draft.sure = value; ask(); }),
      el("p", { className: "small" }, "Touch the picture to mark the middle of what you see; touch a mark to take it back."),
      hint, button,
      el("p", { className: "small" }, wanting.length ? `Still to say: ${wanting.join(", ")}.` : "Final once given: it cannot be changed."),
    ].filter((part) => part !== null));
    [...form.querySelectorAll("label")].find((one) => one.textContent === focused)?.querySelector("input").focus();
    keep();
  };
  ask();
  page(`Case ${state.at + 1} of ${state.order.length}`, "desk", viewer(item, draft.marks, { told: false, changed: keep }),
    el("div", {}, el("p", { className: "small" }, `${system.title} · simulated, no patient`), form));
  if (quiz.seconds !== null) {
    const tick = () => {
      const left = quiz.seconds - (Date.now() - draft.started) / 1000;
      clock.textContent = `${Math.max(left, 0).toFixed(0)} s left`;
      if (left <= 0) give();
    };
    ticking = setInterval(tick, 250);
    tick();
  }
}

function told(position) {
  const number = state.order[position], item = quiz.cases[number], answer = state.answers[number];
  const good = right(answer, item), more = state.at < state.order.length;
  const next = el("button", { className: "wide", type: "button" }, more ? "Next case" : "To your results");
  next.onclick = () => { state.look = null; show(); };
  page(`Case ${position + 1} of ${state.order.length}: the truth`, "desk",
    viewer(item, answer.marks, { told: true, changed: keep }),
    el("div", {},
      el("p", {}, el("span", { className: good ? "good" : "bad" }, good ? "Right" : "Not right"), `: ${verdict(answer, item)}`),
      el("p", {}, "The truth: ", el("b", {}, truth(item, quiz.systems[item.system]))),
      item.note ? el("p", {}, item.note) : null,
      el("p", { className: "small" }, item.lesions.length ? "Outlined in dashed red." : "There is nothing to outline."), next));
  next.focus();
}

function summary() {
  const rows = state.order.map((number, position) => ({ position, item: quiz.cases[number], answer: state.answers[number] }));
  const spoken = rows.filter((row) => row.answer.finding !== null);
  const good = rows.filter((row) => right(row.answer, row.item)).length;
  const mean = rows.reduce((sum, row) => sum + points(row.answer, row.item.finding), 0) / rows.length;
  const among = (finding) => {
    const those = spoken.filter((row) => row.item.finding === finding);
    return wilson(those.filter((row) => row.answer.finding === finding).length, those.length);
  };
  const figure = (name, found) => el("div", {}, name, el("b", {}, found ? percent(found.share) : "–"),
    el("span", { className: "small" }, found ? `${percent(found.low)} to ${percent(found.high)}, n = ${found.n}` : "no such case answered"));
  const times = rows.map((row) => row.answer.seconds).sort((a, b) => a - b), half = times.length >> 1;
  const median = times.length % 2 ? times[half] : (times[half - 1] + times[half]) / 2;
  const line = ({ position, item, answer }) => {
    const system = quiz.systems[item.system], where = place(answer.marks, item);
    const look = el("button", { className: "plain", type: "button", "aria-label": `Look at case ${position + 1}` }, "Look");
    look.onclick = () => { state.look = position; show(); };
    const cells = [position + 1, answer.finding === null ? "no answer" : answer.label ?? (answer.finding ? system.finding : system.clear),
      item.label ?? (item.finding ? system.finding : system.clear), answer.sure === null ? "" : `${answer.sure} %`,
      right(answer, item) ? "yes" : answer.late ? "too late" : "no", points(answer, item.finding).toFixed(0),
      where.found === null ? "" : where.found ? "found" : "beside it", answer.seconds.toFixed(0)];
    return el("tr", {}, ...cells.map((cell) => el("td", {}, String(cell))), el("td", {}, look));
  };
  const again = el("button", { className: "plain", type: "button" }, "Once more");
  again.onclick = () => { state = { order: null, at: 0, look: null, answers: {}, draft: null }; show(); };
  const heads = ["Case", "You said", "Truth", "Sure", "Right", "Points", "Mark", "Seconds", ""];
  page(`${good} of ${plural(rows.length, "case")} right, ${mean.toFixed(0)} points`, "",
    el("div", { className: "figures" }, figure("Right", wilson(good, rows.length)), figure("Sensitivity", among(true)),
      figure("Specificity", among(false)), el("div", {}, "Time a case", el("b", {}, `${median.toFixed(0)} s`), el("span", { className: "small" }, "median"))),
    el("p", { className: "small" }, "Intervals are Wilson's, 95 %. These figures are on simulated scans: they say nothing of reading patients."),
    el("div", { className: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", {}, head)))),
      el("tbody", {}, ...rows.map(line)))), el("p", {}, again));
}

document.getElementById("foot").textContent = `${quiz.notice} Made with Overread, ${quiz.made}. Nothing leaves this file: it sends nothing, and keeps your answers until you close its tab.`;
show();
