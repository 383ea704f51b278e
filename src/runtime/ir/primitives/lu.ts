// General square systems and determinants, by LU with partial pivoting.
import { log as hostLog } from "../../numeric/math.ts";
import { dtypeOf, shapeOf } from "../graph.ts";
import type { Primitive } from "../primitive.ts";
import { type Numbers, real, sizeOf } from "../type.ts";
import { identityMatrix, leadingRows, squareMatrixShape, transposed } from "./axes.ts";
import { hosted } from "./tensor-rules.ts";
import { batchSolver, forEachSystem, solutionType, timesTransposed } from "./triangular.ts";

type NoAttrs = Readonly<Record<string, never>>;

/** Gaussian elimination with partial pivoting (Golub & Van Loan §3.4) of the n x n matrix at `start`, applied to m right sides in
 *  place. Returns the eliminated matrix, its pivots on the diagonal. */
function eliminate(a: Numbers, start: number, n: number, right: Float64Array, rightStart: number, m: number): Float64Array {
  const u = Float64Array.from(a.subarray(start, start + n * n));
  const swapRows = (v: Float64Array, at: number, width: number, i: number, j: number): void => {
    for (let c = 0; c < width; c++)
      [v[at + i * width + c], v[at + j * width + c]] = [v[at + j * width + c], v[at + i * width + c]];
  };
  for (let k = 0; k < n; k++) {
    let pivot = k;
    // NaN must not be passed over for a pivot of 0
    for (let i = k + 1; i < n; i++)
      if (Math.abs(u[i * n + k]) > Math.abs(u[pivot * n + k]) || Number.isNaN(u[i * n + k])) pivot = i;
    swapRows(u, 0, n, k, pivot);
    swapRows(right, rightStart, m, k, pivot);
    if (u[k * n + k] === 0) continue; // the column is zero already
    for (let i = k + 1; i < n; i++) {
      const factor = u[i * n + k] / u[k * n + k];
      for (let j = k; j < n; j++) u[i * n + j] -= factor * u[k * n + j];
      for (let c = 0; c < m; c++) right[rightStart + i * m + c] -= factor * right[rightStart + k * m + c];
    }
  }
  return u;
}

const square = [0.7, -1.3, 2.4, 2.31, -0.52, 1.9, 1.3, -2.2, 0.85];
const sides = [0.8, -1.4, 2.3, 0.35, -0.75, 1.6];

export const solve: Primitive<NoAttrs> = {
  name: "solve",
  type: ([a, right]) => [solutionType("solve", a, right)],
  /** x = A⁻¹ b:  b̄ = A⁻ᵀ x̄,  Ā = -b̄ xᵀ. */
  gradient(b, [ct], node) {
    if (!ct) return [null, null];
    const [a, right] = node.inputs;
    const rightCt = b.solve(transposed(b, a), ct);
    const aCt = dtypeOf(a) === "real" ? b.neg(timesTransposed(b, rightCt, { node, index: 0 })) : null;
    return [aCt, dtypeOf(right) === "real" ? rightCt : null];
  },
  batch: (b, inputs, batched) => [batchSolver(b, inputs, batched, (a, right) => b.solve(a, right))],
  rows: leadingRows,
  interpret([a, right], node) {
    const shape = shapeOf(node.inputs[0]);
    const m = shapeOf(node.inputs[1])[shape.length - 1];
    const out = Float64Array.from(right);
    forEachSystem(shape, m, (a0, b0, n) => {
      const u = eliminate(a, a0, n, out, b0, m);
      for (let i = n - 1; i >= 0; i--) {
        for (let c = 0; c < m; c++) {
          let value = out[b0 + i * m + c];
          for (let j = i + 1; j < n; j++) value -= u[i * n + j] * out[b0 + j * m + c];
          out[b0 + i * m + c] = value / u[i * n + i];
        }
      }
    });
    return [out];
  },
  wasm: { kind: "routine", routine: "solve" },
  tfjs: hosted,
  probes: [
    {
      inputs: [
        { type: real([3, 3]), values: square },
        { type: real([3, 2]), values: sides },
      ],
      attrs: {},
    },
    {
      inputs: [
        { type: real([2, 2, 2]), values: [0.3, -1.3, 2.4, 0.31, 1.52, 1.9, 1.3, -2.2] },
        { type: real([2, 2, 1]), values: sides.slice(0, 4) },
      ],
      attrs: {},
    },
  ],
};

export const logAbsDet: Primitive<NoAttrs> = {
  name: "logAbsDet",
  type([a]) {
    return [real(squareMatrixShape("logAbsDet", a).lead)];
  },
  /** Ā = ct A⁻ᵀ */
  gradient(b, [ct], { inputs: [a] }) {
    if (!ct) return [null];
    const shape = shapeOf(a);
    const identity = b.broadcastTo(identityMatrix(b, shape[shape.length - 1]), shape);
    return [b.mul(b.reshape(ct, [...shape.slice(0, -2), 1, 1]), b.solve(transposed(b, a), identity))];
  },
  batch: (b, [a]) => [b.logAbsDet(a)],
  rows: leadingRows,
  interpret([a], node) {
    const shape = shapeOf(node.inputs[0]);
    const out = new Float64Array(sizeOf(shape.slice(0, -2)));
    let next = 0;
    forEachSystem(shape, 0, (start, _right, n) => {
      const u = eliminate(a, start, n, new Float64Array(0), 0, 0);
      let total = 0;
      for (let i = 0; i < n; i++) total += hostLog(Math.abs(u[i * n + i]));
      out[next++] = total;
    });
    return [out];
  },
  wasm: { kind: "routine", routine: "logAbsDet" },
  tfjs: hosted,
  probes: [
    { inputs: [{ type: real([3, 3]), values: square }], attrs: {} },
    { inputs: [{ type: real([2, 2, 2]), values: [0.3, -1.3, 2.4, 0.31, 1.52, 1.9, 1.3, -2.2] }], attrs: {} },
  ],
};
