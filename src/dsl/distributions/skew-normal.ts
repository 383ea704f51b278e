// Skewed relatives of the normal and the Laplace.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { real, unit } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { logPhi } from "./normal.ts";
import { location, oneNoise, positiveNumber, scale } from "./params.ts";
import { LOG_2, standardise, total } from "./standardise.ts";
import { quantilesByLogs } from "./tails.ts";

export const skewNormal = defineDistribution({
  name: "SkewNormal",
  doc: "The skew normal (Azzalini 1985) with location xi, scale omega and slant alpha: 2 phi(z) Phi(alpha z) / omega, z = (x - xi) / omega.",
  params: { xi: location(), omega: scale("scale"), alpha: location("slant; 0 is the normal") },
  support: { constraint: real },
  event: 0,
  logDensity: (b, x, { xi, omega, alpha }) => {
    const z = standardise(b, x, xi, omega);
    return total(b, logPhi(b, z), b.logNormalCdf(b.mul(alpha, z)), b.neg(b.log(omega)), b.constant(LOG_2));
  },
  // (α |z0| + z1) / sqrt(1 + α²) is skew normal.
  draw: {
    gradient: "pathwise",
    noise: (shape) => [
      { kind: "normal", shape },
      { kind: "normal", shape },
    ],
    build: (b, [z0, z1], { xi, omega, alpha }) => {
      const length = b.sqrt(b.add(b.constant(1), b.square(alpha)));
      return b.add(xi, b.mul(omega, b.div(b.add(b.mul(alpha, b.abs(z0)), z1), length)));
    },
  },
  affine: { location: "xi", scale: "omega", kind: "elementwise" },
  logCdf: (b, x, { xi, omega, alpha }) => b.logSkewNormalCdf(standardise(b, x, xi, omega), alpha),
  // Turned round it is skew to the other side.
  logCcdf: (b, x, { xi, omega, alpha }) => b.logSkewNormalCdf(b.neg(standardise(b, x, xi, omega)), b.neg(alpha)),
  ...quantilesByLogs((b, logP, logQ, { xi, omega, alpha }) => {
    const isLower = b.le(logP, logQ);
    const turned = (v: Value): Value => b.select(isLower, v, b.neg(v));
    return b.add(xi, b.mul(omega, turned(b.skewNormalQuantile(turned(alpha), b.min(logP, logQ)))));
  }),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { xi: 0.5, omega: 2, alpha: 3 }, logDensity: -1.1211848936920905 },
      { x: -7.25, params: { xi: 3, omega: 4, alpha: -0.5 }, logDensity: -5.000708172238207 },
      { x: -2, params: { xi: 1, omega: 0.5, alpha: 6 }, logDensity: -670.0358717658831 },
      { x: 0.75, params: { xi: 0.5, omega: 1.5, alpha: 0.25 }, logDensity: -1.305597318647085 },
    ],
  },
});

export const expModNormal = defineDistribution({
  name: "ExpModNormal",
  aliases: ["ExGaussian"],
  doc: "The sum of a Normal(mu, sigma) and an Exponential(lambda).",
  params: {
    mu: location("mean of the normal"),
    sigma: scale("standard deviation of the normal"),
    lambda: positiveNumber("rate of the exponential"),
  },
  support: { constraint: real },
  event: 0,
  // With z = (x - μ) / σ and w = z - λσ the density is λ exp(½ (λσ)² - λσ z) Φ(w); for w < 0, where its factors grow without bound,
  // λ exp(-½ z²) ½ erfcx(-w / √2).
  logDensity: (b, x, { mu, sigma, lambda }) => {
    const z = standardise(b, x, mu, sigma);
    const k = b.mul(lambda, sigma);
    const w = b.sub(z, k);
    const negative = b.lt(w, b.constant(0));
    const left = b.sub(
      b.log(b.erfcx(b.mul(b.constant(-Math.SQRT1_2), b.min(w, b.constant(0))))),
      b.add(b.mul(b.constant(0.5), b.square(z)), b.constant(LOG_2)),
    );
    const right = b.add(b.mul(k, b.sub(b.mul(b.constant(0.5), k), z)), b.logNormalCdf(b.max(w, b.constant(0))));
    return b.add(b.select(negative, left, right), b.log(lambda));
  },
  draw: {
    gradient: "pathwise",
    noise: (shape) => [
      { kind: "normal", shape },
      { kind: "exponential", shape },
    ],
    build: (b, [z, e], { mu, sigma, lambda }) => b.add(mu, b.add(b.mul(sigma, z), b.div(e, lambda))),
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { mu: 0.5, sigma: 2, lambda: 0.75 }, logDensity: -1.760240919438078 },
      { x: -7.25, params: { mu: 3, sigma: 0.4, lambda: 2.5 }, logDensity: -331.606216639621 },
      { x: 30, params: { mu: -2.5, sigma: 1.5, lambda: 0.25 }, logDensity: -9.44098186111989 },
      { x: 0.6, params: { mu: 0.5, sigma: 0.7, lambda: 90 }, logDensity: -0.5704504615892318 },
    ],
  },
});

