// Small dense linear algebra on the host; matrices are row-major Float64Arrays with their sizes beside them.

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
