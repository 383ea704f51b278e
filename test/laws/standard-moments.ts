// Whether numbers are draws of a standard normal distribution, by their first four moments.
import { expect } from "vitest";

/** Of a standard normal: means 0, 1, 0, 3 with variances 1, 2, 15, 96. */
const MOMENTS = [
  [1, 0, 1],
  [2, 1, 2],
  [3, 0, 15],
  [4, 3, 96],
] as const;

/** Each moment of independent draws within so many of its standard errors. */
export function expectStandardMoments(draws: Float64Array, sigmas: number): void {
  const n = draws.length;
  for (const [k, value, variance] of MOMENTS) {
    const moment = draws.reduce((s, v) => s + v ** k, 0) / n;
    expect(Math.abs(moment - value), `moment ${k}`).toBeLessThan(sigmas * Math.sqrt(variance / n));
  }
}
