// Gradients of draws without a path to their parameters: the score function, Rao-Blackwellised by what a draw can influence, with the
// other draws as its baseline (Ranganath, Gerrish and Blei 2014, sections 3.1 and 3.2; Kool, van Hoof and Welling 2019).
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { nodesOf } from "../../runtime/ir/order.ts";
import { takeRows } from "../../runtime/ir/rows.ts";
import type { Target, Term } from "../../runtime/target.ts";
import type { Drawn, Parameters } from "./approximation.ts";
import type { Part, Root, Weights } from "./weights.ts";

export interface ScoreRoots {
  readonly site: string;
  readonly logQ: Root;
  readonly advantage: Root;
}

/** For each site of the guide that has no path: log q at its draw, and the sum of what the draw has a part in, element by element where
 *  elements do not influence one another. `axisOf`: the axis of a term that counts rows that are kept apart. */
export function scoreRoots(
  b: Builder,
  target: Target,
  drawn: Drawn,
  parts: readonly Part[],
  parameters: Parameters,
  axisOf: (t: Term) => number,
): ScoreRoots[] {
  const sites = target.guide?.sites.filter((s) => s.gradient === "score") ?? [];
  if (sites.length === 0) return [];
  const live = drawn.logQ(parameters);
  return sites.flatMap((s) => {
    const x = drawn.values[s.name];
    return live
      .filter((t) => t.site === s.name)
      .map((own): ScoreRoots => {
        const shape = shapeOf(own.value);
        const influenced = parts.filter(({ term }) => term.site === s.name || reads(term.value, x));
        const advantage = influenced
          .map(({ term, sign }) => {
            const v = onto(b, term, own, x);
            return sign === 1 ? v : b.neg(v);
          })
          .reduce((sum, v) => b.add(sum, v), b.constant(0));
        const axis = axisOf(own);
        return {
          site: s.name,
          logQ: { value: own.value, axis },
          advantage: { value: b.stopGradient(b.broadcastTo(advantage, shape)), axis },
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

/** Σ stop(advantage - baseline) log q in the mean over the draws; the baseline is the mean advantage of the other draws. */
export function surrogateOf(b: Builder, w: Weights, draws: number): Value {
  return w.scores
    .map(({ logQ, advantage, perRow }) => {
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
