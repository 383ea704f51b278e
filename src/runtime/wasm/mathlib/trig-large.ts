// Reduction of large angles by pi/2, after Payne & Hanek, "Radian reduction for trigonometric functions", ACM SIGNUM Newsletter 18, 1983:
// of the product of x and 2/pi only the bits that matter are formed, from three chunks of x and eight of 2/pi, of 24 bits each.
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { type Double, fastTwoSum, isNegative, powerOf2, twoProduct, twoSum } from "./arithmetic.ts";
import { halfPiParts, twoOverPiChunks } from "./coefficients.ts";
import { powerOfTwo, roundingConstant } from "./exp.ts";

/** Products of one weight that are kept: the last is of weight 2^-166 or less, the nearest approach to a multiple of pi/2 is 2^-62. */
const kept = 8;
const piecesOfX = 3;

export interface Angle extends Double {
  /** An integer in the low bits; the low two are the quadrant. */
  readonly quadrant: VectorValue;
}

/** x = n pi/2 + high + low of finite |x| >= 2^20, error below 2^-110; NaN at infinity. */
export function reduceLarge(w: VectorEmitter, x: VectorValue): Angle {
  const { bits } = w;
  const a = w.abs(x);
  // a = 2^(e - 23) (x0 + x1 2^-24 + x2 2^-48), pieces whole numbers of 24 bits
  const exponent = w.sub(bits.or(bits.shiftRightLogical(a, 52), w.constant(powerOf2(52))), w.constant(powerOf2(52) + 1023 + 23));
  let rest = bits.or(bits.and(a, bits.constant(0x000fffffffffffffn)), w.constant(powerOf2(23)));
  const pieces: VectorValue[] = [];
  for (let i = 0; i < piecesOfX; i++) {
    const whole = w.trunc(rest);
    pieces.push(whole);
    rest = w.mul(w.sub(rest, whole), w.constant(powerOf2(24)));
  }
  // chunks of 2/pi before number `first` give multiples of 8
  const quotient = w.floor(w.mul(w.sub(exponent, w.constant(2.5)), w.constant(1 / 24)));
  const first = w.select(w.lt(quotient, w.constant(0)), w.constant(0), quotient);
  const chunks = window(w, first);
  const weight = w.sub(exponent, w.mul(w.add(first, w.constant(1)), w.constant(24)));
  const scale = powerOfTwo(w, w.add(weight, w.constant(roundingConstant)));
  const terms = Array.from({ length: kept }, (_, d) => {
    const products = pieces.map((p, i) => w.mul(p, chunks[d + piecesOfX - 1 - i]));
    const term = w.mul(w.mul(w.add(w.add(products[0], products[1]), products[2]), w.constant(powerOf2(-24 * d))), scale);
    if (d > 1) return term;
    return w.sub(term, w.mul(w.constant(8), w.floor(w.mul(term, w.constant(0.125)))));
  });
  // whole quarter turns out of the leading terms, then the fraction as a sum of two
  let sum = twoSum(w, terms[0], terms[1]);
  const turns = w.nearest(sum.high);
  let low = sum.low;
  sum = twoSum(w, w.sub(sum.high, turns), terms[2]);
  low = w.add(low, sum.low);
  sum = twoSum(w, sum.high, terms[3]);
  const more = w.nearest(sum.high);
  const others = [sum.low, low, terms[4], terms[5]];
  let high = w.sub(sum.high, more);
  low = w.constant(0);
  for (const other of others) {
    sum = twoSum(w, high, other);
    high = sum.high;
    low = w.add(low, sum.low);
  }
  const fraction = fastTwoSum(w, high, w.add(low, w.add(terms[6], terms[7])));
  const halfPi = { high: halfPiParts[0] + halfPiParts[1], low: 6.123233995736766e-17 };
  const product = twoProduct(w, fraction.high, w.constant(halfPi.high));
  const tail = w.add(w.mul(fraction.high, w.constant(halfPi.low)), w.mul(fraction.low, w.constant(halfPi.high)));
  const angle = fastTwoSum(w, product.high, w.add(product.low, tail));
  const negative = isNegative(w, x);
  const flip = (v: VectorValue): VectorValue => w.select(negative, w.neg(v), v);
  const notFinite = w.sub(x, x);
  return {
    high: w.add(flip(angle.high), notFinite),
    low: flip(angle.low),
    quadrant: w.add(flip(w.add(turns, more)), w.constant(roundingConstant)),
  };
}

/** Chunks first - 2 .. first + kept - 1 of 2/pi, chunks of negative number being 0: a choice for each binary digit of `first`. */
function window(w: VectorEmitter, first: VectorValue): readonly VectorValue[] {
  const zero = w.constant(0);
  const length = kept + piecesOfX - 1;
  let chunks = [zero, zero, ...twoOverPiChunks.map((c) => w.constant(c))];
  let index = first;
  for (let digit = 32; digit >= 1; digit /= 2) {
    const set = w.ge(index, w.constant(digit));
    index = w.sub(index, w.select(set, w.constant(digit), zero));
    const needed = length + digit - 1;
    chunks = chunks.slice(0, needed).map((c, i) => (i + digit < chunks.length ? w.select(set, chunks[i + digit], c) : c));
  }
  return chunks;
}
