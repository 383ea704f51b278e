// Draws of all latents from a fitted guide, in float64, with their log p and log q.
import type { Draws } from "../../runtime/draws.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Column, Target, Term } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import type { Family } from "./approximation.ts";
import type { Evaluated } from "./evaluate.ts";
import { Noise } from "./noise.ts";
import { type Fitted, FittedInputs } from "./rows-weights.ts";
import { reverseTerms } from "./weights.ts";

/** Of some latents alone, on the constrained scale: those that belong to no row, where rows are many. */
export async function drawsOf(
  target: Target,
  names: readonly string[],
  family: Family,
  fitted: Fitted,
  draws: number,
  rng: Rng,
  context: { stop(): boolean; breathe(): Promise<void> },
): Promise<Draws> {
  const b = createBuilder();
  const noise = new Noise(b);
  const inputs = new FittedInputs(b, target, family, fitted);
  const drawn = family.draw(b, noise, { target: inputs.target, family: inputs.family }, { parameters: inputs.target });
  const outputs = names.map((name) => b.cast(drawn.values[name], "real"));
  const program = simplify(b, {
    inputs: [...inputs.residents, ...noise.inputsOf(outputs)],
    residents: inputs.residents,
    outputs,
    updates: [],
  });
  const executable = await wasmBackend.compile(program);
  try {
    inputs.write(executable);
    const fill = noise.filler(executable);
    const all = executable.outputs.map((o) => new Float64Array(draws * o.length));
    let count = 0;
    for (; count < draws && !context.stop(); count++) {
      fill(rng);
      executable.run();
      executable.outputs.forEach((o, k) => {
        all[k].set(o, count * o.length);
      });
      await context.breathe();
    }
    const columns = names.map((name, k): Column => {
      const integer = dtypeOf(drawn.values[name]) === "int";
      return { name, shape: shapeOf(outputs[k]), role: "latent", integer };
    });
    const values = names.map((name, k) => [name, all[k].subarray(0, (count * all[k].length) / draws)]);
    return { chains: 1, drawsPerChain: count, columns, values: Object.fromEntries(values), stats: {} };
  } finally {
    executable.dispose();
  }
}

/** Positions included: for models with few latents. */
export async function guideDraws(
  target: Target,
  family: Family,
  fitted: Fitted,
  draws: number,
  rng: Rng,
  context: { stop(): boolean; breathe(): Promise<void> },
): Promise<Evaluated & { readonly positions: Float64Array; readonly draws: number }> {
  const b = createBuilder();
  const noise = new Noise(b);
  const inputs = new FittedInputs(b, target, family, fitted);
  const parameters = { target: inputs.target, family: inputs.family };
  const setting = { parameters: inputs.target };
  const drawn = family.draw(b, noise, parameters, setting);
  const reverse = reverseTerms(b, target, drawn, setting);
  const total = (terms: readonly Term[]): Value => terms.reduce((s, t) => b.add(s, b.sum(t.value)), b.constant(0));
  const names = [...new Set([...target.layout, ...target.discrete].map((s) => s.name))];
  const outputs = [
    total([...target.terms(b, drawn.values, setting), ...drawn.jacobian, ...reverse]),
    total(drawn.logQ(parameters)),
    ...names.map((name) => b.cast(drawn.values[name], "real")),
  ];
  const program = simplify(b, {
    inputs: [...inputs.residents, ...noise.inputsOf(outputs)],
    residents: inputs.residents,
    outputs,
    updates: [],
  });
  const executable = await wasmBackend.compile(program);
  try {
    inputs.write(executable);
    const fill = noise.filler(executable);
    const fixed = target.fix(fitted.parameters);
    const base = new Float64Array(target.width);
    const logP = new Float64Array(draws);
    const logQ = new Float64Array(draws);
    const positions = new Float64Array(draws * target.width);
    let i = 0;
    for (; i < draws && !context.stop(); i++) {
      fill(rng);
      executable.run();
      logP[i] = executable.outputs[0][0];
      logQ[i] = executable.outputs[1][0];
      const values = Object.fromEntries(names.map((name, k) => [name, Array.from(executable.outputs[2 + k])]));
      positions.set(fixed.unconstrain(values, base), i * target.width);
      await context.breathe();
    }
    return {
      draws: i,
      logP: logP.subarray(0, i),
      logQ: logQ.subarray(0, i),
      positions: positions.subarray(0, i * target.width),
    };
  } finally {
    executable.dispose();
  }
}
