// Zero or one, by probability or log odds.

import { binary } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { location, oneNoise, probability } from "./params.ts";
import { countQuantilesByLogs } from "./tails.ts";

export const bernoulli = defineDistribution({
  name: "Bernoulli",
  doc: "1 with probability theta, else 0.",
  params: { theta: probability("probability of 1") },
  alternatives: [
    { params: { p: probability("probability of 1") }, convert: (_b, p) => ({ theta: p.p }) },
    { params: { logit: location("log odds of 1") }, convert: (b, p) => ({ theta: b.sigmoid(p.logit) }) },
  ],
  support: { constraint: binary },
  event: 0,
  logDensity: (b, x, { theta }) => b.add(b.xlogy(x, theta), b.xlog1py(b.sub(b.constant(1), x), b.neg(theta))),
  draw: {
    gradient: "score",
    noise: oneNoise("uniform"),
    build: (b, [u], { theta }) => b.cast(b.lt(u, theta), "int"),
  },
  logCdf: (b, x, { theta }) => b.xlog1py(b.sub(b.constant(1), x), b.neg(theta)),
  logCcdf: (b, x, { theta }) => b.select(b.lt(x, b.constant(1)), b.log(theta), b.constant(Number.NEGATIVE_INFINITY)),
  ...countQuantilesByLogs((b, _logP, logQ, { theta }) => b.cast(b.gt(b.log(theta), logQ), "real")),
  mean: (_b, { theta }) => theta,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1, params: { theta: 0.3 }, logDensity: -1.2039728043259361 },
      { x: 0, params: { theta: 0.9375 }, logDensity: -2.772588722239781 },
      { x: 0, params: { theta: 0 }, logDensity: 0 },
      { x: 1, params: { theta: 1 }, logDensity: 0 },
      { x: 1, params: { theta: 1e-12 }, logDensity: -27.631021115928547 },
      { x: 0, params: { theta: 1e-12 }, logDensity: -1.0000000000005e-12 },
    ],
  },
});

export const bernoulliLogit = defineDistribution({
  name: "BernoulliLogit",
  doc: "1 with log odds alpha: probability 1 / (1 + exp(-alpha)).",
  params: { alpha: location("log odds of 1") },
  alternatives: [{ params: { logit: location("log odds of 1") }, convert: (_b, p) => ({ alpha: p.logit }) }],
  support: { constraint: binary },
  event: 0,
  // x = 1: -log(1 + e^-α); x = 0: -log(1 + e^α). The sign is data.
  logDensity: (b, x, { alpha }) => b.neg(b.softplus(b.mul(b.sub(b.constant(1), b.mul(b.constant(2), x)), alpha))),
  draw: {
    gradient: "score",
    noise: oneNoise("uniform"),
    build: (b, [u], { alpha }) => b.cast(b.lt(u, b.sigmoid(alpha)), "int"),
  },
  logCdf: (b, x, { alpha }) => b.mul(b.sub(x, b.constant(1)), b.softplus(alpha)),
  logCcdf: (b, x, { alpha }) =>
    b.select(b.lt(x, b.constant(1)), b.neg(b.softplus(b.neg(alpha))), b.constant(Number.NEGATIVE_INFINITY)),
  ...countQuantilesByLogs((b, _logP, logQ, { alpha }) => b.cast(b.gt(b.neg(b.softplus(b.neg(alpha))), logQ), "real")),
  mean: (b, { alpha }) => b.sigmoid(alpha),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 1, params: { alpha: 0.75 }, logDensity: -0.38687100611489994 },
      { x: 0, params: { alpha: 2.5 }, logDensity: -2.5788897342925496 },
      { x: 0, params: { alpha: -45 }, logDensity: -2.8625185805493937e-20 },
      { x: 1, params: { alpha: -800 }, logDensity: -800 },
      { x: 1, params: { alpha: 37 }, logDensity: -8.533047625744066e-17 },
    ],
  },
});
