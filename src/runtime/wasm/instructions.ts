// WebAssembly instructions as expressions: `f64.add(x, f64.load(p))`. An expression is its type and its bytes; composing is concatenation.
import { InternalError } from "../errors.ts";

export type ValueType = "i32" | "i64" | "f64" | "v128";
export interface Expr<T extends ValueType = ValueType> {
  readonly type: T;
  readonly code: readonly number[];
}
export interface Local<T extends ValueType = ValueType> extends Expr<T> {
  readonly index: number;
}
export type I32 = Expr<"i32">;
export type I64 = Expr<"i64">;
export type F64 = Expr<"f64">;
export type V128 = Expr<"v128">;

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff)
    throw new InternalError(`not an unsigned 32-bit immediate: ${value}`);
  const bytes: number[] = [];
  do {
    const low = value & 0x7f;
    value >>>= 7;
    bytes.push(value === 0 ? low : low | 0x80);
  } while (value !== 0);
  return bytes;
}

/** Signed LEB128 of up to 64 bits. */
export function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = Number(value & 0x7fn);
    value >>= 7n;
    if ((value === 0n && (low & 0x40) === 0) || (value === -1n && (low & 0x40) !== 0)) {
      bytes.push(low);
      return bytes;
    }
    bytes.push(low | 0x80);
  }
}

function littleEndian(value: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return [...new Uint8Array(view.buffer)];
}
function littleEndianBits(value: bigint): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, value), true);
  return [...new Uint8Array(view.buffer)];
}

/** Opcodes of the vector prefix. */
const simd = (code: number): number[] => [0xfd, ...unsigned(code)];

const unary =
  <A extends ValueType, R extends ValueType>(type: R, op: readonly number[]) =>
  (a: Expr<A>): Expr<R> => ({ type, code: [...a.code, ...op] });
const binary =
  <A extends ValueType, R extends ValueType>(type: R, op: readonly number[]) =>
  (a: Expr<A>, b: Expr<A>): Expr<R> => ({ type, code: [...a.code, ...b.code, ...op] });
/** Loads at address + offset (bytes, a constant of at most 2^32 - 1). */
const load =
  <R extends ValueType>(type: R, op: readonly number[], align: number) =>
  (address: I32, offset = 0): Expr<R> => ({ type, code: [...address.code, ...op, align, ...unsigned(offset)] });
const shift =
  (op: readonly number[]) =>
  (a: V128, by: I32): V128 => ({ type: "v128", code: [...a.code, ...by.code, ...op] });

const i32Binary = (op: number) => binary<"i32", "i32">("i32", [op]);
const i64Binary = (op: number) => binary<"i64", "i64">("i64", [op]);
const f64Unary = (op: number) => unary<"f64", "f64">("f64", [op]);
const f64Binary = (op: number) => binary<"f64", "f64">("f64", [op]);
const f64Compare = (op: number) => binary<"f64", "i32">("i32", [op]);
const vUnary = (op: number) => unary<"v128", "v128">("v128", simd(op));
const vBinary = (op: number) => binary<"v128", "v128">("v128", simd(op));

export const i32 = {
  const: (value: number): I32 => {
    if ((value | 0) !== value) throw new InternalError(`not a 32-bit integer: ${value}`);
    return { type: "i32", code: [0x41, ...signed(BigInt(value))] };
  },
  eqz: unary<"i32", "i32">("i32", [0x45]),
  eq: i32Binary(0x46),
  ne: i32Binary(0x47),
  lt: i32Binary(0x48),
  gt: i32Binary(0x4a),
  le: i32Binary(0x4c),
  ge: i32Binary(0x4e),
  add: i32Binary(0x6a),
  sub: i32Binary(0x6b),
  mul: i32Binary(0x6c),
  div: i32Binary(0x6d),
  divUnsigned: i32Binary(0x6e),
  rem: i32Binary(0x6f),
  remUnsigned: i32Binary(0x70),
  and: i32Binary(0x71),
  or: i32Binary(0x72),
  xor: i32Binary(0x73),
  shl: i32Binary(0x74),
  shr: i32Binary(0x75),
  shrUnsigned: i32Binary(0x76),
  load: load<"i32">("i32", [0x28], 2),
  load8: load<"i32">("i32", [0x2d], 0),
  /** Truncates towards zero; NaN gives 0, too large saturates. */
  truncSat: unary<"f64", "i32">("i32", [0xfc, 0x02]),
  wrap: unary<"i64", "i32">("i32", [0xa7]),
} as const;

export const i64 = {
  const: (value: bigint): I64 => ({ type: "i64", code: [0x42, ...signed(BigInt.asIntN(64, value))] }),
  eqz: unary<"i64", "i32">("i32", [0x50]),
  add: i64Binary(0x7c),
  sub: i64Binary(0x7d),
  mul: i64Binary(0x7e),
  and: i64Binary(0x83),
  or: i64Binary(0x84),
  xor: i64Binary(0x85),
  shl: i64Binary(0x86),
  shr: i64Binary(0x87),
  shrUnsigned: i64Binary(0x88),
  load: load<"i64">("i64", [0x29], 3),
  extend: unary<"i32", "i64">("i64", [0xac]),
  reinterpret: unary<"f64", "i64">("i64", [0xbd]),
} as const;

