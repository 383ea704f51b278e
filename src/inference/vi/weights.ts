// Log weights log p - log q of draws of a family, as graphs: over all rows of a plate or a minibatch of them, over several draws.
import { UsageError } from "../../runtime/errors.ts";
import { vectorize } from "../../runtime/ir/batch.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Builder, type Node, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { nodesOf } from "../../runtime/ir/order.ts";
import { type Rowed, takeRows } from "../../runtime/ir/rows.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Assignment, Axis, Setting, Target, Term } from "../../runtime/target.ts";
import type { Drawn, Family, Parameters } from "./approximation.ts";
import { Noise } from "./noise.ts";
import { type ScoreRoots, scoreRoots } from "./score.ts";

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

/** `rows`: a minibatch of a plate, or a plate whose rows are kept apart if they are: if none reads what is drawn for another. */
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
  const parts = partsOf(b, target, drawn, options.stickTheLanding ? held(b, parameters) : parameters, setting);
  const batch = rows && "indices" in rows ? rows : undefined;
  const plate = batch || (rows && !crossing(b, noise, parts, oneRow(b, rows.plate))) ? rows?.plate : undefined;
  const axisOf = (t: Term): number => (plate ? axisIn(t, plate) : -1);
  const roots: Root[] = parts.map(({ term }) => sumWithin(b, term.value, axisOf(term)));
  const scored = scoreRoots(b, drawn, parts, parameters, axisOf);
  const all = [...roots, ...scored.flatMap((s) => [s.logQ, s.advantage, s.rate])];
  const resolved = (some: readonly Root[]) => {
    const atHand = batch ? atRows(b, noise, some, batch) : some.map((r) => r.value);
    return noise.resolve(atHand, (x, axes) => {
      const axis = batch ? axes.findIndex((a) => a.name === batch.plate.name) : -1;
      return batch && axis >= 0 ? atRows(b, noise, [{ value: x, axis }], batch)[0] : x;
    });
  };
  const { values: taken, statistics } = resolved(all);
  if (batch) refuseOtherRows(b, noise, parts, scored, batch);
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

/** log p, log r and Jacobians, and log q at `at`. */
function partsOf(b: Builder, target: Target, drawn: Drawn, at: Parameters, setting: Setting): Part[] {
  const up = [...target.terms(b, drawn.values, setting), ...drawn.jacobian, ...reverseTerms(b, target, drawn, setting)];
  return [...up.map((term): Part => ({ term, sign: 1 })), ...drawn.logQ(at).map((term): Part => ({ term, sign: -1 }))];
}

const axisIn = (t: Term, plate: Axis): number => t.axes.findIndex((a) => a.name === plate.name);

/** Some row, to see what it is made of. */
const oneRow = (b: Builder, plate: Axis): Minibatch => ({
  plate,
  rows: 1,
  indices: b.input(`(row of ${plate.name})`, { shape: [1], dtype: "int" }),
});

/** Whether rows of the plate read, of what is drawn or learnt a row a datapoint, their own alone, and no other term reads
 *  it: then rows have weights of their own. */
export function rowsAreApart(target: Target, family: Family, plate: Axis): boolean {
  const b = createBuilder();
  const noise = new Noise(b);
  const own = new Map<Value, Rowed>();
  const inputs = (owner: string, all: readonly { readonly name: string; readonly shape: Shape; readonly plate?: Axis }[]) =>
    Object.fromEntries(
      all.map((p) => {
        const whole = b.input(`${owner} ${p.name}`, { shape: p.shape, dtype: "real" });
        if (p.plate?.name === plate.name)
          own.set(whole, {
            value: b.input(`row of ${owner} ${p.name}`, { shape: [1, ...p.shape.slice(1)], dtype: "real" }),
            axis: 0,
          });
        return [p.name, whole];
      }),
    );
  const parameters = { target: inputs("parameter", target.parameters), family: inputs("family", family.parameters) };
  const setting = { parameters: parameters.target, training: noise };
  const drawn = family.draw(b, noise, parameters, setting);
  return !crossing(b, noise, partsOf(b, target, drawn, parameters, setting), { ...oneRow(b, plate), own }, true);
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

/** A term that reads at rows what is drawn or learnt for other rows; one of no row, that reads rows of a table that is learnt, or, if strict, what is
 *  drawn for rows. */
function crossing(b: Builder, noise: Noise, parts: readonly Part[], batch: Minibatch, isStrict = false): Part | undefined {
  const { plate, rows, own } = batch;
  const roots = parts.map(({ term }) => sumWithin(b, term.value, axisIn(term, plate)));
  const taken = atRows(b, noise, roots, batch);
  const learnt = new Set([...(own?.keys() ?? [])].map((v) => v.node));
  const whole = new Set([...learnt, ...[...noise.forRows(plate.name, rows).keys()].map((v) => v.node)]);
  const atHand = atHandOf(batch);
  return parts.find((_, i) => readsAny(taken[i], isStrict || roots[i].axis >= 0 ? whole : learnt, atHand));
}

/** Rows of a table are gathered from all of it: what is behind them is not looked at. */
const atHandOf = ({ own }: Minibatch): ReadonlySet<Node> => new Set([...(own?.values() ?? [])].map(({ value }) => value.node));

/** What is drawn or learnt a row a datapoint is at hand for the rows of the minibatch alone. A term that reads it at other rows would see other
 *  draws than its neighbours, and pass no gradient to the rows it reads; and what a draw without a path is held responsible for would be made
 *  of other draws. */
function refuseOtherRows(
  b: Builder,
  noise: Noise,
  parts: readonly Part[],
  scored: readonly ScoreRoots[],
  batch: Minibatch,
): void {
  const { plate, rows } = batch;
  const found = crossing(b, noise, parts, batch);
  const whole = new Set([...noise.forRows(plate.name, rows).keys()].map((v) => v.node));
  const held = scored.find(
    (s) => s.advantage.axis >= 0 && readsAny(atRows(b, noise, [s.advantage], batch)[0], whole, atHandOf(batch)),
  );
  if (!found && !held) return;
  const what = found
    ? `the ${found.term.role} of ${found.term.site} reads, for some rows of ${plate.name}, what belongs to other rows of it`
    : `a term that is of no row of ${plate.name} reads ${held?.site} of all rows of it`;
  throw new UsageError(
    `${what}, so that minibatches over ${plate.name} cannot be taken: leave --batch out (--batch 0), or take them --over another plate`,
  );
}

/** Whether the value is made of any of these, not looking behind `ends`. */
export function readsAny(value: Value, wanted: ReadonlySet<Node>, ends: ReadonlySet<Node> = new Set()): boolean {
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
