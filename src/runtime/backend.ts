// The first contract: a program of the IR and what a backend makes of it.
import type { Value } from "./ir/graph.ts";
import type { Numbers } from "./ir/type.ts";
import type { WasmModule } from "./wasm/webassembly.ts";

/** Inputs are per call (position, noise, batch indices) or resident (data, parameters, optimiser moments); a program may
 *  replace resident values, so a whole training step is one program. Randomness is an input like any other. */
export interface Program {
  /** Nodes whose op is "input", in the order in which an executable lists them. */
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly updates: readonly (readonly [resident: Value, next: Value])[];
}
export interface Backend {
  readonly name: string;
  /** Unit of every tolerance. */
  readonly epsilon: number;
  /** Compilation is synchronous where the backend can; the promise serves those that load a library first. */
  compile(program: Program): Promise<Executable>;
}
export interface Executable {
  /** One array an input, by name: the caller fills them in place. */
  readonly inputs: Readonly<Record<string, Numbers>>;
  /** Filled by run(); views that stay valid until dispose. */
  readonly outputs: readonly Float64Array[];
  /** Synchronous on CPU backends, allocates nothing; a bad number is a number. */
  run(): void;
  finished(): Promise<void>;
  read(resident: string): Promise<Numbers>;
  write(resident: string, values: Numbers): void;
  dispose(): void;
}
/** A compiled program that can be sent to a worker and set up there without a compiler. */
export interface ExecutableImage {
  readonly module: WasmModule;
  /** Initial memory: constants in place. Shared between threads where SharedArrayBuffer exists. */
  readonly memory: Uint8Array;
  readonly pages: number;
  readonly inputs: readonly {
    readonly name: string;
    readonly offset: number;
    readonly length: number;
    readonly type: "f64" | "i32" | "u8";
  }[];
  readonly outputs: readonly { readonly offset: number; readonly length: number }[];
}
