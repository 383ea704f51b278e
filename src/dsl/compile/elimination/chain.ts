// Chains: elements in a row of which each meets the one before it and the one behind it, and else only elements that meet many, such as the class of a
// whole series. They are summed out by the forward recursion (Baum et al. 1970), for every value of those: a loop over steps in which all chains
// of about the same length go together. Time and memory are linear in their length.
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { sizeOf } from "../../../runtime/ir/type.ts";
import { FLOPS_AN_ENTRY } from "./cost.ts";
import type { Join, Spend } from "./eliminate.ts";
import { logRecursion, mayBeImpossible, type Recursion, scaledRecursion } from "./forward.ts";
import { type Group, isShared, tableRows } from "./groups.ts";

/** Shorter ones are summed out in rounds. */
export const SHORTEST = 6;
/** Elements that meet more than this stand beside a chain, not in it. */
const MOST_NEIGHBOURS = 8;
/** Combinations of values of what stands beside a chain. */
const MOST_BESIDE = 256;

export interface Chain {
  readonly elements: Int32Array;
  /** What stands beside it, in ascending order. */
  readonly beside: readonly number[];
}

/** Chains side by side, as the recursion has left them. */
export interface ChainStep {
  readonly kind: "chains";
  /** Steps, chains, combinations of what stands beside them, values of an element. */
  readonly length: number;
  readonly count: number;
  readonly combinations: number;
  readonly values: number;
  /** [length, count]: the element of each step, -1 behind the end of a shorter chain. */
  readonly elements: Int32Array;
  /** What stands beside the chains: for each place an element of each chain. */
  readonly beside: readonly Int32Array[];
  /** Their values, in number. */
  readonly besides: readonly number[];
  /** [length, count, combinations, values]: log weights of all that stands before, with the element's value. */
  readonly forward: Value;
  /** Log weights at a step: [count or 1, combinations or 1, value before, value]. */
  pair(step: Value): Value;
  /** [length, count], true where a chain has the step; undefined: everywhere. */
  readonly mask?: Value;
}

export function findChains(groups: readonly Group[], sizes: Int32Array): Chain[] {
  const around = neighbourhoods(groups);
  const beside = (e: number): boolean => isBeside(around, e);
  const inRow = (e: number): number[] => [...(around.get(e) ?? [])].filter((x) => !beside(x));
  const chains: Chain[] = [];
  const seen = new Set<number>();
  for (const end of around.keys()) {
    if (seen.has(end) || beside(end) || inRow(end).length !== 1) continue;
    const elements = walkFrom(end, inRow, seen);
    if (!elements || elements.length < SHORTEST || elements.some((e) => sizes[e] !== sizes[end])) continue;
    const besides = [...new Set(elements.flatMap((e) => [...(around.get(e) ?? [])].filter(beside)))].sort((x, y) => x - y);
    if (besides.reduce((n, e) => n * sizes[e], 1) > MOST_BESIDE) continue;
    // From the lower end, which is where the model began.
    if (elements[0] > elements[elements.length - 1]) elements.reverse();
    chains.push({ elements: Int32Array.from(elements), beside: besides });
  }
  return chains;
}

export const isBeside = (around: ReadonlyMap<number, ReadonlySet<number>>, e: number): boolean =>
  (around.get(e)?.size ?? 0) > MOST_NEIGHBOURS;

export function neighbourhoods(groups: readonly Group[]): Map<number, Set<number>> {
  const around = new Map<number, Set<number>>();
  for (const g of groups)
    for (let row = 0; row < g.rows; row++)
      for (const column of g.elements) {
        const e = column[row];
        const known = around.get(e) ?? new Set<number>();
        around.set(e, known);
        for (const other of g.elements) if (other[row] !== e) known.add(other[row]);
      }
  return around;
}

