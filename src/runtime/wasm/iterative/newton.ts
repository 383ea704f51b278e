// Newton's steps for the logarithm of a distribution function, kept between points of which one is known to lie below the root and one above.
import type { F64, Local } from "../module.ts";
import { add, and, type Body, choose, div, type Expression, eq, ge, gt, le, lt, mul, not, or, sub } from "./scalar.ts";

const MOST_STEPS = 200;
/** Square of the last step in log F: what it leaves is that much, times a curvature that log-concave functions bound. */
const LAST_SQUARE = 1e-17;

/** Sets x, between `low` and `high`, to where log F is `target`. log F grows; `slope` is its derivative, given its value. */
export function solveLog(
  b: Body,
  x: Local<"f64">,
  [low, high]: readonly [Expression, Expression],
  target: F64,
  log: (x: F64) => F64,
  slope: (x: F64, log: F64) => F64,
): void {
  const [below, above] = [b.let(low), b.let(high)];
  b.repeat(MOST_STEPS, () => {
    const l = b.let(log(x));
    const missing = b.let(sub(target, l));
    b.if(
      gt(missing, 0),
      () => b.set(below, x),
      () => b.set(above, x),
    );
    const next = b.let(add(x, div(missing, slope(x, l))));
    const isInside = and(ge(next, below), le(next, above));
    const before = b.let(x);
    b.set(x, choose(isInside, next, mul(0.5, add(below, above))));
    return not(or(lt(mul(missing, missing), LAST_SQUARE), eq(x, before)));
  });
}
