// Eigenvalues and eigenvectors of symmetric matrices by cyclic Jacobi rotations (Golub & Van Loan §8.5), on whole rows of a matrix that is
// kept symmetric; the eigenvectors are rows until the end.
import { EIGEN_SCALING, JACOBI_LIMIT, JACOBI_SWEEPS } from "../../ir/primitives/eigen.ts";
import { sizeOf } from "../../ir/type.ts";
import { type F64, type FunctionBuilder, f64, f64x2, type I32, i32, type Local, v128 } from "../module.ts";
import type { Routine } from "./index.ts";
import { dots, element, fill, int, overPairs, plus, swap, word } from "./vectors.ts";

export const symmetricEigen: Routine = {
  name: "symmetricEigen",
  scratch(node) {
    const [n] = node.results[0].shape.slice(-1);
    return 2 * (n * n + (n % 2)); // so that the second begins at a multiple of 16
  },
  emit(f, { inputs: [a], results: [values, vectors], scratch }) {
    const [n] = a.shape.slice(-1);
    const row = n * word;
    const m = int(scratch);
    const v = int(scratch + (n * n + (n % 2)) * word);
    const at = (matrix: I32, i: I32, j: I32): I32 => element(matrix, i32.add(i32.mul(i, int(n)), j));
    f.for(0, sizeOf(a.shape.slice(0, -2)), 1, (system) => {
      const source = f.let(plus(i32.mul(system, int(n * row)), a.offset));
      const diagonal = f.let(plus(i32.mul(system, int(row)), values.offset));
      const target = f.let(plus(i32.mul(system, int(n * row)), vectors.offset));
      f.for(0, n, 1, (i) =>
        f.for(0, n, 1, (j) => {
          const sum = f64.add(f64.load(at(source, i, j)), f64.load(at(source, j, i)));
          f.store(at(m, i, j), f64.mul(f64.const(0.5), sum));
          f.store(at(v, i, j), f64.select(i32.eq(i, j), f64.const(1), f64.const(0)));
        }),
      );
      const greatest = f.let(f64.const(0));
      f.for(0, n * row, word, (place) => f.set(greatest, f64.max(greatest, f64.abs(f64.load(i32.add(m, place))))));
      const { least, most, up, down } = EIGEN_SCALING;
      const scaled = (small: number, large: number): F64 =>
        f64.select(
          f64.lt(greatest, f64.const(least)),
          f64.const(small),
          f64.select(f64.gt(greatest, f64.const(most)), f64.const(large), f64.const(1)),
        );
      const scale = f.let(scaled(up, down));
      f.for(0, n * row, word, (place) => {
        const at = f.let(i32.add(m, place));
        f.store(at, f64.mul(scale, f64.load(at)));
      });
      const back = f.let(scaled(down, up));
      const [total] = dots(f, [m], m, int(n * row));
      const limit = f.let(f64.mul(total, f64.const(JACOBI_LIMIT)));
      const off = f.local("f64");
      const measure = (): void => {
        f.set(off, f64.const(0));
        f.for(0, n, 1, (i) =>
          f.for(plus(i, 1), n, 1, (j) => {
            const x = f.let(f64.load(at(m, i, j)));
            f.set(off, f64.add(off, f64.mul(x, x)));
          }),
        );
      };
      measure();
      const left = f.let(int(JACOBI_SWEEPS));
      f.while(i32.and(f64.gt(off, limit), i32.gt(left, int(0))), () => {
        f.for(0, n, 1, (p) =>
          f.for(plus(p, 1), n, 1, (q) => {
            const x = f.let(f64.load(at(m, p, q)));
            f.if(f64.ne(x, f64.const(0)), () => rotate(f, { m, v, p, q, n, x }));
          }),
        );
        f.set(left, i32.sub(left, int(1)));
        measure();
      });
      f.for(0, n, 1, (i) => f.store(element(diagonal, i), f64.mul(back, f64.load(at(m, i, i)))));
      // in increasing order, by selection
      f.for(0, n, 1, (i) => {
        const least = f.let(i);
        f.for(plus(i, 1), n, 1, (j) =>
          f.if(f64.lt(f64.load(element(diagonal, j)), f64.load(element(diagonal, least))), () => f.set(least, j)),
        );
        f.if(i32.ne(least, i), () => {
          swap(f, element(diagonal, i), element(diagonal, least), int(word));
          swap(f, at(v, i, int(0)), at(v, least, int(0)), int(row));
        });
        const greatest = f.let(f64.const(0));
        f.for(0, n, 1, (k) => {
          const here = f.let(f64.load(at(v, i, k)));
          f.if(f64.gt(f64.abs(here), f64.abs(greatest)), () => f.set(greatest, here));
        });
        const sign = f.let(f64.copysign(f64.const(1), greatest));
        f.for(0, n, 1, (k) => f.store(at(target, k, i), f64.mul(sign, f64.load(at(v, i, k)))));
      });
      const sound = i32.and(f64.le(off, limit), f64.lt(total, f64.const(Number.POSITIVE_INFINITY)));
      f.if(i32.eqz(sound), () => {
        fill(f, diagonal, int(row), Number.NaN);
        fill(f, target, int(n * row), Number.NaN);
      });
    });
  },
};

