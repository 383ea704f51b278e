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
  normalised: true,
  golden: { from: "", rows: [] },
});

export const flat = defineDistribution({
  name: "Flat",
  doc: "Density 1 on the declared type: improper unless the type is bounded on both sides.",
  params: {},
  support: { constraint: real, declared: true },
  event: 0,
  logDensity: (b, x) => spread(b, b.constant(0), x),
  normalised: false,
  golden: { from: "", rows: [] },
});

export const halfFlat = defineDistribution({
  name: "HalfFlat",
  doc: "Density 1 on x >= 0: improper.",
  params: {},
  support: { constraint: nonnegative },
  event: 0,
  logDensity: (b, x) => spread(b, b.constant(0), x),
  normalised: false,
  golden: { from: "", rows: [] },
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
  golden: { from: "", rows: [] },
});
