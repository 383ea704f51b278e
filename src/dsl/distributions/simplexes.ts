// More distributions of probabilities: the logistic normal, broken sticks, relaxed choices.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { lgamma } from "../../runtime/numeric/math.ts";
import { cov } from "../constraints/covariance.ts";
import { real, unit } from "../constraints/interval.ts";
import { simplex } from "../constraints/simplex.ts";
import { defineDistribution } from "./define.ts";
import { logDiagonal, meanVector, solveLower, times } from "./multi-normal.ts";
import { location, oneNoise, positiveNumber, probability } from "./params.ts";
import { HALF_LOG_TAU, halve, logit, total } from "./standardise.ts";

const sizeOf = (x: Value): number => shapeOf(x)[0];
const part = (b: Builder, x: Value, start: number, count: number): Value => b.slice(x, 0, start, count);
const softmax = (b: Builder, x: Value): Value => b.exp(b.sub(x, b.logSumExp(x)));

export const logisticNormal = defineDistribution({
  name: "LogisticNormal",
  aliases: ["MultiLogitNormal"],
  doc: "The logistic normal (Aitchison and Shen 1980): log(x[k] / x[K]) for k < K is MultiNormal(mu, Sigma).",
  params: { mu: meanVector, Sigma: { constraint: cov, rank: 2, doc: "covariance of the log ratios" } },
  support: { constraint: simplex },
  event: 1,
  eventShape: ({ mu }) => [mu[0] + 1],
  logDensity: (b, x, { mu, Sigma }) => {
    const k = sizeOf(mu);
    const logs = b.log(x);
    const l = b.cholesky(Sigma);
    const z = solveLower(b, l, b.sub(b.sub(part(b, logs, 0, k), b.reshape(part(b, logs, k, 1), [])), mu));
    return total(
      b,
      b.neg(halve(b, b.sum(b.square(z)))),
      b.neg(logDiagonal(b, l)),
      b.neg(b.sum(logs)),
      b.constant(-k * HALF_LOG_TAU),
    );
  },
  draw: {
    gradient: "pathwise",
    noise: ([size]) => [{ kind: "normal", shape: [size - 1] }],
    build: (b, [z], { mu, Sigma }) =>
      softmax(b, b.concat([b.add(mu, times(b, b.cholesky(Sigma), z)), b.tensor(Float64Array.of(0), [1])], 0)),
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [0.125, 0.25, 0.625],
        params: { mu: [0.5, -1], Sigma: [2, -0.75, -0.75, 0.5] },
        paramShapes: { Sigma: [2, 2] },
        logDensity: 0.2551910314999577,
      },
      {
        x: [0.5, 0.4375, 0.0625],
        params: { mu: [1, 2], Sigma: [2, -0.75, -0.75, 0.5] },
        paramShapes: { Sigma: [2, 2] },
        logDensity: 2.2954558998664436,
      },
      {
        x: [0.3125, 0.6875],
        params: { mu: [-0.5], Sigma: [2.5] },
        paramShapes: { Sigma: [1, 1] },
        logDensity: 0.1441188303556768,
      },
      {
        x: [0.25, 0.125, 0.5, 0.125],
        params: { mu: [0, 1.5, -1], Sigma: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75] },
        paramShapes: { Sigma: [3, 3] },
        logDensity: -4.704529954030409,
      },
    ],
  },
});

export const stickBreaking = defineDistribution({
  name: "StickBreaking",
  aliases: ["StickBreakingWeights"],
  doc: "Weights of a Dirichlet process cut short (Sethuraman 1994): x[1] is Beta(1, alpha), each next one takes a share Beta(1, alpha) of what is left, and the last takes the rest.",
  params: { alpha: positiveNumber("concentration") },
  support: { constraint: simplex },
  event: 1,
  // Shares v_k = x_k / r_k of what is left, r_k = Σ_{j≥k} x_j: Π α (1 - v_k)^(α-1) / r_k, where Π (1 - v_k) = x_K.
  logDensity: (b, x, { alpha }) => {
    const k = sizeOf(x);
    if (k === 1) return b.mul(b.constant(0), alpha);
    const left = b.cumsum(x, true);
    return total(
      b,
      b.mul(b.constant(k - 1), b.log(alpha)),
      b.xlogy(b.sub(alpha, b.constant(1)), b.reshape(part(b, x, k - 1, 1), [])),
      b.neg(b.sum(b.log(part(b, left, 1, k - 1)))),
      b.log(b.reshape(part(b, left, k - 1, 1), [])),
    );
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("exponential"),
    // log(1 - v) is exponential with rate alpha, turned round.
    build: (b, [e], { alpha }, [k]) => {
      const zero = b.tensor(Float64Array.of(0), [1]);
      if (k === 1) return b.exp(zero);
      const logLeft = b.concat([zero, b.neg(b.div(b.cumsum(part(b, e, 0, k - 1)), alpha))], 0);
      const left = b.exp(logLeft);
      return b.concat([b.sub(part(b, left, 0, k - 1), part(b, left, 1, k - 1)), part(b, left, k - 1, 1)], 0);
    },
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [0.125, 0.25, 0.625], params: { alpha: 0.5 }, logDensity: -1.0177611538725002 },
      { x: [0.5, 0.4375, 0.0625], params: { alpha: 3.5 }, logDensity: -3.7327986880487716 },
      { x: [0.3125, 0.6875], params: { alpha: 40 }, logDensity: -10.924165074101081 },
      { x: [0.125, 0.375, 0.25, 0.25], params: { alpha: 1.25 }, logDensity: 1.1495356368471246 },
    ],
  },
});

