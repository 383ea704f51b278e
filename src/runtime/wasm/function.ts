// One function of a module, or the turn of a loop in one: all the work of a program, at the places that its layout gives.
import { InternalError } from "../errors.ts";
import type { Value } from "../ir/graph.ts";
import type { Bindings } from "./addresses.ts";
import { callRule, iterationRule } from "./calls.ts";
import { Carries } from "./carries.ts";
import type { ConstantMemory } from "./constants.ts";
import { Dataflow, type Op, type Scope } from "./dataflow.ts";
import { DataflowEmitter } from "./emitter.ts";
import type { Fusion, Group } from "./fuse.ts";
import { type GroupContext, generateGroup, storeAt } from "./generate.ts";
import type { AxisVariable } from "./indices.ts";
import { i32, type Local } from "./instructions.ts";
import { mathlib } from "./mathlib/index.ts";
import type { Home, Layout } from "./memory.ts";
import type { FunctionBuilder, ModuleBuilder } from "./module.ts";
import { outlined } from "./outline.ts";
import { callRoutine } from "./routine-call.ts";
import { type Statement, writeStatements } from "./statements.ts";

/** A loop around the code: its variable, and the local that counts its turns in steps of 8. */
interface Around {
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
): void {
  const { statements, root } = codeOf(module, f, constants, fusion, layout);
  writeStatements(f, statements, root);
}

/** Appends a loop of so many turns, each of which is all the work of the program. */
export function generateLoop(
  module: ModuleBuilder,
  f: FunctionBuilder,
  constants: ConstantMemory,
  fusion: Fusion,
  layout: Layout,
  { variable, steps }: { readonly variable: AxisVariable; readonly steps: number },
): void {
  const counter = f.local("i32");
  const { statements, root, carries } = codeOf(module, f, constants, fusion, layout, { variable, counter });
  carries?.begin(f);
  f.for(0, 8 * steps, 8, () => writeStatements(f, statements, root), counter);
  carries?.finish(f, steps);
}

function codeOf(
  module: ModuleBuilder,
  f: FunctionBuilder,
  constants: ConstantMemory,
  fusion: Fusion,
  layout: Layout,
  around?: Around,
): { readonly statements: readonly Statement[]; readonly root: Scope; readonly carries: Carries | null } {
  const graph = new Dataflow();
  const calls = callRule(module, mathlib, graph, around ? "repeated" : "once");
  const w = new DataflowEmitter(graph, calls, iterationRule(module, graph));
  const elements = new Map<Value, Map<number, Op<"v128">>>();
  const exported = new Set<number>();
  const bindings: Bindings = around
    ? new Map([[around.variable, { counter: graph.local(around.counter, graph.root), constant: 0, lane: 0 }]])
    : new Map();
  const homeOf = (v: Value): Home => {
    const home = layout.homes.get(v);
    if (home === undefined) throw new InternalError("a value without a place in memory");
    return home;
  };
  const carries = around ? new Carries(f, fusion, around.variable, homeOf) : null;
  const context: GroupContext = {
    w,
    carries,
    f,
    constants,
    fusion,
    layout,
    bindings,
    homeOf,
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
  if (carries !== null)
    statements.push(...carries.end(f, graph, (state, at, x, single) => storeAt(context, state, at, x, single)));
  return { statements, root: graph.root, carries };
}

const isRoutine = (group: Group): boolean => group.reports[0].sink.kind === "routine";