interface Plane {
  readonly m: I32;
  readonly v: I32;
  readonly p: Local<"i32">;
  readonly q: Local<"i32">;
  readonly n: number;
  /** m[p, q], not 0. */
  readonly x: Local<"f64">;
}
/** The rotation in the plane (p, q) that makes m[p, q] 0: m becomes Jᵀ m J, and so does the basis of the rows of v. */
function rotate(f: FunctionBuilder, { m, v, p, q, n, x }: Plane): void {
  const row = n * word;
  const one = f64.const(1);
  const [rowP, rowQ] = [p, q].map((i) => f.let(i32.add(m, i32.mul(i, int(row)))));
  const [pp, qq] = [f.let(f64.load(element(rowP, p))), f.let(f64.load(element(rowQ, q)))];
  const theta = f.let(f64.div(f64.sub(qq, pp), f64.mul(f64.const(2), x)));
  const root = (square: F64): F64 => f64.sqrt(f64.add(square, one));
  const size = f.let(f64.div(one, f64.add(f64.abs(theta), root(f64.mul(theta, theta)))));
  const t = f.let(f64.select(f64.lt(theta, f64.const(0)), f64.neg(size), size));
  const c = f.let(f64.div(one, root(f64.mul(t, t))));
  const s = f.let(f64.mul(t, c));
  const tau = f.let(f64.div(s, f64.add(one, c)));
  turn(f, rowP, rowQ, row, s, tau);
  const change = f.let(f64.mul(t, x));
  f.store(element(rowP, p), f64.sub(pp, change));
  f.store(element(rowQ, q), f64.add(qq, change));
  f.store(element(rowP, q), f64.const(0));
  f.store(element(rowQ, p), f64.const(0));
  for (const [i, own] of [
    [p, rowP],
    [q, rowQ],
  ] as const) {
    const place = f.let(element(m, i));
    f.for(0, row, word, (at) => {
      f.store(place, f64.load(i32.add(own, at)));
      f.set(place, plus(place, row));
    });
  }
  turn(f, f.let(i32.add(v, i32.mul(p, int(row)))), f.let(i32.add(v, i32.mul(q, int(row)))), row, s, tau);
}

/** (x, y) becomes (x - s (y + τ x), y + s (x - τ y)): a rotation whose cosine is near 1 loses nothing (Rutishauser 1966). */
function turn(f: FunctionBuilder, x: I32, y: I32, row: number, s: Local<"f64">, tau: Local<"f64">): void {
  const [ss, taus] = [f.let(f64x2.splat(s)), f.let(f64x2.splat(tau))];
  overPairs(
    f,
    int(row),
    (at) => {
      const [g, h] = [f.let(v128.load(i32.add(x, at))), f.let(v128.load(i32.add(y, at)))];
      f.store(i32.add(x, at), f64x2.sub(g, f64x2.mul(ss, f64x2.add(h, f64x2.mul(taus, g)))));
      f.store(i32.add(y, at), f64x2.add(h, f64x2.mul(ss, f64x2.sub(g, f64x2.mul(taus, h)))));
    },
    (at) => {
      const [g, h] = [f.let(f64.load(i32.add(x, at))), f.let(f64.load(i32.add(y, at)))];
      f.store(i32.add(x, at), f64.sub(g, f64.mul(s, f64.add(h, f64.mul(tau, g)))));
      f.store(i32.add(y, at), f64.add(h, f64.mul(s, f64.sub(g, f64.mul(tau, h)))));
    },
  );
}
