// The wasm backend: a program becomes one module with one function, its loops fused, its memory fixed.
import type { Backend, ExecutableImage, Program } from "../backend.ts";
import { InternalError } from "../errors.ts";
import type { Value } from "../ir/graph.ts";
import { verify } from "../ir/verify.ts";
import { callRule } from "./calls.ts";
import { ConstantMemory } from "./constants.ts";
import { Dataflow, type Op } from "./dataflow.ts";
import { DataflowEmitter } from "./emitter.ts";
import { type Fusion, fuse, type Group } from "./fuse.ts";
import { type GroupContext, generateGroup } from "./generate.ts";
import { instantiate } from "./instantiate.ts";
import { i32 } from "./instructions.ts";
import { mathlib } from "./mathlib/index.ts";
import { type Layout, layOut } from "./memory.ts";
import { ModuleBuilder } from "./module.ts";
import { outlined } from "./outline.ts";
import { prepare } from "./prepare.ts";
import { callRoutine } from "./routine-call.ts";
import { type Statement, writeStatements } from "./statements.ts";
import { WebAssembly } from "./webassembly.ts";

export { instantiate } from "./instantiate.ts";

const PAGE = 65536;

/** The bytes of the module and its initial memory: functions of the program alone. */
export function generateWasm(program: Program): {
  readonly bytes: Uint8Array;
  readonly memory: Uint8Array;
  readonly pages: number;
  readonly layout: Layout;
  readonly fusion: Fusion;
} {
  verify(program);
  const prepared = prepare(program);
  const fusion = fuse(prepared);
  const layout = layOut(prepared, fusion);
  const module = new ModuleBuilder();
  const f = module.function([], [], "run");
  const graph = new Dataflow();
  const w = new DataflowEmitter(graph, callRule(module, mathlib, graph));
  const constants = new ConstantMemory(layout.end);
  const elements = new Map<Value, Map<number, Op<"v128">>>();
  const exported = new Set<number>();
  const context: GroupContext = {
    w,
    f,
    constants,
    fusion,
    layout,
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
  const pages = Math.ceil((constants.size + 16) / PAGE);
  module.memory(pages);
  const memory = new Uint8Array(sharedBuffer(constants.size));
  constants.writeTo(memory);
  return { bytes: module.encode(), memory, pages, layout, fusion };
}

export function compileWasm(program: Program): ExecutableImage {
  const { bytes, memory, pages, layout } = generateWasm(program);
  const { inputs, residents, outputs, narrowed } = layout;
  return { module: new WebAssembly.Module(bytes), memory, pages, inputs, residents, outputs, narrowed };
}

export const wasmBackend: Backend = {
  name: "wasm",
  epsilon: 2 ** -52,
  compile: (program) => Promise.resolve(instantiate(compileWasm(program))),
};

const isRoutine = (group: Group): boolean => group.reports[0].sink.kind === "routine";

/** Shared between threads where that exists, so that workers need no copy of their own. */
function sharedBuffer(bytes: number): ArrayBuffer | SharedArrayBuffer {
  return typeof SharedArrayBuffer === "undefined" ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
}
