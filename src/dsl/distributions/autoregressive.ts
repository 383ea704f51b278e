// Processes in time as one event: a random walk, stationary autoregressions, volatility that follows what happened.
import { ShapeError } from "../../runtime/errors.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { makeLoop } from "../../runtime/ir/loop/make.ts";
import { nonnegative, positive, real } from "../constraints/interval.ts";
import type { Param } from "./define.ts";
import { defineDistribution } from "./define.ts";
import { logDiagonal, solveLower, times } from "./multi-normal.ts";
import { location, oneNoise, positiveNumber, scale } from "./params.ts";
import { HALF_LOG_TAU, halve, standardise, total } from "./standardise.ts";

const lengthOf = (x: Value): number => shapeOf(x)[0];
const first = (b: Builder, x: Value, n: number): Value => b.slice(x, 0, 0, n);
const from = (b: Builder, x: Value, start: number): Value => b.slice(x, 0, start, lengthOf(x) - start);
const scalar = (b: Builder, x: Value): Value => b.reshape(x, []);
const vector = (b: Builder, x: Value): Value => b.reshape(x, [1]);
/** Σ of normal log densities of these deviations of one scale each, but for -log scale. */
const logNormals = (b: Builder, z: Value): Value =>
  b.sub(b.neg(halve(b, b.sum(b.square(z)))), b.constant(lengthOf(z) * HALF_LOG_TAU));

export const gaussianRandomWalk = defineDistribution({
  name: "GaussianRandomWalk",
  aliases: ["RandomWalk"],
  doc: "A random walk: x[1] ~ Normal(m0, s0), x[t] ~ Normal(x[t-1] + mu, sigma).",
  params: {
    mu: location("drift of a step"),
    sigma: scale("standard deviation of a step"),
    m0: location("mean of x[1]"),
    s0: scale("standard deviation of x[1]"),
  },
  support: { constraint: real },
  event: 1,
  logDensity: (b, x, { mu, sigma, m0, s0 }) => {
    const n = lengthOf(x);
    if (n === 0) return b.constant(0);
    const begun = logNormals(b, vector(b, standardise(b, scalar(b, first(b, x, 1)), m0, s0)));
    const start = b.sub(begun, b.log(s0));
    if (n === 1) return start;
    const steps = b.sub(from(b, x, 1), first(b, x, n - 1));
    return total(b, logNormals(b, standardise(b, steps, mu, sigma)), b.neg(b.mul(b.constant(n - 1), b.log(sigma))), start);
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    build: (b, [z], { mu, sigma, m0, s0 }, [n]) => {
      if (n === 0) return z;
      const begun = vector(b, b.add(m0, b.mul(s0, scalar(b, first(b, z, 1)))));
      return n === 1 ? begun : b.cumsum(b.concat([begun, b.add(mu, b.mul(sigma, from(b, z, 1)))], 0));
    },
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [1.25, 2, 1.5, 3.25], params: { mu: 0.25, sigma: 0.75, m0: 1, s0: 2 }, logDensity: -6.235889818245516 },
      { x: [-3.5], params: { mu: 0.5, sigma: 0.25, m0: 1.5, s0: 0.625 }, logDensity: -32.448934903958936 },
      { x: [40, -7, 3], params: { mu: -1.5, sigma: 8, m0: 0.5, s0: 30 }, logDensity: -28.3907328701914 },
      { x: [0.25, 0.75], params: { mu: 0.125, sigma: 0.0625, m0: 0.5, s0: 0.3 }, logDensity: -16.208537762065852 },
    ],
  },
});

/** Autocovariances at lags 0 to K of x[t] = Σ ρ_k x[t-k] + noise of variance 1, by the equations of Yule and Walker: γ_k - Σ_j ρ_j γ_|k-j| is 1 at
 *  k = 0, else 0. Then the lower factor of the covariance of m values in a row: there is none, and it is NaN, where the process is not stationary. */
