// Built-in functions on vectors and matrices as such.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { shapeOf } from "../../../runtime/ir/graph.ts";
import { anyNumber, nonnegative, productOf, range, undeclared } from "../../ranges.ts";
import type { Size, ValueType } from "../value-type.ts";
import {
  asReal,
  type BuiltIn,
  elementRange,
  type FunctionParameter,
  matrix,
  sameSize,
  size,
  sizeFrom,
  sizesFit,
  square,
  vector,
} from "./define.ts";
import { sizeOfArgument } from "./reductions.ts";

/** Last axes swapped. */
function transposed(b: Builder, x: Value): Value {
  const rank = shapeOf(x).length;
  return b.transpose(x, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2]);
}
/** 1 where row = column. */
function identity(b: Builder, n: number): Value {
  return b.cast(b.eq(b.iota([n, n], 0), b.iota([n, n], 1)), "real");
}
/** f on a matrix whose columns are the right-hand sides; a vector is one column. */
function withColumns(b: Builder, x: Value, f: (columns: Value) => Value): Value {
  if (shapeOf(x).length !== 1) return f(x);
  const n = shapeOf(x)[0];
  return b.reshape(f(b.reshape(x, [n, 1])), [n]);
}
const sideOf = (t: ValueType): Size => (t.shape === undefined ? undefined : t.shape[t.shape.length - 1]);
/** Rows of a right-hand side. */
const rowsOf = (t: ValueType): Size =>
  t.shape === undefined ? undefined : t.shape.length === 1 ? t.shape[0] : t.shape[t.shape.length - 2];
const rightHandSide: FunctionParameter = { name: "b", kind: "array" };
function solver(
  name: string,
  aliases: readonly string[],
  doc: string,
  lower: (b: Builder, a: Value, columns: Value) => Value,
): BuiltIn {
  return {
    name,
    aliases,
    doc,
    parameters: [square("A"), rightHandSide],
    result: ([a, b]) => sizesFit(name, a, b, sideOf(a), rowsOf(b)) ?? { dtype: "real", shape: b.shape },
    lower: (b, [a, x]) => withColumns(b, asReal(b, x), (columns) => lower(b, asReal(b, a), columns)),
  };
}
/** Lower triangular matrices stay so when rows are scaled by positive numbers. */
const scaledStructure = (a: ValueType): string | undefined =>
  a.structure === "cholesky_corr" || a.structure === "cholesky_cov"
    ? "cholesky_cov"
    : a.structure === "diagonal"
      ? "diagonal"
      : undefined;

