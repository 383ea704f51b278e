// The normal distribution that an L-BFGS path knows at one of its points: mean a Newton step away, covariance the inverse Hessian that the
// last steps tell (Zhang, Carpenter, Gelman and Vehtari 2022, algorithms 3 and 4).
import { log } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { cholesky } from "../hmc/metric.ts";

/** Steps s and changes y of the gradient of -log p, oldest first; y's > 0 in each. */
export interface CurvaturePair {
  readonly step: Float64Array;
  readonly change: Float64Array;
}
/** Normal(mean, D (I + Q (L L' - I) Q') D): D diagonal, Q of orthonormal columns, L lower triangular. */
export interface PathNormal {
  readonly mean: Float64Array;
  /** Diagonal of D. */
  readonly scale: Float64Array;
  /** Columns of Q. */
  readonly directions: readonly Float64Array[];
  /** L, row-major. */
  readonly factor: Float64Array;
  /** log |D| + log |L|. */
  readonly logScale: number;
}

/** Writes a draw, and returns its log density. */
export function drawNormal({ mean, scale, directions, factor, logScale }: PathNormal, rng: Rng, out: Float64Array): number {
  const n = mean.length;
  const r = directions.length;
  rng.fillNormal(out);
  const density = -0.5 * dot(out, out) - logScale - 0.5 * n * log(2 * Math.PI);
  const along = directions.map((q) => dot(q, out));
  for (let i = r - 1; i >= 0; i--) {
    let sum = -along[i];
    for (let j = 0; j <= i; j++) sum += factor[i * r + j] * along[j];
    axpy(sum, directions[i], out);
  }
  for (let i = 0; i < n; i++) out[i] = mean[i] + scale[i] * out[i];
  return density;
}

/** Log density at x: with w = D⁻¹ (x - mean), a = Q'w and L y = a the square is w'w - a'a + y'y. */
export function normalLogDensity({ mean, scale, directions, factor, logScale }: PathNormal, x: Float64Array): number {
  const n = mean.length;
  const r = directions.length;
  const w = x.map((v, i) => (v - mean[i]) / scale[i]);
  const a = directions.map((q) => dot(q, w));
  const y = new Float64Array(r);
  let square = dot(w, w);
  for (let i = 0; i < r; i++) {
    let sum = a[i];
    for (let j = 0; j < i; j++) sum -= factor[i * r + j] * y[j];
    y[i] = sum / factor[i * r + i];
    square += y[i] * y[i] - a[i] * a[i];
  }
  return -0.5 * square - logScale - 0.5 * n * log(2 * Math.PI);
}

/** Square roots of the covariance's diagonal. */
export function deviationsOf({ scale, directions, factor }: PathNormal): Float64Array {
  const r = directions.length;
  return scale.map((s, i) => {
    // d² = 1 + ‖L' q‖² - ‖q‖², q row i of Q.
    let square = 1;
    for (let k = 0; k < r; k++) {
      let sum = 0;
      for (let j = k; j < r; j++) sum += factor[j * r + k] * directions[j][i];
      square += sum * sum - directions[k][i] * directions[k][i];
    }
    return s * Math.sqrt(square);
  });
}

/** The covariance, row-major. */
export function covarianceOf({ scale, directions, factor }: PathNormal): Float64Array {
  const n = scale.length;
  const r = directions.length;
  // Q L, column by column.
  const turned = Array.from({ length: r }, (_, k) => {
    const column = new Float64Array(n);
    for (let j = k; j < r; j++) axpy(factor[j * r + k], directions[j], column);
    return column;
  });
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = i === j ? 1 : 0;
      for (let k = 0; k < r; k++) sum += turned[k][i] * turned[k][j] - directions[k][i] * directions[k][j];
      out[i * n + j] = out[j * n + i] = sum * scale[i] * scale[j];
    }
  return out;
}

/** The diagonal of the inverse Hessian after one more step (Gilbert and Lemaréchal 1989, equation 4.9). */
export function nextDiagonal(diagonal: Float64Array, { step: s, change: y }: CurvaturePair): Float64Array {
  const b = dot(y, s);
  let a = 0;
  let c = 0;
  for (let i = 0; i < s.length; i++) {
    a += y[i] * diagonal[i] * y[i];
    c += (s[i] * s[i]) / diagonal[i];
  }
  return diagonal.map((d, i) => 1 / (a / (b * d) + (y[i] * y[i]) / b - (a * s[i] * s[i]) / (b * c * d * d)));
}

