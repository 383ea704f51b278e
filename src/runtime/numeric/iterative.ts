// The functions that iterate, on the host: like those of math.ts, each compiled into a small wasm module at first use.
import { iterative } from "../wasm/iterative/index.ts";
import { Functions } from "../wasm/iterative/scalar.ts";
import { ModuleBuilder } from "../wasm/module.ts";
import type { IterativeFunction } from "../wasm/vector-emitter.ts";
import { WebAssembly } from "../wasm/webassembly.ts";

type Hosted = (...args: number[]) => number;
function compile(name: IterativeFunction): Hosted {
  const definition = iterative[name];
  const module = new ModuleBuilder();
  const f = module.function(new Array<"f64">(definition.arguments).fill("f64"), ["f64"], "f");
  f.result(f.call(Functions.of(module).get(definition), "f64", ...f.arguments));
  // The export has the signature given to `function` above.
  return new WebAssembly.Instance(module.compile()).exports.f as Hosted;
}

const compiled: Partial<Record<IterativeFunction, Hosted>> = {};
/** A function by its name: gamma functions of (a, x), or (a, p); beta functions of (a, b, odds), or (a, b, p), with odds x / (1 - x). */
export const iterativeFunction =
  (name: IterativeFunction): Hosted =>
  (...args) =>
    (compiled[name] ??= compile(name))(...args);
