// Making a loop: its body is written with symbols for what a step is given; what does not depend on the states is moved out of it, there to be
// computed for all steps at once.
import { InternalError } from "../../errors.ts";
import { vectorize } from "../batch.ts";
import { type Builder, constantOf, dtypeOf, type Node, resultsOf, shapeOf, typeOf, type Value } from "../graph.ts";
import { nodesBetween, nodesOf } from "../order.ts";
import { dot } from "../primitives/dot.ts";
import { type GatherAttrs, gather } from "../primitives/gather.ts";
import { sum } from "../primitives/reduce.ts";
import { reshape } from "../primitives/shape.ts";
import { substitute } from "../substitute.ts";
import { sizeOf, type TensorType } from "../type.ts";
import { affineSteps } from "./affine.ts";
import { closeOver, tableOf } from "./body.ts";
import { type LoopAttrs, type LoopWrite, loop } from "./loop.ts";
import { rootsAgain, squaresOfRoots } from "./squares.ts";

/** What a step does to a state, all reads of the step being done: sets, or adds to, the rows from `at` on (0-based, of the state seen as
 *  [rows, …]), as many as the value has; without `at` the whole of it. */
export interface WrittenState {
  readonly state: number;
  readonly mode: "set" | "add";
  readonly rows: number;
  readonly at?: Value;
  readonly value: Value;
}
export interface LoopSpec {
  readonly steps: number;
  /** Steps that end together when `stop` says so; absent: all. */
  readonly group?: number;
  /** No step reads what it writes, or writes what it has read. */
  readonly apart?: boolean;
  /** Of an `apart` loop: what a step has summed of many elements is kept, since its derivative may ask for it. */
  readonly keepsSums?: boolean;
  /** The arrays as they begin. */
  readonly states: readonly Value[];
  /** Numbers that a step is given, one each. */
  readonly ordinals: readonly Int32Array[];
  /** Called once, with symbols that stand for the states before a step and for its ordinals. */
  body(given: { readonly states: readonly Value[]; readonly ordinals: readonly Value[] }): {
    readonly writes: readonly WrittenState[];
    /** A truth value: no step of this group follows. */
    readonly stop?: Value;
  };
}

const counts = new WeakMap<Builder, number>();
/** An input that stands for something until it is replaced. */
export function symbol(b: Builder, type: TensorType): Value {
  const n = counts.get(b) ?? 0;
  counts.set(b, n + 1);
  return b.input(`(symbol ${n})`, type);
}

