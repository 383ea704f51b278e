// The normal on the line and what is made from it by folding, exp and logistic maps.

import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { nonnegative, positive, real, unit } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { multiNormalCholesky } from "./multi-normal.ts";
import { location, oneNoise, positiveNumber, scale } from "./params.ts";
import { HALF_LOG_TAU, LOG_2, logit, standardise, total } from "./standardise.ts";

/** log φ(z) */
export const logPhi = (b: Builder, z: Value): Value => b.sub(b.mul(b.constant(-0.5), b.square(z)), b.constant(HALF_LOG_TAU));

export const stdNormal = defineDistribution({
  name: "StdNormal",
  doc: "The normal with mean 0 and standard deviation 1: exp(-x^2 / 2) / sqrt(2 pi).",
  params: {},
  support: { constraint: real },
  event: 0,
  logDensity: (b, x) => logPhi(b, x),
  draw: { gradient: "pathwise", noise: oneNoise("normal"), build: (_b, [z]) => z },
  logCdf: (b, x) => b.logNormalCdf(x),
  logCcdf: (b, x) => b.logNormalCdf(b.neg(x)),
  quantile: (b, p) => b.normalQuantile(p),
  upperQuantile: (b, q) => b.neg(b.normalQuantile(q)),
  mean: (b) => b.constant(0),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 0.7, params: {}, logDensity: -1.1639385332046728 },
      { x: -3.25, params: {}, logDensity: -6.200188533204673 },
      { x: 38.5, params: {}, logDensity: -742.0439385332047 },
      { x: 1e-7, params: {}, logDensity: -0.9189385332046778 },
    ],
  },
});

export const normal = defineDistribution({
  name: "Normal",
  doc: "The normal with mean mu and standard deviation sigma: exp(-((x - mu) / sigma)^2 / 2) / (sigma sqrt(2 pi)).",
  params: { mu: location("mean"), sigma: scale("standard deviation") },
  alternatives: [
    {
      params: { mu: location("mean"), tau: positiveNumber("precision, 1 / sigma^2") },
      convert: (b, p) => ({ mu: p.mu, sigma: b.reciprocal(b.sqrt(p.tau)) }),
    },
    {
      params: { mean: location("mean"), sd: scale("standard deviation") },
      convert: (_b, p) => ({ mu: p.mean, sigma: p.sd }),
    },
    {
      params: { mu: location("mean"), variance: positiveNumber("variance, sigma^2") },
      convert: (b, p) => ({ mu: p.mu, sigma: b.sqrt(p.variance) }),
    },
  ],
  support: { constraint: real },
  event: 0,
  logDensity: (b, x, { mu, sigma }) => b.sub(logPhi(b, standardise(b, x, mu, sigma)), b.log(sigma)),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    build: (b, [z], { mu, sigma }) => b.add(mu, b.mul(sigma, z)),
  },
  affine: { location: "mu", scale: "sigma", kind: "elementwise", standard: stdNormal },
  matrixScale: multiNormalCholesky,
  symmetricAbout: "mu",
  logCdf: (b, x, { mu, sigma }) => b.logNormalCdf(standardise(b, x, mu, sigma)),
  logCcdf: (b, x, { mu, sigma }) => b.logNormalCdf(b.neg(standardise(b, x, mu, sigma))),
  quantile: (b, p, { mu, sigma }) => b.add(mu, b.mul(sigma, b.normalQuantile(p))),
  upperQuantile: (b, q, { mu, sigma }) => b.sub(mu, b.mul(sigma, b.normalQuantile(q))),
  mean: (_b, { mu }) => mu,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { mu: 0.5, sigma: 2 }, logDensity: -1.6920857137646181 },
      { x: -7.25, params: { mu: 3, sigma: 0.4 }, logDensity: -328.32296030133045 },
      { x: 1000000, params: { mu: -2.5, sigma: 17 }, logDensity: -1730112460.5103698 },
      { x: 2.5e-9, params: { mu: 1e-9, sigma: 3e-9 }, logDensity: 18.58071501507363 },
    ],
  },
});

