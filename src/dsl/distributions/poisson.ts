// Counts of independent events, by rate or log rate.
import { exp } from "../../runtime/numeric/math.ts";
import { poisson as poissonDraw } from "../../runtime/numeric/samplers.ts";
import { count } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { location, nonnegativeNumber } from "./params.ts";
import { total } from "./standardise.ts";

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
  normalised: true,
  golden: { from: "", rows: [] },
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
  normalised: true,
  golden: { from: "", rows: [] },
});
