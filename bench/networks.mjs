// One training step of two variational autoencoders on each backend, beside PyTorch and JAX in the same run.
//   node bench/networks.mjs [--python DIR/bin/python] [--only wasm,tensorflow] [--steps 60] [--rounds 3]
// PyTorch and JAX: python3 -m venv DIR && DIR/bin/pip install torch jax --extra-index-url https://download.pytorch.org/whl/cpu
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stream } from "../dist/runtime/numeric/random.js";
import { loadTfjs, tfjsNames } from "../dist/runtime/tfjs/load.js";
import { wasmBackend } from "../dist/runtime/wasm/backend.js";
import { parameterShapes, trainingStep } from "./networks/program.mjs";

const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    only: { type: "string" },
    steps: { type: "string", default: "60" },
    rounds: { type: "string", default: "3" },
  },
});
const STEPS = Number(options.steps);
const WARM = 10;
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

async function time(backend, model, steps) {
  const began = performance.now();
  const program = trainingStep(model);
  const built = performance.now() - began;
  const e = await backend.compile(program);
  const compiled = performance.now() - began - built;
  const rng = stream(1, "bench");
  for (const [name, shape] of Object.entries(parameterShapes(model)))
    if (shape.length === 2) e.write(name, fill(rng, shape[0] * shape[1], Math.sqrt(2 / (shape[0] + shape[1]))));
  e.write(
    "data",
    Float64Array.from({ length: model.rows * model.pixels }, () => Number(rng.uniform() < 0.13)),
  );
  const { index, noise } = e.inputs;
  const step = () => {
    for (let i = 0; i < index.length; i++) index[i] = Math.floor(rng.uniform() * model.rows);
    for (let i = 0; i < noise.length; i++) noise[i] = rng.normal();
    e.run();
    return e.outputs[0][0];
  };
  const first = step();
  for (let i = 0; i < Math.min(WARM, steps); i++) step();
  const before = process.cpuUsage();
  const times = [];
  for (let i = 0; i < steps; i++) {
    const t = performance.now();
    step();
    times.push(performance.now() - t);
  }
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) / 1000 / steps;
  const last = step();
  e.dispose();
  return { cpu, ms: median(times), least: Math.min(...times), first, last, built, compiled };
}

/** Everybody once, in turn; what is not here says why, the first time, and is not asked again. */
async function round(model, results, first) {
  const keep = (name, r, note) => {
    const own = results.get(name) ?? { times: [], least: [], cpu: [], note, first: r.first, last: r.last };
    own.times.push(r.ms);
    own.least.push(r.least);
    own.cpu.push(r.cpu);
    results.set(name, own);
  };
  const absent = (name, why) => {
    if (first) console.log(`${name}: not here: ${why}`);
    // Ratios are of the same rounds.
    else if (results.delete(name)) console.log(`${name}: left out, since a later round failed: ${why}`);
  };
  const isIn = (name) => wanted(name) && (first || results.has(name));
  for (const name of ["wasm", ...tfjsNames].filter(isIn)) {
    if (name === "tfjs-cpu" && !first) continue; // a minute each
    try {
      const backend = name === "wasm" ? wasmBackend : await loadTfjs(name);
      const r = await time(backend, model, name === "tfjs-cpu" ? 5 : STEPS);
      keep(
        name,
        r,
        `${backend.version ?? "float64, one thread"}; built in ${r.built.toFixed(0)} ms, compiled in ${r.compiled.toFixed(0)}`,
      );
    } catch (e) {
      absent(name, e instanceof Error ? e.message : String(e));
    }
  }
  for (const name of ["torch", "jax"].filter(isIn)) {
    const script = fileURLToPath(new URL(`networks/${name}_step.py`, import.meta.url));
    const run = spawnSync(options.python, [script, JSON.stringify({ ...model, steps: STEPS })], { encoding: "utf8" });
    if (run.status === 0) {
      const r = JSON.parse(run.stdout.trim().split("\n").at(-1));
      keep(name, r, r.note);
    } else absent(name, (run.stderr ?? run.error?.message ?? "").trim().split("\n").at(-1));
  }
}

console.log(
  `node ${process.version}, ${availableParallelism()} cores; ${options.rounds} rounds of ${STEPS} steps; medians of a round's steps, then of rounds`,
);
for (const model of models) {
  const results = new Map();
  for (let r = 0; r < Number(options.rounds); r++) await round(model, results, r === 0);
  console.log(`\n${model.title}`);
  for (const [name, { times, least, cpu, note, first, last }] of results) {
    const spread = `${Math.min(...times).toFixed(2)} to ${Math.max(...times).toFixed(2)}`;
    const columns = [
      ["fastest", Math.min(...least)],
      ["processor", median(cpu)],
    ].map(([what, x]) => `${what} ${x.toFixed(2).padEnd(7)}`);
    const losses = `loss ${first.toFixed(1)} to ${last.toFixed(1)}`;
    console.log(
      `  ${name.padEnd(11)}${median(times).toFixed(2).padStart(8)} ms  ${spread.padEnd(18)}${columns.join(" ")} ${losses}  ${note}`,
    );
  }
  for (const other of ["torch", "jax"])
    for (const own of ["tensorflow", "wasm"]) {
      const [a, b] = [results.get(own), results.get(other)];
      if (!a || !b) continue;
      const ratio = median(a.times.map((x, k) => x / b.times[k]));
      const fastest = Math.min(...a.least) / Math.min(...b.least);
      const processor = median(a.cpu) / median(b.cpu);
      console.log(
        `  ${own} / ${other}: ${ratio.toFixed(2)}, of the fastest steps ${fastest.toFixed(2)}, of processor time ${processor.toFixed(2)}`,
      );
    }
}
process.exit(0);
