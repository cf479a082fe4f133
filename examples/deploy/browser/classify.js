// A recording in; its class and the probabilities of all classes, after each time step, out.
//
// Beside this file lie model.onnx, which elman wrote; recordings.json, a few recordings to choose
// from; and the folder onnxruntime with two files of the npm package onnxruntime-web.

import * as ort from "./onnxruntime/ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1; // more threads need a server that sends headers of its own

const element = (id) => document.getElementById(id);
let session; // the model
let classes; // its classes, in the order of the probabilities
let nFeatures;
let shown; // the recording on the page: {name, label, steps, answers}

/**
 * What the network answers after each time step of a recording, which is as many samples as there
 * are steps: the same numbers each, of which it reads the first one, two, three, ...
 */
async function answersOverTime(steps) {
  const n = steps.length;
  const once = steps.flat();
  const X = new Float32Array(n * once.length);
  for (let i = 0; i < n; i++) X.set(once, i * once.length);
  const lengths = Int32Array.from({ length: n }, (_, i) => i + 1);
  const { label, probabilities } = await session.run({
    X: new ort.Tensor("float32", X, [n, n, nFeatures]),
    lengths: new ort.Tensor("int32", lengths, [n]),
  });
  const size = classes.length;
  return Array.from({ length: n }, (_, i) => ({
    label: String(label.data[i]),
    probabilities: Array.from(probabilities.data.slice(i * size, (i + 1) * size)),
  }));
}

/** The numbers of a CSV file that has a line for each time step, and possibly names on top. */
function stepsOfCsv(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const steps = [];
  lines.forEach((line, i) => {
    if (line === "") return;
    const cells = line.split(/[,;\t]/).map((cell) => cell.trim());
    const values = cells.map((cell) => (cell === "" ? NaN : Number(cell)));
    if (steps.length === 0 && values.every(Number.isNaN)) return; // names of the columns
    if (values.length !== nFeatures) {
      throw new Error(`line ${i + 1} has ${values.length} columns, but the model reads ${nFeatures}`);
    }
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) {
      throw new Error(`line ${i + 1}, column ${wrong + 1}: ${cells[wrong] || "nothing"} is no number`);
    }
    steps.push(values);
  });
  if (steps.length === 0) throw new Error("there are no numbers in it");
  return steps;
}

async function show(recording) {
  const answers = await answersOverTime(recording.steps);
  shown = { ...recording, answers };
  element("n-features").textContent = nFeatures;
  element("steps").max = answers.length;
  element("steps").value = answers.length;
  element("answer").hidden = false;
  say("");
  showAfter(answers.length);
}

/** Show the answer to the first n time steps. */
function showAfter(n) {
  const { label, probabilities } = shown.answers[n - 1];
  const best = probabilities.indexOf(Math.max(...probabilities));
  element("label").textContent = label;
  element("sure").textContent = percent(probabilities[best]);
  const known = shown.label !== undefined;
  const right = shown.label === label;
  element("truth").textContent = !known ? "" : right ? "Right." : `Wrong: it is ${shown.label}.`;
  element("truth").className = known && !right ? "wrong" : "";
  element("read").textContent = `The answer to the first ${n} of ${shown.answers.length} time steps.`;
  element("probabilities").tBodies[0].replaceChildren(
    ...classes.map((name, k) => row(name, probabilities[k], k === best)),
  );
  drawSignal(n);
  drawOverTime(n, best);
}

function row(name, probability, isBest) {
  const line = document.createElement("tr");
  line.className = isBest ? "best" : "";
  line.dataset.probability = probability;
  const bar = document.createElement("div");
  bar.className = "bar";
  bar.style.width = `${100 * probability}%`;
  const cells = [document.createElement("th"), ...[0, 1].map(() => document.createElement("td"))];
  cells[0].textContent = name;
  cells[1].append(bar);
  cells[2].textContent = percent(probability);
  line.append(...cells);
  return line;
}

function percent(probability) {
  return `${(100 * probability).toFixed(1)} %`;
}

