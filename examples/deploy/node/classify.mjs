// The classes and probabilities of recordings, on Node. Run: node classify.mjs [recordings.json]
//
// Beside this file lie model.onnx and recordings.json, which prepare.py wrote, and node_modules with
// the package onnxruntime-web (WebAssembly; any machine) or onnxruntime-node (native; same calls).

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-web";

const beside = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Recordings of unequal length as one batch, filled up with zeros, which are not read. */
function batchOf(recordings) {
  const nFeatures = recordings[0].steps[0].length;
  const lengths = Int32Array.from(recordings, ({ steps }) => steps.length);
  const longest = Math.max(...lengths);
  const X = new Float32Array(recordings.length * longest * nFeatures);
  recordings.forEach(({ steps }, i) => X.set(steps.flat(), i * longest * nFeatures));
  return {
    X: new ort.Tensor("float32", X, [recordings.length, longest, nFeatures]),
    lengths: new ort.Tensor("int32", lengths, [recordings.length]),
  };
}

ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(beside("model.onnx"));
const file = process.argv[2] ?? beside("recordings.json");
const { recordings } = JSON.parse(await readFile(file, "utf-8"));
if (recordings.length === 0) throw new Error(`${file} holds no recordings`); // never an empty batch

const { label, probabilities } = await session.run(batchOf(recordings));
const nClasses = probabilities.dims[1];
recordings.forEach(({ name }, i) => {
  const own = probabilities.data.slice(i * nClasses, (i + 1) * nClasses);
  console.log(`${name}\t${label.data[i]}\t${Math.max(...own)}`);
});
