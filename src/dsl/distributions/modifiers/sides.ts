// Probabilities of intervals and sets of bounds, for what truncates, censors and rounds.
import { UsageError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { constantOf, dtypeOf, shapeOf } from "../../../runtime/ir/graph.ts";
import type { Bounds } from "../../constraints/define.ts";
import type { Applied } from "../applied.ts";

const every = (v: Value, test: (x: number) => boolean): boolean => constantOf(v)?.every(test) ?? false;
/** Known to be ±inf in every element: no bound at all. */
export const isInfinite = (v: Value): boolean => every(v, (x) => Math.abs(x) === Number.POSITIVE_INFINITY);
/** Known to be nowhere above (below) the other. */
export function knownOrder(a: Value, b: Value): boolean {
  const [p, q] = [constantOf(a), constantOf(b)];
  if (!p || !q) return a === b;
  const n = Math.max(p.length, q.length);
  if ((p.length !== 1 && p.length !== n) || (q.length !== 1 && q.length !== n)) return false;
  return Array.from({ length: n }, (_, i) => p[p.length === 1 ? 0 : i] <= q[q.length === 1 ? 0 : i]).every(Boolean);
}

/** The bounds that cut something off: those that are not known to be infinite or outside the support's own. */
export function cutting(given: Bounds<Value>, own: Bounds<Value>): Bounds<Value> {
  const { lower, upper } = given;
  return {
    lower: lower && !isInfinite(lower) && !(own.lower && knownOrder(lower, own.lower)) ? lower : undefined,
    upper: upper && !isInfinite(upper) && !(own.upper && knownOrder(own.upper, upper)) ? upper : undefined,
  };
}
/** The intersection of the support and what is left of it. */
export function intersect(b: Builder, own: Bounds<Value>, cut: Bounds<Value>): Bounds<Value> {
  const { lower, upper } = cut;
  return {
    lower: lower && own.lower && !knownOrder(own.lower, lower) ? b.max(lower, own.lower) : (lower ?? own.lower),
    upper: upper && own.upper && !knownOrder(upper, own.upper) ? b.min(upper, own.upper) : (upper ?? own.upper),
  };
}
/** Whether x is inside, as a bool of the broadcast shape; null when there is nothing to ask. */
export function isInside(b: Builder, x: Value, { lower, upper }: Bounds<Value>): Value | null {
  const above = lower && b.ge(x, lower);
  const below = upper && b.le(x, upper);
  return above && below ? b.and(above, below) : (above ?? below ?? null);
}

/** log P(lower <= X <= upper), either side open; undefined without the distribution functions that it takes. For integers both ends count.
 *  Both ends given: the tail in which the interval lies is the one whose logarithms are subtracted. */
export function logInterval(b: Builder, d: Applied, { lower, upper }: Bounds<Value>): Value | undefined {
  const below = lower && d.support.constraint.discrete ? b.sub(lower, b.constant(1)) : lower;
  if (below && upper) {
    if (!d.logCdf || !d.logCcdf) return undefined;
    const [cdf, ccdf] = [d.logCdf(b, below), d.logCcdf(b, upper)];
    const [atLeast, atMost] = [d.logCcdf(b, below), d.logCdf(b, upper)];
    return b.select(b.gt(cdf, b.constant(-Math.LN2)), logDifference(b, atLeast, ccdf), logDifference(b, atMost, cdf));
  }
  if (below) return d.logCcdf?.(b, below);
  return upper ? d.logCdf?.(b, upper) : b.constant(0);
}
/** log(e^p - e^q), p >= q; p where e^q is 0, even when e^p is. */
export const logDifference = (b: Builder, p: Value, q: Value): Value =>
  b.select(b.gt(q, b.constant(Number.NEGATIVE_INFINITY)), b.add(p, b.log1mExp(b.sub(q, p))), p);

/** The log density, -inf outside the support, where it is evaluated at the nearest bound instead: tables of categories have no row there. */
export function logDensityInside(b: Builder, d: Applied, x: Value, bounds: Bounds<Value>): Value {
  const inside = isInside(b, x, bounds);
  if (!inside) return d.logDensity(b, x);
  const above = bounds.lower ? b.max(x, b.cast(bounds.lower, dtypeOf(x))) : x;
  const near = bounds.upper ? b.min(above, b.cast(bounds.upper, dtypeOf(x))) : above;
  return b.select(inside, d.logDensity(b, near), b.constant(Number.NEGATIVE_INFINITY));
}

export function needNumbers(d: Applied, what: string): void {
  if (d.event !== 0)
    throw new UsageError(
      `${what} takes a distribution of numbers; ${d.name} is one of ${d.event === 1 ? "vectors" : "matrices"}`,
    );
}

/** The same distribution with one more axis behind the batch axes of its arguments. */
export function withTrailingAxis(b: Builder, d: Applied): Applied {
  return d.withArguments(
    d.arguments.map(({ value, rank }) => {
      const shape = shapeOf(value);
      const batch = shape.length - rank;
      return batch === 0 && rank === 0 ? value : b.reshape(value, [...shape.slice(0, batch), 1, ...shape.slice(batch)]);
    }),
  );
}
