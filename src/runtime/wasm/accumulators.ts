// Code of a reduction: accumulators in locals where the inner loops are the reduced ones, or all but a short innermost one that is written out;
// else in memory.
import { InternalError } from "../errors.ts";
import { shapeOf, type Value } from "../ir/graph.ts";
import { type Access, balanced } from "./access.ts";
import type { Bindings } from "./addresses.ts";
import { type Report, tuples } from "./analyse.ts";
import type { Op, Scope } from "./dataflow.ts";
import { join, type Parts, partsOf, relieved, resultOf } from "./factors.ts";
import { fill } from "./fill.ts";
import type { GroupContext } from "./generate.ts";
import { type AxisVariable, flatten, type Index, isConstant, keyOf, zero } from "./indices.ts";
import { type Local, v128 } from "./instructions.ts";
import type { Home } from "./memory.ts";
import type { ReduceSink, Space } from "./plan.ts";
import type { Statement } from "./statements.ts";
import type { VectorValue } from "./vector-emitter.ts";

const hole = { type: "v128", code: [] } as const;
const swapped = v128.shuffle(hole, hole, [1, 2]).code;
/** Lane 0 of the first, lane 1 of the second. */
const merged = v128.shuffle(hole, hole, [0, 3]).code;

interface Accumulator {
  readonly sum: Local<"v128">;
  readonly product: Local<"v128"> | null;
}

/** All elements of the result that share a point of the loops. */
interface Target {
  /** Position in the result. */
  readonly at: Index;
  /** Points of the unrolled reduced axes. */
  readonly indices: Index[][];
  /** By row, then by position in a turn; in a strip by pair. */
  readonly locals: Accumulator[][];
}

export class Accumulators {
  /** Number of loops around the place where the accumulators begin and end. */
  readonly depth: number;
  /** Accumulators in locals across the loops from `depth` inwards. */
  readonly isLocal: boolean;
  private readonly context: GroupContext;
  private readonly value: Value;
  private readonly operand: Value;
  private readonly space: Space;
  private readonly init: number;
  private readonly targets = new Map<string, Target>();
  /** The innermost loop, where it is written out and not reduced, but the one around it is: each pair of its elements has accumulators. */
  private readonly strip: AxisVariable | null;
  /** Some loop outside `depth` is reduced too: contributions are combined in memory. */
  private readonly inMemory: boolean;
  /** Rows side by side go into the same elements. */
  private readonly mergesRows: boolean;

  /** `isStraight`: the innermost loop is written out. */
  constructor(
    context: GroupContext,
    { space, variables }: Report,
    sink: ReduceSink,
    nest: readonly AxisVariable[],
    isStraight: boolean,
  ) {
    this.context = context;
    this.value = sink.value;
    this.operand = sink.operand;
    this.space = space;
    this.init = this.rule.init;
    const isReduced = (v: AxisVariable): boolean => space.flat || sink.axes.includes(space.loops[variables.indexOf(v)]);
    const last = nest[nest.length - 1];
    const isStrip = isStraight && nest.length > 1 && !isReduced(last) && isReduced(nest[nest.length - 2]);
    this.strip = isStrip ? last : null;
    let depth = isStrip ? nest.length - 1 : nest.length;
    while (depth > 0 && isReduced(nest[depth - 1])) depth--;
    this.depth = depth;
    this.isLocal = depth < nest.length;
    this.inMemory = nest.slice(0, depth).some(isReduced);
    this.mergesRows = nest.length > 1 && isReduced(nest[nest.length - 2]);
    const shape = shapeOf(this.value);
    for (const index of tuples(space, variables)) {
      const at = space.flat
        ? zero
        : flatten(
            index.filter((_, axis) => !sink.axes.includes(axis)),
            shape,
          );
      const key = keyOf(at);
      const target = this.targets.get(key);
      if (target === undefined) this.targets.set(key, { at, indices: [index], locals: [] });
      else target.indices.push(index);
    }
  }