/** log P(Z <= z) at scale 1: log τ + 2 (1 - τ) z below 0, log(1 - (1 - τ) e^{-2τz}) above, which near 0 is log(τ + (1 - τ) (1 - e^{-2τz})).
 *  `rest` is 1 - τ. */
const logLower = (b: Builder, z: Value, tau: Value, rest: Value): Value => {
  const zero = b.constant(0);
  const fall = b.mul(b.constant(-2), b.mul(tau, b.max(z, zero)));
  const above = b.mul(rest, b.exp(fall));
  return b.select(
    b.lt(z, zero),
    b.add(b.log(tau), b.mul(b.mul(b.constant(2), rest), z)),
    b.select(
      b.lt(above, b.constant(0.5)),
      b.log1p(b.neg(b.min(above, b.constant(0.5)))),
      b.log(b.sub(tau, b.mul(rest, b.expm1(fall)))),
    ),
  );
};
/** The z with that lower tail, given log p and log(1 - p). */
const quantileOf = (b: Builder, logP: Value, logQ: Value, tau: Value): Value => {
  const rest = b.sub(b.constant(1), tau);
  return b.select(
    b.lt(logP, b.log(tau)),
    b.div(b.sub(logP, b.log(tau)), b.mul(b.constant(2), rest)),
    b.div(b.sub(b.log(rest), logQ), b.mul(b.constant(2), tau)),
  );
};

export const skewDoubleExponential = defineDistribution({
  name: "SkewDoubleExponential",
  aliases: ["AsymmetricLaplace"],
  doc: "The asymmetric Laplace, whose tau-quantile is mu: 2 tau (1 - tau) / sigma exp(-2 / sigma ((1 - tau) (mu - x) if x < mu, else tau (x - mu))).",
  params: { mu: location("tau-quantile"), sigma: scale("scale"), tau: { constraint: unit, rank: 0, doc: "P(x < mu)" } },
  support: { constraint: real },
  event: 0,
  // max((τ - 1) d, τ d) is (1 - τ) |d| below and τ d above.
  logDensity: (b, x, { mu, sigma, tau }) => {
    const d = b.mul(b.constant(2), standardise(b, x, mu, sigma));
    const loss = b.mul(d, b.select(b.lt(d, b.constant(0)), b.sub(tau, b.constant(1)), tau));
    return total(b, b.neg(loss), b.log(tau), b.log1p(b.neg(tau)), b.neg(b.log(sigma)), b.constant(LOG_2));
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("uniform"),
    build: (b, [u], { mu, sigma, tau }) => b.add(mu, b.mul(sigma, quantileOf(b, b.log(u), b.log1p(b.neg(u)), tau))),
  },
  affine: { location: "mu", scale: "sigma", kind: "elementwise" },
  logCdf: (b, x, { mu, sigma, tau }) => logLower(b, standardise(b, x, mu, sigma), tau, b.sub(b.constant(1), tau)),
  logCcdf: (b, x, { mu, sigma, tau }) => logLower(b, b.neg(standardise(b, x, mu, sigma)), b.sub(b.constant(1), tau), tau),
  ...quantilesByLogs((b, logP, logQ, { mu, sigma, tau }) => b.add(mu, b.mul(sigma, quantileOf(b, logP, logQ, tau)))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 1.3, params: { mu: 0.5, sigma: 2, tau: 0.25 }, logDensity: -1.8739764335716715 },
      { x: -7.25, params: { mu: 3, sigma: 0.4, tau: 0.8 }, logDensity: -10.473143551314207 },
      { x: 1000, params: { mu: -2.5, sigma: 17, tau: 0.9 }, logDensity: -110.69507059567756 },
      { x: 0.25, params: { mu: 1.5, sigma: 0.75, tau: 0.0625 }, logDensity: -4.9812979903656265 },
    ],
  },
});
