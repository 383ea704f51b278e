// What engines end with whose draws have weights: some of them by their weights, the evidence, and a verdict.
import type { RawChain } from "../../runtime/draws.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Target } from "../../runtime/target.ts";
import { smoothed } from "../diagnostics/psis.ts";
import type { Failure, Result } from "../engine.ts";
import { type VerdictWords, verdictOn } from "../vi/evaluate.ts";
import { evidenceFrom } from "../vi/evidence.ts";
import { resampled, takeRowsAt } from "../vi/resample.ts";
import { evidenceIfProper } from "./prior-density.ts";

export interface WeightedDraws {
  /** Unconstrained, draws x dimension. */
  readonly positions: Float64Array;
  /** log p - log q, none of them NaN: of those whose mean is the evidence. */
  readonly logWeights: Float64Array;
  /** Columns of the draws, a number each. */
  readonly stats: Readonly<Record<string, Float64Array>>;
}
export type FromWeighted = Pick<Result, "effectiveDraws" | "evidence" | "notes" | "figures" | "verdicts"> & {
  readonly drawn: Pick<RawChain, "draws" | "positions" | "stats">;
};

/** `count` of the draws with replacement, by Pareto-smoothed weights; the evidence by the plain ones, whose mean is unbiased. A failure where no draw
 *  has a weight, or one has all of it. */
export function fromWeighted(
  target: Target,
  { positions, logWeights, stats }: WeightedDraws,
  count: number,
  rng: Rng,
  words: VerdictWords,
): FromWeighted | Failure {
  const { mean, se, effective } = evidenceFrom(logWeights);
  if (mean === Number.NEGATIVE_INFINITY)
    return { reason: "all draws have weight 0: the posterior has no mass where they are, or the data are impossible" };
  if (!Number.isFinite(mean)) return { reason: "the log density is infinite at one of the draws: it is no posterior" };
  const rows = resampled(smoothed(logWeights).logWeights, count, rng);
  return {
    drawn: {
      draws: count,
      positions: takeRowsAt(positions, target.dimension, rows),
      stats: Object.fromEntries(Object.entries(stats).map(([name, values]) => [name, takeRowsAt(values, 1, rows)])),
    },
    effectiveDraws: worthOf(effective, count),
    ...evidenceIfProper(target, { mean, se }),
    figures: { effective_draws: effective },
    verdicts: [verdictOn(logWeights, words)],
  };
}

/** Of a mean over `count` draws made of weighted ones that are worth `effective`: the variances of both choices add. */
export const worthOf = (effective: number, count: number): number => 1 / (1 / effective + 1 / count);
