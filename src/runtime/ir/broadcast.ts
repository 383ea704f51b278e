// Broadcasting: elementwise loops over operands of different shapes, and its adjoint, the sum over the axes that stretched.
import { InternalError } from "../errors.ts";
import { type Builder, shapeOf, type Value } from "./graph.ts";
import { eachLine, stridedPositions } from "./strided.ts";
import { type Numbers, type Shape, sameShape, sizeOf, stridesOf } from "./type.ts";

/** Strides with which an operand of shape `from` is read along the axes of `to`: 0 where it is stretched. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = new Array<number>(to.length).fill(0);
  let stride = 1;
  for (let i = from.length - 1; i >= 0; i--) {
    if (from[i] !== 1) strides[to.length - from.length + i] = stride;
    stride *= from[i];
  }
  return strides;
}

/** For each element of `shape` in row-major order, the position of the operand's element that it reads. */
export function broadcastPositions(from: Shape, shape: Shape): Int32Array {
  return stridedPositions(0, shape, broadcastStrides(from, shape));
}

/** out[at + k] = f(x[i + k p], y[j + k q]) for k < count. */
export type HostLoop = (
  out: Float64Array,
  at: number,
  count: number,
  x: Numbers,
  i: number,
  p: number,
  y: Numbers,
  j: number,
  q: number,
) => void;
/** A function of elements; with a loop over arrays of them where it has one, see primitives/pointwise.ts. */
interface ElementFunction {
  host(...xs: number[]): number;
  hostLoop?: HostLoop;
}

/** The function applied to the elements of the operands, broadcast to `shape`. */
export function mapElements(
  { host: f, hostLoop }: ElementFunction,
  operands: readonly Numbers[],
  shapes: readonly Shape[],
  shape: Shape,
): Float64Array {
  const out = new Float64Array(sizeOf(shape));
  const [x, y = x, z] = operands;
  const strides = shapes.map((from) => broadcastStrides(from, shape));
  const starts = shapes.map(() => 0);
  switch (operands.length) {
    case 1:
      eachLine(shape, strides, starts, (at, count, from, steps) => {
        const i = from[0];
        const p = steps[0];
        if (hostLoop) hostLoop(out, at, count, x, i, p, x, i, p);
        else for (let k = 0; k < count; k++) out[at + k] = f(x[i + k * p]);
      });
      return out;
    case 2:
      eachLine(shape, strides, starts, (at, count, from, steps) => {
        if (hostLoop) return hostLoop(out, at, count, x, from[0], steps[0], y, from[1], steps[1]);
        for (let k = 0; k < count; k++) out[at + k] = f(x[from[0] + k * steps[0]], y[from[1] + k * steps[1]]);
      });
      return out;
    case 3:
      eachLine(shape, strides, starts, (at, count, from, steps) => {
        for (let k = 0; k < count; k++)
          out[at + k] = f(x[from[0] + k * steps[0]], y[from[1] + k * steps[1]], z[from[2] + k * steps[2]]);
      });
      return out;
    default:
      eachLine(shape, strides, starts, (at, count, from, steps) => {
        for (let k = 0; k < count; k++) out[at + k] = f(...operands.map((v, i) => v[from[i] + k * steps[i]]));
      });
      return out;
  }
}

/** The adjoint of broadcasting `shape` to g's shape: g summed over the axes that were stretched. */
export function sumToShape(b: Builder, g: Value, shape: Shape): Value {
  const from = shapeOf(g);
  if (sameShape(from, shape)) return g;
  if (from.length < shape.length) throw new InternalError(`a cotangent of shape [${from}] for a value of shape [${shape}]`);
  const extra = from.length - shape.length;
  const axes = from.flatMap((size, axis) => (axis < extra || (shape[axis - extra] === 1 && size !== 1) ? [axis] : []));
  return b.reshape(b.sum(g, axes), shape);
}

/** Flat place in an array of shape `own`, broadcast from the right to `shape`, of a flat place in the latter. */
export function broadcastIndex(flat: number, shape: Shape, own: Shape): number {
  const strides = stridesOf(own);
  let rest = flat;
  let at = 0;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const index = rest % shape[axis];
    rest = (rest - index) / shape[axis];
    const k = axis - (shape.length - own.length);
    if (k >= 0 && own[k] !== 1) at += index * strides[k];
  }
  return at;
}
