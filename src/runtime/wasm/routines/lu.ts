// General square systems and determinants: Gaussian elimination with partial pivoting (Golub & Van Loan §3.4), by rows.
import { sizeOf } from "../../ir/type.ts";
import { straightLine } from "../emitter.ts";
import { mathlib } from "../mathlib/index.ts";
import { type FunctionBuilder, f64, f64x2, i32, type Local } from "../module.ts";
import type { Routine } from "./index.ts";
import { solveTriangular } from "./triangular-solve.ts";
import { element, int, plus, subtractMultiples, swap, word } from "./vectors.ts";

/** In place: the n x n matrix at `u` becomes upper triangular (its lower triangle holds rubbish), the m right sides at `b` follow. */
function eliminate(f: FunctionBuilder, u: Local<"i32">, b: Local<"i32"> | null, n: number, m: number): void {
  const row = n * word;
  const width = m * word;
  f.for(0, n, 1, (k) => {
    const offset = i32.shl(k, int(3));
    const own = f.let(i32.add(u, i32.mul(k, int(row))));
    const rest = f.let(i32.sub(int(row), offset));
    // the first row of the greatest element in the column; NaN must not be passed over for a pivot of 0
    const best = f.let(f64.abs(f64.load(i32.add(own, offset))));
    const pivotRow = f.let(k);
    f.for(plus(k, 1), n, 1, (i) => {
      const size = f.let(f64.abs(f64.load(element(i32.add(u, i32.mul(i, int(row))), k))));
      f.if(i32.or(f64.gt(size, best), f64.ne(size, size)), () => {
        f.set(best, size);
        f.set(pivotRow, i);
      });
    });
    f.if(i32.ne(pivotRow, k), () => {
      swap(f, i32.add(own, offset), element(i32.add(u, i32.mul(pivotRow, int(row))), k), rest);
      if (b) swap(f, i32.add(b, i32.mul(k, int(width))), i32.add(b, i32.mul(pivotRow, int(width))), int(width));
    });
    const start = f.let(i32.add(own, offset));
    const pivot = f.let(f64.load(start));
    const rightRow = b && f.let(i32.add(b, i32.mul(k, int(width))));
    // a column of zeros has nothing to eliminate
    f.if(f64.ne(pivot, f64.const(0)), () => {
      f.for(plus(k, 1), n, 1, (i) => {
        const target = f.let(element(i32.add(u, i32.mul(i, int(row))), k));
        const factor = f.let(f64.div(f64.load(target), pivot));
        subtractMultiples(f, [{ y: target, x: start, factor }], rest);
        if (b && rightRow) {
          const right = f.let(i32.add(b, i32.mul(i, int(width))));
          subtractMultiples(f, [{ y: right, x: rightRow, factor }], int(width));
        }
      });
    });
  });
}

export const solve: Routine = {
  name: "solve",
  scratch(node) {
    const [a] = node.inputs.map((v) => v.node.results[v.index].shape);
    return a[a.length - 1] * a[a.length - 1];
  },
  emit(f, { inputs: [a, b], results: [x], scratch }) {
    const n = a.shape[a.shape.length - 1];
    const m = b.shape[b.shape.length - 1];
    const u = f.let(int(scratch));
    f.for(0, sizeOf(a.shape.slice(0, -2)), 1, (system) => {
      f.copy(u, plus(i32.mul(system, int(n * n * word)), a.offset), int(n * n * word));
      const target = f.let(plus(i32.mul(system, int(n * m * word)), x.offset));
      f.copy(target, plus(i32.mul(system, int(n * m * word)), b.offset), int(n * m * word));
      eliminate(f, u, target, n, m);
      solveTriangular(f, u, target, n, m, false, false);
    });
  },
};

export const logAbsDet: Routine = {
  name: "logAbsDet",
  scratch(node) {
    const [a] = node.inputs.map((v) => v.node.results[v.index].shape);
    return a[a.length - 1] * a[a.length - 1];
  },
  emit(f, { inputs: [a], results: [out], scratch }) {
    const n = a.shape[a.shape.length - 1];
    const u = f.let(int(scratch));
    f.for(0, sizeOf(a.shape.slice(0, -2)), 1, (system) => {
      f.copy(u, plus(i32.mul(system, int(n * n * word)), a.offset), int(n * n * word));
      eliminate(f, u, null, n, 0);
      const sum = f.let(f64.const(0));
      f.for(0, n * (n + 1) * word, (n + 1) * word, (at) => {
        const size = f64x2.splat(f64.abs(f64.load(i32.add(u, at))));
        f.set(sum, f64.add(sum, f64x2.extract(straightLine(f, mathlib, [size], mathlib.log), 0)));
      });
      f.store(element(int(out.offset), system), sum);
    });
  },
};