const temperature = positiveNumber("temperature: towards 0 the draws are 0 and 1");
/** log of the logistic density */
const logLogistic = (b: Builder, w: Value): Value => b.sub(b.neg(w), b.mul(b.constant(2), b.softplus(b.neg(w))));
/** logit(x) is logistic about eta / temperature with scale 1 / temperature. */
const relaxed = {
  log: (b: Builder, x: Value, eta: Value, t: Value): Value => {
    const w = b.sub(b.mul(t, logit(b, x)), eta);
    return b.sub(b.sub(b.add(logLogistic(b, w), b.log(t)), b.log(x)), b.log1p(b.neg(x)));
  },
  build: (b: Builder, u: Value, eta: Value, t: Value): Value => b.sigmoid(b.div(b.add(eta, logit(b, u)), t)),
};

export const relaxedBernoulli = defineDistribution({
  name: "RelaxedBernoulli",
  doc: "The relaxed Bernoulli (Maddison, Mnih and Teh 2017): inv_logit((logit(p) + L) / temperature), L standard logistic; its draws have gradients.",
  params: { p: probability("probability of 1"), temperature },
  support: { constraint: unit },
  event: 0,
  logDensity: (b, x, { p, temperature: t }) => relaxed.log(b, x, logit(b, p), t),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("uniform"),
    build: (b, [u], { p, temperature: t }) => relaxed.build(b, u, logit(b, p), t),
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 0.3, params: { p: 0.25, temperature: 2.5 }, logDensity: 0.8412671031791926 },
      { x: 0.875, params: { p: 0.6, temperature: 2 }, logDensity: -0.6405411514795335 },
      { x: 0.0001, params: { p: 0.1, temperature: 1 }, logDensity: 2.1956252169950905 },
      { x: 0.5625, params: { p: 0.001, temperature: 1.5 }, logDensity: -5.477591367933916 },
    ],
  },
});

export const relaxedBernoulliLogit = defineDistribution({
  name: "RelaxedBernoulliLogit",
  doc: "RelaxedBernoulli with log odds eta.",
  params: { eta: location("log odds of 1"), temperature },
  support: { constraint: unit },
  event: 0,
  logDensity: (b, x, { eta, temperature: t }) => relaxed.log(b, x, eta, t),
  draw: {
    gradient: "pathwise",
    noise: oneNoise("uniform"),
    build: (b, [u], { eta, temperature: t }) => relaxed.build(b, u, eta, t),
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: 0.3, params: { eta: -1.25, temperature: 2.5 }, logDensity: 0.907820132563623 },
      { x: 0.875, params: { eta: 0.5, temperature: 2 }, logDensity: -0.5518875550110273 },
      { x: 0.0001, params: { eta: -2.5, temperature: 1 }, logDensity: 2.497764750758119 },
      { x: 0.5625, params: { eta: -30, temperature: 1.5 }, logDensity: -28.569463816225294 },
    ],
  },
});

export const relaxedOneHot = defineDistribution({
  name: "RelaxedOneHot",
  aliases: ["Concrete"],
  doc: "The relaxed choice of one of K (Maddison, Mnih and Teh 2017; Jang, Gu and Poole 2017): softmax((eta + G) / temperature), G standard Gumbels; its draws have gradients.",
  params: { eta: { constraint: real, rank: 1, doc: "log probabilities, up to a constant" }, temperature },
  support: { constraint: simplex },
  event: 1,
  eventShape: ({ eta }) => eta,
  // Γ(K) t^(K-1) Π w_k / (Σ w_k)^K / Π x_k, w_k = e^eta_k x_k^-t
  logDensity: (b, x, { eta, temperature: t }) => {
    const k = sizeOf(x);
    const logs = b.log(x);
    const w = b.sub(eta, b.mul(t, logs));
    return total(
      b,
      b.sub(b.sum(w), b.mul(b.constant(k), b.logSumExp(w))),
      b.neg(b.sum(logs)),
      b.mul(b.constant(k - 1), b.log(t)),
      b.constant(lgamma(k)),
    );
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("exponential"),
    build: (b, [e], { eta, temperature: t }) => softmax(b, b.div(b.sub(eta, b.log(e)), t)),
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [0.125, 0.25, 0.625], params: { eta: [0.5, -1, 2], temperature: 0.5 }, logDensity: -1.3623610261790677 },
      { x: [0.5, 0.4375, 0.0625], params: { eta: [1, 3, -2], temperature: 2 }, logDensity: 1.915680049589944 },
      { x: [0.3125, 0.6875], params: { eta: [300.5, 301.25], temperature: 0.75 }, logDensity: -0.1424185943560335 },
      {
        x: [0.125, 0.375, 0.25, 0.25],
        params: { eta: [0.5, 1.5, -0.25, 0.125], temperature: 0.25 },
        logDensity: -2.866061531832431,
      },
    ],
  },
});
