// Weights of priors from draws: of all coordinates raw(λ) = λμ + σ^(λ - 1) (x - μ) those in which independent normals are nearest to the posterior.
//
// With q the product of normals that has the draws' means and variances, KL(p ‖ q) over the coordinates of weights λ is, up to what λ does not change,
//   Σ_i ½ log Var[raw_i(λ)] + (1 - λ_i) E log σ_i
// the first from the entropy of q, the second from the volume of the change of variables. It falls apart into one function of one number for each weight.
import { exp, log } from "../../runtime/numeric/math.ts";

/** Draws of one element: its value x, location, scale (of a factor: its diagonal), and the standard coordinate. */
export interface ElementDraws {
  readonly value: Float64Array;
  readonly location: Float64Array;
  readonly scale: Float64Array;
  readonly standard: Float64Array;
  /** Of positive values it is their logarithm that has a normal. */
  readonly isLog: boolean;
}

/** KL(p ‖ q) at a weight, up to a constant. */
function divergence({ value, location, scale, standard, isLog }: ElementDraws, weight: number): number {
  const n = value.length;
  let mean = 0;
  let squares = 0;
  let logScale = 0;
  for (let d = 0; d < n; d++) {
    const l = log(scale[d]);
    logScale += l / n;
    // x̃ = λμ + σ^λ ((1 - λ) z + λ (x - μ) / σ), where z is (x - μ) / σ but for a factor.
    const between = (1 - weight) * standard[d] + (weight * (value[d] - location[d])) / scale[d];
    const x = isLog ? log(value[d]) - (1 - weight) * l : weight * location[d] + exp(weight * l) * between;
    const off = x - mean;
    mean += off / (d + 1);
    squares += off * (x - mean);
  }
  // The logarithm of a value has no scale.
  return 0.5 * log(squares / (n - 1)) + (isLog ? 0 : (1 - weight) * logScale);
}

const STEPS = 20;

/** The best weight of elements that share one, on a grid as fine as makes a difference; undefined where draws are not finite. */
export function bestWeight(elements: readonly ElementDraws[]): number | undefined {
  let best: { weight: number; value: number } | undefined;
  for (let k = 0; k <= STEPS; k++) {
    const weight = k / STEPS;
    const value = elements.reduce((sum, e) => sum + divergence(e, weight), 0);
    if (!Number.isFinite(value)) return undefined;
    if (!best || value < best.value) best = { weight, value };
  }
  return best?.weight;
}
