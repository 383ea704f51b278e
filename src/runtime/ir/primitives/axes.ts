// Axis arithmetic shared by the rules of the structural primitives.
import { InternalError, ShapeError } from "../../errors.ts";
import type { Builder, Node, Value } from "../graph.ts";
import { shapeOf } from "../graph.ts";
import type { RowsRule } from "../rows.ts";
import { type DType, formatShape, type Shape, sizeOf, type TensorType } from "../type.ts";

/** Size of the new leading axis in a batch rule: that of any batched input. */
export function batchSizeOf(inputs: readonly Value[], batched: readonly boolean[]): number {
  const at = batched.indexOf(true);
  if (at < 0) throw new InternalError("a batch rule was asked for without a batched input");
  return shapeOf(inputs[at])[0];
}

/** The inputs of a batch rule, all with the leading axis: those that lack it are repeated along it. */
export function allBatched(b: Builder, inputs: readonly Value[], batched: readonly boolean[]): Value[] {
  const size = batchSizeOf(inputs, batched);
  return inputs.map((v, i) => (batched[i] ? v : b.broadcastTo(v, [size, ...shapeOf(v)])));
}

/** The value with one axis taken out and put back at another place. */
export function moveAxis(b: Builder, v: Value, from: number, to: number): Value {
  if (from === to) return v;
  const permutation = shapeOf(v)
    .map((_, i) => i)
    .filter((i) => i !== from);
  permutation.splice(to, 0, from);
  return b.transpose(v, permutation);
}

export const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** Axes of the rank that are not in the list, ascending. */
export const otherAxes = (rank: number, axes: readonly number[]): number[] => range(0, rank).filter((i) => !axes.includes(i));

export function checkAxes(name: string, axes: readonly number[], rank: number): void {
  axes.forEach((axis, i) => {
    if (!Number.isInteger(axis) || axis < 0 || axis >= rank)
      throw new ShapeError(`${name}: axis ${axis} does not exist in a tensor of ${rank} axes`);
    if (axes.indexOf(axis) !== i) throw new ShapeError(`${name}: axis ${axis} is named twice`);
  });
}

/** Real if any is: an integer or a truth value beside a real counts as one. Otherwise int. */
export const joinDTypes = (types: readonly TensorType[]): DType => (types.some((t) => t.dtype === "real") ? "real" : "int");

/** The shape in front of the last two axes, and those two: matrices are [lead…, rows, columns]. */
export function matrixShape(
  name: string,
  type: TensorType,
): { readonly lead: Shape; readonly rows: number; readonly columns: number } {
  const { shape } = type;
  if (shape.length < 2) throw new ShapeError(`${name} needs a matrix, not a tensor of shape ${formatShape(shape)}`);
  return { lead: shape.slice(0, -2), rows: shape[shape.length - 2], columns: shape[shape.length - 1] };
}
export function squareMatrixShape(name: string, type: TensorType): { readonly lead: Shape; readonly n: number } {
  const { lead, rows, columns } = matrixShape(name, type);
  if (rows !== columns) throw new ShapeError(`${name} needs a square matrix, not ${rows} by ${columns}`);
  return { lead, n: rows };
}

/** Swaps the last two axes. */
export function transposed(b: Builder, v: Value): Value {
  const rank = shapeOf(v).length;
  return b.transpose(v, [...range(0, rank - 2), rank - 1, rank - 2]);
}

/** Matrix of ones in a triangle: `diagonal` is the value on the diagonal itself. */
export function triangleMask(b: Builder, n: number, triangle: "lower" | "upper", diagonal: number): Value {
  const mask = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++)
      if (i === j) mask[i * n + j] = diagonal;
      else if (triangle === "lower" ? j < i : j > i) mask[i * n + j] = 1;
  }
  return b.tensor(mask, [n, n]);
}

export function identityMatrix(b: Builder, n: number): Value {
  const values = new Float64Array(n * n);
  for (let i = 0; i < n; i++) values[i * n + i] = 1;
  return b.tensor(values, [n, n]);
}

/** Calls visit(flat index, index) for each element of the shape in row-major order; the index array is reused. */
export function forEachIndex(shape: Shape, visit: (flat: number, index: readonly number[]) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  const total = sizeOf(shape);
  for (let flat = 0; flat < total; flat++) {
    visit(flat, index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/** Rows of stacked matrices: an axis in front of the last two, the same of every operand. */
export function leadingRows(node: Node, axis: number): RowsRule | null {
  const lead = shapeOf(node.inputs[0]).length - 2;
  return axis < lead ? { inputs: node.inputs.map(() => axis) } : null;
}
