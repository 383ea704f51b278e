// The Dirichlet, and counts over categories.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { exp, log } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { binomial as binomialDraw, gamma as gammaDraw } from "../../runtime/numeric/samplers.ts";
import { count, positive, real } from "../constraints/interval.ts";
import { simplex } from "../constraints/simplex.ts";
import { trials } from "./binomial.ts";
import type { Param } from "./define.ts";
import { defineDistribution } from "./define.ts";
import { logRising } from "./rising.ts";
import { total } from "./standardise.ts";

const concentrations: Param = { constraint: positive, rank: 1, doc: "concentrations, prior counts" };

/** Gammas over their sum. In logs, because a gamma of small shape underflows: Γ(α) ~ Γ(α + 1) u^{1/α}. */
function drawSimplex(rng: Rng, alpha: Float64Array, out: Float64Array): void {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < alpha.length; i++) {
    out[i] = log(gammaDraw(rng, alpha[i] + 1)) + log(rng.uniform()) / alpha[i];
    top = Math.max(top, out[i]);
  }
  let sum = 0;
  for (let i = 0; i < alpha.length; i++) sum += out[i] = exp(out[i] - top);
  for (let i = 0; i < alpha.length; i++) out[i] /= sum;
}
/** Binomials of what is left. */
function drawCounts(rng: Rng, n: number, weights: Float64Array, out: Float64Array): void {
  let mass = weights.reduce((s, w) => s + w, 0);
  let left = n;
  for (let i = 0; i < weights.length; i++) {
    out[i] = i === weights.length - 1 || weights[i] >= mass ? left : left === 0 ? 0 : binomialDraw(rng, left, weights[i] / mass);
    left -= out[i];
    mass -= weights[i];
  }
}

export const dirichlet = defineDistribution({
  name: "Dirichlet",
  doc: "The Dirichlet on simplexes: Gamma(sum alpha) / prod Gamma(alpha[k]) prod x[k]^(alpha[k] - 1).",
  params: { alpha: concentrations },
  support: { constraint: simplex },
  event: 1,
  eventShape: ({ alpha }) => alpha,
  logDensity: (b, x, { alpha }) =>
    total(b, b.sum(b.xlogy(b.sub(alpha, b.constant(1)), x)), b.lgamma(b.sum(alpha)), b.neg(b.sum(b.lgamma(alpha)))),
  sample: (rng, { alpha }, out) => drawSimplex(rng, alpha, out),
  normalised: true,
  golden: { from: "", rows: [] },
});

/** log N! / Π x_k!, N = Σ x_k */
const logWays = (b: Builder, x: Value): Value => {
  const one = b.constant(1);
  return b.sub(b.lgamma(b.add(b.sum(x), one)), b.sum(b.lgamma(b.add(x, one))));
};

export const multinomial = defineDistribution({
  name: "Multinomial",
  doc: "Counts of N draws from Categorical(theta): N! / prod x[k]! prod theta[k]^x[k].",
  params: { N: trials, theta: { constraint: simplex, rank: 1, doc: "probabilities" } },
  support: { constraint: count, bounds: (b, { N }) => ({ lower: b.constant(0, "int"), upper: b.cast(N, "int") }) },
  event: 1,
  eventShape: ({ theta }) => theta,
  logDensity: (b, x, { theta }) => b.add(b.sum(b.xlogy(x, theta)), logWays(b, x)),
  sample: (rng, { N, theta }, out) => drawCounts(rng, N[0], theta, out),
  normalised: true,
  golden: { from: "", rows: [] },
});

export const multinomialLogit = defineDistribution({
  name: "MultinomialLogit",
  doc: "Counts of N draws from CategoricalLogit(gamma).",
  params: { N: trials, gamma: { constraint: real, rank: 1, doc: "log odds, up to a constant" } },
  support: { constraint: count, bounds: (b, { N }) => ({ lower: b.constant(0, "int"), upper: b.cast(N, "int") }) },
  event: 1,
  eventShape: ({ gamma }) => gamma,
  logDensity: (b, x, { gamma }) => b.add(b.sum(b.mul(x, b.sub(gamma, b.logSumExp(gamma)))), logWays(b, x)),
  sample: (rng, { N, gamma }, out) => {
    const top = gamma.reduce((m, v) => Math.max(m, v), Number.NEGATIVE_INFINITY);
    drawCounts(
      rng,
      N[0],
      gamma.map((v) => exp(v - top)),
      out,
    );
  },
  normalised: true,
  golden: { from: "", rows: [] },
});

export const dirichletMultinomial = defineDistribution({
  name: "DirichletMultinomial",
  doc: "A Multinomial(N, theta) with theta ~ Dirichlet(alpha).",
  params: { N: trials, alpha: concentrations },
  support: { constraint: count, bounds: (b, { N }) => ({ lower: b.constant(0, "int"), upper: b.cast(N, "int") }) },
  event: 1,
  eventShape: ({ alpha }) => alpha,
  logDensity: (b, x, { alpha }) =>
    total(b, b.sum(logRising(b, alpha, x)), b.neg(logRising(b, b.sum(alpha), b.sum(x))), logWays(b, x)),
  sample: (rng, { N, alpha }, out) => {
    const theta = new Float64Array(alpha.length);
    drawSimplex(rng, alpha, theta);
    drawCounts(rng, N[0], theta, out);
  },
  normalised: true,
  golden: { from: "", rows: [] },
});
