// Covariance matrices and their Cholesky factors.
import { ShapeError } from "../../runtime/errors.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import { log } from "../../runtime/numeric/math.ts";
import type { Constraint } from "./define.ts";
import { entries, factorOf, isSymmetric, placed, squareOf } from "./triangle.ts";

const lower = (rows: number, cols: number): number[] => entries(rows, cols, (i, j) => j <= i);
/** Of a flat index in rows of `cols`. */
const isDiagonal = (entry: number, cols: number): boolean => entry % cols === Math.floor(entry / cols);

/** The entries of the lower trapezoid row by row, as Stan's: free below the diagonal, exp on it. */
function factor(b: Builder, u: Value, rows: number, cols: number): { l: Value; logDiagonal: Value } {
  const at = lower(rows, cols);
  const onDiagonal = at.flatMap((e, k) => (isDiagonal(e, cols) ? [k] : []));
  const logDiagonal = b.gather(u, b.tensor(Int32Array.from(onDiagonal), [cols], "int"));
  const free = at.flatMap((e, k) => (isDiagonal(e, cols) ? [] : [k]));
  const order = [...free.map((k) => at[k]), ...onDiagonal.map((k) => at[k])];
  const values =
    free.length === 0
      ? b.exp(logDiagonal)
      : b.concat([b.gather(u, b.tensor(Int32Array.from(free), [free.length], "int")), b.exp(logDiagonal)], 0);
  return { l: placed(b, values, order, rows, cols), logDiagonal };
}
/** Σ weight_j log L_jj */
const weighted = (b: Builder, logDiagonal: Value, weight: readonly number[]): Value =>
  b.sum(b.mul(b.tensor(Float64Array.from(weight), [weight.length]), logDiagonal));

const coordinates = (l: ArrayLike<number>, rows: number, cols: number): Float64Array =>
  Float64Array.from(lower(rows, cols), (e) => (isDiagonal(e, cols) ? log(l[e]) : l[e]));

function factorShape(s: Shape): readonly [rows: number, cols: number] {
  if (s.length !== 2 || s[0] < s[1]) throw new ShapeError("a cholesky_cov is a matrix with at least as many rows as columns");
  return [s[0], s[1]];
}

export const choleskyCov: Constraint = {
  name: "cholesky_cov",
  words: "the Cholesky factor of a covariance matrix (lower triangular, positive diagonal)",
  discrete: false,
  event: 2,
  measure: ([rows, cols]) => lower(rows, cols),
  unconstrainedShape: (s) => {
    const [rows, cols] = factorShape(s);
    return [lower(rows, cols).length];
  },
  constrain: (b, u, _bounds, [rows, cols]) => {
    const { l, logDiagonal } = factor(b, u, rows, cols);
    return { x: l, logDetJacobian: b.sum(logDiagonal) };
  },
  unconstrain: (x, [rows, cols]) => coordinates(x, rows, cols),
  contains: (x, s) => {
    const [rows, cols] = factorShape(s);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < cols; j++) {
        const v = x[i * cols + j];
        if (j > i ? v !== 0 : j === i ? !(v > 0) : Number.isNaN(v)) return false;
      }
    return true;
  },
  probes: [
    { shape: [1, 1], values: [2.5] },
    { shape: [2, 2], values: [0.5, 0, -1.75, 3] },
    { shape: [3, 3], values: [2, 0, 0, 0.25, 0.125, 0, -1, 4, 0.75] },
    { shape: [4, 2], values: [1.5, 0, 0.25, 3, -2, 0.5, 4, -0.75] },
  ],
};

export const cov: Constraint = {
  name: "cov",
  words: "a covariance matrix (symmetric, positive definite)",
  discrete: false,
  event: 2,
  measure: ([k]) => lower(k, k),
  unconstrainedShape: (s) => {
    const k = squareOf("cov", s);
    return [(k * (k + 1)) / 2];
  },
  // Σ = L L'. Column j of the factor (from 0) has k - j entries with ∂Σ_ij/∂L_ij = L_jj, the diagonal one twice that; exp gives L_jj once more.
  constrain: (b, u, _bounds, [k]) => {
    const { l, logDiagonal } = factor(b, u, k, k);
    const weight = Array.from({ length: k }, (_, j) => k - j + 1);
    return {
      x: b.matmul(l, b.transpose(l, [1, 0])),
      logDetJacobian: b.add(weighted(b, logDiagonal, weight), b.constant(k * log(2))),
    };
  },
  unconstrain: (x, [k]) => coordinates(factorOf(x, k) ?? new Float64Array(k * k).fill(Number.NaN), k, k),
  contains: (x, s) => {
    const k = squareOf("cov", s);
    return isSymmetric(x, k) && factorOf(x, k) !== null;
  },
  probes: [
    { shape: [1, 1], values: [2.5] },
    { shape: [2, 2], values: [0.5, -0.25, -0.25, 3] },
    { shape: [3, 3], values: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75] },
  ],
};
