// One function of a module, or the turn of a loop in one: all the work of a program, at the places that its layout gives.
import { InternalError } from "../errors.ts";
import type { Value } from "../ir/graph.ts";
import type { Bindings } from "./addresses.ts";
import { callRule, iterationRule } from "./calls.ts";
import type { ConstantMemory } from "./constants.ts";
import { Dataflow, type Op } from "./dataflow.ts";
import { DataflowEmitter } from "./emitter.ts";
import type { Fusion, Group } from "./fuse.ts";
import { type GroupContext, generateGroup } from "./generate.ts";
import type { AxisVariable } from "./indices.ts";
import { i32, type Local } from "./instructions.ts";
import { mathlib } from "./mathlib/index.ts";
import type { Layout } from "./memory.ts";
import type { FunctionBuilder, ModuleBuilder } from "./module.ts";
import { outlined } from "./outline.ts";
import { callRoutine } from "./routine-call.ts";
import { type Statement, writeStatements } from "./statements.ts";

/** A loop around the code: its variable, and the local that counts its turns in steps of 8. */
export interface Around {
  readonly variable: AxisVariable;
  readonly counter: Local<"i32">;
}

/** Appends the program's code to `f`. */
export function generateFunction(
  module: ModuleBuilder,
  f: FunctionBuilder,
  constants: ConstantMemory,
  fusion: Fusion,
  layout: Layout,
  around?: Around,
): void {
  const graph = new Dataflow();
  const calls = callRule(module, mathlib, graph, around ? "repeated" : "once");
  const w = new DataflowEmitter(graph, calls, iterationRule(module, graph));
  const elements = new Map<Value, Map<number, Op<"v128">>>();
  const exported = new Set<number>();
  const bindings: Bindings = around
    ? new Map([[around.variable, { counter: graph.local(around.counter, graph.root), constant: 0, lane: 0 }]])
    : new Map();
  const context: GroupContext = {
    w,
    f,
    constants,
    fusion,
    layout,
    bindings,
    homeOf(v) {
      const home = layout.homes.get(v);
      if (home === undefined) throw new InternalError("a value without a place in memory");
      return home;
    },
    element: (v, position) => elements.get(v)?.get(position) ?? null,
    setElement(v, position, x) {
      if (x.local === null) throw new InternalError("an element outside a local");
      exported.add(x.local.index);
      const own = elements.get(v);
      if (own === undefined) elements.set(v, new Map([[position, x]]));
      else own.set(position, x);
    },
  };
  const statements: Statement[] = [];
  for (const group of fusion.groups) {
    if (isRoutine(group)) statements.push(...callRoutine(module, context, group));
    else statements.push(...outlined(module, graph, generateGroup(context, group), exported));
  }
  for (const { from, to, bytes } of layout.updates) {
    if (from !== to) statements.push({ kind: "copy", to: i32.const(to), from: i32.const(from), bytes: i32.const(bytes) });
  }
  writeStatements(f, statements, graph.root);
}

const isRoutine = (group: Group): boolean => group.reports[0].sink.kind === "routine";
