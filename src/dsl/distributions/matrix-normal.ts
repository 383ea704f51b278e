// Normals whose covariance has structure: a Kronecker product, or few directions beside a diagonal.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { cov } from "../constraints/covariance.ts";
import { positive, real } from "../constraints/interval.ts";
import { defineDistribution } from "./define.ts";
import { logDiagonal, meanVector, solveLower, times } from "./multi-normal.ts";
import { oneNoise } from "./params.ts";
import { HALF_LOG_TAU, halve, total } from "./standardise.ts";

const transposed = (b: Builder, m: Value): Value => b.transpose(m, [1, 0]);
const solveColumns = (b: Builder, l: Value, m: Value): Value => b.triangularSolve(l, m, { lower: true, transpose: false });

export const matrixNormal = defineDistribution({
  name: "MatrixNormal",
  doc: "The matrix normal with mean M, covariance U between rows and V between columns: row by row, a multivariate normal with covariance kron(U, V).",
  params: {
    M: { constraint: real, rank: 2, doc: "mean" },
    U: { constraint: cov, rank: 2, doc: "covariance between rows" },
    V: { constraint: cov, rank: 2, doc: "covariance between columns" },
  },
  support: { constraint: real },
  event: 2,
  eventShape: ({ M }) => M,
  // -½ ‖Lu⁻¹ (X - M) Lv'⁻¹‖² - p log|Lu| - n log|Lv| - ½ n p log 2π
  logDensity: (b, x, { M, U, V }) => {
    const [n, p] = shapeOf(x);
    const [lu, lv] = [b.cholesky(U), b.cholesky(V)];
    const z = solveColumns(b, lv, transposed(b, solveColumns(b, lu, b.sub(x, M))));
    return total(
      b,
      b.neg(halve(b, b.sum(b.square(z)))),
      b.neg(b.mul(b.constant(p), logDiagonal(b, lu))),
      b.neg(b.mul(b.constant(n), logDiagonal(b, lv))),
      b.constant(-n * p * HALF_LOG_TAU),
    );
  },
  draw: {
    gradient: "pathwise",
    noise: oneNoise("normal"),
    build: (b, [z], { M, U, V }) => b.add(M, b.matmul(b.matmul(b.cholesky(U), z), transposed(b, b.cholesky(V)))),
  },
  mean: (_b, { M }) => M,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      {
        x: [1.25, 2, 0.5, 1.5, 3.25, -1],
        xShape: [2, 3],
        params: { M: [0.5, 1, 0.25, 1.25, 0.75, 2], U: [2, -0.75, -0.75, 0.5], V: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75] },
        paramShapes: { M: [2, 3], U: [2, 2], V: [3, 3] },
        logDensity: -60.070322238354045,
      },
      {
        x: [2.5],
        xShape: [1, 1],
        params: { M: [0.75], U: [0.25], V: [3] },
        paramShapes: { M: [1, 1], U: [1, 1], V: [1, 1] },
        logDensity: -2.816764163645449,
      },
      {
        x: [40, -31],
        xShape: [2, 1],
        params: { M: [0.5, 2], U: [2, -0.75, -0.75, 0.5], V: [1.5] },
        paramShapes: { M: [2, 1], U: [2, 2], V: [1, 1] },
        logDensity: -765.9252409831633,
      },
      {
        x: [0.25, 4],
        xShape: [1, 2],
        params: { M: [0.5, 1.5], U: [2], V: [2, -0.75, -0.75, 0.5] },
        paramShapes: { M: [1, 2], U: [1, 1], V: [2, 2] },
        logDensity: -8.742684960377057,
      },
    ],
  },
});

export const multiNormalLowRank = defineDistribution({
  name: "MultiNormalLowRank",
  aliases: ["LowRankMultivariateNormal"],
  doc: "The multivariate normal with mean mu and covariance diag(D) + W W', W with few columns: its cost grows with the rows, not with their cube.",
  params: {
    mu: meanVector,
    W: { constraint: real, rank: 2, doc: "directions of the covariance, K × r" },
    D: { constraint: positive, rank: 1, doc: "variances beside them" },
  },
  support: { constraint: real },
  event: 1,
  eventShape: ({ mu }) => mu,
  // Woodbury: with C = I + W' D⁻¹ W = L L', log|Σ| = Σ log D + 2 log|L|, and d'Σ⁻¹d = d'D⁻¹d - ‖L⁻¹ W' D⁻¹ d‖².
  logDensity: (b, x, { mu, W, D }) => {
    const [k, r] = shapeOf(W);
    const d = b.sub(x, mu);
    const weighted = b.div(d, D);
    const across = transposed(b, W);
    const identity = b.tensor(
      Float64Array.from({ length: r * r }, (_, i) => (i % (r + 1) === 0 ? 1 : 0)),
      [r, r],
    );
    const l = b.cholesky(b.add(identity, b.matmul(across, b.div(W, b.reshape(D, [k, 1])))));
    const z = solveLower(b, l, times(b, across, weighted));
    const quadratic = b.sub(b.sum(b.mul(d, weighted)), b.sum(b.square(z)));
    return total(b, b.neg(halve(b, b.add(quadratic, b.sum(b.log(D))))), b.neg(logDiagonal(b, l)), b.constant(-k * HALF_LOG_TAU));
  },
  sample: (rng, { mu, W, D }, out) => {
    const r = W.length / mu.length;
    const z = Float64Array.from({ length: r }, () => rng.normal());
    for (let i = 0; i < mu.length; i++) {
      out[i] = mu[i] + Math.sqrt(D[i]) * rng.normal();
      for (let j = 0; j < r; j++) out[i] += W[i * r + j] * z[j];
    }
  },
  mean: (_b, { mu }) => mu,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [1.3, -0.5],
        params: { mu: [0.5, 2], W: [1.5, -0.75], D: [0.5, 0.25] },
        paramShapes: { W: [2, 1] },
        logDensity: -8.638776910800443,
      },
      {
        x: [0.25, 4, -2.5],
        params: { mu: [0, 1.5, -1], W: [1, 0.5, 0.25, -1, 0.75, 2], D: [0.5, 1.25, 3] },
        paramShapes: { W: [3, 2] },
        logDensity: -5.655957180594046,
      },
      { x: [2.5], params: { mu: [0.75], W: [0.25], D: [2] }, paramShapes: { W: [1, 1] }, logDensity: -2.023322195242265 },
      {
        x: [40, -31],
        params: { mu: [0.5, 2], W: [1.5, -0.75], D: [0.125, 8] },
        paramShapes: { W: [2, 1] },
        logDensity: -344.5003908272863,
      },
    ],
  },
});
