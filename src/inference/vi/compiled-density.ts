// A scalar of an unconstrained vector, compiled with its gradient to float64 WebAssembly.
import { gradient } from "../../runtime/ir/gradient.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import type { LogDensity } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import { densityOf } from "../../runtime/wasm/density.ts";

/** `q`: the input of that name. Simplified first, so that the gradient is of the small form. */
export async function compiledDensity(b: Builder, q: Value, density: Value): Promise<LogDensity> {
  const first = simplify(b, { inputs: [q], outputs: [density], updates: [] });
  const [u] = first.inputs;
  const [root] = first.outputs;
  const program = simplify(b, { inputs: [u], outputs: [root, ...gradient(b, root, [u])], updates: [] });
  return densityOf(shapeOf(q)[0], await wasmBackend.compile(program));
}
