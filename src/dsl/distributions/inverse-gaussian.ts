// The inverse Gaussian, the first passage time of a Brownian motion with drift.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { positive } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { positiveNumber } from "./params.ts";
import { HALF_LOG_TAU, halve, LOG_2, total } from "./standardise.ts";
import { quantilesByLogs } from "./tails.ts";

const scaled = (b: Builder, v: Value): Value => b.erfcx(b.mul(b.constant(Math.SQRT1_2), v));
/** a and log e^{2λ/μ} Φ(-c), a = sqrt(λ/x) (x/μ - 1), c = sqrt(λ/x) (x/μ + 1): P(X <= x) = Φ(a) + e^{2λ/μ} Φ(-c), where e^{2λ/μ} e^{-c²/2} is e^{-a²/2}. */
function parts(b: Builder, x: Value, mu: Value, lambda: Value): { a: Value; c: Value; reflected: Value } {
  const root = b.sqrt(b.div(lambda, x));
  const ratio = b.div(x, mu);
  const one = b.constant(1);
  const c = b.mul(root, b.add(ratio, one));
  const a = b.mul(root, b.sub(ratio, one));
  return { a, c, reflected: b.sub(b.log(scaled(b, c)), b.add(halve(b, b.square(a)), b.constant(LOG_2))) };
}

export const inverseGaussian = defineDistribution({
  name: "InverseGaussian",
  aliases: ["Wald"],
  doc: "The inverse Gaussian with mean mu and shape lambda: sqrt(lambda / (2 pi x^3)) exp(-lambda (x - mu)^2 / (2 mu^2 x)), x > 0.",
  params: { mu: positiveNumber("mean"), lambda: positiveNumber("shape; the variance is mu^3 / lambda") },
  support: { constraint: positive },
  event: 0,
  logDensity: (b, x, { mu, lambda }) =>
    total(
      b,
      b.neg(halve(b, b.mul(lambda, b.div(b.square(b.sub(b.div(x, mu), b.constant(1))), x)))),
      halve(b, b.log(lambda)),
      b.mul(b.constant(-1.5), b.log(x)),
      b.constant(-HALF_LOG_TAU),
    ),
  // Michael, Schucany & Haas (1976): with w = μ z² / λ the smaller root is μ r, r = 1 / (1 + w/2 + sqrt(w + w²/4)), the larger μ / r;
  // the smaller is taken with probability 1 / (1 + r).
  draw: {
    gradient: "score",
    noise: (shape) => [
      { kind: "normal", shape },
      { kind: "uniform", shape },
    ],
    build: (b, [z, u], { mu, lambda }) => {
      const half = halve(b, b.div(b.mul(mu, b.square(z)), lambda));
      const one = b.constant(1);
      const larger = b.add(b.add(one, half), b.sqrt(b.mul(half, b.add(b.constant(2), half))));
      const smaller = b.reciprocal(larger);
      return b.mul(mu, b.select(b.le(b.mul(u, b.add(one, smaller)), one), smaller, larger));
    },
  },
  logCdf: (b, x, { mu, lambda }) => {
    const { a, reflected } = parts(b, x, mu, lambda);
    return b.logAddExp(b.logNormalCdf(a), reflected);
  },
  logCcdf: (b, x, { mu, lambda }) => {
    const { a, c, reflected } = parts(b, x, mu, lambda);
    const upper = b.logNormalCdf(b.neg(a));
    const near = b.add(upper, b.log1mExp(b.sub(reflected, upper)));
    // In the tail the exponentials come before the difference.
    const rest = b.log(b.mul(b.constant(0.5), b.sub(scaled(b, a), scaled(b, c))));
    return b.select(b.gt(a, b.constant(0)), b.sub(rest, halve(b, b.square(a))), near);
  },
  ...quantilesByLogs((b, logP, logQ, { mu, lambda }) => b.mul(mu, b.inverseGaussianQuantile(b.div(lambda, mu), logP, logQ))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: 1.3, params: { mu: 0.5, lambda: 2 }, logDensity: -2.9351421088567062 },
      { x: 25, params: { mu: 3, lambda: 0.25 }, logDensity: -6.709288339955808 },
      { x: 0.002, params: { mu: 2, lambda: 0.125 }, logDensity: -23.824278406411302 },
      { x: 70, params: { mu: 65, lambda: 6000 }, logDensity: -3.195516583458484 },
    ],
  },
});
