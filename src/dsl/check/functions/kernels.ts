// Covariance functions of Gaussian processes, as matrices over points: x of N numbers, or N x D for points in D dimensions.
// Rasmussen & Williams 2006, "Gaussian Processes for Machine Learning", §4.2.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { shapeOf } from "../../../runtime/ir/graph.ts";
import { anyNumber, nonnegative, positive, type Range } from "../../ranges.ts";
import { describeShape, type ValueType } from "../value-type.ts";
import { asReal, type BuiltIn, type FunctionParameter, type Misfit, number } from "./define.ts";

/** Points as rows: [N, D]. */
const points = (b: Builder, x: Value): Value => (shapeOf(x).length === 1 ? b.reshape(x, [shapeOf(x)[0], 1]) : x);
/** Differences of all pairs: [N, M, D]. */
function differences(b: Builder, x: Value, y: Value): Value {
  const [p, q] = [points(b, x), points(b, y)];
  const [n, d] = shapeOf(p);
  return b.sub(b.reshape(p, [n, 1, d]), b.reshape(q, [1, shapeOf(q)[0], d]));
}
const squaredDistance = (b: Builder, x: Value, y: Value): Value => b.sum(b.square(differences(b, x, y)), [2]);
/** The square root has no derivative at 0, where the kernel is flat: that pair contributes none. */
function distance(b: Builder, x: Value, y: Value): Value {
  const squared = squaredDistance(b, x, y);
  return b.select(b.gt(squared, b.constant(0)), b.sqrt(squared), b.constant(0));
}
const amplitude = (b: Builder, alpha: Value): Value => b.square(alpha);

interface Kernel {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly doc: string;
  /** Scalar parameters after the points. */
  readonly parameters: readonly string[];
  readonly range: Range;
  covariance(b: Builder, x: Value, y: Value, parameters: readonly Value[]): Value;
}
const pointsParameter = (name: string): FunctionParameter => ({ name, kind: "array" });
function badPoints(name: string, x: ValueType, argument: number): Misfit | undefined {
  if (x.shape === undefined || x.shape.length === 1 || x.shape.length === 2) return undefined;
  return {
    misfit: `${name} is given ${describeShape(x.shape)} as points`,
    label: "needs a vector, or a matrix with a point in each row",
    argument,
  };
}
/** Over one set of points, and between two sets. */
function kernel(k: Kernel): readonly BuiltIn[] {
  const scalars = k.parameters.map(number);
  return [
    {
      name: k.name,
      aliases: k.aliases,
      doc: k.doc,
      parameters: [pointsParameter("x"), ...scalars],
      result: ([x]) => badPoints(k.name, x, 0) ?? { dtype: "real", shape: x.shape && [x.shape[0], x.shape[0]], range: k.range },
      lower: (b, [x, ...ps]) =>
        k.covariance(
          b,
          asReal(b, x),
          asReal(b, x),
          ps.map((p) => asReal(b, p)),
        ),
    },
    {
      name: k.name,
      aliases: k.aliases,
      doc: `${k.doc} Between the points of x and those of y.`,
      parameters: [pointsParameter("x"), pointsParameter("y"), ...scalars],
      result: ([x, y]) =>
        badPoints(k.name, x, 0) ??
        badPoints(k.name, y, 1) ?? { dtype: "real", shape: x.shape && y.shape && [x.shape[0], y.shape[0]], range: k.range },
      lower: (b, [x, y, ...ps]) =>
        k.covariance(
          b,
          asReal(b, x),
          asReal(b, y),
          ps.map((p) => asReal(b, p)),
        ),
    },
  ];
}

export const kernels: readonly BuiltIn[] = [
  ...kernel({
    name: "gp_exp_quad_cov",
    aliases: ["cov_exp_quad", "sq_exp_kernel"],
    doc: "The squared exponential kernel alpha^2 exp(-|x_i - x_j|^2 / (2 rho^2)).",
    parameters: ["alpha", "rho"],
    range: nonnegative,
    covariance: (b, x, y, [alpha, rho]) =>
      b.mul(amplitude(b, alpha), b.exp(b.div(squaredDistance(b, x, y), b.mul(b.constant(-2), b.square(rho))))),
  }),
  ...kernel({
    name: "gp_exponential_cov",
    doc: "The exponential kernel alpha^2 exp(-|x_i - x_j| / rho).",
    parameters: ["alpha", "rho"],
    range: nonnegative,
    covariance: (b, x, y, [alpha, rho]) => b.mul(amplitude(b, alpha), b.exp(b.neg(b.div(distance(b, x, y), rho)))),
  }),
  ...kernel({
    name: "gp_matern32_cov",
    doc: "The Matérn kernel with smoothness 3/2.",
    parameters: ["alpha", "rho"],
    range: nonnegative,
    covariance: (b, x, y, [alpha, rho]) => {
      const r = b.mul(b.constant(Math.sqrt(3)), b.div(distance(b, x, y), rho));
      return b.mul(amplitude(b, alpha), b.mul(b.add(b.constant(1), r), b.exp(b.neg(r))));
    },
  }),
  ...kernel({
    name: "gp_matern52_cov",
    doc: "The Matérn kernel with smoothness 5/2.",
    parameters: ["alpha", "rho"],
    range: nonnegative,
    covariance: (b, x, y, [alpha, rho]) => {
      const r = b.mul(b.constant(Math.sqrt(5)), b.div(distance(b, x, y), rho));
      const polynomial = b.add(b.add(b.constant(1), r), b.div(b.square(r), b.constant(3)));
      return b.mul(amplitude(b, alpha), b.mul(polynomial, b.exp(b.neg(r))));
    },
  }),
  ...kernel({
    name: "gp_periodic_cov",
    doc: "The periodic kernel alpha^2 exp(-2 Σ_d sin^2(π (x_i - x_j)_d / period) / rho^2).",
    parameters: ["alpha", "rho", "period"],
    range: positive,
    covariance: (b, x, y, [alpha, rho, period]) => {
      const sines = b.sin(b.div(b.mul(b.constant(Math.PI), differences(b, x, y)), period));
      return b.mul(amplitude(b, alpha), b.exp(b.div(b.mul(b.constant(-2), b.sum(b.square(sines), [2])), b.square(rho))));
    },
  }),
  ...kernel({
    name: "gp_dot_prod_cov",
    doc: "The linear kernel sigma^2 + x_i @ x_j.",
    parameters: ["sigma"],
    range: anyNumber,
    covariance: (b, x, y, [sigma]) => {
      const q = points(b, y);
      return b.add(b.square(sigma), b.matmul(points(b, x), b.transpose(q, [1, 0])));
    },
  }),
];
