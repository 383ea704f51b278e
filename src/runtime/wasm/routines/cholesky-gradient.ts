// Cotangent of a symmetric matrix from that of its Cholesky factor, by reversing the factorisation element by element (Smith,
// "Differentiation of the Cholesky algorithm", J. Computational and Graphical Statistics 4, 1995). Lower triangles; zeros above.
import { sizeOf } from "../../ir/type.ts";
import { type FunctionBuilder, f64, type I32, i32, type Local } from "../module.ts";
import { unrolledUpTo } from "./cholesky.ts";
import type { Routine } from "./index.ts";
import { element, int, plus, subtractMultiples, word } from "./vectors.ts";

export const choleskyGradient: Routine = {
  name: "choleskyGradient",
  scratch(node) {
    const { shape } = node.results[0];
    const n = shape[shape.length - 1];
    return n <= unrolledUpTo ? 0 : n * n;
  },
  emit(f, { inputs: [l, ct], results: [out], scratch }) {
    const n = l.shape[l.shape.length - 1];
    const bytes = n * n * word;
    f.for(0, sizeOf(l.shape.slice(0, -2)) * bytes, bytes, (at) => {
      const [factor, cotangent, result] = [l, ct, out].map(({ offset }) => f.let(plus(at, offset)));
      if (n <= unrolledUpTo) unrolled(f, factor, cotangent, result, n);
      else {
        f.copy(int(scratch), cotangent, int(bytes));
        inLoops(f, factor, int(scratch), result, n);
      }
    });
  },
};

function unrolled(f: FunctionBuilder, l: I32, ct: I32, out: I32, n: number): void {
  const lower = (from: I32): Local<"f64">[][] =>
    Array.from({ length: n }, (_, i) => Array.from({ length: i + 1 }, (_, j) => f.let(f64.load(from, (i * n + j) * word))));
  const factor = lower(l);
  const c = lower(ct);
  const subtract = (i: number, k: number, a: Local<"f64">, b: Local<"f64">): void =>
    f.set(c[i][k], f64.sub(c[i][k], f64.mul(a, b)));
  for (let i = n - 1; i >= 0; i--) {
    for (let j = n - 1; j > i; j--) f.store(out, f64.const(0), (i * n + j) * word);
    for (let j = i; j >= 0; j--) {
      const a = c[i][j];
      f.set(a, f64.div(a, factor[j][j]));
      if (i === j) {
        // both terms of the loop below act on this row, each with a / 2
        for (let k = j - 1; k >= 0; k--) subtract(i, k, a, factor[i][k]);
        f.store(out, f64.mul(a, f64.const(0.5)), (i * n + j) * word);
        continue;
      }
      subtract(j, j, a, factor[i][j]);
      for (let k = j - 1; k >= 0; k--) {
        subtract(i, k, a, factor[j][k]);
        subtract(j, k, a, factor[i][k]);
      }
      f.store(out, a, (i * n + j) * word);
    }
  }
}

function inLoops(f: FunctionBuilder, l: I32, c: I32, out: I32, n: number): void {
  const row = n * word;
  f.forDown(n - 1, 0, 1, (i) => {
    const offset = f.let(i32.mul(i, int(row)));
    const [li, ci, oi] = [l, c, out].map((m) => f.let(i32.add(m, offset)));
    const after = plus(i, 1);
    f.zeroFill(element(oi, after), i32.shl(i32.sub(int(n), after), int(3)));
    const diagonal = f.let(f64.div(f64.load(element(ci, i)), f64.load(element(li, i))));
    subtractMultiples(f, [{ y: ci, x: li, factor: diagonal }], i32.shl(i, int(3)));
    f.store(element(oi, i), f64.mul(diagonal, f64.const(0.5)));
    f.forDown(i32.sub(i, int(1)), 0, 1, (j) => {
      const across = f.let(i32.mul(j, int(row)));
      const [lj, cj] = [l, c].map((m) => f.let(i32.add(m, across)));
      const a = f.let(f64.div(f64.load(element(ci, j)), f64.load(element(lj, j))));
      f.store(element(oi, j), a);
      const pivot = f.let(element(cj, j));
      f.store(pivot, f64.sub(f64.load(pivot), f64.mul(a, f64.load(element(li, j)))));
      const steps = [
        { y: ci, x: lj, factor: a },
        { y: cj, x: li, factor: a },
      ];
      subtractMultiples(f, steps, i32.shl(j, int(3)));
    });
  });
}
