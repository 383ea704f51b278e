// Leave-one-out cross-validation from draws of one fit (Vehtari, Gelman and Gabry 2017), and differences between models.
import { log } from "../../runtime/numeric/math.ts";
import { largestK, logSumExp, smoothed } from "./psis.ts";
import { stackingWeights } from "./stacking.ts";

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

/** Of a sum of n independent terms: sqrt(n) times their sample standard deviation, with n - 1 degrees of freedom as they have it; NaN of one. */
function errorOfSum(x: Float64Array): number {
  const n = x.length;
  const mean = total(x) / n;
  return Math.sqrt((n / (n - 1)) * x.reduce((sum, v) => sum + (v - mean) * (v - mean), 0));
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
    return { name, loo: own, difference: total(apart), differenceSe: i === order[0] ? 0 : errorOfSum(apart), weight: weights[i] };
  });
}
