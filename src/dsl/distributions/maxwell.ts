// The Maxwell distribution: how long a vector of three normals is.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { positive } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { positiveNumber } from "./params.ts";
import { halve, total } from "./standardise.ts";

const HALF_LOG_TWO_OVER_PI = -0.22579135264472744;
/** 2 sqrt(2 / π) */
const MEAN = 1.5957691216057308;

/** ½ (x / σ)², which is a Gamma(3/2, 1). */
const halfSquare = (b: Builder, x: Value, sigma: Value): Value => halve(b, b.square(b.mul(x, b.reciprocal(sigma))));
const fromHalfSquare = (b: Builder, g: Value, sigma: Value): Value => b.mul(sigma, b.sqrt(b.mul(b.constant(2), g)));
const shape = (b: Builder): Value => b.constant(1.5);

export const maxwell = defineDistribution({
  name: "Maxwell",
  aliases: ["MaxwellBoltzmann"],
  doc: "The length of a vector of three Normal(0, sigma): sqrt(2 / pi) x^2 exp(-(x / sigma)^2 / 2) / sigma^3, x > 0.",
  params: { sigma: positiveNumber("standard deviation of the coordinates") },
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { sigma }) =>
    total(
      b,
      b.neg(halfSquare(b, x, sigma)),
      b.mul(b.constant(2), b.log(x)),
      b.mul(b.constant(-3), b.log(sigma)),
      b.constant(HALF_LOG_TWO_OVER_PI),
    ),
  draw: {
    gradient: "pathwise",
    noise: (s) => [1, 2, 3].map(() => ({ kind: "normal", shape: s })),
    build: (b, [u, v, w], { sigma }) => b.mul(sigma, b.sqrt(b.add(b.square(u), b.add(b.square(v), b.square(w))))),
  },
  affine: { scale: "sigma", kind: "elementwise" },
  logCdf: (b, x, { sigma }) => b.logGammaP(shape(b), halfSquare(b, x, sigma)),
  logCcdf: (b, x, { sigma }) => b.logGammaQ(shape(b), halfSquare(b, x, sigma)),
  quantile: (b, p, { sigma }) => fromHalfSquare(b, b.gammaQuantile(shape(b), p), sigma),
  upperQuantile: (b, q, { sigma }) => fromHalfSquare(b, b.gammaUpperQuantile(shape(b), q), sigma),
  mean: (b, { sigma }) => b.mul(b.constant(MEAN), sigma),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { sigma: 2 }, logDensity: -1.9917543653895813 },
      { x: 0.7, params: { sigma: 0.25 }, logDensity: -0.7002581571625199 },
      { x: 40, params: { sigma: 11.5 }, logDensity: -6.224222888898759 },
      { x: 0.00003, params: { sigma: 1.5 }, logDensity: -22.270813029773457 },
    ],
  },
});
