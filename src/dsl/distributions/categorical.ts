// One of K categories, 1 … K.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import { broadcastShapes, sameShape, sizeOf } from "../../runtime/ir/type.ts";
import { category, real } from "../constraints/interval.ts";
import { simplex } from "../constraints/simplex.ts";
import { defineDistribution } from "./define.ts";
import { oneNoise } from "./params.ts";

const lastOf = (v: Value): number => shapeOf(v)[shapeOf(v).length - 1];

/** table[…, k] at the 0-based k: one table for all k, or a table for each. */
export function pick(b: Builder, table: Value, k: Value): Value {
  const own = shapeOf(table).slice(0, -1);
  if (own.length === 0) return b.gather(table, k);
  const shape = broadcastShapes(own, shapeOf(k));
  const size = lastOf(table);
  const tables = sameShape(own, shape)
    ? table
    : b.broadcastTo(b.reshape(table, [...ones(shape.length - own.length), ...own, size]), [...shape, size]);
  const at = sameShape(shapeOf(k), shape) ? k : b.broadcastTo(k, shape);
  return b.gather(tables, at, shape.length);
}
const ones = (n: number): number[] => new Array<number>(n).fill(1);
/** 0-based index of a category. */
export const indexOf = (b: Builder, x: Value): Value => b.cast(b.sub(x, b.constant(1)), "int");

/** 1 + the number of partial sums of the weights that u, times their total, exceeds; the last sum is not asked. */
function inverse(b: Builder, u: Value, weights: Value, shape: Shape): Value {
  const size = lastOf(weights);
  const sums = b.cumsum(weights);
  const axis = shapeOf(sums).length - 1;
  const scaled = b.mul(u, b.reshape(b.slice(sums, axis, size - 1, 1), shapeOf(sums).slice(0, axis)));
  const full = b.broadcastTo(scaled, shape);
  const passed = b.ge(b.reshape(full, [...shape, 1]), b.slice(sums, axis, 0, size - 1));
  return b.add(b.constant(1, "int"), b.sum(b.cast(passed, "int"), [shape.length]));
}

export const categorical = defineDistribution({
  name: "Categorical",
  doc: "x in 1 … K with probability theta[x].",
  params: { theta: { constraint: simplex, rank: 1, doc: "probabilities" } },
  support: {
    constraint: category,
    bounds: (b, { theta }) => ({ lower: b.constant(1, "int"), upper: b.constant(lastOf(theta), "int") }),
  },
  event: 0,
  // The log of whichever is smaller: the table, or what is picked from it.
  logDensity: (b, x, { theta }) =>
    sizeOf(shapeOf(theta)) <= sizeOf(shapeOf(x)) ? pick(b, b.log(theta), indexOf(b, x)) : b.log(pick(b, theta, indexOf(b, x))),
  draw: { gradient: "score", noise: oneNoise("uniform"), build: (b, [u], { theta }, shape) => inverse(b, u, theta, shape) },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 2, params: { theta: [0.125, 0.25, 0.625] }, logDensity: -1.3862943611198906 },
      { x: 1, params: { theta: [1, 0] }, logDensity: 0 },
      { x: 3, params: { theta: [0.5, 0.4375, 0.0625] }, logDensity: -2.772588722239781 },
      { x: 1, params: { theta: [1] }, logDensity: 0 },
      { x: 4, params: { theta: [0.3, 0.2, 0.375, 0.125] }, logDensity: -2.0794415416798357 },
    ],
  },
});

export const categoricalLogit = defineDistribution({
  name: "CategoricalLogit",
  doc: "x in 1 … K with probability proportional to exp(beta[x]).",
  params: { beta: { constraint: real, rank: 1, doc: "log odds, up to a constant" } },
  alternatives: [
    {
      params: { logits: { constraint: real, rank: 1, doc: "log odds, up to a constant" } },
      convert: (_b, p) => ({ beta: p.logits }),
    },
  ],
  support: {
    constraint: category,
    bounds: (b, { beta }) => ({ lower: b.constant(1, "int"), upper: b.constant(lastOf(beta), "int") }),
  },
  event: 0,
  logDensity: (b, x, { beta }) => b.sub(pick(b, beta, indexOf(b, x)), b.logSumExp(beta, [shapeOf(beta).length - 1])),
  draw: {
    gradient: "score",
    noise: oneNoise("uniform"),
    build: (b, [u], { beta }, shape) => {
      const axis = shapeOf(beta).length - 1;
      const top = b.reduceMax(beta, [axis]);
      return inverse(b, u, b.exp(b.sub(beta, b.reshape(top, [...shapeOf(top), 1]))), shape);
    },
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 2, params: { beta: [0.5, -1.25, 2] }, logDensity: -3.4826219831020326 },
      { x: 1, params: { beta: [700, 710] }, logDensity: -10.000045398899218 },
      { x: 3, params: { beta: [0.5, 0.25, -40] }, logDensity: -41.07593941987884 },
      { x: 1, params: { beta: [-3] }, logDensity: 0 },
      { x: 4, params: { beta: [0.3, 2, -4, 1] }, logDensity: -1.440215406266059 },
    ],
  },
});