/** From one end to the other; undefined where it forks. */
function walkFrom(end: number, inRow: (e: number) => number[], seen: Set<number>): number[] | undefined {
  const elements = [end];
  seen.add(end);
  for (let [from, at] = [end, inRow(end)[0] as number | undefined]; at !== undefined; ) {
    const neighbours = inRow(at);
    if (neighbours.length > 2) return undefined;
    elements.push(at);
    seen.add(at);
    const before: number = from;
    from = at;
    at = neighbours.find((x) => x !== before);
  }
  return elements;
}

/** Chains that differ in length by less than twofold go together. */
export function bundles(chains: readonly Chain[], sizes: Int32Array): Chain[][] {
  const classes = new Map<string, Chain[]>();
  for (const chain of chains) {
    const { elements, beside } = chain;
    const key = `${sizes[elements[0]]}:${32 - Math.clz32(elements.length - 1)}:${beside.map((e) => sizes[e])}`;
    classes.set(key, [...(classes.get(key) ?? []), chain]);
  }
  return [...classes.values()];
}

/** Where the elements of a bundle stand. */
interface Places {
  readonly length: number;
  readonly count: number;
  readonly values: number;
  /** Values of what stands beside. */
  readonly besides: readonly number[];
  /** step * count + chain */
  readonly of: ReadonlyMap<number, number>;
  readonly chains: readonly Chain[];
}

/** The step, and what is left: a table over what stands beside the chains, a row a chain. */
export function sumChains(
  b: Builder,
  chains: readonly Chain[],
  groups: readonly Group[],
  sizes: Int32Array,
  join: Join,
  spend: Spend,
): { readonly step: ChainStep; readonly left: Group } {
  const count = chains.length;
  const length = chains.reduce((m, c) => Math.max(m, c.elements.length), 0);
  const values = sizes[chains[0].elements[0]];
  const besides = chains[0].beside.map((e) => sizes[e]);
  const combinations = sizeOf(besides);
  spend(length * count * combinations * values * values * FLOPS_AN_ENTRY, chains[0].elements[0], true);
  const elements = new Int32Array(length * count).fill(-1);
  const of = new Map<number, number>();
  chains.forEach((chain, c) => {
    chain.elements.forEach((e, t) => {
      elements[t * count + c] = e;
      of.set(e, t * count + c);
    });
  });
  const isRagged = chains.some((c) => c.elements.length !== length);
  const mask = isRagged
    ? b.tensor(
        Uint8Array.from(elements, (e) => (e < 0 ? 0 : 1)),
        [length, count],
        "bool",
      )
    : undefined;
  const places: Places = { length, count, values, besides, of, chains };
  const { own, pairs, from } = tablesOf(b, groups, places);
  const unary = b.reshape(
    b.broadcastTo(
      own.reduce((x, y) => b.add(x, y), b.constant(0)),
      [length * count, combinations, values],
    ),
    [length, count, combinations, values],
  );
  const pair = (step: Value): Value =>
    pairs.map((p) => (p.isShared ? p.table : b.gather(p.table, step))).reduce((x, y) => b.add(x, y));
  const recursion: Recursion = { b, length, count, combinations, values, unary, pairs, pair, mask };
  const isScaled = join === "sum" && !mayBeImpossible(pairs.map((p) => p.table));
  const { forward, total } = isScaled ? scaledRecursion(recursion) : logRecursion(recursion, join);
  const beside = besides.map((_, k) => Int32Array.from(chains, (c) => c.beside[k]));
  return {
    step: {
      kind: "chains",
      length,
      count,
      combinations,
      values,
      elements,
      beside,
      besides,
      forward,
      pair,
      ...(mask ? { mask } : {}),
    },
    left: { table: b.reshape(total, [count, ...besides]), rows: count, elements: beside, from },
  };
}

export interface Pair {
  /** [1, combinations or 1, values, values] if shared, else [length, count, combinations or 1, values, values]. */
  readonly table: Value;
  readonly isShared: boolean;
}

