// Contraction of two tensors over any axes: dot, matrix products and outer products are instances.
import { ShapeError } from "../../errors.ts";
import { type Builder, type DotAttrs, dtypeOf, shapeOf, type Value } from "../graph.ts";
import type { Primitive } from "../primitive.ts";
import { formatShape, int, real, type Shape, sizeOf, stridesOf } from "../type.ts";
import { checkAxes, forEachIndex, joinDTypes, moveAxis, otherAxes, range } from "./axes.ts";
import { dotRule } from "./tensor-dot.ts";

/** Axes of an operand that are neither batch nor contracted, ascending. */
const freeAxes = (rank: number, batch: number, contracted: readonly number[]): number[] =>
  otherAxes(rank, [...range(0, batch), ...contracted]);

/** Cotangent of one operand: the result's cotangent contracted with the other operand over that one's free axes. `axesInCt` says where
 *  these lie in the cotangent; what is left of the other operand are its contracted axes, ascending. */
function operandCotangent(
  b: Builder,
  ct: Value,
  ctFree: readonly number[],
  other: Value,
  batch: number,
  own: readonly number[],
  others: readonly number[],
  rank: number,
): Value {
  const otherRank = shapeOf(other).length;
  const raw = b.dot(ct, other, { batch, left: ctFree, right: freeAxes(otherRank, batch, others) });
  // raw's axes: batch, own free axes, then own[i] for the other's contracted axes in ascending order
  const order = [
    ...range(0, batch),
    ...freeAxes(rank, batch, own),
    ...[...others].sort((i, j) => i - j).map((axis) => own[others.indexOf(axis)]),
  ];
  return b.transpose(
    raw,
    range(0, rank).map((axis) => order.indexOf(axis)),
  );
}

const wide = [0.7, -1.3, 2.4, 0.31, -0.52, 1.9, 3.3, -2.2, 0.85, 1.15, -0.4, 0.66];
const other = [1.25, -0.6, 0.45, 2.1, -1.7, 0.9, 0.35, -0.8, 1.6, 0.55, -2.3, 1.05];

