// The first contract: a program of the IR and what a backend makes of it.
import type { Value } from "./ir/graph.ts";
import type { Numbers } from "./ir/type.ts";
import type { WasmModule } from "./wasm/webassembly.ts";

/** Inputs are per call (position, noise, batch indices) or resident (data, parameters, optimiser moments); a program may
 *  replace resident values, so a whole training step is one program. Randomness is an input like any other. */
export interface Program {
  /** Nodes whose op is "input", in the order in which an executable lists them. */
  readonly inputs: readonly Value[];
  /** Inputs that stay on the backend from run to run, 0 until written; what `updates` replaces is one without being listed. */
  readonly residents?: readonly Value[];
  readonly outputs: readonly Value[];
  /** They take effect together, when the run has read everything. */
  readonly updates: readonly (readonly [resident: Value, next: Value])[];
}
/** All that stay from run to run. */
export function residentsOf({ residents = [], updates }: Program): Value[] {
  return [...new Set([...residents, ...updates.map(([resident]) => resident)])];
}
/** What each run is given. */
export function callInputsOf(program: Program): Value[] {
  const residents = new Set(residentsOf(program));
  return program.inputs.filter((v) => !residents.has(v));
}
/** What the program computes: outputs, then the residents' next values. */
export const rootsOf = ({ outputs, updates }: Program): Value[] => [...outputs, ...updates.map(([, next]) => next)];

export interface Backend {
  readonly name: string;
  /** Unit of every tolerance. */
  readonly epsilon: number;
  /** Compilation is synchronous where the backend can; the promise serves those that load a library first. */
  compile(program: Program): Promise<Executable>;
}
export interface Executable {
  /** One array an input of each run, by name: the caller fills them in place. */
  readonly inputs: Readonly<Record<string, Numbers>>;
  /** Filled by run(); views that stay valid until dispose. */
  readonly outputs: readonly Float64Array[];
  /** Synchronous on CPU backends, allocates nothing; a bad number is a number. */
  run(): void;
  finished(): Promise<void>;
  /** A copy of a resident's elements: Float64Array, Int32Array or Uint8Array as its type is real, int or bool. */
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
  readonly inputs: readonly InputPlace[];
  readonly residents: readonly InputPlace[];
  readonly outputs: readonly { readonly offset: number; readonly length: number }[];
  /** Next values of residents that are no real numbers: float64 at `offset`, to be stored in the resident's type after each run. */
  readonly narrowed: readonly { readonly resident: string; readonly offset: number }[];
}
export interface InputPlace {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  readonly type: "f64" | "i32" | "u8";
}
