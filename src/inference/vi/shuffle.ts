// The rows of one minibatch after another: every row once before any comes again.
import type { Numbers } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";

export class Shuffle {
  readonly #rng: Rng;
  readonly #order: Int32Array;
  #at: number;

  /** `state`: of an earlier one, whose pass goes on if it was over as many rows. */
  constructor(rng: Rng, size: number, state?: Float64Array) {
    this.#rng = rng;
    const isAlike = state?.length === size + 1;
    this.#order = isAlike ? Int32Array.from(state.subarray(1)) : Int32Array.from({ length: size }, (_, i) => i);
    this.#at = isAlike ? state[0] : size;
  }

  /** How far the pass is, and its order. */
  state(): Float64Array {
    return Float64Array.of(this.#at, ...this.#order);
  }

  /** Fills `out` with distinct rows. What is left of a pass and too little for it waits for the next shuffle. */
  next(out: Numbers): void {
    if (this.#at + out.length > this.#order.length) this.#shuffle();
    out.set(this.#order.subarray(this.#at, this.#at + out.length));
    this.#at += out.length;
  }

  /** Fisher and Yates, as Durstenfeld (1964) writes it. */
  #shuffle(): void {
    for (let i = this.#order.length - 1; i > 0; i--) {
      const j = this.#rng.below(i + 1);
      const held = this.#order[i];
      this.#order[i] = this.#order[j];
      this.#order[j] = held;
    }
    this.#at = 0;
  }
}
