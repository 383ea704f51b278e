// Numbers that go from one step of a loop to the next in registers: a short row read a step or a few after it was written, and what is added to
// the row that the next step reads. Through memory each would wait for its store (some five cycles, in a chain that has little else).

import { InternalError } from "../errors.ts";
import { shapeOf, type Value } from "../ir/graph.ts";
import { sizeOf } from "../ir/type.ts";
import type { Dataflow, Op } from "./dataflow.ts";
import type { DataflowEmitter } from "./emitter.ts";
import type { Fusion, Group } from "./fuse.ts";
import { type AxisVariable, boundsOf, type Index, plus, scale, shifted } from "./indices.ts";
import { f64, f64x2, i32, type Local, type V128, v128 } from "./instructions.ts";
import type { Home } from "./memory.ts";
import type { FunctionBuilder } from "./module.ts";
import { isStraight } from "./nests.ts";
import type { WriteSink } from "./plan.ts";
import type { Statement } from "./statements.ts";
import { affineIndex } from "./walk.ts";

/** Steps over which a row is carried, and its elements at most. */
const FARTHEST = 3;
const WIDEST = 4;
const word = 8;
const hole = { type: "v128", code: [] } as const;
const lanes = (low: 0 | 1, high: 0 | 1): readonly number[] => v128.shuffle(hole, hole, [low, (high + 2) as 2 | 3]).code;

/** An element, or two neighbours, of a row: the first one, and how far lane 1 lies from lane 0. */
export interface Part {
  readonly offset: number;
  readonly stride: number;
}
interface Carried {
  readonly sink: WriteSink;
  /** Where the write goes, in elements of the state. */
  readonly at: Index;
  /** Elements that one step lies from the next. */
  readonly slope: number;
  readonly width: number;
  /** By lag, then by pair. "set": the last rows written, the newest first. "add": what the row has still to get that this step reads. */
  readonly locals: readonly (readonly Local<"v128">[])[];
  /** By pair: the row that this step reads, complete. */
  readonly sums: Op<"v128">[];
  /** By element: what the step writes, and in which lane. */
  readonly next: { readonly x: Op<"v128">; readonly lane: 0 | 1 }[];
}

export class Carries {
  private readonly byState = new Map<Value, Carried>();
  private readonly homeOf: (v: Value) => Home;

  constructor(f: FunctionBuilder, { groups, roles }: Fusion, variable: AxisVariable, homeOf: (v: Value) => Home) {
    this.homeOf = homeOf;
    const reports = groups.flatMap((g) => g.reports);
    const sinks = reports.flatMap(({ sink }) => (sink.kind === "write" ? [sink] : []));
    for (const sink of sinks) {
      const { state, place } = sink;
      const width = sizeOf(shapeOf(state)) / sink.rows;
      if (place === null || width > WIDEST || sizeOf(shapeOf(sink.value)) !== width) continue;
      if (sinks.some((other) => other !== sink && other.state === state)) continue;
      const row = affineIndex(roles, place);
      const at = row && scale(row, width);
      const slope = at?.terms.find((t) => t.variable === variable)?.coefficient;
      if (at === null || slope === undefined || at.terms.length !== 1) continue;
      const loads = reports.flatMap((r) => [...r.loads.values()].flatMap((l) => (l.value === state ? [l.at] : [])));
      const inRow = (read: Index, lag: number): boolean => {
        const part = difference(read, shifted(at, -lag * slope));
        const { min, max } = boundsOf(part);
        return !part.terms.some((t) => t.variable === variable || t.variable.kind === "dynamic") && min >= 0 && max < width;
      };
      const lags = Array.from({ length: FARTHEST }, (_, k) => k + 1).filter((k) => loads.some((l) => inRow(l, k)));
      const farthest = lags.at(-1) ?? 0;
      // What is added goes where the next step reads, and nobody else does.
      const carried = sink.mode === "set" ? farthest > 0 : loads.length > 0 && loads.every((l) => inRow(l, 1));
      if (!carried || !groups.filter(touches(sink)).every(isWrittenOut)) continue;
      const pairs = (width + 1) >> 1;
      const locals = Array.from({ length: sink.mode === "set" ? farthest : 1 }, () =>
        Array.from({ length: pairs }, () => f.local("v128")),
      );
      this.byState.set(state, { sink, at, slope, width, locals, sums: [], next: [] });
    }
  }

  /** Before the loop. */
  begin(f: FunctionBuilder): void {
    for (const [state, { sink, at, slope, width, locals }] of this.byState) {
      const { offset } = this.homeOf(state);
      locals.forEach((row, k) => {
        const from = offset + word * (at.constant - (k + 1) * slope);
        row.forEach((local, pair) => {
          f.set(local, sink.mode === "set" ? loadPair(from, pair, width) : v128.const(0));
        });
      });
    }
  }

