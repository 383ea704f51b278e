// Statistics for tests of random numbers, with the probability of a false alarm as the argument to choose.
import { exp, lgamma, log, logNormalCdf } from "../../src/runtime/numeric/math.ts";

/** Kolmogorov-Smirnov: sqrt(n) sup |F_n - F|, beyond c with probability about 2 exp(-2 c^2) (for a fixed F; less where F has atoms). */
export function kolmogorovSmirnov(sample: Float64Array, cdf: (x: number) => number): number {
  const sorted = sample.slice().sort();
  const n = sorted.length;
  let distance = 0;
  sorted.forEach((x, i) => {
    const f = cdf(x);
    distance = Math.max(distance, (i + 1) / n - f, f - i / n);
  });
  return Math.sqrt(n) * distance;
}
/** The c that Kolmogorov-Smirnov's statistic exceeds with this probability. */
export const kolmogorovLimit = (falseAlarm: number): number => Math.sqrt(-log(falseAlarm / 2) / 2);

/** Chi-square of counts against expected counts, cells below 10 pooled, as a standard normal score (Wilson & Hilferty 1931);
 *  `constraints`: linear conditions that the counts satisfy whatever happens. */
export function chiSquareScore(counts: ArrayLike<number>, expected: ArrayLike<number>, constraints = 1): number {
  let [statistic, cells, count, mass] = [0, 0, 0, 0];
  for (let i = 0; i < counts.length; i++) {
    count += counts[i];
    mass += expected[i];
    if (mass < 10 && i < counts.length - 1) continue;
    if (mass > 0) statistic += ((count - mass) * (count - mass)) / mass;
    else if (count > 0) return Infinity;
    cells++;
    [count, mass] = [0, 0];
  }
  const degrees = cells - constraints;
  const spread = 2 / (9 * degrees);
  return (Math.cbrt(statistic / degrees) - (1 - spread)) / Math.sqrt(spread);
}

/** Distribution function of a density given by its logarithm, by the trapezoidal rule on [low, high]. */
export function cdfOf(logDensity: (t: number) => number, low: number, high: number, steps = 20000): (t: number) => number {
  const h = (high - low) / steps;
  const cumulative = new Float64Array(steps + 1);
  let before = exp(logDensity(low));
  for (let i = 1; i <= steps; i++) {
    const now = exp(logDensity(low + i * h));
    cumulative[i] = cumulative[i - 1] + (h * (before + now)) / 2;
    before = now;
  }
  return (t) => {
    const at = (t - low) / h;
    if (at <= 0) return 0;
    if (at >= steps) return 1;
    const i = Math.floor(at);
    return cumulative[i] + (at - i) * (cumulative[i + 1] - cumulative[i]);
  };
}

export const normalCdf = (x: number): number => exp(logNormalCdf(x));
export const logChoose = (n: number, k: number): number => lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
