// Tests of draws against probabilities, with stated false-alarm rates; streams are fixed, so that an alarm stays one.
import type { Mass } from "./distribution-mass.ts";

/** Two-sided 10^-6 of a normal. */
export const Z = 4.9;
const FEWEST = 12;

/** Pearson's statistic over cells merged until each expects 12 draws, and the value that it exceeds with probability 5e-7
 *  (Wilson & Hilferty 1931). */
export function chiSquare(
  cells: NonNullable<Mass["cells"]>,
  draws: Float64Array,
): { readonly statistic: number; readonly limit: number } {
  const counts = new Float64Array(cells.masses.length + 1);
  for (const x of draws) {
    const k = cells.of(x);
    counts[k >= 0 && k < cells.masses.length ? k : cells.masses.length]++;
  }
  let [expected, seen, statistic, groups, left] = [0, 0, 0, 0, 1];
  const close = (e: number, n: number): void => {
    statistic += ((n - e) * (n - e)) / e;
    groups++;
  };
  for (let k = 0; k < cells.masses.length; k++) {
    expected += cells.masses[k] * draws.length;
    seen += counts[k];
    left -= cells.masses[k];
    if (expected >= FEWEST && left * draws.length >= FEWEST) {
      close(expected, seen);
      [expected, seen] = [0, 0];
    }
  }
  const beyond = seen + counts[cells.masses.length];
  if (groups === 0) return { statistic: beyond === draws.length ? 0 : Number.POSITIVE_INFINITY, limit: 1 };
  close(Math.max(expected, 1e-9), beyond);
  const f = Math.max(1, groups - 1);
  const root = 1 - 2 / (9 * f) + Z * Math.sqrt(2 / (9 * f));
  return { statistic, limit: f * root * root * root };
}

/** Mean of the values over its standard error; 0 where they do not vary at all. */
export function standardError(values: Float64Array): { readonly mean: number; readonly error: number } {
  const n = values.length;
  const mean = values.reduce((s, v) => s + v, 0) / n;
  const variance = values.reduce((s, v) => s + (v - mean) * (v - mean), 0) / (n - 1);
  return { mean, error: Math.sqrt(variance / n) };
}
