// Accumulators of a reduction: a sum, and beside it the product of what is under logarithms, Σ (a + log f) = Σ a + log Π f. Every product
// is rounded by a relative u = 2^-53, its logarithm thus by an absolute u, as a sum of size 1 is by an addition: N elements add N u at most.
import type { ReduceRule } from "../ir/primitive.ts";
import { powerOf2 } from "./mathlib/arithmetic.ts";
import type { VectorEmitter, VectorValue } from "./vector-emitter.ts";

export interface Parts {
  readonly sum: VectorValue;
  /** null where a reduction has no factors: all are 1. */
  readonly product: VectorValue | null;
}

export function partsOf(w: VectorEmitter, { factored }: ReduceRule, x: VectorValue): Parts {
  if (factored === undefined) return { sum: x, product: null };
  const { addend, factor } = factored(w, x);
  return { sum: addend, product: factor };
}
export function join(w: VectorEmitter, { combine }: ReduceRule, x: Parts, y: Parts): Parts {
  const product = x.product === null || y.product === null ? (x.product ?? y.product) : w.mul(x.product, y.product);
  return { sum: combine(w, x.sum, y.sum), product };
}
export function resultOf(w: VectorEmitter, { combine }: ReduceRule, { sum, product }: Parts): VectorValue {
  return product === null ? sum : combine(w, sum, w.call("log", product));
}

/** Factors are at most 2, and one turn of a loop joins at most 128 of them: a product below 2^128 before it and relieved after it stays
 *  below 2^256, and those of four accumulators together below 2^512. */
const RELIEF = 128;
/** What is large in a product goes into the sum; NaN stays. */
export function relieved(w: VectorEmitter, { sum, product }: Parts): Parts {
  if (product === null) return { sum, product };
  const large = w.gt(product, w.constant(powerOf2(RELIEF)));
  return {
    sum: w.add(sum, w.select(large, w.constant(RELIEF * Math.LN2), w.constant(0))),
    product: w.select(large, w.mul(product, w.constant(powerOf2(-RELIEF))), product),
  };
}
