// Tensor types of the IR: static shapes, three element types.
import { ShapeError } from "../errors.ts";

/** Row-major storage of a tensor's elements. Interpreted values are always Float64Array; residents and inputs may be narrower. */
export type Numbers = Float64Array | Int32Array | Uint8Array;
/** Only `real` has cotangents. Ints are exact integers, bools are 0 or 1; both are held in float64 by the interpreter. */
export type DType = "real" | "int" | "bool";
export type Shape = readonly number[];
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

export const real = (shape: Shape = []): TensorType => ({ shape, dtype: "real" });
export const int = (shape: Shape = []): TensorType => ({ shape, dtype: "int" });
export const bool = (shape: Shape = []): TensorType => ({ shape, dtype: "bool" });

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let s = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = s;
    s *= shape[i];
  }
  return strides;
}

/** NumPy's rule: aligned at the right, an axis of size 1 stretches. Throws ShapeError. */
export function broadcastShapes(...shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const s of shapes) {
    for (let i = 0; i < s.length; i++) {
      const at = rank - s.length + i;
      if (s[i] === out[at] || s[i] === 1) continue;
      if (out[at] !== 1) throw new ShapeError(`shapes ${shapes.map(formatShape).join(" and ")} do not fit together`);
      out[at] = s[i];
    }
  }
  return out;
}

export const formatShape = (s: Shape): string => `[${s.join(", ")}]`;
export const formatType = (t: TensorType): string => (t.shape.length === 0 ? t.dtype : `${t.dtype}${formatShape(t.shape)}`);
