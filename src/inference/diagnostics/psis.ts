// Pareto-smoothed importance sampling and its diagnostic k-hat (Vehtari, Simpson, Gelman, Yao and Gabry 2024).
import { exp, expm1, log, log1p } from "../../runtime/numeric/math.ts";

export interface Smoothed {
  /** Shape of the generalised Pareto law of the largest ratios; NaN where there are too few of them. Above `largestK` the estimate is unreliable. */
  readonly k: number;
  /** Normalised log weights, their tail smoothed: Σ exp = 1. */
  readonly logWeights: Float64Array;
}

/** Fewer ratios in the tail tell nothing of its shape. */
const LEAST_TAIL = 5;
/** Relative differences of weights below it are the rounding of log densities of size 10^5 or so. */
const ROUNDING = 1e-10;

/** `logRatios`: log p - log q of draws of q, up to a constant. Ratios that are NaN count as -inf. */
export function smoothed(logRatios: Float64Array): Smoothed {
  const n = logRatios.length;
  const ratios = logRatios.map((x) => (Number.isNaN(x) ? Number.NEGATIVE_INFINITY : x));
  let top = Number.NEGATIVE_INFINITY;
  for (const x of ratios) top = Math.max(top, x);
  if (!Number.isFinite(top)) return { k: Number.POSITIVE_INFINITY, logWeights: sharedByTop(ratios, top) };
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => ratios[i] - ratios[j]);
  const size = Math.ceil(Math.min(n / 5, 3 * Math.sqrt(n)));
  if (size < LEAST_TAIL) return { k: Number.NaN, logWeights: normalised(ratios) };
  const last = ratios[order[n - size - 1]];
  // All alike, up to the rounding of their logarithms: no tail at all.
  if (1 - exp(last - top) < ROUNDING) return { k: Number.NEGATIVE_INFINITY, logWeights: normalised(ratios) };
  const tail = order.slice(n - size);
  // Of draws of discrete latents many have one ratio, which the tail's end may part: the cutoff is the next one below.
  let below = n - size - 1;
  while (below >= 0 && !(ratios[order[below]] < ratios[tail[0]] - ROUNDING)) below--;
  const isParted = below < n - size - 1;
  const shifted = below < 0 ? 0 : exp(ratios[order[below]] - top);
  const excess = Float64Array.from(tail, (i) => exp(ratios[i] - top) - shifted);
  const { k, sigma } = excess[quartileOf(size)] > 0 ? paretoFit(excess) : { k: Number.NaN, sigma: Number.NaN };
  // Weights so far apart that they cannot be fitted as numbers.
  if (Number.isNaN(k)) return { k: Number.POSITIVE_INFINITY, logWeights: normalised(ratios) };
  // The quantiles of a continuous law are no better than weights that take a few values.
  if (isParted) return { k, logWeights: normalised(ratios) };
  const out = ratios.slice();
  tail.forEach((i, rank) => {
    const p = (rank + 0.5) / size;
    out[i] = Math.min(0, log(shifted + paretoQuantile(p, k, sigma))) + top;
  });
  return { k, logWeights: normalised(out) };
}

/** The k-hat up to which an estimate from so many draws is reliable: min(1 - 1 / log10 S, 0.7) (Vehtari et al. 2024). A k takes
 *  10^(1 / (1 - k)) draws; from 2200 on the limit is 0.7, beyond which it takes more than can be had. */
export const largestK = (draws: number): number => Math.min(1 - Math.LN10 / log(draws), 0.7);

/** k-hat alone. */
export const paretoK = (logRatios: Float64Array): number => smoothed(logRatios).k;

/** Of infinite ones: those at the top share alike, and the others have none. */
function sharedByTop(ratios: Float64Array, top: number): Float64Array {
  const count = ratios.filter((x) => x === top).length;
  return ratios.map((x) => (x === top ? -log(count) : Number.NEGATIVE_INFINITY));
}

function normalised(x: Float64Array): Float64Array {
  const total = logSumExp(x);
  return x.map((v) => v - total);
}

/** log Σ exp x; -inf of nothing. */
export function logSumExp(x: Float64Array): number {
  let top = Number.NEGATIVE_INFINITY;
  for (const v of x) top = Math.max(top, v);
  if (!Number.isFinite(top)) return top;
  let sum = 0;
  for (const v of x) sum += exp(v - top);
  return top + log(sum);
}

/** Posterior mean of the generalised Pareto law of ascending positive numbers (Zhang and Stephens 2009), shrunk to 0.5 by ten pseudo-observations
 *  as Vehtari et al. 2024, appendix C, have it. */
export function paretoFit(x: Float64Array): { readonly k: number; readonly sigma: number } {
  const n = x.length;
  const grid = 30 + Math.floor(Math.sqrt(n));
  const quartile = x[quartileOf(n)];
  const shape = (theta: number): number => {
    let sum = 0;
    for (const v of x) sum += log1p(-theta * v);
    return sum / n;
  };
  const thetas = Float64Array.from({ length: grid }, (_, j) => 1 / x[n - 1] + (1 - Math.sqrt(grid / (j + 0.5))) / (3 * quartile));
  const heights = thetas.map((theta) => {
    const k = shape(theta);
    return n * (log(-theta / k) - k - 1);
  });
  const total = logSumExp(heights);
  let theta = 0;
  thetas.forEach((t, j) => {
    theta += t * exp(heights[j] - total);
  });
  const raw = shape(theta);
  return { k: (n * raw + 10 * 0.5) / (n + 10), sigma: -raw / theta };
}

const quartileOf = (n: number): number => Math.floor(n / 4 + 0.5) - 1;

function paretoQuantile(p: number, k: number, sigma: number): number {
  const l = -log1p(-p);
  return Math.abs(k) < 1e-12 ? sigma * l : (sigma * expm1(k * l)) / k;
}
