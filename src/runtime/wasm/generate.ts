// Code of one group: its loop nest, with every sink of the group in it.
import { InternalError, unreachable } from "../errors.ts";
import { shapeOf, type Value } from "../ir/graph.ts";
import { sizeOf, stridesOf } from "../ir/type.ts";
import { Access, type Context } from "./access.ts";
import { Accumulators } from "./accumulators.ts";
import type { Binding, Bindings } from "./addresses.ts";
import { type Report, tuples } from "./analyse.ts";
import type { Op, Scope } from "./dataflow.ts";
import { type Ending, endingOf } from "./endings.ts";
import type { Fusion, Group } from "./fuse.ts";
import { type AxisVariable, constantIndex, flatten, type Index, plus, scale, zero } from "./indices.ts";
import type { Layout } from "./memory.ts";
import type { FunctionBuilder } from "./module.ts";
import { costAt, isStraight } from "./nests.ts";
import { type PieceSink, type ScatterSink, type Space, STRAIGHT } from "./plan.ts";
import { Scatter } from "./scatters.ts";
import type { Loop, Statement } from "./statements.ts";
import { pairsAtOnce } from "./unroll.ts";
import type { VectorValue } from "./vector-emitter.ts";
import { type Memo, Walk } from "./walk.ts";

export interface GroupContext extends Context {
  readonly f: FunctionBuilder;
  readonly fusion: Fusion;
  readonly layout: Layout;
  /** Of variables around all nests. */
  readonly bindings: Bindings;
  /** Keeps an element of a value in registers. */
  setElement(v: Value, position: number, x: Op<"v128">): void;
}

export function generateGroup(context: GroupContext, group: Group): Statement[] {
  return new GroupGenerator(context, group).run();
}

class GroupGenerator {
  private readonly context: GroupContext;
  private readonly reports: readonly Report[];
  private readonly nest: readonly AxisVariable[];
  /** Values whose store sinks are in this group: computed in place by its other sinks. */
  private readonly own: ReadonlySet<Value>;
  private readonly reductions = new Map<Report, Accumulators>();
  /** Elements at constant indices, the same for all bindings of the loop variables. */
  private readonly fixed: Memo<VectorValue> = new Map();
  private readonly scatters = new Map<ScatterSink, Scatter>();
  /** Of loops that may end early. */
  private readonly endings: ReadonlyMap<AxisVariable, Ending>;

  constructor(context: GroupContext, { reports, nest }: Group) {
    this.context = context;
    this.reports = reports.filter(({ sink }) => !context.layout.placed.has(sink));
    this.nest = nest;
    this.endings = this.endingsOf(nest);
    this.own = new Set(reports.flatMap(({ sink }) => (sink.kind === "store" && !sink.copy ? [sink.value] : [])));
    for (const r of this.reports) {
      if (r.sink.kind === "reduce") this.reductions.set(r, new Accumulators(context, r, r.sink, nest, this.isStraight));
      else if (r.sink.kind === "scatter") this.scatters.set(r.sink, new Scatter(context, r.sink));
    }
  }

  run(): Statement[] {
    const out: Statement[] = [];
    for (const r of this.reductions.values()) out.push(...r.prepare());
    const nest: Statement[] = [];
    if (this.reports.length > 0) this.level(0, this.context.w.graph.root, [this.context.bindings], nest);
    for (const s of this.scatters.values()) out.push(...s.begin());
    out.push(...nest);
    for (const s of this.scatters.values()) out.push(...s.end());
    return out;
  }

  /** The nest from `depth` inwards; `rows`: bindings of the loops outside, several where turns of the last of them go side by side. */
  private level(depth: number, scope: Scope, rows: readonly Bindings[], out: Statement[]): void {
    const ending = [...this.reductions.values()].filter((r) => r.depth === depth && r.isLocal);
    const inner: Statement[] = [];
    if (depth === this.nest.length) this.points(scope, rows, 0, true, inner);
    else if (depth === this.nest.length - 1) this.innermost(scope, rows, inner);
    else {
      const { size } = this.nest[depth];
      const together = depth === this.nest.length - 2 ? this.rowsTogether(size) : 1;
      const most = size - (size % together);
      if (most > 0) this.outer(depth, scope, rows[0], [0, most, together], inner);
      if (most < size) this.outer(depth, scope, rows[0], [most, size, 1], inner);
    }
    for (const r of ending) out.push(...r.begin());
    out.push(...inner);
    const accessAt = (row: number, more: Bindings): Access => this.access(new Map([...rows[row], ...more]));
    for (const r of ending) out.push(...r.end(scope, rows.length, accessAt));
  }

