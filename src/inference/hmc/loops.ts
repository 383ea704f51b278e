// The vector loops of Hamiltonian sampling, in WebAssembly over the memory that holds the points: two lanes, no allocation.
import {
  type F64,
  type FunctionBuilder,
  f64,
  f64x2,
  type I32,
  i32,
  type Local,
  ModuleBuilder,
  type V128,
  v128,
} from "../../runtime/wasm/module.ts";
import { type WasmMemory, type WasmModule, WebAssembly } from "../../runtime/wasm/webassembly.ts";

/** Arguments are addresses in bytes: of points (position, momentum, velocity, gradient, one `stride` apart) or of vectors. Vectors
 *  are padded by zeros to whole blocks, and stay so. */
export interface Loops {
  /** p' = p + h/2 g and q' = q + h M⁻¹ p', diagonal M⁻¹. */
  kickAndDrift(z: number, next: number, inverse: number, step: number): void;
  /** p += h/2 g, v = M⁻¹ p, diagonal M⁻¹; returns p · v. */
  kick(z: number, inverse: number, step: number): number;
  /** p' = p + h/2 g; next may be z. */
  kickMomentum(z: number, next: number, step: number): void;
  /** q' = q + h v', with the velocity of next. */
  drift(z: number, next: number, step: number): void;
  /** v = A p for a matrix of rows one stride apart; returns p · v. */
  velocity(z: number, matrix: number): number;
  /** sum = a + b; whether both points' velocities have a positive product with it. */
  isStraight(aPoint: number, bPoint: number, a: number, b: number, sum: number): number;
  /** The same, and the two conditions across the halves: see isStraight in tree.ts. */
  isStraightAcross(aOuter: number, aInner: number, a: number, bInner: number, bOuter: number, b: number, sum: number): number;
}

/** Bytes of two pairs, which every loop takes at once. */
export const BLOCK = 32;
const PAIRS = [0, 16];
const PAGE = 65536;

/** Bytes from one vector to the next. */
export function strideOf(dimension: number): number {
  return Math.ceil((8 * dimension) / BLOCK) * BLOCK;
}

/** Room for one chain, filled with zeros: `bytes` of the memory from `begin`. */
export interface Room {
  readonly loops: Loops;
  readonly memory: ArrayBuffer;
  readonly begin: number;
}

/** Small chains share an instance: code that was optimised for one chain then calls the very functions of the next one too. */
export function instantiateLoops(dimension: number, bytes: number): Room {
  const size = Math.ceil(bytes / BLOCK) * BLOCK;
  const pages = Math.ceil(Math.max(size, SHARED) / PAGE);
  if (latest?.dimension !== dimension || latest.pages !== pages)
    latest = { dimension, pages, module: build(dimension, strideOf(dimension), pages), instance: undefined };
  let { instance } = latest;
  if (instance === undefined || instance.used + size > pages * PAGE) {
    const { exports } = new WebAssembly.Instance(latest.module);
    // The module exports what `build` gives it: these functions and its memory.
    instance = { loops: exports as unknown as Loops, memory: (exports.memory as unknown as WasmMemory).buffer, used: 0 };
  }
  const { loops, memory, used: begin } = instance;
  instance.used += size;
  // No room is given twice, so a full instance is left to those that use it.
  latest.instance = instance.used + size > pages * PAGE ? undefined : instance;
  return { loops, memory, begin };
}
/** Bytes of an instance that several chains may share; what is never touched costs address space alone. */
const SHARED = 1 << 20;
/** Chains of one run share a module; runs of many sizes need not keep theirs. */
let latest:
  | {
      readonly dimension: number;
      readonly pages: number;
      readonly module: WasmModule;
      instance: { readonly loops: Loops; readonly memory: ArrayBuffer; used: number } | undefined;
    }
  | undefined;

