// The bridge q^(1 - β) p^β between two densities over the unconstrained space.
import type { LogDensity } from "../../runtime/target.ts";

export class Tempered implements LogDensity {
  readonly dimension: number;
  /** Inverse temperature: 0 is `from`, 1 is `to`. */
  beta = 0;
  /** log p - log q at the position evaluated last. */
  difference = Number.NaN;
  readonly #from: LogDensity;
  readonly #to: LogDensity;
  readonly #slope: Float64Array;

  constructor(from: LogDensity, to: LogDensity) {
    this.dimension = to.dimension;
    this.#from = from;
    this.#to = to;
    this.#slope = new Float64Array(to.dimension);
  }

  evaluate(q: Float64Array, gradient: Float64Array): number {
    const { beta } = this;
    const slope = this.#slope;
    const start = this.#from.evaluate(q, slope);
    const end = this.#to.evaluate(q, gradient);
    this.difference = end - start;
    // At β = 0 the posterior has no say, be it zero there.
    for (let i = 0; i < slope.length; i++) gradient[i] = beta === 0 ? slope[i] : (1 - beta) * slope[i] + beta * gradient[i];
    return beta === 0 ? start : beta === 1 ? end : (1 - beta) * start + beta * end;
  }

  dispose(): void {}
}