/** Undefined where rounding leaves no positive definite covariance. `gradient` of log p at `position`. */
export function normalAt(
  position: Float64Array,
  gradient: Float64Array,
  diagonal: Float64Array,
  pairs: readonly CurvaturePair[],
): PathNormal | undefined {
  const n = position.length;
  const m = pairs.length;
  const scale = diagonal.map(Math.sqrt);
  // H⁻¹ = D² + B G B', B = [D² Y, S], G = [[0, -R⁻¹], [-R⁻ᵀ, R⁻ᵀ (E + Y' D² Y) R⁻¹]], R the upper triangle of S'Y, E its diagonal
  // (Byrd, Nocedal and Schnabel 1994, theorem 2.2). Below D⁻¹ B = Q T and D⁻¹ H⁻¹ D⁻¹ = I + Q T G T' Q'.
  const columns = [
    ...pairs.map(({ change }) => change.map((y, i) => y * scale[i])),
    ...pairs.map(({ step }) => step.map((s, i) => s / scale[i])),
  ];
  const inverse = upperInverse(pairs.map(({ step }, i) => pairs.map(({ change }, j) => (j < i ? 0 : dot(step, change)))));
  const inner = pairs.map((p, i) => pairs.map((_, j) => dot(columns[i], columns[j]) + (i === j ? dot(p.step, p.change) : 0)));
  const corner = product(product(transposed(inverse), inner), inverse);
  const g = Array.from({ length: 2 * m }, (_, i) =>
    Array.from({ length: 2 * m }, (_, j) => {
      if (i < m) return j < m ? 0 : -inverse[i][j - m];
      return j < m ? -inverse[j][i - m] : corner[i - m][j - m];
    }),
  );
  const { directions, triangle } = orthonormal(columns);
  const r = directions.length;
  const middle = product(product(triangle, g), transposed(triangle));
  const square = new Float64Array(r * r);
  for (let i = 0; i < r; i++)
    for (let j = 0; j < r; j++) square[i * r + j] = (middle[i][j] + middle[j][i]) / 2 + (i === j ? 1 : 0);
  const factor = new Float64Array(r * r);
  if (!cholesky(square, factor, r)) return undefined;
  // mean = position + H⁻¹ gradient.
  const scaled = gradient.map((v, i) => v * scale[i]);
  const along = directions.map((q) => dot(q, scaled));
  const moved = scaled.slice();
  directions.forEach((q, i) => {
    let sum = -along[i];
    for (let j = 0; j < r; j++) sum += square[i * r + j] * along[j];
    axpy(sum, q, moved);
  });
  const mean = position.map((x, i) => x + scale[i] * moved[i]);
  let logScale = 0;
  for (let i = 0; i < n; i++) logScale += log(scale[i]);
  for (let i = 0; i < r; i++) logScale += log(factor[i * r + i]);
  return Number.isFinite(logScale) && mean.every(Number.isFinite) ? { mean, scale, directions, factor, logScale } : undefined;
}

type Matrix = readonly (readonly number[])[];

/** Q and T with columns = Q T, by Gram and Schmidt twice; columns that add nothing are left out of Q. */
function orthonormal(columns: readonly Float64Array[]): { readonly directions: Float64Array[]; readonly triangle: number[][] } {
  const directions: Float64Array[] = [];
  const coefficients: number[][] = [];
  for (const column of columns) {
    const rest = column.slice();
    const own: number[] = directions.map(() => 0);
    for (let pass = 0; pass < 2; pass++)
      directions.forEach((q, k) => {
        const along = dot(q, rest);
        own[k] += along;
        axpy(-along, q, rest);
      });
    const length = Math.sqrt(dot(rest, rest));
    if (length > DEPENDENT * Math.sqrt(dot(column, column)) && directions.length < column.length) {
      directions.push(rest.map((x) => x / length));
      own.push(length);
    }
    coefficients.push(own);
  }
  const triangle = directions.map((_, i) => coefficients.map((own) => own[i] ?? 0));
  return { directions, triangle };
}
/** A column whose part that is new is smaller, relatively, is a sum of the others but for rounding. */
const DEPENDENT = 1e-10;

function upperInverse(r: Matrix): number[][] {
  const n = r.length;
  const out = r.map(() => new Array<number>(n).fill(0));
  for (let j = 0; j < n; j++)
    for (let i = j; i >= 0; i--) {
      let sum = i === j ? 1 : 0;
      for (let k = i + 1; k <= j; k++) sum -= r[i][k] * out[k][j];
      out[i][j] = sum / r[i][i];
    }
  return out;
}
const transposed = (a: Matrix): number[][] => (a[0] ?? []).map((_, j) => a.map((row) => row[j]));
const product = (a: Matrix, b: Matrix): number[][] =>
  a.map((row) => (b[0] ?? []).map((_, j) => row.reduce((sum, x, k) => sum + x * b[k][j], 0)));

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
function axpy(scale: number, x: Float64Array, y: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i] += scale * x[i];
}
