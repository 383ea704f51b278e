// Scatter matrices and their inverses.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { gamma as gammaDraw } from "../../runtime/numeric/samplers.ts";
import { cov } from "../constraints/covariance.ts";
import { factorOf } from "../constraints/triangle.ts";
import type { Param } from "./define.ts";
import { defineDistribution } from "./define.ts";
import { logDiagonal } from "./multi-normal.ts";
import { positiveNumber } from "./params.ts";
import { halve, LOG_2, LOG_PI, total } from "./standardise.ts";

export const freedom = positiveNumber("degrees of freedom, above K - 1");
const scaleMatrix = (doc: string): Param => ({ constraint: cov, rank: 2, doc });

/** ν K / 2 log 2 + log Γ_K(ν/2), Γ_K(a) = π^{K(K-1)/4} Π_{j<K} Γ(a - j/2) */
export function logConstant(b: Builder, nu: Value, k: number): Value {
  const steps = b.tensor(
    Float64Array.from({ length: k }, (_, j) => -j / 2),
    [k],
  );
  return total(
    b,
    b.sum(b.lgamma(b.add(halve(b, nu), steps))),
    b.mul(nu, b.constant((k * LOG_2) / 2)),
    b.constant((k * (k - 1) * LOG_PI) / 4),
  );
}
/** tr(A A' (B B')^{-1}) = ‖B^{-1} A‖² */
export const ratioTrace = (b: Builder, a: Value, l: Value): Value =>
  b.sum(b.square(b.triangularSolve(l, a, { lower: true, transpose: false })));

/** Bartlett (1933): W = L A A' L' with A lower triangular, normals below its diagonal and A_jj² ~ ChiSquare(ν - j). Returns L A. */
export function drawFactor(rng: Rng, nu: number, l: Float64Array, k: number): Float64Array {
  const a = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < i; j++) a[i * k + j] = rng.normal();
    a[i * k + i] = Math.sqrt(2 * gammaDraw(rng, (nu - i) / 2));
  }
  return lowerTimes(l, a, k);
}
function lowerTimes(l: Float64Array, a: Float64Array, k: number): Float64Array {
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++)
    for (let j = 0; j <= i; j++) for (let m = j; m <= i; m++) out[i * k + j] += l[i * k + m] * a[m * k + j];
  return out;
}
/** F F' into out. */
export function square(f: Float64Array, k: number, out: Float64Array): void {
  for (let i = 0; i < k; i++)
    for (let j = 0; j <= i; j++) {
      let s = 0;
      for (let m = 0; m < k; m++) s += f[i * k + m] * f[j * k + m];
      out[i * k + j] = out[j * k + i] = s;
    }
}
/** The inverse of a lower triangular matrix. */
function inverseLower(l: Float64Array, k: number): Float64Array {
  const out = new Float64Array(k * k);
  for (let j = 0; j < k; j++)
    for (let i = j; i < k; i++) {
      let s = i === j ? 1 : 0;
      for (let m = j; m < i; m++) s -= l[i * k + m] * out[m * k + j];
      out[i * k + j] = s / l[i * k + i];
    }
  return out;
}
function transposed(a: Float64Array, k: number): Float64Array {
  return a.map((_, e) => a[(e % k) * k + Math.floor(e / k)]);
}

/** W ~ Wishart(ν, I) = A A' gives L W^{-1} L' = F F' with F = L A'^{-1}, which is not triangular. */
export function drawInverseRoot(rng: Rng, nu: number, l: Float64Array, k: number): Float64Array {
  const eye = l.map((_, e) => (e % (k + 1) === 0 ? 1 : 0));
  const back = transposed(inverseLower(drawFactor(rng, nu, eye, k), k), k);
  const f = new Float64Array(k * k);
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++) for (let m = 0; m <= i; m++) f[i * k + j] += l[i * k + m] * back[m * k + j];
  return f;
}

