// Successes among a known number of trials.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { sigmoid } from "../../runtime/numeric/math.ts";
import {
  beta as betaDraw,
  binomial as binomialDraw,
  hypergeometric as hypergeometricDraw,
} from "../../runtime/numeric/samplers.ts";
import type { Bounds } from "../constraints/define.ts";
import { count } from "../constraints/interval.ts";
import type { Param } from "./define.ts";
import { defineDistribution } from "./define.ts";
import { location, positiveNumber, probability } from "./params.ts";
import { logRising } from "./rising.ts";
import { logChoose, total } from "./standardise.ts";
import { binomialTails, countQuantilesByLogs } from "./tails.ts";

export const trials: Param = { constraint: count, rank: 0, doc: "number of trials" };
export const upTo = (b: Builder, { N }: { readonly N: Value }): Bounds<Value> => ({
  lower: b.constant(0, "int"),
  upper: b.cast(N, "int"),
});

export const binomial = defineDistribution({
  name: "Binomial",
  doc: "The number of successes in N trials of probability theta: (N choose x) theta^x (1 - theta)^(N - x).",
  params: { N: trials, theta: probability("probability of success") },
  alternatives: [
    { params: { n: trials, p: probability("probability of success") }, convert: (_b, p) => ({ N: p.n, theta: p.p }) },
    { params: { N: trials, logit: location("log odds of success") }, convert: (b, p) => ({ N: p.N, theta: b.sigmoid(p.logit) }) },
  ],
  support: { constraint: count, bounds: upTo },
  event: 0,
  logDensity: (b, x, { N, theta }) => total(b, b.xlogy(x, theta), b.xlog1py(b.sub(N, x), b.neg(theta)), logChoose(b, N, x)),
  sample: (rng, { N, theta }, out) => {
    out[0] = binomialDraw(rng, N[0], theta[0]);
  },
  mean: (b, { N, theta }) => b.mul(N, theta),
  ...binomialTails((b, { theta }) => {
    const rest = b.sub(b.constant(1), theta);
    return { success: b.div(theta, rest), failure: b.div(rest, theta) };
  }),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 3, params: { N: 10, theta: 0.3 }, logDensity: -1.3211512777668886 },
      { x: 0, params: { N: 7, theta: 0 }, logDensity: 0 },
      { x: 7, params: { N: 7, theta: 1 }, logDensity: 0 },
      { x: 4000, params: { N: 10000, theta: 0.4375 }, logDensity: -33.593068996940026 },
      { x: 2, params: { N: 25, theta: 1e-7 }, logDensity: -26.532411127260552 },
      { x: 0, params: { N: 0, theta: 0.5 }, logDensity: 0 },
    ],
  },
});

export const binomialLogit = defineDistribution({
  name: "BinomialLogit",
  doc: "The number of successes in N trials of log odds alpha: (N choose x) exp(alpha x) / (1 + exp(alpha))^N.",
  params: { N: trials, alpha: location("log odds of success") },
  support: { constraint: count, bounds: upTo },
  event: 0,
  logDensity: (b, x, { N, alpha }) => total(b, b.mul(x, alpha), b.neg(b.mul(N, b.softplus(alpha))), logChoose(b, N, x)),
  sample: (rng, { N, alpha }, out) => {
    out[0] = binomialDraw(rng, N[0], sigmoid(alpha[0]));
  },
  mean: (b, { N, alpha }) => b.mul(N, b.sigmoid(alpha)),
  ...binomialTails((b, { alpha }) => ({ success: b.exp(alpha), failure: b.exp(b.neg(alpha)) })),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 3, params: { N: 10, alpha: -0.75 }, logDensity: -1.3312183183669535 },
      { x: 0, params: { N: 7, alpha: -30 }, logDensity: -6.550336078187816e-13 },
      { x: 7, params: { N: 7, alpha: 41 }, logDensity: -1.0940175325344922e-17 },
      { x: 4000, params: { N: 10000, alpha: -0.25 }, logDensity: -34.08810562613279 },
      { x: 0, params: { N: 0, alpha: 0.5 }, logDensity: 0 },
    ],
  },
});

const logBetaBinomial = (b: Builder, x: Value, N: Value, alpha: Value, beta: Value): Value =>
  total(
    b,
    logRising(b, alpha, x),
    logRising(b, beta, b.sub(N, x)),
    b.neg(logRising(b, b.add(alpha, beta), N)),
    logChoose(b, N, x),
  );
/** log P(X <= x): below the mean the sum down from P(X = x) = B(x + α, N - x + β) / (B(α, β) (N + 1) B(x + 1, N - x + 1)), above it 1 less that of
 *  the others. */
