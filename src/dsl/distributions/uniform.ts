// The uniform, and the improper densities that are constant on the declared type.
import { nonnegative, real } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { location, oneNoise, positiveNumber } from "./params.ts";
import { spread, standardise } from "./standardise.ts";

export const uniform = defineDistribution({
  name: "Uniform",
  doc: "The uniform between alpha and beta: 1 / (beta - alpha).",
  params: { alpha: location("lower end"), beta: location("upper end, above alpha") },
  alternatives: [
    {
      params: { lower: location("lower end"), upper: location("upper end") },
      convert: (_b, p) => ({ alpha: p.lower, beta: p.upper }),
    },
  ],
  support: { constraint: real, bounds: (_b, { alpha, beta }) => ({ lower: alpha, upper: beta }) },
  event: 0,
  logDensity: (b, x, { alpha, beta }) => spread(b, b.neg(b.log(b.sub(beta, alpha))), x),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("uniform"),
    build: (b, [u], { alpha, beta }) => b.add(alpha, b.mul(b.sub(beta, alpha), u)),
  },
  logCdf: (b, x, { alpha, beta }) => b.log(standardise(b, x, alpha, b.sub(beta, alpha))),
  logCcdf: (b, x, { alpha, beta }) => b.log(standardise(b, beta, x, b.sub(beta, alpha))),
  quantile: (b, p, { alpha, beta }) => b.add(alpha, b.mul(b.sub(beta, alpha), p)),
  upperQuantile: (b, q, { alpha, beta }) => b.sub(beta, b.mul(b.sub(beta, alpha), q)),
  mean: (b, { alpha, beta }) => b.mul(b.constant(0.5), b.add(alpha, beta)),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { alpha: 0.5, beta: 2 }, logDensity: -0.4054651081081644 },
      { x: -7.25, params: { alpha: -30, beta: 4 }, logDensity: -3.5263605246161616 },
      { x: 2, params: { alpha: 2, beta: 3000000 }, logDensity: -14.914122179965496 },
      { x: 2e-9, params: { alpha: 1e-9, beta: 3e-9 }, logDensity: 20.030118656386467 },
    ],
  },
});

export const flat = defineDistribution({
  name: "Flat",
  doc: "Density 1 on the declared type: improper unless the type is bounded on both sides.",
  params: {},
  support: { constraint: real, declared: true },
  event: 0,
  logDensity: (b, x) => spread(b, b.constant(0), x),
  normalised: false,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 1.3, params: {}, logDensity: 0 },
      { x: -7.25, params: {}, logDensity: 0 },
      { x: 1e300, params: {}, logDensity: 0 },
      { x: 0, params: {}, logDensity: 0 },
    ],
  },
});

export const halfFlat = defineDistribution({
  name: "HalfFlat",
  doc: "Density 1 on x >= 0: improper.",
  params: {},
  support: { constraint: nonnegative },
  event: 0,
  logDensity: (b, x) => spread(b, b.constant(0), x),
  normalised: false,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 1.3, params: {}, logDensity: 0 },
      { x: 7.25, params: {}, logDensity: 0 },
      { x: 1e300, params: {}, logDensity: 0 },
      { x: 1e-300, params: {}, logDensity: 0 },
    ],
  },
});

export const logUniform = defineDistribution({
  name: "LogUniform",
  doc: "exp of a uniform: 1 / (x (log beta - log alpha)) between alpha and beta.",
  params: { alpha: positiveNumber("lower end"), beta: positiveNumber("upper end, above alpha") },
  support: { constraint: nonnegative, bounds: (_b, { alpha, beta }) => ({ lower: alpha, upper: beta }) },
  event: 0,
  logDensity: (b, x, { alpha, beta }) => b.neg(b.add(b.log(x), b.log(b.sub(b.log(beta), b.log(alpha))))),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("uniform"),
    build: (b, [u], { alpha, beta }) => b.mul(alpha, b.exp(b.mul(u, b.sub(b.log(beta), b.log(alpha))))),
  },
  logCdf: (b, x, { alpha, beta }) => b.log(b.div(b.sub(b.log(x), b.log(alpha)), b.sub(b.log(beta), b.log(alpha)))),
  logCcdf: (b, x, { alpha, beta }) => b.log(b.div(b.sub(b.log(beta), b.log(x)), b.sub(b.log(beta), b.log(alpha)))),
  quantile: (b, p, { alpha, beta }) => b.mul(alpha, b.exp(b.mul(p, b.sub(b.log(beta), b.log(alpha))))),
  upperQuantile: (b, q, { alpha, beta }) => b.mul(beta, b.exp(b.mul(q, b.sub(b.log(alpha), b.log(beta))))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { alpha: 0.5, beta: 2 }, logDensity: -0.588998524445772 },
      { x: 7.25, params: { alpha: 0.001, beta: 4000 }, logDensity: -4.702415634345813 },
      { x: 2, params: { alpha: 2, beta: 3000000 }, logDensity: -3.347865214822709 },
      { x: 2e-9, params: { alpha: 1e-9, beta: 3e-9 }, logDensity: 19.93607082876977 },
    ],
  },
});
