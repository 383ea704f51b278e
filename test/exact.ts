// Exact answers, by textbook formulas on plain arrays: what engines are compared with.

export type Matrix = readonly (readonly number[])[];

export const transpose = (a: Matrix): number[][] => a[0].map((_, j) => a.map((row) => row[j]));
export const product = (a: Matrix, b: Matrix): number[][] =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, x, k) => sum + x * b[k][j], 0)));
export const times = (a: Matrix, x: readonly number[]): number[] => a.map((row) => row.reduce((sum, v, j) => sum + v * x[j], 0));
export const diagonal = (values: readonly number[]): number[][] => values.map((v, i) => values.map((_, j) => (i === j ? v : 0)));
export const sum = (a: Matrix, b: Matrix): number[][] => a.map((row, i) => row.map((x, j) => x + b[i][j]));

/** Rows of a flat array. */
export const rowsOf = (flat: ArrayLike<number>, columns: number): number[][] =>
  Array.from({ length: flat.length / columns }, (_, i) => Array.from({ length: columns }, (_, j) => flat[i * columns + j]));

/** Lower factor of a positive definite matrix. */
export function factor(a: Matrix): number[][] {
  const l = a.map((row) => row.map(() => 0));
  for (let i = 0; i < a.length; i++)
    for (let j = 0; j <= i; j++) {
      const rest = a[i][j] - l[i].slice(0, j).reduce((s, x, k) => s + x * l[j][k], 0);
      l[i][j] = i === j ? Math.sqrt(rest) : rest / l[j][j];
    }
  return l;
}

/** A⁻¹ b for a positive definite A. */
export function solve(a: Matrix, b: readonly number[]): number[] {
  const l = factor(a);
  const y: number[] = [];
  for (let i = 0; i < b.length; i++) y.push((b[i] - y.reduce((s, v, k) => s + v * l[i][k], 0)) / l[i][i]);
  const x = new Array<number>(b.length).fill(0);
  for (let i = b.length - 1; i >= 0; i--) x[i] = (y[i] - x.reduce((s, v, k) => s + (k > i ? v * l[k][i] : 0), 0)) / l[i][i];
  return x;
}
export const inverse = (a: Matrix): number[][] => transpose(diagonal(a.map(() => 1)).map((e) => solve(a, e)));

/** Log density of a multivariate normal distribution; of many points, the sum. */
export const logNormal = (x: readonly number[], mean: readonly number[], covariance: Matrix): number =>
  logNormals([x], mean, covariance);
export function logNormals(points: Matrix, mean: readonly number[], covariance: Matrix): number {
  const l = factor(covariance);
  const constant = l.reduce((s, row, i) => s + Math.log(row[i]), 0) + 0.5 * mean.length * Math.log(2 * Math.PI);
  return points.reduce((total, x) => {
    // L y = x - mean.
    const y: number[] = [];
    for (let i = 0; i < x.length; i++) {
      let rest = x[i] - mean[i];
      for (let k = 0; k < i; k++) rest -= y[k] * l[i][k];
      y.push(rest / l[i][i]);
    }
    return total - 0.5 * y.reduce((s, v) => s + v * v, 0) - constant;
  }, 0);
}

/** Eigenvalues of a symmetric matrix, largest first, by Jacobi's rotations. */
export function eigenvalues(symmetric: Matrix): number[] {
  const a = symmetric.map((row) => [...row]);
  const n = a.length;
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p][q] * a[p][q];
    if (off < 1e-26) break;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        if (a[p][q] === 0) continue;
        const tau = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
        const c = 1 / Math.sqrt(1 + t * t);
        const s = t * c;
        for (let k = 0; k < n; k++) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
        for (let k = 0; k < n; k++) [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
      }
  }
  return a.map((row, i) => row[i]).sort((x, y) => y - x);
}

export const meanOf = (rows: Matrix): number[] =>
  transpose(rows).map((column) => column.reduce((s, v) => s + v, 0) / rows.length);
/** With the number of rows below: that of maximum likelihood. */
export function covarianceOf(rows: Matrix): number[][] {
  const mean = meanOf(rows);
  const centred = rows.map((row) => row.map((v, j) => v - mean[j]));
  return product(transpose(centred), centred).map((row) => row.map((v) => v / rows.length));
}

/** Maximum likelihood of probabilistic PCA with q components (Tipping and Bishop 1999, equations 7 and 8): log likelihood of all rows, and the
 *  standard deviation of the noise. */
export function probabilisticPca(rows: Matrix, q: number): { readonly logLikelihood: number; readonly noise: number } {
  const values = eigenvalues(covarianceOf(rows));
  const d = values.length;
  const variance = values.slice(q).reduce((s, v) => s + v, 0) / (d - q);
  const logs = values.slice(0, q).reduce((s, v) => s + Math.log(v), 0) + (d - q) * Math.log(variance);
  return { logLikelihood: -0.5 * rows.length * (d * Math.log(2 * Math.PI) + logs + d), noise: Math.sqrt(variance) };
}

/** log of n!. */
export const logFactorial = (n: number): number =>
  Array.from({ length: n }, (_, i) => Math.log(i + 1)).reduce((s, v) => s + v, 0);
/** log B(a, b), a and b whole. */
export const logBeta = (a: number, b: number): number => logFactorial(a - 1) + logFactorial(b - 1) - logFactorial(a + b - 1);

/** The bound of z[n] ~ Normal(means[n], deviations[n]), independent, for z ~ Normal(0, I) and x ~ Normal(W z + mu, s), of all rows:
 *  E log p(x | z) - KL(q || p). */
export function factorBound(
  x: Matrix,
  { W, mu, s }: { readonly W: Matrix; readonly mu: readonly number[]; readonly s: number },
  means: Matrix,
  deviations: Matrix,
): number {
  return x.reduce((total, row, n) => {
    const fitted = times(W, means[n]);
    const misfit = row.reduce((t, v, d) => t + (v - mu[d] - fitted[d]) ** 2, 0);
    const spread = W.reduce((t, w) => t + w.reduce((u, v, k) => u + (v * deviations[n][k]) ** 2, 0), 0);
    const likelihood = -0.5 * (row.length * Math.log(2 * Math.PI * s * s) + (misfit + spread) / (s * s));
    const rate = means[n].reduce((t, m, k) => t + 0.5 * (deviations[n][k] ** 2 + m * m - 1) - Math.log(deviations[n][k]), 0);
    return total + likelihood - rate;
  }, 0);
}
