// Finitely many integers at given places, not necessarily one after another.
import { ShapeError } from "../../runtime/errors.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { int } from "../constraints/interval.ts";
import { simplex } from "../constraints/simplex.ts";
import { categorical, indexOf, pick } from "./categorical.ts";
import { defineDistribution } from "./define.ts";
import { countQuantilesByLogs } from "./tails.ts";

/** x with an axis for the places behind its own. */
const apart = (b: Builder, x: Value): Value => b.reshape(x, [...shapeOf(x), 1]);
/** Σ_k p_k over the places that `holds` picks, along the last axis. */
const massWhere = (b: Builder, holds: Value, p: Value): Value => {
  const terms = b.select(holds, p, b.constant(0));
  return b.sum(terms, [shapeOf(terms).length - 1]);
};
const lastAxis = (v: Value): readonly number[] => [shapeOf(v).length - 1];

export const finiteDiscrete = defineDistribution({
  name: "FiniteDiscrete",
  doc: "The integer values[k] with probability p[k]; where a value stands twice, its probabilities add up.",
  params: {
    values: { constraint: int, rank: 1, doc: "integers, in any order" },
    p: { constraint: simplex, rank: 1, doc: "their probabilities" },
  },
  support: {
    constraint: int,
    bounds: (b, { values }) => ({
      lower: b.cast(b.reduceMin(values, lastAxis(values)), "int"),
      upper: b.cast(b.reduceMax(values, lastAxis(values)), "int"),
    }),
  },
  event: 0,
  logDensity: (b, x, { values, p }) => {
    const [places, all] = [values, p].map((v) => shapeOf(v)[shapeOf(v).length - 1]);
    if (places !== all) throw new ShapeError(`FiniteDiscrete has ${places} values and ${all} probabilities`);
    return b.log(massWhere(b, b.eq(apart(b, x), values), p));
  },
  draw: {
    gradient: "score",
    noise: (shape) => [{ kind: "uniform", shape }],
    build: (b, noise, { values, p }, shape) => {
      const k = categorical.draw?.build(b, noise, { theta: p }, shape) ?? b.constant(Number.NaN);
      return b.cast(pick(b, values, indexOf(b, k)), "int");
    },
  },
  logCdf: (b, x, { values, p }) => b.log(massWhere(b, b.le(values, apart(b, x)), p)),
  logCcdf: (b, x, { values, p }) => b.log(massWhere(b, b.gt(values, apart(b, x)), p)),
  // The least of the places at which the smaller of the two probabilities is reached.
  ...countQuantilesByLogs((b, logP, logQ, { values, p }) => {
    const there = apart(b, values);
    const others = b.reshape(values, [...shapeOf(values).slice(0, -1), 1, ...shapeOf(values).slice(-1)]);
    const weights = b.reshape(p, [...shapeOf(p).slice(0, -1), 1, ...shapeOf(p).slice(-1)]);
    const [below, above] = [b.le(others, there), b.gt(others, there)].map((holds) => b.log(massWhere(b, holds, weights)));
    const [low, high] = [apart(b, logP), apart(b, logQ)];
    const reached = b.or(b.and(b.le(low, high), b.ge(below, low)), b.and(b.gt(low, high), b.le(above, high)));
    const least = b.select(reached, values, b.constant(Number.POSITIVE_INFINITY));
    return b.reduceMin(least, lastAxis(least));
  }),
  mean: (b, { values, p }) => {
    const terms = b.mul(values, p);
    return b.sum(terms, lastAxis(terms));
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 3, params: { values: [-2, 3, 10], p: [0.125, 0.25, 0.625] }, logDensity: -1.3862943611198906 },
      { x: 7, params: { values: [7, 2, 7, -2], p: [0.3, 0.2, 0.375, 0.125] }, logDensity: -0.39304258810960724 },
      { x: 5, params: { values: [5], p: [1] }, logDensity: 0 },
      { x: -40, params: { values: [90, -40], p: [0.9990234375, 0.0009765625] }, logDensity: -6.931471805599453 },
      { x: 0, params: { values: [0, 4, 400], p: [0.375, 0.625, 0] }, logDensity: -0.9808292530117262 },
    ],
  },
});
