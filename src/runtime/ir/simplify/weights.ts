// Constant weights of the elements of a sum: one number where all are equal.
import { accurateSum } from "../primitives/reduce.ts";
import type { Positions } from "./positions.ts";

export type Weights = number | Float64Array;

export function mapWeights(w: Weights, values: Float64Array, f: (w: number, x: number) => number): Weights {
  return condensed(values.map((x, i) => f(weightAt(w, i), x)));
}
export const scaleWeights = (w: Weights, factor: number): Weights =>
  typeof w === "number" ? w * factor : w.map((x) => x * factor);
export const weightAt = (w: Weights, row: number): number => (typeof w === "number" ? w : w[row]);

export function condensed(w: Float64Array): Weights {
  return w.length > 0 && w.every((x) => x === w[0]) ? w[0] : w;
}

/** Σ w_n source[positions_n] over `rows` rows = Σ_i weights_i source_i. */
export function foldWeights(w: Weights, rows: number, positions: Positions, size: number): Weights {
  if (positions === null) return w;
  if (size === 1) return typeof w === "number" ? w * rows : accurateSum(w);
  const out = new Float64Array(size);
  for (let n = 0; n < rows; n++) out[positions[n]] += weightAt(w, n);
  return condensed(out);
}

/** Σ w x */
export function weighted(w: Weights, values: Float64Array): number {
  return typeof w === "number" ? w * accurateSum(values) : accurateSum(values.map((x, i) => w[i] * x));
}
