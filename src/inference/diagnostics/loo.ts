// Leave-one-out cross-validation from draws of one fit (Vehtari, Gelman and Gabry 2017), differences between models, and stacking weights
// (Yao, Vehtari, Simpson and Gelman 2018).
import { exp, log } from "../../runtime/numeric/math.ts";
import { largestK, logSumExp, smoothed } from "./psis.ts";

export interface Loo {
  /** Expected log predictive density: Σ log p(y_i | the others). */
  readonly elpd: number;
  readonly se: number;
  /** Effective number of parameters: what the density within the sample exceeds it by. */
  readonly pLoo: number;
  /** log p(y_i | the others). */
  readonly pointwise: Float64Array;
  /** Shape of the importance ratios of each observation. */
  readonly k: Float64Array;
  /** Above it an observation's estimate is unreliable, from as many draws as there are. */
  readonly largestK: number;
}

/** Fewer have no tail of ratios, and no k-hat (psis.ts). */
export const LEAST_DRAWS = 25;

/** `logLikelihood`: of each observation, over all draws. */
export function loo(logLikelihood: readonly Float64Array[]): Loo {
  const pointwise = new Float64Array(logLikelihood.length);
  const k = new Float64Array(logLikelihood.length);
  let within = 0;
  logLikelihood.forEach((own, i) => {
    const weights = smoothed(own.map((x) => -x));
    k[i] = weights.k;
    pointwise[i] = logSumExp(own.map((x, s) => x + weights.logWeights[s]));
    within += logSumExp(own) - log(own.length);
  });
  const elpd = total(pointwise);
  const limit = largestK(logLikelihood[0]?.length ?? 0);
  return { elpd, se: errorOfSum(pointwise), pLoo: within - elpd, pointwise, k, largestK: limit };
}

const total = (x: Float64Array): number => x.reduce((sum, v) => sum + v, 0);

/** Of a sum of independent terms: sqrt(n) times their standard deviation. */
function errorOfSum(x: Float64Array): number {
  const mean = total(x) / x.length;
  return Math.sqrt(x.reduce((sum, v) => sum + (v - mean) * (v - mean), 0));
}

export interface Compared {
  readonly name: string;
  readonly loo: Loo;
  /** How much worse than the best, and the standard error of that; 0 of the best. */
  readonly difference: number;
  readonly differenceSe: number;
  readonly weight: number;
}

/** Best first. The models have the same observations, in one order. */
export function compareLoo(models: readonly { readonly name: string; readonly loo: Loo }[]): Compared[] {
  const weights = stackingWeights(models.map((m) => m.loo.pointwise));
  const order = models.map((_, i) => i).sort((i, j) => models[j].loo.elpd - models[i].loo.elpd);
  const best = models[order[0]].loo.pointwise;
  return order.map((i): Compared => {
    const { name, loo: own } = models[i];
    const apart = best.map((x, n) => x - own.pointwise[n]);
    return { name, loo: own, difference: total(apart), differenceSe: errorOfSum(apart), weight: weights[i] };
  });
}

const STEPS = 100_000;
/** Of the mean log score: far below what observations can tell. */
const TOLERANCE = 1e-12;

/** Weights w of the mixture Σ w_k p_k(y_i | the others) with the greatest mean log score. The score is concave, and each step of EM,
 *  w_k <- w_k mean_i p_ik / Σ_j w_j p_ij, increases it; it ends when no weight could gain more than the tolerance (the largest of those means
 *  bounds what is left). */
export function stackingWeights(pointwise: readonly Float64Array[]): Float64Array {
  const [count, n] = [pointwise.length, pointwise[0]?.length ?? 0];
  const top = Float64Array.from({ length: n }, (_, i) => pointwise.reduce((m, p) => Math.max(m, p[i]), Number.NEGATIVE_INFINITY));
  const scaled = pointwise.map((p) => p.map((x, i) => exp(x - top[i])));
  const weights = new Float64Array(count).fill(1 / count);
  for (let step = 0; step < STEPS; step++) {
    const gains = new Float64Array(count);
    for (let i = 0; i < n; i++) {
      let mixture = 0;
      for (let k = 0; k < count; k++) mixture += weights[k] * scaled[k][i];
      for (let k = 0; k < count; k++) gains[k] += scaled[k][i] / mixture / n;
    }
    if (gains.every((g) => g <= 1 + TOLERANCE)) break;
    weights.forEach((w, k) => {
      weights[k] = w * gains[k];
    });
  }
  return weights;
}
