// Linear Gaussian state space models, their states integrated out by the Kalman filter.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { makeLoop } from "../../runtime/ir/loop/make.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { cov } from "../constraints/covariance.ts";
import { real } from "../constraints/interval.ts";
import type { Param } from "./define.ts";
import { defineDistribution } from "./define.ts";
import { logDiagonal, solveLower, times } from "./multi-normal.ts";
import { positiveNumber } from "./params.ts";
import { HALF_LOG_TAU, halve } from "./standardise.ts";

interface Model {
  /** [n, r], of numbers [n]: what is observed is F' theta. */
  readonly F: Value;
  readonly G: Value;
  readonly V: Value;
  readonly W: Value;
  readonly m0: Value;
  readonly C0: Value;
}
const transposed = (b: Builder, m: Value): Value => b.transpose(m, [1, 0]);
/** m [k, …] as row 0 of a history of `rows`. */
const begun = (b: Builder, m: Value, rows: number): Value =>
  b.concat([b.reshape(m, [1, ...shapeOf(m)]), b.broadcastTo(b.constant(0), [rows - 1, ...shapeOf(m)])], 0);

/**
 * Σ_t log N(y_t; F'a_t, Q_t) (West and Harrison 1997, section 4.3; the prediction error decomposition of Schweppe 1965): a = G m, R = G C G' + W, Q = F'R F + V,
 * and with L L' = Q, B = L⁻¹F'R and z = L⁻¹(y - F'a): m ← a + B'z, C ← R - B'B. y: [T, r].
 */
function filter(b: Builder, y: Value, { F, G, V, W, m0, C0 }: Model): Value {
  const [steps, r] = shapeOf(y);
  const n = shapeOf(m0)[0];
  const across = transposed(b, F);
  const [, , logs] = makeLoop(b, {
    steps,
    states: [begun(b, m0, steps + 1), begun(b, C0, steps + 1), b.broadcastTo(b.constant(0), [steps])],
    ordinals: [Int32Array.from({ length: steps }, (_, t) => t), Int32Array.from({ length: steps }, (_, t) => t + 1)],
    body({ states: [means, covariances], ordinals: [t, next] }) {
      const a = times(b, G, b.gather(means, t));
      const R = b.add(b.matmul(b.matmul(G, b.gather(covariances, t)), transposed(b, G)), W);
      const toward = b.matmul(across, R);
      const l = b.cholesky(b.add(b.matmul(toward, F), V));
      const z = solveLower(b, l, b.sub(b.gather(y, t), times(b, across, a)));
      const B = b.triangularSolve(l, toward, { lower: true, transpose: false });
      const back = transposed(b, B);
      const log = b.sub(b.neg(halve(b, b.sum(b.square(z)))), logDiagonal(b, l));
      return {
        writes: [
          { state: 0, mode: "set", rows: steps + 1, at: next, value: b.reshape(b.add(a, times(b, back, z)), [1, n]) },
          { state: 1, mode: "set", rows: steps + 1, at: next, value: b.reshape(b.sub(R, b.matmul(back, B)), [1, n, n]) },
          { state: 2, mode: "set", rows: steps, at: t, value: b.reshape(log, [1]) },
        ],
      };
    },
  });
  return b.sub(b.sum(logs), b.constant(steps * r * HALF_LOG_TAU));
}

/**
 * The same of one number a step, where Q is a number and what it multiplies is scaled: f = R F, q = F'f + V, e = y - F'a; m ← a + f e / q, C ← R - f f' / q.
 * The terms -½ (log q + e² / q) are summed afterwards. A single state is a number too.
 */