// Pictures

function drawSignal(n) {
  const svg = element("signal");
  const { low, high } = shown.steps.flat().reduce(
    ({ low, high }, value) => ({ low: Math.min(low, value), high: Math.max(high, value) }),
    { low: Infinity, high: -Infinity },
  );
  const lines = Array.from({ length: nFeatures }, (_, j) => {
    const values = shown.steps.map((step) => (step[j] - low) / (high - low || 1));
    const path = pathOf(svg, values);
    path.style.stroke = `hsl(${200 + (140 * j) / nFeatures} 60% 58%)`;
    return path;
  });
  svg.replaceChildren(axis(svg), ...lines, ...veil(svg, n));
}

function drawOverTime(n, best) {
  const svg = element("over-time");
  const lines = classes.map((_, k) => {
    const path = pathOf(svg, shown.answers.map(({ probabilities }) => probabilities[k]));
    path.setAttribute("class", k === best ? "best" : "class");
    return path;
  });
  lines.push(...lines.splice(best, 1)); // above the others
  svg.replaceChildren(axis(svg), ...lines, ...veil(svg, n));
}

/** Where a time step stands, from left to right. */
function across(svg, step, nSteps) {
  return nSteps === 1 ? 0 : (step / (nSteps - 1)) * svg.viewBox.baseVal.width;
}

/** A line through values from 0 to 1, one for each time step. */
function pathOf(svg, values) {
  const height = svg.viewBox.baseVal.height;
  const points = values.map(
    (value, t) => `${across(svg, t, values.length).toFixed(2)},${(height * (1 - value)).toFixed(2)}`,
  );
  return part("path", { d: `M${points.length === 1 ? `${points[0]} h4` : points.join(" L")}` });
}

function axis(svg) {
  const { width, height } = svg.viewBox.baseVal;
  return part("path", { d: `M0,0 H${width} M0,${height} H${width}`, class: "axis" });
}

/** What is not read yet lies behind a veil. */
function veil(svg, n) {
  const { width, height } = svg.viewBox.baseVal;
  const x = across(svg, n - 1, shown.answers.length);
  return [
    part("rect", { x, y: -2, width: width + 2 - x, height: height + 4, class: "unread" }),
    part("path", { d: `M${x},0 V${height}`, class: "now" }),
  ];
}

function part(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// The page

function say(text, isError = false) {
  element("message").textContent = text;
  element("message").className = isError ? "error" : "";
}

let last = Promise.resolve();

/** Do something once all before it is done, and say on the page what goes wrong. */
function trying(what, action) {
  last = last.then(action).catch((error) => {
    element("answer").hidden = true;
    say(`${what}: ${error.message}`, true);
  });
}

async function fetched(name) {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name} is not beside this page (${answer.status})`);
  return answer;
}

async function begin() {
  const given = await (await fetched("recordings.json")).json();
  const bytes = await (await fetched("model.onnx")).arrayBuffer();
  session = await ort.InferenceSession.create(bytes);
  classes = given.classes;
  nFeatures = given.recordings[0].steps[0].length;

  const select = element("recording");
  given.recordings.forEach(({ name, steps }, i) => {
    select.add(new Option(`${name}: ${steps.length} steps`, i));
  });
  const choose = (i) => {
    const n = given.recordings.length;
    select.value = (i + n) % n;
    history.replaceState(null, "", `#${select.value}`);
    const recording = given.recordings[select.value];
    trying(recording.name, () => show(recording));
  };
  select.addEventListener("change", () => choose(Number(select.value)));
  element("before").addEventListener("click", () => choose(Number(select.value) - 1));
  element("next").addEventListener("click", () => choose(Number(select.value) + 1));
  element("steps").addEventListener("input", (event) => showAfter(Number(event.target.value)));
  element("file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    if (file === undefined) return;
    trying(file.name, async () => show({ steps: stepsOfCsv(await file.text()) }));
  });
  choose(Number.parseInt(location.hash.slice(1), 10) || 0);
}

trying("The page could not begin", begin);
