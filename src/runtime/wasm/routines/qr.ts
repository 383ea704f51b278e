// Thin QR factorisation by modified Gram-Schmidt, every column orthogonalised twice (Giraud, Langou & Rozložník, "The loss of
// orthogonality in the Gram-Schmidt orthogonalization process", 2005: twice is enough), on a transposed copy whose columns are contiguous.
import { sizeOf } from "../../ir/type.ts";
import { f64, i32 } from "../module.ts";
import type { Routine } from "./index.ts";
import { divide, dots, element, int, plus, subtractMultiples, word } from "./vectors.ts";

export const qr: Routine = {
  name: "qr",
  scratch(node) {
    const [n, k] = node.results[0].shape.slice(-2);
    return n * k;
  },
  emit(f, { inputs: [a], results: [q, r], scratch }) {
    const [n, k] = a.shape.slice(-2);
    const column = n * word;
    f.for(0, sizeOf(a.shape.slice(0, -2)), 1, (system) => {
      const source = f.let(plus(i32.mul(system, int(n * k * word)), a.offset));
      const orthonormal = f.let(plus(i32.mul(system, int(n * k * word)), q.offset));
      const triangle = f.let(plus(i32.mul(system, int(k * k * word)), r.offset));
      f.zeroFill(triangle, int(k * k * word));
      // v[j, i] = a[i, j] and back
      f.for(0, n, 1, (i) =>
        f.for(0, k, 1, (j) =>
          f.store(
            element(int(scratch), i32.add(i32.mul(j, int(n)), i)),
            f64.load(element(source, i32.add(i32.mul(i, int(k)), j))),
          ),
        ),
      );
      f.for(0, k, 1, (j) => {
        const v = f.let(i32.add(int(scratch), i32.mul(j, int(column))));
        f.for(0, 2, 1, () => {
          const u = f.let(int(scratch));
          const entry = f.let(element(triangle, j));
          f.for(0, j, 1, () => {
            const [share] = dots(f, [u], v, int(column));
            f.store(entry, f64.add(f64.load(entry), share));
            subtractMultiples(f, [{ y: v, x: u, factor: share }], int(column));
            f.set(u, plus(u, column));
            f.set(entry, plus(entry, k * word));
          });
        });
        const [square] = dots(f, [v], v, int(column));
        const norm = f.let(f64.sqrt(square));
        f.store(element(triangle, i32.mul(j, int(k + 1))), norm);
        divide(f, v, int(column), norm);
      });
      f.for(0, n, 1, (i) =>
        f.for(0, k, 1, (j) =>
          f.store(
            element(orthonormal, i32.add(i32.mul(i, int(k)), j)),
            f64.load(element(int(scratch), i32.add(i32.mul(j, int(n)), i))),
          ),
        ),
      );
    });
  },
};
