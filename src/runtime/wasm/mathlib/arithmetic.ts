// Building blocks of the math library: polynomials, signs, and exact sums and products of float64 numbers.
import type { VectorEmitter, VectorValue } from "../vector-emitter.ts";

/** Σ coefficients[k] x^k: two Horner chains in x^2 (four in x^4 from degree 12 on), which the processor works on at once. */
export function polynomial(w: VectorEmitter, x: VectorValue, coefficients: readonly number[]): VectorValue {
  if (coefficients.length <= 4) return horner(w, x, coefficients);
  const every = (start: number): readonly number[] => coefficients.filter((_, k) => k % 2 === start);
  const half = coefficients.length > 12 ? polynomial : horner;
  const square = w.mul(x, x);
  return w.add(half(w, square, every(0)), w.mul(half(w, square, every(1)), x));
}
function horner(w: VectorEmitter, x: VectorValue, coefficients: readonly number[]): VectorValue {
  let sum = w.constant(coefficients[coefficients.length - 1]);
  for (let k = coefficients.length - 2; k >= 0; k--) sum = w.add(w.mul(sum, x), w.constant(coefficients[k]));
  return sum;
}

/** 2^n, exactly, for a whole number n. */
export function powerOf2(n: number): number {
  let x = 1;
  for (let i = n; i > 0; i--) x *= 2;
  for (let i = n; i < 0; i++) x /= 2;
  return x;
}

export const signBit = 1n << 63n;

/** The sign bit of x, alone. */
export const signOf = (w: VectorEmitter, x: VectorValue): VectorValue => w.bits.and(x, w.bits.constant(signBit));
/** `magnitude` is not negative; its sign becomes the sign bit given. */
export const withSign = (w: VectorEmitter, magnitude: VectorValue, sign: VectorValue): VectorValue => w.bits.or(magnitude, sign);
/** A mask: is the sign bit of x set (also of -0)? */
export const isNegative = (w: VectorEmitter, x: VectorValue): VectorValue =>
  w.lt(w.bits.or(signOf(w, x), w.constant(1)), w.constant(0));
export const isNotANumber = (w: VectorEmitter, x: VectorValue): VectorValue => w.ne(x, x);

/** x limited to [low, high]; NaN stays. */
export const clamp = (w: VectorEmitter, x: VectorValue, low: number, high: number): VectorValue => {
  const below = w.select(w.gt(x, w.constant(high)), w.constant(high), x);
  return w.select(w.lt(below, w.constant(low)), w.constant(low), below);
};

/** An unevaluated sum high + low, |low| at most half a unit in the last place of high. */
export interface Double {
  readonly high: VectorValue;
  readonly low: VectorValue;
}

/** a + b without error; six operations, no assumption (Knuth, The Art of Computer Programming 2, 4.2.2, theorem B). */
export function twoSum(w: VectorEmitter, a: VectorValue, b: VectorValue): Double {
  const high = w.add(a, b);
  const b1 = w.sub(high, a);
  const low = w.add(w.sub(a, w.sub(high, b1)), w.sub(b, b1));
  return { high, low };
}
/** a + b without error where |a| >= |b| (Dekker 1971). */
export function fastTwoSum(w: VectorEmitter, a: VectorValue, b: VectorValue): Double {
  const high = w.add(a, b);
  return { high, low: w.sub(b, w.sub(high, a)) };
}
/** x = high + low without error, high of 26 bits: the low 27 bits of the significand are masked off. */
export function split(w: VectorEmitter, x: VectorValue): Double {
  const high = w.bits.and(x, w.bits.constant(0xfffffffff8000000n));
  return { high, low: w.sub(x, high) };
}
/** a * b with its rounding error; wrong by at most one unit of the error's last place, as low parts have 27 bits. */
export function twoProduct(w: VectorEmitter, a: VectorValue, b: VectorValue): Double {
  const high = w.mul(a, b);
  const x = split(w, a);
  const y = split(w, b);
  const cross = w.add(w.mul(x.high, y.low), w.mul(x.low, y.high));
  return { high, low: w.add(w.add(w.sub(w.mul(x.high, y.high), high), cross), w.mul(x.low, y.low)) };
}
/** x^2 with its rounding error. */
export function twoSquare(w: VectorEmitter, a: VectorValue): Double {
  const high = w.mul(a, a);
  const x = split(w, a);
  const cross = w.mul(w.add(x.high, x.high), x.low);
  return { high, low: w.add(w.add(w.sub(w.mul(x.high, x.high), high), cross), w.mul(x.low, x.low)) };
}