  /** Before the nest. */
  prepare(): Statement[] {
    return this.inMemory
      ? fill(this.context.w, this.context.f, this.context.homeOf(this.value), shapeOf(this.value), this.init)
      : [];
  }
  /** At one point of each row: the contributions of the unrolled axes, combined into the accumulators. */
  add(rows: readonly Access[], nth: number, single: boolean, scope: Scope): Statement[] {
    const merged = this.mergesRows ? [rows] : rows.map((row) => [row]);
    return merged.flatMap((own, row) =>
      [...this.targets.values()].flatMap((target) => this.addTo(target, own, row, nth, single, scope)),
    );
  }
  private addTo(target: Target, rows: readonly Access[], row: number, nth: number, single: boolean, scope: Scope): Statement[] {
    const { w } = this.context;
    const terms = rows.flatMap((access) =>
      target.indices.map((index) => partsOf(w, this.rule, access.number(access.element(this.operand, this.space, index)))),
    );
    const x = balanced(terms, (a, b) => join(w, this.rule, a, b));
    if (!this.isLocal) return this.deliver(target.at, this.result(x), rows[0], single, scope);
    const which = this.strip === null ? nth % MOST_ACCUMULATORS : single ? this.strip.size >> 1 : nth;
    while (target.locals.length <= row) target.locals.push([]);
    const locals = target.locals[row];
    while (locals.length <= which) locals.push(this.accumulator());
    const { sum, product } = locals[which];
    const before = this.held(locals[which], scope);
    const after = relieved(w, join(w, this.rule, before, x));
    const set = (local: Local<"v128">, next: VectorValue, acc: VectorValue): Statement => {
      const value = single ? w.graph.op("v128", [w.number(next), w.number(acc)], merged) : w.number(next);
      return { kind: "set", local, value };
    };
    const out = [set(sum, after.sum, before.sum)];
    if (product !== null && after.product !== null && before.product !== null)
      out.push(set(product, after.product, before.product));
    return out;
  }
  /** Before the reduced loops; asked for after their code has been made, when the number of accumulators is known. */
  begin(): Statement[] {
    const { w } = this.context;
    const locals = [...this.targets.values()].flatMap((target) => target.locals.flat());
    return locals.flatMap(({ sum, product }): Statement[] => [
      { kind: "set", local: sum, value: w.constant(this.init) },
      ...(product === null ? [] : [{ kind: "set", local: product, value: w.constant(1) } as const]),
    ]);
  }
  /** After the reduced loops: accumulators and lanes combined; `accessAt`: under the bindings of each row, with others beside them. */
  end(scope: Scope, rows: number, accessAt: (row: number, more: Bindings) => Access): Statement[] {
    const { graph } = this.context.w;
    const { strip } = this;
    return Array.from({ length: rows }).flatMap((_, row) =>
      [...this.targets.values()].flatMap(({ at, locals }) => {
        if (strip !== null)
          return locals[row].flatMap((l, k) => {
            const single = 2 * k + 1 === strip.size;
            const access = accessAt(row, new Map([[strip, { counter: null, constant: 2 * k, lane: single ? 0 : 1 }]]));
            return this.deliver(at, this.result(this.held(l, scope)), access, single, scope);
          });
        const parts = balanced(
          locals[row].map((l) => this.held(l, scope)),
          (a, b) => join(this.context.w, this.rule, a, b),
        );
        const both = this.result(parts);
        const total = this.combine(both, graph.op("v128", [both, both], swapped));
        return this.deliver(at, total, accessAt(row, new Map()), true, scope);
      }),
    );
  }

  /** A contribution that is combined with others in memory, or the whole. */
  private deliver(at: Index, x: Op<"v128">, access: Access, single: boolean, scope: Scope): Statement[] {
    return this.inMemory ? access.accumulate(this.homes, at, x, this.rawCombine, single, scope) : this.put(at, x, access, single);
  }
  /** A finished element, or two. */
  private put(at: Index, x: Op<"v128">, access: Access, single: boolean): Statement[] {
    const { graph } = this.context.w;
    const out: Statement[] = [];
    let held = x;
    if (isConstant(at) && x.scope === graph.root) {
      // Computed here and now: what it reads from memory may be gone when it is used, and the code of the group stays together.
      const local = this.context.f.local("v128");
      out.push({ kind: "set", local, value: x });
      held = graph.local(local, graph.root);
      this.context.setElement(this.value, at.constant, held);
    }
    const home = this.context.layout.homes.get(this.value);
    if (home !== undefined) out.push(...access.store(home, at, held, single));
    return out;
  }
  private accumulator(): Accumulator {
    const { f } = this.context;
    return { sum: f.local("v128"), product: this.rule.factored === undefined ? null : f.local("v128") };
  }
  private held({ sum, product }: Accumulator, scope: Scope): Parts {
    const { graph } = this.context.w;
    return { sum: graph.local(sum, scope), product: product && graph.local(product, scope) };
  }
  private result(parts: Parts): Op<"v128"> {
    return this.context.w.number(resultOf(this.context.w, this.rule, parts));
  }
  private get homes(): readonly [Home, Home] {
    const home = this.context.homeOf(this.value);
    return [home, home];
  }
  private combine(a: Op<"v128">, b: Op<"v128">): Op<"v128"> {
    return this.context.w.number(this.rawCombine(a, b));
  }
  private readonly rawCombine = (a: VectorValue, b: VectorValue): VectorValue => this.rule.combine(this.context.w, a, b);
  private get rule() {
    const { op } = this.value.node;
    if (typeof op === "string" || op.wasm.kind !== "reduce") throw new InternalError("not a reduction");
    return op.wasm;
  }
}

/** Enough to keep additions of four cycles' latency busy. */
const MOST_ACCUMULATORS = 4;
