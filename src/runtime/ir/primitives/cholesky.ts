// Cholesky factor of a symmetric positive definite matrix, and its cotangent.
import { ShapeError } from "../../errors.ts";
import { shapeOf, type Value } from "../graph.ts";
import type { Primitive } from "../primitive.ts";
import { real, sameShape } from "../type.ts";
import { allBatched, leadingRows, squareMatrixShape, transposed, triangleMask } from "./axes.ts";
import { hosted } from "./tensor-rules.ts";
import { forEachSystem } from "./triangular.ts";

type NoAttrs = Readonly<Record<string, never>>;

// Lower triangles; the 9s above must not be read.
const definite = [2.6, 9, 9, 0.7, 1.9, 9, -0.4, 0.55, 3.2];
const indefinite = [2.6, 9, 9, 2.7, 1.9, 9, -0.4, 0.55, 3.2];

/** A = L Lᵀ with only the lower triangle of A read, so only that has a cotangent. NaN everywhere where a pivot is not positive. */
export const cholesky: Primitive<NoAttrs> = {
  name: "cholesky",
  type([a]) {
    squareMatrixShape("cholesky", a);
    return [real(a.shape)];
  },
  gradient: (b, [ct], node) => [ct && b.apply(choleskyGradient, [{ node, index: 0 }, ct], {})[0]],
  batch: (b, [a]) => [b.cholesky(a)],
  rows: leadingRows,
  interpret([a], node) {
    const out = new Float64Array(a.length);
    forEachSystem(shapeOf(node.inputs[0]), 0, (start, _right, n) => {
      let failed = false;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j <= i; j++) {
          let value = a[start + i * n + j];
          for (let k = 0; k < j; k++) value -= out[start + i * n + k] * out[start + j * n + k];
          if (i === j && !(value > 0)) failed = true;
          out[start + i * n + j] = i === j ? Math.sqrt(value) : value / out[start + j * n + j];
        }
      }
      if (failed) out.fill(Number.NaN, start, start + n * n);
    });
    return [out];
  },
  wasm: { kind: "routine", routine: "cholesky" },
  tfjs: hosted,
  probes: [
    { inputs: [{ type: real([3, 3]), values: definite }], attrs: {} },
    { inputs: [{ type: real([2, 2, 2]), values: [1.7, 9, 0.6, 0.8, 2.3, 9, -1.1, 1.4] }], attrs: {} },
    { inputs: [{ type: real([1, 1]), values: [2.25] }], attrs: {} },
    { inputs: [{ type: real([3, 3]), values: indefinite }], attrs: {}, singular: true },
  ],
};

/** Ā, lower triangle, of L and L̄ (lower triangles read): Murray 2016 (arXiv:1602.07527) §4, Ā = Φ(S + Sᵀ), S = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹, where Φ
 *  takes the lower triangle and halves the diagonal. Computed by reversing the recurrence of the factorisation element by element
 *  (Smith 1995, J. Comput. Graph. Stat. 4), n³/3 multiplications without a temporary matrix. */
export const choleskyGradient: Primitive<NoAttrs> = {
  name: "choleskyGradient",
  type([l, ct]) {
    squareMatrixShape("choleskyGradient", l);
    if (!sameShape(l.shape, ct.shape)) throw new ShapeError("choleskyGradient needs a factor and a cotangent of one shape");
    return [real(l.shape)];
  },
  /** With R the result, C its cotangent, M = Φ(C) + Φ(C)ᵀ, Y = L⁻¹ M and W = Y L⁻ᵀ symmetric:
   *  the cotangent of L̄ is L Φ(W), that of L is L̄ Φ(W)ᵀ - (R + Rᵀ) M L⁻ᵀ, both on the lower triangle. */
  gradient(b, [ct], node) {
    if (!ct) return [null, null];
    const [l, lCt] = node.inputs;
    const n = shapeOf(l)[shapeOf(l).length - 1];
    const lower = triangleMask(b, n, "lower", 1);
    const phi = (v: Value): Value => b.mul(triangleMask(b, n, "lower", 0.5), v);
    const symmetric = (v: Value): Value => b.add(v, transposed(b, v));
    const forward = (v: Value): Value => b.triangularSolve(l, v, { lower: true, transpose: false });
    const m = symmetric(phi(ct));
    const y = forward(m);
    const w = phi(forward(transposed(b, y)));
    const result = symmetric({ node, index: 0 });
    const ofFactor = b.sub(b.matmul(b.mul(lower, lCt), transposed(b, w)), b.matmul(result, transposed(b, y)));
    return [b.mul(lower, ofFactor), b.mul(lower, b.matmul(b.mul(lower, l), w))];
  },
  batch: (b, inputs, batched) => b.apply(choleskyGradient, allBatched(b, inputs, batched), {}),
  rows: leadingRows,
  interpret([l, lCt], node) {
    const out = new Float64Array(l.length);
    forEachSystem(shapeOf(node.inputs[0]), 0, (start, _right, n) => {
      const ct = Float64Array.from(lCt.subarray(start, start + n * n));
      const at = (i: number, j: number): number => l[start + i * n + j];
      for (let i = n - 1; i >= 0; i--) {
        for (let j = i; j >= 0; j--) {
          const a = ct[i * n + j] / at(j, j);
          if (i !== j) ct[j * n + j] -= a * at(i, j);
          out[start + i * n + j] = i === j ? 0.5 * a : a;
          for (let k = j - 1; k >= 0; k--) {
            ct[i * n + k] -= out[start + i * n + j] * at(j, k);
            ct[j * n + k] -= out[start + i * n + j] * at(i, k);
          }
        }
      }
    });
    return [out];
  },
  wasm: { kind: "routine", routine: "choleskyGradient" },
  tfjs: hosted,
  probes: [
    {
      inputs: [
        { type: real([3, 3]), values: [1.6, 9, 9, 0.4, 1.3, 9, -0.25, 0.5, 1.7] },
        { type: real([3, 3]), values: [0.7, 9, 9, -1.2, 0.45, 9, 0.8, 1.9, -0.65] },
      ],
      attrs: {},
    },
    {
      inputs: [
        { type: real([2, 2, 2]), values: [1.6, 9, 0.4, 1.3, 0.85, 9, -0.35, 1.2] },
        { type: real([2, 2, 2]), values: [0.7, 9, -1.2, 0.45, 1.5, 9, 0.3, -0.8] },
      ],
      attrs: {},
    },
  ],
};