function build(dimension: number, stride: number, pages: number): WasmModule {
  const module = new ModuleBuilder();
  const MOMENTUM = stride;
  const VELOCITY = 2 * stride;
  const GRADIENT = 3 * stride;
  const over = (f: FunctionBuilder, body: (at: Local<"i32">) => void) => f.for(0, stride, BLOCK, body);
  const address = (f: FunctionBuilder, i: number) => f.argument(i, "i32");
  const at = (base: I32, offset: I32): I32 => i32.add(base, offset);

  const kickAndDrift = module.function(["i32", "i32", "i32", "f64"], [], "kickAndDrift");
  {
    const f = kickAndDrift;
    const step = f.let(f64x2.splat(f.argument(3, "f64")));
    const half = f.let(f64x2.mul(step, v128.const(0.5)));
    over(f, (i) => {
      const z = f.let(at(address(f, 0), i));
      const next = f.let(at(address(f, 1), i));
      const inverse = f.let(at(address(f, 2), i));
      for (const pair of PAIRS) {
        const p = f.let(f64x2.add(v128.load(z, MOMENTUM + pair), f64x2.mul(half, v128.load(z, GRADIENT + pair))));
        f.store(next, p, MOMENTUM + pair);
        f.store(next, f64x2.add(v128.load(z, pair), f64x2.mul(step, f64x2.mul(v128.load(inverse, pair), p))), pair);
      }
    });
  }
  const kick = module.function(["i32", "i32", "f64"], ["f64"], "kick");
  {
    const f = kick;
    const half = f.let(f64x2.splat(f64.mul(f.argument(2, "f64"), f64.const(0.5))));
    const sums = accumulators(f, 1);
    over(f, (i) => {
      const z = f.let(at(address(f, 0), i));
      const inverse = f.let(at(address(f, 1), i));
      for (const [k, pair] of PAIRS.entries()) {
        const p = f.let(f64x2.add(v128.load(z, MOMENTUM + pair), f64x2.mul(half, v128.load(z, GRADIENT + pair))));
        const v = f.let(f64x2.mul(v128.load(inverse, pair), p));
        f.store(z, p, MOMENTUM + pair);
        f.store(z, v, VELOCITY + pair);
        sums[0].add(k, f64x2.mul(p, v));
      }
    });
    f.result(sums[0].total());
  }
  const kickMomentum = module.function(["i32", "i32", "f64"], [], "kickMomentum");
  {
    const f = kickMomentum;
    const half = f.let(f64x2.splat(f64.mul(f.argument(2, "f64"), f64.const(0.5))));
    over(f, (i) => {
      const z = f.let(at(address(f, 0), i));
      const next = f.let(at(address(f, 1), i));
      for (const pair of PAIRS)
        f.store(next, f64x2.add(v128.load(z, MOMENTUM + pair), f64x2.mul(half, v128.load(z, GRADIENT + pair))), MOMENTUM + pair);
    });
  }
  const drift = module.function(["i32", "i32", "f64"], [], "drift");
  {
    const f = drift;
    const step = f.let(f64x2.splat(f.argument(2, "f64")));
    over(f, (i) => {
      const z = f.let(at(address(f, 0), i));
      const next = f.let(at(address(f, 1), i));
      for (const pair of PAIRS)
        f.store(next, f64x2.add(v128.load(z, pair), f64x2.mul(step, v128.load(next, VELOCITY + pair))), pair);
    });
  }
  const velocity = module.function(["i32", "i32"], ["f64"], "velocity");
  {
    const f = velocity;
    const p = f.let(i32.add(address(f, 0), i32.const(MOMENTUM)));
    const row = f.let(address(f, 1));
    const total = f.let(f64.const(0));
    f.for(0, 8 * dimension, 8, (i) => {
      const sums = accumulators(f, 1);
      over(f, (j) => {
        const left = f.let(at(row, j));
        const right = f.let(at(p, j));
        for (const [k, pair] of PAIRS.entries()) sums[0].add(k, f64x2.mul(v128.load(left, pair), v128.load(right, pair)));
      });
      const sum = f.let(sums[0].total());
      f.store(at(address(f, 0), i), sum, VELOCITY);
      f.set(total, f64.add(total, f64.mul(f64.load(at(p, i)), sum)));
      f.set(row, i32.add(row, i32.const(stride)));
    });
    f.result(total);
  }
  const isStraight = module.function(["i32", "i32", "i32", "i32", "i32"], ["i32"], "isStraight");
  {
    const f = isStraight;
    const sums = accumulators(f, 2);
    over(f, (i) => {
      const [va, vb, a, b, sum] = [0, 1, 2, 3, 4].map((k) => f.let(at(address(f, k), i)));
      for (const [k, pair] of PAIRS.entries()) {
        const rho = f.let(f64x2.add(v128.load(a, pair), v128.load(b, pair)));
        f.store(sum, rho, pair);
        sums[0].add(k, f64x2.mul(v128.load(va, VELOCITY + pair), rho));
        sums[1].add(k, f64x2.mul(v128.load(vb, VELOCITY + pair), rho));
      }
    });
    f.result(allPositive(sums));
  }
  const isStraightAcross = module.function(["i32", "i32", "i32", "i32", "i32", "i32", "i32"], ["i32"], "isStraightAcross");
  {
    const f = isStraightAcross;
    const sums = accumulators(f, 6);
    over(f, (i) => {
      const [aOuter, aInner, a, bInner, bOuter, b, sum] = [0, 1, 2, 3, 4, 5, 6].map((k) => f.let(at(address(f, k), i)));
      for (const [k, pair] of PAIRS.entries()) {
        const sa = f.let(v128.load(a, pair));
        const sb = f.let(v128.load(b, pair));
        const va = f.let(v128.load(aOuter, VELOCITY + pair));
        const vb = f.let(v128.load(bOuter, VELOCITY + pair));
        const rho = f.let(f64x2.add(sa, sb));
        f.store(sum, rho, pair);
        sums[0].add(k, f64x2.mul(va, rho));
        sums[1].add(k, f64x2.mul(vb, rho));
        const rhoA = f.let(f64x2.add(sa, v128.load(bInner, MOMENTUM + pair)));
        sums[2].add(k, f64x2.mul(va, rhoA));
        sums[3].add(k, f64x2.mul(v128.load(bInner, VELOCITY + pair), rhoA));
        const rhoB = f.let(f64x2.add(sb, v128.load(aInner, MOMENTUM + pair)));
        sums[4].add(k, f64x2.mul(vb, rhoB));
        sums[5].add(k, f64x2.mul(v128.load(aInner, VELOCITY + pair), rhoB));
      }
    });
    f.result(allPositive(sums));
  }
  module.memory(pages);
  return module.compile();
}

interface Accumulator {
  /** To the accumulator of the k-th pair of a block. */
  add(k: number, term: V128): void;
  total(): F64;
}

/** Sums from zero, one partial sum for each pair of a block, so that additions need not wait for each other. */
function accumulators(f: FunctionBuilder, count: number): Accumulator[] {
  return Array.from({ length: count }, () => {
    const parts = PAIRS.map(() => f.let(v128.const(0)));
    return {
      add: (k, term) => f.set(parts[k], f64x2.add(parts[k], term)),
      total: () => {
        const both = f.let(f64x2.add(parts[0], parts[1]));
        return f64.add(f64x2.extract(both, 0), f64x2.extract(both, 1));
      },
    };
  });
}

function allPositive(sums: readonly Accumulator[]): I32 {
  return sums.map((sum) => f64.gt(sum.total(), f64.const(0))).reduce(i32.and);
}
