// The error function's family on two lanes, from one approximation: (1 + 2 x) erfcx(x) - 1 as a polynomial in (x - 3.5)/(x + 3.5), x >= 0
// (the mapping is that of Shepherd & Laframboise, Mathematics of Computation 36, 1981).
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { polynomial, powerOf2, signOf, twoSquare, withSign } from "./arithmetic.ts";
import { erfcxG, erfE } from "./coefficients.ts";
import { expOfSum } from "./exp.ts";

/** exp(a^2) erfc(a), 0 <= a < infinity; at infinity NaN. With P = (1 + 2 a) erfcx(a) - 1 it is (1 + P) / (1 + 2 a), and where a is small
 *  1 - (2 a - P) / (1 + 2 a), in which no rounding error but the last counts. */
export function erfcxOfPositive(w: VectorEmitter, a: VectorValue): VectorValue {
  const one = w.constant(1);
  const u = w.div(w.sub(a, w.constant(3.5)), w.add(a, w.constant(3.5)));
  const p = w.mul(w.add(u, one), polynomial(w, u, erfcxG));
  const twice = w.add(a, a);
  const near = w.lt(a, w.constant(0.5));
  const q = w.div(w.select(near, w.sub(twice, p), w.add(p, one)), w.add(twice, one));
  return w.select(near, w.sub(one, q), q);
}

/** exp(sign a^2 factor), the square without rounding error, |a| <= 40; factor a power of 2. */
export function expOfSquare(w: VectorEmitter, a: VectorValue, factor: number): VectorValue {
  const { high, low } = twoSquare(w, a);
  return expOfSum(w, w.mul(high, w.constant(factor)), w.mul(low, w.constant(factor)));
}

const atMost = (w: VectorEmitter, a: VectorValue, limit: number): VectorValue =>
  w.select(w.gt(a, w.constant(limit)), w.constant(limit), a);

/** erfc(a), a >= 0; 0 beyond 27.3. */
const erfcOfPositive = (w: VectorEmitter, a: VectorValue): VectorValue => {
  const b = atMost(w, a, 27.5);
  return w.mul(expOfSquare(w, b, -1), erfcxOfPositive(w, b));
};

/** erf(x): below 1.5 ulp. */
export function erf(w: VectorEmitter, x: VectorValue): VectorValue {
  const a = w.abs(x);
  const inner = w.lt(a, w.constant(1));
  const core = w.add(w.mul(x, polynomial(w, w.mul(x, x), erfE)), x);
  const outer = withSign(w, w.sub(w.constant(1), erfcOfPositive(w, a)), signOf(w, x));
  return w.select(inner, core, outer);
}

/** 1 - erf(x): below 5 ulp; relative accuracy in the right tail down to the smallest subnormal number. */
export function erfc(w: VectorEmitter, x: VectorValue): VectorValue {
  const y = erfcOfPositive(w, w.abs(x));
  return w.select(w.lt(x, w.constant(0)), w.sub(w.constant(2), y), y);
}

/** exp(x^2) erfc(x): below 7 ulp, below 5 for x < 100; 2 exp(x^2) - erfcx(-x) for negative x, infinite below -26.7. */
export function erfcx(w: VectorEmitter, x: VectorValue): VectorValue {
  const a = atMost(w, w.abs(x), powerOf2(1000));
  const y = w.select(w.eq(x, w.constant(Infinity)), w.constant(0), erfcxOfPositive(w, a));
  const e = expOfSquare(w, atMost(w, a, 27), 1);
  return w.select(w.lt(x, w.constant(0)), w.sub(w.add(e, e), y), y);
}
