// Chains: elements in a row of which each meets the one before it and the one behind it alone. They are summed out by the forward recursion
// (Baum et al. 1970), a loop over steps in which all chains of about the same length go together: time and memory linear in their length.
import { type Builder, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { makeLoop } from "../../../runtime/ir/loop/make.ts";
import { FLOPS_AN_ENTRY } from "./cost.ts";
import type { Join, Rest } from "./eliminate.ts";
import { type Group, isShared, tableRows } from "./groups.ts";

/** Shorter ones are summed out in rounds. */
const SHORTEST = 6;

/** Chains side by side, as the recursion has left them. */
export interface ChainStep {
  readonly kind: "chains";
  /** Steps, chains and values of an element. */
  readonly length: number;
  readonly count: number;
  readonly values: number;
  /** [length, count]: the element of each step, -1 behind the end of a shorter chain. */
  readonly elements: Int32Array;
  /** [length, count, values]: log weights of all that stands before, with the element's value. */
  readonly forward: Value;
  /** Log weights of [value before, value] at a step, of [count, values, values], or of [1, values, values]. */
  pair(step: Value): Value;
  /** [length, count], 1 where a chain has the step; undefined: everywhere. */
  readonly mask?: Value;
}

/** Sequences of elements, from one end to the other. */
export function findChains(groups: readonly Group[], sizes: Int32Array): Int32Array[] {
  const around = new Map<number, number[]>();
  const outside = new Set<number>();
  for (const g of groups) {
    const [first, second] = g.elements;
    for (let row = 0; row < g.rows; row++) {
      if (g.elements.length > 2) for (const column of g.elements) outside.add(column[row]);
      if (g.elements.length !== 2) continue;
      const [x, y] = [first[row], second[row]];
      link(around, x, y);
      link(around, y, x);
      if (sizes[x] !== sizes[y]) outside.add(x);
    }
  }
  const chains: Int32Array[] = [];
  const seen = new Set<number>();
  for (const [end, [next, ...others]] of around) {
    if (others.length > 0 || seen.has(end)) continue;
    const chain = [end];
    seen.add(end);
    let isChain = !outside.has(end);
    for (let [from, at] = [end, next as number | undefined]; at !== undefined; ) {
      chain.push(at);
      seen.add(at);
      const neighbours: readonly number[] = around.get(at) ?? [];
      if (neighbours.length > 2 || outside.has(at)) {
        isChain = false;
        break;
      }
      const ahead: number | undefined = neighbours.find((x) => x !== from);
      from = at;
      at = ahead;
    }
    // From the lower end, which is where the model began.
    if (isChain && chain.length >= SHORTEST)
      chains.push(Int32Array.from(chain[0] < chain[chain.length - 1] ? chain : chain.reverse()));
  }
  return chains;
}

function link(around: Map<number, number[]>, from: number, to: number): void {
  const known = around.get(from);
  if (!known) around.set(from, [to]);
  else if (!known.includes(to)) known.push(to);
}

/** Chains that differ in length by less than twofold go together. */
export function bundles(chains: readonly Int32Array[], sizes: Int32Array): Int32Array[][] {
  const classes = new Map<string, Int32Array[]>();
  for (const chain of chains) {
    const key = `${sizes[chain[0]]}:${32 - Math.clz32(chain.length - 1)}`;
    classes.set(key, [...(classes.get(key) ?? []), chain]);
  }
  return [...classes.values()];
}

export function sumChains(
  b: Builder,
  chains: readonly Int32Array[],
  groups: readonly Group[],
  sizes: Int32Array,
  join: Join,
  spend: (flops: number, element: number) => void,
): { readonly step: ChainStep; readonly rest: Rest } {
  const count = chains.length;
  const length = chains.reduce((m, c) => Math.max(m, c.length), 0);
  const values = sizes[chains[0][0]];
  spend(length * count * values * values * FLOPS_AN_ENTRY, chains[0][0]);
  const elements = new Int32Array(length * count).fill(-1);
  /** Where an element stands: step * count + chain. */
  const place = new Map<number, number>();
  chains.forEach((chain, c) => {
    chain.forEach((e, t) => {
      elements[t * count + c] = e;
      place.set(e, t * count + c);
    });
  });
  const isRagged = chains.some((c) => c.length !== length);
  const mask = isRagged
    ? b.tensor(
        Uint8Array.from(elements, (e) => (e < 0 ? 0 : 1)),
        [length, count],
        "bool",
      )
    : undefined;

  const from = new Set<number>();
  const own: Value[] = [];
  const pairs: { readonly table: Value; readonly isShared: boolean }[] = [];
  for (const g of groups) {
    const rows = rowsAmong(g, place);
    if (rows.length === 0) continue;
    for (const t of g.from) from.add(t);
    if (g.elements.length === 1)
      own.push(
        laid(
          b,
          g,
          rows,
          Int32Array.from(rows, (r) => place.get(g.elements[0][r])!),
          length * count,
        ),
      );
    else pairs.push(...pairTables(b, g, rows, place, count, length));
  }
  const none = b.broadcastTo(b.constant(0), [length * count, values]);
  const unary = b.reshape(
    own.reduce((x, y) => b.add(x, y), own.shift() ?? none),
    [length, count, values],
  );
  const pair = (step: Value): Value =>
    pairs.map((p) => (p.isShared ? p.table : b.gather(p.table, step))).reduce((x, y) => b.add(x, y));

  const [forward] = makeLoop(b, {
    steps: length - 1,
    states: [unary],
    ordinals: [Int32Array.from({ length: length - 1 }, (_, t) => t + 1)],
    body({ states: [h], ordinals: [t] }) {
      const before = b.gather(h, b.sub(t, b.constant(1, "int")));
      const joint = b.add(b.reshape(before, [count, values, 1]), pair(t));
      const over = join === "sum" ? b.logSumExp(joint, [1]) : b.reduceMax(joint, [1]);
      const next = b.add(b.gather(unary, t), over);
      const value = mask ? b.select(b.reshape(b.gather(mask, t), [count, 1]), next, before) : next;
      return { writes: [{ state: 0, mode: "set", rows: length, at: t, value: b.reshape(value, [count, values]) }] };
    },
  });
  const end = b.reshape(b.slice(forward, 0, length - 1, 1), [count, values]);
  const value = join === "sum" ? b.logSumExp(end, [1]) : b.reduceMax(end, [1]);
  return {
    step: { kind: "chains", length, count, values, elements, forward, pair, ...(mask ? { mask } : {}) },
    rest: { value, elements: Int32Array.from(chains, (c) => c[c.length - 1]), from },
  };
}

/** Rows of a group that read elements of the chains. */
function rowsAmong(g: Group, place: ReadonlyMap<number, number>): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < g.rows; row++) if (place.has(g.elements[0][row])) rows.push(row);
  return Int32Array.from(rows);
}

