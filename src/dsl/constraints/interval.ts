// Numbers: reals and integers with optional bounds, and the bounded types that have names of their own.

import { InternalError } from "../../runtime/errors.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { constantOf, shapeOf } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import { sameShape } from "../../runtime/ir/type.ts";
import { log } from "../../runtime/numeric/math.ts";
import type { Bounds, Constraint } from "./define.ts";

/** A bound that lies at infinity, `nowhere`, in every element is none. */
const given = (v: Value | undefined, nowhere: number): Value | undefined => {
  const values = v && constantOf(v);
  return values?.length && values.every((x) => x === nowhere) ? undefined : v;
};
const isZero = (v: Value): boolean => constantOf(v)?.every((x) => x === 0) ?? false;
const isOne = (v: Value): boolean => constantOf(v)?.every((x) => x === 1) ?? false;
const toShape = (b: Builder, v: Value, shape: Shape): Value => (sameShape(shapeOf(v), shape) ? v : b.broadcastTo(v, shape));

/** Lower: x = l + e^u, log|dx/du| = u. Upper: x = h - e^u. Both: x = l + (h - l) σ(u), log|dx/du| = log(h - l) + u - 2 log(1 + e^u).
 *  Those of Stan (reference manual, "Constraint transforms"). Bounds may be latent: their gradients flow through x and through log(h - l).
 *  u = ±∞ is where a start on a bound lies. The slope is -∞ there, and no ∞ - ∞, by a minimum; -|u| - 2 log(1 + e^{-|u|}) would be so as well,
 *  but its derivative takes a second exponential, where that of log(1 + e^u) is the σ(u) of x. */
function constrainReal(b: Builder, u: Value, bounds: Bounds<Value>, shape: Shape): { x: Value; logDetJacobian: Value } {
  const lower = given(bounds.lower, Number.NEGATIVE_INFINITY);
  const upper = given(bounds.upper, Number.POSITIVE_INFINITY);
  if (lower && upper) {
    const width = isZero(lower) ? upper : b.sub(upper, lower);
    const scaled = isOne(width) ? b.sigmoid(u) : b.mul(width, b.sigmoid(u));
    const slope = b.sub(b.min(u, b.constant(Number.MAX_VALUE)), b.mul(b.constant(2), b.softplus(u)));
    return {
      x: toShape(b, isZero(lower) ? scaled : b.add(lower, scaled), shape),
      logDetJacobian: toShape(b, isOne(width) ? slope : b.add(slope, b.log(width)), shape),
    };
  }
  if (lower) {
    const e = b.exp(u);
    return { x: toShape(b, isZero(lower) ? e : b.add(lower, e), shape), logDetJacobian: u };
  }
  if (upper) return { x: toShape(b, b.sub(upper, b.exp(u)), shape), logDetJacobian: u };
  return { x: u, logDetJacobian: b.broadcastTo(b.constant(0), shape) };
}

/** The inverse of constrainReal. */
function invertReal(b: Builder, x: Value, bounds: Bounds<Value>): Value {
  const lower = given(bounds.lower, Number.NEGATIVE_INFINITY);
  const upper = given(bounds.upper, Number.POSITIVE_INFINITY);
  const above = lower && b.log(isZero(lower) ? x : b.sub(x, lower));
  const below = upper && b.log(b.sub(upper, x));
  return above && below ? b.sub(above, below) : (above ?? below ?? x);
}

function unconstrainReal(
  x: number,
  { lower = Number.NEGATIVE_INFINITY, upper = Number.POSITIVE_INFINITY }: Bounds<number>,
): number {
  const isBelow = upper < Number.POSITIVE_INFINITY;
  if (lower > Number.NEGATIVE_INFINITY) return isBelow ? log(x - lower) - log(upper - x) : log(x - lower);
  return isBelow ? log(upper - x) : x;
}

