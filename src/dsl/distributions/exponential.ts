// The exponential and its two-sided forms.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { nonnegative, real } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { location, oneNoise, positiveNumber, scale } from "./params.ts";
import { LOG_2, standardise, total } from "./standardise.ts";

export const exponential = defineDistribution({
  name: "Exponential",
  doc: "The exponential with rate beta, mean 1 / beta: beta exp(-beta x), x >= 0.",
  params: { beta: positiveNumber("rate, 1 / mean") },
  alternatives: [
    { params: { rate: positiveNumber("rate, 1 / mean") }, convert: (_b, p) => ({ beta: p.rate }) },
    { params: { scale: positiveNumber("scale, the mean") }, convert: (b, p) => ({ beta: b.reciprocal(p.scale) }) },
    { params: { mean: positiveNumber("mean") }, convert: (b, p) => ({ beta: b.reciprocal(p.mean) }) },
  ],
  support: { constraint: nonnegative },
  event: 0,
  logDensity: (b, x, { beta }) => b.sub(b.log(beta), b.mul(beta, x)),
  draw: { gradient: "pathwise", noise: oneNoise("exponential"), build: (b, [e], { beta }) => b.mul(e, b.reciprocal(beta)) },
  logCdf: (b, x, { beta }) => b.log1mExp(b.neg(b.mul(beta, x))),
  logCcdf: (b, x, { beta }) => b.neg(b.mul(beta, x)),
  quantile: (b, p, { beta }) => b.div(b.neg(b.log1p(b.neg(p))), beta),
  upperQuantile: (b, q, { beta }) => b.div(b.neg(b.log(q)), beta),
  mean: (b, { beta }) => b.reciprocal(beta),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { beta: 2 }, logDensity: -1.9068528194400547 },
      { x: 0, params: { beta: 0.7 }, logDensity: -0.35667494393873245 },
      { x: 40000, params: { beta: 1.5 }, logDensity: -59999.59453489189 },
      { x: 3e-8, params: { beta: 10000000 }, logDensity: 15.81809565095832 },
    ],
  },
});

/** log of ½ e^z for z < 0, of 1 - ½ e^-z above. */
function logLaplaceCdf(b: Builder, z: Value): Value {
  const tail = b.sub(b.neg(b.abs(z)), b.constant(LOG_2));
  return b.select(b.lt(z, b.constant(0)), tail, b.log1p(b.neg(b.exp(tail))));
}
/** The z with lower tail p: log 2p below the median, -log(2(1 - p)) above. */
const laplaceQuantile = (b: Builder, p: Value): Value =>
  b.select(b.lt(p, b.constant(0.5)), b.add(b.log(p), b.constant(LOG_2)), b.neg(b.add(b.log1p(b.neg(p)), b.constant(LOG_2))));

export const laplace = defineDistribution({
  name: "Laplace",
  aliases: ["DoubleExponential"],
  doc: "The Laplace or double exponential with location mu and scale sigma: exp(-|x - mu| / sigma) / (2 sigma).",
  params: { mu: location("median and mean"), sigma: scale("scale, the mean of |x - mu|") },
  support: { constraint: real },
  event: 0,
  logDensity: (b, x, { mu, sigma }) =>
    total(b, b.neg(b.abs(standardise(b, x, mu, sigma))), b.neg(b.log(sigma)), b.constant(-LOG_2)),
  draw: {
    gradient: "pathwise",
    noise: (shape) => [
      { kind: "exponential", shape },
      { kind: "exponential", shape },
    ],
    build: (b, [e, f], { mu, sigma }) => b.add(mu, b.mul(sigma, b.sub(e, f))),
  },
  affine: { location: "mu", scale: "sigma", kind: "elementwise" },
  symmetricAbout: "mu",
  logCdf: (b, x, { mu, sigma }) => logLaplaceCdf(b, standardise(b, x, mu, sigma)),
  logCcdf: (b, x, { mu, sigma }) => logLaplaceCdf(b, b.neg(standardise(b, x, mu, sigma))),
  quantile: (b, p, { mu, sigma }) => b.add(mu, b.mul(sigma, laplaceQuantile(b, p))),
  upperQuantile: (b, q, { mu, sigma }) => b.sub(mu, b.mul(sigma, laplaceQuantile(b, q))),
  mean: (_b, { mu }) => mu,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees where it does not cancel",
    rows: [
      { x: 1.3, params: { mu: 0.5, sigma: 2 }, logDensity: -1.7862943611198907 },
      { x: -7.25, params: { mu: 3, sigma: 0.4 }, logDensity: -25.401856448685788 },
      { x: 1000000, params: { mu: -2.5, sigma: 17 }, logDensity: -58827.20283111285 },
      { x: 2.5e-9, params: { mu: 1e-9, sigma: 3e-9 }, logDensity: 18.431506367718356 },
    ],
  },
});