/** What reads single elements of the chains, [length * count, combinations or 1, values], and what reads neighbours. */
function tablesOf(b: Builder, groups: readonly Group[], places: Places) {
  const { length, count, values } = places;
  const own: Value[] = [];
  const pairs: Pair[] = [];
  const from = new Set<number>();
  for (const g of groups)
    for (const { rows, order } of byOrder(g, places)) {
      for (const t of g.from) from.add(t);
      const isPair = order.later !== undefined;
      const table = alongBeside(b, { ...g, table: tableRows(b, g, rows) }, order, places);
      const at = Int32Array.from(rows, (row) => places.of.get(g.elements[order.later ?? order.first][row]) ?? 0);
      // Where a chain has ended, nothing is read.
      const isSame = isShared(g) && rows.length === places.of.size - count;
      if (isPair && isSame) pairs.push({ table, isShared: true });
      else {
        const all = laid(b, table, at, length * count);
        if (isPair) pairs.push({ table: b.reshape(all, [length, count, shapeOf(all)[1], values, values]), isShared: false });
        else own.push(all);
      }
    }
  return { own, pairs, from };
}

/** Which axis of a group's table is what. */
interface Order {
  readonly first: number;
  /** Of two neighbours the one behind. */
  readonly later?: number;
  /** The axis of each element that stands beside, -1 where it is not read. */
  readonly beside: readonly number[];
}

/** The rows that read elements of the chains, by what their axes are. */
function byOrder(g: Group, { of, chains, count }: Places): { readonly rows: Int32Array; readonly order: Order }[] {
  const classes = new Map<string, { rows: number[]; order: Order }>();
  for (let row = 0; row < g.rows; row++) {
    const inChain = g.elements.flatMap((column, axis) => (of.has(column[row]) ? [axis] : []));
    if (inChain.length === 0) continue;
    const placeOf = (axis: number): number => of.get(g.elements[axis][row]) ?? 0;
    const [first, later] = inChain.sort((x, y) => placeOf(x) - placeOf(y));
    const chain = chains[placeOf(first) % count];
    const beside = chain.beside.map((e) => g.elements.findIndex((column) => column[row] === e));
    const order: Order = { first, ...(later === undefined ? {} : { later }), beside };
    const key = JSON.stringify(order);
    const known = classes.get(key);
    if (known) known.rows.push(row);
    else classes.set(key, { rows: [row], order });
  }
  return [...classes.values()].map(({ rows, order }) => ({ rows: Int32Array.from(rows), order }));
}

/** [rows or 1, combinations or 1, values] or [.., values before, values]. */
function alongBeside(b: Builder, { table }: Group, order: Order, { besides, values }: Places): Value {
  const own = [order.first, ...(order.later === undefined ? [] : [order.later])];
  const there = order.beside.filter((axis) => axis >= 0);
  const moved = b.transpose(table, [0, ...[...there, ...own].map((axis) => axis + 1)]);
  const rows = shapeOf(moved)[0];
  const ends = own.map(() => values);
  if (there.length === 0) return b.reshape(moved, [rows, 1, ...ends]);
  const slim = b.reshape(moved, [rows, ...order.beside.map((axis, k) => (axis < 0 ? 1 : besides[k])), ...ends]);
  return b.reshape(b.broadcastTo(slim, [rows, ...besides, ...ends]), [rows, sizeOf(besides), ...ends]);
}

/** Tables laid at places among `total`, 0 elsewhere: [total, …]. */
function laid(b: Builder, table: Value, places: Int32Array, total: number): Value {
  const [rows, ...rest] = shapeOf(table);
  const full = rows === places.length ? table : b.broadcastTo(table, [places.length, ...rest]);
  const inOrder = places.every((p, i) => p === places[0] + i);
  if (inOrder && places.length === total) return full;
  if (inOrder) return b.assemble([full], 0, [places[0]], total);
  if (new Set(places).size === total && places.length === total) {
    const back = new Int32Array(total);
    places.forEach((p, i) => {
      back[p] = i;
    });
    return b.gather(full, b.tensor(back, [total], "int"));
  }
  return b.scatterAdd(full, b.tensor(places, [places.length], "int"), total);
}
