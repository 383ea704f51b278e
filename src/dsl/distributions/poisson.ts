// Counts of independent events, by rate or log rate.
import { exp } from "../../runtime/numeric/math.ts";
import { poisson as poissonDraw } from "../../runtime/numeric/samplers.ts";
import { count } from "../constraints/interval.ts";
import { poissonAttempts } from "./attempts.ts";
import { defineDistribution } from "./define.ts";
import { location, nonnegativeNumber } from "./params.ts";
import { total } from "./standardise.ts";
import { poissonTails } from "./tails.ts";

export const poisson = defineDistribution({
  name: "Poisson",
  doc: "The Poisson with mean lambda: lambda^x exp(-lambda) / x!.",
  params: { lambda: nonnegativeNumber("rate, the mean") },
  alternatives: [
    { params: { rate: nonnegativeNumber("rate, the mean") }, convert: (_b, p) => ({ lambda: p.rate }) },
    { params: { mu: nonnegativeNumber("mean") }, convert: (_b, p) => ({ lambda: p.mu }) },
  ],
  support: { constraint: count },
  event: 0,
  logDensity: (b, x, { lambda }) => total(b, b.xlogy(x, lambda), b.neg(lambda), b.neg(b.lgamma(b.add(x, b.constant(1))))),
  sample: (rng, { lambda }, out) => {
    out[0] = poissonDraw(rng, lambda[0]);
  },
  attempts: {
    noise: poissonAttempts.noise,
    build: (b, noise, { lambda }, shape) => poissonAttempts.build(b, noise, { mean: lambda }, shape),
  },
  mean: (_b, { lambda }) => lambda,
  ...poissonTails((_b, { lambda }) => lambda),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 3, params: { lambda: 2.5 }, logDensity: -1.5428872736055899 },
      { x: 0, params: { lambda: 0 }, logDensity: 0 },
      { x: 0, params: { lambda: 7.25 }, logDensity: -7.25 },
      { x: 4000, params: { lambda: 3900.5 }, logDensity: -6.324428481228364 },
      { x: 25, params: { lambda: 0.001 }, logDensity: -230.69848719753395 },
    ],
  },
});

export const poissonLog = defineDistribution({
  name: "PoissonLog",
  doc: "The Poisson with log mean alpha: Poisson(exp(alpha)).",
  params: { alpha: location("log rate") },
  support: { constraint: count },
  event: 0,
  logDensity: (b, x, { alpha }) => total(b, b.mul(x, alpha), b.neg(b.exp(alpha)), b.neg(b.lgamma(b.add(x, b.constant(1))))),
  sample: (rng, { alpha }, out) => {
    out[0] = poissonDraw(rng, exp(alpha[0]));
  },
  attempts: {
    noise: poissonAttempts.noise,
    build: (b, noise, { alpha }, shape) => poissonAttempts.build(b, noise, { mean: b.exp(alpha) }, shape),
  },
  mean: (b, { alpha }) => b.exp(alpha),
  ...poissonTails((b, { alpha }) => b.exp(alpha)),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 3, params: { alpha: 0.75 }, logDensity: -1.6587594858407297 },
      { x: 0, params: { alpha: -30 }, logDensity: -9.357622968840175e-14 },
      { x: 0, params: { alpha: 2.5 }, logDensity: -12.182493960703473 },
      { x: 4000, params: { alpha: 8.25 }, logDensity: -8.890366034605888 },
      { x: 25, params: { alpha: -7 }, logDensity: -233.00451710494607 },
    ],
  },
});
