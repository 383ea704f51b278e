// Numbers that go from one step of a loop to the next in registers: an element read a step or a few after it was written, and what is added to
// the element that the next step reads. Through memory each would wait for its store (some five cycles, in a chain that has little else).

import { shapeOf, type Value } from "../ir/graph.ts";
import { sizeOf } from "../ir/type.ts";
import type { Dataflow, Op } from "./dataflow.ts";
import type { DataflowEmitter } from "./emitter.ts";
import type { Fusion } from "./fuse.ts";
import { type AxisVariable, type Index, keyOf, shifted } from "./indices.ts";
import { f64, f64x2, i32, type Local, v128 } from "./instructions.ts";
import type { Home } from "./memory.ts";
import type { FunctionBuilder } from "./module.ts";
import type { WriteSink } from "./plan.ts";
import type { Statement } from "./statements.ts";
import { affineIndex } from "./walk.ts";

/** Steps over which an element is carried. */
const FARTHEST = 3;
const word = 8;

interface Carried {
  readonly sink: WriteSink;
  /** Where the write goes, in elements of the state. */
  readonly at: Index;
  /** Elements that one step lies from the next. */
  readonly slope: number;
  /** "set": the last elements written, the newest first. "add": what the element has still to get that this step reads. */
  readonly locals: readonly Local<"v128">[];
}

export class Carries {
  private readonly byState = new Map<Value, Carried>();
  private readonly homeOf: (v: Value) => Home;
  private readonly complete = new Map<Value, Op<"v128">>();
  private readonly next = new Map<Value, Op<"v128">>();

  constructor(f: FunctionBuilder, { groups, roles }: Fusion, variable: AxisVariable, homeOf: (v: Value) => Home) {
    this.homeOf = homeOf;
    const reports = groups.flatMap((g) => g.reports);
    const sinks = reports.flatMap(({ sink }) => (sink.kind === "write" ? [sink] : []));
    for (const sink of sinks) {
      const { state } = sink;
      if (sink.place === null || sizeOf(shapeOf(state)) !== sink.rows || sizeOf(shapeOf(sink.value)) !== 1) continue;
      if (sinks.some((other) => other !== sink && other.state === state)) continue;
      const at = affineIndex(roles, sink.place);
      const slope = at?.terms.find((t) => t.variable === variable)?.coefficient;
      if (at === null || slope === undefined || at.terms.length !== 1) continue;
      const read = new Set(
        reports.flatMap((r) => [...r.loads.values()].flatMap((l) => (l.value === state ? [keyOf(l.at)] : []))),
      );
      const lags = Array.from({ length: FARTHEST }, (_, k) => k + 1).filter((k) => read.has(keyOf(shifted(at, -k * slope))));
      const farthest = lags.at(-1) ?? 0;
      // What is added goes where the next step reads, and nobody else does.
      const carried = sink.mode === "set" ? farthest > 0 : read.size === 1 && farthest === 1;
      if (!carried) continue;
      const locals = Array.from({ length: sink.mode === "set" ? farthest : 1 }, () => f.local("v128"));
      this.byState.set(state, { sink, at, slope, locals });
    }
  }

  /** Before the loop. */
  begin(f: FunctionBuilder): void {
    for (const [state, { sink, at, slope, locals }] of this.byState) {
      const { offset } = this.homeOf(state);
      locals.forEach((local, k) => {
        const from = at.constant - (k + 1) * slope;
        f.set(local, sink.mode === "set" ? v128.loadSplat(i32.const(0), offset + word * from) : v128.const(0));
      });
    }
  }

  /** The element of a state in a register, if it is in one. */
  element(w: DataflowEmitter, state: Value, position: Index, load: () => Op<"v128">): Op<"v128"> | null {
    const carried = this.byState.get(state);
    if (carried === undefined) return null;
    const { graph } = w;
    const { sink, at, slope, locals } = carried;
    if (sink.mode === "set") {
      const lag = locals.findIndex((_, k) => keyOf(shifted(at, -(k + 1) * slope)) === keyOf(position));
      return lag < 0 ? null : this.local(graph, locals[lag]);
    }
    let sum = this.complete.get(state);
    if (sum === undefined) this.complete.set(state, (sum = w.number(w.add(load(), this.local(graph, locals[0])))));
    return sum;
  }

  /** Whether the write need not reach memory now. */
  write(sink: WriteSink, x: Op<"v128">): boolean {
    if (this.byState.get(sink.state)?.sink !== sink) return false;
    this.next.set(sink.state, x);
    return sink.mode === "add";
  }

  /** At the end of a step: sums that are complete go to memory, and the numbers move on. */
  end(f: FunctionBuilder, graph: Dataflow, store: (state: Value, at: Index, x: Op<"v128">) => Statement[]): Statement[] {
    const out: Statement[] = [];
    const moves: Statement[] = [];
    for (const [state, { at, slope, locals }] of this.byState) {
      const sum = this.complete.get(state);
      if (sum !== undefined) out.push(...store(state, shifted(at, -slope), sum));
      const x = this.next.get(state)!;
      const held = f.local("v128");
      out.push({ kind: "set", local: held, value: x });
      for (let k = locals.length - 1; k > 0; k--)
        moves.push({ kind: "set", local: locals[k], value: this.local(graph, locals[k - 1]) });
      moves.push({ kind: "set", local: locals[0], value: this.local(graph, held) });
    }
    return [...out, ...moves];
  }

  /** Behind the loop: what the last step has added. */
  finish(f: FunctionBuilder, steps: number): void {
    for (const [state, { sink, at, slope, locals }] of this.byState) {
      if (sink.mode === "set") continue;
      const place = this.homeOf(state).offset + word * (at.constant + (steps - 1) * slope);
      const start = i32.const(0);
      f.store(start, f64.add(f64.load(start, place), f64x2.extract(locals[0], 0)), place);
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
