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
  return isUsable(x) ? essOf(x.split) : Number.NaN;
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
  const { chains, draws, values } = x.split;
  const indicator = new Uint8Array(values.length);
  let ones = 0;
  for (let i = 0; i < values.length; i++) if (values[i] <= limit) ones += indicator[i] = 1;
  if (ones === 0 || ones === indicator.length) return indicator.length;
  const means = new Float64Array(chains);
  for (let c = 0; c < chains; c++) {
    let sum = 0;
    for (let i = c * draws; i < (c + 1) * draws; i++) sum += indicator[i];
    means[c] = sum / draws;
  }
  return geyer(chains, draws, means, indicatorAutocovariance(indicator, chains, draws));
}

/** Of (x - mean)², for the standard deviation. */
export function essSd(x: DrawnScalar): number {
  return isUsable(x) ? essOf(splitChains(squaredDeviations(x))) : Number.NaN;
}

export function squaredDeviations(x: Chains): Chains {
  const mean = meanOf(x.values);
  return { ...x, chains: x.chains, draws: x.draws, values: x.values.map((value) => (value - mean) * (value - mean)) };
}

/** Rank-normalised values of the split chains. */
export function splitScores(x: DrawnScalar, table: ScoreTable): Chains {
  const { chains, draws, values } = x.split;
  return { chains, draws, values: normalScores(values, splitOrder(x), table) };
}

/** Order of the split chains' values: that of x, unless its middle draws were left out. */
export function splitOrder(x: DrawnScalar): Int32Array {
  const { draws } = x;
  if (draws % 2 === 0) return x.order;
  const half = (draws - 1) / 2;
  const order = new Int32Array(x.split.values.length);
  let count = 0;
  for (const index of x.order) {
    const chain = Math.floor(index / draws);
    const draw = index - chain * draws;
    if (draw !== half) order[count++] = 2 * chain * half + (draw < half ? draw : draw - 1);
  }
  return order;
}

export function isUsable(x: DrawnScalar): boolean {
  return x.draws >= FEWEST_DRAWS && !x.hasNaN;
}

/** Effective sample size of chains as they are, unsplit. */
export function essOf(x: Chains): number {
  const { chains, draws, values } = x;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (high - low < RESOLUTION) return values.length;
  const means = new Float64Array(chains);
  for (let c = 0; c < chains; c++) means[c] = meanOf(values, c * draws, (c + 1) * draws);
  return geyer(chains, draws, means, autocovariance(x));
}

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
