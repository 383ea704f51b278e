// Power laws.
import { nonnegative, real } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { location, oneNoise, positiveNumber } from "./params.ts";
import { standardise, total } from "./standardise.ts";

export const pareto = defineDistribution({
  name: "Pareto",
  doc: "The Pareto above y_min with shape alpha: alpha y_min^alpha x^(-alpha - 1), x >= y_min.",
  params: { y_min: positiveNumber("least value"), alpha: positiveNumber("shape, the power of the tail") },
  support: { constraint: nonnegative, bounds: (_b, { y_min }) => ({ lower: y_min }) },
  event: 0,
  logDensity: (b, x, { y_min, alpha }) =>
    total(b, b.neg(b.mul(b.add(alpha, b.constant(1)), b.log(x))), b.mul(alpha, b.log(y_min)), b.log(alpha)),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("exponential"),
    build: (b, [e], { y_min, alpha }) => b.mul(y_min, b.exp(b.div(e, alpha))),
  },
  logCdf: (b, x, { y_min, alpha }) => b.log1mExp(b.mul(alpha, b.sub(b.log(y_min), b.log(x)))),
  logCcdf: (b, x, { y_min, alpha }) => b.mul(alpha, b.sub(b.log(y_min), b.log(x))),
  quantile: (b, p, { y_min, alpha }) => b.mul(y_min, b.exp(b.neg(b.div(b.log1p(b.neg(p)), alpha)))),
  upperQuantile: (b, q, { y_min, alpha }) => b.mul(y_min, b.exp(b.neg(b.div(b.log(q), alpha)))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { y_min: 0.5, alpha: 2 }, logDensity: -1.4802399739624186 },
      { x: 25, params: { y_min: 3, alpha: 0.25 }, logDensity: -5.135236070038114 },
      { x: 2, params: { y_min: 2, alpha: 3.5 }, logDensity: 0.5596157879354227 },
      { x: 700000000, params: { y_min: 1.5, alpha: 6 }, logDensity: -138.34158613317672 },
    ],
  },
});

export const paretoType2 = defineDistribution({
  name: "ParetoType2",
  aliases: ["Lomax"],
  doc: "The Pareto of type 2 (Lomax): alpha / lambda (1 + (x - mu) / lambda)^(-alpha - 1), x >= mu.",
  params: {
    mu: { ...location("least value"), default: 0 },
    lambda: positiveNumber("scale"),
    alpha: positiveNumber("shape, the power of the tail"),
  },
  support: { constraint: real, bounds: (_b, { mu }) => ({ lower: mu }) },
  event: 0,
  logDensity: (b, x, { mu, lambda, alpha }) =>
    total(
      b,
      b.neg(b.mul(b.add(alpha, b.constant(1)), b.log1p(standardise(b, x, mu, lambda)))),
      b.log(alpha),
      b.neg(b.log(lambda)),
    ),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("exponential"),
    build: (b, [e], { mu, lambda, alpha }) => b.add(mu, b.mul(lambda, b.expm1(b.div(e, alpha)))),
  },
  affine: { location: "mu", scale: "lambda", kind: "elementwise" },
  logCdf: (b, x, { mu, lambda, alpha }) => b.log1mExp(b.neg(b.mul(alpha, b.log1p(standardise(b, x, mu, lambda))))),
  logCcdf: (b, x, { mu, lambda, alpha }) => b.neg(b.mul(alpha, b.log1p(standardise(b, x, mu, lambda)))),
  quantile: (b, p, { mu, lambda, alpha }) => b.add(mu, b.mul(lambda, b.expm1(b.neg(b.div(b.log1p(b.neg(p)), alpha))))),
  upperQuantile: (b, q, { mu, lambda, alpha }) => b.add(mu, b.mul(lambda, b.expm1(b.neg(b.div(b.log(q), alpha))))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { mu: 0.5, lambda: 2, alpha: 3 }, logDensity: -0.9404238383766874 },
      { x: 25, params: { mu: -3, lambda: 0.25, alpha: 0.75 }, logDensity: -7.174316394078486 },
      { x: -2, params: { mu: -2, lambda: 3.5, alpha: 1.5 }, logDensity: -0.8472978603872036 },
      { x: 700000000, params: { mu: 1.5, lambda: 6, alpha: 2.5 }, logDensity: -65.88737874308258 },
    ],
  },
});
