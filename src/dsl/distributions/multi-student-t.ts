// Multivariate t and the normal of sum zero.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { gamma as gammaDraw } from "../../runtime/numeric/samplers.ts";
import { choleskyCov, cov } from "../constraints/covariance.ts";
import { real } from "../constraints/interval.ts";
import { sumToZero } from "../constraints/simplex.ts";
import { factorOf } from "../constraints/triangle.ts";
import { defineDistribution } from "./define.ts";
import { logDiagonal, meanVector, solveLower } from "./multi-normal.ts";
import { positiveNumber, scale } from "./params.ts";
import { logRising } from "./rising.ts";
import { HALF_LOG_TAU, halve, LOG_PI, total } from "./standardise.ts";

const freedom = positiveNumber("degrees of freedom");

/** log Γ((ν+K)/2) / Γ(ν/2) - K/2 log νπ - (ν+K)/2 log(1 + ‖L^{-1}(x - μ)‖² / ν) - log|L| */
const logByFactor = (b: Builder, x: Value, nu: Value, mu: Value, l: Value): Value =>
  b.sub(logBySquares(b, x, nu, b.sum(b.square(solveLower(b, l, b.sub(x, mu))))), logDiagonal(b, l));

/** The same without log|L|, of the squares in it. */
function logBySquares(b: Builder, x: Value, nu: Value, squared: Value): Value {
  const [k] = shapeOf(x);
  const half = halve(b, nu);
  const halfK = b.constant(k / 2);
  return total(
    b,
    b.neg(b.mul(b.add(half, halfK), b.log1p(b.div(squared, nu)))),
    logRising(b, half, halfK),
    b.neg(b.mul(halfK, b.add(b.log(nu), b.constant(LOG_PI)))),
  );
}
function drawByFactor(rng: Rng, nu: number, mu: Float64Array, l: Float64Array, out: Float64Array): void {
  const k = mu.length;
  const z = Float64Array.from({ length: k }, () => rng.normal());
  const stretch = 1 / Math.sqrt(gammaDraw(rng, nu / 2) / (nu / 2));
  for (let i = 0; i < k; i++) {
    let s = 0;
    for (let j = 0; j <= i; j++) s += l[i * k + j] * z[j];
    out[i] = mu[i] + stretch * s;
  }
}

/** With location 0 and the unit matrix as scale: the raw coordinates of a non-centred multivariate t. */
const standard = defineDistribution({
  name: "StdMultiStudentT",
  doc: "The multivariate t with location 0 and the unit matrix as scale.",
  params: { nu: freedom },
  support: { constraint: real },
  event: 1,
  logDensity: (b, x, { nu }) => logBySquares(b, x, nu, b.sum(b.square(x))),
  normalised: true,
  golden: { from: "", rows: [] },
});

export const multiStudentTCholesky = defineDistribution({
  name: "MultiStudentTCholesky",
  doc: "The multivariate t with nu degrees of freedom, location mu and scale matrix L L'.",
  params: { nu: freedom, mu: meanVector, L: { constraint: choleskyCov, rank: 2, doc: "lower factor of the scale matrix" } },
  support: { constraint: real },
  event: 1,
  eventShape: ({ L }) => [L[0]],
  logDensity: (b, x, { nu, mu, L }) => logByFactor(b, x, nu, mu, L),
  sample: (rng, { nu, mu, L }, out) => drawByFactor(rng, nu[0], mu, L, out),
  affine: { location: "mu", scale: "L", kind: "cholesky", standard },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [1.3, -0.5],
        params: { nu: 4, mu: [0.5, 2], L: [1.5, 0, -0.75, 0.5] },
        paramShapes: { L: [2, 2] },
        logDensity: -6.654118507685847,
      },
      {
        x: [0.25, 4, -2.5],
        params: { nu: 1.5, mu: [0, 1.5, -1], L: [2, 0, 0, 0.25, 0.125, 0, -1, 4, 0.75] },
        paramShapes: { L: [3, 3] },
        logDensity: -20.927598821194,
      },
      { x: [2.5], params: { nu: 30, mu: [0.75], L: [0.25] }, paramShapes: { L: [1, 1] }, logDensity: -14.54885826173438 },
      {
        x: [40, -31],
        params: { nu: 0.5, mu: [0.5, 2], L: [1.5, 0, -0.75, 0.5] },
        paramShapes: { L: [2, 2] },
        logDensity: -11.468510920250154,
      },
    ],
  },
});

