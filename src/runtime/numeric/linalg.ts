// Small dense linear algebra on the host; matrices are row-major Float64Arrays with their sizes beside them.

/** Lower factor of a symmetric positive definite n x n matrix, its lower triangle read, into `out` (zeros above). False where a pivot is
 *  not positive; `out` is then worthless. */
export function cholesky(a: ArrayLike<number>, n: number, out: Float64Array): boolean {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= out[i * n + k] * out[j * n + k];
      if (i > j) out[i * n + j] = sum / out[j * n + j];
      else if (sum > 0) out[i * n + i] = Math.sqrt(sum);
      else return false;
    }
    out.fill(0, i * n + i + 1, (i + 1) * n);
  }
  return true;
}

/** L⁻¹ b, L lower triangular n x n. */
export function solveLower(l: ArrayLike<number>, b: ArrayLike<number>, n: number): Float64Array {
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = b[i];
    for (let k = 0; k < i; k++) sum -= l[i * n + k] * x[k];
    x[i] = sum / l[i * n + i];
  }
  return x;
}

/** Thin factorisation A = Q R of a rows x columns matrix, rows >= columns, by Householder reflections (Golub & Van Loan, Matrix
 *  Computations, §5.2), R with a nonnegative diagonal. */
export function qr(a: ArrayLike<number>, rows: number, columns: number): { readonly q: Float64Array; readonly r: Float64Array } {
  const w = Float64Array.from(a);
  const scales = new Float64Array(columns);
  const diagonal = new Float64Array(columns);
  // column j below the diagonal holds v of H = I - scale v v'
  const reflect = (m: Float64Array, j: number, c: number): void => {
    let s = 0;
    for (let i = j; i < rows; i++) s += w[i * columns + j] * m[i * columns + c];
    s *= scales[j];
    for (let i = j; i < rows; i++) m[i * columns + c] -= s * w[i * columns + j];
  };
  for (let j = 0; j < columns; j++) {
    let greatest = 0;
    for (let i = j; i < rows; i++) greatest = Math.max(greatest, Math.abs(w[i * columns + j]));
    let square = 0;
    for (let i = j; i < rows; i++) square += (w[i * columns + j] / greatest) * (w[i * columns + j] / greatest);
    const norm = greatest === 0 ? 0 : greatest * Math.sqrt(square);
    const x = w[j * columns + j];
    diagonal[j] = x > 0 ? -norm : norm;
    w[j * columns + j] = x - diagonal[j];
    scales[j] = norm === 0 ? 0 : 1 / (norm * (norm + Math.abs(x)));
    for (let c = j + 1; c < columns; c++) reflect(w, j, c);
  }
  const q = new Float64Array(rows * columns);
  const r = new Float64Array(columns * columns);
  for (let j = 0; j < columns; j++) q[j * columns + j] = 1;
  for (let j = columns - 1; j >= 0; j--) for (let c = j; c < columns; c++) reflect(q, j, c);
  for (let i = 0; i < columns; i++) {
    const sign = diagonal[i] < 0 ? -1 : 1;
    r[i * columns + i] = Math.abs(diagonal[i]);
    for (let c = i + 1; c < columns; c++) r[i * columns + c] = sign * w[i * columns + c];
    if (sign < 0) for (let row = 0; row < rows; row++) q[row * columns + i] = -q[row * columns + i];
  }
  return { q, r };
}
