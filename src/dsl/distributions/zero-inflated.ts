// Counts with extra zeros.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { binomial as binomialDraw, negativeBinomial, poisson as poissonDraw } from "../../runtime/numeric/samplers.ts";
import { count } from "../constraints/interval.ts";
import { binomial, trials, upTo } from "./binomial.ts";
import { defineDistribution } from "./define.ts";
import { logByMean } from "./negative-binomial.ts";
import { nonnegativeNumber, positiveNumber, probability } from "./params.ts";
import { poisson } from "./poisson.ts";
import {
  type ByLogs,
  binomialTails,
  countQuantilesByLogs,
  type DiscreteTails,
  negativeBinomialTails,
  poissonTails,
} from "./tails.ts";

const extra = probability("probability of an extra zero");

/** log(π + (1 - π) e^l) at zero, log(1 - π) + l elsewhere; l is the log density without the extra zeros. */
export function inflate(b: Builder, at: Value, pi: Value, l: Value): Value {
  const rest = b.add(b.log1p(b.neg(pi)), l);
  return b.select(at, b.logAddExp(b.log(pi), rest), rest);
}

/** P(X <= x) = π + (1 - π) F(x), P(X > x) = (1 - π) (1 - F(x)), x >= 0. */
const inflatedTails = (d: DiscreteTails, quantile: ByLogs): DiscreteTails => ({
  logCdf: (b, x, p) => b.logAddExp(b.log(p.pi), b.add(b.log1p(b.neg(p.pi)), d.logCdf(b, x, p))),
  logCcdf: (b, x, p) => b.add(b.log1p(b.neg(p.pi)), d.logCcdf(b, x, p)),
  // 0 for p up to π; beyond, the quantile without the extra zeros at 1 - q / (1 - π) = (p - π) / (1 - π).
  ...countQuantilesByLogs((b, logP, logQ, p) => {
    const rest = b.log1p(b.neg(p.pi));
    const above = b.sub(logQ, rest);
    const isZero = b.or(b.ge(above, b.constant(0)), b.ge(p.pi, b.constant(1)));
    const below = b.sub(b.add(logP, b.log1mExp(b.sub(b.log(p.pi), logP))), rest);
    return quantile(b, b.select(isZero, b.constant(Number.NEGATIVE_INFINITY), below), b.select(isZero, b.constant(0), above), p);
  }),
});
const ofPoisson = inflatedTails(
  poissonTails((_b, { lambda }) => lambda),
  (b, logP, logQ, { lambda }) => b.poissonQuantile(lambda, logP, logQ),
);
const ofNegativeBinomial = inflatedTails(
  negativeBinomialTails((b, { mu, phi }) => ({ shape: phi, failure: b.div(mu, phi) })),
  (b, logP, logQ, { mu, phi }) => b.negativeBinomialQuantile(phi, b.div(mu, phi), logP, logQ),
);

export const zeroInflatedPoisson = defineDistribution({
  name: "ZeroInflatedPoisson",
  doc: "0 with probability pi, else a Poisson(lambda).",
  params: { pi: extra, lambda: nonnegativeNumber("rate of the Poisson") },
  support: { constraint: count },
  event: 0,
  logDensity: (b, x, { pi, lambda }) => inflate(b, b.eq(x, b.constant(0)), pi, poisson.logDensity(b, x, { lambda })),
  sample: (rng, { pi, lambda }, out) => {
    out[0] = rng.uniform() < pi[0] ? 0 : poissonDraw(rng, lambda[0]);
  },
  ...ofPoisson,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 3, params: { pi: 0.25, lambda: 2.5 }, logDensity: -1.8305693460573706 },
      { x: 0, params: { pi: 0, lambda: 7.25 }, logDensity: -7.25 },
      { x: 0, params: { pi: 0.125, lambda: 60 }, logDensity: -2.0794415416798357 },
      { x: 0, params: { pi: 1, lambda: 3 }, logDensity: 0 },
      { x: 40, params: { pi: 0.5, lambda: 38.5 }, logDensity: -3.4874572435677993 },
    ],
  },
});

export const zeroInflatedNegBinomial2 = defineDistribution({
  name: "ZeroInflatedNegBinomial2",
  doc: "0 with probability pi, else a NegBinomial2(mu, phi).",
  params: { pi: extra, mu: positiveNumber("mean of the negative binomial"), phi: positiveNumber("its precision") },
  support: { constraint: count },
  event: 0,
  logDensity: (b, x, { pi, mu, phi }) => inflate(b, b.eq(x, b.constant(0)), pi, logByMean(b, x, mu, phi)),
  sample: (rng, { pi, mu, phi }, out) => {
    out[0] = rng.uniform() < pi[0] ? 0 : negativeBinomial(rng, phi[0], mu[0]);
  },
  ...ofNegativeBinomial,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 3, params: { pi: 0.25, mu: 2.5, phi: 0.75 }, logDensity: -2.682752509515258 },
      { x: 0, params: { pi: 0, mu: 7.25, phi: 3 }, logDensity: -3.6859962507489223 },
      { x: 0, params: { pi: 0.125, mu: 60, phi: 12.5 }, logDensity: -2.0794415396742183 },
      { x: 40, params: { pi: 0.5, mu: 38.5, phi: 10000000000 }, logDensity: -3.4874572454552992 },
    ],
  },
});

const odds = (b: Builder, theta: Value): { readonly success: Value; readonly failure: Value } => {
  const rest = b.sub(b.constant(1), theta);
  return { success: b.div(theta, rest), failure: b.div(rest, theta) };
};
const ofBinomial = inflatedTails(
  binomialTails((b, { theta }) => odds(b, theta)),
  (b, logP, logQ, { N, theta }) => {
    const { success, failure } = odds(b, theta);
    return b.binomialQuantile(N, success, failure, logP, logQ);
  },
);

export const zeroInflatedBinomial = defineDistribution({
  name: "ZeroInflatedBinomial",
  doc: "0 with probability pi, else a Binomial(N, theta).",
  params: { pi: extra, N: trials, theta: probability("probability of success") },
  support: { constraint: count, bounds: upTo },
  event: 0,
  logDensity: (b, x, { pi, N, theta }) => inflate(b, b.eq(x, b.constant(0)), pi, binomial.logDensity(b, x, { N, theta })),
  sample: (rng, { pi, N, theta }, out) => {
    out[0] = rng.uniform() < pi[0] ? 0 : binomialDraw(rng, N[0], theta[0]);
  },
  mean: (b, { pi, N, theta }) => b.mul(b.sub(b.constant(1), pi), b.mul(N, theta)),
  ...ofBinomial,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 3, params: { pi: 0.25, N: 10, theta: 0.3 }, logDensity: -1.6088333502186696 },
      { x: 0, params: { pi: 0, N: 7, theta: 0.125 }, logDensity: -0.9347197483716584 },
      { x: 0, params: { pi: 0.125, N: 60, theta: 0.875 }, logDensity: -2.0794415416798357 },
      { x: 0, params: { pi: 1, N: 5, theta: 0.5 }, logDensity: 0 },
      { x: 4000, params: { pi: 0.5, N: 10000, theta: 0.4375 }, logDensity: -34.28621617749997 },
    ],
  },
});
