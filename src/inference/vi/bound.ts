// Bounds on the log evidence from log weights: what variational engines maximise.
import { UsageError } from "../../runtime/errors.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { log } from "../../runtime/numeric/math.ts";
import { importanceSurrogate, isRate, surrogateOf } from "./score.ts";
import type { WeighedPart, Weights } from "./weights.ts";

export interface BoundOptions {
  /** elbo: E log p/q. iwae: E log 1/K Σ p/q (Burda, Grosse and Salakhutdinov 2016). */
  readonly objective: "elbo" | "iwae";
  readonly draws: number;
  /** Weight of the rate, log q/prior, beside the distortion (Higgins et al. 2017): a scalar. */
  readonly beta?: Value;
}
export interface Bound {
  /** An unbiased estimate of the bound over all rows: a scalar. */
  readonly value: Value;
  /** A scalar with the gradient of the bound, by whatever estimators the draws need. */
  readonly objective: Value;
  /** What each term adds to log p - log q, over all rows, in the mean over the draws. */
  readonly parts: readonly { readonly name: string; readonly value: Value }[];
}

export function boundOf(b: Builder, w: Weights, { objective, draws, beta }: BoundOptions): Bound {
  const signed = (p: WeighedPart): Value => {
    const value = p.sign === 1 ? p.value : b.neg(p.value);
    return beta && isRate(p) ? b.mul(beta, value) : value;
  };
  const total = (parts: readonly WeighedPart[]): Value | undefined =>
    parts.map(signed).reduce<Value | undefined>((s, v) => (s ? b.add(s, v) : v), undefined);
  const rows = total(w.parts.filter((p) => p.perRow));
  const rest = total(w.parts.filter((p) => !p.perRow));
  const scale = b.constant(w.scale);
  const count = b.constant(draws);
  const mean = (v: Value): Value => b.div(b.sum(v, [0]), count);
  const logMean = (v: Value): Value => b.sub(b.logSumExp(v, [0]), b.constant(log(draws)));
  const plus = (x: Value | undefined, y: Value | undefined): Value => (x && y ? b.add(x, y) : (x ?? y ?? b.constant(0)));
  let value: Value;
  let weights: Value | undefined;
  if (objective === "elbo") value = plus(rows && b.mul(scale, b.sum(mean(rows))), rest && mean(rest));
  // Weights of each row, where all else is the same for all draws; otherwise of everything together.
  else if (rows && !w.parts.some((p) => !p.perRow && p.varies)) {
    weights = rows;
    value = plus(b.mul(scale, b.sum(logMean(rows))), rest && mean(rest));
  } else {
    // The log of a mean is no mean of logs: rows that stand for others would make no bound.
    if (rows && w.scale !== 1)
      throw new UsageError(
        "an importance-weighted bound of latents that are of no row needs all rows in each step: give --batch the number of rows, or take --objective elbo",
      );
    weights = plus(rows && b.mul(scale, b.sum(rows, [1])), rest);
    value = logMean(weights);
  }
  const surrogate = (): Value => (weights ? importanceSurrogate(b, w, weights, draws) : surrogateOf(b, w, draws, beta));
  return {
    value,
    objective: w.scores.length === 0 ? value : b.add(value, surrogate()),
    parts: w.parts.map((p) => ({
      name: `${p.term.role} of ${p.term.site}`,
      value: p.perRow ? b.mul(scale, b.sum(mean(p.value))) : mean(p.value),
    })),
  };
}
