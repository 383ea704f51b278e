// Logarithms on two lanes: log, log1p, softplus.
// x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); with s = f / (2 + f), log(1 + f) = f - (f^2/2 - s (f^2/2 + s^2 R(s^2))),
// the arrangement of Cody & Waite, Software Manual for the Elementary Functions (1980), also fdlibm's.
import type { Factored, VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { polynomial, powerOf2, twoSum } from "./arithmetic.ts";
import { ln2Parts, logR } from "./coefficients.ts";
import { expOfMinusAbs } from "./exp.ts";

/** Bits of sqrt(1/2), rounded so that the significands above it are those of 1 + f >= sqrt(1/2). */
const rootHalf = 0x3fe6a09e667f3bcdn;
const one = 0x3ff0000000000000n;

interface Decomposed {
  readonly k: VectorValue;
  /** 1 + f */
  readonly m: VectorValue;
  /** The biased exponent in place, (k + 1023) 2^52. */
  readonly exponent: VectorValue;
}
/** x = 2^k m, sqrt(1/2) <= m < sqrt(2), of positive normal x. Infinity gives k = 1024, m = 1. */
export function decompose(w: VectorEmitter, x: VectorValue): Decomposed {
  const { bits } = w;
  const shifted = bits.add(x, bits.constant(one - rootHalf));
  // an integer below 2^52 or-ed into the bits of 2^52 is 2^52 plus that integer
  const k = w.sub(bits.or(bits.shiftRightLogical(shifted, 52), w.constant(powerOf2(52))), w.constant(powerOf2(52) + 1023));
  const m = bits.add(bits.and(shifted, bits.constant(0x000fffffffffffffn)), bits.constant(rootHalf));
  return { k, m, exponent: bits.and(shifted, bits.constant(0x7ff0000000000000n)) };
}

/** k log 2 + log(1 + f) + rest / (1 + f), rest tiny or absent. */
function assemble(w: VectorEmitter, k: VectorValue, f: VectorValue, rest?: VectorValue): VectorValue {
  const s = w.div(f, w.add(f, w.constant(2)));
  const z = w.mul(s, s);
  const halfSquare = w.mul(w.mul(f, f), w.constant(0.5));
  let low = w.mul(k, w.constant(ln2Parts[1]));
  // 1 / (1 + f) = (1 - s) / (1 + s) = 1 - 2 s + O(s^2)
  if (rest) low = w.add(low, w.sub(rest, w.mul(w.add(s, s), rest)));
  const t = w.add(w.mul(s, w.add(halfSquare, w.mul(z, polynomial(w, z, logR)))), low);
  return w.sub(w.mul(k, w.constant(ln2Parts[0])), w.sub(w.sub(halfSquare, t), f));
}

/** log(x) of x >= 0 including subnormal numbers, without 0 and infinity. */
export function logOfPositive(w: VectorEmitter, x: VectorValue): VectorValue {
  const small = w.lt(x, w.constant(powerOf2(-1022)));
  const { k, m } = decompose(w, w.select(small, w.mul(x, w.constant(powerOf2(54))), x));
  return assemble(w, w.sub(k, w.select(small, w.constant(54), w.constant(0))), w.sub(m, w.constant(1)));
}

/** Puts in what a logarithm is at 0, below it, at infinity and NaN. */
function singular(w: VectorEmitter, x: VectorValue, y: VectorValue): VectorValue {
  const finite = w.select(w.lt(x, w.constant(Infinity)), y, x);
  const atZero = w.select(w.eq(x, w.constant(0)), w.constant(-Infinity), finite);
  return w.select(w.lt(x, w.constant(0)), w.constant(NaN), atZero);
}

/** log(x): below 1 ulp. */
export const log = (w: VectorEmitter, x: VectorValue): VectorValue => singular(w, x, logOfPositive(w, x));

/** log(u + c), c the rounding error of u: where u lies in [sqrt(1/2), sqrt(2)), u - 1 + c is used whole. u positive and normal. */
export function logOfSum(w: VectorEmitter, u: VectorValue, c: VectorValue): VectorValue {
  const { k, m, exponent } = decompose(w, u);
  // c 2^-k as (c / 2) 2^(1-k); at k = 1024 the factor's bits are those of 0, and c does not matter there
  const scaled = w.mul(w.mul(c, w.constant(0.5)), w.bits.sub(w.bits.constant(0x7ff0000000000000n), exponent));
  const f0 = w.sub(m, w.constant(1));
  const f = w.add(f0, scaled);
  return assemble(w, k, f, w.add(w.sub(f0, f), scaled));
}

/** log(1 + x): below 1 ulp, relative accuracy kept near 0. */
export function log1p(w: VectorEmitter, x: VectorValue): VectorValue {
  const { high, low } = twoSum(w, x, w.constant(1));
  const y = w.select(w.lt(w.abs(x), w.constant(powerOf2(-54))), x, logOfSum(w, high, low));
  return w.select(
    w.eq(high, w.constant(0)),
    w.constant(-Infinity),
    w.select(w.lt(x, w.constant(-1)), w.constant(NaN), w.select(w.lt(x, w.constant(Infinity)), y, x)),
  );
}

/** log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)): below 1.6 ulp. */
export function softplus(w: VectorEmitter, x: VectorValue): VectorValue {
  const e = expOfMinusAbs(w, x);
  const u = w.add(e, w.constant(1));
  const c = w.sub(e, w.sub(u, w.constant(1)));
  const y = w.select(w.lt(e, w.constant(powerOf2(-54))), e, logOfSum(w, u, c));
  return w.add(w.select(w.lt(w.constant(0), x), x, w.constant(0)), y);
}

/** softplus(x) = max(x, 0) + log(1 + exp(-|x|)) for sums, whose rounding errors are absolute ones: of NaN the factor is NaN. */
export function softplusFactored(w: VectorEmitter, x: VectorValue): Factored {
  const factor = w.add(expOfMinusAbs(w, x), w.constant(1));
  return { addend: w.select(w.lt(w.constant(0), x), x, w.constant(0)), factor };
}
