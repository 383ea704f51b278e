// The components of a problem in the pieces in which they are computed: numbers, where a piece is one component, and vectors.
import type { Builder, Value } from "../graph.ts";

export class Pieces {
  readonly sizes: readonly number[];
  private readonly b: Builder;

  constructor(b: Builder, sizes: readonly number[]) {
    this.b = b;
    this.sizes = sizes;
  }

  split(all: Value): Value[] {
    const { b } = this;
    let at = 0;
    return this.sizes.map((size) => {
      const from = at;
      at += size;
      return size === 1 ? b.gather(all, b.constant(from, "int")) : b.slice(all, 0, from, size);
    });
  }

  join(pieces: readonly Value[]): Value {
    const { b } = this;
    return b.concat(
      pieces.map((p, i) => (this.sizes[i] === 1 ? b.reshape(p, [1]) : p)),
      0,
    );
  }

  /** How many pieces hold the first components. */
  upTo(components: number): number {
    let at = 0;
    return this.sizes.filter((size) => (at += size) <= components).length;
  }

  /** The largest of max_i |v_i| over all pieces, of nonnegative numbers; NaN where one is. */
  largest(pieces: readonly Value[]): Value {
    const { b } = this;
    return pieces.map((p, i) => (this.sizes[i] === 1 ? p : b.reduceMax(p))).reduce((m, p) => b.max(m, p));
  }
}

/** Σ factor · value, of the factors that are not 0. */
export function combination(b: Builder, factors: readonly number[], values: readonly Value[]): Value {
  const terms = factors.flatMap((f, i) => (f === 0 ? [] : [b.mul(b.constant(f), values[i])]));
  return terms.reduce((s, x) => b.add(s, x));
}
