// lgamma on two lanes.
// x >= 8: Stirling. 0.75 <= x < 3: (x-1)(x-2) times a rational function, so that its zeros at 1 and 2 are kept.
// 3 <= x < 8: down to [2, 3) by lgamma(x) = lgamma(x - n) + log((x-1)…(x-n)), a sum of positive terms. Below 0.75: up by one.
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { polynomial } from "./arithmetic.ts";
import { halfLogTwoPi, lgammaD, lgammaP, lgammaW, logPi } from "./coefficients.ts";
import { logOfPositive } from "./log.ts";
import { sinCosPi } from "./trig.ts";

/** Where Stirling's series takes over. */
export const stirlingFrom = 8;

/** x lowered by whole steps into [2, 3) where it lies in [3, 8), and the product of the values stepped over. */
function descend(w: VectorEmitter, x: VectorValue): { readonly y: VectorValue; readonly product: VectorValue } {
  const one = w.constant(1);
  let y = x;
  let product = one;
  for (let step = 3; step < stirlingFrom; step++) {
    const far = w.ge(y, w.constant(3));
    y = w.sub(y, w.select(far, one, w.constant(0)));
    product = w.mul(product, w.select(far, y, one));
  }
  return { y, product };
}

/** log Gamma(a), a >= 0. */
function lgammaOfPositive(w: VectorEmitter, a: VectorValue): VectorValue {
  const one = w.constant(1);
  const large = w.ge(a, w.constant(stirlingFrom));
  const small = w.lt(a, w.constant(0.75));
  const { y, product } = descend(w, w.select(large, one, a));
  const logarithm = logOfPositive(w, w.select(large, a, w.select(small, a, product)));
  // Stirling: (a - 1/2) (log a - 1) + (log(2 pi) - 1)/2 + W(1/a^2)/a
  const inverse = w.div(one, a);
  const series = w.mul(inverse, polynomial(w, w.mul(inverse, inverse), lgammaW));
  const stirling = w.add(w.mul(w.sub(a, w.constant(0.5)), w.sub(logarithm, one)), w.add(w.constant(halfLogTwoPi - 0.5), series));
  const b = w.select(small, w.add(a, one), y);
  const t = w.sub(b, w.constant(0.75));
  const ratio = w.add(w.div(polynomial(w, t, lgammaP), polynomial(w, t, lgammaD)), w.constant(0.4375));
  const base = w.mul(w.mul(w.sub(b, one), w.sub(b, w.constant(2))), ratio);
  const near = w.add(base, w.select(small, w.neg(logarithm), logarithm));
  return w.select(w.eq(a, w.constant(0)), w.constant(Infinity), w.select(large, stirling, near));
}

/** log |Gamma(x)|: below 4 ulp for x > 0, also relatively at the zeros 1 and 2. For -20 < x < 0, by reflection, below 8
 *  units of the larger of the value and 1; further out units of lgamma(|x|). Infinite at 0, -1, -2, …. */
export function lgamma(w: VectorEmitter, x: VectorValue): VectorValue {
  const a = w.abs(x);
  const positive = lgammaOfPositive(w, a);
  const reflected = () => {
    const f = w.sub(x, w.nearest(x));
    const s = w.abs(sinCosPi(w, f).sin);
    const pole = w.not(w.gt(s, w.constant(0))); // at -infinity s is NaN
    const distance = w.add(logOfPositive(w, w.select(pole, w.constant(1), s)), logOfPositive(w, a));
    const y = w.sub(w.sub(w.constant(logPi), distance), positive);
    return w.select(pole, w.constant(Infinity), y);
  };
  return w.selectRare(w.lt(x, w.constant(0)), reflected, positive);
}
