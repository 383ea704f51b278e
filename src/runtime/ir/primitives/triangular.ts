// Systems of linear equations with a triangular matrix, and with any.
import { ShapeError } from "../../errors.ts";
import { type Builder, dtypeOf, shapeOf, type Value } from "../graph.ts";
import type { Primitive } from "../primitive.ts";
import { formatShape, real, type Shape, sameShape, sizeOf, type TensorType } from "../type.ts";
import { allBatched, leadingRows, matrixShape, range, squareMatrixShape, triangleMask } from "./axes.ts";
import { hosted } from "./tensor-rules.ts";

export interface TriangularSolveAttrs {
  readonly lower: boolean;
  readonly transpose: boolean;
}

/** Checks A [lead…, n, n] against b [lead…, n, m] and gives the solution's type. */
export function solutionType(name: string, a: TensorType, right: TensorType): TensorType {
  const { lead, n } = squareMatrixShape(name, a);
  const { lead: rightLead, rows } = matrixShape(name, right);
  if (rows !== n || !sameShape(lead, rightLead)) {
    throw new ShapeError(`${name}: ${formatShape(a.shape)} and a right side of ${formatShape(right.shape)} do not fit`);
  }
  return real(right.shape);
}

/** Batch rule of a solver that is linear in its right sides: when only they are batched, [B, lead…, n, m] is [lead…, n, B m], one
 *  system with many right sides. */
export function batchSolver(
  b: Builder,
  inputs: readonly Value[],
  batched: readonly boolean[],
  solve: (a: Value, right: Value) => Value,
): Value {
  if (batched[0]) {
    const [a, right] = allBatched(b, inputs, batched);
    return solve(a, right);
  }
  const [a, right] = inputs;
  const shape = shapeOf(right);
  const rank = shape.length;
  const [size, m] = [shape[0], shape[rank - 1]];
  const together = b.reshape(b.transpose(right, [...range(1, rank - 1), 0, rank - 1]), [...shape.slice(1, -1), size * m]);
  const apart = b.reshape(solve(a, together), [...shape.slice(1, -1), size, m]);
  return b.transpose(apart, [rank - 2, ...range(0, rank - 2), rank - 1]);
}

/** Product of matrices with equal leading axes: a [lead…, n, k], c [lead…, m, k] gives a c' [lead…, n, m]. */
export function timesTransposed(b: Builder, a: Value, c: Value): Value {
  const rank = shapeOf(a).length;
  return b.dot(a, c, { batch: rank - 2, left: [rank - 1], right: [rank - 1] });
}

/** Calls visit(start of the n x n matrix, start of the n x m right side) for each element of the leading axes. */
export function forEachSystem(shape: Shape, columns: number, visit: (a: number, right: number, n: number) => void): void {
  const n = shape[shape.length - 1];
  const count = sizeOf(shape.slice(0, -2));
  for (let s = 0; s < count; s++) visit(s * n * n, s * n * columns, n);
}

const lowerMatrix = [1.7, 9, 9, -0.6, 2.2, 9, 0.45, 1.3, 0.9]; // the 9s must not be read
const upperMatrix = [1.7, -0.6, 0.45, 9, 2.2, 1.3, 9, 9, -0.9];
const sides = [0.8, -1.4, 2.3, 0.35, -0.75, 1.6];

export const triangularSolve: Primitive<TriangularSolveAttrs> = {
  name: "triangularSolve",
  type: ([t, right]) => [solutionType("triangularSolve", t, right)],
  /** x = T⁻¹ b:  b̄ = T⁻ᵀ x̄,  T̄ = -b̄ xᵀ on the triangle that is read. With T transposed T̄ = -x b̄ᵀ. */
  gradient(b, [ct], node) {
    if (!ct) return [null, null];
    const [t, right] = node.inputs;
    const { lower, transpose } = node.attrs;
    const x = { node, index: 0 };
    const rightCt = b.triangularSolve(t, ct, { lower, transpose: !transpose });
    const mask = triangleMask(b, shapeOf(t)[shapeOf(t).length - 1], lower ? "lower" : "upper", 1);
    const tCt = transpose ? timesTransposed(b, x, rightCt) : timesTransposed(b, rightCt, x);
    return [dtypeOf(t) === "real" ? b.neg(b.mul(mask, tCt)) : null, dtypeOf(right) === "real" ? rightCt : null];
  },
  batch: (b, inputs, batched, attrs) => [batchSolver(b, inputs, batched, (t, right) => b.triangularSolve(t, right, attrs))],
  rows: leadingRows,
  interpret([t, right], node) {
    const { lower, transpose } = node.attrs;
    const shape = shapeOf(node.inputs[0]);
    const m = shapeOf(node.inputs[1])[shape.length - 1];
    const out = Float64Array.from(right);
    forEachSystem(shape, m, (a0, b0, n) => {
      const at = (i: number, j: number): number => (transpose ? t[a0 + j * n + i] : t[a0 + i * n + j]);
      const forward = lower !== transpose; // the matrix that is solved with is lower triangular
      for (let step = 0; step < n; step++) {
        const i = forward ? step : n - 1 - step;
        for (let c = 0; c < m; c++) {
          let value = out[b0 + i * m + c];
          for (const j of forward ? range(0, i) : range(i + 1, n)) value -= at(i, j) * out[b0 + j * m + c];
          out[b0 + i * m + c] = value / at(i, i);
        }
      }
    });
    return [out];
  },
  wasm: { kind: "routine", routine: "triangularSolve" },
  tfjs: hosted,
  probes: [
    ...[false, true].flatMap((transpose) => [
      {
        inputs: [
          { type: real([3, 3]), values: lowerMatrix },
          { type: real([3, 2]), values: sides },
        ],
        attrs: { lower: true, transpose },
      },
      {
        inputs: [
          { type: real([3, 3]), values: upperMatrix },
          { type: real([3, 1]), values: sides.slice(0, 3) },
        ],
        attrs: { lower: false, transpose },
      },
    ]),
    {
      inputs: [
        { type: real([2, 3, 3]), values: [...lowerMatrix, ...lowerMatrix.map((v) => 0.5 * v + 0.2)] },
        { type: real([2, 3, 1]), values: sides },
      ],
      attrs: { lower: true, transpose: false },
    },
  ],
};