function filterNumbers(b: Builder, y: Value, { F, G, V, W, m0, C0 }: Model): Value {
  const [steps] = shapeOf(y);
  const [n] = shapeOf(m0);
  const number = (x: Value): Value => (n === 1 ? b.reshape(x, []) : x);
  const [f0, g, w, m, c] = [F, G, W, m0, C0].map(number);
  const apply = (matrix: Value, v: Value): Value => (n === 1 ? b.mul(matrix, v) : times(b, matrix, v));
  const zeros = b.broadcastTo(b.constant(0), [steps]);
  const [, , q, e] = makeLoop(b, {
    steps,
    states: [begun(b, m, steps + 1), begun(b, c, steps + 1), zeros, zeros],
    ordinals: [Int32Array.from({ length: steps }, (_, t) => t), Int32Array.from({ length: steps }, (_, t) => t + 1)],
    body({ states: [means, covariances], ordinals: [t, next] }) {
      const a = apply(g, b.gather(means, t));
      const before = b.gather(covariances, t);
      const R = b.add(n === 1 ? b.mul(b.square(g), before) : b.matmul(b.matmul(g, before), transposed(b, g)), w);
      const f = apply(R, f0);
      const variance = b.add(b.sum(b.mul(f0, f)), V);
      const error = b.sub(b.gather(y, t), b.sum(b.mul(f0, a)));
      const gain = b.div(f, variance);
      const after = b.sub(R, b.mul(n === 1 ? f : b.reshape(f, [n, 1]), n === 1 ? gain : b.reshape(gain, [1, n])));
      const set = (state: number, rows: number, at: Value, value: Value) =>
        ({ state, mode: "set", rows, at, value: b.reshape(value, [1, ...shapeOf(value)]) }) as const;
      return {
        writes: [
          set(0, steps + 1, next, b.add(a, b.mul(gain, error))),
          set(1, steps + 1, next, after),
          set(2, steps, t, variance),
          set(3, steps, t, error),
        ],
      };
    },
  });
  return b.sub(b.neg(halve(b, b.sum(b.add(b.log(q), b.div(b.square(e), q))))), b.constant(steps * HALF_LOG_TAU));
}

/** The lower factor of a matrix that may be singular: columns of pivots that are 0 up to rounding are 0. NaN where a pivot is negative. */
function semifactor(a: Float64Array, n: number): Float64Array {
  const l = new Float64Array(n * n);
  const largest = a.reduce((s, v) => Math.max(s, Math.abs(v)), 0);
  for (let j = 0; j < n; j++) {
    let pivot = a[j * n + j];
    for (let k = 0; k < j; k++) pivot -= l[j * n + k] * l[j * n + k];
    if (Math.abs(pivot) <= n * Number.EPSILON * largest) continue;
    l[j * n + j] = Math.sqrt(pivot);
    for (let i = j + 1; i < n; i++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      l[i * n + j] = sum / l[j * n + j];
    }
  }
  return l;
}
/** x + L z, z standard normal. */
function disturbed(rng: Rng, x: Float64Array, l: Float64Array): Float64Array {
  const n = x.length;
  const z = Float64Array.from({ length: n }, () => rng.normal());
  return x.map((v, i) => {
    let sum = v;
    for (let j = 0; j <= i; j++) sum += l[i * n + j] * z[j];
    return sum;
  });
}
interface Numbers {
  readonly F: Float64Array;
  readonly G: Float64Array;
  readonly V: Float64Array;
  readonly W: Float64Array;
  readonly m0: Float64Array;
  readonly C0: Float64Array;
}
function simulate(rng: Rng, { F, G, V, W, m0, C0 }: Numbers, out: Float64Array): void {
  const n = m0.length;
  const r = F.length / n;
  const [ofState, ofObserved] = [semifactor(W, n), semifactor(V, r)];
  let theta = disturbed(rng, m0, semifactor(C0, n));
  for (let t = 0; t < out.length / r; t++) {
    const before = theta;
    const moved = theta.map((_, i) => before.reduce((s, v, j) => s + G[i * n + j] * v, 0));
    theta = disturbed(rng, moved, ofState);
    const now = theta;
    const level = Float64Array.from({ length: r }, (_, k) => now.reduce((s, v, i) => s + F[i * r + k] * v, 0));
    out.set(disturbed(rng, level, ofObserved), t * r);
  }
}

/** A covariance that may be singular. */
const semidefinite = (doc: string): Param => ({ constraint: real, rank: 2, doc });
const common = {
  G: { constraint: real, rank: 2, doc: "n × n: how a state follows from the one before" },
  W: semidefinite("covariance of the states' noise, which may be singular"),
  m0: { constraint: real, rank: 1, doc: "mean of the state before the first step" },
  C0: semidefinite("its covariance"),
} as const;

