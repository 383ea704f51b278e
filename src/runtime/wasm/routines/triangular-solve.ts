// T⁻¹ B and T⁻ᵀ B for triangular T: rows of the solution in order, right sides eight columns at a time in registers; one right side by
// dot products or by multiples of rows, whichever reads T contiguously.
import type { Node } from "../../ir/graph.ts";
import type { TriangularSolveAttrs } from "../../ir/primitives/triangular.ts";
import { sizeOf } from "../../ir/type.ts";
import { type FunctionBuilder, f64, f64x2, i32, type Local, v128 } from "../module.ts";
import type { Routine } from "./index.ts";
import { dots, element, int, plus, subtractMultiples, word } from "./vectors.ts";

export const triangularSolve: Routine = {
  name: "triangularSolve",
  scratch: () => 0,
  emit(f, { node, inputs: [t, b], results: [x] }) {
    const { lower, transpose } = (node as Node<TriangularSolveAttrs>).attrs;
    const n = t.shape[t.shape.length - 1];
    const m = b.shape[b.shape.length - 1];
    f.for(0, sizeOf(t.shape.slice(0, -2)), 1, (system) => {
      const matrix = f.let(plus(i32.mul(system, int(n * n * word)), t.offset));
      const target = f.let(plus(i32.mul(system, int(n * m * word)), x.offset));
      f.copy(target, plus(i32.mul(system, int(n * m * word)), b.offset), int(n * m * word));
      solveTriangular(f, matrix, target, n, m, lower, transpose);
    });
  },
};

/** In place: X holds B at entry. The triangle opposite is not read. */
export function solveTriangular(
  f: FunctionBuilder,
  t: Local<"i32">,
  x: Local<"i32">,
  n: number,
  m: number,
  lower: boolean,
  transpose: boolean,
): void {
  if (m === 1) oneSide(f, t, x, n, lower, transpose);
  else manySides(f, t, x, n, m, lower, transpose);
}

function manySides(
  f: FunctionBuilder,
  t: Local<"i32">,
  x: Local<"i32">,
  n: number,
  m: number,
  lower: boolean,
  transpose: boolean,
): void {
  const forward = lower !== transpose;
  const row = n * word;
  const width = m * word;
  // in memory T[i, j] is at own(i) + j * step
  const step = transpose ? row : word;
  const column = f.local("i32");
  const panel = (pairs: number, single: boolean): void => {
    const visit = (i: Local<"i32">): void => {
      const own = f.let(i32.add(t, i32.mul(i, int(transpose ? word : row))));
      const target = f.let(i32.add(i32.add(x, column), i32.mul(i, int(width))));
      const sums = Array.from({ length: pairs }, (_, p) => f.let(v128.load(target, 16 * p)));
      const last = single ? f.let(f64.load(target)) : null;
      // the rows already solved: above i going forward, below going back
      const solved = f.let(i32.add(x, column));
      const entry = f.let(own);
      const count = forward ? i : i32.sub(int(n - 1), i);
      if (!forward) {
        f.set(solved, plus(target, width));
        f.set(entry, i32.add(own, i32.mul(plus(i, 1), int(step))));
      }
      f.for(0, count, 1, () => {
        const splat = f.let(v128.loadSplat(entry));
        for (const [p, sum] of sums.entries()) f.set(sum, f64x2.sub(sum, f64x2.mul(splat, v128.load(solved, 16 * p))));
        if (last) f.set(last, f64.sub(last, f64.mul(f64.load(entry), f64.load(solved))));
        f.set(entry, plus(entry, step));
        f.set(solved, plus(solved, width));
      });
      const pivot = element(i32.add(t, i32.mul(i, int(row))), i);
      const divisor = f.let(v128.loadSplat(pivot));
      for (const [p, sum] of sums.entries()) f.store(target, f64x2.div(sum, divisor), 16 * p);
      if (last) f.store(target, f64.div(last, f64.load(pivot)));
    };
    if (forward) f.for(0, n, 1, visit);
    else f.forDown(n - 1, 0, 1, visit);
  };
  f.for(0, width - (width % 64), 64, () => panel(4, false), column);
  if (m % 8 >= 2) f.for(width - (width % 64), width - (width % 16), 16, () => panel(1, false), column);
  f.set(column, int(width - word));
  if (m % 2 === 1) panel(0, true);
}

function oneSide(f: FunctionBuilder, t: Local<"i32">, x: Local<"i32">, n: number, lower: boolean, transpose: boolean): void {
  const row = n * word;
  const order = (visit: (i: Local<"i32">) => void): void =>
    lower !== transpose ? f.for(0, n, 1, visit) : f.forDown(n - 1, 0, 1, visit);
  order((i) => {
    const own = f.let(i32.add(t, i32.mul(i, int(row))));
    const place = f.let(element(x, i));
    const next = plus(i, 1);
    // the part of row i off the diagonal, and the elements of x beside it
    const start = lower ? own : f.let(element(own, next));
    const others = lower ? x : f.let(element(x, next));
    const bytes = i32.shl(lower ? i : i32.sub(int(n), next), int(3));
    const diagonal = f64.load(element(own, i));
    if (transpose) {
      const value = f.let(f64.div(f64.load(place), diagonal));
      f.store(place, value);
      subtractMultiples(f, [{ y: others, x: start, factor: value }], bytes);
    } else {
      const [sum] = dots(f, [start], others, bytes);
      f.store(place, f64.div(f64.sub(f64.load(place), sum), diagonal));
    }
  });
}
