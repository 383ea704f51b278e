// The Dirichlet, and counts over categories.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { exp } from "../../runtime/numeric/math.ts";
import { dirichlet as dirichletDraw, multinomial as multinomialDraw } from "../../runtime/numeric/samplers.ts";
import { count, positive, real } from "../constraints/interval.ts";
import { simplex } from "../constraints/simplex.ts";
import { trials, upTo } from "./binomial.ts";
import type { Param } from "./define.ts";
import { defineDistribution } from "./define.ts";
import { oneNoise } from "./params.ts";
import { logRising } from "./rising.ts";
import { total } from "./standardise.ts";

const concentrations: Param = { constraint: positive, rank: 1, doc: "concentrations, prior counts" };

export const dirichlet = defineDistribution({
  name: "Dirichlet",
  doc: "The Dirichlet on simplexes: Gamma(sum alpha) / prod Gamma(alpha[k]) prod x[k]^(alpha[k] - 1).",
  params: { alpha: concentrations },
  support: { constraint: simplex },
  event: 1,
  eventShape: ({ alpha }) => alpha,
  logDensity: (b, x, { alpha }) =>
    total(b, b.sum(b.xlogy(b.sub(alpha, b.constant(1)), x)), b.lgamma(b.sum(alpha)), b.neg(b.sum(b.lgamma(alpha)))),
  sample: (rng, { alpha }, out) => dirichletDraw(rng, alpha, out),
  // Gammas over their sum, by their logarithms.
  attempts: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    build(b, [z], { alpha }) {
      const logs = b.logGammaDraw(alpha, z);
      return b.exp(b.sub(logs, b.logSumExp(logs)));
    },
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: [0.125, 0.25, 0.625], params: { alpha: [0.5, 2, 3.5] }, logDensity: 1.49257053411596 },
      { x: [0.5, 0.4375, 0.0625], params: { alpha: [1, 1, 2] }, logDensity: -0.9808292530117262 },
      { x: [0.3125, 0.6875], params: { alpha: [0.0625, 40] }, logDensity: -16.032402387583463 },
      { x: [0.125, 0.375, 0.25, 0.25], params: { alpha: [3000, 9500, 6000, 6500] }, logDensity: 1.9685729250543835 },
    ],
  },
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
  support: { constraint: count, bounds: upTo, total: "N" },
  event: 1,
  eventShape: ({ theta }) => theta,
  logDensity: (b, x, { theta }) => b.add(b.sum(b.xlogy(x, theta)), logWays(b, x)),
  sample: (rng, { N, theta }, out) => multinomialDraw(rng, N[0], theta, out),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      { x: [1, 0, 3], params: { N: 4, theta: [0.125, 0.25, 0.625] }, logDensity: -2.103158068297152 },
      { x: [5, 0], params: { N: 5, theta: [1, 0] }, logDensity: 0 },
      { x: [300, 450, 20], params: { N: 770, theta: [0.5, 0.4375, 0.0625] }, logDensity: -43.81497425683485 },
      { x: [0, 0, 2, 1], params: { N: 3, theta: [0.3, 0.2, 0.4, 0.1] }, logDensity: -3.036554268074246 },
    ],
  },
});

export const multinomialLogit = defineDistribution({
  name: "MultinomialLogit",
  doc: "Counts of N draws from CategoricalLogit(gamma).",
  params: { N: trials, gamma: { constraint: real, rank: 1, doc: "log odds, up to a constant" } },
  support: { constraint: count, bounds: upTo, total: "N" },
  event: 1,
  eventShape: ({ gamma }) => gamma,
  logDensity: (b, x, { gamma }) => b.add(b.sum(b.mul(x, b.sub(gamma, b.logSumExp(gamma)))), logWays(b, x)),
  sample: (rng, { N, gamma }, out) => {
    const top = gamma.reduce((m, v) => Math.max(m, v), Number.NEGATIVE_INFINITY);
    multinomialDraw(
      rng,
      N[0],
      gamma.map((v) => exp(v - top)),
      out,
    );
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [1, 0, 3], params: { N: 4, gamma: [0.5, -1.25, 2] }, logDensity: -1.0441935712882402 },
      { x: [2, 3], params: { N: 5, gamma: [700, 701] }, logDensity: -1.2637233445970686 },
      { x: [300, 450, 20], params: { N: 770, gamma: [0.5, 0.25, -2] }, logDensity: -49.124190545001454 },
      { x: [0, 0, 2, 1], params: { N: 3, gamma: [0.3, 2, -4, 1] }, logDensity: -13.222033930130067 },
    ],
  },
});

export const dirichletMultinomial = defineDistribution({
  name: "DirichletMultinomial",
  doc: "A Multinomial(N, theta) with theta ~ Dirichlet(alpha).",
  params: { N: trials, alpha: concentrations },
  support: { constraint: count, bounds: upTo, total: "N" },
  event: 1,
  eventShape: ({ alpha }) => alpha,
  logDensity: (b, x, { alpha }) =>
    total(b, b.sum(logRising(b, alpha, x)), b.neg(logRising(b, b.sum(alpha), b.sum(x))), logWays(b, x)),
  sample: (rng, { N, alpha }, out) => {
    const theta = new Float64Array(alpha.length);
    dirichletDraw(rng, alpha, theta);
    multinomialDraw(rng, N[0], theta, out);
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees where it does not cancel",
    rows: [
      { x: [1, 0, 3], params: { N: 4, alpha: [0.5, 2, 3.5] }, logDensity: -2.859600099229411 },
      { x: [5, 0], params: { N: 5, alpha: [1, 1] }, logDensity: -1.791759469228055 },
      { x: [300, 450, 20], params: { N: 770, alpha: [3000000000, 5000000000, 200000000] }, logDensity: -6.954997552496523 },
      { x: [0, 0, 2, 1], params: { N: 3, alpha: [0.03125, 2.5, 0.5, 7] }, logDensity: -4.437104440680275 },
    ],
  },
});
