// The wasm backend: a program becomes one module with one function, its loops fused, its memory fixed.
import type { Backend, ExecutableImage, Program } from "../backend.ts";
import { verify } from "../ir/verify.ts";
import { ConstantMemory } from "./constants.ts";
import { generateFunction } from "./function.ts";
import { type Fusion, fuse } from "./fuse.ts";
import { instantiate } from "./instantiate.ts";
import { type Layout, layOut } from "./memory.ts";
import { ModuleBuilder } from "./module.ts";
import { prepare } from "./prepare.ts";
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
  const constants = new ConstantMemory(layout.end);
  generateFunction(module, f, constants, fusion, layout);
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

/** Shared between threads where that exists, so that workers need no copy of their own. */
function sharedBuffer(bytes: number): ArrayBuffer | SharedArrayBuffer {
  return typeof SharedArrayBuffer === "undefined" ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
}
