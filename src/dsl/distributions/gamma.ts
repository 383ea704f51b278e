// The gamma.
import { gamma as gammaDraw } from "../../runtime/numeric/samplers.ts";
import { positive } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { positiveNumber } from "./params.ts";
import { total } from "./standardise.ts";

const shape = positiveNumber("shape");
const rate = positiveNumber("rate");

export const gamma = defineDistribution({
  name: "Gamma",
  doc: "The gamma with shape alpha and rate beta, mean alpha / beta: beta^alpha / Gamma(alpha) x^(alpha - 1) exp(-beta x), x > 0.",
  params: { alpha: shape, beta: rate },
  alternatives: [
    { params: { shape, rate }, convert: (_b, p) => ({ alpha: p.shape, beta: p.rate }) },
    {
      params: { shape, scale: positiveNumber("scale, 1 / rate") },
      convert: (b, p) => ({ alpha: p.shape, beta: b.reciprocal(p.scale) }),
    },
    {
      params: { mean: positiveNumber("mean"), sd: positiveNumber("standard deviation") },
      convert: (b, { mean, sd }) => ({ alpha: b.square(b.div(mean, sd)), beta: b.div(mean, b.square(sd)) }),
    },
    {
      params: { mu: positiveNumber("mean"), sigma: positiveNumber("standard deviation") },
      convert: (b, { mu, sigma }) => ({ alpha: b.square(b.div(mu, sigma)), beta: b.div(mu, b.square(sigma)) }),
    },
    {
      params: { mean: positiveNumber("mean"), shape },
      convert: (b, p) => ({ alpha: p.shape, beta: b.div(p.shape, p.mean) }),
    },
  ],
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { alpha, beta }) =>
    total(b, b.xlogy(b.sub(alpha, b.constant(1)), x), b.neg(b.mul(beta, x)), b.mul(alpha, b.log(beta)), b.neg(b.lgamma(alpha))),
  sample: (rng, { alpha, beta }, out) => {
    out[0] = gammaDraw(rng, alpha[0]) / beta[0];
  },
  normalised: true,
  golden: { from: "", rows: [] },
});
