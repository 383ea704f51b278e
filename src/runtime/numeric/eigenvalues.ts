// Eigenvalues alone of a symmetric matrix, for hundreds of rows: made tridiagonal by reflections, then by implicit QR steps.
import { InternalError } from "../errors.ts";

/** In increasing order. Golub & Van Loan 2013, §8.3: Householder reduction (4/3 n³ flops), then QR with Wilkinson's shift on the two diagonals (of order n²). */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const { diagonal, beside } = tridiagonal(Float64Array.from(matrix), n);
  let end = n - 1;
  for (let steps = 0; end > 0; steps++) {
    if (steps > MOST_STEPS * n) throw new InternalError("eigenvalues of a symmetric matrix do not converge");
    if (isSmall(diagonal, beside, end - 1)) {
      beside[end - 1] = 0;
      end--;
      continue;
    }
    let start = end - 1;
    while (start > 0 && !isSmall(diagonal, beside, start - 1)) start--;
    step(diagonal, beside, start, end);
  }
  return diagonal.sort();
}
const MOST_STEPS = 60;

const isSmall = (d: Float64Array, e: Float64Array, i: number): boolean =>
  Math.abs(e[i]) <= Number.EPSILON * (Math.abs(d[i]) + Math.abs(d[i + 1]));

/** Reflections from the last row upwards; `a` is used up. */
function tridiagonal(a: Float64Array, n: number): { readonly diagonal: Float64Array; readonly beside: Float64Array } {
  const beside = new Float64Array(Math.max(0, n - 1));
  const v = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    let squares = 0;
    for (let i = k + 1; i < n; i++) squares += a[i * n + k] * a[i * n + k];
    const first = a[(k + 1) * n + k];
    const size = Math.sqrt(squares);
    beside[k] = first > 0 ? -size : size;
    const rest = squares - first * first;
    if (rest === 0) {
      beside[k] = first;
      continue;
    }
    v[k + 1] = first - beside[k];
    for (let i = k + 2; i < n; i++) v[i] = a[i * n + k];
    const scale = 2 / (v[k + 1] * v[k + 1] + rest);
    // Of the lower triangle alone: each element stands for two.
    for (let i = k + 1; i < n; i++) {
      let sum = a[i * n + i] * v[i];
      for (let j = k + 1; j < i; j++) {
        const x = a[i * n + j];
        sum += x * v[j];
        p[j] += x * v[i];
      }
      p[i] = sum;
    }
    let along = 0;
    for (let i = k + 1; i < n; i++) {
      p[i] *= scale;
      along += p[i] * v[i];
    }
    for (let i = k + 1; i < n; i++) p[i] -= (scale / 2) * along * v[i];
    for (let i = k + 1; i < n; i++) for (let j = k + 1; j <= i; j++) a[i * n + j] -= v[i] * p[j] + p[i] * v[j];
  }
  return { diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i]), beside };
}

/** One QR step with shift on rows `start` to `end`, the bulge chased down by rotations (algorithm 8.3.2). */
function step(d: Float64Array, e: Float64Array, start: number, end: number): void {
  const half = (d[end - 1] - d[end]) / 2;
  const root = Math.sqrt(half * half + e[end - 1] * e[end - 1]);
  const shift = d[end] - (e[end - 1] * e[end - 1]) / (half + (half < 0 ? -root : root));
  let x = d[start] - shift;
  let z = e[start];
  for (let k = start; k < end; k++) {
    const r = Math.sqrt(x * x + z * z);
    const [c, s] = r === 0 ? [1, 0] : [x / r, z / r];
    if (k > start) e[k - 1] = r;
    const [a, b, m] = [d[k], d[k + 1], e[k]];
    d[k] = c * c * a + 2 * c * s * m + s * s * b;
    d[k + 1] = s * s * a - 2 * c * s * m + c * c * b;
    e[k] = c * s * (b - a) + (c * c - s * s) * m;
    if (k < end - 1) {
      x = e[k];
      z = s * e[k + 1];
      e[k + 1] = c * e[k + 1];
    }
  }
}
