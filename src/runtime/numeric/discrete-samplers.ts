// Draws from discrete distributions. Probabilities are in saddle-point form (Loader, "Fast and accurate computation of binomial
// probabilities", 2000), which loses no digits where counts are large. Parameters outside their domain, NaN too, give NaN.
import { gamma } from "./continuous-samplers.ts";
import { exp, lgamma, log, log1p } from "./math.ts";
import type { Rng } from "./rng.ts";

const halfLogTwoPi = 0.9189385332046728;

/** lgamma(n + 1) - ((n + 1/2) log n - n + log(2 pi) / 2) */
function stirlingError(n: number): number {
  if (n < 16) return lgamma(n + 1) - ((n + 0.5) * log(n) - n + halfLogTwoPi);
  const t = 1 / (n * n);
  return (1 / 12 - t * (1 / 360 - t * (1 / 1260 - t * (1 / 1680 - t / 1188)))) / n;
}
/** x log(x / m) + m - x */
function deviance(x: number, m: number): number {
  if (x === 0) return m;
  const t = (x - m) / m;
  return Math.abs(t) < 0.1 ? x * log1p(t) + (m - x) : x * log(x / m) + (m - x);
}
const logPoisson = (k: number, mean: number): number =>
  k === 0 ? -mean : -stirlingError(k) - deviance(k, mean) - halfLogTwoPi - 0.5 * log(k);
function logBinomial(k: number, n: number, p: number): number {
  if (k === 0) return n * log1p(-p);
  if (k === n) return n * log(p);
  const rest = n - k;
  const errors = stirlingError(n) - stirlingError(k) - stirlingError(rest);
  return errors - deviance(k, n * p) - deviance(rest, n * (1 - p)) - halfLogTwoPi + 0.5 * log(n / k / rest);
}

/** Poisson(mean): inversion below 10, else PTRS (Hörmann, "The transformed rejection method for generating Poisson random variables",
 *  Insurance: Mathematics and Economics 12, 1993). */
export function poisson(rng: Rng, mean: number): number {
  if (!(mean >= 0 && mean < Infinity)) return Number.NaN;
  if (mean < 10) {
    let p = exp(-mean);
    let u = rng.uniform();
    let k = 0;
    // p underflows long after the sum has reached 1 up to rounding
    while (u > p && p > 0) {
      u -= p;
      p *= mean / ++k;
    }
    return k;
  }
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const logInverseAlpha = log(1.1239 + 1.1328 / (b - 3.4));
  const squeeze = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = rng.uniform() - 0.5;
    const v = rng.uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= squeeze) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (log(v) + logInverseAlpha - log(a / (us * us) + b) <= logPoisson(k, mean)) return k;
  }
}

/** Negative binomial as a mixture: Poisson of a gamma with this shape and mean. */
export const negativeBinomial = (rng: Rng, shape: number, mean: number): number =>
  poisson(rng, (gamma(rng, shape) / shape) * mean);

/** Binomial(n, p), a probability that rounding has carried beyond 0 or 1 being taken as that: inversion where n min(p, 1 - p) < 10, else BTRS (Hörmann, "The generation of binomial random variates", J. Statistical
 *  Computation and Simulation 46, 1993). */
export function binomial(rng: Rng, n: number, p: number): number {
  if (!(n >= 0 && n < Infinity) || Number.isNaN(p)) return Number.NaN;
  if (p > 0.5) return n - binomial(rng, n, 1 - p);
  if (n === 0 || p <= 0) return 0;
  if (n * p < 10) return binomialByInversion(rng, n, p);
  const spread = Math.sqrt(n * p * (1 - p));
  const b = 1.15 + 2.53 * spread;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const squeeze = 0.92 - 4.2 / b;
  const alpha = (2.83 + 5.1 / b) * spread;
  const atMode = logBinomial(Math.floor((n + 1) * p), n, p);
  for (;;) {
    const u = rng.uniform() - 0.5;
    const v = rng.uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + n * p + 0.5);
    if (k < 0 || k > n) continue;
    if (us >= 0.07 && v <= squeeze) return k;
    if (log((v * alpha) / (a / (us * us) + b)) <= logBinomial(k, n, p) - atMode) return k;
  }
}
function binomialByInversion(rng: Rng, n: number, p: number): number {
  const odds = p / (1 - p);
  let mass = exp(n * log1p(-p));
  let u = rng.uniform();
  let k = 0;
  while (u > mass && k < n) {
    u -= mass;
    mass *= ((n - k) / (k + 1)) * odds;
    k++;
    if (mass === 0) break;
  }
  return k;
}

/** An index with probability proportional to its weight. */
export function categorical(rng: Rng, weights: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  if (!(total > 0 && total < Infinity)) return Number.NaN;
  let u = rng.uniform() * total;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] <= 0) continue;
    last = i;
    u -= weights[i];
    if (u < 0) break;
  }
  return last;
}

/** Counts of n draws over categories: binomials of what is left. */
export function multinomial(rng: Rng, n: number, weights: ArrayLike<number>, out: Float64Array): void {
  // sums from the end, so that the mass left over never becomes a rounded difference
  const left = new Float64Array(weights.length + 1);
  for (let i = weights.length - 1; i >= 0; i--) left[i] = left[i + 1] + weights[i];
  if (!(left[0] > 0 && left[0] < Infinity)) return void out.fill(Number.NaN);
  for (let i = 0; i < weights.length; i++) {
    out[i] = left[i + 1] === 0 ? n : binomial(rng, n, weights[i] / left[i]);
    n -= out[i];
    if (left[i + 1] === 0) return void out.fill(0, i + 1);
  }
}

/** Number of successes among `draws` without replacement from `successes` and `failures`: inversion outwards from the mode, which takes
 *  a number of steps of the order of the standard deviation. */
export function hypergeometric(rng: Rng, successes: number, failures: number, draws: number): number {
  const total = successes + failures;
  if (!(successes >= 0 && failures >= 0 && draws >= 0 && draws <= total && total < Infinity)) return Number.NaN;
  const least = Math.max(0, draws - failures);
  const most = Math.min(draws, successes);
  const mode = Math.min(most, Math.max(least, Math.floor(((draws + 1) * (successes + 1)) / (total + 2))));
  const p = draws / total;
  // (a choose k)(b choose n - k) / (a + b choose n) as three binomial probabilities with one p
  const atMode =
    total === draws
      ? 1
      : exp(logBinomial(mode, successes, p) + logBinomial(draws - mode, failures, p) - logBinomial(draws, total, p));
  let u = rng.uniform() - atMode;
  let [up, down] = [mode, mode];
  let [massUp, massDown] = [atMode, atMode];
  while (u > 0 && (up < most || down > least)) {
    if (up < most) {
      massUp *= ((successes - up) * (draws - up)) / ((up + 1) * (failures - draws + up + 1));
      up++;
      u -= massUp;
      if (u <= 0) return up;
    }
    if (down > least) {
      massDown *= (down * (failures - draws + down)) / ((successes - down + 1) * (draws - down + 1));
      down--;
      u -= massDown;
      if (u <= 0) return down;
    }
    if (massUp === 0 && massDown === 0) break;
  }
  return mode;
}
