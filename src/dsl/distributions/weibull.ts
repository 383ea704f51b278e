// Extremes of positive numbers: powers of an exponential.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { positive } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { oneNoise, positiveNumber } from "./params.ts";
import { halve, total } from "./standardise.ts";

/** t = α (log x - log σ), so that e^t = (x / σ)^α. */
const logPower = (b: Builder, x: Value, alpha: Value, sigma: Value): Value => b.mul(alpha, b.sub(b.log(x), b.log(sigma)));
/** σ e^(v / α) */
const back = (b: Builder, v: Value, alpha: Value, sigma: Value): Value => b.mul(sigma, b.exp(b.div(v, alpha)));
/** -log(1 - p) */
const exponentialQuantile = (b: Builder, p: Value): Value => b.neg(b.log1p(b.neg(p)));

export const weibull = defineDistribution({
  name: "Weibull",
  doc: "The Weibull with shape alpha and scale sigma: alpha / sigma (x / sigma)^(alpha - 1) exp(-(x / sigma)^alpha), x > 0.",
  params: { alpha: positiveNumber("shape"), sigma: positiveNumber("scale") },
  alternatives: [
    {
      params: { shape: positiveNumber("shape"), scale: positiveNumber("scale") },
      convert: (_b, p) => ({ alpha: p.shape, sigma: p.scale }),
    },
  ],
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { alpha, sigma }) => {
    const t = logPower(b, x, alpha, sigma);
    return total(b, t, b.neg(b.exp(t)), b.log(alpha), b.neg(b.log(x)));
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("exponential"),
    build: (b, [e], { alpha, sigma }) => back(b, b.log(e), alpha, sigma),
  },
  logCdf: (b, x, { alpha, sigma }) => b.log1mExp(b.neg(b.exp(logPower(b, x, alpha, sigma)))),
  logCcdf: (b, x, { alpha, sigma }) => b.neg(b.exp(logPower(b, x, alpha, sigma))),
  quantile: (b, p, { alpha, sigma }) => back(b, b.log(exponentialQuantile(b, p)), alpha, sigma),
  upperQuantile: (b, q, { alpha, sigma }) => back(b, b.log(b.neg(b.log(q))), alpha, sigma),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { alpha: 0.5, sigma: 2 }, logDensity: -1.9771286779035184 },
      { x: 2.25, params: { alpha: 8, sigma: 3 }, logDensity: -1.1330581691898027 },
      { x: 1e-9, params: { alpha: 0.25, sigma: 0.75 }, logDensity: 14.22203278390815 },
      { x: 35, params: { alpha: 1.5, sigma: 6 }, logDensity: -14.593338568228944 },
    ],
  },
});

export const frechet = defineDistribution({
  name: "Frechet",
  doc: "The Frechet of maxima with shape alpha and scale sigma: alpha / sigma (x / sigma)^(-alpha - 1) exp(-(x / sigma)^(-alpha)), x > 0.",
  params: { alpha: positiveNumber("shape"), sigma: positiveNumber("scale") },
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { alpha, sigma }) => {
    const t = logPower(b, x, alpha, sigma);
    return total(b, b.neg(t), b.neg(b.exp(b.neg(t))), b.log(alpha), b.neg(b.log(x)));
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("exponential"),
    build: (b, [e], { alpha, sigma }) => back(b, b.neg(b.log(e)), alpha, sigma),
  },
  logCdf: (b, x, { alpha, sigma }) => b.neg(b.exp(b.neg(logPower(b, x, alpha, sigma)))),
  logCcdf: (b, x, { alpha, sigma }) => b.log1mExp(b.neg(b.exp(b.neg(logPower(b, x, alpha, sigma))))),
  quantile: (b, p, { alpha, sigma }) => back(b, b.neg(b.log(b.neg(b.log(p)))), alpha, sigma),
  upperQuantile: (b, q, { alpha, sigma }) => back(b, b.neg(b.log(exponentialQuantile(b, q))), alpha, sigma),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { alpha: 0.5, sigma: 2 }, logDensity: -1.9804673328732938 },
      { x: 2.25, params: { alpha: 8, sigma: 3 }, logDensity: -6.418753326441831 },
      { x: 1000000000, params: { alpha: 0.25, sigma: 0.75 }, logDensity: -27.367530351112812 },
      { x: 1.25, params: { alpha: 1.5, sigma: 6 }, logDensity: -7.981027670434467 },
    ],
  },
});

/** ½ (x / σ)² */
const halfSquare = (b: Builder, x: Value, sigma: Value): Value => halve(b, b.square(b.mul(x, b.reciprocal(sigma))));

export const rayleigh = defineDistribution({
  name: "Rayleigh",
  doc: "The length of a vector of two Normal(0, sigma): x / sigma^2 exp(-(x / sigma)^2 / 2), x > 0.",
  params: { sigma: positiveNumber("standard deviation of the coordinates") },
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { sigma }) => total(b, b.neg(halfSquare(b, x, sigma)), b.log(x), b.mul(b.constant(-2), b.log(sigma))),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("exponential"),
    build: (b, [e], { sigma }) => b.mul(sigma, b.sqrt(b.mul(b.constant(2), e))),
  },
  affine: { scale: "sigma", kind: "elementwise" },
  logCdf: (b, x, { sigma }) => b.log1mExp(b.neg(halfSquare(b, x, sigma))),
  logCcdf: (b, x, { sigma }) => b.neg(halfSquare(b, x, sigma)),
  quantile: (b, p, { sigma }) => b.mul(sigma, b.sqrt(b.mul(b.constant(2), exponentialQuantile(b, p)))),
  upperQuantile: (b, q, { sigma }) => b.mul(sigma, b.sqrt(b.mul(b.constant(-2), b.log(q)))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { sigma: 2 }, logDensity: -1.3351800966523995 },
      { x: 0.25, params: { sigma: 0.7 }, logDensity: -0.7367199834465074 },
      { x: 41, params: { sigma: 1.5 }, logDensity: -370.6529137050676 },
      { x: 3e-8, params: { sigma: 1e-8 }, logDensity: 15.019293032620476 },
    ],
  },
});