function betaBinomialAtMost(b: Builder, x: Value, N: Value, alpha: Value, beta: Value): Value {
  const one = b.constant(1);
  const sum = (k: Value, first: Value, second: Value): Value => {
    const rest = b.sub(N, k);
    const all = b.add(b.add(N, first), second);
    const pooled = b.logBetaPooled(first, second, b.add(k, one), b.add(rest, one));
    const odd = b.mul(b.div(all, b.add(k, first)), b.div(b.add(all, one), b.mul(b.add(rest, second), b.add(N, one))));
    return b.add(b.add(pooled, b.log(odd)), b.betaBinomialSum(k, N, first, second));
  };
  const others = b.sub(b.sub(N, x), one);
  const above = b.log1mExp(sum(b.max(others, b.constant(0)), beta, alpha));
  const isLow = b.lt(b.mul(x, b.add(alpha, beta)), b.mul(N, alpha));
  return b.select(b.lt(others, b.constant(0)), b.constant(0), b.select(isLow, sum(x, alpha, beta), above));
}

export const betaBinomial = defineDistribution({
  name: "BetaBinomial",
  doc: "A Binomial(N, theta) with theta ~ Beta(alpha, beta): (N choose x) B(x + alpha, N - x + beta) / B(alpha, beta).",
  params: { N: trials, alpha: positiveNumber("prior successes"), beta: positiveNumber("prior failures") },
  support: { constraint: count, bounds: upTo },
  event: 0,
  logDensity: (b, x, { N, alpha, beta }) => logBetaBinomial(b, x, N, alpha, beta),
  sample: (rng, { N, alpha, beta }, out) => {
    out[0] = binomialDraw(rng, N[0], betaDraw(rng, alpha[0], beta[0]));
  },
  logCdf: (b, x, { N, alpha, beta }) => betaBinomialAtMost(b, x, N, alpha, beta),
  // More than x successes are at most N - x - 1 failures.
  logCcdf: (b, x, { N, alpha, beta }) => {
    const failures = b.sub(b.sub(N, x), b.constant(1));
    const log = betaBinomialAtMost(b, b.max(failures, b.constant(0)), N, beta, alpha);
    return b.select(b.ge(failures, b.constant(0)), log, b.constant(Number.NEGATIVE_INFINITY));
  },
  ...countQuantilesByLogs((b, logP, logQ, { N, alpha, beta }) => b.betaBinomialQuantile(N, alpha, beta, logP, logQ)),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees where it does not cancel",
    rows: [
      { x: 3, params: { N: 10, alpha: 0.5, beta: 2 }, logDensity: -2.428961336513856 },
      { x: 0, params: { N: 7, alpha: 30, beta: 4 }, logDensity: -11.953519593328418 },
      { x: 7, params: { N: 7, alpha: 0.0625, beta: 0.75 }, logDensity: -4.052445731922943 },
      { x: 400, params: { N: 1000, alpha: 2000000000, beta: 3000000000 }, logDensity: -3.659521983711062 },
      { x: 2, params: { N: 5, alpha: 0.001, beta: 40 }, logDensity: -12.149679616699178 },
    ],
  },
});

export const hypergeometric = defineDistribution({
  name: "Hypergeometric",
  doc: "Successes among N draws without replacement from a successes and b failures: (a choose x) (b choose N - x) / (a + b choose N).",
  params: {
    N: { ...trials, doc: "number of draws, at most a + b" },
    a: { ...trials, doc: "successes in the population" },
    b: { ...trials, doc: "failures in the population" },
  },
  support: {
    constraint: count,
    bounds: (g, { N, a, b }) => ({
      lower: g.cast(g.max(g.constant(0), g.sub(N, b)), "int"),
      upper: g.cast(g.min(N, a), "int"),
    }),
  },
  event: 0,
  logDensity: (g, x, { N, a, b }) =>
    total(g, logChoose(g, a, x), logChoose(g, b, g.sub(N, x)), g.neg(logChoose(g, g.add(a, b), N))),
  sample: (rng, { N, a, b }, out) => {
    out[0] = hypergeometricDraw(rng, a[0], b[0], N[0]);
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 3, params: { N: 10, a: 7, b: 12 }, logDensity: -1.2037346807386695 },
      { x: 2, params: { N: 5, a: 2, b: 40 }, logDensity: -4.4555094114336855 },
      { x: 4, params: { N: 12, a: 9, b: 8 }, logDensity: -3.8940853047414787 },
      { x: 300, params: { N: 1000, a: 900, b: 2000 }, logDensity: -3.768887827891191 },
    ],
  },
});
