// Accept and reject on float32 backends, for a network of real size: how far their energies are from float64, and what that does to acceptance.
import { beforeAll, describe, expect, test } from "vitest";
import { trainingFrom, trainingOptions } from "../../src/inference/engines/training-options.ts";
import { defaultsOf } from "../../src/inference/options.ts";
import { guided } from "../../src/inference/vi/approximation.ts";
import { refinedGoal } from "../../src/inference/vi/hmc-goal.ts";
import { hmc, stateAt } from "../../src/inference/vi/hmc-rows.ts";
import { Noise } from "../../src/inference/vi/noise.ts";
import { startingValues } from "../../src/inference/vi/parameters.ts";
import { rowDensity } from "../../src/inference/vi/rows-density.ts";
import { train } from "../../src/inference/vi/train.ts";
import { type Backend, type Program, rootsOf } from "../../src/runtime/backend.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { type Node, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { sizeOf } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { wasmBackend } from "../../src/runtime/wasm/backend.ts";
import { tfjsBackends } from "../laws/backends.ts";
import { bound } from "./model-under-test.ts";

const ROWS = 100;
const decoder = `
data x: int<0, 1>[N, D]
const K = 20, H = 200
param W1: real[K, H], b1: real[H]
param W2: real[H, H], b2: real[H]
param W3: real[H, D], b3: real[D]
for n in 1..N {
  z[n]: real[K] ~ Normal(0, 1)
  x[n] ~ BernoulliLogit(tanh(tanh(z[n] @ W1 + b1) @ W2 + b2) @ W3 + b3)
}`;

const encoder = `
param V1: real[D, H], c1: real[H]
param V2: real[H, H], c2: real[H]
param V3: real[H, K], c3: real[K]
param V4: real[H, K], c4: real[K]
guide {
  for n in 1..N {
    let h = tanh(tanh(x[n] @ V1 + c1) @ V2 + c2)
    z[n] ~ Normal(h @ V3 + c3, exp(h @ V4 + c4))
  }
}`;
/** As many ones as images of digits have. */
function bitRows(): number[][] {
  const bits = stream(1, "bits");
  return Array.from({ length: ROWS }, () => Array.from({ length: 784 }, () => (bits.uniform() < 0.13 ? 1 : 0)));
}

interface Built {
  readonly program: Program;
  readonly noise: Noise;
  readonly parameters: readonly { readonly name: string; readonly values: Float64Array }[];
}
/** A transition of five leapfrog steps for each of 100 rows, at weights of the size that training gives. */
async function build(): Promise<Built & { readonly gradientProgram: Program }> {
  const { target } = await bound(decoder, { x: bitRows() });
  const b = createBuilder();
  const noise = new Noise(b);
  const inputs = target.parameters.map((p) => b.input(p.name, { shape: p.shape, dtype: "real" }));
  const density = rowDensity(b, target, { parameters: Object.fromEntries(target.parameters.map((p, i) => [p.name, inputs[i]])) });
  if ("refusal" in density) throw new Error(density.refusal);
  const rows = b.input("rows", { shape: [ROWS], dtype: "int" });
  const start = b.input("start", { shape: [ROWS, 20], dtype: "real" });
  const chains = { parts: (u: Value) => [density.at(rows, u)] };
  const run = hmc(b, chains, stateAt(b, chains, start), b.constant(0.8), b.constant(1), noise, {
    transitions: 1,
    leapfrog: 5,
    jitter: 0,
  });
  const program = (outputs: readonly Value[]): Program =>
    simplify(b, {
      inputs: [...inputs, rows, start, ...noise.inputsOf(outputs)],
      residents: inputs,
      outputs,
      updates: [],
    });
  const one = density.at(rows, start);
  const [slope] = gradient(b, b.sum(one), [start]);
  const weights = stream(2, "weights");
  const parameters = target.parameters.map(({ name, shape }) => {
    const values = new Float64Array(sizeOf(shape));
    weights.fillNormal(values);
    const scale = shape.length === 2 ? 1.5 * Math.sqrt(2 / (shape[0] + shape[1])) : 0.3;
    return { name, values: values.map((v) => scale * v - (name === "b3" ? 2 : 0)) };
  });
  return { program: program([run.rise, start]), gradientProgram: program([one, slope]), noise, parameters };
}

