// The normal distribution function's logarithm and its inverse on two lanes.
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { polynomial, powerOf2 } from "./arithmetic.ts";
import {
  quantileCentralD,
  quantileCentralP,
  quantileFarD,
  quantileFarP,
  quantileMiddleD,
  quantileMiddleP,
  rootTwoPi,
} from "./coefficients.ts";
import { erfcxOfPositive, expOfSquare } from "./erf.ts";
import { logOfPositive, logOfSum } from "./log.ts";

const rootHalf = Math.SQRT1_2;

/** log Φ(x), below 6 ulp in both tails: x <= 0: log(erfcx(-x / √2) / 2) - x^2/2; x > 0: log1p(-erfc(x / √2) / 2). */
export function logNormalCdf(w: VectorEmitter, x: VectorValue): VectorValue {
  const [zero, half, one] = [w.constant(0), w.constant(0.5), w.constant(1)];
  const a = w.abs(x);
  const capped = w.select(w.gt(a, w.constant(powerOf2(1000))), w.constant(powerOf2(1000)), a);
  const scaled = w.mul(half, erfcxOfPositive(w, w.mul(capped, w.constant(rootHalf))));
  const right = w.gt(x, zero);
  // exp(-x^2/2) from x itself: x / √2 is rounded, and its square would carry the error 2 x^2 times
  const b = w.select(w.gt(a, w.constant(40)), w.constant(40), a);
  const q = w.mul(expOfSquare(w, b, -0.5), scaled);
  const u = w.sub(one, q);
  const c = w.sub(w.sub(one, u), q);
  const logarithm = logOfSum(w, w.select(right, u, scaled), w.select(right, c, zero));
  return w.sub(logarithm, w.select(right, zero, w.mul(w.mul(a, a), half)));
}

/** Φ^-1(p): below 4 ulp; infinite at 0 and 1, NaN outside [0, 1]. The three ranges are those of Wichura, Algorithm AS 241
 *  (Applied Statistics 37, 1988), with rational functions of our own. */
export function normalQuantile(w: VectorEmitter, p: VectorValue): VectorValue {
  const [zero, half, one] = [w.constant(0), w.constant(0.5), w.constant(1)];
  const q = w.sub(p, half);
  const square = w.mul(q, q);
  const t = w.sub(w.constant(0.180625), square);
  const curvature = w.div(polynomial(w, t, quantileCentralP), polynomial(w, t, quantileCentralD));
  const central = w.mul(q, w.add(w.mul(square, curvature), w.constant(rootTwoPi)));
  const upper = w.gt(p, half);
  const tail = w.select(upper, w.sub(one, p), p);
  const r = w.sqrt(w.mul(logOfPositive(w, tail), w.constant(-2)));
  const inTail = (start: number, numerator: readonly number[], denominator: readonly number[]) => {
    const u = w.sub(r, w.constant(start));
    return w.sub(r, w.div(polynomial(w, u, numerator), polynomial(w, u, denominator)));
  };
  const middle = inTail(2.25, quantileMiddleP, quantileMiddleD);
  const distance = w.selectRare(w.gt(r, w.constant(7)), () => inTail(7, quantileFarP, quantileFarD), middle);
  const outer = w.select(upper, distance, w.neg(distance));
  const inside = w.select(w.le(w.abs(q), w.constant(0.425)), central, outer);
  const infinite = w.select(upper, w.constant(Infinity), w.constant(-Infinity));
  const edge = w.or(w.eq(p, zero), w.eq(p, one));
  const valid = w.and(w.ge(p, zero), w.le(p, one));
  return w.select(valid, w.select(edge, infinite, inside), w.constant(NaN));
}
