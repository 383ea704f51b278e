// A program that runs step by step at first, and becomes a graph if it goes on running: compiling pays for many runs only.
import type { Executable } from "../backend.ts";
import type { Numbers } from "../ir/type.ts";
import type { TensorExecutable } from "./tensor-executable.ts";

/** Runs after which compiling, some tenths of a second, is likely to pay. A number and not a time, so that the same run always computes
 *  the same way. */
export const PATIENCE = 30;

export class PatientExecutable<H> implements Executable {
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly outputs: readonly Float64Array[];
  readonly #compile: (first: TensorExecutable<H>) => TensorExecutable<H>;
  #now: TensorExecutable<H>;
  #runs = 0;

  /** `compile`: another executable over the arrays of the first. */
  constructor(first: TensorExecutable<H>, compile: (first: TensorExecutable<H>) => TensorExecutable<H>) {
    this.#now = first;
    this.#compile = compile;
    this.inputs = first.inputs;
    this.outputs = first.outputs;
  }

  run(): void {
    if (this.#runs === PATIENCE && !this.#now.isDisposed) {
      const first = this.#now;
      const compiled = this.#compile(first);
      compiled.take(first);
      first.dispose();
      this.#now = compiled;
    }
    this.#runs++;
    this.#now.run();
  }
  finished(): Promise<void> {
    return this.#now.finished();
  }
  read(resident: string): Promise<Numbers> {
    return this.#now.read(resident);
  }
  write(resident: string, values: Numbers): void {
    this.#now.write(resident, values);
  }
  dispose(): void {
    this.#now.dispose();
  }
}
