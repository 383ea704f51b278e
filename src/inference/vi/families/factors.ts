// A symmetric matrix as a diagonal and a few directions, C ≈ Ψ + V V': principal factors (Harman 1976, chapter 8).

/** Rounds of orthogonal iteration, and of the diagonal in turn with it; where a fit begins, a rough answer will do. */
const ROUNDS = 30;
const SWEEPS = 5;
/** The least share of its bound that is left to Ψ. */
const LEAST = 0.2;

export interface PrincipalFactors {
  /** Diagonal of Ψ. */
  readonly diagonal: Float64Array;
  /** V, n x rank, row-major. */
  readonly directions: Float64Array;
}

/** `most`: what Ψ may not exceed, or C - Ψ would not be positive; it begins there. */
export function principalFactors(matrix: Float64Array, n: number, rank: number, most: Float64Array): PrincipalFactors {
  let diagonal: Float64Array = most.slice();
  const directions = new Float64Array(n * rank);
  // Columns of the identity, spread: any that are not orthogonal to what is sought.
  let basis: Float64Array[] = Array.from({ length: rank }, (_, k) =>
    Float64Array.from({ length: n }, (_v, i) => (i % rank === k ? 1 : 0.1 / (1 + i))),
  );
  for (let round = 0; round < ROUNDS; round++) {
    const sizes = new Float64Array(rank);
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      const images = basis.map((q) => reduced(matrix, diagonal, q, n));
      const next: Float64Array[] = [];
      images.forEach((x, k) => {
        for (const q of next) {
          const along = dot(q, x);
          for (let i = 0; i < n; i++) x[i] -= along * q[i];
        }
        const length = Math.sqrt(dot(x, x));
        next.push(length > 0 ? x.map((v) => v / length) : basis[k]);
      });
      basis = next;
    }
    basis.forEach((q, k) => {
      sizes[k] = Math.max(0, dot(q, reduced(matrix, diagonal, q, n)));
    });
    for (let i = 0; i < n; i++) for (let k = 0; k < rank; k++) directions[i * rank + k] = Math.sqrt(sizes[k]) * basis[k][i];
    diagonal = diagonal.map((_, i) => {
      let rest = matrix[i * n + i];
      for (let k = 0; k < rank; k++) rest -= directions[i * rank + k] * directions[i * rank + k];
      return Math.max(LEAST * most[i], Math.min(most[i], rest));
    });
  }
  return { diagonal, directions };
}

/** (C - Ψ) x. */
function reduced(matrix: Float64Array, diagonal: Float64Array, x: Float64Array, n: number): Float64Array {
  return x.map((v, i) => {
    let sum = -diagonal[i] * v;
    for (let j = 0; j < n; j++) sum += matrix[i * n + j] * x[j];
    return sum;
  });
}
function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
