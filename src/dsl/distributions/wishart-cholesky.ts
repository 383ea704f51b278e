// Cholesky factors of scatter matrices and of their inverses.
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { choleskyCov } from "../constraints/covariance.ts";
import { factorOf } from "../constraints/triangle.ts";
import { defineDistribution } from "./define.ts";
import { diagonal, logDiagonal } from "./multi-normal.ts";
import { halve, LOG_2, total } from "./standardise.ts";
import { drawFactor, drawInverseRoot, freedom, logConstant, ratioTrace, square } from "./wishart.ts";

const params = {
  nu: freedom,
  L_S: { constraint: choleskyCov, rank: 2, doc: "Cholesky factor of the scale" },
} as const;

/** Σ_i (sign ν - i) log L_ii + K log 2, i from 1: the powers of the determinant and of the Jacobian 2^K Π L_ii^{K-i+1} of L L' together. */
function logPowers(b: Builder, l: Value, nu: Value, sign: 1 | -1): Value {
  const [k] = shapeOf(l);
  const steps = b.tensor(
    Float64Array.from({ length: k }, (_, i) => -(i + 1)),
    [k],
  );
  const powers = b.add(sign === 1 ? nu : b.neg(nu), steps);
  return b.add(b.sum(b.mul(powers, b.log(diagonal(b, l)))), b.constant(k * LOG_2));
}

export const wishartCholesky = defineDistribution({
  name: "WishartCholesky",
  doc: "Cholesky factors of matrices that are Wishart(nu, L_S L_S'): the density of those times 2^K prod L[i,i]^(K - i + 1).",
  params,
  support: { constraint: choleskyCov },
  event: 2,
  eventShape: ({ L_S }) => L_S,
  logDensity: (b, l, { nu, L_S }) =>
    total(
      b,
      logPowers(b, l, nu, 1),
      b.neg(halve(b, ratioTrace(b, l, L_S))),
      b.neg(b.mul(nu, logDiagonal(b, L_S))),
      b.neg(logConstant(b, nu, shapeOf(l)[0])),
    ),
  sample: (rng, { nu, L_S }, out) => out.set(drawFactor(rng, nu[0], L_S, Math.round(Math.sqrt(out.length)))),
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [1.5, 0, -0.75, 0.5],
        xShape: [2, 2],
        params: { nu: 3.5, L_S: [1.25, 0, 0.5, 2] },
        paramShapes: { L_S: [2, 2] },
        logDensity: -5.641550818451369,
      },
      {
        x: [2, 0, 0, 0.25, 0.125, 0, -1, 4, 0.75],
        xShape: [3, 3],
        params: { nu: 4, L_S: [1.5, 0, 0, 0.5, 1.25, 0, -0.25, 0.75, 0.5] },
        paramShapes: { L_S: [3, 3] },
        logDensity: -39.01764032906669,
      },
      { x: [0.75], xShape: [1, 1], params: { nu: 1.5, L_S: [2] }, paramShapes: { L_S: [1, 1] }, logDensity: -1.2838684633571176 },
      {
        x: [2, 0, 0, 0.25, 0.5, 0, -1, 4, 0.75],
        xShape: [3, 3],
        params: { nu: 60, L_S: [0.5, 0, 0, 0.125, 0.25, 0, -0.25, 0.375, 0.5] },
        paramShapes: { L_S: [3, 3] },
        logDensity: -153.1174201774672,
      },
    ],
  },
});

export const invWishartCholesky = defineDistribution({
  name: "InvWishartCholesky",
  doc: "Cholesky factors of matrices that are InvWishart(nu, L_S L_S'): the density of those times 2^K prod L[i,i]^(K - i + 1).",
  params,
  support: { constraint: choleskyCov },
  event: 2,
  eventShape: ({ L_S }) => L_S,
  logDensity: (b, l, { nu, L_S }) =>
    total(
      b,
      logPowers(b, l, nu, -1),
      b.neg(halve(b, ratioTrace(b, L_S, l))),
      b.mul(nu, logDiagonal(b, L_S)),
      b.neg(logConstant(b, nu, shapeOf(l)[0])),
    ),
  sample: (rng, { nu, L_S }, out) => {
    const k = Math.round(Math.sqrt(out.length));
    const product = new Float64Array(k * k);
    square(drawInverseRoot(rng, nu[0], L_S, k), k, product);
    const drawn = factorOf(product, k);
    if (drawn) out.set(drawn);
    else out.fill(Number.NaN);
  },
  normalised: true,
  golden: {
    from: "mpmath 1.3, 50 digits, formula",
    rows: [
      {
        x: [1.5, 0, -0.75, 0.5],
        xShape: [2, 2],
        params: { nu: 3.5, L_S: [1.25, 0, 0.5, 2] },
        paramShapes: { L_S: [2, 2] },
        logDensity: -7.113150910392039,
      },
      {
        x: [2, 0, 0, 0.25, 0.125, 0, -1, 4, 0.75],
        xShape: [3, 3],
        params: { nu: 4, L_S: [1.5, 0, 0, 0.5, 1.25, 0, -0.25, 0.75, 0.5] },
        paramShapes: { L_S: [3, 3] },
        logDensity: -1496.1488036962605,
      },
      { x: [0.75], xShape: [1, 1], params: { nu: 1.5, L_S: [2] }, paramShapes: { L_S: [1, 1] }, logDensity: -1.8266237598774944 },
      {
        x: [2, 0, 0, 0.25, 0.5, 0, -1, 4, 0.75],
        xShape: [3, 3],
        params: { nu: 60, L_S: [0.5, 0, 0, 0.125, 0.25, 0, -0.25, 0.375, 0.5] },
        paramShapes: { L_S: [3, 3] },
        logDensity: -421.2306973186939,
      },
    ],
  },
});
