// What a training stops with beside what it learnt, as named vectors, so that another run goes on as if it had never stopped.
import type { Rng } from "../../runtime/numeric/rng.ts";

export type TrainingState = Readonly<Record<string, Float64Array>>;

/** A stream that another run may take up: one of the same seed and label, which is known by where it began. */
export class KeptStream {
  readonly rng: Rng;
  /** Whether it goes on where an earlier one stopped. */
  readonly goesOn: boolean;
  readonly #began: readonly number[];

  constructor(rng: Rng, before?: Float64Array) {
    this.rng = rng;
    this.#began = rng.state();
    const size = this.#began.length;
    this.goesOn = before?.length === 2 * size && this.#began.every((x, i) => x === before[i]);
    if (before && this.goesOn) rng.restore([...before.subarray(size)]);
  }
  state(): Float64Array {
    return Float64Array.of(...this.#began, ...this.rng.state());
  }
}

export const sameBits = (a: Float64Array, b: Float64Array): boolean =>
  a.length === b.length && a.every((x, i) => Object.is(x, b[i]));
