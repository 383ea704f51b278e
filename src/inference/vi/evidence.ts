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

/** log p - log q of draws of q. Where log p is no number the draw has no weight, as where it is -inf. */
export function logWeightsOf({ logP, logQ }: { readonly logP: Float64Array; readonly logQ: Float64Array }): Float64Array {
  return logP.map((x, i) => (Number.isNaN(x) ? Number.NEGATIVE_INFINITY : x - logQ[i]));
}

/** Of log weights none of which is NaN. Where the mean weight is 0 or infinite its error is infinite. */
export function evidenceFrom(logWeights: Float64Array): Evidence {
  const n = logWeights.length;
  const total = logSumExp(logWeights);
  if (!Number.isFinite(total)) return { mean: total, se: Number.POSITIVE_INFINITY, effective: 0 };
  let squares = 0;
  for (const w of logWeights) squares += exp(2 * (w - total));
  // Variance of a weight over its mean squared is n Σ v² - 1 with normalised weights v; of the mean it is the n-th part.
  const se = Math.sqrt(Math.max(0, (n * squares - 1) / Math.max(1, n - 1)));
  return { mean: total - log(n), se, effective: 1 / squares };
}

/** Of draws of a fit: evidence, and the lower bound with its error. */
export function evidenceOf(draws: { readonly logP: Float64Array; readonly logQ: Float64Array }): {
  readonly evidence: { readonly mean: number; readonly se: number };
  readonly figures: Readonly<Record<string, number>>;
} {
  const ratios = logWeightsOf(draws);
  const n = ratios.length;
  const { mean, se, effective } = evidenceFrom(ratios);
  let elbo = 0;
  for (const r of ratios) elbo += r / n;
  let squares = 0;
  for (const r of ratios) squares += (r - elbo) * (r - elbo);
  return {
    evidence: { mean, se },
    figures: {
      elbo,
      // A draw without weight makes the bound -inf, of which there is no error.
      ...(Number.isFinite(elbo) ? { elbo_se: Math.sqrt(squares / Math.max(1, n - 1) / n) } : {}),
      effective_draws: effective,
    },
  };
}
