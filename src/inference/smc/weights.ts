// Weights of particles: the next temperature by what they are worth, and systematic resampling.
import { exp } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";

/** (Σ w)² / Σ w² of w = exp(step · x), x at most `top`. */
export function effectiveAt(x: Float64Array, step: number, top: number): number {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    const w = exp(step * (x[i] - top));
    sum += w;
    squares += w * w;
  }
  return (sum * sum) / squares;
}

/**
 * The largest step, at most `rest`, after which weights exp(step · x) are worth `threshold` of the particles whose x is finite (Jasra, Stephens, Doucet
 * and Tsagaris 2011). It falls with the step: the derivative of its logarithm is twice the mean of x under w less that under w².
 */
export function nextStep(x: Float64Array, threshold: number, rest: number): number {
  const top = x.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let alive = 0;
  for (const v of x) if (v > Number.NEGATIVE_INFINITY) alive++;
  const wanted = threshold * alive;
  if (effectiveAt(x, rest, top) >= wanted) return rest;
  let [low, high] = [0, rest];
  for (let i = 0; i < HALVINGS && high - low > CLOSE * high; i++) {
    const middle = (low + high) / 2;
    if (effectiveAt(x, middle, top) >= wanted) low = middle;
    else high = middle;
  }
  return high;
}
/** A step is found down to 2^-100 of what is left: a vague prior before many data begins with tiny ones. */
const HALVINGS = 120;
const CLOSE = 1e-4;

/** Indices of `count` draws by normalised weights, in order: each comes as often as its share says, or once more (Kitagawa 1996). */
export function systematic(weights: Float64Array, count: number, rng: Rng): Int32Array {
  const out = new Int32Array(count);
  const offset = rng.uniform();
  let cumulative = weights[0];
  let i = 0;
  for (let k = 0; k < count; k++) {
    const at = (k + offset) / count;
    while (cumulative < at && i < weights.length - 1) cumulative += weights[++i];
    out[k] = i;
  }
  return out;
}
