// digamma, trigamma, tetragamma on two lanes: asymptotic series (Abramowitz & Stegun 6.3.18, 6.4.12-13) beyond 8, reached by recurrence,
// the recurrence's terms added as one fraction; negative arguments by reflection (6.3.7, 6.4.7).
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { polynomial } from "./arithmetic.ts";
import { digammaD, digammaP, digammaW, digammaZero, piParts, tetragammaW, trigammaW } from "./coefficients.ts";
import { stirlingFrom } from "./gamma.ts";
import { logOfPositive } from "./log.ts";
import { sinCosPi } from "./trig.ts";

/** digamma(a), a >= 0: on [1, 3] (a - zero) times a rational function; above by steps down, below by one step up. */
function digammaOfPositive(w: VectorEmitter, a: VectorValue): VectorValue {
  const [zero, one] = [w.constant(0), w.constant(1)];
  const large = w.ge(a, w.constant(stirlingFrom));
  const small = w.lt(a, one);
  // fraction = Σ 1 / (a - k) over the steps down, or -1 / a
  let b = w.select(large, one, a);
  let numerator = zero;
  let denominator = one;
  for (let step = 3; step < stirlingFrom; step++) {
    const far = w.ge(b, w.constant(3));
    b = w.sub(b, w.select(far, one, zero));
    numerator = w.select(far, w.add(w.mul(numerator, b), denominator), numerator);
    denominator = w.select(far, w.mul(denominator, b), denominator);
  }
  const inverse = w.div(
    w.select(large, one, w.select(small, w.constant(-1), numerator)),
    w.select(w.or(large, small), a, denominator),
  );
  const t = w.mul(inverse, inverse);
  const series = w.sub(
    w.sub(logOfPositive(w, w.select(large, a, one)), w.mul(w.constant(0.5), inverse)),
    w.mul(t, polynomial(w, t, digammaW)),
  );
  b = w.select(small, w.add(b, one), b);
  const u = w.sub(b, one);
  const distance = digammaZero.reduce((d, part) => w.sub(d, w.constant(part)), b);
  const base = w.mul(distance, w.div(polynomial(w, u, digammaP), polynomial(w, u, digammaD)));
  return w.select(large, w.select(w.eq(a, w.constant(Infinity)), a, series), w.add(base, inverse));
}

/** The logarithmic derivative of Gamma: below 5 ulp for x > 0, also relatively at its zero; for -20 < x < 0 below 12 units of the larger of
 *  the value and 1. NaN at -1, -2, …. */
export function digamma(w: VectorEmitter, x: VectorValue): VectorValue {
  const a = w.abs(x);
  const positive = digammaOfPositive(w, a);
  // digamma(-a) = digamma(a) + 1/a + pi cot(pi a)
  const reflected = () => {
    const { sin, cos } = sinCosPi(w, w.sub(a, w.nearest(a)));
    const cotangent = w.div(w.mul(cos, w.constant(piParts[0])), sin);
    const y = w.add(w.add(positive, w.div(w.constant(1), a)), cotangent);
    return w.select(w.eq(sin, w.constant(0)), w.constant(NaN), y);
  };
  return w.select(w.eq(x, w.constant(0)), w.div(w.constant(-1), x), w.selectRare(w.lt(x, w.constant(0)), reflected, positive));
}

/** Σ_{k=1}^{7} (a + k)^-power as one fraction, and a + 8 where a < 8; else 0 and a. */
function ascend(
  w: VectorEmitter,
  a: VectorValue,
  power: 2 | 3,
): { readonly sum: VectorValue; readonly first: VectorValue; readonly b: VectorValue } {
  const [zero, one] = [w.constant(0), w.constant(1)];
  const near = w.lt(a, w.constant(stirlingFrom));
  const s = w.select(near, a, one);
  let numerator = zero;
  let denominator = one;
  for (let k = 1; k < stirlingFrom; k++) {
    const c = w.add(s, w.constant(k));
    const p = power === 2 ? w.mul(c, c) : w.mul(w.mul(c, c), c);
    numerator = w.add(w.mul(numerator, p), denominator);
    denominator = w.mul(denominator, p);
  }
  const inverse = w.div(one, a);
  const first = power === 2 ? w.mul(inverse, inverse) : w.mul(w.mul(inverse, inverse), inverse);
  return {
    sum: w.select(near, w.div(numerator, denominator), zero),
    first: w.select(near, first, zero),
    b: w.select(near, w.add(a, w.constant(stirlingFrom)), a),
  };
}

/** trigamma(a), a >= 0: 1/a^2 + Σ + 1/b + 1/(2 b^2) + W(1/b^2)/b^3 */
function trigammaOfPositive(w: VectorEmitter, a: VectorValue): VectorValue {
  const { sum, first, b } = ascend(w, a, 2);
  const v = w.div(w.constant(1), b);
  const t = w.mul(v, v);
  const series = w.add(v, w.add(w.mul(t, w.constant(0.5)), w.mul(w.mul(t, v), polynomial(w, t, trigammaW))));
  return w.add(first, w.add(sum, series));
}
/** -tetragamma(a), a >= 0: 2/a^3 + 2 Σ + 1/b^2 + 1/b^3 + W(1/b^2)/b^4 */
function minusTetragammaOfPositive(w: VectorEmitter, a: VectorValue): VectorValue {
  const { sum, first, b } = ascend(w, a, 3);
  const v = w.div(w.constant(1), b);
  const t = w.mul(v, v);
  const series = w.add(t, w.add(w.mul(t, v), w.mul(w.mul(t, t), polynomial(w, t, tetragammaW))));
  return w.add(w.add(first, first), w.add(w.add(sum, sum), series));
}

/** Derivative of digamma: below 4 ulp for x > 0, below 8 for -20 < x < 0; NaN at the poles there. */
export function trigamma(w: VectorEmitter, x: VectorValue): VectorValue {
  const a = w.abs(x);
  const positive = trigammaOfPositive(w, a);
  // trigamma(-a) = (pi / sin(pi a))^2 + 1/a^2 - trigamma(a)
  const reflected = () => {
    const { sin } = sinCosPi(w, w.sub(a, w.nearest(a)));
    const q = w.div(w.constant(piParts[0]), sin);
    const v = w.div(w.constant(1), a);
    const y = w.add(w.mul(q, q), w.sub(w.mul(v, v), positive));
    return w.select(w.eq(sin, w.constant(0)), w.constant(NaN), y);
  };
  return w.selectRare(w.lt(x, w.constant(0)), reflected, positive);
}

/** Second derivative of digamma: below 5 ulp for x > 0; for -20 < x < 0 below 120 units of the larger of the value and 1, NaN at the poles. */
export function tetragamma(w: VectorEmitter, x: VectorValue): VectorValue {
  const a = w.abs(x);
  const minus = minusTetragammaOfPositive(w, a);
  // tetragamma(-a) = tetragamma(a) + 2/a^3 + 2 pi^3 cos(pi a) / sin(pi a)^3
  const reflected = () => {
    const { sin, cos } = sinCosPi(w, w.sub(a, w.nearest(a)));
    const q = w.div(w.constant(piParts[0]), sin);
    const v = w.div(w.constant(1), a);
    const tail = w.add(w.mul(w.mul(w.mul(q, q), q), cos), w.mul(w.mul(v, v), v));
    const y = w.sub(w.add(tail, tail), minus);
    return w.select(w.eq(sin, w.constant(0)), w.constant(NaN), y);
  };
  return w.selectRare(w.lt(x, w.constant(0)), reflected, w.neg(minus));
}
