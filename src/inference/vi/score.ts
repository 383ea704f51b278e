// Gradients of draws without a path to their parameters: the score function, Rao-Blackwellised by what a draw can influence, with the
// other draws as its baseline (Ranganath, Gerrish and Blei 2014, sections 3.1 and 3.2; Kool, van Hoof and Welling 2019).
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { nodesOf } from "../../runtime/ir/order.ts";
import { takeRows } from "../../runtime/ir/rows.ts";
import { log } from "../../runtime/numeric/math.ts";
import type { Term } from "../../runtime/target.ts";
import type { Drawn, Parameters } from "./approximation.ts";
import type { Part, Root, Weights } from "./weights.ts";

export interface ScoreRoots {
  readonly site: string;
  readonly logQ: Root;
  readonly advantage: Root;
  /** The share of the advantage that is part of the rate. */
  readonly rate: Root;
}

/** For each site that has no path: log q at its draw, and the sum of what the draw has a part in, element by element where
 *  elements do not influence one another. `axisOf`: the axis of a term that counts rows that are kept apart. */
export function scoreRoots(
  b: Builder,
  drawn: Drawn,
  parts: readonly Part[],
  parameters: Parameters,
  axisOf: (t: Term) => number,
): ScoreRoots[] {
  const sites = drawn.scored ?? [];
  if (sites.length === 0) return [];
  const live = drawn.logQ(parameters);
  return sites.flatMap((name) => {
    const x = drawn.values[name];
    return live
      .filter((t) => t.site === name)
      .map((own): ScoreRoots => {
        const shape = shapeOf(own.value);
        const influenced = parts.filter(({ term }) => term.site === name || reads(term.value, x));
        const axis = axisOf(own);
        const total = (of: readonly Part[]): Root => {
          const sum = of.reduce((all, { term, sign }) => {
            const v = onto(b, term, own, x);
            return b.add(all, sign === 1 ? v : b.neg(v));
          }, b.constant(0));
          return { value: b.stopGradient(b.broadcastTo(sum, shape)), axis };
        };
        return {
          site: name,
          logQ: { value: own.value, axis },
          advantage: total(influenced),
          rate: total(influenced.filter(isRate)),
        };
      });
  });
}

const reads = (v: Value, x: Value): boolean => nodesOf([v]).includes(x.node);

/** A term summed over all axes but those along which its elements depend on the same elements of x as those of `own` do. */
function onto(b: Builder, term: Term, own: Term, x: Value): Value {
  const shape = shapeOf(own.value);
  const from = shapeOf(term.value);
  const partner = shape.map((n, k) =>
    from.findIndex((m, j) => m === n && n > 1 && apart(b, term.value, j, x, k) && apart(b, own.value, k, x, k)),
  );
  // An axis may be paired once.
  const pairs = partner.map((j, k) => (partner.indexOf(j) === k ? j : -1));
  const summed = from.map((_, j) => j).filter((j) => !pairs.includes(j));
  const kept = b.sum(term.value, summed);
  const left = from.map((_, j) => j).filter((j) => pairs.includes(j));
  const order = pairs.filter((j) => j >= 0).map((j) => left.indexOf(j));
  return b.reshape(
    b.transpose(kept, order),
    pairs.map((j, k) => (j >= 0 ? shape[k] : 1)),
  );
}

/** Whether elements of v along `axis` depend on x along `own` alone: then rows of v need but the same rows of x. */
function apart(b: Builder, v: Value, axis: number, x: Value, own: number): boolean {
  const shape = shapeOf(x);
  if (shape[own] !== shapeOf(v)[axis]) return false;
  const one = b.input(`(row of ${v.node.id}.${axis}.${own})`, {
    shape: shape.map((n, k) => (k === own ? 1 : n)),
    dtype: x.node.results[x.index].dtype,
  });
  const index = b.input(`(index of ${v.node.id}.${axis}.${own})`, { shape: [1], dtype: "int" });
  const [row] = takeRows(b, [{ value: v, axis }], index, new Map([[x, { value: one, axis: own }]]));
  return !reads(row, x);
}

/** Part of the rate: everything but likelihoods, factors and penalties. */
export const isRate = ({ term }: Part): boolean =>
  term.role === "prior" || term.role === "jacobian" || term.role === "guide" || term.role === "reverse";

/** Σ stop(advantage - baseline) log q in the mean over the draws; the baseline is the mean advantage of the other draws. `beta`: weight of the
 *  rate. */
export function surrogateOf(b: Builder, w: Weights, draws: number, beta?: Value): Value {
  return w.scores
    .map(({ logQ, advantage: whole, rate, perRow }) => {
      const advantage = beta ? b.add(whole, b.mul(b.sub(beta, b.constant(1)), rate)) : whole;
      const others = b.div(
        b.sub(b.broadcastTo(b.sum(advantage, [0]), shapeOf(advantage)), advantage),
        b.constant(Math.max(1, draws - 1)),
      );
      const centred = draws > 1 ? b.sub(advantage, others) : advantage;
      const sum = b.div(b.sum(b.mul(b.stopGradient(centred), logQ)), b.constant(draws));
      return perRow ? b.mul(b.constant(w.scale), sum) : sum;
    })
    .reduce((x, y) => b.add(x, y));
}

/** The same for the log of the mean weight: Σ_k stop(L - L_-k) log q of draw k, where L_-k has the geometric mean of the other weights in place
 *  of weight k (VIMCO, Mnih and Rezende 2016). `logWeights`: [draws, rows] where rows have bounds of their own, else [draws]. */
export function importanceSurrogate(b: Builder, w: Weights, logWeights: Value, draws: number): Value {
  const [, ...rows] = shapeOf(logWeights);
  const weights = b.stopGradient(logWeights);
  const bound = b.sub(b.logSumExp(weights, [0]), b.constant(log(draws)));
  let signal = b.broadcastTo(bound, [draws, ...rows]);
  if (draws > 1) {
    const others = b.div(b.sub(b.broadcastTo(b.sum(weights, [0]), [draws, ...rows]), weights), b.constant(draws - 1));
    // Element [k, j]: weight j, with that of j = k replaced.
    const pairs = [draws, draws, ...rows];
    const own = b.eq(b.iota(pairs, 0), b.iota(pairs, 1));
    const replaced = b.select(
      own,
      b.broadcastTo(b.reshape(others, [draws, 1, ...rows]), pairs),
      b.broadcastTo(b.reshape(weights, [1, draws, ...rows]), pairs),
    );
    signal = b.sub(signal, b.sub(b.logSumExp(replaced, [1]), b.constant(log(draws))));
  }
  return w.scores
    .map(({ logQ, perRow }) => {
      const apart = rows.length > 0 && perRow ? 2 : 1;
      const each = b.sum(
        logQ,
        shapeOf(logQ).flatMap((_, k) => (k < apart ? [] : [k])),
      );
      const sum = b.sum(b.mul(signal, each));
      return perRow ? b.mul(b.constant(w.scale), sum) : sum;
    })
    .reduce((x, y) => b.add(x, y));
}
