// What the log weights of single rows tell of an amortised fit.
import { largestK, paretoK } from "../diagnostics/psis.ts";
import type { Verdict } from "../engine.ts";
import { evidenceFrom } from "./evidence.ts";

/** Shares of rows above it at which the fit is doubted, and not trusted. */
const WARN_ABOVE = 0.1;
const FAIL_ABOVE = 0.5;

export interface RowVerdict {
  readonly verdict: Verdict;
  /** k-hat of each row. */
  readonly k: Float64Array;
  /** log mean weight of each row: an estimate of log p(x_n), from below. */
  readonly logMean: Float64Array;
}

/** `weights`: rows x draws; those that are NaN count as 0. */
export function judgeRows(weights: Float64Array, rows: number, plate: string): RowVerdict {
  const draws = weights.length / rows;
  const each = Array.from({ length: rows }, (_, n) => weights.slice(n * draws, (n + 1) * draws));
  const k = Float64Array.from(each, paretoK);
  const logMean = Float64Array.from(
    each,
    (w) => evidenceFrom(w.map((x) => (Number.isNaN(x) ? Number.NEGATIVE_INFINITY : x))).mean,
  );
  // Above it the weights of a row are unreliable, and q is far from the row's posterior (Yao et al. 2018).
  const limit = largestK(draws);
  const bad = k.filter((x) => !(x <= limit)).length;
  const share = bad / rows;
  const level = share > FAIL_ABOVE ? "fail" : share > WARN_ABOVE ? "warn" : "pass";
  const found = `Pareto k-hat of the guide is above ${limit.toFixed(2)} in ${bad} of ${rows} rows of ${plate}`;
  return {
    k,
    logMean,
    verdict: {
      what: "k-hat of rows",
      level,
      value: share,
      advice:
        level === "pass"
          ? found
          : `${found}: there the guide ${level === "warn" ? "misses part of" : "does not cover"} the posterior. Try more steps, a wider guide, or sample: --engine vi-hmc`,
    },
  };
}
