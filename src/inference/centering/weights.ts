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
}

/** x̃ = λμ + σ^λ ((1 - λ) z + λ (x - μ) / σ), where z is (x - μ) / σ but for a factor. */
export function coordinateOf({ value, location, scale, standard }: ElementDraws, weight: number, draw: number): number {
  const [mu, sigma] = [location[draw], scale[draw]];
  const between = (1 - weight) * standard[draw] + (weight * (value[draw] - mu)) / sigma;
  return weight * mu + exp(weight * log(sigma)) * between;
}

/** KL(p ‖ q) at a weight, up to a constant. */
function divergence(element: ElementDraws, weight: number, isLog: boolean): number {
  const { value, scale } = element;
  const n = value.length;
  let mean = 0;
  let squares = 0;
  let logScale = 0;
  for (let d = 0; d < n; d++) {
    const l = log(scale[d]);
    logScale += l / n;
    const x = isLog ? log(value[d]) - (1 - weight) * l : coordinateOf(element, weight, d);
    const off = x - mean;
    mean += off / (d + 1);
    squares += off * (x - mean);
  }
  // The logarithm of a value has no scale.
  return 0.5 * log(squares / (n - 1)) + (isLog ? 0 : (1 - weight) * logScale);
}

const STEPS = 20;

/** Draws of the smallest scales: towards the neck of a funnel. */
const LOWEST = 0.2;

/** The best weight of elements that share one. For scales as small as the smallest of the posterior data say less of each value, and a weight that is best
 *  on the whole leaves a funnel there, of which chains turn away: the smaller of both is taken. */
export function safeWeight(elements: readonly ElementDraws[], isLog = false): number | undefined {
  const [first] = elements;
  if (!first) return undefined;
  const order = [...first.scale.keys()]
    .sort((a, b) => first.scale[a] - first.scale[b])
    .slice(0, Math.ceil(LOWEST * first.scale.length));
  const take = (x: Float64Array): Float64Array => Float64Array.from(order, (d) => x[d]);
  const low = elements.map((e) => ({
    value: take(e.value),
    location: take(e.location),
    scale: take(e.scale),
    standard: take(e.standard),
  }));
  const [all, least] = [bestWeight(elements, isLog), bestWeight(low, isLog)];
  return all === undefined || least === undefined ? undefined : Math.min(all, least);
}

/** `isLog`: of positive values it is their logarithms that have normals. The best weight of elements that share one, on a grid as fine as makes a difference; undefined where draws are not finite. */
function bestWeight(elements: readonly ElementDraws[], isLog = false): number | undefined {
  let best: { weight: number; value: number } | undefined;
  for (let k = 0; k <= STEPS; k++) {
    const weight = k / STEPS;
    const value = elements.reduce((sum, e) => sum + divergence(e, weight, isLog), 0);
    if (!Number.isFinite(value)) return undefined;
    if (!best || value < best.value) best = { weight, value };
  }
  return best?.weight;
}
