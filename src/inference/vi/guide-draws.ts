// Draws of all latents from a fitted guide, in float64, with their log p and log q.
import type { Draws } from "../../runtime/draws.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Column, Target, Term } from "../../runtime/target.ts";
import type { Family } from "./approximation.ts";
import { type DrawContext, eachDraw } from "./each-draw.ts";
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
  context: DrawContext,
): Promise<Draws> {
  const b = createBuilder();
  const noise = new Noise(b);
  const inputs = new FittedInputs(b, target, family, fitted);
  const drawn = family.draw(b, noise, { target: inputs.target, family: inputs.family }, { parameters: inputs.target });
  const outputs = names.map((name) => b.cast(drawn.values[name], "real"));
  const all = outputs.map((o) => new Float64Array(draws * sizeOf(shapeOf(o))));
  const count = await eachDraw(b, { residents: inputs, noise, outputs }, draws, rng, context, (drawnValues, i) => {
    drawnValues.forEach((o, k) => {
      all[k].set(o, i * o.length);
    });
  });
  const columns = names.map((name, k): Column => {
    const integer = dtypeOf(drawn.values[name]) === "int";
    return { name, shape: shapeOf(outputs[k]), role: "latent", integer };
  });
  const values = names.map((name, k) => [name, all[k].subarray(0, count * sizeOf(shapeOf(outputs[k])))]);
  return { chains: 1, drawsPerChain: count, columns, values: Object.fromEntries(values), stats: {} };
}

/** Positions included: for models with few latents. */
export async function guideDraws(
  target: Target,
  family: Family,
  fitted: Fitted,
  draws: number,
  rng: Rng,
  context: DrawContext,
): Promise<Evaluated & { readonly positions: Float64Array; readonly draws: number; readonly dimension: number }> {
  const b = createBuilder();
  const noise = new Noise(b);
  const inputs = new FittedInputs(b, target, family, fitted);
  const parameters = { target: inputs.target, family: inputs.family };
  const setting = { parameters: inputs.target };
  const drawn = family.draw(b, noise, parameters, setting);
  const reverse = reverseTerms(b, target, drawn, setting);
  const total = (terms: readonly Term[]): Value => terms.reduce((s, t) => b.add(s, b.sum(t.value)), b.constant(0));
  // Discrete latents that have no draw are summed out, and recovered when draws are finished.
  const isWhole = target.discrete.every((s) => drawn.values[s.name]);
  const width = isWhole ? target.width : target.dimension;
  const names = [...new Set([...target.layout, ...(isWhole ? target.discrete : [])].map((s) => s.name))];
  const outputs = [
    total([...target.terms(b, drawn.values, setting), ...drawn.jacobian, ...reverse]),
    total(drawn.logQ(parameters)),
    ...names.map((name) => b.cast(drawn.values[name], "real")),
  ];
  const fixed = target.fix(fitted.parameters);
  const base = new Float64Array(width);
  const logP = new Float64Array(draws);
  const logQ = new Float64Array(draws);
  const positions = new Float64Array(draws * width);
  const count = await eachDraw(b, { residents: inputs, noise, outputs }, draws, rng, context, ([[p], [q], ...latents], i) => {
    logP[i] = p;
    logQ[i] = q;
    const values = Object.fromEntries(names.map((name, k) => [name, Array.from(latents[k])]));
    positions.set(fixed.unconstrain(values, base), i * width);
  });
  return {
    draws: count,
    dimension: width,
    logP: logP.subarray(0, count),
    logQ: logQ.subarray(0, count),
    positions: positions.subarray(0, count * width),
  };
}