export const f64 = {
  const: (value: number): F64 => ({ type: "f64", code: [0x44, ...littleEndian(value)] }),
  eq: f64Compare(0x61),
  ne: f64Compare(0x62),
  lt: f64Compare(0x63),
  gt: f64Compare(0x64),
  le: f64Compare(0x65),
  ge: f64Compare(0x66),
  abs: f64Unary(0x99),
  neg: f64Unary(0x9a),
  ceil: f64Unary(0x9b),
  floor: f64Unary(0x9c),
  trunc: f64Unary(0x9d),
  nearest: f64Unary(0x9e),
  sqrt: f64Unary(0x9f),
  add: f64Binary(0xa0),
  sub: f64Binary(0xa1),
  mul: f64Binary(0xa2),
  div: f64Binary(0xa3),
  min: f64Binary(0xa4),
  max: f64Binary(0xa5),
  copysign: f64Binary(0xa6),
  load: load<"f64">("f64", [0x2b], 3),
  convert: unary<"i32", "f64">("f64", [0xb7]),
  reinterpret: unary<"i64", "f64">("f64", [0xbf]),
  /** condition ? a : b, both evaluated. */
  select: (condition: I32, a: F64, b: F64): F64 => ({ type: "f64", code: [...a.code, ...b.code, ...condition.code, 0x1b] }),
} as const;

const byte = (lane: number): number => lane & 0xff;
export const v128 = {
  /** Two float64 lanes. */
  const: (low: number, high = low): V128 => ({
    type: "v128",
    code: [...simd(0x0c), ...littleEndian(low), ...littleEndian(high)],
  }),
  constBits: (low: bigint, high = low): V128 => ({
    type: "v128",
    code: [...simd(0x0c), ...littleEndianBits(low), ...littleEndianBits(high)],
  }),
  load: load<"v128">("v128", simd(0x00), 3),
  /** One float64 into both lanes. */
  loadSplat: load<"v128">("v128", simd(0x0a), 3),
  /** One float64 into the low lane, zero into the high lane. */
  loadLow: load<"v128">("v128", simd(0x5d), 3),
  not: vUnary(0x4d),
  and: vBinary(0x4e),
  andnot: vBinary(0x4f),
  or: vBinary(0x50),
  xor: vBinary(0x51),
  /** Bits of a where the mask has ones, of b elsewhere. */
  bitselect: (a: V128, b: V128, mask: V128): V128 => ({
    type: "v128",
    code: [...a.code, ...b.code, ...mask.code, ...simd(0x52)],
  }),
  anyTrue: unary<"v128", "i32">("i32", simd(0x53)),
  /** Lane i is lane `from[i]` of (a0, a1, b0, b1). */
  shuffle: (a: V128, b: V128, from: readonly [number, number]): V128 => ({
    type: "v128",
    code: [...a.code, ...b.code, ...simd(0x0d), ...from.flatMap((l) => [0, 1, 2, 3, 4, 5, 6, 7].map((k) => byte(8 * l + k)))],
  }),
  /** Replaces one lane by the float64 at address + offset. */
  loadLane: (address: I32, into: V128, lane: 0 | 1, offset = 0): V128 => ({
    type: "v128",
    code: [...address.code, ...into.code, ...simd(0x57), 3, ...unsigned(offset), lane],
  }),
} as const;

export const f64x2 = {
  splat: unary<"f64", "v128">("v128", simd(0x14)),
  extract: (a: V128, lane: 0 | 1): F64 => ({ type: "f64", code: [...a.code, ...simd(0x21), lane] }),
  replace: (a: V128, lane: 0 | 1, x: F64): V128 => ({ type: "v128", code: [...a.code, ...x.code, ...simd(0x22), lane] }),
  eq: vBinary(0x47),
  ne: vBinary(0x48),
  lt: vBinary(0x49),
  gt: vBinary(0x4a),
  le: vBinary(0x4b),
  ge: vBinary(0x4c),
  ceil: vUnary(0x74),
  floor: vUnary(0x75),
  trunc: vUnary(0x7a),
  nearest: vUnary(0x94),
  abs: vUnary(0xec),
  neg: vUnary(0xed),
  sqrt: vUnary(0xef),
  add: vBinary(0xf0),
  sub: vBinary(0xf1),
  mul: vBinary(0xf2),
  div: vBinary(0xf3),
  min: vBinary(0xf4),
  max: vBinary(0xf5),
  /** b < a ? b : a, and a < b ? b : a. */
  pmin: vBinary(0xf6),
  pmax: vBinary(0xf7),
  /** The two low 32-bit integers as float64. */
  convertLow: vUnary(0xfe),
} as const;

export const i64x2 = {
  splat: unary<"i64", "v128">("v128", simd(0x12)),
  extract: (a: V128, lane: 0 | 1): I64 => ({ type: "i64", code: [...a.code, ...simd(0x1d), lane] }),
  add: vBinary(0xce),
  sub: vBinary(0xd1),
  shl: shift(simd(0xcb)),
  shr: shift(simd(0xcc)),
  shrUnsigned: shift(simd(0xcd)),
} as const;

export const i32x4 = {
  /** Two 32-bit integers into the low lanes (v128.load64_zero). */
  loadTwo: load<"v128">("v128", simd(0x5d), 2),
  /** Saturating truncation of two float64 lanes into the two low integers, zeros above. */
  truncSat: vUnary(0xfc),
  extract: (a: V128, lane: 0 | 1 | 2 | 3): I32 => ({ type: "i32", code: [...a.code, ...simd(0x1b), lane] }),
} as const;
