// Counts with more variance than a Poisson's: a Poisson whose rate is gamma.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { exp } from "../../runtime/numeric/math.ts";
import {
  beta as betaDraw,
  gamma as gammaDraw,
  negativeBinomial,
  poisson as poissonDraw,
} from "../../runtime/numeric/samplers.ts";
import { count } from "../constraints/interval.ts";
import { gammaAttempts, poissonAttempts } from "./attempts.ts";
import { defineDistribution } from "./define.ts";
import { location, positiveNumber } from "./params.ts";
import { logRising } from "./rising.ts";
import { total } from "./standardise.ts";
import { countQuantilesByLogs, negativeBinomialTails } from "./tails.ts";

const logFactorial = (b: Builder, x: Value): Value => b.lgamma(b.add(x, b.constant(1)));
const dispersion = positiveNumber("precision; the variance is mu + mu^2 / phi");

/** log Γ(x+φ)/(Γ(φ) x!) + x log μ/(μ+φ) + φ log φ/(μ+φ), the last as -φ log1p(μ/φ). */
export const logByMean = (b: Builder, x: Value, mu: Value, phi: Value): Value =>
  total(
    b,
    logRising(b, phi, x),
    b.xlogy(x, b.div(mu, b.add(mu, phi))),
    b.neg(b.mul(phi, b.log1p(b.div(mu, phi)))),
    b.neg(logFactorial(b, x)),
  );

export const negBinomial = defineDistribution({
  name: "NegBinomial",
  doc: "The negative binomial with shape alpha and inverse scale beta, mean alpha / beta: (x + alpha - 1 choose x) (beta / (beta + 1))^alpha (beta + 1)^(-x).",
  params: { alpha: positiveNumber("shape"), beta: positiveNumber("inverse scale") },
  support: { constraint: count },
  event: 0,
  logDensity: (b, x, { alpha, beta }) =>
    total(
      b,
      logRising(b, alpha, x),
      b.neg(b.mul(alpha, b.log1p(b.reciprocal(beta)))),
      b.neg(b.mul(x, b.log1p(beta))),
      b.neg(logFactorial(b, x)),
    ),
  sample: (rng, { alpha, beta }, out) => {
    out[0] = poissonDraw(rng, gammaDraw(rng, alpha[0]) / beta[0]);
  },
  ...negativeBinomialTails((b, { alpha, beta }) => ({ shape: alpha, failure: b.reciprocal(beta) })),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees where it does not cancel",
    rows: [
      { x: 3, params: { alpha: 2.5, beta: 0.75 }, logDensity: -1.915720386856535 },
      { x: 0, params: { alpha: 0.125, beta: 3 }, logDensity: -0.03596025905647261 },
      { x: 40, params: { alpha: 10000000000, beta: 250000000 }, logDensity: -2.7654615521999433 },
      { x: 4000, params: { alpha: 30.5, beta: 0.0078125 }, logDensity: -7.5196582749018726 },
      { x: 25, params: { alpha: 0.001, beta: 2 }, logDensity: -37.588568629145 },
    ],
  },
});

export const negBinomial2 = defineDistribution({
  name: "NegBinomial2",
  doc: "The negative binomial with mean mu and precision phi: (x + phi - 1 choose x) (mu / (mu + phi))^x (phi / (mu + phi))^phi.",
  params: { mu: positiveNumber("mean"), phi: dispersion },
  support: { constraint: count },
  event: 0,
  logDensity: (b, x, { mu, phi }) => logByMean(b, x, mu, phi),
  sample: (rng, { mu, phi }, out) => {
    out[0] = negativeBinomial(rng, phi[0], mu[0]);
  },
  attempts: {
    noise: (shape) => [...gammaAttempts.noise(shape), ...poissonAttempts.noise(shape)],
    build(b, noise, { mu, phi }, shape) {
      const first = gammaAttempts.noise(shape).length;
      const rate = b.div(gammaAttempts.build(b, noise.slice(0, first), { shape: phi }, shape), phi);
      return poissonAttempts.build(b, noise.slice(first), { mean: b.mul(rate, mu) }, shape);
    },
  },
  mean: (_b, { mu }) => mu,
  ...negativeBinomialTails((b, { mu, phi }) => ({ shape: phi, failure: b.div(mu, phi) })),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees where it does not cancel",
    rows: [
      { x: 3, params: { mu: 2.5, phi: 0.75 }, logDensity: -2.3950704370634766 },
      { x: 0, params: { mu: 0.125, phi: 3 }, logDensity: -0.12246598356076539 },
      { x: 40, params: { mu: 38.5, phi: 10000000000 }, logDensity: -2.794310064895354 },
      { x: 4000, params: { mu: 3900.5, phi: 30.5 }, logDensity: -7.520338222780151 },
      { x: 2, params: { mu: 0.25, phi: 0.001 }, logDensity: -7.6134124546872055 },
    ],
  },
});

