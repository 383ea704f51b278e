// Monte Carlo standard errors of the mean, the standard deviation and quantiles (Vehtari et al. 2021, section 4.4).
import { betaQuantile } from "./beta-quantile.ts";
import { type DrawnScalar, squaresAround } from "./column.ts";
import { essMean, essQuantile, essSd, isUsable } from "./ess.ts";

/** sd / sqrt(ess). */
export function mcseMean(x: DrawnScalar, ess: number = essMean(x)): number {
  if (!isUsable(x)) return Number.NaN;
  return Math.sqrt(squaresAround(x.mean, x.values) / (x.values.length - 1) / ess);
}

/** By the delta method from the error of the variance: sqrt(var((x - m)²) / ess / (4 var)). */
export function mcseSd(x: DrawnScalar, ess: number = essSd(x)): number {
  if (!isUsable(x)) return Number.NaN;
  const { values, mean } = x;
  let second = 0;
  let fourth = 0;
  for (let i = 0; i < values.length; i++) {
    const d = values[i] - mean;
    const squared = d * d;
    second += squared;
    fourth += squared * squared;
  }
  second /= values.length;
  fourth /= values.length;
  return Math.sqrt((fourth - second * second) / ess / second / 4);
}

/** Φ(-1) and Φ(1): the interval of one standard error. */
const ONE_SIGMA = [0.1586553, 0.8413447];

/** Half the width of the interval between two order statistics that covers one standard error on either side. */
export function mcseQuantile(x: DrawnScalar, probability: number): number {
  if (!isUsable(x)) return Number.NaN;
  const ess = essQuantile(x, probability);
  const n = x.values.length;
  const [low, high] = ONE_SIGMA.map((p) => betaQuantile(p, ess * probability + 1, ess * (1 - probability) + 1) * n - 1);
  return (x.sorted[Math.ceil(Math.min(high, n - 1))] - x.sorted[Math.floor(Math.max(low, 0))]) / 2;
}
