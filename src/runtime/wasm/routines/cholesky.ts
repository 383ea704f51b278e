// Cholesky factorisation. Small matrices: straight-line code with the factor in locals. Others: by columns in blocks of 32, each block
// brought up to date by one matrix product (left-looking, Golub & Van Loan §4.2.7).
import { sizeOf } from "../../ir/type.ts";
import { type FunctionBuilder, f64, type I32, i32, type Local, type ModuleBuilder } from "../module.ts";
import { gemm, gemmScratch } from "./gemm.ts";
import type { Routine } from "./index.ts";
import { dots, element, fill, int, plus, word } from "./vectors.ts";

/** Up to here code is unrolled: n^3 / 6 multiplications of some 12 bytes each. */
export const unrolledUpTo = 12;
const blockColumns = 32;

export const cholesky: Routine = {
  name: "cholesky",
  scratch(node) {
    const n = node.results[0].shape[node.results[0].shape.length - 1];
    return n > blockColumns ? gemmScratch(n, blockColumns, n) : 0;
  },
  emit(f, { module, inputs: [a], results: [l], scratch }) {
    const n = a.shape[a.shape.length - 1];
    const bytes = n * n * word;
    f.for(0, sizeOf(a.shape.slice(0, -2)) * bytes, bytes, (at) => {
      const from = f.let(plus(at, a.offset));
      const to = f.let(plus(at, l.offset));
      if (n <= unrolledUpTo) unrolled(f, from, to, n);
      else {
        f.copy(to, from, int(bytes));
        byBlocks(module, f, to, n, scratch);
      }
    });
  },
};

/** NaN everywhere unless `sound`. */
function failWith(f: FunctionBuilder, sound: I32, l: I32, n: number): void {
  f.if(i32.eqz(sound), () => fill(f, l, int(n * n * word), Number.NaN));
}

function unrolled(f: FunctionBuilder, a: I32, l: I32, n: number): void {
  const factor: Local<"f64">[][] = [];
  const sound = f.let(int(1));
  for (let i = 0; i < n; i++) {
    factor.push([]);
    for (let j = 0; j <= i; j++) {
      const value = f.let(f64.load(a, (i * n + j) * word));
      for (let k = 0; k < j; k++) f.set(value, f64.sub(value, f64.mul(factor[i][k], factor[j][k])));
      if (i === j) {
        f.set(sound, i32.and(sound, f64.gt(value, f64.const(0))));
        f.set(value, f64.sqrt(value));
      } else f.set(value, f64.div(value, factor[j][j]));
      factor[i].push(value);
      f.store(l, value, (i * n + j) * word);
    }
    for (let j = i + 1; j < n; j++) f.store(l, f64.const(0), (i * n + j) * word);
  }
  failWith(f, sound, l, n);
}

/** In place; the upper triangle is cleared at the end. */
function byBlocks(module: ModuleBuilder, f: FunctionBuilder, l: Local<"i32">, n: number, scratch: number): void {
  const row = n * word;
  const sound = f.let(int(1));
  f.for(0, n, blockColumns, (start) => {
    const end = f.let(plus(start, blockColumns));
    f.if(i32.gt(end, int(n)), () => f.set(end, int(n)));
    const left = f.let(i32.add(l, i32.mul(start, int(row))));
    const block = f.let(i32.shl(start, int(3)));
    if (n > blockColumns) {
      gemm(module, f, {
        a: left,
        aRow: int(row),
        aInner: int(word),
        b: left,
        bInner: int(word),
        bColumn: int(row),
        c: i32.add(left, block),
        cRow: int(row),
        rows: i32.sub(int(n), start),
        columns: i32.sub(end, start),
        inner: start,
        scratch: int(scratch),
        accumulate: int(1),
        alpha: f64.const(-1),
      });
    }
    // column j of the block: dot products of rows over the block's earlier columns
    f.for(start, end, 1, (j) => {
      const done = f.let(i32.shl(i32.sub(j, start), int(3)));
      const own = f.let(i32.add(i32.add(l, block), i32.mul(j, int(row))));
      const place = f.let(i32.add(own, done));
      const [square] = dots(f, [own], own, done);
      const pivot = f.let(f64.sub(f64.load(place), square));
      f.set(sound, i32.and(sound, f64.gt(pivot, f64.const(0))));
      f.set(pivot, f64.sqrt(pivot));
      f.store(place, pivot);
      const other = f.let(plus(own, row));
      const below = (count: number): void => {
        const rows = Array.from({ length: count }, (_, i) => (i === 0 ? other : f.let(plus(other, i * row))));
        for (const [i, product] of dots(f, rows, own, done).entries()) {
          const target = f.let(i32.add(rows[i], done));
          f.store(target, f64.div(f64.sub(f64.load(target), product), pivot));
        }
        f.set(other, plus(other, count * row));
      };
      const remaining = f.let(i32.sub(int(n - 1), j));
      f.for(0, i32.shrUnsigned(remaining, int(2)), 1, () => below(4));
      f.for(0, i32.and(remaining, int(3)), 1, () => below(1));
    });
  });
  f.for(0, n - 1, 1, (i) =>
    f.zeroFill(element(plus(l, i32.mul(i, int(row))), plus(i, 1)), i32.mul(i32.sub(int(n - 1), i), int(word))),
  );
  failWith(f, sound, l, n);
}
