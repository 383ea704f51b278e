// What code that draws numbers asks for. Streams are made by `stream` in random.ts, keyed by a label.

/** A seeded stream of random numbers. Not shared between chains; no hidden state elsewhere. */
export interface Rng {
  /** Uniform on the open interval (0, 1): 53 bits, never 0 or 1. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Standard exponential. */
  exponential(): number;
  /** Uniform integer in 0 .. n - 1, n a whole number from 1 to 2^53. */
  below(n: number): number;
  fillNormal(out: Float64Array): void;
  fillUniform(out: Float64Array): void;
  /** An independent stream, keyed by this one's label and the new one; does not advance this stream. */
  split(label: string): Rng;
  /** The state as plain numbers, for checkpoints; `restore` sets it. */
  state(): readonly number[];
  restore(state: readonly number[]): void;
}
