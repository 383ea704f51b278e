// What the engine asks of an E-step, whatever the latents are.
import type { Expectation } from "./iterate.ts";

export interface LatentExpectation extends Expectation {
  /** The posterior's means of continuous latents, unconstrained, then the most probable values of discrete ones: a draw's layout. */
  readonly position: Float64Array;
  /** Standard deviations of the continuous ones. */
  readonly deviations: Float64Array;
}
export interface EStep<E extends LatentExpectation = LatentExpectation> {
  /** Starts that are worth while where the user does not say. */
  readonly starts: number;
  /** Whether the evidence is known with its constants. */
  readonly normalised: boolean;
  /** The posterior at these params; undefined where there is none. `before`: one at params nearby. */
  at(theta: Float64Array, before?: E): E | undefined;
  /** Params to begin with, from those declared. */
  begin(theta: Float64Array, start: number): Float64Array;
  /** What the ~ of params add to the objective. */
  penalty(theta: Float64Array): number;
  dispose(): void;
}
