// Gaussian processes beyond their kernels: conditionals, Kronecker products, and the approximation by basis functions of a Hilbert space.
import { ShapeError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { shapeOf } from "../../../runtime/ir/graph.ts";
import { times } from "../../dimensions.ts";
import { nonnegative, positive, productOf } from "../../ranges.ts";
import type { Size, ValueType } from "../value-type.ts";
import {
  any,
  asReal,
  type BuiltIn,
  elementRange,
  matrix,
  number,
  sameSize,
  size,
  sizeFrom,
  sizesFit,
  square,
  vector,
} from "./define.ts";
import { sizeOfArgument } from "./reductions.ts";

const product = (a: Size, b: Size): Size => (a === undefined || b === undefined ? undefined : times(a, b));
const side = (t: ValueType, axis: 0 | 1): Size => t.shape?.[axis];
const transposed = (b: Builder, m: Value): Value => b.transpose(m, [1, 0]);
const solveLower = (b: Builder, l: Value, columns: Value): Value =>
  b.triangularSolve(l, columns, { lower: true, transpose: false });

/** X of n rows and m columns, a vector row by row, from the sides of A and B. */
function unstacked(b: Builder, name: string, x: Value, n: number, m: number): Value {
  if (shapeOf(x)[0] !== n * m) throw new ShapeError(`${name} is given ${shapeOf(x)[0]} numbers for sides ${n} and ${m}`);
  return b.reshape(asReal(b, x), [n, m]);
}
const flat = (b: Builder, x: Value): Value => b.reshape(x, [shapeOf(x)[0] * shapeOf(x)[1]]);

const frequencies = (b: Builder, halfWidth: Value, count: number): Value =>
  b.div(b.mul(b.constant(Math.PI / 2), b.add(b.iota([count], 0), b.constant(1))), halfWidth);

/** A spectral density in one dimension, of a stationary kernel: elementwise in the frequency. */
function spectral(name: string, doc: string, density: (b: Builder, omega: Value, variance: Value, rho: Value) => Value): BuiltIn {
  return {
    name,
    doc: `${doc}, in one dimension.`,
    parameters: [any("omega"), number("alpha"), number("rho")],
    result: ([omega]) => ({ dtype: "real", shape: omega.shape, range: nonnegative }),
    lower: (b, [omega, alpha, rho]) => density(b, asReal(b, omega), b.square(asReal(b, alpha)), asReal(b, rho)),
  };
}
/** α² c ρ (1 + (ρω)² / q)^-(power): Rasmussen & Williams 2006, eq. 4.15. */
const matern =
  (c: number, q: number, power: number) =>
  (b: Builder, omega: Value, variance: Value, rho: Value): Value => {
    const base = b.add(b.constant(1), b.div(b.square(b.mul(rho, omega)), b.constant(q)));
    const denominator = power === 1 ? base : power === 2 ? b.square(base) : b.mul(base, b.square(base));
    return b.div(b.mul(variance, b.mul(b.constant(c), rho)), denominator);
  };

export const gaussianProcesses: readonly BuiltIn[] = [
  {
    name: "gp_conditional_mean",
    doc: "The mean at new points given y: Kxy Kyy^{-1} y, Kyy the covariance of y (noise included) and Kxy that between the new points and those of y.",
    parameters: [square("Kyy"), matrix("Kxy"), vector("y")],
    result: ([kyy, kxy, y]) =>
      sizesFit("gp_conditional_mean", kyy, kxy, side(kyy, 0), side(kxy, 1)) ??
      sizesFit("gp_conditional_mean", kyy, y, side(kyy, 0), y.shape?.[0]) ?? {
        dtype: "real",
        shape: kxy.shape && [side(kxy, 0)],
      },
    lower: (b, [kyy, kxy, y]) => {
      const n = shapeOf(kyy)[0];
      sameSize("gp_conditional_mean", n, shapeOf(kxy)[1]);
      sameSize("gp_conditional_mean", n, shapeOf(y)[0]);
      const l = b.cholesky(asReal(b, kyy));
      const z = solveLower(b, l, b.reshape(asReal(b, y), [n, 1]));
      const weights = b.triangularSolve(l, z, { lower: true, transpose: true });
      return b.matmul(asReal(b, kxy), b.reshape(weights, [n]));
    },
  },
  {
    name: "gp_conditional_cov",
    doc: "The covariance at new points given y: Kxx - Kxy Kyy^{-1} Kxy'.",
    parameters: [square("Kyy"), matrix("Kxy"), square("Kxx")],
    result: ([kyy, kxy, kxx]) =>
      sizesFit("gp_conditional_cov", kyy, kxy, side(kyy, 0), side(kxy, 1)) ??
      sizesFit("gp_conditional_cov", kxy, kxx, side(kxy, 0), side(kxx, 0)) ?? { dtype: "real", shape: kxx.shape },
    lower: (b, [kyy, kxy, kxx]) => {
      sameSize("gp_conditional_cov", shapeOf(kyy)[0], shapeOf(kxy)[1]);
      sameSize("gp_conditional_cov", shapeOf(kxx)[0], shapeOf(kxy)[0]);
      const z = solveLower(b, b.cholesky(asReal(b, kyy)), transposed(b, asReal(b, kxy)));
      return b.sub(asReal(b, kxx), b.matmul(transposed(b, z), z));
    },
  },
  {
    name: "kron",
    aliases: ["kronecker"],
    doc: "The Kronecker product of two matrices: blocks A[i, j] * B.",
    parameters: [matrix("A"), matrix("B")],
    result: ([x, y]) => ({
      dtype: "real",
      shape: x.shape && y.shape && [product(side(x, 0), side(y, 0)), product(side(x, 1), side(y, 1))],
      range: productOf(elementRange(x), elementRange(y)),
    }),
    lower: (b, [x, y]) => {
      const [n, m] = shapeOf(x);
      const [p, q] = shapeOf(y);
      const blocks = b.mul(b.reshape(asReal(b, x), [n, 1, m, 1]), b.reshape(asReal(b, y), [1, p, 1, q]));
      return b.reshape(blocks, [n * p, m * q]);
    },
  },
  {
    name: "kron_multiply",
    doc: "kron(A, B) @ x without the product's matrix.",
    parameters: [square("A"), square("B"), vector("x")],
    result: ([, , x]) => ({ dtype: "real", shape: x.shape }),
    lower: (b, [x, y, v]) => {
      const right = b.matmul(unstacked(b, "kron_multiply", v, shapeOf(x)[0], shapeOf(y)[0]), transposed(b, asReal(b, y)));
      return flat(b, b.matmul(asReal(b, x), right));
    },
  },
  {
    name: "kron_solve",
    doc: "The z with kron(A, B) @ z = x, by one solve with A and one with B.",
    parameters: [square("A"), square("B"), vector("x")],
    result: ([, , x]) => ({ dtype: "real", shape: x.shape }),
    lower: (b, [x, y, v]) => {
      const left = b.solve(asReal(b, x), unstacked(b, "kron_solve", v, shapeOf(x)[0], shapeOf(y)[0]));
      return flat(b, transposed(b, b.solve(asReal(b, y), transposed(b, left))));
    },
  },
  {
    name: "hsgp_basis",
    doc: "The first M eigenfunctions of the Laplacian on [-L, L] at the points of x, a column each: sqrt(1 / L) sin(j π (x + L) / (2 L)) (Riutort-Mayol et al. 2023).",
    parameters: [vector("x"), number("L"), size("M")],
    result: ([x, , m]) => ({ dtype: "real", shape: x.shape && [x.shape[0], sizeFrom(m)] }),
    lower: (b, [x, l, m]) => {
      const count = sizeOfArgument(m, "the number of basis functions");
      const n = shapeOf(x)[0];
      const width = asReal(b, l);
      const from = b.reshape(b.add(asReal(b, x), width), [n, 1]);
      return b.mul(b.sin(b.mul(from, b.reshape(frequencies(b, width, count), [1, count]))), b.sqrt(b.reciprocal(width)));
    },
  },
  {
    name: "hsgp_frequencies",
    doc: "The frequencies of the columns of hsgp_basis: j π / (2 L), j = 1..M.",
    parameters: [number("L"), size("M")],
    result: ([, m]) => ({ dtype: "real", shape: [sizeFrom(m)], range: positive }),
    lower: (b, [l, m]) => frequencies(b, asReal(b, l), sizeOfArgument(m, "the number of frequencies")),
  },
  spectral(
    "gp_exp_quad_spectral",
    "The spectral density of gp_exp_quad_cov: alpha^2 sqrt(2 π) rho exp(-(rho omega)^2 / 2)",
    (b, omega, variance, rho) =>
      b.mul(
        b.mul(variance, b.mul(b.constant(2.5066282746310002), rho)),
        b.exp(b.mul(b.constant(-0.5), b.square(b.mul(rho, omega)))),
      ),
  ),
  spectral(
    "gp_exponential_spectral",
    "The spectral density of gp_exponential_cov: 2 alpha^2 rho / (1 + (rho omega)^2)",
    matern(2, 1, 1),
  ),
  spectral(
    "gp_matern32_spectral",
    "The spectral density of gp_matern32_cov: 4 / sqrt(3) alpha^2 rho / (1 + (rho omega)^2 / 3)^2",
    matern(4 / Math.sqrt(3), 3, 2),
  ),
  spectral(
    "gp_matern52_spectral",
    "The spectral density of gp_matern52_cov: 16 / (3 sqrt(5)) alpha^2 rho / (1 + (rho omega)^2 / 5)^3",
    matern(16 / (3 * Math.sqrt(5)), 5, 3),
  ),
];
