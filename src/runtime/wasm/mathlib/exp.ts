// Exponential functions on two lanes: exp, expm1, tanh, sigmoid.
// Reduction: x = n log 2 + r, |r| <= log(2)/2, n read off the low bits of x / log 2 + 1.5 * 2^52.
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { clamp, type Double, fastTwoSum, polynomial, powerOf2, signBit, signOf, withSign } from "./arithmetic.ts";
import { expm1Q, expQ, ln2Parts, log2e } from "./coefficients.ts";

/** Adding this rounds |x| < 2^51 to an integer, which then stands in the low bits of the sum. */
export const roundingConstant = 1.5 * powerOf2(52);

interface Reduced {
  /** n, as the low bits of roundingConstant + n. */
  readonly shifted: VectorValue;
  readonly n: VectorValue;
  readonly high: VectorValue;
  /** r = high - low */
  readonly low: VectorValue;
  readonly r: VectorValue;
}
function reduce(w: VectorEmitter, x: VectorValue): Reduced {
  const magic = w.constant(roundingConstant);
  const shifted = w.add(w.mul(x, w.constant(log2e)), magic);
  const n = w.sub(shifted, magic);
  const high = w.sub(x, w.mul(n, w.constant(ln2Parts[0])));
  const low = w.mul(n, w.constant(ln2Parts[1]));
  return { shifted, n, high, low, r: w.sub(high, low) };
}

/** 2^n from roundingConstant + n, -1022 <= n <= 1023. */
export const powerOfTwo = (w: VectorEmitter, shifted: VectorValue): VectorValue =>
  w.bits.add(w.bits.shiftLeft(shifted, 52), w.constant(1));

/** p 2^n with one rounding, |n| < 1500, p of order 1: the power in two factors, 2^(n ± 512) and 2^∓512, of which the first is exact in
 *  the product. NaN in p stays. */
export function scale(w: VectorEmitter, p: VectorValue, n: VectorValue, shifted: VectorValue): VectorValue {
  const { bits } = w;
  // 2^512 for negative n, else 2^-512: biased exponents 1535 = 511 + 1024 and 511, whose sum is 2046
  const away = bits.add(bits.constant(511n << 52n), w.select(w.lt(n, w.constant(0)), bits.constant(1024n << 52n), w.constant(0)));
  const back = bits.sub(bits.constant(2046n << 52n), away);
  return w.mul(w.mul(p, bits.add(bits.shiftLeft(shifted, 52), away)), back);
}

/** exp(high - low), |high - low| <= log(2)/2, low small: the rounding error of the difference counts beside r^2. */
function kernel(w: VectorEmitter, high: VectorValue, low: VectorValue): VectorValue {
  const r = w.sub(high, low);
  const rounding = w.sub(w.sub(high, r), low);
  const tail = w.add(w.mul(w.mul(r, r), polynomial(w, r, expQ)), rounding);
  return w.add(w.add(tail, r), w.constant(1));
}

/** exp(x): below 1 ulp; subnormal results within 1 ulp of theirs. */
export function exp(w: VectorEmitter, x: VectorValue): VectorValue {
  const { shifted, n, high, low } = reduce(w, clamp(w, x, -746, 710));
  return scale(w, kernel(w, high, low), n, shifted);
}

/** exp(-|x|), the same bits: n <= 0 needs one limit and no choice of factors. */
export function expOfMinusAbs(w: VectorEmitter, x: VectorValue): VectorValue {
  const least = w.constant(-746);
  const y = w.bits.or(x, w.bits.constant(signBit));
  const { shifted, high, low } = reduce(w, w.select(w.lt(y, least), least, y));
  const power = w.bits.add(w.bits.shiftLeft(shifted, 52), w.constant(powerOf2(512)));
  return w.mul(w.mul(kernel(w, high, low), power), w.constant(powerOf2(-512)));
}

/** exp(x + low), |low| <= 2^-40 or so, for x within [-746, 710] after clamping. */
export function expOfSum(w: VectorEmitter, x: VectorValue, low: VectorValue): VectorValue {
  const { shifted, n, high, low: c } = reduce(w, x);
  return scale(w, kernel(w, high, w.sub(c, low)), n, shifted);
}

/** (exp(x) - 1) / 2 as an unevaluated sum, for -60 < x <= 710. */
function halfExpm1(w: VectorEmitter, x: VectorValue): Double {
  const { shifted, high, low, r } = reduce(w, x);
  // expm1(r) = sum + rest; then 2^(n-1) sum + (2^(n-1) - 1/2) + 2^(n-1) rest: nothing overflows early, and where n = 0 nothing is lost
  const q = w.mul(w.mul(r, r), polynomial(w, r, expm1Q));
  const sum = w.add(r, q);
  const rest = w.add(w.add(w.sub(r, sum), q), w.sub(w.sub(high, r), low));
  const s = powerOfTwo(w, w.sub(shifted, w.constant(1)));
  const total = fastTwoSum(w, w.sub(s, w.constant(0.5)), w.mul(s, sum));
  return { high: total.high, low: w.add(total.low, w.mul(s, rest)) };
}

/** exp(x) - 1: below 1.3 ulp, relative accuracy kept near 0. */
export function expm1(w: VectorEmitter, x: VectorValue): VectorValue {
  const { high, low } = halfExpm1(w, clamp(w, x, -50, 710));
  const half = w.add(high, low);
  return w.select(w.lt(w.abs(x), w.constant(powerOf2(-54))), x, w.add(half, half));
}

/** tanh(x) = t / (t + 2), t = expm1(2 |x|), with the sign of x: below 1.6 ulp. */
export function tanh(w: VectorEmitter, x: VectorValue): VectorValue {
  const a = w.abs(x);
  const { high, low } = halfExpm1(w, clamp(w, w.add(a, a), 0, 50));
  // t / 2 = high + low over 1 + t / 2 = d + e; to first order q + (low - q (e + low)) / d, and 1 / d = 1 - tanh
  const one = w.constant(1);
  const d = w.add(high, one);
  const e = w.select(w.lt(high, one), w.sub(high, w.sub(d, one)), w.sub(one, w.sub(d, high)));
  const q = w.div(high, d);
  const rest = w.sub(one, q);
  const y = w.add(q, w.mul(w.sub(w.mul(low, rest), w.mul(q, e)), rest));
  return w.select(w.lt(a, w.constant(powerOf2(-28))), x, withSign(w, y, signOf(w, x)));
}

/** 1 / (1 + exp(-x)), for negative x e / (1 + e), e = exp(x): below 3 ulp, also where it is tiny. The worst of 4 10^7 arguments is 2.49, at
 *  -13 log 2 and a little: just above -k log 2 e has twice the unit of the result, and the errors of e and of 1 + e, half a unit of e each,
 *  count twice beside the quotient's. For positive x below 1.5. Correcting 1 + e would cost a fifth more operations. */
export function sigmoid(w: VectorEmitter, x: VectorValue): VectorValue {
  const one = w.constant(1);
  const e = expOfMinusAbs(w, x);
  const d = w.add(e, one);
  const negative = w.lt(x, w.constant(0));
  return w.div(w.select(negative, e, one), d);
}