export const linearAlgebra: readonly BuiltIn[] = [
  {
    name: "I",
    aliases: ["eye", "identity_matrix"],
    doc: "The identity matrix: I(K).",
    parameters: [size("n")],
    result: ([n]) => ({ dtype: "real", shape: [sizeFrom(n), sizeFrom(n)], range: range(1, 1), structure: "diagonal" }),
    lower: (b, [n]) => identity(b, sizeOfArgument(n, "the size of I")),
    diagonal: (b, [n]) => b.broadcastTo(b.constant(1), [sizeOfArgument(n, "the size of I")]),
  },
  {
    name: "diag",
    aliases: ["diag_matrix"],
    doc: "The diagonal matrix of a vector.",
    parameters: [vector("v")],
    result: ([v]) => ({
      dtype: "real",
      shape: v.shape && [v.shape[0], v.shape[0]],
      range: undeclared(v.range),
      structure: "diagonal",
    }),
    lower: (b, [v]) => {
      const n = shapeOf(v)[0];
      return b.select(
        b.eq(b.iota([n, n], 0), b.iota([n, n], 1)),
        b.broadcastTo(b.reshape(asReal(b, v), [n, 1]), [n, n]),
        b.constant(0),
      );
    },
    diagonal: (_b, [v]) => v,
  },
  {
    name: "diagonal",
    doc: "The diagonal of a square matrix.",
    parameters: [square("A")],
    result: ([a]) => ({ dtype: "real", shape: a.shape && [...a.shape.slice(0, -2), sideOf(a)], range: undeclared(a.range) }),
    lower: (b, [a]) => {
      const n = shapeOf(a)[0];
      return b.sum(b.select(b.eq(b.iota([n, n], 0), b.iota([n, n], 1)), asReal(b, a), b.constant(0)), [1]);
    },
  },
  {
    name: "transpose",
    doc: "Last two axes swapped, as A'.",
    parameters: [matrix("A")],
    result: ([a]) => ({
      dtype: a.dtype,
      shape: a.shape && swapped(a.shape),
      range: undeclared(a.range),
      structure: a.structure === "diagonal" ? "diagonal" : undefined,
    }),
    lower: (b, [a]) => transposed(b, a),
  },
  {
    name: "trace",
    doc: "The sum of the diagonal.",
    parameters: [square("A")],
    result: () => ({ dtype: "real", shape: [] }),
    lower: (b, [a]) => b.sum(b.mul(asReal(b, a), identity(b, shapeOf(a)[0]))),
  },
  {
    name: "outer",
    doc: "The matrix of products u[i] * v[j].",
    parameters: [vector("u"), vector("v")],
    result: ([u, v]) => ({
      dtype: "real",
      shape: u.shape && v.shape && [u.shape[0], v.shape[0]],
      range: productOf(u.range, v.range),
    }),
    lower: (b, [u, v]) => b.mul(b.reshape(asReal(b, u), [shapeOf(u)[0], 1]), b.reshape(asReal(b, v), [1, shapeOf(v)[0]])),
  },
  {
    name: "cholesky",
    aliases: ["cholesky_decompose"],
    doc: "The lower triangular L with L @ L' = A.",
    parameters: [square("A")],
    result: ([a]) => ({ dtype: "real", shape: a.shape, structure: "cholesky_cov" }),
    lower: (b, [a]) => b.cholesky(asReal(b, a)),
  },
  solver("solve", [], "The x with A @ x = b.", (b, a, x) => b.solve(a, x)),
  solver("trisolve", ["forwardsolve", "mdivide_left_tri_low"], "The x with L @ x = b, L lower triangular.", (b, l, x) =>
    b.triangularSolve(l, x, { lower: true, transpose: false }),
  ),
  solver("backsolve", [], "The x with U @ x = b, U upper triangular.", (b, u, x) =>
    b.triangularSolve(u, x, { lower: false, transpose: false }),
  ),
  {
    name: "inverse",
    aliases: ["inverse_spd"],
    doc: "The inverse matrix; solve(A, b) is better where it will do.",
    parameters: [square("A")],
    result: ([a]) => ({
      dtype: "real",
      shape: a.shape,
      structure: a.structure === "cov" || a.structure === "corr" ? "cov" : undefined,
    }),
    lower: (b, [a]) => b.solve(asReal(b, a), identity(b, shapeOf(a)[0])),
  },
  {
    name: "log_det",
    aliases: ["logdet", "log_determinant", "log_determinant_spd"],
    doc: "log |det A|.",
    parameters: [square("A")],
    result: () => ({ dtype: "real", shape: [] }),
    lower: (b, [a]) => b.logAbsDet(asReal(b, a)),
  },
  {
    name: "eigenvalues_sym",
    doc: "The eigenvalues of a symmetric matrix, in increasing order.",
    parameters: [square("A")],
    result: ([a]) => ({ dtype: "real", shape: a.shape && [sideOf(a)] }),
    lower: (b, [a]) => b.symmetricEigen(asReal(b, a))[0],
  },
  {
    name: "eigenvectors_sym",
    doc: "The eigenvectors of a symmetric matrix: columns of length 1, their greatest elements positive. Derivatives need eigenvalues apart.",
    parameters: [square("A")],
    result: ([a]) => ({ dtype: "real", shape: a.shape, range: range(-1, 1) }),
    lower: (b, [a]) => b.symmetricEigen(asReal(b, a))[1],
  },
  {
    name: "qr_q",
    aliases: ["qr_thin_Q"],
    doc: "Q of the thin QR decomposition, columns orthonormal.",
    parameters: [matrix("A")],
    result: ([a]) => ({ dtype: "real", shape: a.shape, range: range(-1, 1) }),
    lower: (b, [a]) => b.qr(asReal(b, a))[0],
  },
  {
    name: "qr_r",
    aliases: ["qr_thin_R"],
    doc: "R of the thin QR decomposition, its diagonal not negative.",
    parameters: [matrix("A")],
    result: ([a]) => ({ dtype: "real", shape: a.shape && [sideOf(a), sideOf(a)] }),
    lower: (b, [a]) => b.qr(asReal(b, a))[1],
  },
  {
    name: "crossprod",
    doc: "A' @ A.",
    parameters: [matrix("A")],
    result: ([a]) => ({ dtype: "real", shape: a.shape && [sideOf(a), sideOf(a)] }),
    lower: (b, [a]) => b.matmul(transposed(b, asReal(b, a)), asReal(b, a)),
  },
  {
    name: "tcrossprod",
    aliases: ["multiply_lower_tri_self_transpose"],
    doc: "A @ A': the covariance of a Cholesky factor.",
    parameters: [matrix("A")],
    result: ([a]) => ({ dtype: "real", shape: a.shape && [rowsOf(a), rowsOf(a)], structure: covarianceOf(a) }),
    lower: (b, [a]) => b.matmul(asReal(b, a), transposed(b, asReal(b, a))),
  },
  {
    name: "quad_form",
    aliases: ["quad_form_sym"],
    doc: "x' A x.",
    parameters: [square("A"), vector("x")],
    result: ([a, x]) =>
      sizesFit("quad_form", a, x, sideOf(a), x.shape?.[0]) ?? {
        dtype: "real",
        shape: [],
        range: a.structure === "cov" || a.structure === "corr" ? nonnegative : anyNumber,
      },
    lower: (b, [a, x]) => b.sum(b.mul(asReal(b, x), b.matmul(asReal(b, a), asReal(b, x)))),
  },
  {
    name: "diag_pre_multiply",
    doc: "diag(v) @ A: row i times v[i].",
    parameters: [vector("v"), matrix("A")],
    result: ([v, a]) =>
      sizesFit("diag_pre_multiply", v, a, v.shape?.[0], rowsOf(a)) ?? {
        dtype: "real",
        shape: a.shape,
        range: productOf(v.range, elementRange(a)),
        structure: scaledStructure(a),
      },
    lower: (b, [v, a]) => {
      sameSize("diag_pre_multiply", shapeOf(v)[0], shapeOf(a)[0]);
      return b.mul(b.reshape(asReal(b, v), [shapeOf(v)[0], 1]), asReal(b, a));
    },
  },
  {
    name: "diag_post_multiply",
    doc: "A @ diag(v): column j times v[j].",
    parameters: [matrix("A"), vector("v")],
    result: ([a, v]) =>
      sizesFit("diag_post_multiply", a, v, sideOf(a), v.shape?.[0]) ?? {
        dtype: "real",
        shape: a.shape,
        range: productOf(v.range, elementRange(a)),
      },
    lower: (b, [a, v]) => {
      sameSize("diag_post_multiply", shapeOf(a)[1], shapeOf(v)[0]);
      return b.mul(asReal(b, a), b.reshape(asReal(b, v), [1, shapeOf(v)[0]]));
    },
  },
  {
    name: "quad_form_diag",
    doc: "diag(v) @ A @ diag(v): a covariance of a correlation matrix and scales.",
    parameters: [square("A"), vector("v")],
    result: ([a, v]) =>
      sizesFit("quad_form_diag", a, v, sideOf(a), v.shape?.[0]) ?? {
        dtype: "real",
        shape: a.shape,
        structure: a.structure === "corr" || a.structure === "cov" ? "cov" : undefined,
      },
    lower: (b, [a, v]) => {
      const n = shapeOf(v)[0];
      sameSize("quad_form_diag", shapeOf(a)[0], n);
      return b.mul(b.mul(b.reshape(asReal(b, v), [n, 1]), asReal(b, a)), b.reshape(asReal(b, v), [1, n]));
    },
  },
];

function swapped(shape: readonly Size[]): readonly Size[] {
  const n = shape.length;
  return [...shape.slice(0, -2), shape[n - 1], shape[n - 2]];
}
/** L L' of a Cholesky factor is what it factors. */
const covarianceOf = (a: ValueType): string | undefined =>
  a.structure === "cholesky_corr" ? "corr" : a.structure === "cholesky_cov" ? "cov" : undefined;
