// sin, cos, tan on two lanes. Reduction by pi/2 in four parts (Cody & Waite) up to 2^20, beyond by Payne & Hanek.
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";
import { type Double, fastTwoSum, polynomial, powerOf2, signBit, twoSum } from "./arithmetic.ts";
import { cosC, halfPiParts, sinS, twoOverPi } from "./coefficients.ts";
import { roundingConstant } from "./exp.ts";
import { type Angle, reduceLarge } from "./trig-large.ts";

/** x = n pi/2 + high + low, |high| <= pi/4 (a little more by rounding), error below 2^-100. */
function reduce(w: VectorEmitter, x: VectorValue): Angle {
  const magic = w.constant(roundingConstant);
  const shifted = w.add(w.mul(x, w.constant(twoOverPi)), magic);
  const n = w.sub(shifted, magic);
  const [p1, p2, p3, p4] = halfPiParts.map((p) => w.mul(n, w.constant(p)));
  const second = twoSum(w, w.sub(x, p1), w.neg(p2));
  const third = twoSum(w, second.high, w.neg(p3));
  const { high, low } = fastTwoSum(w, third.high, w.sub(w.add(second.low, third.low), p4));
  return { high, low, quadrant: shifted };
}

/** A function of the reduced angle, with the reduction that x needs. */
function ofAngle(w: VectorEmitter, x: VectorValue, finish: (angle: Angle) => VectorValue): VectorValue {
  const large = w.gt(w.abs(x), w.constant(powerOf2(20)));
  return w.selectRare(large, () => finish(reduceLarge(w, x)), finish(reduce(w, x)));
}

/** sin(high + low) = x + x^3 S(x^2) + low (1 - x^2/2) */
function sinKernel(w: VectorEmitter, { high, low }: Double): VectorValue {
  const z = w.mul(high, high);
  const cubic = w.mul(w.mul(z, high), polynomial(w, z, sinS));
  const tail = w.sub(low, w.mul(w.mul(z, w.constant(0.5)), low));
  return w.add(high, w.add(cubic, tail));
}
/** cos(high + low) = 1 - x^2/2 + x^4 C(x^2) - x low, 1 - x^2/2 with its rounding error */
function cosKernel(w: VectorEmitter, { high, low }: Double): VectorValue {
  const z = w.mul(high, high);
  const half = w.mul(z, w.constant(0.5));
  const one = w.constant(1);
  const lead = w.sub(one, half);
  const rounding = w.sub(w.sub(one, lead), half);
  return w.add(lead, w.add(rounding, w.sub(w.mul(w.mul(z, z), polynomial(w, z, cosC)), w.mul(high, low))));
}

/** A mask: is the lowest bit of the integer set? */
const isOdd = (w: VectorEmitter, integer: VectorValue): VectorValue =>
  w.lt(w.bits.or(w.bits.shiftLeft(integer, 63), w.constant(1)), w.constant(0));
/** The second lowest bit, moved to the sign. */
const secondBit = (w: VectorEmitter, integer: VectorValue): VectorValue =>
  w.bits.and(w.bits.shiftLeft(integer, 62), w.bits.constant(signBit));

/** sin(x): below 1 ulp for every finite x; NaN at infinity. */
export function sin(w: VectorEmitter, x: VectorValue): VectorValue {
  const y = ofAngle(w, x, (angle) => {
    const value = w.select(isOdd(w, angle.quadrant), cosKernel(w, angle), sinKernel(w, angle));
    return w.bits.xor(value, secondBit(w, angle.quadrant));
  });
  // -0 and subnormal numbers are their own sines
  return w.select(w.lt(w.abs(x), w.constant(powerOf2(-27))), x, y);
}

/** cos(x): below 1 ulp for every finite x; NaN at infinity. */
export function cos(w: VectorEmitter, x: VectorValue): VectorValue {
  return ofAngle(w, x, (angle) => {
    const value = w.select(isOdd(w, angle.quadrant), sinKernel(w, angle), cosKernel(w, angle));
    return w.bits.xor(value, secondBit(w, w.bits.add(angle.quadrant, w.bits.constant(1n))));
  });
}

/** tan(x) = sin / cos: below 2.4 ulp for every finite x; NaN at infinity. */
export function tan(w: VectorEmitter, x: VectorValue): VectorValue {
  const y = ofAngle(w, x, (angle) => {
    const s = sinKernel(w, angle);
    const c = cosKernel(w, angle);
    const odd = isOdd(w, angle.quadrant);
    return w.div(w.select(odd, w.neg(c), s), w.select(odd, s, c));
  });
  return w.select(w.lt(w.abs(x), w.constant(powerOf2(-27))), x, y);
}

/** sin(pi f) and cos(pi f) for |f| <= 1/2: pi f as a sum of two numbers, halved once so that the kernels' interval holds it. */
export function sinCosPi(w: VectorEmitter, f: VectorValue): { readonly sin: VectorValue; readonly cos: VectorValue } {
  // sin(2 t) = 2 sin t cos t, cos(2 t) = (cos t - sin t) (cos t + sin t), t = pi f / 2 in [-pi/4, pi/4]
  const high = w.mul(f, w.constant(halfPiParts[0] + halfPiParts[1]));
  const angle = { high, low: w.constant(0) };
  const s = sinKernel(w, angle);
  const c = cosKernel(w, angle);
  return { sin: w.mul(w.add(s, s), c), cos: w.mul(w.sub(c, s), w.add(c, s)) };
}
