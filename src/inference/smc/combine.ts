// Several runs as one: the mean of their evidences with its error, and what their draws together are worth.
import { exp, log } from "../../runtime/numeric/math.ts";
import { logSumExp } from "../diagnostics/psis.ts";
import type { Tempering } from "./temper.ts";

export interface Combined {
  readonly mean: number;
  /** The largest of three: by ancestry, and by what the runs and their logarithms differ. */
  readonly se: number;
  /** Standard errors of the log evidence of single runs, by ancestry. */
  readonly own: Float64Array;
  /** Standard deviation of the log evidences of the runs; NaN of one. */
  readonly spread: number;
  /** Of the particles of all runs, one run after the other, normalised. */
  readonly weights: Float64Array;
}

/**
 * The estimate of each run is unbiased up to what its adaptation costs, so their mean is. Its variance within a run follows from ancestry (Chan and Lai 2013;
 * Lee and Whiteley 2018): particles that descend from one draw of the prior are one observation, and with c of N particles from it, Σ (c / N)² - 1 / N
 * is the relative variance. Systematic resampling varies less than the multinomial of these papers, and here counts in the rounding of c alone.
 * Between runs it is the variance of their estimates, which knows of modes that one run found and another did not. Relative to their mean it is never
 * more than 1, however far they are apart; that of their logarithms, which is the same for small errors, has no such limit.
 */
export function combined(runs: readonly Tempering[]): Combined {
  const logs = Float64Array.from(runs, (r) => r.logEvidence);
  const total = logSumExp(logs);
  const shares = logs.map((l) => exp(l - total));
  const own = Float64Array.from(runs, ({ origins }) => Math.sqrt(Math.max(0, squaredShares(origins) - 1 / origins.length)));
  const within = shares.reduce((s, share, r) => s + square(share * own[r]), 0);
  const R = runs.length;
  const between = R < 2 ? 0 : shares.reduce((s, share) => s + square(share - 1 / R), 0) * (R / (R - 1));
  const centre = logs.reduce((s, l) => s + l / R, 0);
  const spread = Math.sqrt(logs.reduce((s, l) => s + square(l - centre), 0) / (R - 1));
  return {
    mean: total - log(R),
    se: Math.sqrt(Math.max(within, between, R < 2 ? 0 : square(spread) / R)),
    own,
    spread,
    weights: Float64Array.from(
      runs.flatMap(({ origins }, r) => Array.from({ length: origins.length }, () => shares[r] / origins.length)),
    ),
  };
}

const square = (x: number): number => x * x;

/** Σ (c / N)² over the draws of the prior, c of the N particles descending from one. */
function squaredShares(origins: Int32Array): number {
  const counts = new Float64Array(origins.length);
  for (const o of origins) counts[o]++;
  return counts.reduce((s, c) => s + square(c / origins.length), 0);
}

/** Independent draws whose means would be as exact: the least over the coordinates, by the spread of families about the mean as in `combined`. The mean
 *  is made of the same families: with shares s of the weight it leaves 1 - Σ s² of their spread, and of the variance what its own does. Of a single family
 *  nothing is known. */
export function worthOfRuns(runs: readonly Tempering[], weights: Float64Array, n: number): number {
  let least = Number.POSITIVE_INFINITY;
  const left = 1 - sharesOfFamilies(runs, weights);
  if (left < ALONE) return 1;
  for (let k = 0; k < n; k++) {
    let mean = 0;
    let at = 0;
    for (const { positions } of runs) for (let i = k; i < positions.length; i += n) mean += weights[at++] * positions[i];
    let [variance, ofMean] = [0, 0];
    at = 0;
    for (const { positions, origins } of runs) {
      const families = new Float64Array(origins.length);
      origins.forEach((origin, i) => {
        const x = positions[i * n + k] - mean;
        families[origin] += weights[at] * x;
        variance += weights[at++] * x * x;
      });
      for (const f of families) ofMean += f * f;
    }
    if (ofMean > 0) least = Math.min(least, 1 + (left * variance) / ofMean);
  }
  return Math.min(least, weights.length);
}

/** Rounding of sums of weights. */
const ALONE = 1e-9;

/** Σ s² over the families of all runs, s the weight of one. */
function sharesOfFamilies(runs: readonly Tempering[], weights: Float64Array): number {
  let at = 0;
  return runs.reduce((sum, { origins }) => {
    const families = new Float64Array(origins.length);
    for (const origin of origins) families[origin] += weights[at++];
    return families.reduce((s, f) => s + square(f), sum);
  }, 0);
}