function stationaryFactor(b: Builder, rho: Value, m: number): Value {
  const k = lengthOf(rho);
  const side = k + 1;
  const which = new Float64Array(side * side * k);
  for (let lag = 0; lag < side; lag++) for (let j = 1; j <= k; j++) which[(lag * side + Math.abs(lag - j)) * k + j - 1] = 1;
  const weights = b.reshape(times(b, b.tensor(which, [side * side, k]), rho), [side, side]);
  const identity = Float64Array.from({ length: side * side }, (_, i) => (i % (side + 1) === 0 ? 1 : 0));
  const unit = Float64Array.from({ length: side }, (_, i) => (i === 0 ? 1 : 0));
  const gamma = b.reshape(b.solve(b.sub(b.tensor(identity, [side, side]), weights), b.tensor(unit, [side, 1])), [side]);
  const lags = Int32Array.from({ length: m * m }, (_, i) => Math.abs((i % m) - Math.floor(i / m)));
  return b.cholesky(b.gather(gamma, b.tensor(lags, [m, m], "int")));
}

export const ar = defineDistribution({
  name: "AR",
  aliases: ["Autoregressive"],
  doc: "A stationary autoregression about mu: x[t] - mu = rho[1] (x[t-1] - mu) + … + rho[K] (x[t-K] - mu) + Normal(0, sigma), begun in its stationary distribution; where rho has none, the density is NaN.",
  params: {
    rho: { constraint: real, rank: 1, doc: "coefficients of what was 1, 2, … steps before" },
    sigma: scale("standard deviation of the noise"),
    mu: { ...location("mean"), default: 0 },
  },
  support: { constraint: real },
  event: 1,
  logDensity: (b, x, { rho, sigma, mu }) => {
    const [n, k] = [lengthOf(x), lengthOf(rho)];
    if (k === 0) throw new ShapeError("AR needs a coefficient");
    if (n === 0) return b.constant(0);
    const m = Math.min(n, k);
    const z = standardise(b, x, mu, sigma);
    const l = stationaryFactor(b, rho, m);
    const start = b.sub(logNormals(b, solveLower(b, l, first(b, z, m))), logDiagonal(b, l));
    const scales = b.neg(b.mul(b.constant(n), b.log(sigma)));
    if (n === m) return b.add(start, scales);
    // Rows: x[t-1], x[t-2], … of all t > K.
    const before = b.stack(
      Array.from({ length: k }, (_, j) => b.slice(z, 0, k - 1 - j, n - k)),
      0,
    );
    return total(b, logNormals(b, b.sub(from(b, z, k), b.matmul(rho, before))), start, scales);
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    build: (b, [noise], { rho, sigma, mu }, [n]) => {
      const k = lengthOf(rho);
      if (n === 0) return noise;
      const m = Math.min(n, k);
      const begun = times(b, stationaryFactor(b, rho, m), first(b, noise, m));
      if (n === m) return b.add(mu, b.mul(sigma, begun));
      const [all] = makeLoop(b, {
        steps: n - m,
        states: [b.concat([begun, b.broadcastTo(b.constant(0), [n - m])], 0)],
        ordinals: [Int32Array.from({ length: n - m }, (_, t) => m + t)],
        body({ states: [x], ordinals: [t] }) {
          const back = Int32Array.from({ length: k }, (_, j) => j + 1);
          const before = b.gather(x, b.sub(t, b.tensor(back, [k], "int")));
          const value = b.add(b.sum(b.mul(rho, before)), b.gather(noise, t));
          return { writes: [{ state: 0, mode: "set", rows: n, at: t, value: vector(b, value) }] };
        },
      });
      return b.add(mu, b.mul(sigma, all));
    },
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [1.25, 2, 1.5, 3.25, 2.75], params: { rho: [0.5], sigma: 0.75, mu: 1 }, logDensity: -7.92512333999035 },
      { x: [1.25, 2, 1.5, 3.25, 2.75], params: { rho: [0.5, 0.25], sigma: 0.75, mu: 1 }, logDensity: -7.070269712908646 },
      { x: [1.25, -2], params: { rho: [0.5, 0.25, -0.375], sigma: 2, mu: 0.25 }, logDensity: -4.424445086951308 },
      { x: [0.5, 0.75, -1.25, 2.5, 4, 1.5], params: { rho: [1.5, -0.75], sigma: 0.5, mu: -0.5 }, logDensity: -74.63392465937737 },
      { x: [40, -7, 3], params: { rho: [0.96875], sigma: 12.5, mu: 20 }, logDensity: -18.957248197142746 },
    ],
  },
});

