// One training step of two variational autoencoders on each backend, beside PyTorch and JAX in the same run.
//   node bench/networks.mjs [--python DIR/bin/python] [--only wasm,tensorflow] [--steps 100]
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { loadTfjs, tfjsNames } from "../dist/runtime/tfjs/load.js";
import { wasmBackend } from "../dist/runtime/wasm/backend.js";
import { stream } from "../dist/runtime/numeric/random.js";
import { parameterShapes, trainingStep } from "./networks/program.mjs";

const { values: options } = parseArgs({
  options: { python: { type: "string", default: "python3" }, only: { type: "string" }, steps: { type: "string", default: "60" }, small: { type: "boolean" } },
});
const STEPS = Number(options.steps);
const models = [
  { title: "784-200-200-z20, batch 100", pixels: 784, hidden: 200, latent: 20, batch: 100, rows: 5000 },
  { title: "784-500-500-z40, batch 128", pixels: 784, hidden: 500, latent: 40, batch: 128, rows: 5000 },
];
const median = (xs) => [...xs].sort((a, b) => a - b)[Math.floor(xs.length / 2)];
const only = options.only?.split(",");
const wanted = (name) => only === undefined || only.includes(name);

function fill(rng, n, scale) {
  return Float64Array.from({ length: n }, () => scale * rng.normal());
}

async function time(backend, model) {
  const began = performance.now();
  const program = trainingStep(model);
  const built = performance.now() - began;
  const e = await backend.compile(program);
  const compiled = performance.now() - began - built;
  const rng = stream(1, "bench");
  for (const [name, shape] of Object.entries(parameterShapes(model)))
    if (shape.length === 2) e.write(name, fill(rng, shape[0] * shape[1], Math.sqrt(2 / (shape[0] + shape[1]))));
  e.write("data", Float64Array.from({ length: model.rows * model.pixels }, () => Number(rng.uniform() < 0.13)));
  const { index, noise } = e.inputs;
  const step = () => {
    for (let i = 0; i < index.length; i++) index[i] = Math.floor(rng.uniform() * model.rows);
    for (let i = 0; i < noise.length; i++) noise[i] = rng.normal();
    e.run();
    return e.outputs[0][0];
  };
  const first = step();
  const times = [];
  const deadline = performance.now() + 60_000;
  for (let i = 0; i < STEPS + 10 && (performance.now() < deadline || times.length < 5); i++) {
    const t = performance.now();
    step();
    if (i >= 10 || performance.now() > deadline - 40_000) times.push(performance.now() - t);
  }
  const last = step();
  e.dispose();
  return { ms: median(times), least: Math.min(...times), first, last, built, compiled };
}

const results = [];
const row = (model, name, note, r) => {
  results.push({ model, name, ...r });
  console.log(`${model.title.padEnd(28)}${name.padEnd(12)}${r.ms.toFixed(2).padStart(8)} ms  least ${r.least.toFixed(2)}  loss ${r.first.toFixed(1)} to ${r.last.toFixed(1)}  ${note}`);
};
console.log(`node ${process.version}, ${availableParallelism()} cores; ${STEPS} steps, medians`);
for (const model of models) {
  for (const name of ["wasm", ...tfjsNames].filter(wanted)) {
    try {
      const backend = name === "wasm" ? wasmBackend : await loadTfjs(name);
      const r = await time(backend, model);
      row(model, name, `${backend.version ?? "float64"}; built in ${r.built.toFixed(0)} ms, compiled in ${r.compiled.toFixed(0)}`, r);
    } catch (e) {
      console.log(`${model.title.padEnd(28)}${name.padEnd(12)} ${e instanceof Error ? `${e.message} ${e.cause?.message ?? ""}` : e}`);
    }
  }
  for (const name of ["torch", "jax"].filter(wanted)) {
    const arguments_ = [new URL(`networks/${name}_step.py`, import.meta.url).pathname, JSON.stringify({ ...model, steps: STEPS })];
    const run = spawnSync(options.python, arguments_, { encoding: "utf8" });
    if (run.status === 0) {
      const r = JSON.parse(run.stdout.trim().split("\n").at(-1));
      row(model, name, r.note, r);
    } else console.log(`${model.title.padEnd(28)}${name.padEnd(12)} not here: ${(run.stderr ?? run.error?.message ?? "").trim().split("\n").at(-1)}`);
  }
  const of = (name) => results.find((r) => r.model === model && r.name === name)?.ms;
  for (const other of ["torch", "jax"])
    for (const own of ["tensorflow", "wasm"])
      if (of(other) && of(own)) console.log(`  ${own} / ${other}: ${(of(own) / of(other)).toFixed(2)}`);
}