async function risesOn(backend: Backend, { program, noise, parameters }: Built): Promise<Float64Array> {
  const e = await backend.compile(program);
  for (const { name, values } of parameters) e.write(name, values);
  e.inputs.rows.set(Int32Array.from({ length: ROWS }, (_, n) => n));
  const start = new Float64Array(ROWS * 20);
  stream(3, "start").fillNormal(start);
  e.inputs.start.set(start);
  noise.filler(e)(stream(4, "momentum"));
  e.run();
  await e.finished();
  const rise = e.outputs[0].slice();
  e.dispose();
  return rise;
}

describe("accept and reject in float32", () => {
  let built: Awaited<ReturnType<typeof build>>;
  let exact: Float64Array;
  beforeAll(async () => {
    built = await build();
    exact = await risesOn(wasmBackend, built);
  });
  const probability = (rise: number): number => Math.exp(Math.min(0, rise));

  test("the trajectories are such as are accepted and rejected", () => {
    const accepted = exact.reduce((s, r) => s + probability(r), 0) / ROWS;
    expect(accepted).toBeGreaterThan(0.3);
    expect(accepted).toBeLessThan(0.95);
  });

  // Measured: energies of about 500 are off by 1e-4 at most, and 5 of a million decisions would be others.
  for (const backend of tfjsBackends.filter((t) => t.name !== "tfjs-cpu"))
    test(`${backend.name}: fewer than one decision in ten thousand differs`, async () => {
      const rise = await risesOn(backend, built);
      const off = rise.map((r, n) => Math.abs(r - exact[n]));
      const flips = rise.reduce((s, r, n) => s + Math.abs(probability(r) - probability(exact[n])), 0) / ROWS;
      // Sums of a thousand terms, of each of which a rounding of the energy's size is the most that is lost.
      expect(Math.max(...off)).toBeLessThan(backend.epsilon * 500 * Math.sqrt(1000));
      expect(flips).toBeLessThan(1e-4);
    });
});

describe("the cost of a step", () => {
  const work = (program: Program): number => nodesOf(rootsOf(program)).reduce((s, node) => s + flops(node), 0);

  test("of dynamics is a gradient for each leapfrog step, and one at the start", async () => {
    const built = await build();
    expect(work(built.program) / work(built.gradientProgram)).toBeLessThan(6.01);
  });

  test("of training is at most (3 + M L) gradients and 20 %", async () => {
    const { gradientProgram } = await build();
    const { target } = await bound(`${decoder}${encoder}`, { x: bitRows() });
    const family = guided(target);
    if (!family) throw new Error("no guide");
    const [plate] = target.plates;
    const programs: Program[] = [];
    const backend: Backend = {
      ...wasmBackend,
      compile(program) {
        programs.push(program);
        return wasmBackend.compile(program);
      },
    };
    const goal = refinedGoal(
      { transitions: 2, leapfrog: 5, jitter: 0.25, targetAccept: 0.67, step: 0.5 },
      { acceptance: [], step: [] },
    );
    const options = trainingFrom(target, { ...defaultsOf(trainingOptions), steps: 1, batch: ROWS, averaged: 0 });
    const rng = stream(5, "train");
    const start = startingValues(target, family, rng);
    await train(
      target,
      family,
      start,
      options,
      { backend, rng, stop: () => false, breathe: async () => {}, progress() {} },
      goal,
    );
    expect(plate.size).toBe(ROWS);
    expect(work(programs[0]) / work(gradientProgram)).toBeLessThan(1.2 * (3 + 2 * 5));
  });
});

/** Of products of matrices. */
function flops({ op, inputs, attrs, results }: Node): number {
  if (typeof op === "string" || op.wasm.kind !== "contract") return 0;
  const [left] = inputs;
  const contracted = (attrs.left as readonly number[]).reduce((k, axis) => k * shapeOf(left)[axis], 1);
  return 2 * contracted * sizeOf(results[0].shape);
}
