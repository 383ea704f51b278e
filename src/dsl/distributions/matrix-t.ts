// The matrix t: a matrix normal whose covariance between rows is an inverse Wishart.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { gamma as gammaDraw } from "../../runtime/numeric/samplers.ts";
import { cov } from "../constraints/covariance.ts";
import { real } from "../constraints/interval.ts";
import { factorOf } from "../constraints/triangle.ts";
import { defineDistribution } from "./define.ts";
import { logDiagonal } from "./multi-normal.ts";
import { positiveNumber } from "./params.ts";
import { logRising } from "./rising.ts";
import { LOG_PI, total } from "./standardise.ts";

const transposed = (b: Builder, m: Value): Value => b.transpose(m, [1, 0]);
const solveColumns = (b: Builder, l: Value, m: Value): Value => b.triangularSolve(l, m, { lower: true, transpose: false });

export const matrixT = defineDistribution({
  name: "MatrixT",
  aliases: ["MatrixStudentT"],
  doc: "The matrix t with nu degrees of freedom and location M (n × p), scale U between rows and V between columns: proportional to det(I + U^-1 (x - M) V^-1 (x - M)')^(-(nu + n + p - 1) / 2). MatrixNormal(M, S, V) with S ~ InvWishart(nu + n - 1, U).",
  params: {
    nu: positiveNumber("degrees of freedom"),
    M: { constraint: real, rank: 2, doc: "location" },
    U: { constraint: cov, rank: 2, doc: "scale between rows" },
    V: { constraint: cov, rank: 2, doc: "scale between columns" },
  },
  support: { constraint: real },
  event: 2,
  eventShape: ({ M }) => M,
  // With B = Lu⁻¹ (x - M) Lv'⁻¹: -½(ν+n+p-1) log|I + B B'| + log Γ_p((ν+n+p-1)/2) - log Γ_p((ν+p-1)/2) - ½np log π - p log|Lu| - n log|Lv|.
  // |I + B B'| = |I + B' B|, and Γ_p((ν+n+p-1)/2) / Γ_p((ν+p-1)/2) is the same with n and p exchanged: the smaller of the two is taken.
  logDensity: (b, x, { nu, M, U, V }) => {
    const [n, p] = shapeOf(x);
    const [lu, lv] = [b.cholesky(U), b.cholesky(V)];
    const z = solveColumns(b, lv, transposed(b, solveColumns(b, lu, b.sub(x, M))));
    const [few, many] = [Math.min(n, p), Math.max(n, p)];
    const identity = b.tensor(
      Float64Array.from({ length: few * few }, (_, i) => (i % (few + 1) === 0 ? 1 : 0)),
      [few, few],
    );
    const gram = p <= n ? b.matmul(z, transposed(b, z)) : b.matmul(transposed(b, z), z);
    const halves = b.tensor(
      Float64Array.from({ length: few }, (_, j) => j / 2),
      [few],
    );
    const gammas = b.sum(logRising(b, b.add(b.mul(b.constant(0.5), nu), halves), b.constant(many / 2)));
    return total(
      b,
      b.neg(b.mul(b.add(nu, b.constant(n + p - 1)), logDiagonal(b, b.cholesky(b.add(identity, gram))))),
      gammas,
      b.constant((-n * p * LOG_PI) / 2),
      b.neg(b.mul(b.constant(p), logDiagonal(b, lu))),
      b.neg(b.mul(b.constant(n), logDiagonal(b, lv))),
    );
  },
  // S = W⁻¹ with W = Lu'⁻¹ A A' Lu⁻¹ a Wishart(ν + n - 1, U⁻¹) by Bartlett's A (1933): Lu A'⁻¹ is a root of S, and x = M + Lu A'⁻¹ Z Lv'.
  sample: (rng, { nu, M, U, V }, out, { M: [n, p] }) => {
    const [lu, lv] = [factorOf(U, n), factorOf(V, p)];
    if (!lu || !lv) return void out.fill(Number.NaN);
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) a[i * n + j] = rng.normal();
      a[i * n + i] = Math.sqrt(2 * gammaDraw(rng, (nu[0] + n - 1 - i) / 2));
    }
    const z = Float64Array.from({ length: n * p }, () => rng.normal());
    for (let k = 0; k < p; k++)
      for (let i = n - 1; i >= 0; i--) {
        for (let j = i + 1; j < n; j++) z[i * p + k] -= a[j * n + i] * z[j * p + k];
        z[i * p + k] /= a[i * n + i];
      }
    for (let i = 0; i < n; i++)
      for (let k = 0; k < p; k++) {
        let s = M[i * p + k];
        for (let j = 0; j <= i; j++) for (let l = 0; l <= k; l++) s += lu[i * n + j] * z[j * p + l] * lv[k * p + l];
        out[i * p + k] = s;
      }
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      {
        x: [1.25, 2, 0.5, 1.5, 3.25, -1],
        xShape: [2, 3],
        params: {
          nu: 3.5,
          M: [0.5, 1, 0.25, 1.25, 0.75, 2],
          U: [2, -0.75, -0.75, 0.5],
          V: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75],
        },
        paramShapes: { M: [2, 3], U: [2, 2], V: [3, 3] },
        logDensity: -19.788695872988438,
      },
      {
        x: [2.5],
        xShape: [1, 1],
        params: { nu: 1.5, M: [0.75], U: [0.25], V: [3] },
        paramShapes: { M: [1, 1], U: [1, 1], V: [1, 1] },
        logDensity: -2.762535712533557,
      },
      {
        x: [40, -31],
        xShape: [2, 1],
        params: { nu: 4, M: [0.5, 2], U: [2, -0.75, -0.75, 0.5], V: [1.5] },
        paramShapes: { M: [2, 1], U: [2, 2], V: [1, 1] },
        logDensity: -22.441189848308294,
      },
      {
        x: [0.25, 4],
        xShape: [1, 2],
        params: { nu: 60, M: [0.5, 1.5], U: [2], V: [2, -0.75, -0.75, 0.5] },
        paramShapes: { M: [1, 2], U: [1, 1], V: [2, 2] },
        logDensity: -80.3828045063094,
      },
      {
        x: [1.25, 2, 0.5, 1.5, 3.25, -1],
        xShape: [3, 2],
        params: {
          nu: 0.5,
          M: [0.5, 1, 0.25, 1.25, 0.75, 2],
          U: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75],
          V: [2, -0.75, -0.75, 0.5],
        },
        paramShapes: { M: [3, 2], U: [3, 3], V: [2, 2] },
        logDensity: -14.189224344993628,
      },
    ],
  },
});
