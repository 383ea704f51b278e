// Loops over contiguous float64 vectors two elements at a time, for the routines of linear algebra. Lengths are in bytes.
import { type F64, type FunctionBuilder, f64, f64x2, type I32, i32, type Local, type V128, v128 } from "../module.ts";

export const word = 8;
export const int = i32.const;
/** address + 8 index */
export const element = (address: I32, index: I32): I32 => i32.add(address, i32.shl(index, int(3)));
export const plus = (a: I32, b: number | I32): I32 => i32.add(a, typeof b === "number" ? int(b) : b);

/** Offsets 0, 16, … below `bytes` for pairs, and the last one for a single element where their number is odd. */
export function overPairs(f: FunctionBuilder, bytes: I32, pair: (offset: I32) => void, single: (offset: I32) => void): void {
  const length = f.let(bytes);
  const offset = f.local("i32");
  f.for(0, i32.and(length, int(-16)), 16, pair, offset);
  f.if(i32.and(length, int(word)), () => single(offset));
}

/** Sum of the lanes. */
export const sumOfLanes = (v: V128): F64 => f64.add(f64x2.extract(v, 0), f64x2.extract(v, 1));

/** x · y for each x of the list, the ys being one vector. */
export function dots(f: FunctionBuilder, xs: readonly I32[], y: I32, bytes: I32): readonly Local<"f64">[] {
  const pairs = xs.map(() => f.let(v128.const(0)));
  const sums = xs.map(() => f.local("f64"));
  const singles = xs.map(() => f.let(f64.const(0)));
  overPairs(
    f,
    bytes,
    (at) => {
      const right = f.let(v128.load(i32.add(y, at)));
      for (const [i, x] of xs.entries()) f.set(pairs[i], f64x2.add(pairs[i], f64x2.mul(v128.load(i32.add(x, at)), right)));
    },
    (at) => {
      const right = f.let(f64.load(i32.add(y, at)));
      for (const [i, x] of xs.entries()) f.set(singles[i], f64.mul(f64.load(i32.add(x, at)), right));
    },
  );
  for (const [i, sum] of sums.entries()) f.set(sum, f64.add(sumOfLanes(pairs[i]), singles[i]));
  return sums;
}

/** y -= factor x for each pair of the list. */
export function subtractMultiples(
  f: FunctionBuilder,
  steps: readonly { readonly y: I32; readonly x: I32; readonly factor: Local<"f64"> }[],
  bytes: I32,
): void {
  const factors = steps.map(({ factor }) => f.let(f64x2.splat(factor)));
  overPairs(
    f,
    bytes,
    (at) => {
      for (const [i, { y, x }] of steps.entries()) {
        const place = f.let(i32.add(y, at));
        f.store(place, f64x2.sub(v128.load(place), f64x2.mul(factors[i], v128.load(i32.add(x, at)))));
      }
    },
    (at) => {
      for (const { y, x, factor } of steps) {
        const place = f.let(i32.add(y, at));
        f.store(place, f64.sub(f64.load(place), f64.mul(factor, f64.load(i32.add(x, at)))));
      }
    },
  );
}

/** x /= divisor. */
export function divide(f: FunctionBuilder, x: I32, bytes: I32, divisor: Local<"f64">): void {
  const divisors = f.let(f64x2.splat(divisor));
  overPairs(
    f,
    bytes,
    (at) => f.store(i32.add(x, at), f64x2.div(v128.load(i32.add(x, at)), divisors)),
    (at) => f.store(i32.add(x, at), f64.div(f64.load(i32.add(x, at)), divisor)),
  );
}

/** x = value everywhere. */
export function fill(f: FunctionBuilder, x: I32, bytes: I32, value: number): void {
  overPairs(
    f,
    bytes,
    (at) => f.store(i32.add(x, at), v128.const(value)),
    (at) => f.store(i32.add(x, at), f64.const(value)),
  );
}

/** Exchanges two vectors. */
export function swap(f: FunctionBuilder, x: I32, y: I32, bytes: I32): void {
  f.for(0, bytes, word, (at) => {
    const kept = f.let(f64.load(i32.add(x, at)));
    f.store(i32.add(x, at), f64.load(i32.add(y, at)));
    f.store(i32.add(y, at), kept);
  });
}
