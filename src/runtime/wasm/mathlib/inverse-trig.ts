// atan, atan2, asin, acos on two lanes: one odd polynomial each on |t| <= 1/2, reached by addition theorems.
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { isNegative, isNotANumber, polynomial, powerOf2, signOf, withSign } from "./arithmetic.ts";
import { asinA, atanA, piParts } from "./coefficients.ts";

/** tan(3 pi/8): beyond it pi/2 + atan(-1/a); between 1/2 and it pi/4 + atan((a-1)/(a+1)). */
const tan3Pi8 = 2.414213562373095;

/** atan(numerator / denominator) in the first quadrant as base + rest, base one of 0, pi/4, pi/2 by its high part. */
function atanParts(w: VectorEmitter, y: VectorValue, x: VectorValue): { quarters: VectorValue; rest: VectorValue } {
  const steep = w.gt(y, w.mul(x, w.constant(tan3Pi8)));
  const middle = w.gt(y, w.mul(x, w.constant(0.5)));
  const level = w.constant(0);
  // y + x could overflow where y is huge, and in this branch x is no smaller than y / 2.4: quarters of both are exact
  const scale = w.select(w.gt(y, w.constant(powerOf2(1000))), w.constant(0.25), w.constant(1));
  const [ys, xs] = [w.mul(y, scale), w.mul(x, scale)];
  const numerator = w.select(steep, w.neg(x), w.select(middle, w.sub(ys, xs), y));
  const denominator = w.select(steep, y, w.select(middle, w.add(ys, xs), x));
  const quarters = w.select(steep, w.constant(2), w.select(middle, w.constant(1), level));
  const t = w.div(numerator, denominator);
  const z = w.mul(t, t);
  const cubic = w.mul(w.mul(z, t), polynomial(w, z, atanA));
  const low = w.mul(quarters, w.constant(piParts[1] / 4));
  return { quarters, rest: w.add(t, w.add(cubic, low)) };
}
const quarterPi = (w: VectorEmitter, quarters: VectorValue): VectorValue => w.mul(quarters, w.constant(piParts[0] / 4));

/** atan(x): below 1.5 ulp. */
export function atan(w: VectorEmitter, x: VectorValue): VectorValue {
  const { quarters, rest } = atanParts(w, w.abs(x), w.constant(1));
  const y = withSign(w, w.add(quarterPi(w, quarters), rest), signOf(w, x));
  return w.select(isNotANumber(w, x), x, y);
}

/** atan2(y, x): the angle of the point (x, y), below 2 ulp; signed zeros and infinities as C99 has them. */
export function atan2(w: VectorEmitter, y: VectorValue, x: VectorValue): VectorValue {
  const [ay, ax] = [w.abs(y), w.abs(x)];
  const [one, zero, infinity] = [w.constant(1), w.constant(0), w.constant(Infinity)];
  const origin = w.and(w.eq(ay, zero), w.eq(ax, zero));
  const corner = w.and(w.eq(ay, infinity), w.eq(ax, infinity));
  const { quarters, rest } = atanParts(w, w.select(corner, one, ay), w.select(w.or(origin, corner), one, ax));
  // x < 0: pi - angle = (4 - quarters) pi/4 - (rest - low part of pi)
  const left = isNegative(w, x);
  const base = quarterPi(w, w.select(left, w.sub(w.constant(4), quarters), quarters));
  const turned = w.select(left, w.sub(w.constant(piParts[1]), rest), rest);
  const angle = withSign(w, w.abs(w.add(base, turned)), signOf(w, y));
  return w.select(w.or(isNotANumber(w, x), isNotANumber(w, y)), w.constant(NaN), angle);
}

/** t, t^3 A(t^2): asin(t) is their sum, 0 <= t <= 1/2, z = t^2. */
function asinTail(w: VectorEmitter, t: VectorValue, z: VectorValue): VectorValue {
  return w.mul(w.mul(z, t), polynomial(w, z, asinA));
}

/** asin(x): below 2 ulp; for |x| > 1/2, pi/2 - 2 asin(sqrt((1 - |x|)/2)). */
export function asin(w: VectorEmitter, x: VectorValue): VectorValue {
  const a = w.abs(x);
  const outer = w.gt(a, w.constant(0.5));
  const half = w.mul(w.sub(w.constant(1), a), w.constant(0.5));
  const z = w.select(outer, half, w.mul(a, a));
  const root = w.sqrt(half);
  const t = w.select(outer, root, a);
  const tail = asinTail(w, t, z);
  // root + correction = sqrt(half) to twice the precision
  const correction = rootCorrection(w, root, half);
  const small = w.add(w.add(tail, correction), root);
  const big = w.sub(w.constant(piParts[0] / 2), w.sub(w.add(small, small), w.constant(piParts[1] / 2)));
  const y = w.select(outer, big, w.add(a, tail));
  return withSign(w, y, signOf(w, x));
}

/** sqrt(h) - root, for root = sqrt(h) rounded: (h - root^2) / (2 root), the square in halves that are exact. */
function rootCorrection(w: VectorEmitter, root: VectorValue, h: VectorValue): VectorValue {
  const high = w.bits.and(root, w.bits.constant(0xffffffff00000000n));
  const remainder = w.sub(w.sub(h, w.mul(high, high)), w.mul(w.sub(root, high), w.add(root, high)));
  const safe = w.select(w.gt(root, w.constant(0)), root, w.constant(1));
  return w.div(remainder, w.add(safe, safe));
}

/** acos(x): below 1.1 ulp. x > 1/2: 2 asin(sqrt((1-x)/2)); x < -1/2: pi - 2 asin(sqrt((1+x)/2)); between, pi/2 - asin(x). */
export function acos(w: VectorEmitter, x: VectorValue): VectorValue {
  const a = w.abs(x);
  const outer = w.gt(a, w.constant(0.5));
  const half = w.mul(w.sub(w.constant(1), a), w.constant(0.5));
  const root = w.sqrt(half);
  const z = w.select(outer, half, w.mul(a, a));
  const t = w.select(outer, root, x);
  const tail = asinTail(w, t, z);
  const small = w.add(w.add(tail, rootCorrection(w, root, half)), root);
  const twice = w.add(small, small);
  const negative = w.lt(x, w.constant(0));
  const big = w.select(negative, w.sub(w.constant(piParts[0]), w.sub(twice, w.constant(piParts[1]))), twice);
  const middle = w.sub(w.constant(piParts[0] / 2), w.sub(x, w.sub(w.constant(piParts[1] / 2), tail)));
  return w.select(outer, big, middle);
}
