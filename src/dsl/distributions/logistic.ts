// The logistic, its exponential, and the Gumbel.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { positive, real } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { location, oneNoise, positiveNumber, scale } from "./params.ts";
import { logit, standardise, total } from "./standardise.ts";

/** z - 2 log(1 + e^z), even in z */
const logStandard = (b: Builder, z: Value): Value => b.sub(z, b.mul(b.constant(2), b.softplus(z)));

export const logistic = defineDistribution({
  name: "Logistic",
  doc: "The logistic with mean mu and scale sigma: exp(-z) / (sigma (1 + exp(-z))^2), z = (x - mu) / sigma.",
  params: { mu: location("mean"), sigma: scale("scale, sqrt(3) / pi times the standard deviation") },
  support: { constraint: real },
  event: 0,
  logDensity: (b, x, { mu, sigma }) => b.sub(logStandard(b, standardise(b, x, mu, sigma)), b.log(sigma)),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("uniform"),
    build: (b, [u], { mu, sigma }) => b.add(mu, b.mul(sigma, logit(b, u))),
  },
  affine: { location: "mu", scale: "sigma", kind: "elementwise" },
  symmetricAbout: "mu",
  logCdf: (b, x, { mu, sigma }) => b.neg(b.softplus(b.neg(standardise(b, x, mu, sigma)))),
  logCcdf: (b, x, { mu, sigma }) => b.neg(b.softplus(standardise(b, x, mu, sigma))),
  quantile: (b, p, { mu, sigma }) => b.add(mu, b.mul(sigma, logit(b, p))),
  upperQuantile: (b, q, { mu, sigma }) => b.sub(mu, b.mul(sigma, logit(b, q))),
  mean: (_b, { mu }) => mu,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { mu: 0.5, sigma: 2 }, logDensity: -2.1191776853598507 },
      { x: -7.25, params: { mu: 3, sigma: 0.4 }, logDensity: -24.708709268140712 },
      { x: 1000000, params: { mu: -2.5, sigma: 17 }, logDensity: -58826.509683932294 },
      { x: -1000, params: { mu: 1.5, sigma: 0.75 }, logDensity: -1335.0456512608816 },
    ],
  },
});

/** β (log x - log α) */
const logPower = (b: Builder, x: Value, alpha: Value, beta: Value): Value => b.mul(beta, b.sub(b.log(x), b.log(alpha)));

export const logLogistic = defineDistribution({
  name: "LogLogistic",
  doc: "exp of a logistic; scale alpha (the median) and shape beta: (beta / x) t / (1 + t)^2, t = (x / alpha)^beta, x > 0.",
  params: { alpha: positiveNumber("scale, the median"), beta: positiveNumber("shape, 1 / the scale of log x") },
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { alpha, beta }) => total(b, logStandard(b, logPower(b, x, alpha, beta)), b.log(beta), b.neg(b.log(x))),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("uniform"),
    build: (b, [u], { alpha, beta }) => b.mul(alpha, b.exp(b.div(logit(b, u), beta))),
  },
  logCdf: (b, x, { alpha, beta }) => b.neg(b.softplus(b.neg(logPower(b, x, alpha, beta)))),
  logCcdf: (b, x, { alpha, beta }) => b.neg(b.softplus(logPower(b, x, alpha, beta))),
  quantile: (b, p, { alpha, beta }) => b.mul(alpha, b.exp(b.div(logit(b, p), beta))),
  upperQuantile: (b, q, { alpha, beta }) => b.mul(alpha, b.exp(b.neg(b.div(logit(b, q), beta)))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { alpha: 0.5, beta: 2 }, logDensity: -1.7561588622429278 },
      { x: 25, params: { alpha: 3, beta: 0.25 }, logDensity: -6.060899755844908 },
      { x: 1e-9, params: { alpha: 2, beta: 3.5 }, logDensity: -52.981416755830466 },
      { x: 700000000, params: { alpha: 1.5, beta: 6 }, logDensity: -138.34158613317672 },
    ],
  },
});

export const gumbel = defineDistribution({
  name: "Gumbel",
  doc: "The Gumbel of maxima with mode mu and scale beta: exp(-z - exp(-z)) / beta, z = (x - mu) / beta.",
  params: { mu: location("mode"), beta: scale("scale") },
  support: { constraint: real },
  event: 0,
  logDensity: (b, x, { mu, beta }) => {
    const z = standardise(b, x, mu, beta);
    return total(b, b.neg(z), b.neg(b.exp(b.neg(z))), b.neg(b.log(beta)));
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("exponential"),
    build: (b, [e], { mu, beta }) => b.sub(mu, b.mul(beta, b.log(e))),
  },
  affine: { location: "mu", scale: "beta", kind: "elementwise" },
  logCdf: (b, x, { mu, beta }) => b.neg(b.exp(b.neg(standardise(b, x, mu, beta)))),
  logCcdf: (b, x, { mu, beta }) => b.log1mExp(b.neg(b.exp(b.neg(standardise(b, x, mu, beta))))),
  quantile: (b, p, { mu, beta }) => b.sub(mu, b.mul(beta, b.log(b.neg(b.log(p))))),
  upperQuantile: (b, q, { mu, beta }) => b.sub(mu, b.mul(beta, b.log(b.neg(b.log1p(b.neg(q)))))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { mu: 0.5, beta: 2 }, logDensity: -1.7634672265955846 },
      { x: 1.25, params: { mu: 3, beta: 0.4 }, logDensity: -74.14854882038716 },
      { x: 1000000, params: { mu: -2.5, beta: 17 }, logDensity: -58826.509683932294 },
      { x: -2, params: { mu: 1.5, beta: 0.75 }, logDensity: -101.38832665904707 },
    ],
  },
});