const weight = (doc: string): Param => ({ constraint: nonnegative, rank: 0, doc });

export const garch11 = defineDistribution({
  name: "GARCH11",
  doc: "x[t] ~ Normal(mu, s[t]) with s[1] = s1 and s[t]^2 = omega + alpha1 (x[t-1] - mu)^2 + beta1 s[t-1]^2 (Bollerslev 1986).",
  params: {
    mu: location("mean"),
    omega: positiveNumber("the part of the variance that stays"),
    alpha1: weight("weight of the last square"),
    beta1: weight("weight of the last variance"),
    s1: { constraint: positive, rank: 0, doc: "standard deviation of x[1]" },
  },
  support: { constraint: real },
  event: 1,
  logDensity: (b, x, { mu, omega, alpha1, beta1, s1 }) => {
    const n = lengthOf(x);
    if (n === 0) return b.constant(0);
    const squares = b.square(b.sub(x, mu));
    const fresh = b.add(omega, b.mul(alpha1, first(b, squares, n - 1)));
    const variance = history(b, b.square(s1), n, (before, t) => b.add(b.gather(fresh, t), b.mul(beta1, before)));
    return b.sub(b.neg(halve(b, b.sum(b.add(b.div(squares, variance), b.log(variance))))), b.constant(n * HALF_LOG_TAU));
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    build: (b, [noise], { mu, omega, alpha1, beta1, s1 }, [n]) => {
      if (n === 0) return noise;
      // alpha1 h z² + beta1 h: the variance needs the noise alone.
      const growth = b.add(b.mul(alpha1, b.square(noise)), beta1);
      const variance = history(b, b.square(s1), n, (before, t) => b.add(omega, b.mul(b.gather(growth, t), before)));
      return b.add(mu, b.mul(b.sqrt(variance), noise));
    },
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [1.25, -2, 0.5, 3.25],
        params: { mu: 0.25, omega: 0.5, alpha1: 0.3, beta1: 0.6, s1: 1.5 },
        logDensity: -8.727300184477354,
      },
      { x: [-3.5], params: { mu: 0.5, omega: 0.25, alpha1: 0.2, beta1: 0.7, s1: 2 }, logDensity: -3.612085713764618 },
      {
        x: [0.25, 40, -7],
        params: { mu: 1.5, omega: 0.125, alpha1: 0.9, beta1: 0.05, s1: 0.75 },
        logDensity: -482.97583568260893,
      },
      {
        x: [0.5, 0.75, -1.25, 2.5, 4, 1.5],
        params: { mu: 0.125, omega: 2, alpha1: 0.0625, beta1: 0.875, s1: 3 },
        logDensity: -13.767507591048874,
      },
    ],
  },
});

/** h[1] = start, h[t+1] of h[t] and the number of t from 0. */
function history(b: Builder, start: Value, n: number, next: (before: Value, t: Value) => Value): Value {
  if (n === 1) return vector(b, start);
  const [all] = makeLoop(b, {
    steps: n - 1,
    states: [b.concat([vector(b, start), b.broadcastTo(b.constant(0), [n - 1])], 0)],
    ordinals: [Int32Array.from({ length: n - 1 }, (_, t) => t), Int32Array.from({ length: n - 1 }, (_, t) => t + 1)],
    body: ({ states: [h], ordinals: [t, at] }) => ({
      writes: [{ state: 0, mode: "set", rows: n, at, value: vector(b, next(b.gather(h, t), t)) }],
    }),
  });
  return all;
}