/** The states as they are after the last step. */
export function makeLoop(b: Builder, spec: LoopSpec): Value[] {
  if (spec.steps === 0) return [...spec.states];
  const states = spec.states.map((s) => symbol(b, typeOf(s)));
  const ordinals = spec.ordinals.map(() => symbol(b, { shape: [], dtype: "int" }));
  const { step, squared } = squaresOfRoots(b, states, spec.body({ states, ordinals }));
  const { writes, stop } = step;
  const hoist = new Hoist(b, spec, states, ordinals);
  const values = hoist.rewritten([...writes.map((w) => w.value), ...writes.flatMap((w) => w.at ?? []), ...(stop ? [stop] : [])]);
  const rewritten = values.slice(0, writes.length);
  const places = values.slice(writes.length, stop ? -1 : undefined);
  const sums = spec.keepsSums ? sumsOn(b, states, values, spec.steps) : [];
  const histories = sums.map((v) => symbol(b, { shape: [spec.steps, ...shapeOf(v)], dtype: "real" }));

  const roots: Value[] = [];
  const resultAt = (v: Value): number => {
    if (!roots.includes(v)) roots.push(v);
    return roots.indexOf(v);
  };
  let next = 0;
  const own = writes.map(({ state, mode, rows, at }, i): LoopWrite => {
    const value = resultAt(rewritten[i]);
    if (at === undefined) return { state, mode, rows, value, at: null };
    const place = hoist.asOrdinal(places[next++]);
    return { state, mode, rows, value, at: typeof place === "number" ? { ordinal: place } : { result: resultAt(place) } };
  });
  const counter = sums.length > 0 ? hoist.asOrdinal(hoist.counter()) : 0;
  if (typeof counter !== "number") throw new InternalError("a step without its number");
  sums.forEach((v, i) => {
    own.push({ state: states.length + i, mode: "set", rows: spec.steps, value: resultAt(v), at: { ordinal: counter } });
  });
  const stopAt = stop ? resultAt(values[values.length - 1]) : null;

  const used = new Set(nodesOf(roots));
  const named = new Set(own.flatMap(({ at }) => (at !== null && "ordinal" in at ? [at.ordinal] : [])));
  const kept = hoist.ordinals.flatMap((o, i) => (used.has(o.symbol.node) || named.has(i) ? [i] : []));
  const symbols = [...states, ...histories, ...kept.map((i) => hoist.ordinals[i].symbol)];
  const { body, frees } = closeOver(symbols, roots);
  const attrs: LoopAttrs = {
    steps: spec.steps,
    group: spec.group ?? spec.steps,
    states: states.length + histories.length,
    tables: kept.map((i) => tableOf(hoist.ordinals[i].table)),
    body,
    writes: own.map((w) => (w.at !== null && "ordinal" in w.at ? { ...w, at: { ordinal: kept.indexOf(w.at.ordinal) } } : w)),
    stop: stopAt,
    apart: spec.apart ?? false,
  };
  const begin = spec.states.map((s, i) => (squared.has(i) ? b.square(s) : s));
  const empty = histories.map((h) => b.broadcastTo(b.constant(0), shapeOf(h)));
  const ends = b.apply(loop, [...begin, ...empty, ...frees], attrs).slice(0, states.length);
  return ends.map((end, i) => (squared.has(i) ? rootsAgain(b, spec.states[i], end, i, attrs) : end));
}

/** Elements that a sum has at least, for each of its own, to be kept rather than computed once more. */
const MANY = 8;

/** What a step sums of many elements that depend on the states. */
function sumsOn(b: Builder, states: readonly Value[], roots: readonly Value[], steps: number): Value[] {
  return nodesBetween(states, roots).flatMap((node) => {
    if (node.op !== sum && node.op !== dot) return [];
    const [own] = resultsOf(b, node);
    const size = sizeOf(shapeOf(own));
    const most = Math.max(...node.inputs.map((x) => sizeOf(shapeOf(x))));
    return dtypeOf(own) === "real" && most >= MANY * size && steps * size <= MOST_AHEAD ? [own] : [];
  });
}

/** Elements up to which something is computed for all steps ahead. */
const MOST_AHEAD = 4_194_304;

/** What of a body depends on its ordinals alone is computed for all steps outside, where neighbours share instructions and constants fold;
 *  the body reads its own element. */
class Hoist {
  readonly ordinals: { readonly symbol: Value; readonly table: Int32Array }[];
  private readonly b: Builder;
  private readonly steps: number;
  private readonly states: readonly Value[];
  private step: Value | undefined;

  constructor(b: Builder, { steps, ordinals }: LoopSpec, states: readonly Value[], symbols: readonly Value[]) {
    this.b = b;
    this.steps = steps;
    this.states = states;
    this.ordinals = symbols.map((symbol, i) => ({ symbol, table: ordinals[i] }));
  }

  rewritten(roots: readonly Value[]): Value[] {
    const flat = affineSteps(this.b, this.states, flattenReads(this.b, this.states, roots));
    const onStates = new Set<Node>(nodesBetween(this.states, flat));
    const symbols = this.ordinals.map((o) => o.symbol);
    const onOrdinals = new Set<Node>(nodesBetween(symbols, flat).filter((n) => !onStates.has(n)));
    const found = new Set<Value>();
    const pending: Value[] = [];
    for (const node of onStates) pending.push(...node.inputs);
    pending.push(...flat);
    const seen = new Set<Value>();
    for (let v = pending.pop(); v !== undefined; v = pending.pop()) {
      if (seen.has(v) || !onOrdinals.has(v.node)) continue;
      seen.add(v);
      if (this.isWorthwhile(v)) found.add(v);
      else pending.push(...v.node.inputs);
    }
    if (found.size === 0) return flat;
    const ahead = [...found].sort((x, y) => x.node.id - y.node.id || x.index - y.index);
    const tables = vectorize(
      this.b,
      ahead,
      new Map(this.ordinals.map((o) => [o.symbol, this.b.tensor(o.table, [this.steps], "int")])),
      this.steps,
    ).values;
    return substitute(this.b, flat, new Map(ahead.map((v, i) => [v, this.perStep(tables[i])])));
  }