  /** Elements of a state in registers, if they are in some. `partOf`: which part of the row that begins there is asked for; null, none.
   *  `load`: from memory, a part of the row that this step reads. */
  element(
    w: DataflowEmitter,
    state: Value,
    partOf: (row: Index) => Part | null,
    load: (row: Index, part: Part) => Op<"v128">,
  ): Op<"v128"> | null {
    const carried = this.byState.get(state);
    if (carried === undefined) return null;
    const { graph } = w;
    const { sink, at: place, slope, width, locals, sums } = carried;
    for (let lag = 1; lag <= locals.length; lag++) {
      const row = shifted(place, -lag * slope);
      const part = partOf(row);
      if (part === null) continue;
      const [first, second] = [part.offset, part.offset + part.stride];
      if (Math.min(first, second) < 0 || Math.max(first, second) >= width) continue;
      if (sink.mode === "add") {
        // The whole row is complete at once, whatever is read of it first.
        locals[0].forEach((local, k) => {
          const stride = 2 * k + 1 < width ? 1 : 0;
          sums[k] ??= w.number(w.add(load(row, { offset: 2 * k, stride }), this.local(graph, local)));
        });
      }
      // A last element alone stands in both lanes.
      const at = (element: number): Carried["next"][number] => {
        const pair = element >> 1;
        return {
          x: sink.mode === "add" ? sums[pair] : this.local(graph, locals[lag - 1][pair]),
          lane: element % 2 === 0 ? 0 : 1,
        };
      };
      return first === second && first === width - 1 && first % 2 === 0 ? at(first).x : pairOf(graph, at(first), at(second));
    }
    if (sink.mode === "add") throw new InternalError("a sum under way is read at a place that is not known");
    return null;
  }

  /** Whether the write need not reach memory now. `part`: of the row; both lanes, or the first one alone. */
  write(sink: WriteSink, x: Op<"v128">, partOf: (row: Index) => Part | null, single: boolean): boolean {
    const carried = this.byState.get(sink.state);
    if (carried?.sink !== sink) return false;
    const part = partOf(carried.at);
    if (part === null) throw new InternalError("a row that is carried is written in parts");
    carried.next[part.offset] = { x, lane: 0 };
    if (!single) carried.next[part.offset + part.stride] = { x, lane: 1 };
    return sink.mode === "add";
  }

  /** At the end of a step: sums that are complete go to memory, and rows move on. */
  end(
    f: FunctionBuilder,
    graph: Dataflow,
    store: (state: Value, at: Index, x: Op<"v128">, single: boolean) => Statement[],
  ): Statement[] {
    const out: Statement[] = [];
    const moves: Statement[] = [];
    for (const [state, { at, slope, width, locals, sums, next }] of this.byState) {
      sums.forEach((sum, k) => {
        out.push(...store(state, shifted(at, -slope + 2 * k), sum, 2 * k + 1 >= width));
      });
      for (let k = locals.length - 1; k > 0; k--)
        locals[k].forEach((local, pair) => {
          moves.push({ kind: "set", local, value: this.local(graph, locals[k - 1][pair]) });
        });
      locals[0].forEach((local, pair) => {
        // Made before anything moves: it may be made of what does.
        const held = f.local("v128");
        out.push({ kind: "set", local: held, value: pairOf(graph, next[2 * pair], next[2 * pair + 1]) });
        moves.push({ kind: "set", local, value: this.local(graph, held) });
      });
    }
    return [...out, ...moves];
  }

  /** Behind the loop: what the last step has added. */
  finish(f: FunctionBuilder, steps: number): void {
    const start = i32.const(0);
    for (const [state, { sink, at, slope, width, locals }] of this.byState) {
      if (sink.mode === "set") continue;
      const row = this.homeOf(state).offset + word * (at.constant + (steps - 1) * slope);
      for (let k = 0; k < width; k++) {
        const place = row + word * k;
        f.store(start, f64.add(f64.load(start, place), f64x2.extract(locals[0][k >> 1], (k % 2) as 0 | 1)), place);
      }
    }
  }

  private readonly reads = new Map<Local<"v128">, Op<"v128">>();
  /** One operation for all uses in a step. */
  private local(graph: Dataflow, local: Local<"v128">): Op<"v128"> {
    let op = this.reads.get(local);
    if (op === undefined) this.reads.set(local, (op = graph.local(local, graph.root)));
    return op;
  }
}

/** The groups that have to know at each place which element of the row it is. What is set is in memory too. */
const touches =
  ({ state, mode }: WriteSink) =>
  ({ reports }: Group): boolean =>
    reports.some(
      ({ sink, loads }) =>
        (sink.kind === "write" && sink.state === state) || (mode === "add" && [...loads.values()].some((l) => l.value === state)),
    );
const isWrittenOut = ({ nest, reports }: Group): boolean => nest.length <= 1 && isStraight(nest, reports);

const difference = (x: Index, y: Index): Index => plus(x, scale(y, -1));

/** Elements 2 pair and 2 pair + 1 of a row in memory; a last one alone fills both lanes. */
function loadPair(row: number, pair: number, width: number): V128 {
  const from = row + 2 * pair * word;
  return 2 * pair + 1 < width ? v128.load(i32.const(0), from) : v128.loadSplat(i32.const(0), from);
}

function pairOf(graph: Dataflow, low: Carried["next"][number], high: Carried["next"][number] | undefined): Op<"v128"> {
  if (high === undefined) return low.x;
  if (low.x === high.x && low.lane === 0 && high.lane === 1) return low.x;
  return graph.op("v128", [low.x, high.x], lanes(low.lane, high.lane));
}