/** Rows of tables laid at places among `total`, 0 elsewhere: [total, …values]. */
function laid(b: Builder, g: Group, rows: Int32Array, places: Int32Array, total: number): Value {
  const values = shapeOf(g.table).slice(1);
  const own = tableRows(b, g, rows);
  const full = isShared(g) ? b.broadcastTo(own, [rows.length, ...values]) : own;
  const inOrder = places.every((p, i) => p === places[0] + i);
  if (inOrder && places.length === total) return full;
  if (inOrder) return b.assemble([full], 0, [places[0]], total);
  // Each place has one row at most.
  if (places.length === total) {
    const back = new Int32Array(total);
    places.forEach((p, i) => {
      back[p] = i;
    });
    return b.gather(full, b.tensor(back, [total], "int"));
  }
  return b.scatterAdd(full, b.tensor(places, [places.length], "int"), total);
}

/** The tables between neighbours, by step: rows that read the later element first are turned around. */
function pairTables(
  b: Builder,
  g: Group,
  rows: Int32Array,
  place: ReadonlyMap<number, number>,
  count: number,
  length: number,
): { readonly table: Value; readonly isShared: boolean }[] {
  const [x, y] = g.elements;
  const isForward = (row: number): boolean => place.get(x[row])! < place.get(y[row])!;
  return [true, false].flatMap((forward): { readonly table: Value; readonly isShared: boolean }[] => {
    const own = rows.filter((row) => isForward(row) === forward);
    if (own.length === 0) return [];
    const turned: Group = forward ? g : { ...g, table: b.transpose(g.table, [0, 2, 1]), elements: [y, x] };
    // The later of the two.
    const places = Int32Array.from(own, (row) => place.get(turned.elements[1][row])!);
    if (isShared(g) && own.length === count * (length - 1)) return [{ table: turned.table, isShared: true }];
    const [, k, l] = shapeOf(g.table);
    const all = laid(b, turned, own, places, length * count);
    return [{ table: b.reshape(all, [length, count, k, l]), isShared: false }];
  });
}
