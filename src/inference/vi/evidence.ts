// What log weights log p - log q of draws of q tell of the evidence.
import { exp, log } from "../../runtime/numeric/math.ts";
import { logSumExp } from "../diagnostics/psis.ts";

export interface Evidence {
  /** log of the mean weight, and its standard error to first order: the relative error of the mean weight. */
  readonly mean: number;
  readonly se: number;
  /** (Σ w)² / Σ w² (Kong 1992). */
  readonly effective: number;
}

export function evidenceFrom(logWeights: Float64Array): Evidence {
  const n = logWeights.length;
  const total = logSumExp(logWeights);
  let squares = 0;
  for (const w of logWeights) squares += exp(2 * (w - total));
  // Variance of a weight over its mean squared is n Σ v² - 1 with normalised weights v; of the mean it is the n-th part.
  const se = Math.sqrt(Math.max(0, (n * squares - 1) / Math.max(1, n - 1)));
  return { mean: total - log(n), se, effective: 1 / squares };
}

/** Of draws of a fit: evidence, and the lower bound with its error. */
export function evidenceOf({ logP, logQ }: { readonly logP: Float64Array; readonly logQ: Float64Array }): {
  readonly evidence: { readonly mean: number; readonly se: number };
  readonly figures: Readonly<Record<string, number>>;
} {
  const n = logP.length;
  const ratios = logP.map((x, i) => x - logQ[i]);
  const { mean, se, effective } = evidenceFrom(ratios);
  let elbo = 0;
  for (const r of ratios) elbo += r / n;
  let squares = 0;
  for (const r of ratios) squares += (r - elbo) * (r - elbo);
  return {
    evidence: { mean, se },
    figures: { elbo, elbo_se: Math.sqrt(squares / Math.max(1, n - 1) / n), effective_draws: effective },
  };
}
