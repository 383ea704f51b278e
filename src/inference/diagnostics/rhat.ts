// R-hat, rank-normalised, split and folded (Vehtari et al. 2021, section 4.1; Gelman and Rubin 1992).
import { type Chains, type DrawnScalar, meanOf, squaresAround } from "./column.ts";
import { isUsable, splitScores } from "./ess.ts";
import { createScoreTable, foldedScores, type ScoreTable } from "./normal-scores.ts";

/** The larger of the R-hats of location and of scale; NaN for a single chain. */
export function rhat(x: DrawnScalar, table: ScoreTable = createScoreTable(x.split.values.length)): number {
  return largerRhat(rhatBulk(x, table), rhatFolded(x, table));
}

/** Chains that are constant but differ have an infinite R-hat of location and none of scale. */
export function largerRhat(location: number, scale: number): number {
  return Number.isNaN(scale) ? location : Math.max(location, scale);
}

/** Of rank-normalised split chains: do they agree on the location? */
export function rhatBulk(x: DrawnScalar, table: ScoreTable = createScoreTable(x.split.values.length)): number {
  return x.chains > 1 && isUsable(x) ? rhatOf(splitScores(x, table)) : Number.NaN;
}

/** Of the distances from the median: do they agree on the scale? */
export function rhatFolded(x: DrawnScalar, table: ScoreTable = createScoreTable(x.split.values.length)): number {
  if (x.chains < 2 || !isUsable(x)) return Number.NaN;
  const { chains, draws } = x.split;
  return rhatOf({ chains, draws, values: foldedScores(x.split, table) });
}

/** sqrt((B/W + n - 1) / n) of chains as they are: B between them, W within. */
export function rhatOf({ chains, draws, values }: Chains): number {
  const means = new Float64Array(chains);
  let within = 0;
  for (let c = 0; c < chains; c++) {
    means[c] = meanOf(values, c * draws, (c + 1) * draws);
    within += squaresAround(means[c], values, c * draws, (c + 1) * draws);
  }
  within /= chains * (draws - 1);
  const between = (draws * squaresAround(meanOf(means), means)) / (chains - 1);
  return Math.sqrt((between / within + draws - 1) / draws);
}
