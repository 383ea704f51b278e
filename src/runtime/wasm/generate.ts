// Code of one group: its loop nest, with every sink of the group in it.
import { InternalError } from "../errors.ts";
import { shapeOf, type Value } from "../ir/graph.ts";
import { stridesOf } from "../ir/type.ts";
import { Access, type Context } from "./access.ts";
import { Accumulators } from "./accumulators.ts";
import type { Binding, Bindings } from "./addresses.ts";
import { type Report, tuples } from "./analyse.ts";
import type { Op, Scope } from "./dataflow.ts";
import type { Fusion, Group } from "./fuse.ts";
import { type AxisVariable, constantIndex, flatten, plus, scale } from "./indices.ts";
import type { Home, Layout } from "./memory.ts";
import type { FunctionBuilder } from "./module.ts";
import type { ScatterSink } from "./plan.ts";
import { Scatter } from "./scatters.ts";
import type { Statement } from "./statements.ts";
import { pairsAtOnce } from "./unroll.ts";
import type { VectorValue } from "./vector-emitter.ts";
import { type Memo, Walk } from "./walk.ts";

export interface GroupContext extends Context {
  readonly f: FunctionBuilder;
  readonly fusion: Fusion;
  readonly layout: Layout;
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

  constructor(context: GroupContext, { reports, nest }: Group) {
    this.context = context;
    this.reports = reports.filter(({ sink }) => !context.layout.placed.has(sink));
    this.nest = nest;
    this.own = new Set(reports.flatMap(({ sink }) => (sink.kind === "store" && !sink.copy ? [sink.value] : [])));
    for (const r of this.reports) {
      if (r.sink.kind === "reduce") this.reductions.set(r, new Accumulators(context, r, r.sink, nest));
      else if (r.sink.kind === "scatter") this.scatters.set(r.sink, new Scatter(context, r.sink));
    }
  }

  run(): Statement[] {
    const out: Statement[] = [];
    for (const r of this.reductions.values()) out.push(...r.prepare());
    const nest: Statement[] = [];
    if (this.reports.length > 0) this.level(0, this.context.w.graph.root, new Map(), nest);
    for (const s of this.scatters.values()) out.push(...s.begin());
    out.push(...nest);
    for (const s of this.scatters.values()) out.push(...s.end());
    return out;
  }

  private level(depth: number, scope: Scope, bindings: Bindings, out: Statement[]): void {
    const ending = [...this.reductions.values()].filter((r) => r.depth === depth && r.isLocal);
    const inner: Statement[] = [];
    if (depth === this.nest.length) this.points(scope, bindings, 0, true, inner);
    else if (depth === this.nest.length - 1) this.innermost(scope, bindings, inner);
    else {
      const variable = this.nest[depth];
      const inside = this.context.w.graph.scope(scope);
      const counter = this.context.f.local("i32");
      const body: Statement[] = [];
      const binding: Binding = { counter: this.context.w.graph.local(counter, inside), constant: 0, lane: 0 };
      this.level(depth + 1, inside, new Map([...bindings, [variable, binding]]), body);
      inner.push({ kind: "loop", scope: inside, counter, from: 0, to: 8 * variable.size, step: 8, body });
    }
    for (const r of ending) out.push(...r.begin());
    out.push(...inner);
    for (const r of ending) out.push(...r.end(scope, this.access(bindings)));
  }

  /** Pairs of elements, several a turn where that hides latency; then pairs that are left; then the last element alone. */
  private innermost(scope: Scope, bindings: Bindings, out: Statement[]): void {
    const variable = this.nest[this.nest.length - 1];
    const pairs = variable.size >> 1;
    const cost = this.reports.reduce((sum, r) => sum + r.cost + 1, 0);
    const at = (binding: Binding): Bindings => new Map([...bindings, [variable, binding]]);
    let done = 0;
    if (variable.size > STRAIGHT || cost * pairs > STRAIGHT_COST) {
      const inside = this.context.w.graph.scope(scope);
      const counter = this.context.f.local("i32");
      const body: Statement[] = [];
      const index = this.context.w.graph.local(counter, inside);
      const add = (k: number): void => this.points(inside, at({ counter: index, constant: 2 * k, lane: 1 }), k, false, body);
      add(0);
      const together = Math.min(Math.max(pairsAtOnce(body, inside), this.leastTogether), pairs);
      for (let k = 1; k < together; k++) add(k);
      done = together * Math.floor(pairs / together);
      if (done > 0) out.push({ kind: "loop", scope: inside, counter, from: 0, to: 16 * done, step: 16 * together, body });
    }
    for (let k = done; k < pairs; k++) this.points(scope, at({ counter: null, constant: 2 * k, lane: 1 }), k - done, false, out);
    if (variable.size % 2 === 1) this.points(scope, at({ counter: null, constant: variable.size - 1, lane: 0 }), 0, true, out);
  }

  /** All sinks at one binding of the loop variables; `nth` spreads sums over several accumulators. */
  private points(scope: Scope, bindings: Bindings, nth: number, single: boolean, out: Statement[]): void {
    const access = this.access(bindings);
    for (const report of this.reports) {
      const { sink, space, variables } = report;
      switch (sink.kind) {
        case "routine":
          throw new InternalError("a routine has no loop nest");
        case "store":
        case "piece":
        case "scatter":
          for (const index of tuples(space, variables)) {
            const x = access.number(access.element(sink.operand, space, index));
            if (sink.kind === "store") {
              const home = sink.copy ? this.context.layout.copies.get(sink.value)! : this.home(sink.value);
              out.push(...access.store(home, flatten(index, space.shape), x, single));
            } else if (sink.kind === "piece") {
              const shape = shapeOf(sink.value);
              const shift = constantIndex(sink.offset * stridesOf(shape)[sink.axis]);
              const strides = stridesOf(shape);
              const position = space.flat
                ? plus(index[0], shift)
                : index.reduce((sum, i, k) => (space.shape[k] === 1 ? sum : plus(sum, scale(i, strides[k]))), shift);
              out.push(...access.store(this.home(sink.value), position, x, single));
            } else out.push(...this.scatters.get(sink)!.add(index, x, access, nth, single, scope));
          }
          break;
        case "reduce":
          out.push(...this.reductions.get(report)!.add(access, nth, single, scope));
          break;
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
  private home(v: Value): Home {
    return this.context.homeOf(v);
  }
}

/** Loops up to this length are written out, if their code stays small. */
const STRAIGHT = 16;
const STRAIGHT_COST = 400;
