// Reading tensors in another order: views whose elements lie at start + Σ index_k · stride_k.
import { type Numbers, type Shape, sizeOf } from "./type.ts";

/** `count` elements that come one after the other from `at` on in row-major order; those of operand i lie `steps[i]` apart from `from[i]`
 *  on. The arrays are reused. */
type Visit = (at: number, count: number, from: readonly number[], steps: readonly number[]) => void;

/** Calls visit for the lines that several views of one shape are made of. Axes that all views read as one axis are one. */
export function eachLine(shape: Shape, strides: readonly (readonly number[])[], starts: readonly number[], visit: Visit): void {
  const sizes: number[] = [];
  /** By axis, then by view. */
  const steps: number[][] = [];
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const own = strides.map((s) => s[axis]);
    const last = sizes.length - 1;
    if (last >= 0 && own.every((step, i) => steps[last][i] === step * size)) {
      sizes[last] *= size;
      steps[last] = own;
    } else {
      sizes.push(size);
      steps.push(own);
    }
  });
  if (sizeOf(shape) === 0) return;
  const count = sizes.pop() ?? 1;
  const along = steps.pop() ?? starts.map(() => 1);
  const index = sizes.map(() => 0);
  const from = [...starts];
  for (let at = 0; ; at += count) {
    visit(at, count, from, along);
    let axis = sizes.length - 1;
    for (; axis >= 0; axis--) {
      const step = steps[axis];
      for (let i = 0; i < from.length; i++) from[i] += step[i];
      if (++index[axis] < sizes[axis]) break;
      for (let i = 0; i < from.length; i++) from[i] -= sizes[axis] * step[i];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** The elements of the view, row-major. */
export function readStrided(values: Numbers, start: number, shape: Shape, strides: readonly number[]): Float64Array {
  const out = new Float64Array(sizeOf(shape));
  eachLine(shape, [strides], [start], (at, count, from, steps) => copyLine(values, from[0], steps[0], out, at, 1, count));
  return out;
}

/** Where they lie. */
export function stridedPositions(start: number, shape: Shape, strides: readonly number[]): Int32Array {
  const out = new Int32Array(sizeOf(shape));
  eachLine(shape, [strides], [start], (at, count, from, steps) => {
    for (let i = 0; i < count; i++) out[at + i] = from[0] + i * steps[0];
  });
  return out;
}

/** Writes values, row-major, to the places of the view. */
export function writeStrided(out: Float64Array, start: number, shape: Shape, strides: readonly number[], values: Numbers): void {
  eachLine(shape, [strides], [start], (at, count, to, steps) => copyLine(values, at, 1, out, to[0], steps[0], count));
}

function copyLine(
  x: Numbers,
  from: number,
  fromStep: number,
  out: Float64Array,
  to: number,
  toStep: number,
  count: number,
): void {
  if (fromStep === 1 && toStep === 1 && count > 16) out.set(x.subarray(from, from + count), to);
  else for (let i = 0; i < count; i++) out[to + i * toStep] = x[from + i * fromStep];
}