export const multiStudentT = defineDistribution({
  name: "MultiStudentT",
  doc: "The multivariate t with nu degrees of freedom, location mu and scale matrix Sigma.",
  params: { nu: freedom, mu: meanVector, Sigma: { constraint: cov, rank: 2, doc: "scale matrix" } },
  support: { constraint: real },
  event: 1,
  eventShape: ({ Sigma }) => [Sigma[0]],
  logDensity: (b, x, { nu, mu, Sigma }) => logByFactor(b, x, nu, mu, b.cholesky(Sigma)),
  sample: (rng, { nu, mu, Sigma }, out) => {
    const l = factorOf(Sigma, mu.length);
    if (l) drawByFactor(rng, nu[0], mu, l, out);
    else out.fill(Number.NaN);
  },
  affine: { location: "mu", scale: "Sigma", kind: "covariance", byFactor: multiStudentTCholesky },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits; scipy 1.17 agrees",
    rows: [
      {
        x: [1.3, -0.5],
        params: { nu: 4, mu: [0.5, 2], Sigma: [2, -0.75, -0.75, 0.5] },
        paramShapes: { Sigma: [2, 2] },
        logDensity: -7.090937039627599,
      },
      {
        x: [0.25, 4, -2.5],
        params: { nu: 1.5, mu: [0, 1.5, -1], Sigma: [4, 1, -0.5, 1, 2, 0.25, -0.5, 0.25, 0.75] },
        paramShapes: { Sigma: [3, 3] },
        logDensity: -7.69842630926649,
      },
      { x: [2.5], params: { nu: 30, mu: [0.75], Sigma: [0.25] }, paramShapes: { Sigma: [1, 1] }, logDensity: -5.541431213004826 },
      {
        x: [40, -31],
        params: { nu: 500000, mu: [0.5, 2], Sigma: [2, -0.75, -0.75, 0.5] },
        paramShapes: { Sigma: [2, 2] },
        logDensity: -1144.9526845989722,
      },
    ],
  },
});

export const zeroSumNormal = defineDistribution({
  name: "ZeroSumNormal",
  doc: "Independent Normal(0, sigma) conditioned on sum 0; its density is on the hyperplane of dimension K - 1.",
  params: { sigma: scale("standard deviation before conditioning") },
  support: { constraint: sumToZero },
  event: 1,
  logDensity: (b, x, { sigma }) => {
    const free = shapeOf(x)[0] - 1;
    return total(
      b,
      b.neg(halve(b, b.sum(b.square(b.mul(x, b.reciprocal(sigma)))))),
      b.neg(b.mul(b.constant(free), b.log(sigma))),
      b.constant(-free * HALF_LOG_TAU),
    );
  },
  draw: {
    gradient: "pathwise",
    noise: (shape) => [{ kind: "normal", shape }],
    build: (b, [z], { sigma }, [k]) => b.mul(sigma, b.sub(z, b.mul(b.constant(1 / k), b.sum(z)))),
  },
  affine: { scale: "sigma", kind: "elementwise" },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      { x: [1.75, -1.75], params: { sigma: 2 }, logDensity: -2.377710713764618 },
      { x: [0.5, 2.25, -2.75], params: { sigma: 0.75 }, logDensity: -12.706957365950228 },
      { x: [-3, 0.125, 7, -5.5, 1.375], params: { sigma: 4 }, logDensity: -12.038314389798254 },
      { x: [1e-6, -3e-6, 2e-6], params: { sigma: 1.5 }, logDensity: -2.6488072826287854 },
    ],
  },
});