export const gaussianDlmObs = defineDistribution({
  name: "GaussianDlmObs",
  aliases: ["LinearGaussianStateSpace"],
  doc: "The observations of a linear Gaussian state space model, a row each: y[t] ~ MultiNormal(F' theta[t], V), theta[t] ~ MultiNormal(G theta[t-1], W), theta[0] ~ MultiNormal(m0, C0), the states integrated out.",
  params: {
    F: { constraint: real, rank: 2, doc: "n × r: what is observed of n states" },
    G: common.G,
    V: { constraint: cov, rank: 2, doc: "r × r: covariance of the observations' noise" },
    W: common.W,
    m0: common.m0,
    C0: common.C0,
  },
  support: { constraint: real },
  event: 2,
  logDensity: (b, y, model) => filter(b, y, model),
  sample: (rng, model, out) => simulate(rng, model, out),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [1.25, 2, 1.5, 3.25, 2.75, 0.5],
        xShape: [3, 2],
        params: {
          F: [1, 0.5, 0.25, 1],
          G: [0.75, 0.25, -0.25, 0.5],
          V: [2, -0.75, -0.75, 0.5],
          W: [0.5, 0.125, 0.125, 0.25],
          m0: [1, -0.5],
          C0: [2, 0.25, 0.25, 1],
        },
        paramShapes: { F: [2, 2], G: [2, 2], V: [2, 2], W: [2, 2], C0: [2, 2] },
        logDensity: -12.878231284832724,
      },
      {
        x: [1.25, 2, 1.5, 3.25],
        xShape: [2, 2],
        params: { F: [1, 0.5], G: [0.875], V: [2, -0.75, -0.75, 0.5], W: [0.5], m0: [1], C0: [2] },
        paramShapes: { F: [1, 2], G: [1, 1], V: [2, 2], W: [1, 1], C0: [1, 1] },
        logDensity: -9.504897651083631,
      },
      {
        x: [1.25, 1.5, 4],
        xShape: [3, 1],
        params: { F: [1, 0], G: [1, 1, 0, 1], V: [0.5], W: [0.25, 0, 0, 0.125], m0: [1, 0.5], C0: [2, 0.25, 0.25, 1] },
        paramShapes: { F: [2, 1], G: [2, 2], V: [1, 1], W: [2, 2], C0: [2, 2] },
        logDensity: -5.3437003284149895,
      },
      {
        x: [40, -31],
        xShape: [1, 2],
        params: {
          F: [1, 0.5, 0.25, 1],
          G: [0.75, 0.25, -0.25, 0.5],
          V: [2, -0.75, -0.75, 0.5],
          W: [0.5, 0.125, 0.125, 0.25],
          m0: [1, -0.5],
          C0: [2, 0.25, 0.25, 1],
        },
        paramShapes: { F: [2, 2], G: [2, 2], V: [2, 2], W: [2, 2], C0: [2, 2] },
        logDensity: -589.0144099643755,
      },
    ],
  },
});

export const univariateDlm = defineDistribution({
  name: "UnivariateDlm",
  doc: "A series of numbers from a linear Gaussian state space model: y[t] ~ Normal(F' theta[t], sqrt(V)), theta[t] ~ MultiNormal(G theta[t-1], W), theta[0] ~ MultiNormal(m0, C0), the states integrated out.",
  params: {
    F: { constraint: real, rank: 1, doc: "what is observed of the states" },
    G: common.G,
    V: positiveNumber("variance of the observations' noise"),
    W: common.W,
    m0: common.m0,
    C0: common.C0,
  },
  support: { constraint: real },
  event: 1,
  logDensity: (b, y, model) => filterNumbers(b, y, model),
  sample: (rng, model, out) => simulate(rng, model, out),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [1.25, 2, 1.5, 3.25, 2.75],
        params: { F: [1], G: [1], V: 0.5, W: [0.25], m0: [1], C0: [4] },
        paramShapes: { G: [1, 1], W: [1, 1], C0: [1, 1] },
        logDensity: -7.189281639524615,
      },
      {
        x: [1.25, 2, 1.5, 3.25],
        params: { F: [1, 0], G: [1, 1, 0, 1], V: 0.75, W: [0.5, 0, 0, 0.125], m0: [1, 0.5], C0: [2, 0.25, 0.25, 1] },
        paramShapes: { G: [2, 2], W: [2, 2], C0: [2, 2] },
        logDensity: -6.516081548930821,
      },
      {
        x: [-3.5],
        params: { F: [1, 0.5], G: [0.5, -0.25, 0.25, 0.75], V: 2, W: [0.5, 0.25, 0.25, 0.5], m0: [1.5, -0.5], C0: [1, 0, 0, 0] },
        paramShapes: { G: [2, 2], W: [2, 2], C0: [2, 2] },
        logDensity: -4.44128612707662,
      },
      {
        x: [1.25, 2, 1.5, 3.25],
        params: { F: [1, 0], G: [1, 1, 0, 1], V: 0.75, W: [0.5, 0.5, 0.5, 0.5], m0: [1, 0.5], C0: [2, 0.25, 0.25, 1] },
        paramShapes: { G: [2, 2], W: [2, 2], C0: [2, 2] },
        logDensity: -6.668539834698973,
      },
    ],
  },
});
