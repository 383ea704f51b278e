// Thin QR factorisation.
import { ShapeError } from "../../errors.ts";
import { shapeOf, type Value } from "../graph.ts";
import type { Primitive } from "../primitive.ts";
import { formatShape, real, sizeOf } from "../type.ts";
import { leadingRows, matrixShape, range, transposed, triangleMask } from "./axes.ts";
import { hosted } from "./tensor-rules.ts";

/** A [lead…, n, k], n >= k, is Q R with R upper triangular, its diagonal nonnegative. */
export const qr: Primitive<Readonly<Record<string, never>>> = {
  name: "qr",
  type([a]) {
    const { lead, rows, columns } = matrixShape("qr", a);
    if (rows < columns) throw new ShapeError(`qr needs at least as many rows as columns, not ${formatShape(a.shape)}`);
    return [real(a.shape), real([...lead, columns, columns])];
  },
  /** Walter & Lehmann 2018 (Automatica 94), §4; Liao et al. 2019 (arXiv:1903.09650) eq. 10:
   *  Ā = (Q̄ + Q copyltu(M)) R⁻ᵀ with M = R R̄ᵀ - Q̄ᵀ Q; copyltu mirrors the lower triangle into the upper one. */
  gradient(b, [qCt, rCt], node) {
    const rank = shapeOf(node.inputs[0]).length;
    const columns = shapeOf(node.inputs[0])[rank - 1];
    const q: Value = { node, index: 0 };
    const r: Value = { node, index: 1 };
    const contract = (x: Value, y: Value, left: number, right: number): Value =>
      b.dot(x, y, { batch: rank - 2, left: [left], right: [right] });
    const fromR = rCt && contract(r, b.mul(triangleMask(b, columns, "upper", 1), rCt), rank - 1, rank - 1);
    const fromQ = qCt && contract(qCt, q, rank - 2, rank - 2);
    const m = fromR && fromQ ? b.sub(fromR, fromQ) : (fromR ?? (fromQ && b.neg(fromQ)));
    if (!m) return [null];
    const mirrored = b.add(
      b.mul(triangleMask(b, columns, "lower", 1), m),
      transposed(b, b.mul(triangleMask(b, columns, "lower", 0), m)),
    );
    const product = contract(q, mirrored, rank - 1, rank - 2);
    const total = qCt ? b.add(qCt, product) : product;
    return [transposed(b, b.triangularSolve(r, transposed(b, total), { lower: false, transpose: false }))];
  },
  batch: (b, [a]) => [...b.qr(a)],
  rows: leadingRows,
  /** Modified Gram-Schmidt, every column orthogonalised twice (Giraud, Langou & Rozložník 2005: twice is enough). */
  interpret([a], node) {
    const shape = shapeOf(node.inputs[0]);
    const [n, k] = shape.slice(-2);
    const q = Float64Array.from(a);
    const r = new Float64Array(sizeOf(shape.slice(0, -2)) * k * k);
    range(0, sizeOf(shape.slice(0, -2))).forEach((system) => {
      const [q0, r0] = [system * n * k, system * k * k];
      const product = (i: number, j: number): number =>
        range(0, n).reduce((s, row) => s + q[q0 + row * k + i] * q[q0 + row * k + j], 0);
      for (let j = 0; j < k; j++) {
        for (const _pass of [1, 2]) {
          for (let i = 0; i < j; i++) {
            const share = product(i, j);
            r[r0 + i * k + j] += share;
            for (let row = 0; row < n; row++) q[q0 + row * k + j] -= share * q[q0 + row * k + i];
          }
        }
        const norm = Math.sqrt(product(j, j));
        r[r0 + j * k + j] = norm;
        for (let row = 0; row < n; row++) q[q0 + row * k + j] /= norm;
      }
    });
    return [q, r];
  },
  wasm: { kind: "routine", routine: "qr" },
  tfjs: hosted,
  probes: [
    { inputs: [{ type: real([3, 2]), values: [0.7, -1.3, 2.4, 0.31, -0.52, 1.9] }], attrs: {} },
    { inputs: [{ type: real([2, 2]), values: [0.7, -1.3, 2.4, 0.31] }], attrs: {} },
    {
      inputs: [{ type: real([2, 3, 2]), values: [0.7, -1.3, 2.4, 0.31, -0.52, 1.9, 3.3, -2.2, 0.85, 1.15, -0.4, 0.66] }],
      attrs: {},
    },
    { inputs: [{ type: real([4, 1]), values: [0.7, -1.3, 2.4, 0.31] }], attrs: {} },
  ],
};