  /** An element a step; an integer that is known is an ordinal of its own. */
  private perStep(table: Value): Value {
    const values = dtypeOf(table) === "int" && shapeOf(table).length === 1 ? constantOf(table) : null;
    if (values === null) return this.b.gather(table, this.counter());
    const same = this.ordinals.find((o) => o.table.every((x, i) => x === values[i]));
    return (same ?? this.ordinals[this.add(Int32Array.from(values))]).symbol;
  }

  /** The number of an ordinal that has this value in each step, or the value itself. */
  asOrdinal(v: Value): number | Value {
    const known = this.ordinals.findIndex((o) => o.symbol === v);
    if (known >= 0) return known;
    const constant = constantOf(v);
    return constant === null ? v : this.add(new Int32Array(this.steps).fill(constant[0]));
  }
  private add(table: Int32Array): number {
    return this.ordinals.push({ symbol: symbol(this.b, { shape: [], dtype: "int" }), table }) - 1;
  }
  /** The number of the step. */
  counter(): Value {
    if (this.step === undefined) {
      this.step = symbol(this.b, { shape: [], dtype: "int" });
      this.ordinals.push({ symbol: this.step, table: Int32Array.from({ length: this.steps }, (_, i) => i) });
    }
    return this.step;
  }

  /** A row of what is at hand anyway is read where it is. */
  private isWorthwhile(v: Value): boolean {
    const { op, inputs } = v.node;
    if (sizeOf(shapeOf(v)) * this.steps > MOST_AHEAD) return false;
    const isRead = op === gather && !this.dependsOnStep(inputs[0]) && constantOf(inputs[0]) === null;
    return !isRead;
  }
  private dependsOnStep(v: Value): boolean {
    const symbols = this.ordinals.map((o) => o.symbol);
    return symbols.includes(v) || nodesBetween(symbols, [v]).length > 0;
  }
}

/** An element of a row of a state is an element of the state: gather(gather(s, i), j) reads at one place. */
function flattenReads(b: Builder, states: readonly Value[], roots: readonly Value[]): Value[] {
  const results = new Map<Node, readonly Value[]>();
  const imageOf = (v: Value): Value => results.get(v.node)?.[v.index] ?? v;
  for (const node of nodesBetween(states, roots)) {
    if (typeof node.op === "string") continue;
    const inputs = node.inputs.map(imageOf);
    results.set(node, flattened(b, node, inputs) ?? b.apply(node.op, inputs, node.attrs));
  }
  return roots.map(imageOf);
}

function flattened(b: Builder, node: Node, [table, index]: readonly Value[]): readonly Value[] | null {
  const isRow = (n: Node): boolean =>
    n.op === gather && (n.attrs as GatherAttrs).batch === 0 && n.inputs[1] !== undefined && shapeOf(n.inputs[1]).length === 0;
  if (node.op !== gather || (node.attrs as GatherAttrs).batch !== 0 || shapeOf(index).length !== 0) return null;
  let inner = table;
  while (inner.node.op === reshape) inner = inner.node.inputs[0];
  if (!isRow(inner.node)) return null;
  const [whole, row] = inner.node.inputs;
  const [count] = shapeOf(whole);
  const [own, ...rest] = shapeOf(table);
  if (own === undefined) throw new InternalError("a row of a scalar");
  const all = b.reshape(whole, [count * own, ...rest]);
  return [b.gather(all, b.add(b.mul(row, b.constant(own, "int")), index))];
}
