// A single primitive as a program of its own for the float64 backend: what TensorFlow.js does not do, or not well enough.
import type { Executable } from "../backend.ts";
import { InternalError } from "../errors.ts";
import { createBuilder } from "../ir/builder.ts";
import { type Node, typeOf } from "../ir/graph.ts";
import { compileWasm, instantiate } from "../wasm/backend.ts";

/** Inputs "x0", "x1", …. */
export function hostKernel(node: Node): Executable {
  const b = createBuilder();
  const inputs = node.inputs.map((v, i) => b.input(`x${i}`, typeOf(v)));
  if (typeof node.op === "string") throw new InternalError("a leaf is no operation");
  return instantiate(compileWasm({ inputs, outputs: b.apply(node.op, inputs, node.attrs), updates: [] }));
}
