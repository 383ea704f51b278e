// What a method makes of one step.
import type { Value } from "../graph.ts";

export interface StepFrom {
  readonly t: Value;
  readonly h: Value;
  /** The components and their slopes, in pieces. */
  readonly y: readonly Value[];
  readonly slope: readonly Value[];
  slopeAt(t: Value, y: Value): Value;
  /** Pieces whose errors count. */
  readonly controlled: number;
}
export interface Step {
  /** The components after the step and their slopes there, in pieces. */
  readonly next: readonly Value[];
  readonly slopes: readonly Value[];
  /** Of the pieces that count. */
  readonly errors: readonly Value[];
}
