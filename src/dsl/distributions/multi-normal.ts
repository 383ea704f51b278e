// Multivariate normals, by the factor, the covariance or the precision.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import { choleskyCov, cov } from "../constraints/covariance.ts";
import { real } from "../constraints/interval.ts";
import type { Param } from "./define.ts";
import { defineDistribution } from "./define.ts";
import { HALF_LOG_TAU, halve } from "./standardise.ts";

export const meanVector: Param = { constraint: real, rank: 1, doc: "mean" };
const length = (v: Value): number => sizeOf(shapeOf(v));

/** The diagonal of a matrix. */
export function diagonal(b: Builder, m: Value): Value {
  const [n] = shapeOf(m);
  return b.slice(b.reshape(m, [n * n]), 0, 0, n, n + 1);
}
/** T v, for a vector v. */
export const times = (b: Builder, t: Value, v: Value): Value => b.dot(t, v, { batch: 0, left: [1], right: [0] });
/** L^{-1} v, for a vector v. */
export function solveLower(b: Builder, l: Value, v: Value): Value {
  const n = length(v);
  return b.reshape(b.triangularSolve(l, b.reshape(v, [n, 1]), { lower: true, transpose: false }), [n]);
}
/** Σ log L_ii */
export const logDiagonal = (b: Builder, l: Value): Value => b.sum(b.log(diagonal(b, l)));

/** -½ ‖z‖² - K/2 log 2π - log|L| with z = L^{-1}(x - μ) */
const logByFactor = (b: Builder, x: Value, mu: Value, l: Value): Value =>
  b.sub(
    b.sub(b.neg(halve(b, b.sum(b.square(solveLower(b, l, b.sub(x, mu)))))), logDiagonal(b, l)),
    b.constant(length(x) * HALF_LOG_TAU),
  );

/** Independent standard normals as one event: the raw coordinates of a non-centred multivariate normal. */
const standard = defineDistribution({
  name: "StdMultiNormal",
  doc: "Independent standard normals.",
  params: {},
  support: { constraint: real },
  event: 1,
  logDensity: (b, x) => b.sub(b.neg(halve(b, b.sum(b.square(x)))), b.constant(length(x) * HALF_LOG_TAU)),
  draw: { gradient: "pathwise", noise: (shape) => [{ kind: "normal", shape }], build: (_b, [z]) => z },
  normalised: true,
  golden: { from: "", rows: [] },
});

export const multiNormalCholesky = defineDistribution({
  name: "MultiNormalCholesky",
  doc: "The multivariate normal with mean mu and covariance L L', L lower triangular.",
  params: { mu: meanVector, L: { constraint: choleskyCov, rank: 2, doc: "lower factor of the covariance" } },
  support: { constraint: real },
  event: 1,
  eventShape: ({ L }) => [L[0]],
  logDensity: (b, x, { mu, L }) => logByFactor(b, x, mu, L),
  draw: {
    gradient: "pathwise",
    noise: (shape) => [{ kind: "normal", shape }],
    build: (b, [z], { mu, L }) => b.add(mu, times(b, L, z)),
  },
  affine: { location: "mu", scale: "L", kind: "cholesky", standard },
  mean: (_b, { mu }) => mu,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [1.3, -0.5],
        params: { mu: [0.5, 2], L: [1.5, 0, -0.75, 0.5] },
        paramShapes: { L: [2, 2] },
        logDensity: -10.512417216179786,
      },
      {
        x: [0.25, 4, -2.5],
        params: { mu: [0, 1.5, -1], L: [2, 0, 0, 0.25, 0.125, 0, -1, 4, 0.75] },
        paramShapes: { L: [3, 3] },
        logDensity: -5938.469123888264,
      },
      { x: [2.5], params: { mu: [0.75], L: [0.25] }, paramShapes: { L: [1, 1] }, logDensity: -24.032644172084783 },
      {
        x: [40, -31],
        params: { mu: [0.5, 2], L: [1.5, 0, -0.75, 0.5] },
        paramShapes: { L: [2, 2] },
        logDensity: -699.3974172161797,
      },
    ],
  },
});

