// A contraction as one product of matrices, with as few transpositions as there can be.
import type { Tensor, TensorOps } from "../../tfjs/tensor-ops.ts";
import type { DotAttrs } from "../graph.ts";
import { sizeOf } from "../type.ts";
import { otherAxes, range } from "./axes.ts";
import { written } from "./tensor-rules.ts";

interface Operand {
  readonly tensor: Tensor;
  /** Its contracted axes stand before its free ones. */
  readonly turned: boolean;
}

/** [batch…, free…, contracted…] or [batch…, contracted…, free…] as a stack of matrices; in the order at hand where that is one of them. */
function matrices(t: TensorOps, x: Tensor, batch: number, contracted: readonly number[]): Operand {
  const rank = x.shape.length;
  const free = otherAxes(rank, [...range(0, batch), ...contracted]);
  const lead = range(0, batch);
  const inOrder = (axes: readonly number[]): boolean => axes.every((axis, i) => axis === i);
  const turned = !inOrder([...lead, ...free, ...contracted]) && inOrder([...lead, ...contracted, ...free]);
  const order = turned ? [...lead, ...contracted, ...free] : [...lead, ...free, ...contracted];
  const sizes = [free, contracted].map((axes) => sizeOf(axes.map((axis) => x.shape[axis])));
  if (turned) sizes.reverse();
  const shape = [...(batch === 0 ? [] : [sizeOf(x.shape.slice(0, batch))]), ...sizes];
  return { tensor: t.reshape(t.transpose(x, order), shape), turned };
}

export const dotRule = written<DotAttrs>((t, xs, { attrs: { batch, left, right }, results: [type] }) => {
  if (type.dtype !== "real") return null;
  const [a, c] = xs.map((x) => t.cast(x, "real"));
  const inner = sizeOf(left.map((axis) => a.shape[axis]));
  const lead = a.shape.slice(0, batch);
  const freeShape = (x: Tensor, own: readonly number[]): number[] =>
    otherAxes(x.shape.length, [...range(0, batch), ...own]).map((axis) => x.shape[axis]);
  const [rows, columns] = [freeShape(a, left), freeShape(c, right)];
  if (inner === 1) {
    const column = t.reshape(a, [...lead, ...rows, ...columns.map(() => 1)]);
    return t.binary("Multiply", column, t.reshape(c, [...lead, ...rows.map(() => 1), ...columns]));
  }
  // The contracted axes in the order that one of the operands has them in: of the other's, perhaps, both.
  const pairs = left.map((axis, i) => [axis, right[i]] as const);
  const bySide = (side: 0 | 1) => [...pairs].sort((p, q) => p[side] - q[side]);
  const moving = (order: readonly (readonly [number, number])[]): number =>
    [a, c].filter((x, side) =>
      moves(
        x,
        batch,
        order.map((p) => p[side]),
      ),
    ).length;
  const order = moving(bySide(0)) <= moving(bySide(1)) ? bySide(0) : bySide(1);
  const ofSide = (side: 0 | 1): number[] => order.map((p) => p[side]);
  if (rows.length === 0 && columns.length === 0 && batch === 0) {
    // Two vectors: a sum, which knows how to add up many terms.
    const flat = [a, c].map((x, side) => t.reshape(t.transpose(x, side === 0 ? ofSide(0) : ofSide(1)), [inner]));
    return t.reduce("Sum", t.binary("Multiply", flat[0], flat[1]), [0]);
  }
  const x = matrices(t, a, batch, ofSide(0));
  const y = matrices(t, c, batch, ofSide(1));
  return t.reshape(t.matMul(x.tensor, y.tensor, x.turned, !y.turned), type.shape);
});

/** Neither order of free and contracted axes is the operand's own. */
function moves(x: Tensor, batch: number, contracted: readonly number[]): boolean {
  const free = otherAxes(x.shape.length, [...range(0, batch), ...contracted]);
  const follows = (axes: readonly number[]): boolean => axes.every((axis, i) => axis === batch + i);
  return !follows([...free, ...contracted]) && !follows([...contracted, ...free]);
}
