// The Cauchy, whole and folded.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { nonnegative, real } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { location, oneNoise, scale } from "./params.ts";
import { halve, LOG_2, LOG_PI, standardise, total } from "./standardise.ts";

/** log of 1/π · (π/2 - atan z) = atan2(1, z) / π: the upper tail without cancellation. */
const logUpper = (b: Builder, z: Value): Value => b.sub(b.log(b.atan2(b.constant(1), z)), b.constant(LOG_PI));
/** The z with that upper tail: cot πq = tan(π/2 - πq), written so that small q stays accurate. */
const fromUpper = (b: Builder, q: Value): Value => b.reciprocal(b.tan(b.mul(b.constant(Math.PI), q)));

export const cauchy = defineDistribution({
  name: "Cauchy",
  doc: "The Cauchy with median mu and scale sigma: 1 / (pi sigma (1 + ((x - mu) / sigma)^2)).",
  params: { mu: location("median"), sigma: scale("scale, half the distance between the quartiles") },
  support: { constraint: real },
  event: 0,
  logDensity: (b, x, { mu, sigma }) =>
    total(b, b.neg(b.log1p(b.square(standardise(b, x, mu, sigma)))), b.neg(b.log(sigma)), b.constant(-LOG_PI)),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("uniform"),
    build: (b, [u], { mu, sigma }) => b.sub(mu, b.mul(sigma, fromUpper(b, u))),
  },
  affine: { location: "mu", scale: "sigma", kind: "elementwise" },
  symmetricAbout: "mu",
  logCdf: (b, x, { mu, sigma }) => logUpper(b, b.neg(standardise(b, x, mu, sigma))),
  logCcdf: (b, x, { mu, sigma }) => logUpper(b, standardise(b, x, mu, sigma)),
  quantile: (b, p, { mu, sigma }) => b.sub(mu, b.mul(sigma, fromUpper(b, p))),
  upperQuantile: (b, q, { mu, sigma }) => b.add(mu, b.mul(sigma, fromUpper(b, q))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { mu: 0.5, sigma: 2 }, logDensity: -1.9862970715276187 },
      { x: -7.25, params: { mu: 3, sigma: 0.4 }, logDensity: -6.7170977734854524 },
      { x: 1000000000000, params: { mu: -2.5, sigma: 17 }, logDensity: -53.57355877365528 },
      { x: 2.5e-9, params: { mu: 1e-9, sigma: 3e-9 }, logDensity: 18.25678011111469 },
    ],
  },
});

export const halfCauchy = defineDistribution({
  name: "HalfCauchy",
  doc: "The absolute value of a Cauchy(0, sigma): 2 / (pi sigma (1 + (x / sigma)^2)), x >= 0.",
  params: { sigma: scale("scale, the median of x") },
  support: { constraint: nonnegative },
  event: 0,
  logDensity: (b, x, { sigma }) =>
    total(b, b.neg(b.log1p(b.square(b.mul(x, b.reciprocal(sigma))))), b.neg(b.log(sigma)), b.constant(LOG_2 - LOG_PI)),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("uniform"),
    build: (b, [u], { sigma }) => b.mul(sigma, b.tan(b.mul(b.constant(Math.PI / 2), u))),
  },
  affine: { scale: "sigma", kind: "elementwise" },
  logCdf: (b, x, { sigma }) => b.add(b.constant(LOG_2), b.sub(b.log(b.atan(b.mul(x, b.reciprocal(sigma)))), b.constant(LOG_PI))),
  logCcdf: (b, x, { sigma }) => b.add(b.constant(LOG_2), logUpper(b, b.mul(x, b.reciprocal(sigma)))),
  quantile: (b, p, { sigma }) => b.mul(sigma, b.tan(halve(b, b.mul(b.constant(Math.PI), p)))),
  upperQuantile: (b, q, { sigma }) => b.mul(sigma, fromUpper(b, halve(b, q))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { sigma: 2 }, logDensity: -1.497145772867749 },
      { x: 0, params: { sigma: 0.7 }, logDensity: -0.09490776135072242 },
      { x: 1000000000000, params: { sigma: 1.5 }, logDensity: -55.30815982903839 },
      { x: 3e-8, params: { sigma: 1e-8 }, logDensity: 15.666512945668865 },
    ],
  },
});