export const multiNormal = defineDistribution({
  name: "MultiNormal",
  doc: "The multivariate normal with mean mu and covariance Sigma.",
  params: { mu: meanVector, Sigma: { constraint: cov, rank: 2, doc: "covariance" } },
  support: { constraint: real },
  event: 1,
  eventShape: ({ Sigma }) => [Sigma[0]],
  logDensity: (b, x, { mu, Sigma }) => logByFactor(b, x, mu, b.cholesky(Sigma)),
  draw: {
    gradient: "pathwise",
    noise: (shape) => [{ kind: "normal", shape }],
    build: (b, [z], { mu, Sigma }) => b.add(mu, times(b, b.cholesky(Sigma), z)),
  },
  affine: { location: "mu", scale: "Sigma", kind: "covariance", byFactor: multiNormalCholesky },
  mean: (_b, { mu }) => mu,
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      {
        x: [1.3, -0.5],
        params: { mu: [0.5, 2], Sigma: [2, -0.75, -0.75, 0.5] },
        paramShapes: { Sigma: [2, 2] },
        logDensity: -12.647394922674254,
      },
      {
        x: [0.25, 4, -2.5],
        params: { mu: [0, 1.5, -1], Sigma: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75] },
        paramShapes: { Sigma: [3, 3] },
        logDensity: -8.45040376755277,
      },
      { x: [2.5], params: { mu: [0.75], Sigma: [0.25] }, paramShapes: { Sigma: [1, 1] }, logDensity: -6.350791352644728 },
      {
        x: [40, -31],
        params: { mu: [0.5, 2], Sigma: [2, -0.75, -0.75, 0.5] },
        paramShapes: { Sigma: [2, 2] },
        logDensity: -1147.5673949226743,
      },
    ],
  },
});

export const multiNormalPrec = defineDistribution({
  name: "MultiNormalPrec",
  doc: "The multivariate normal with mean mu and precision Omega, the inverse of the covariance.",
  params: { mu: meanVector, Omega: { constraint: cov, rank: 2, doc: "precision" } },
  support: { constraint: real },
  event: 1,
  eventShape: ({ Omega }) => [Omega[0]],
  // Ω = C C': the quadratic form is ‖C'(x - μ)‖², and log|Σ|^(-1/2) = log|C|.
  logDensity: (b, x, { mu, Omega }) => {
    const c = b.cholesky(Omega);
    const z = times(b, b.transpose(c, [1, 0]), b.sub(x, mu));
    return b.sub(b.sub(logDiagonal(b, c), halve(b, b.sum(b.square(z)))), b.constant(length(x) * HALF_LOG_TAU));
  },
  draw: {
    gradient: "pathwise",
    noise: (shape) => [{ kind: "normal", shape }],
    // Cov C'^{-1} z = (C C')^{-1}
    build: (b, [z], { mu, Omega }) => {
      const n = length(z);
      const back = b.triangularSolve(b.cholesky(Omega), b.reshape(z, [n, 1]), { lower: true, transpose: true });
      return b.add(mu, b.reshape(back, [n]));
    },
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [1.3, -0.5],
        params: { mu: [0.5, 2], Omega: [2, -0.75, -0.75, 0.5] },
        paramShapes: { Omega: [2, 2] },
        logDensity: -5.95371635300158,
      },
      {
        x: [0.25, 4, -2.5],
        params: { mu: [0, 1.5, -1], Omega: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75] },
        paramShapes: { Omega: [3, 3] },
        logDensity: -9.127106108145856,
      },
      { x: [2.5], params: { mu: [0.75], Omega: [0.25] }, paramShapes: { Omega: [1, 1] }, logDensity: -1.994898213764618 },
      {
        x: [40, -31],
        params: { mu: [0.5, 2], Omega: [2, -0.75, -0.75, 0.5] },
        paramShapes: { Omega: [2, 2] },
        logDensity: -2812.3762163530014,
      },
    ],
  },
});
