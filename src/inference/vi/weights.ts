// Log weights log p - log q of draws of a family, as graphs: over all rows of a plate or a minibatch of them, over several draws.
import { UsageError } from "../../runtime/errors.ts";
import { vectorize } from "../../runtime/ir/batch.ts";
import { type Builder, type Node, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { nodesOf } from "../../runtime/ir/order.ts";
import { type Rowed, takeRows } from "../../runtime/ir/rows.ts";
import type { Assignment, Axis, Setting, Target, Term } from "../../runtime/target.ts";
import type { Drawn, Family, Parameters } from "./approximation.ts";
import type { Noise } from "./noise.ts";
import { scoreRoots } from "./score.ts";

export interface WeightOptions {
  /** Draws of q in each evaluation. */
  readonly draws: number;
  /** Hold the parameters of log q constant: the gradient along draws loses a part of expectation 0 (Roeder, Wu and Duvenaud 2017). */
  readonly stickTheLanding?: boolean;
}
/** Some rows of a plate in place of all. */
export interface Minibatch {
  readonly plate: Axis;
  /** 0-based, distinct: int [rows]. */
  readonly indices: Value;
  readonly rows: number;
  /** What is at hand for these rows alone: rows of a table that are trained. */
  readonly own?: ReadonlyMap<Value, Rowed>;
}
/** A term of log p - log q. */
export interface Part {
  readonly term: Term;
  /** 1 of log p, log r and Jacobians, -1 of log q. */
  readonly sign: 1 | -1;
}
/** A part over the draws: [draws], or [draws, rows] where rows are kept apart and it has one each. Without its sign. */
export interface WeighedPart extends Part {
  readonly value: Value;
  readonly perRow: boolean;
  /** Whether it differs from draw to draw. */
  readonly varies: boolean;
}
/** log q of a site whose draws have no path, and what it is held responsible for: [draws, …axes] both. */
export interface Score {
  readonly site: string;
  readonly logQ: Value;
  readonly advantage: Value;
  /** The share of it that is part of the rate. */
  readonly rate: Value;
  readonly perRow: boolean;
}
export interface Weights {
  readonly parts: readonly WeighedPart[];
  readonly scores: readonly Score[];
  /** One draw for all rows: what the parts were built on. */
  readonly drawn: Drawn;
  /** Values built on the draw, for the rows at hand. */
  take(roots: readonly Root[]): Value[];
  /** All rows over the rows at hand. */
  readonly scale: number;
  /** Statistics of the rows at hand that networks ask for, by the parameters that keep running means of them. */
  readonly statistics: ReadonlyMap<string, Value>;
}

/** A value and the axis that counts the rows that are kept apart; -1: none. */
export interface Root {
  readonly value: Value;
  readonly axis: number;
}

/** `rows`: a plate whose rows are kept apart, or a minibatch of it. */
export function weigh(
  b: Builder,
  target: Target,
  family: Family,
  noise: Noise,
  parameters: Parameters,
  options: WeightOptions,
  rows?: Minibatch | { readonly plate: Axis },
): Weights {
  const setting = { parameters: parameters.target, training: noise };
  const drawn = family.draw(b, noise, parameters, setting);
  const q = drawn.logQ(options.stickTheLanding ? held(b, parameters) : parameters);
  const reverse = reverseTerms(b, target, drawn, setting);
  const parts: Part[] = [
    ...[...target.terms(b, drawn.values, setting), ...drawn.jacobian, ...reverse].map((term): Part => ({ term, sign: 1 })),
    ...q.map((term): Part => ({ term, sign: -1 })),
  ];
  const axisOf = (t: Term): number => (rows ? t.axes.findIndex((a) => a.name === rows.plate.name) : -1);
  const roots: Root[] = parts.map(({ term }) => sumWithin(b, term.value, axisOf(term)));
  const scored = scoreRoots(b, drawn, parts, parameters, axisOf);
  const all = [...roots, ...scored.flatMap((s) => [s.logQ, s.advantage, s.rate])];
  const batch = rows && "indices" in rows ? rows : undefined;
  const resolved = (some: readonly Root[]) => {
    const atHand = batch ? atRows(b, noise, some, batch) : some.map((r) => r.value);
    return noise.resolve(atHand, (x, axes) => {
      const axis = batch ? axes.findIndex((a) => a.name === batch.plate.name) : -1;
      return batch && axis >= 0 ? atRows(b, noise, [{ value: x, axis }], batch)[0] : x;
    });
  };
  const { values: taken, statistics } = resolved(all);
  if (batch) refuseOtherRows(noise, parts, roots, taken, batch);
  const { values: copied, varies } = overDraws(b, noise, [...taken, ...statistics.map((s) => s.value)], options.draws);
  return {
    parts: parts.map((p, i) => ({ ...p, value: copied[i], perRow: roots[i].axis >= 0, varies: varies[i] })),
    scores: scored.map(({ site, logQ }, k) => ({
      site,
      logQ: copied[roots.length + 3 * k],
      advantage: copied[roots.length + 3 * k + 1],
      rate: copied[roots.length + 3 * k + 2],
      perRow: logQ.axis >= 0,
    })),
    drawn,
    take: (some) => resolved(some).values,
    scale: batch ? batch.plate.size / batch.rows : 1,
    statistics: byName(
      b,
      statistics.map(({ name }, k) => ({ name, value: copied[taken.length + k] })),
    ),
  };
}

/** Means over draws, [draws, …], and over the calls of a network. */
function byName(b: Builder, values: readonly { readonly name: string; readonly value: Value }[]): Map<string, Value> {
  const found = new Map<string, Value[]>();
  for (const { name, value } of values) found.set(name, [...(found.get(name) ?? []), value]);
  return new Map(
    [...found].map(([name, all]) => {
      const total = all.reduce((s, v) => b.add(s, v));
      return [name, b.mul(b.sum(total, [0]), b.constant(1 / (all.length * shapeOf(total)[0])))];
    }),
  );
}

/** log r of auxiliary variables: the family's, or the guide's where the family draws them. */
export function reverseTerms(b: Builder, { guide }: Target, { values, reverse }: Drawn, setting: Setting): readonly Term[] {
  if (reverse) return reverse;
  const auxiliaries = guide?.sites.filter((s) => s.role === "aux") ?? [];
  return guide && auxiliaries.length > 0 && auxiliaries.every((s) => values[s.name]) ? guide.reverse(b, values, setting) : [];
}

/** The same parameters, of which no derivative is taken. */
export function held(b: Builder, { target, family }: Parameters): Parameters {
  const hold = (a: Assignment): Assignment => Object.fromEntries(Object.entries(a).map(([name, v]) => [name, b.stopGradient(v)]));
  return { target: hold(target), family: hold(family) };
}

/** Summed over all axes but the rows'. */
function sumWithin(b: Builder, value: Value, axis: number): Root {
  if (axis < 0) return { value: b.sum(value), axis };
  const others = shapeOf(value)
    .map((_, k) => k)
    .filter((k) => k !== axis);
  return { value: b.sum(value, others), axis: 0 };
}

function atRows(b: Builder, noise: Noise, roots: readonly Root[], { plate, indices, rows, own }: Minibatch): Value[] {
  const rowed = roots.flatMap((root, i) => (root.axis < 0 ? [] : [{ root, i }]));
  const at = new Map([...(own ?? []), ...noise.forRows(plate.name, rows)]);
  const taken = takeRows(
    b,
    rowed.map((r) => r.root),
    indices,
    at,
  );
  const out = roots.map((r) => r.value);
  rowed.forEach(({ i }, k) => {
    out[i] = taken[k];
  });
  return out;
}

/** What is drawn or learnt a row a datapoint is at hand for the rows of the minibatch alone. A term that reads it at other rows would see other
 *  draws than its neighbours, and pass no gradient to the rows it reads. */
function refuseOtherRows(
  noise: Noise,
  parts: readonly Part[],
  roots: readonly Root[],
  taken: readonly Value[],
  { plate, rows, own }: Minibatch,
): void {
  const whole = new Set([...(own?.keys() ?? []), ...noise.forRows(plate.name, rows).keys()].map((v) => v.node));
  const learnt = new Set([...(own?.keys() ?? [])].map((v) => v.node));
  // Rows of a table are gathered from all of it: what is behind them is not looked at.
  const atHand = new Set([...(own?.values() ?? [])].map(({ value }) => value.node));
  parts.forEach(({ term }, i) => {
    const bad = roots[i].axis >= 0 ? whole : learnt;
    if (readsAny(taken[i], bad, atHand))
      throw new UsageError(
        `the ${term.role} of ${term.site} reads, for some rows of ${plate.name}, what belongs to other rows of it, so that minibatches over ${plate.name} cannot be taken: leave --batch out (--batch 0), or take them --over another plate`,
      );
  });
}

function readsAny(value: Value, wanted: ReadonlySet<Node>, ends: ReadonlySet<Node>): boolean {
  const seen = new Set<Node>([value.node]);
  // Grows while it is gone through.
  for (const node of seen) {
    if (wanted.has(node)) return true;
    if (!ends.has(node)) for (const input of node.inputs) seen.add(input.node);
  }
  return false;
}

/** Each value for several draws: a new leading axis. */
function overDraws(
  b: Builder,
  noise: Noise,
  values: readonly Value[],
  draws: number,
): { readonly values: Value[]; readonly varies: readonly boolean[] } {
  if (draws === 1) {
    const random = new Set(noise.inputsOf(values).map((input) => input.node));
    return {
      values: values.map((v) => b.reshape(v, [1, ...shapeOf(v)])),
      varies: values.map((v) => nodesOf([v]).some((node) => random.has(node))),
    };
  }
  const { values: copied, batched } = vectorize(b, values, noise.forCopies(draws, values), draws);
  return {
    values: copied.map((v, i) => (batched[i] ? v : b.broadcastTo(b.reshape(v, [1, ...shapeOf(v)]), [draws, ...shapeOf(v)]))),
    varies: batched,
  };
}