export const dot: Primitive<DotAttrs> = {
  name: "dot",
  type([a, c], { batch, left, right }) {
    checkAxes("dot", left, a.shape.length);
    checkAxes("dot", right, c.shape.length);
    const fits =
      left.length === right.length &&
      left.every((axis, i) => axis >= batch && right[i] >= batch && a.shape[axis] === c.shape[right[i]]) &&
      range(0, batch).every((i) => i < a.shape.length && a.shape[i] === c.shape[i]);
    if (!fits) throw new ShapeError(`a product of ${formatShape(a.shape)} and ${formatShape(c.shape)} does not fit`);
    const free = (shape: Shape, axes: readonly number[]): number[] => freeAxes(shape.length, batch, axes).map((i) => shape[i]);
    return [{ shape: [...a.shape.slice(0, batch), ...free(a.shape, left), ...free(c.shape, right)], dtype: joinDTypes([a, c]) }];
  },
  gradient(b, [ct], { inputs: [a, c], attrs: { batch, left, right } }) {
    if (!ct) return [null, null];
    const [aRank, cRank] = [shapeOf(a).length, shapeOf(c).length];
    const split = aRank - left.length; // in ct: batch, a's free axes up to here, then c's free axes
    const aCt = (): Value => operandCotangent(b, ct, range(split, shapeOf(ct).length), c, batch, left, right, aRank);
    const cCt = (): Value => operandCotangent(b, ct, range(batch, split), a, batch, right, left, cRank);
    return [dtypeOf(a) === "real" ? aCt() : null, dtypeOf(c) === "real" ? cCt() : null];
  },
  /** Both batched: one more shared axis. One batched: its axis is one more free axis. */
  batch(b, [a, c], [aBatched, cBatched], { batch, left, right }) {
    const later = (axes: readonly number[]): number[] => axes.map((i) => i + 1);
    if (aBatched && cBatched) return [b.dot(a, c, { batch: batch + 1, left: later(left), right: later(right) })];
    if (aBatched) return [moveAxis(b, b.dot(moveAxis(b, a, 0, batch), c, { batch, left: later(left), right }), batch, 0)];
    const aFree = shapeOf(a).length - left.length;
    return [moveAxis(b, b.dot(a, moveAxis(b, c, 0, batch), { batch, left, right: later(right) }), aFree, 0)];
  },
  rows({ inputs: [a, c], attrs: { batch, left, right } }, axis) {
    if (axis < batch) return { inputs: [axis, axis] };
    const aFree = freeAxes(shapeOf(a).length, batch, left);
    const cFree = freeAxes(shapeOf(c).length, batch, right);
    const free = axis - batch;
    return { inputs: free < aFree.length ? [aFree[free], null] : [null, cFree[free - aFree.length]] };
  },
  interpret([a, c], node) {
    const { batch, left, right } = node.attrs;
    const [aShape, cShape] = node.inputs.map(shapeOf);
    const [aStrides, cStrides] = [stridesOf(aShape), stridesOf(cShape)];
    const aFree = freeAxes(aShape.length, batch, left);
    const cFree = freeAxes(cShape.length, batch, right);
    const contracted = left.map((axis) => aShape[axis]);
    const out = new Float64Array(sizeOf(node.results[0].shape));
    forEachIndex(node.results[0].shape, (flat, index) => {
      let aStart = 0;
      let cStart = 0;
      for (let i = 0; i < batch; i++) {
        aStart += index[i] * aStrides[i];
        cStart += index[i] * cStrides[i];
      }
      aFree.forEach((axis, i) => {
        aStart += index[batch + i] * aStrides[axis];
      });
      cFree.forEach((axis, i) => {
        cStart += index[batch + aFree.length + i] * cStrides[axis];
      });
      let total = 0;
      forEachIndex(contracted, (_flat, k) => {
        let aAt = aStart;
        let cAt = cStart;
        for (let i = 0; i < k.length; i++) {
          aAt += k[i] * aStrides[left[i]];
          cAt += k[i] * cStrides[right[i]];
        }
        total += a[aAt] * c[cAt];
      });
      out[flat] = total;
    });
    return [out];
  },
  wasm: { kind: "contract", routine: "dot" },
  finiteDerivative: "of finite inputs", // a guard would be one more pass over the cotangent beside every product of matrices
  tfjs: dotRule,
  probes: [
    {
      inputs: [
        { type: real([3]), values: wide.slice(0, 3) },
        { type: real([3]), values: other.slice(0, 3) },
      ],
      attrs: { batch: 0, left: [0], right: [0] },
    },
    {
      inputs: [
        { type: real([3, 4]), values: wide },
        { type: real([4]), values: other.slice(0, 4) },
      ],
      attrs: { batch: 0, left: [1], right: [0] },
    },
    {
      inputs: [
        { type: real([2, 3]), values: wide.slice(0, 6) },
        { type: real([3, 4]), values: other },
      ],
      attrs: { batch: 0, left: [1], right: [0] },
    },
    {
      inputs: [
        { type: real([2, 3, 2]), values: wide },
        { type: real([2, 2, 3]), values: other },
      ],
      attrs: { batch: 1, left: [2], right: [1] },
    },
    {
      inputs: [
        { type: real([2, 3, 2]), values: wide },
        { type: real([2, 4, 1]), values: other.slice(0, 8) },
      ],
      attrs: { batch: 1, left: [], right: [] },
    },
    {
      inputs: [
        { type: real([2, 3, 2]), values: wide },
        { type: real([3, 2, 2]), values: other },
      ],
      attrs: { batch: 0, left: [2, 1], right: [1, 0] },
    },
    {
      inputs: [
        { type: real([2]), values: wide.slice(0, 2) },
        { type: real([3]), values: other.slice(0, 3) },
      ],
      attrs: { batch: 0, left: [], right: [] },
    },
    {
      inputs: [
        { type: int([2, 3]), values: [3, 5, 2, 7, 4, 6] },
        { type: real([3]), values: other.slice(0, 3) },
      ],
      attrs: { batch: 0, left: [1], right: [0] },
    },
  ],
};