  private outer(
    depth: number,
    scope: Scope,
    bindings: Bindings,
    [from, to, together]: readonly [number, number, number],
    out: Statement[],
  ): void {
    const { graph } = this.context.w;
    const inside = graph.scope(scope);
    const counter = this.context.f.local("i32");
    const index = graph.local(counter, inside);
    const rows = Array.from({ length: together }, (_, row): Bindings => {
      const binding: Binding = { counter: index, constant: row, lane: 0 };
      return new Map([...bindings, [this.nest[depth], binding]]);
    });
    const body: Statement[] = [];
    this.level(depth + 1, inside, rows, body);
    out.push({ kind: "loop", scope: inside, counter, ...this.range(this.nest[depth], [bindings], from, to, together), body });
  }

  private endingsOf(nest: readonly AxisVariable[]): Map<AxisVariable, Ending> {
    const found = new Map<AxisVariable, Ending>();
    nest.forEach((variable, depth) => {
      const ending = endingOf(this.reports, variable, this.context.fusion.roles);
      const isKnown = (by: AxisVariable): boolean =>
        nest.indexOf(by) < depth && (nest.includes(by) || this.context.bindings.has(by));
      if (ending && (ending.by === null || isKnown(ending.by))) found.set(variable, ending);
    });
    return found;
  }

  /** Turns of a loop by elements, so many at once, as far as they matter; `rows`: bindings around it. */
  private range(
    variable: AxisVariable,
    rows: readonly Bindings[],
    from: number,
    to: number,
    together: number,
  ): Pick<Loop, "from" | "to" | "until" | "step"> {
    const all = { from: 8 * from, to: 8 * to, step: 8 * together };
    const ending = this.endings.get(variable);
    if (ending === undefined) return all;
    const { by, counts } = ending;
    const ends = counts.map((n) => 8 * Math.min(to, Math.max(from, from + together * Math.ceil((n - from) / together))));
    if (by === null) return { ...all, to: Math.max(all.from + all.step, ends[0]) };
    const [around] = rows;
    const until = this.access(around).integer(this.context.constants.integers(ends), by);
    return { ...all, until };
  }

  private get isStraight(): boolean {
    return isStraight(this.nest, this.reports);
  }

  /** Turns of the last but one loop that go side by side: in sums of little arithmetic, what the rows share is then loaded once. */
  private rowsTogether(size: number): number {
    const inner = this.nest[this.nest.length - 1].size;
    const sums = this.reports.some(({ sink }) => sink.kind === "reduce") && this.scatters.size === 0;
    if (this.endings.has(this.nest[this.nest.length - 1])) return 1;
    const cost = costAt(this.reports);
    if (!sums || inner <= STRAIGHT || cost > 2 * CHEAP || size < 8) return 1;
    return cost > CHEAP ? 2 : 4;
  }

  /** Pairs of elements, several a turn where that hides latency; then pairs that are left; then the last element alone. */
  private innermost(scope: Scope, rows: readonly Bindings[], out: Statement[]): void {
    const variable = this.nest[this.nest.length - 1];
    const pairs = variable.size >> 1;
    const at = (binding: Binding): Bindings[] => rows.map((bindings) => new Map([...bindings, [variable, binding]]));
    let done = 0;
    if (!this.isStraight) {
      const inside = this.context.w.graph.scope(scope);
      const counter = this.context.f.local("i32");
      const body: Statement[] = [];
      const index = this.context.w.graph.local(counter, inside);
      const add = (k: number): void => this.points(inside, at({ counter: index, constant: 2 * k, lane: 1 }), k, false, body);
      add(0);
      const together = Math.min(Math.max(pairsAtOnce(body, inside), this.leastTogether), pairs);
      for (let k = 1; k < together; k++) add(k);
      done = together * Math.floor(pairs / together);
      if (done > 0)
        out.push({ kind: "loop", scope: inside, counter, ...this.range(variable, rows, 0, 2 * done, 2 * together), body });
    }
    for (let k = done; k < pairs; k++) this.points(scope, at({ counter: null, constant: 2 * k, lane: 1 }), k - done, false, out);
    if (variable.size % 2 === 1) this.points(scope, at({ counter: null, constant: variable.size - 1, lane: 0 }), 0, true, out);
  }