interface Named {
  readonly name: string;
  readonly words: string;
  readonly own?: Bounds<number>;
  /** Whether the bounds themselves are outside. */
  readonly open?: boolean;
  readonly probes: Constraint["probes"];
}
function interval({ name, words, own = {}, open = false, probes }: Named): Constraint {
  const merged = <V>(bounds: Bounds<V>, literal: (x: number) => V): Bounds<V> => ({
    lower: bounds.lower ?? (own.lower === undefined ? undefined : literal(own.lower)),
    upper: bounds.upper ?? (own.upper === undefined ? undefined : literal(own.upper)),
  });
  return {
    name,
    words,
    discrete: false,
    event: 0,
    ownBounds: own,
    measure: (s) => Array.from({ length: s.reduce((n, d) => n * d, 1) }, (_, i) => i),
    unconstrainedShape: (s) => s,
    constrain: (b, u, bounds, shape) =>
      constrainReal(
        b,
        u,
        merged(bounds, (x) => b.constant(x)),
        shape,
      ),
    invert: (b, x, bounds) =>
      invertReal(
        b,
        x,
        merged(bounds, (bound) => b.constant(bound)),
      ),
    unconstrain: (x, _s, bounds) => Float64Array.from(x, (v) => unconstrainReal(v, merged(bounds, Number))),
    contains: (x, _s, bounds) => {
      const { lower = Number.NEGATIVE_INFINITY, upper = Number.POSITIVE_INFINITY } = merged(bounds, Number);
      for (let i = 0; i < x.length; i++) {
        const v = x[i];
        if (!(v >= lower && v <= upper) || (open && (v === lower || v === upper))) return false;
      }
      return true;
    },
    probes,
  };
}

export const real = interval({
  name: "real",
  words: "a real number",
  probes: [
    { shape: [], values: [-3.25] },
    { shape: [], values: [7.5], bounds: { lower: 2.5 } },
    { shape: [], values: [-7.5], bounds: { upper: -1.25 } },
    { shape: [], values: [0.375], bounds: { lower: -2, upper: 3.5 } },
    { shape: [], values: [2.5 + 1 / 1073741824], bounds: { lower: 2.5 } },
    { shape: [], values: [3.5 - 1 / 1073741824], bounds: { lower: -2, upper: 3.5 } },
  ],
});
export const positive = interval({
  name: "positive",
  words: "a positive number",
  own: { lower: 0 },
  open: true,
  probes: [
    { shape: [], values: [0.3] },
    { shape: [], values: [17.5] },
    { shape: [], values: [1e-9] },
  ],
});
export const nonnegative = interval({
  name: "nonnegative",
  words: "a nonnegative number",
  own: { lower: 0 },
  probes: [
    { shape: [], values: [0.7] },
    { shape: [], values: [23] },
    { shape: [], values: [1e-8] },
  ],
});
export const unit = interval({
  name: "unit",
  words: "a number between 0 and 1",
  own: { lower: 0, upper: 1 },
  probes: [
    { shape: [], values: [0.3] },
    { shape: [], values: [0.9375] },
    { shape: [], values: [1e-9] },
  ],
});

const noCoordinates = (): never => {
  throw new InternalError("an integer has no unconstrained coordinates");
};
/** Integers between optional bounds; `own` belongs to the type. */
const integers = (words: string, own: Bounds<number>, probes: Constraint["probes"]): Constraint => ({
  name: "int",
  words,
  discrete: true,
  event: 0,
  ownBounds: own,
  measure: (s) => real.measure(s),
  unconstrainedShape: noCoordinates,
  constrain: noCoordinates,
  unconstrain: noCoordinates,
  contains: (x, _s, bounds) => {
    const lower = bounds.lower ?? own.lower ?? Number.NEGATIVE_INFINITY;
    const upper = bounds.upper ?? own.upper ?? Number.POSITIVE_INFINITY;
    for (let i = 0; i < x.length; i++) {
      const v = x[i];
      if (!(v >= lower && v <= upper && Number.isInteger(v))) return false;
    }
    return true;
  },
  probes,
});

export const int = integers("an integer", {}, [
  { shape: [], values: [-3] },
  { shape: [], values: [7], bounds: { lower: 2 } },
  { shape: [], values: [4], bounds: { lower: 1, upper: 9 } },
]);
/** The integers with bounds that distributions have for their support. */
export const binary = integers("0 or 1", { lower: 0, upper: 1 }, [{ shape: [], values: [1] }]);
export const count = integers("a count (0, 1, 2, …)", { lower: 0 }, [{ shape: [], values: [5] }]);
/** 1 … K; the upper bound is given. */
export const category = integers("a category (1, 2, …)", { lower: 1 }, [{ shape: [], values: [3], bounds: { upper: 4 } }]);