export const negBinomial2Log = defineDistribution({
  name: "NegBinomial2Log",
  doc: "The negative binomial with log mean eta and precision phi: NegBinomial2(exp(eta), phi).",
  params: { eta: location("log mean"), phi: dispersion },
  support: { constraint: count },
  event: 0,
  // With t = η - log φ: log μ/(μ+φ) = -log(1 + e^-t), log φ/(μ+φ) = -log(1 + e^t).
  logDensity: (b, x, { eta, phi }) => {
    const t = b.sub(eta, b.log(phi));
    return total(
      b,
      logRising(b, phi, x),
      b.neg(b.mul(x, b.softplus(b.neg(t)))),
      b.neg(b.mul(phi, b.softplus(t))),
      b.neg(logFactorial(b, x)),
    );
  },
  sample: (rng, { eta, phi }, out) => {
    out[0] = negativeBinomial(rng, phi[0], exp(eta[0]));
  },
  mean: (b, { eta }) => b.exp(eta),
  ...negativeBinomialTails((b, { eta, phi }) => ({ shape: phi, failure: b.exp(b.sub(eta, b.log(phi))) })),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 3, params: { eta: 0.75, phi: 0.75 }, logDensity: -2.423734619013562 },
      { x: 0, params: { eta: -30, phi: 3 }, logDensity: -9.357622968840028e-14 },
      { x: 40, params: { eta: 3.5, phi: 10000000000 }, logDensity: -3.436091673079859 },
      { x: 4000, params: { eta: 8.25, phi: 30.5 }, logDensity: -7.5404511475707325 },
      { x: 2, params: { eta: -1.5, phi: 0.001 }, logDensity: -7.614258538578368 },
    ],
  },
});

/** Both tails: below the middle by the sum down from x, above it by that up from x + 1. P(X = x) = B(α + r, β + x) / (B(α, β) (r + x) B(r, x + 1)),
 *  by beta functions that are large together, for x may be as large as it likes. */
function betaNegBinomialTails(
  b: Builder,
  x: Value,
  { r, alpha, beta }: Readonly<Record<string, Value>>,
): { isLow: Value; low: Value; high: Value } {
  const one = b.constant(1);
  const mass = (k: Value): Value => {
    const failures = b.add(beta, k);
    const odd = b.log(b.div(b.add(b.add(alpha, r), failures), b.mul(failures, b.add(r, k))));
    return b.add(b.logBetaPooled(alpha, beta, r, b.add(k, one)), odd);
  };
  const isLow = b.lt(b.mul(b.add(x, b.constant(0.5)), alpha), b.mul(r, beta));
  // Of many terms, where the other is asked
  const [below, above] = [b.select(isLow, x, b.constant(0)), b.add(x, one)];
  return {
    isLow,
    low: b.add(mass(x), b.betaNegBinomialBelow(below, r, alpha, beta)),
    high: b.add(mass(above), b.betaNegBinomialAbove(above, r, alpha, beta)),
  };
}

export const betaNegBinomial = defineDistribution({
  name: "BetaNegBinomial",
  doc: "Failures before r successes of probability Beta(alpha, beta): B(r + x, alpha + beta) / B(r, alpha) Gamma(x + beta) / (x! Gamma(beta)).",
  params: { r: positiveNumber("successes"), alpha: positiveNumber("prior successes"), beta: positiveNumber("prior failures") },
  support: { constraint: count },
  event: 0,
  // It does not tell r from β: with s the smaller and l the larger, Γ(s+x)/Γ(s) Γ(l+x)/Γ(l) Γ(α+s)/Γ(α) Γ(α+l)/Γ(α+l+s+x) / x!; beside a large x, of
  // which most of these are x log x, Γ(x+1+s-1)/Γ(x+1) Γ(l+α)/Γ(l) Γ(s+α)/Γ(s) Γ(l+x)/Γ(l+x+s+α) / Γ(α). Factor by factor both are alike.
  logDensity(b, x, { r, alpha, beta }) {
    const isLess = b.le(r, beta);
    const [small, large] = [b.select(isLess, r, beta), b.select(isLess, beta, r)];
    const next = b.add(x, b.constant(1));
    const isFar = b.gt(x, b.add(small, alpha));
    const either = (far: Value, near: Value): Value => b.select(isFar, far, near);
    return total(
      b,
      logRising(b, either(next, small), either(b.sub(small, b.constant(1)), x)),
      logRising(b, large, either(alpha, x)),
      logRising(b, either(small, alpha), either(alpha, small)),
      b.neg(logRising(b, b.add(large, either(x, alpha)), b.add(small, either(alpha, x)))),
      b.neg(b.lgamma(either(alpha, next))),
    );
  },
  sample: (rng, { r, alpha, beta }, out) => {
    const p = betaDraw(rng, alpha[0], beta[0]);
    out[0] = poissonDraw(rng, Math.min(gammaDraw(rng, r[0]) * ((1 - p) / p), Number.MAX_VALUE));
  },
  logCdf(b, x, p) {
    const { isLow, low, high } = betaNegBinomialTails(b, x, p);
    return b.select(isLow, low, b.log1mExp(b.select(isLow, b.constant(-1), high)));
  },
  logCcdf(b, x, p) {
    const { isLow, low, high } = betaNegBinomialTails(b, x, p);
    return b.select(isLow, b.log1mExp(b.select(isLow, low, b.constant(-1))), high);
  },
  ...countQuantilesByLogs((b, logP, logQ, { r, alpha, beta }) => b.betaNegBinomialQuantile(r, alpha, beta, logP, logQ)),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees where it does not cancel",
    rows: [
      { x: 3, params: { r: 2.5, alpha: 4.75, beta: 1.5 }, logDensity: -2.9752695240857285 },
      { x: 0, params: { r: 0.125, alpha: 3, beta: 7 }, logDensity: -0.163902638747818 },
      { x: 40, params: { r: 6, alpha: 5.5, beta: 30 }, logDensity: -4.230377350039059 },
      { x: 2, params: { r: 300000, alpha: 2000000, beta: 4.5 }, logDensity: -2.18701478766276 },
    ],
  },
});
