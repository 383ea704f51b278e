// The beta.

import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { beta as betaDraw } from "../../runtime/numeric/samplers.ts";
import { unit } from "../constraints/interval.ts";
import { type Distribution, defineDistribution } from "./define.ts";
import { oneNoise, positiveNumber, probability } from "./params.ts";
import { logBeta, total } from "./standardise.ts";
import { betaTails } from "./tails.ts";

/** (α-1) log x + (β-1) log(1-x) - log B(α, β) */
const logBetaDensity = (b: Builder, x: Value, alpha: Value, beta: Value): Value =>
  total(
    b,
    b.xlogy(b.sub(alpha, b.constant(1)), x),
    b.xlog1py(b.sub(beta, b.constant(1)), b.neg(x)),
    b.neg(logBeta(b, alpha, beta)),
  );

const concentration = positiveNumber("precision, alpha + beta");
const byMean = (b: Builder, mu: Value, kappa: Value): { alpha: Value; beta: Value } => {
  const alpha = b.mul(mu, kappa);
  return { alpha, beta: b.sub(kappa, alpha) };
};

type P = Readonly<Record<string, Value>>;
/** By the quantile, of one normal: gammas over their sum, of two, would move when the draw does not. */
const byNormal = (
  parameters: (b: Builder, p: P) => { readonly alpha: Value; readonly beta: Value },
): NonNullable<Distribution["attempts"]> => ({
  gradient: "pathwise",
  noise: oneNoise("normal"),
  build(b, [z], p) {
    const { alpha, beta } = parameters(b, p);
    return b.sigmoid(b.betaLogitDraw(alpha, beta, z));
  },
});

export const beta = defineDistribution({
  name: "Beta",
  doc: "The beta with mean alpha / (alpha + beta): x^(alpha - 1) (1 - x)^(beta - 1) / B(alpha, beta), 0 < x < 1.",
  params: {
    alpha: positiveNumber("prior successes, the power of x plus 1"),
    beta: positiveNumber("prior failures, the power of 1 - x plus 1"),
  },
  alternatives: [
    { params: { mean: probability("mean"), concentration }, convert: (b, p) => byMean(b, p.mean, p.concentration) },
    { params: { mu: probability("mean"), kappa: concentration }, convert: (b, p) => byMean(b, p.mu, p.kappa) },
    {
      // κ = m (1 - m) / s² - 1
      params: { mean: probability("mean"), sd: positiveNumber("standard deviation, below sqrt(mean (1 - mean))") },
      convert: (b, { mean, sd }) =>
        byMean(b, mean, b.sub(b.div(b.mul(mean, b.sub(b.constant(1), mean)), b.square(sd)), b.constant(1))),
    },
  ],
  support: { constraint: unit },
  event: 0,
  logDensity: (b, x, { alpha, beta }) => logBetaDensity(b, x, alpha, beta),
  sample: (rng, { alpha, beta }, out) => {
    out[0] = betaDraw(rng, alpha[0], beta[0]);
  },
  attempts: byNormal((_b, { alpha, beta }) => ({ alpha, beta })),
  mean: (b, { alpha, beta }) => b.div(alpha, b.add(alpha, beta)),
  ...betaTails((_b, { alpha, beta }) => ({ alpha, beta })),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 0.3, params: { alpha: 0.5, beta: 2 }, logDensity: -0.042370614227545275 },
      { x: 0.9375, params: { alpha: 30, beta: 4 }, logDensity: 1.8162853014765457 },
      { x: 1e-9, params: { alpha: 0.0625, beta: 7.5 }, logDensity: 16.810380160557433 },
      { x: 0.5, params: { alpha: 20000, beta: 15000 }, logDensity: -353.37221174885804 },
      { x: 0.25, params: { alpha: 1, beta: 1 }, logDensity: 0 },
    ],
  },
});

export const betaProportion = defineDistribution({
  name: "BetaProportion",
  doc: "The beta with mean mu and precision kappa: Beta(mu kappa, (1 - mu) kappa).",
  params: { mu: probability("mean"), kappa: concentration },
  support: { constraint: unit },
  event: 0,
  logDensity: (b, x, { mu, kappa }) => {
    const p = byMean(b, mu, kappa);
    return logBetaDensity(b, x, p.alpha, p.beta);
  },
  sample: (rng, { mu, kappa }, out) => {
    out[0] = betaDraw(rng, mu[0] * kappa[0], (1 - mu[0]) * kappa[0]);
  },
  attempts: byNormal((b, { mu, kappa }) => byMean(b, mu, kappa)),
  mean: (_b, { mu }) => mu,
  ...betaTails((b, { mu, kappa }) => byMean(b, mu, kappa)),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 0.3, params: { mu: 0.25, kappa: 2 }, logDensity: -0.02793377509585303 },
      { x: 0.9375, params: { mu: 0.875, kappa: 30 }, logDensity: 1.701494543100723 },
      { x: 1e-9, params: { mu: 0.0625, kappa: 1.5 }, logDensity: 16.459726296499262 },
      { x: 0.5, params: { mu: 0.5625, kappa: 20000 }, logDensity: -151.9414001891519 },
    ],
  },
});

export const kumaraswamy = defineDistribution({
  name: "Kumaraswamy",
  doc: "The Kumaraswamy: a b x^(a - 1) (1 - x^a)^(b - 1), 0 < x < 1.",
  params: { a: positiveNumber("power of x"), b: positiveNumber("power of 1 - x^a") },
  support: { constraint: unit },
  event: 0,
  logDensity: (g, x, { a, b }) => {
    const logX = g.log(x);
    const one = g.constant(1);
    return total(g, g.mul(g.sub(a, one), logX), g.mul(g.sub(b, one), g.log1mExp(g.mul(a, logX))), g.log(a), g.log(b));
  },
  // 1 - (1 - x^a)^b is uniform: x = (1 - u^(1/b))^(1/a).
  draw: {
    gradient: "pathwise",
    noise: (shape) => [{ kind: "exponential", shape }],
    build: (g, [e], { a, b }) => g.exp(g.div(g.log1mExp(g.neg(g.div(e, b))), a)),
  },
  logCdf: (g, x, { a, b }) => g.log1mExp(g.mul(b, g.log1mExp(g.mul(a, g.log(x))))),
  logCcdf: (g, x, { a, b }) => g.mul(b, g.log1mExp(g.mul(a, g.log(x)))),
  quantile: (g, p, { a, b }) => g.exp(g.div(g.log1mExp(g.div(g.log1p(g.neg(p)), b)), a)),
  upperQuantile: (g, q, { a, b }) => g.exp(g.div(g.log1mExp(g.div(g.log(q), b)), a)),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 0.3, params: { a: 0.5, b: 2 }, logDensity: -0.19147307446247464 },
      { x: 0.9375, params: { a: 3, b: 0.75 }, logDensity: 1.116134931299785 },
      { x: 1e-9, params: { a: 0.25, b: 3.5 }, logDensity: 15.394819774666999 },
      { x: 0.5, params: { a: 6, b: 40 }, logDensity: 1.4007170987848372 },
    ],
  },
});
