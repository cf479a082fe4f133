// Reads from standard input which ONNX files to run with which inputs; writes their outputs as JSON.
// Arrays of numbers go both ways as base64 of their bytes, because JSON knows no NaN.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { packages, engine, cases } = JSON.parse(readFileSync(0, "utf-8"));
const ort = createRequire(packages + "/")(engine);
if (ort.env.wasm) ort.env.wasm.numThreads = 1;

const ARRAYS = {
  float32: Float32Array, float64: Float64Array, int32: Int32Array, int64: BigInt64Array,
  bool: Uint8Array,
};

function tensor({ type, dims, data }) {
  if (type === "string") return new ort.Tensor(type, data, dims);
  const bytes = Buffer.from(data, "base64");
  const copy = new Uint8Array(bytes).buffer;
  return new ort.Tensor(type, new ARRAYS[type](copy), dims);
}

function written({ type, dims, data }) {
  if (type === "string") return { type, dims, data: [...data] };
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { type, dims, data: bytes.toString("base64") };
}

const answers = [];
for (const { file, feeds } of cases) {
  const provider = engine === "onnxruntime-web" ? "wasm" : "cpu";
  const session = await ort.InferenceSession.create(readFileSync(file), {
    executionProviders: [provider],
  });
  const given = Object.fromEntries(Object.entries(feeds).map(([k, v]) => [k, tensor(v)]));
  const found = await session.run(given);
  answers.push(Object.fromEntries(Object.entries(found).map(([k, v]) => [k, written(v)])));
}
process.stdout.write(JSON.stringify(answers));
