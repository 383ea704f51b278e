// Integers: uniform on a range, waiting times.
import { count, int } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { oneNoise, probability } from "./params.ts";
import { spread } from "./standardise.ts";

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
  normalised: true,
  golden: { from: "", rows: [] },
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
  normalised: true,
  golden: { from: "", rows: [] },
});