const ROOT_HALF_PI = 1.2533141373155003;
/** P(X <= x) = 2 Φ(x/σ) - 1 = 1 - 2 Φ(-x/σ) */
export const halfNormal = defineDistribution({
  name: "HalfNormal",
  doc: "The absolute value of a Normal(0, sigma): 2 exp(-(x / sigma)^2 / 2) / (sigma sqrt(2 pi)), x >= 0.",
  params: { sigma: scale("standard deviation of the normal that is folded") },
  support: { constraint: nonnegative },
  event: 0,
  logDensity: (b, x, { sigma }) => total(b, logPhi(b, b.mul(x, b.reciprocal(sigma))), b.neg(b.log(sigma)), b.constant(LOG_2)),
  draw: { gradient: "pathwise", noise: oneNoise("normal"), build: (b, [z], { sigma }) => b.mul(sigma, b.abs(z)) },
  affine: { scale: "sigma", kind: "elementwise" },
  logCdf: (b, x, { sigma }) => b.log1mExp(logUpper(b, b.mul(x, b.reciprocal(sigma)))),
  logCcdf: (b, x, { sigma }) => logUpper(b, b.mul(x, b.reciprocal(sigma))),
  // z²/2 is a Gamma(1/2), whose quantile sees a small p where 1/2 + p/2 would not; for a tiny one, z = p sqrt(π/2) (1 + O(p²)).
  quantile(b, p, { sigma }) {
    const z = b.sqrt(b.mul(b.constant(2), b.gammaQuantile(b.constant(0.5), p)));
    return b.mul(sigma, b.select(b.lt(p, b.constant(1e-9)), b.mul(b.constant(ROOT_HALF_PI), p), z));
  },
  upperQuantile: (b, q, { sigma }) => b.neg(b.mul(sigma, b.normalQuantile(b.mul(b.constant(0.5), q)))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { sigma: 2 }, logDensity: -1.1301885332046728 },
      { x: 0, params: { sigma: 0.7 }, logDensity: 0.130883591294005 },
      { x: 41, params: { sigma: 1.5 }, logDensity: -374.18681201630847 },
      { x: 3e-8, params: { sigma: 1e-8 }, logDensity: 13.694889391307639 },
    ],
  },
});
/** log 2 Φ(-z) */
const logUpper = (b: Builder, z: Value): Value => b.add(b.constant(LOG_2), b.logNormalCdf(b.neg(z)));

export const logNormal = defineDistribution({
  name: "LogNormal",
  doc: "exp of a Normal(mu, sigma): the normal density of log x, over x; x > 0.",
  params: { mu: location("mean of log x"), sigma: scale("standard deviation of log x") },
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { mu, sigma }) => {
    const logX = b.log(x);
    return total(b, logPhi(b, standardise(b, logX, mu, sigma)), b.neg(b.log(sigma)), b.neg(logX));
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    build: (b, [z], { mu, sigma }) => b.exp(b.add(mu, b.mul(sigma, z))),
  },
  logCdf: (b, x, { mu, sigma }) => b.logNormalCdf(standardise(b, b.log(x), mu, sigma)),
  logCcdf: (b, x, { mu, sigma }) => b.logNormalCdf(b.neg(standardise(b, b.log(x), mu, sigma))),
  quantile: (b, p, { mu, sigma }) => b.exp(b.add(mu, b.mul(sigma, b.normalQuantile(p)))),
  upperQuantile: (b, q, { mu, sigma }) => b.exp(b.sub(mu, b.mul(sigma, b.normalQuantile(q)))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { mu: 0.5, sigma: 2 }, logDensity: -1.8815088210823687 },
      { x: 25, params: { mu: 3, sigma: 0.25 }, logDensity: -3.134773010646865 },
      { x: 1e-9, params: { mu: -2, sigma: 3.5 }, logDensity: 4.242965004594755 },
      { x: 700000000, params: { mu: 1.5, sigma: 6 }, logDensity: -28.021014616608745 },
    ],
  },
});

export const logitNormal = defineDistribution({
  name: "LogitNormal",
  doc: "The logistic function of a Normal(mu, sigma): the normal density of logit x, over x (1 - x); 0 < x < 1.",
  params: { mu: location("mean of logit x"), sigma: scale("standard deviation of logit x") },
  support: { constraint: unit },
  event: 0,
  logDensity: (b, x, { mu, sigma }) =>
    total(b, logPhi(b, standardise(b, logit(b, x), mu, sigma)), b.neg(b.log(sigma)), b.neg(b.add(b.log(x), b.log1p(b.neg(x))))),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    build: (b, [z], { mu, sigma }) => b.sigmoid(b.add(mu, b.mul(sigma, z))),
  },
  logCdf: (b, x, { mu, sigma }) => b.logNormalCdf(standardise(b, logit(b, x), mu, sigma)),
  logCcdf: (b, x, { mu, sigma }) => b.logNormalCdf(b.neg(standardise(b, logit(b, x), mu, sigma))),
  quantile: (b, p, { mu, sigma }) => b.sigmoid(b.add(mu, b.mul(sigma, b.normalQuantile(p)))),
  upperQuantile: (b, q, { mu, sigma }) => b.sigmoid(b.sub(mu, b.mul(sigma, b.normalQuantile(q)))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 0.3, params: { mu: 0.5, sigma: 2 }, logDensity: -0.2783394060754418 },
      { x: 0.9375, params: { mu: 3, sigma: 0.75 }, logDensity: 2.130106618112052 },
      { x: 1e-9, params: { mu: -12, sigma: 3.5 }, logDensity: 15.445630995650866 },
      { x: 0.5, params: { mu: 0.25, sigma: 0.125 }, logDensity: 0.5467973695950538 },
    ],
  },
});
