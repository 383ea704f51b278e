// Effective sample sizes by Geyer's initial monotone sequence over several chains (Geyer 1992; Vehtari et al. 2021, section 3.2).
import { log } from "../../runtime/numeric/math.ts";
import { type Autocovariance, autocovariance } from "./autocovariance.ts";
import { type Chains, type DrawnScalar, FEWEST_DRAWS, meanOf, splitChains, squaresAround } from "./column.ts";
import { indicatorAutocovariance } from "./indicator.ts";
import { createScoreTable, normalScores, type ScoreTable } from "./normal-scores.ts";
import { quantile } from "./quantile.ts";

/** Spreads below this count as constant (ArviZ: the decimal resolution of doubles). */
const RESOLUTION = 1e-15;

/** Of the mean of x. */
export function essMean(x: DrawnScalar): number {
  return isUsable(x) ? essOfSpread(x.split, spreadOf(x.split.sorted)) : Number.NaN;
}

/** Of rank-normalised x: how well the bulk is known, whatever its tails. */
export function essBulk(x: DrawnScalar, table: ScoreTable = createScoreTable(x.split.values.length)): number {
  return isUsable(x) ? essOf(splitScores(x, table)) : Number.NaN;
}

/** Of the 5 % or the 95 % quantile, whichever is known less well (section 4.3). */
export function essTail(x: DrawnScalar): number {
  const low = essQuantile(x, 0.05);
  const high = essQuantile(x, 0.95);
  return Number.isNaN(low) || Number.isNaN(high) ? Number.NaN : Math.min(low, high);
}

/** Of the empirical probability that x does not exceed its own quantile. */
export function essQuantile(x: DrawnScalar, probability: number): number {
  if (!isUsable(x)) return Number.NaN;
  const limit = quantile(x, probability);
  const { chains, draws, order, sorted } = x.split;
  // Those up to the limit come first in the order.
  let count = Math.min(order.length, Math.floor(probability * order.length));
  while (count < order.length && sorted[count] <= limit) count++;
  while (count > 0 && sorted[count - 1] > limit) count--;
  if (count === 0 || count === order.length) return order.length;
  // 1 - x has the autocovariance of x: the rarer side is followed.
  const rare = 2 * count <= order.length ? order.subarray(0, count) : order.subarray(count);
  const { means, covariance } = indicatorAutocovariance(rare, chains, draws);
  return geyer(chains, draws, means, covariance);
}

/** Of (x - mean)², for the standard deviation. */
export function essSd(x: DrawnScalar): number {
  if (!isUsable(x)) return Number.NaN;
  const { mean, values } = x;
  const squares = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) squares[i] = (values[i] - mean) * (values[i] - mean);
  return essOf(splitChains({ chains: x.chains, draws: x.draws, values: squares }));
}

/** Rank-normalised values of the split chains. */
export function splitScores(x: DrawnScalar, table: ScoreTable): Chains {
  const { chains, draws } = x.split;
  return { chains, draws, values: normalScores(x.split, table) };
}

export function isUsable(x: DrawnScalar): boolean {
  return x.draws >= FEWEST_DRAWS && !x.hasNaN;
}

/** Effective sample size of chains as they are, unsplit. */
export function essOf(x: Chains): number {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < x.values.length; i++) {
    low = Math.min(low, x.values[i]);
    high = Math.max(high, x.values[i]);
  }
  return essOfSpread(x, high - low);
}

function essOfSpread(x: Chains, spread: number): number {
  const { chains, draws, values } = x;
  if (spread < RESOLUTION) return values.length;
  const means = new Float64Array(chains);
  for (let c = 0; c < chains; c++) means[c] = meanOf(values, c * draws, (c + 1) * draws);
  return geyer(chains, draws, means, autocovariance(x, means));
}

/** Largest less smallest. */
const spreadOf = (sorted: Float64Array): number => sorted[sorted.length - 1] - sorted[0];

/**
 * ess = m n / τ with τ = -1 + 2 Σ ρ_t, truncated where a pair ρ_2k + ρ_2k+1 of autocorrelations first falls below zero and
 * made monotone before that. ρ_t = 1 - (W - mean γ_t) / var⁺, var⁺ the pooled variance with its part between chains. The
 * details (the last even term, the lower limit of τ) are those of Stan and ArviZ.
 */
function geyer(chains: number, draws: number, means: Float64Array, covariance: Autocovariance): number {
  const within = (covariance.at(0) * draws) / (draws - 1);
  let pooled = (within * (draws - 1)) / draws;
  if (chains > 1) pooled += squaresAround(meanOf(means), means) / (chains - 1);
  const correlation = (lag: number): number => 1 - (within - covariance.at(lag)) / pooled;

  const rho: number[] = [1, correlation(1)];
  let even = 1;
  let odd = rho[1];
  let t = 1;
  for (; t < draws - 3 && even + odd > 0; t += 2) {
    even = correlation(t + 1);
    odd = correlation(t + 2);
    const isKept = even + odd >= 0;
    rho.push(isKept ? even : 0, isKept ? odd : 0);
  }
  const last = t - 2;
  // An even term of the pair that fell is kept when it is positive itself.
  if (even > 0) rho[last + 1] = even;
  for (let s = 1; s <= last - 2; s += 2) {
    const before = rho[s - 1] + rho[s];
    if (rho[s + 1] + rho[s + 2] > before) rho[s + 1] = rho[s + 2] = before / 2;
  }
  let sum = 0;
  for (let s = 0; s <= last; s++) sum += rho[s];
  const total = chains * draws;
  const time = Math.max(-1 + 2 * sum + (rho[last + 1] ?? 0), Math.LN10 / log(total));
  return total / time;
}
