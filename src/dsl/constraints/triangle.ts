// Packing of coordinates into triangles, and a Cholesky factor on the host, for the matrix constraints.
import { ShapeError } from "../../runtime/errors.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";

export function squareOf(name: string, s: Shape): number {
  if (s.length !== 2 || s[0] !== s[1]) throw new ShapeError(`a ${name} is a square matrix`);
  return s[0];
}
/** Flat indices of the entries of a rows x cols matrix that `keep` accepts, row by row. */
export function entries(rows: number, cols: number, keep: (i: number, j: number) => boolean): number[] {
  const out: number[] = [];
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) if (keep(i, j)) out.push(i * cols + j);
  return out;
}
/** A matrix with u[k] at the flat index at[k] and zeros elsewhere. */
export function placed(b: Builder, u: Value, at: readonly number[], rows: number, cols: number): Value {
  const source = new Int32Array(rows * cols).fill(at.length);
  for (let k = 0; k < at.length; k++) source[at[k]] = k;
  const padded = b.concat([u, b.tensor(new Float64Array(1), [1])], 0);
  return b.gather(padded, b.tensor(source, [rows, cols], "int"));
}
/** The lower factor of a K x K matrix, or null when it is not positive definite. */
export function factorOf(a: ArrayLike<number>, k: number): Float64Array | null {
  const l = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j <= i; j++) {
      let s = a[i * k + j];
      for (let m = 0; m < j; m++) s -= l[i * k + m] * l[j * k + m];
      if (i === j && !(s > 0)) return null;
      l[i * k + j] = i === j ? Math.sqrt(s) : s / l[j * k + j];
    }
  }
  return l;
}
/** Symmetric within 1e-8 relative to its entries, as Stan checks it. */
export function isSymmetric(a: ArrayLike<number>, k: number): boolean {
  for (let i = 0; i < k; i++)
    for (let j = 0; j < i; j++) {
      const [p, q] = [a[i * k + j], a[j * k + i]];
      if (!(Math.abs(p - q) <= 1e-8 * Math.max(1, Math.abs(p), Math.abs(q)))) return false;
    }
  return true;
}
