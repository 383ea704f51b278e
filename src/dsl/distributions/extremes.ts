// Limits of maxima, and of what exceeds a threshold.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { real } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { location, oneNoise, scale } from "./params.ts";
import { standardise, total } from "./standardise.ts";
import { quantilesByLogs } from "./tails.ts";

/** Below it series are exact to 2^-53: their next term is x^6 / 7. */
const SMALL = 1e-3;
/** Σ c_k x^k */
const polynomial = (b: Builder, x: Value, coefficients: readonly number[]): Value =>
  coefficients.reduceRight<Value>((sum, c) => b.add(b.constant(c), b.mul(x, sum)), b.constant(0));
/** f(x) / x, given as a series about 0; f is not evaluated there. */
function ratio(b: Builder, x: Value, f: (x: Value) => Value, series: readonly number[]): Value {
  const isSmall = b.lt(b.abs(x), b.constant(SMALL));
  const away = b.select(isSmall, b.constant(1), x);
  return b.select(isSmall, polynomial(b, x, series), b.div(f(away), away));
}
/** log(1 + x) / x */
const logRatio = (b: Builder, x: Value): Value => ratio(b, x, (v) => b.log1p(v), [1, -1 / 2, 1 / 3, -1 / 4, 1 / 5, -1 / 6]);
/** (e^x - 1) / x */
const expRatio = (b: Builder, x: Value): Value => ratio(b, x, (v) => b.expm1(v), [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720]);

/** log(1 + ξ z) / ξ, z at ξ = 0; beyond the end of the support, where there is no logarithm, infinite with the sign of z. */
function reduced(b: Builder, z: Value, xi: Value): Value {
  const u = b.mul(xi, z);
  const inside = b.gt(u, b.constant(-1));
  const s = b.mul(z, logRatio(b, b.select(inside, u, b.constant(0))));
  return b.select(inside, s, b.mul(b.sign(z), b.constant(Number.POSITIVE_INFINITY)));
}
const shape = location("shape: above 0 the tail is heavy, below 0 it ends");

export const generalizedExtremeValue = defineDistribution({
  name: "GeneralizedExtremeValue",
  aliases: ["GEV"],
  doc: "The generalized extreme value: P(X <= x) = exp(-(1 + xi z)^(-1 / xi)), z = (x - mu) / sigma, exp(-exp(-z)) at xi = 0; the density is 0 where 1 + xi z is not positive.",
  params: { mu: location(), sigma: scale("scale"), xi: shape },
  support: { constraint: real },
  event: 0,
  // With s = log(1 + ξ z) / ξ: -log σ - (1 + ξ) s - e^-s, which is -∞ beyond the end.
  logDensity: (b, x, { mu, sigma, xi }) => {
    const z = standardise(b, x, mu, sigma);
    const inside = b.gt(b.mul(xi, z), b.constant(-1));
    const s = reduced(b, b.select(inside, z, b.constant(0)), xi);
    const log = total(b, b.neg(b.mul(b.add(b.constant(1), xi), s)), b.neg(b.exp(b.neg(s))), b.neg(b.log(sigma)));
    return b.select(inside, log, b.constant(Number.NEGATIVE_INFINITY));
  },
  // -log of an exponential is Gumbel.
  draw: {
    gradient: "pathwise",
    noise: oneNoise("exponential"),
    build: (b, [e], { mu, sigma, xi }) => {
      const s = b.neg(b.log(e));
      return b.add(mu, b.mul(sigma, b.mul(s, expRatio(b, b.mul(xi, s)))));
    },
  },
  affine: { location: "mu", scale: "sigma", kind: "elementwise" },
  logCdf: (b, x, { mu, sigma, xi }) => b.neg(b.exp(b.neg(reduced(b, standardise(b, x, mu, sigma), xi)))),
  logCcdf: (b, x, { mu, sigma, xi }) => b.log1mExp(b.neg(b.exp(b.neg(reduced(b, standardise(b, x, mu, sigma), xi))))),
  ...quantilesByLogs((b, logP, _logQ, { mu, sigma, xi }) => {
    const s = b.neg(b.log(b.neg(logP)));
    return b.add(mu, b.mul(sigma, b.mul(s, expRatio(b, b.mul(xi, s)))));
  }),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { mu: 0.5, sigma: 2, xi: 0.25 }, logDensity: -1.8527115349466403 },
      { x: -0.5, params: { mu: 0.5, sigma: 2, xi: -0.375 }, logDensity: -1.988061804122541 },
      { x: 1.25, params: { mu: 3, sigma: 0.75, xi: 0 }, logDensity: -7.691243095540651 },
      { x: 300, params: { mu: 5, sigma: 2.5, xi: 0.75 }, logDensity: -11.405345391056786 },
      { x: 4.5, params: { mu: 3, sigma: 1.5, xi: 0.0001 }, logDensity: -1.7734129408187047 },
      { x: 0.5, params: { mu: 3, sigma: 1.5, xi: -1e-9 }, logDensity: -4.033288487613624 },
    ],
  },
});

export const generalizedPareto = defineDistribution({
  name: "GeneralizedPareto",
  doc: "The generalized Pareto of what exceeds mu: P(X > x) = (1 + xi z)^(-1 / xi), z = (x - mu) / sigma >= 0, exp(-z) at xi = 0; the density is 0 where 1 + xi z is not positive.",
  params: { mu: location("threshold"), sigma: scale("scale"), xi: shape },
  support: { constraint: real, bounds: (_b, { mu }) => ({ lower: mu }) },
  event: 0,
  logDensity: (b, x, { mu, sigma, xi }) => {
    const z = standardise(b, x, mu, sigma);
    const inside = b.gt(b.mul(xi, z), b.constant(-1));
    const s = reduced(b, b.select(inside, z, b.constant(0)), xi);
    return b.select(inside, b.sub(b.neg(b.mul(b.add(b.constant(1), xi), s)), b.log(sigma)), b.constant(Number.NEGATIVE_INFINITY));
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("exponential"),
    build: (b, [e], { mu, sigma, xi }) => b.add(mu, b.mul(sigma, b.mul(e, expRatio(b, b.mul(xi, e))))),
  },
  affine: { location: "mu", scale: "sigma", kind: "elementwise" },
  logCdf: (b, x, { mu, sigma, xi }) => b.log1mExp(b.neg(reduced(b, standardise(b, x, mu, sigma), xi))),
  logCcdf: (b, x, { mu, sigma, xi }) => b.neg(reduced(b, standardise(b, x, mu, sigma), xi)),
  ...quantilesByLogs((b, _logP, logQ, { mu, sigma, xi }) => {
    const s = b.neg(logQ);
    return b.add(mu, b.mul(sigma, b.mul(s, expRatio(b, b.mul(xi, s)))));
  }),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { mu: 0.5, sigma: 2, xi: 0.25 }, logDensity: -1.1696980795815697 },
      { x: 1.5, params: { mu: 0.5, sigma: 2, xi: -0.375 }, logDensity: -1.0392127885236861 },
      { x: 4.25, params: { mu: 3, sigma: 0.75, xi: 0 }, logDensity: -1.3789845942148857 },
      { x: 300, params: { mu: 5, sigma: 2.5, xi: 0.75 }, logDensity: -11.402847524196044 },
      { x: 4.5, params: { mu: 3, sigma: 1.5, xi: 0.0001 }, logDensity: -1.405515106441581 },
      { x: 5.5, params: { mu: 3, sigma: 1.5, xi: -1e-9 }, logDensity: -2.0721317744970533 },
    ],
  },
});
