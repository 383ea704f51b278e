// Quantiles of draws (Hyndman and Fan 1996, type 7: that of R, NumPy, ArviZ and Stan's summaries).
import type { DrawnScalar } from "./column.ts";

/** NaN when any value is. */
export function quantile(x: DrawnScalar, probability: number): number {
  return x.hasNaN ? Number.NaN : sortedQuantile(x.sorted, probability);
}

/** Linear between order statistics: position (n - 1) p. */
export function sortedQuantile(sorted: Float64Array, probability: number): number {
  const n = sorted.length;
  if (n === 0) return Number.NaN;
  const position = (n - 1) * probability;
  const below = Math.min(n - 1, Math.floor(position));
  const lower = sorted[below];
  const weight = position - below;
  if (weight === 0 || below === n - 1) return lower;
  const upper = sorted[below + 1];
  return lower === upper ? lower : (1 - weight) * lower + weight * upper;
}
