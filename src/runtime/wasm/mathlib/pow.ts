// pow on two lanes: log |x| to about 2^-66 as a sum of two numbers, its product with y likewise, then exp.
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import {
  type Double,
  fastTwoSum,
  isNegative,
  polynomial,
  powerOf2,
  signBit,
  split,
  twoProduct,
  twoSquare,
  twoSum,
} from "./arithmetic.ts";
import { ln2Parts, logQ, twoThirdsParts } from "./coefficients.ts";
import { expOfSum } from "./exp.ts";
import { decompose } from "./log.ts";

/** (a.high + a.low) (b.high + b.low) */
function multiply(w: VectorEmitter, a: Double, b: Double): Double {
  const { high, low } = twoProduct(w, a.high, b.high);
  return fastTwoSum(w, high, w.add(low, w.add(w.mul(a.high, b.low), w.mul(a.low, b.high))));
}

/** log a of positive finite a as an unevaluated sum: log(1+f) = 2 s + s^3 (2/3 + s^2 Q(s^2)), s = f/(2+f) and the cubic term doubled too. */
function logDouble(w: VectorEmitter, a: VectorValue): Double {
  const small = w.lt(a, w.constant(2.2250738585072014e-308));
  const { k, m } = decompose(w, w.select(small, w.mul(a, w.constant(powerOf2(54))), a));
  const exponent = w.sub(k, w.select(small, w.constant(54), w.constant(0)));
  const f = w.sub(m, w.constant(1));
  const d = fastTwoSum(w, w.constant(2), f);
  // s = f / (2 + f): quotient and remainder
  const high = w.div(f, d.high);
  const product = twoProduct(w, high, d.high);
  const remainder = w.sub(w.sub(w.sub(f, product.high), product.low), w.mul(high, d.low));
  const s = { high, low: w.div(remainder, d.high) };
  const square = twoSquare(w, s.high);
  const z = { high: square.high, low: w.add(square.low, w.mul(w.add(s.high, s.high), s.low)) };
  const q = w.mul(z.high, polynomial(w, z.high, logQ));
  const c = fastTwoSum(w, w.constant(twoThirdsParts[0]), q);
  const cubic = multiply(w, multiply(w, s, z), { high: c.high, low: w.add(c.low, w.constant(twoThirdsParts[1])) });
  // k log 2 + 2 s + cubic, in falling order
  const twice = w.add(s.high, s.high);
  const first = twoSum(w, w.mul(exponent, w.constant(ln2Parts[0])), twice);
  const second = twoSum(w, first.high, cubic.high);
  const low = w.add(
    w.add(first.low, second.low),
    w.add(w.add(cubic.low, w.add(s.low, s.low)), w.mul(exponent, w.constant(ln2Parts[1]))),
  );
  return fastTwoSum(w, second.high, low);
}

/** x^y: below 1.1 ulp; special cases as C99, Annex F.9.4.4. */
export function pow(w: VectorEmitter, x: VectorValue, y: VectorValue): VectorValue {
  const [zero, one, infinity] = [w.constant(0), w.constant(1), w.constant(Infinity)];
  const a = w.abs(x);
  const l = logDouble(w, a);
  // exponents beyond 2^64 decide between 0, 1 and infinity alike
  const limit = w.constant(powerOf2(64));
  const b = w.select(w.gt(w.abs(y), limit), w.bits.or(limit, w.bits.and(y, w.bits.constant(signBit))), y);
  const [ls, bs] = [split(w, l.high), split(w, b)];
  const high = w.mul(b, l.high);
  const cross = w.add(w.mul(bs.high, ls.low), w.mul(bs.low, ls.high));
  const rounding = w.add(w.add(w.sub(w.mul(bs.high, ls.high), high), cross), w.mul(bs.low, ls.low));
  const low = w.add(rounding, w.mul(b, l.low));
  const over = w.gt(high, w.constant(710));
  const under = w.lt(high, w.constant(-746));
  const inside = w.not(w.or(over, under));
  const exponential = expOfSum(w, w.select(inside, high, zero), w.select(inside, low, zero));
  const finite = w.select(over, infinity, w.select(under, zero, exponential));
  // |x| 0 or infinite: infinite where the exponent's sign agrees with that of log |x|
  const grows = w.select(w.eq(a, zero), w.lt(y, zero), w.gt(y, zero));
  const edge = w.or(w.eq(a, zero), w.eq(a, infinity));
  const magnitude = w.select(edge, w.select(grows, infinity, zero), finite);
  // a negative base: sign by parity for whole exponents, NaN for others
  const negative = isNegative(w, x);
  const whole = w.eq(w.nearest(y), y);
  const halved = w.mul(y, w.constant(0.5));
  const odd = w.and(whole, w.ne(w.nearest(halved), halved));
  const signed = w.select(w.and(negative, odd), w.neg(magnitude), magnitude);
  const undefined_ = w.and(w.and(negative, w.not(whole)), w.and(w.ne(a, zero), w.ne(a, infinity)));
  const bad = w.or(undefined_, w.or(w.ne(x, x), w.ne(y, y)));
  const answer = w.select(bad, w.constant(NaN), signed);
  const unity = w.or(w.eq(y, zero), w.or(w.eq(x, one), w.and(w.eq(a, one), w.eq(w.abs(y), infinity))));
  return w.select(unity, one, answer);
}