export const wishart = defineDistribution({
  name: "Wishart",
  doc: "The Wishart with nu degrees of freedom and scale S, mean nu S: det(x)^((nu - K - 1) / 2) exp(-tr(S^-1 x) / 2) / (2^(nu K / 2) det(S)^(nu / 2) Gamma_K(nu / 2)).",
  params: { nu: freedom, S: scaleMatrix("scale") },
  support: { constraint: cov },
  event: 2,
  eventShape: ({ S }) => S,
  logDensity: (b, x, { nu, S }) => {
    const [k] = shapeOf(x);
    const [w, s] = [b.cholesky(x), b.cholesky(S)];
    return total(
      b,
      b.mul(b.sub(nu, b.constant(k + 1)), logDiagonal(b, w)),
      b.neg(halve(b, ratioTrace(b, w, s))),
      b.neg(b.mul(nu, logDiagonal(b, s))),
      b.neg(logConstant(b, nu, k)),
    );
  },
  sample: (rng, { nu, S }, out) => {
    const k = Math.round(Math.sqrt(out.length));
    const l = factorOf(S, k);
    if (l) square(drawFactor(rng, nu[0], l, k), k, out);
    else out.fill(Number.NaN);
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      {
        x: [3, 0.5, 0.5, 0.25],
        xShape: [2, 2],
        params: { nu: 3.5, S: [2, -0.75, -0.75, 0.5] },
        paramShapes: { S: [2, 2] },
        logDensity: -4.68516355236652,
      },
      {
        x: [5, -1, 0.5, -1, 3, 0.25, 0.5, 0.25, 8],
        xShape: [3, 3],
        params: { nu: 4, S: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75] },
        paramShapes: { S: [3, 3] },
        logDensity: -17.318151287430002,
      },
      { x: [0.75], xShape: [1, 1], params: { nu: 1.5, S: [2] }, paramShapes: { S: [1, 1] }, logDensity: -1.358581204158268 },
      {
        x: [5, -1, 0.5, -1, 3, 0.25, 0.5, 0.25, 8],
        xShape: [3, 3],
        params: { nu: 60, S: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75] },
        paramShapes: { S: [3, 3] },
        logDensity: -193.10498560428547,
      },
    ],
  },
});

export const invWishart = defineDistribution({
  name: "InvWishart",
  doc: "The inverse of a Wishart(nu, S^-1), mean S / (nu - K - 1): det(S)^(nu / 2) det(x)^(-(nu + K + 1) / 2) exp(-tr(S x^-1) / 2) / (2^(nu K / 2) Gamma_K(nu / 2)).",
  params: { nu: freedom, S: scaleMatrix("scale") },
  support: { constraint: cov },
  event: 2,
  eventShape: ({ S }) => S,
  logDensity: (b, x, { nu, S }) => {
    const [k] = shapeOf(x);
    const [w, s] = [b.cholesky(x), b.cholesky(S)];
    return total(
      b,
      b.neg(b.mul(b.add(nu, b.constant(k + 1)), logDiagonal(b, w))),
      b.neg(halve(b, ratioTrace(b, s, w))),
      b.mul(nu, logDiagonal(b, s)),
      b.neg(logConstant(b, nu, k)),
    );
  },
  sample: (rng, { nu, S }, out) => {
    const k = Math.round(Math.sqrt(out.length));
    const l = factorOf(S, k);
    if (!l) {
      out.fill(Number.NaN);
      return;
    }
    square(drawInverseRoot(rng, nu[0], l, k), k, out);
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      {
        x: [3, 0.5, 0.5, 0.25],
        xShape: [2, 2],
        params: { nu: 3.5, S: [2, -0.75, -0.75, 0.5] },
        paramShapes: { S: [2, 2] },
        logDensity: -4.759666283695206,
      },
      {
        x: [5, -1, 0.5, -1, 3, 0.25, 0.5, 0.25, 8],
        xShape: [3, 3],
        params: { nu: 4, S: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75] },
        paramShapes: { S: [3, 3] },
        logDensity: -22.60463276549035,
      },
      { x: [0.75], xShape: [1, 1], params: { nu: 1.5, S: [2] }, paramShapes: { S: [1, 1] }, logDensity: -1.033170657974012 },
      {
        x: [5, -1, 0.5, -1, 3, 0.25, 0.5, 0.25, 8],
        xShape: [3, 3],
        params: { nu: 60, S: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75] },
        paramShapes: { S: [3, 3] },
        logDensity: -380.9398153083225,
      },
    ],
  },
});
