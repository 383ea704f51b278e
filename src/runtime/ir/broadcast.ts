// Broadcasting: elementwise loops over operands of different shapes, and its adjoint, the sum over the axes that stretched.
import { InternalError } from "../errors.ts";
import { type Builder, shapeOf, type Value } from "./graph.ts";
import { type Numbers, type Shape, sameShape, sizeOf } from "./type.ts";

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
  const strides = broadcastStrides(from, shape);
  const positions = new Int32Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let n = 0; n < positions.length; n++) {
    positions[n] = at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return positions;
}

type Read = (n: number) => number;
function reader(values: Numbers, from: Shape, shape: Shape): Read {
  if (sameShape(from, shape)) return (n) => values[n];
  if (values.length === 1) {
    const only = values[0];
    return () => only;
  }
  const positions = broadcastPositions(from, shape);
  return (n) => values[positions[n]];
}

/** f applied to the elements of the operands, broadcast to `shape`. */
export function mapElements(
  f: (...xs: number[]) => number,
  operands: readonly Numbers[],
  shapes: readonly Shape[],
  shape: Shape,
): Float64Array {
  const out = new Float64Array(sizeOf(shape));
  const read = operands.map((values, i) => reader(values, shapes[i], shape));
  if (read.length === 1) for (let n = 0; n < out.length; n++) out[n] = f(read[0](n));
  else if (read.length === 2) for (let n = 0; n < out.length; n++) out[n] = f(read[0](n), read[1](n));
  else for (let n = 0; n < out.length; n++) out[n] = f(...read.map((r) => r(n)));
  return out;
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
