// The registry of routines: operations that are calls between loops, their operands and results in memory, contiguous row-major.
import type { Node } from "../../ir/graph.ts";
import type { Shape } from "../../ir/type.ts";
import type { FunctionBuilder, ModuleBuilder } from "../module.ts";
import { cholesky } from "./cholesky.ts";
import { choleskyGradient } from "./cholesky-gradient.ts";
import { cumsum } from "./cumsum.ts";
import { dot } from "./dot.ts";
import { symmetricEigen } from "./eigen.ts";
import { logAbsDet, solve } from "./lu.ts";
import { qr } from "./qr.ts";
import { triangularSolve } from "./triangular-solve.ts";

/** Where an operand or result lies: byte offset from the start of memory, a multiple of 8 (inside an assembly; else of 16); elements float64 in row-major order. */
export interface Operand {
  readonly offset: number;
  readonly shape: Shape;
}
export interface Routine {
  readonly name: string;
  /** Scratch space in float64 elements; its contents are undefined at entry. */
  scratch(node: Node): number;
  /** Writes the body of a function without parameters and results that reads the inputs and fills the results. Operands never
   *  overlap results. Further functions may be added to `module`. */
  emit(f: FunctionBuilder, call: RoutineCall): void;
}
export interface RoutineCall {
  readonly module: ModuleBuilder;
  readonly node: Node;
  readonly inputs: readonly Operand[];
  readonly results: readonly Operand[];
  /** Byte offset of the scratch space, a multiple of 16. */
  readonly scratch: number;
}

export const routines: ReadonlyMap<string, Routine> = new Map(
  [dot, cholesky, choleskyGradient, triangularSolve, qr, solve, logAbsDet, symmetricEigen, cumsum].map(
    (r) => [r.name, r] as const,
  ),
);
