// Correlation matrices and their Cholesky factors.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { log, log1p } from "../../runtime/numeric/math.ts";
import type { Constraint } from "./define.ts";
import { entries, factorOf, isSymmetric, placed, squareOf } from "./triangle.ts";

const sq = (v: number): number => v * v;
const below = (k: number): number[] => entries(k, k, (i, j) => j < i);

/** Canonical partial correlations (Lewandowski, Kurowicka & Joe 2009, "Generating random correlation matrices based on vines and extended
 *  onion method", §2; Stan's cholesky_factor_corr). With z = tanh u below the diagonal and S_ij = Σ_{l<j} log(1 - z_il²):
 *  L_ij = z_ij e^{S_ij/2}, L_ii = e^{S_ii/2}; the Jacobian of each row is triangular: log|J| = Σ_{j<i} log(1 - z_ij²) + ½ S_ij.
 *  log(1 - tanh² u) = 2 log 2 + 2u - 2 log(1 + e^{2u}), to an absolute error of a few ε. */
function factor(b: Builder, u: Value, k: number): { l: Value; logDetJacobian: Value; logRest: Value } {
  const at = below(k);
  const twice = b.mul(b.constant(2), u);
  const logRemoved = b.add(b.constant(2 * log(2)), b.sub(twice, b.mul(b.constant(2), b.softplus(twice))));
  const removed = placed(b, logRemoved, at, k, k);
  const before = b.cumsum(b.assemble([b.slice(removed, 1, 0, k - 1)], 1, [1], k));
  const half = b.mul(b.constant(0.5), before);
  const eye = Float64Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0));
  const l = b.mul(b.add(placed(b, b.tanh(u), at, k, k), b.tensor(eye, [k, k])), b.exp(half));
  const mask = new Float64Array(k * k);
  for (const i of at) mask[i] = 1;
  return { l, logDetJacobian: b.add(b.sum(logRemoved), b.sum(b.mul(b.tensor(mask, [k, k]), half))), logRest: half };
}

/** u = atanh z, z = L_ij / sqrt(Σ_{l≥j} L_il²), hence u = asinh(L_ij / sqrt(Σ_{l>j} L_il²)). */
function coordinates(l: ArrayLike<number>, k: number): Float64Array {
  const u: number[] = [];
  for (let i = 1; i < k; i++) {
    const row: number[] = [];
    let rest = sq(l[i * k + i]);
    for (let j = i - 1; j >= 0; j--) {
      row.unshift(asinh(l[i * k + j] / Math.sqrt(rest)));
      rest += sq(l[i * k + j]);
    }
    u.push(...row);
  }
  return Float64Array.from(u);
}
/** log(t + sqrt(t² + 1)), written for small |t|. */
function asinh(t: number): number {
  const a = Math.abs(t);
  return Math.sign(t) * log1p(a + (a * a) / (1 + Math.sqrt(a * a + 1)));
}

export const choleskyCorr: Constraint = {
  name: "cholesky_corr",
  words: "the Cholesky factor of a correlation matrix (lower triangular, positive diagonal, rows of length 1)",
  discrete: false,
  event: 2,
  elements: { lower: -1, upper: 1 },
  measure: ([k]) => below(k),
  unconstrainedShape: (s) => {
    const k = squareOf("cholesky_corr", s);
    return [(k * (k - 1)) / 2];
  },
  constrain: (b, u, _bounds, [k]) => {
    if (k === 1) return { x: b.tensor(Float64Array.of(1), [1, 1]), logDetJacobian: b.constant(0) };
    const { l, logDetJacobian } = factor(b, u, k);
    return { x: l, logDetJacobian };
  },
  unconstrain: (x, [k]) => coordinates(x, k),
  contains: (x, s) => {
    const k = squareOf("cholesky_corr", s);
    for (let i = 0; i < k; i++) {
      let squared = 0;
      for (let j = 0; j < k; j++) {
        if (j > i && x[i * k + j] !== 0) return false;
        squared += sq(x[i * k + j]);
      }
      if (!(x[i * k + i] > 0 && Math.abs(squared - 1) <= 1e-8)) return false;
    }
    return true;
  },
  probes: [
    { shape: [1, 1], values: [1] },
    { shape: [2, 2], values: [1, 0, -0.28, 0.96] },
    { shape: [3, 3], values: [1, 0, 0, 0.6, 0.8, 0, 2 / 7, -3 / 7, 6 / 7] },
    { shape: [4, 4], values: [1, 0, 0, 0, -0.8, 0.6, 0, 0, 6 / 7, 2 / 7, 3 / 7, 0, 0.1, -0.7, 0.1, 0.7] },
  ],
};

export const corr: Constraint = {
  name: "corr",
  words: "a correlation matrix (symmetric, positive definite, diagonal 1)",
  discrete: false,
  event: 2,
  elements: { lower: -1, upper: 1 },
  measure: ([k]) => below(k),
  unconstrainedShape: (s) => {
    const k = squareOf("corr", s);
    return [(k * (k - 1)) / 2];
  },
  // R = L L'. Column j of the factor (from 0) has k - 1 - j entries below the diagonal, each with ∂R_ij/∂L_ij = L_jj.
  constrain: (b, u, _bounds, [k]) => {
    if (k === 1) return { x: b.tensor(Float64Array.of(1), [1, 1]), logDetJacobian: b.constant(0) };
    const { l, logDetJacobian, logRest } = factor(b, u, k);
    const weight = Float64Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? k - 1 - i / (k + 1) : 0));
    return {
      x: b.matmul(l, b.transpose(l, [1, 0])),
      logDetJacobian: b.add(logDetJacobian, b.sum(b.mul(b.tensor(weight, [k, k]), logRest))),
    };
  },
  unconstrain: (x, [k]) => coordinates(factorOf(x, k) ?? new Float64Array(k * k).fill(Number.NaN), k),
  contains: (x, s) => {
    const k = squareOf("corr", s);
    for (let i = 0; i < k; i++) if (!(Math.abs(x[i * k + i] - 1) <= 1e-8)) return false;
    return isSymmetric(x, k) && factorOf(x, k) !== null;
  },
  probes: [
    { shape: [1, 1], values: [1] },
    { shape: [2, 2], values: [1, -0.28, -0.28, 1] },
    { shape: [3, 3], values: [1, 0.5, -0.25, 0.5, 1, 0.125, -0.25, 0.125, 1] },
    { shape: [4, 4], values: [1, 0.75, 0.125, -0.25, 0.75, 1, 0.375, 0.0625, 0.125, 0.375, 1, -0.5, -0.25, 0.0625, -0.5, 1] },
  ],
};
