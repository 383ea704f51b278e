// Draws from weighted draws.
import { exp } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";

/** Indices of `count` independent draws, with replacement, by normalised log weights. */
export function resampled(logWeights: Float64Array, count: number, rng: Rng): Int32Array {
  const n = logWeights.length;
  const cumulative = new Float64Array(n);
  let total = 0;
  for (let i = 0; i < n; i++) cumulative[i] = total += exp(logWeights[i]);
  return Int32Array.from({ length: count }, () => {
    const at = rng.uniform() * total;
    let low = 0;
    let high = n - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle] > at) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}

export function takeRowsAt(values: Float64Array, width: number, rows: Int32Array): Float64Array {
  const out = new Float64Array(rows.length * width);
  rows.forEach((row, i) => {
    out.set(values.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}
