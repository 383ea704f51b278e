// The backends on which the laws are held: ours, and those of TensorFlow.js that load on this machine.
import type { Backend } from "../../src/runtime/backend.ts";
import { loadTfjs, type TfjsBackend, tfjsNames } from "../../src/runtime/tfjs/load.ts";
import { wasmBackend } from "../../src/runtime/wasm/backend.ts";

export const tfjsBackends: TfjsBackend[] = [];
/** Why the others are not among them. */
export const missing: string[] = [];
for (const name of tfjsNames) {
  try {
    tfjsBackends.push(await loadTfjs(name));
  } catch (e) {
    missing.push(e instanceof Error ? e.message : String(e));
  }
}
export const backends: readonly Backend[] = [wasmBackend, ...tfjsBackends];
/** Ways of using a library that this machine has no need of. */
export const variants: readonly Backend[] = tfjsBackends.flatMap((b) => b.variants);
/** For the name of a test, so that a backend left out is seen. */
export const whatLoads = `${backends.map((b) => b.name).join(", ")}${missing.length > 0 ? `; ${missing.join("; ")}` : ""}`;