  /** All sinks at one binding of the loop variables a row; `nth` spreads sums over several accumulators. */
  private points(scope: Scope, rows: readonly Bindings[], nth: number, single: boolean, out: Statement[]): void {
    const accesses = rows.map((bindings) => this.access(bindings));
    for (const report of this.reports) {
      if (report.sink.kind === "reduce") out.push(...this.reductions.get(report)!.add(accesses, nth, single, scope));
      else for (const access of accesses) this.point(report, access, nth, single, scope, out);
    }
  }
  private point(
    { sink, space, variables }: Report,
    access: Access,
    nth: number,
    single: boolean,
    scope: Scope,
    out: Statement[],
  ): void {
    for (const index of tuples(space, variables)) {
      const x = access.number(access.element(sink.operand, space, index));
      switch (sink.kind) {
        case "store": {
          const home = sink.copy ? this.context.layout.copies.get(sink.value)! : this.context.homeOf(sink.value);
          out.push(...access.store(home, flatten(index, space.shape), x, single));
          break;
        }
        case "piece":
          out.push(...access.store(this.context.homeOf(sink.value), positionOf(sink, space, index), x, single));
          break;
        case "write": {
          const width = sizeOf(shapeOf(sink.state)) / sink.rows;
          const first = sink.place === null ? zero : scale(access.walk!.dynamic(sink.place, [], sink.rows), width);
          const at = plus(first, flatten(index, space.shape));
          const home = this.context.homeOf(sink.state);
          const { w } = this.context;
          if (this.context.carries?.write(sink, x, (row) => access.partOf(row, at), single)) break;
          if (sink.mode === "set") out.push(...access.store(home, at, x, single));
          else out.push(...access.accumulate([home, home], at, x, (sum, y) => w.add(sum, y), single, scope));
          break;
        }
        case "scatter":
          out.push(...this.scatters.get(sink)!.add(index, x, access, nth, single, scope));
          break;
        case "reduce":
        case "routine":
          throw new InternalError(`a ${sink.kind} is no matter of single points`);
        default:
          unreachable(sink, "sink");
      }
    }
  }

  /** Scatters that are spread over copies need two pairs side by side to use them all. */
  private get leastTogether(): number {
    return [...this.scatters.values()].some((s) => s.isSpread) ? 2 : 1;
  }
  private access(bindings: Bindings): Access {
    const { fusion } = this.context;
    const access = new Access(this.context, bindings, this.nest[this.nest.length - 1] ?? null);
    access.walk = new Walk<VectorValue>(
      access,
      fusion.roles,
      (v) => fusion.inMemory(v) && !this.own.has(v),
      fusion.variables.dynamics,
      this.fixed,
    );
    return access;
  }
}

/** A number at a place of a tensor, outside of all nests. */
export function storeAt(context: GroupContext, v: Value, at: Index, x: Op<"v128">, single: boolean): Statement[] {
  return new Access(context, context.bindings, null).storeNeighbours(context.homeOf(v), at, x, single);
}

/** Where an element of a piece lies in the assembly. */
function positionOf(sink: PieceSink, space: Space, index: readonly Index[]): Index {
  const strides = stridesOf(shapeOf(sink.value));
  const start = constantIndex(sink.offset * strides[sink.axis]);
  if (space.flat) return plus(start, index[0]);
  return index.reduce((sum, i, axis) => (space.shape[axis] === 1 ? sum : plus(sum, scale(i, strides[axis]))), start);
}

/** Flops at a point below which a sum waits for memory rather than for arithmetic. */
const CHEAP = 6;
