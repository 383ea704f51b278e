// Probabilities of intervals and sets of bounds, for what truncates, censors and rounds.
import { UsageError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { constantOf, dtypeOf, shapeOf } from "../../../runtime/ir/graph.ts";
import type { Bounds } from "../../constraints/define.ts";
import type { Applied } from "../applied.ts";
import { boundless } from "./define.ts";

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
/** Bounds moved to where the support ends, unless they are known to lie in it: distribution functions are asked nothing outside. */
export function withinSupport(b: Builder, { lower, upper }: Bounds<Value>, own: Bounds<Value>): Bounds<Value> {
  return {
    lower: lower && own.lower && !knownOrder(own.lower, lower) ? b.max(lower, own.lower) : lower,
    upper: upper && own.upper && !knownOrder(upper, own.upper) ? b.min(upper, own.upper) : upper,
  };
}
/** Whether x is inside, as a bool of the broadcast shape; null when there is nothing to ask. */
export function isInside(b: Builder, x: Value, { lower, upper }: Bounds<Value>): Value | null {
  const above = lower && b.ge(x, lower);
  const below = upper && b.le(x, upper);
  return above && below ? b.and(above, below) : (above ?? below ?? null);
}

/** log P(X <= x) or log P(X > x) at any x; the distribution's own functions are asked inside of its support only. */
export function logTail(b: Builder, d: Applied, side: "logCdf" | "logCcdf", x: Value): Value | undefined {
  const { lower, upper } = d.support.bounds(b);
  const below = lower && !knownOrder(lower, x) ? b.lt(x, lower) : undefined;
  const above = upper && !knownOrder(x, upper) ? b.gt(x, upper) : undefined;
  const raised = below && lower ? b.select(below, b.cast(lower, dtypeOf(x)), x) : x;
  const inside = above && upper ? b.select(above, b.cast(upper, dtypeOf(x)), raised) : raised;
  const log = d[side]?.(b, inside);
  if (!log) return undefined;
  const [none, all] = [b.constant(Number.NEGATIVE_INFINITY), b.constant(0)];
  const [left, right] = side === "logCdf" ? [none, all] : [all, none];
  const some = below ? b.select(below, left, log) : log;
  return above ? b.select(above, right, some) : some;
}
/** log P(lower <= X <= upper), either side open, bounds in the support; undefined without the distribution functions that it takes. For
 *  integers both ends count. Both ends given: the tail in which the interval lies is the one whose logarithms are subtracted. */
export function logInterval(b: Builder, d: Applied, { lower, upper }: Bounds<Value>): Value | undefined {
  const { discrete } = d.support.constraint;
  // The integer below the least one is outside of the support.
  const below = lower && discrete ? b.sub(lower, b.constant(1)) : lower;
  const tail = (side: "logCdf" | "logCcdf", x: Value): Value | undefined => (discrete ? logTail(b, d, side, x) : d[side]?.(b, x));
  if (below && upper) {
    const [cdf, ccdf] = [tail("logCdf", below), tail("logCcdf", upper)];
    const [atLeast, atMost] = [tail("logCcdf", below), tail("logCdf", upper)];
    if (!cdf || !ccdf || !atLeast || !atMost) return undefined;
    return b.select(b.gt(cdf, b.constant(-Math.LN2)), logDifference(b, atLeast, ccdf), logDifference(b, atMost, cdf));
  }
  if (below) return tail("logCcdf", below);
  return upper ? tail("logCdf", upper) : b.constant(0);
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
  return b.select(inside, logDensityToEnds(b, d, near), b.constant(Number.NEGATIVE_INFINITY));
}

/** The log density on the closed support. At an open end, which x reaches by rounding or on purpose, formulas may subtract infinities: there it
 *  is -inf, as it is outside. */
export function logDensityToEnds(b: Builder, d: Applied, x: Value): Value {
  const log = d.logDensity(b, x);
  if (d.event > 0 || d.support.constraint.discrete || d.support.declared) return log;
  const { lower, upper } = d.support.bounds(b);
  const reaches = (end: Value | undefined): Value | undefined => {
    const [known, at] = [constantOf(x), end && constantOf(end)];
    if (!end || (known && at && at.length === 1 && !known.includes(at[0]))) return undefined;
    return b.eq(x, end);
  };
  const ends = [reaches(lower), reaches(upper)].filter((v) => v !== undefined);
  if (ends.length === 0) return log;
  const isBad = b.and(
    ends.reduce((v, w) => b.or(v, w)),
    b.ne(log, log),
  );
  return b.select(isBad, b.constant(Number.NEGATIVE_INFINITY), log);
}

export function needNumbers(d: Applied, what: string): void {
  if (d.event !== 0)
    throw new UsageError(
      `${what} takes a distribution of numbers; ${d.name} is one of ${d.event === 1 ? "vectors" : "matrices"}`,
    );
}

export function needOwnBounds(d: Applied, what: string): void {
  if (d.support.declared) throw new UsageError(`${what} needs a distribution with bounds of its own; ${boundless(d.name)}`);
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
