// Successes among a known number of trials.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { exp } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { beta as betaDraw, binomial as binomialDraw } from "../../runtime/numeric/samplers.ts";
import type { Bounds } from "../constraints/define.ts";
import { count } from "../constraints/interval.ts";
import type { Param } from "./define.ts";
import { defineDistribution } from "./define.ts";
import { location, positiveNumber, probability } from "./params.ts";
import { logRising } from "./rising.ts";
import { logChoose, total } from "./standardise.ts";

export const trials: Param = { constraint: count, rank: 0, doc: "number of trials" };
const upTo = (b: Builder, { N }: { readonly N: Value }): Bounds<Value> => ({
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
  normalised: true,
  golden: { from: "", rows: [] },
});

export const binomialLogit = defineDistribution({
  name: "BinomialLogit",
  doc: "The number of successes in N trials of log odds alpha: (N choose x) exp(alpha x) / (1 + exp(alpha))^N.",
  params: { N: trials, alpha: location("log odds of success") },
  support: { constraint: count, bounds: upTo },
  event: 0,
  logDensity: (b, x, { N, alpha }) => total(b, b.mul(x, alpha), b.neg(b.mul(N, b.softplus(alpha))), logChoose(b, N, x)),
  sample: (rng, { N, alpha }, out) => {
    out[0] = binomialDraw(rng, N[0], 1 / (1 + exp(-alpha[0])));
  },
  normalised: true,
  golden: { from: "", rows: [] },
});

export const betaBinomial = defineDistribution({
  name: "BetaBinomial",
  doc: "A Binomial(N, theta) with theta ~ Beta(alpha, beta): (N choose x) B(x + alpha, N - x + beta) / B(alpha, beta).",
  params: { N: trials, alpha: positiveNumber("prior successes"), beta: positiveNumber("prior failures") },
  support: { constraint: count, bounds: upTo },
  event: 0,
  logDensity: (b, x, { N, alpha, beta }) =>
    total(
      b,
      logRising(b, alpha, x),
      logRising(b, beta, b.sub(N, x)),
      b.neg(logRising(b, b.add(alpha, beta), N)),
      logChoose(b, N, x),
    ),
  sample: (rng, { N, alpha, beta }, out) => {
    out[0] = binomialDraw(rng, N[0], betaDraw(rng, alpha[0], beta[0]));
  },
  normalised: true,
  golden: { from: "", rows: [] },
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
    out[0] = drawWithoutReplacement(rng, N[0], a[0], b[0]);
  },
  normalised: true,
  golden: { from: "", rows: [] },
});
function drawWithoutReplacement(rng: Rng, draws: number, successes: number, failures: number): number {
  let [left, good] = [successes + failures, successes];
  for (let i = 0; i < draws; i++, left--) if (rng.uniform() * left < good) good--;
  return successes - good;
}
