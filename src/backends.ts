// Where training runs: what the user asks for, or the fastest that loads.
import type { Engine } from "./inference/engine.ts";
import type { Backend } from "./runtime/backend.ts";
import { UsageError } from "./runtime/errors.ts";
import { sizeOf } from "./runtime/ir/type.ts";
import type { Target } from "./runtime/target.ts";
import { wasmBackend } from "./runtime/wasm/backend.ts";

/** float32 libraries, which train alone: what is accepted, rejected or judged is evaluated on wasm in float64. */
const libraries = ["tensorflow", "tfjs-wasm", "tfjs-cpu"] as const;
export const backendNames: readonly string[] = ["auto", "wasm", ...libraries];

export interface ChosenBackend {
  readonly backend: Backend;
  /** "tensorflow 2.21.0 with XLA, float32: the fastest that loads for 402000 numbers to learn". */
  readonly words: string;
}

/** Numbers to learn from which on matrix products outweigh the calls of a library (docs/benchmarks.md). */
const NETWORK = 10_000;

/** The backend of that name, wasm for auto. Throws a UsageError for a name that is none, or one that does not load. */
export async function backendNamed(name: string): Promise<ChosenBackend> {
  if (!backendNames.includes(name)) throw new UsageError(`there is no backend ${name}; there are ${backendNames.join(", ")}`);
  const library = libraries.find((l) => l === name);
  if (library === undefined) return { backend: wasmBackend, words: "float64 WebAssembly" };
  const { loadTfjs } = await import("./runtime/tfjs/load.ts");
  const backend = await loadTfjs(library);
  return { backend, words: `${library} ${backend.version}, float32, as asked` };
}

/** Throws a UsageError for a name that is none, one that does not load, or an engine that runs on wasm alone. */
export async function chooseBackend(name: string, engine: Engine, target: Target): Promise<ChosenBackend> {
  const trains = engine.precision === "any";
  if (!trains && libraries.some((l) => l === name))
    throw new UsageError(
      `${engine.name} runs on wasm: nothing is accepted or rejected in float32. Leave --backend ${name} out, or use an engine that trains`,
    );
  if (!trains || name !== "auto") return backendNamed(name);
  const count = target.parameters.reduce((n, p) => n + sizeOf(p.unconstrained), 0);
  if (count < NETWORK) return backendNamed("wasm");
  const numbers = `${count} numbers to learn`;
  try {
    const { loadTfjs } = await import("./runtime/tfjs/load.ts");
    const backend = await loadTfjs("tensorflow");
    return { backend, words: `tensorflow ${backend.version}, float32: the fastest that loads for ${numbers}` };
  } catch (e) {
    // Of the libraries that are always there, none is faster than wasm by more than 4 % (docs/benchmarks.md), and wasm has float64.
    if (!(e instanceof UsageError)) throw e;
    return { backend: wasmBackend, words: `float64 WebAssembly for ${numbers}, since ${e.message}` };
  }
}
