// Small expressions that several families share.
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import { shapeOf } from "../../runtime/ir/graph.ts";
import { broadcastShapes, sameShape } from "../../runtime/ir/type.ts";

export const LOG_2 = Math.LN2;
/** ½ log 2π */
export const HALF_LOG_TAU = 0.9189385332046727;
export const LOG_PI = 1.1447298858494002;

/** (x - location) / scale. By the reciprocal, which leaves the loop over x when the scale is one number. */
export const standardise = (b: Builder, x: Value, location: Value, scale: Value): Value =>
  b.mul(b.sub(x, location), b.reciprocal(scale));

/** Sum of addends, kept apart so that those of data alone fold. */
export const total = (b: Builder, first: Value, ...rest: readonly Value[]): Value => rest.reduce((s, v) => b.add(s, v), first);

export const halve = (b: Builder, v: Value): Value => b.mul(b.constant(0.5), v);
/** log x / (1 - x) */
export const logit = (b: Builder, x: Value): Value => b.sub(b.log(x), b.log1p(b.neg(x)));
/** log B(p, q) */
export const logBeta = (b: Builder, p: Value, q: Value): Value => b.sub(b.add(b.lgamma(p), b.lgamma(q)), b.lgamma(b.add(p, q)));
/** log of the number of ways to choose k of n */
export const logChoose = (b: Builder, n: Value, k: Value): Value => {
  const one = b.constant(1);
  return b.sub(b.sub(b.lgamma(b.add(n, one)), b.lgamma(b.add(k, one))), b.lgamma(b.add(b.sub(n, k), one)));
};

/** v over the broadcast shape of v and x: for densities that do not read x. */
export function spread(b: Builder, v: Value, x: Value): Value {
  const shape = broadcastShapes(shapeOf(v), shapeOf(x));
  return sameShape(shape, shapeOf(v)) ? v : b.broadcastTo(v, shape);
}
