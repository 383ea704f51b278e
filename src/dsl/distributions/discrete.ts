// Integers: uniform on a range, waiting times.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { count, int } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { oneNoise, probability } from "./params.ts";
import { spread } from "./standardise.ts";
import { countQuantilesByLogs } from "./tails.ts";

/** The next integers, of a quotient that is an integer but for its rounding that integer. */
const ROUNDING = 4 * Number.EPSILON;
const ceilNear = (b: Builder, x: Value): Value => b.ceil(b.mul(b.constant(1 - ROUNDING), x));
const floorNear = (b: Builder, x: Value): Value => b.floor(b.mul(b.constant(1 + ROUNDING), x));

export const discreteRange = defineDistribution({
  name: "DiscreteRange",
  aliases: ["DiscreteUniform"],
  doc: "The integers l … u with equal probability.",
  params: { l: { constraint: int, rank: 0, doc: "least value" }, u: { constraint: int, rank: 0, doc: "greatest value" } },
  alternatives: [
    {
      params: {
        lower: { constraint: int, rank: 0, doc: "least value" },
        upper: { constraint: int, rank: 0, doc: "greatest value" },
      },
      convert: (_b, p) => ({ l: p.lower, u: p.upper }),
    },
  ],
  support: { constraint: int, bounds: (b, { l, u }) => ({ lower: b.cast(l, "int"), upper: b.cast(u, "int") }) },
  event: 0,
  logDensity: (b, x, { l, u }) => spread(b, b.neg(b.log(b.add(b.sub(u, l), b.constant(1)))), x),
  draw: {
    gradient: "score",
    noise: oneNoise("uniform"),
    build: (b, [v], { l, u }) => b.cast(b.add(l, b.floor(b.mul(v, b.add(b.sub(u, l), b.constant(1))))), "int"),
  },
  logCdf: (b, x, { l, u }) => b.log(b.div(b.add(b.sub(x, l), b.constant(1)), b.add(b.sub(u, l), b.constant(1)))),
  logCcdf: (b, x, { l, u }) => b.log(b.div(b.sub(u, x), b.add(b.sub(u, l), b.constant(1)))),
  ...countQuantilesByLogs((b, logP, logQ, { l, u }) => {
    const size = b.add(b.sub(u, l), b.constant(1));
    const isLower = b.le(logP, logQ);
    // So many values are not above it, or above it.
    const counted = b.mul(b.exp(b.select(isLower, logP, logQ)), size);
    const x = b.select(isLower, b.add(l, b.sub(ceilNear(b, counted), b.constant(1))), b.sub(u, floorNear(b, counted)));
    return b.min(b.max(x, l), u);
  }),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 3, params: { l: 1, u: 6 }, logDensity: -1.791759469228055 },
      { x: -4, params: { l: -4, u: 2 }, logDensity: -1.9459101490553132 },
      { x: 5, params: { l: 5, u: 5 }, logDensity: 0 },
      { x: 17, params: { l: -1000, u: 5000 }, logDensity: -8.699681400989514 },
    ],
  },
});

export const geometric = defineDistribution({
  name: "Geometric",
  doc: "The number of failures before the first success: theta (1 - theta)^x, x = 0, 1, ….",
  params: { theta: probability("probability of success") },
  alternatives: [{ params: { p: probability("probability of success") }, convert: (_b, p) => ({ theta: p.p }) }],
  support: { constraint: count },
  event: 0,
  logDensity: (b, x, { theta }) => b.add(b.xlog1py(x, b.neg(theta)), b.log(theta)),
  draw: {
    gradient: "score",
    noise: oneNoise("exponential"),
    build: (b, [e], { theta }) => b.cast(b.floor(b.div(e, b.neg(b.log1p(b.neg(theta))))), "int"),
  },
  logCdf: (b, x, { theta }) => b.log1mExp(b.mul(b.add(x, b.constant(1)), b.log1p(b.neg(theta)))),
  logCcdf: (b, x, { theta }) => b.mul(b.add(x, b.constant(1)), b.log1p(b.neg(theta))),
  ...countQuantilesByLogs((b, _logP, logQ, { theta }) => {
    const failures = ceilNear(b, b.div(logQ, b.log1p(b.neg(theta))));
    return b.select(b.lt(theta, b.constant(1)), b.max(b.sub(failures, b.constant(1)), b.constant(0)), b.constant(0));
  }),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 3, params: { theta: 0.3 }, logDensity: -2.2739976361421332 },
      { x: 0, params: { theta: 0.9375 }, logDensity: -0.06453852113757118 },
      { x: 0, params: { theta: 1 }, logDensity: 0 },
      { x: 4000, params: { theta: 0.0009765625 }, logDensity: -10.839630396905903 },
      { x: 25, params: { theta: 0.5 }, logDensity: -18.021826694558577 },
    ],
  },
});
