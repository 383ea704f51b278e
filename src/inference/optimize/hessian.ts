// Curvature of a log density at a point, by central differences of its gradient.
import type { LogDensity } from "../../runtime/target.ts";
import { cholesky } from "../hmc/metric.ts";

/** ε^(1/3), the step at which truncation and rounding of a central difference balance. */
const RELATIVE_STEP = 6.055e-6;

/** -∇² log p, row-major and symmetrised. */
export function negativeHessian(density: LogDensity, at: Float64Array): Float64Array {
  const n = density.dimension;
  const x = at.slice();
  const up = new Float64Array(n);
  const down = new Float64Array(n);
  const hessian = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const step = RELATIVE_STEP * Math.max(1, Math.abs(at[i]));
    x[i] = at[i] + step;
    density.evaluate(x, up);
    const width = x[i] - (at[i] - step);
    x[i] = at[i] - step;
    density.evaluate(x, down);
    x[i] = at[i];
    for (let j = 0; j < n; j++) hessian[i * n + j] = (down[j] - up[j]) / width;
  }
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) hessian[i * n + j] = hessian[j * n + i] = (hessian[i * n + j] + hessian[j * n + i]) / 2;
  return hessian;
}

/** The inverse of a symmetric positive definite matrix, row-major; undefined where it is not positive definite. */
export function positiveInverse(matrix: Float64Array, n: number): Float64Array | undefined {
  const factor = new Float64Array(n * n);
  if (!cholesky(matrix, factor, n)) return undefined;
  const inverse = new Float64Array(n * n);
  for (let j = 0; j < n; j++)
    for (let i = j; i < n; i++) {
      let sum = i === j ? 1 : 0;
      for (let k = j; k < i; k++) sum -= factor[i * n + k] * inverse[k * n + j];
      inverse[i * n + j] = sum / factor[i * n + i];
    }
  // (L L')⁻¹ = L⁻ᵀ L⁻¹.
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += inverse[k * n + i] * inverse[k * n + j];
      out[i * n + j] = out[j * n + i] = sum;
    }
  return out;
}

/** Square roots of the diagonal of its inverse; undefined where it is not positive definite: no proper maximum. */
export function standardErrors(hessian: Float64Array, n: number): Float64Array | undefined {
  const factor = new Float64Array(n * n);
  if (!cholesky(hessian, factor, n)) return undefined;
  const errors = new Float64Array(n);
  const column = new Float64Array(n);
  // (L L')⁻¹ has the diagonal Σ_k (L⁻¹)_kj².
  for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let i = j; i < n; i++) {
      let value = i === j ? 1 : 0;
      for (let k = j; k < i; k++) value -= factor[i * n + k] * column[k];
      column[i] = value / factor[i * n + i];
      sum += column[i] * column[i];
    }
    errors[j] = Math.sqrt(sum);
  }
  return errors;
}
