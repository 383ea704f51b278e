// The metric of the kinetic energy p' M⁻¹ p / 2: unit, diagonal or dense, with the loops of a leapfrog step that depend on it.
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Point } from "./phase.ts";

export type MetricKind = "unit" | "diag" | "dense";

/** What a Hamiltonian needs of a metric. `inverse` is M⁻¹: the diagonal, or the full matrix row-major. */
export interface Metric {
  readonly kind: MetricKind;
  readonly inverse: Float64Array;
  /** Call after `inverse` was written. False: it is not positive definite, and the metric is as before. */
  update(): boolean;
  /** p ~ Normal(0, M) at `z`, its velocity with it; returns the kinetic energy. */
  refresh(z: Point, rng: Rng): number;
  /** Half a kick and the drift: p' = p + h/2 g(q), q' = q + h M⁻¹ p'. */
  kickAndDrift(z: Point, step: number, next: Point): void;
  /** The second half kick, p = p' + h/2 g(q'), and the velocity; returns the kinetic energy. */
  kick(next: Point, step: number): number;
}

export function createMetric(kind: MetricKind, dimension: number): Metric {
  return kind === "dense" ? createDenseMetric(dimension) : createDiagonalMetric(kind, dimension);
}

function createDiagonalMetric(kind: "unit" | "diag", dimension: number): Metric {
  const inverse = new Float64Array(dimension).fill(1);
  /** sqrt(M), the standard deviations of the momentum. */
  const scale = new Float64Array(dimension).fill(1);
  return {
    kind,
    inverse,
    update() {
      for (let i = 0; i < dimension; i++) if (!(inverse[i] > 0 && inverse[i] < Number.POSITIVE_INFINITY)) return false;
      for (let i = 0; i < dimension; i++) scale[i] = 1 / Math.sqrt(inverse[i]);
      return true;
    },
    refresh(z, rng) {
      const { momentum: p, velocity: v } = z;
      rng.fillNormal(p);
      let twice = 0;
      for (let i = 0; i < dimension; i++) {
        const pi = p[i] * scale[i];
        const vi = inverse[i] * pi;
        p[i] = pi;
        v[i] = vi;
        twice += pi * vi;
      }
      return twice / 2;
    },
    kickAndDrift(z, step, next) {
      const { position: q, momentum: p, gradient: g } = z;
      const { position: qNext, momentum: pNext } = next;
      const half = step / 2;
      for (let i = 0; i < dimension; i++) {
        const pi = p[i] + half * g[i];
        pNext[i] = pi;
        qNext[i] = q[i] + step * (inverse[i] * pi);
      }
    },
    kick(next, step) {
      const { momentum: p, velocity: v, gradient: g } = next;
      const half = step / 2;
      let twice = 0;
      for (let i = 0; i < dimension; i++) {
        const pi = p[i] + half * g[i];
        const vi = inverse[i] * pi;
        p[i] = pi;
        v[i] = vi;
        twice += pi * vi;
      }
      return twice / 2;
    },
  };
}

function createDenseMetric(dimension: number): Metric {
  const inverse = new Float64Array(dimension * dimension);
  /** L of M⁻¹ = L L', lower triangle row-major. */
  const factor = new Float64Array(dimension * dimension);
  const previous = new Float64Array(dimension * dimension);
  for (let i = 0; i < dimension; i++) inverse[i * dimension + i] = factor[i * dimension + i] = 1;
  const noise = new Float64Array(dimension);

  function velocity(p: Float64Array, v: Float64Array): number {
    let twice = 0;
    for (let i = 0, at = 0; i < dimension; i++) {
      let sum = 0;
      for (let j = 0; j < dimension; j++, at++) sum += inverse[at] * p[j];
      v[i] = sum;
      twice += p[i] * sum;
    }
    return twice / 2;
  }
  return {
    kind: "dense",
    inverse,
    update() {
      previous.set(factor);
      if (cholesky(inverse, factor, dimension)) return true;
      factor.set(previous);
      return false;
    },
    refresh(z, rng) {
      // p = L'⁻¹ ε has covariance (L L')⁻¹ = M.
      rng.fillNormal(noise);
      const p = z.momentum;
      for (let i = dimension - 1; i >= 0; i--) {
        let sum = noise[i];
        for (let j = i + 1; j < dimension; j++) sum -= factor[j * dimension + i] * p[j];
        p[i] = sum / factor[i * dimension + i];
      }
      return velocity(p, z.velocity);
    },
    kickAndDrift(z, step, next) {
      const { position: q, momentum: p, gradient: g } = z;
      const { position: qNext, momentum: pNext, velocity: v } = next;
      const half = step / 2;
      for (let i = 0; i < dimension; i++) pNext[i] = p[i] + half * g[i];
      velocity(pNext, v);
      for (let i = 0; i < dimension; i++) qNext[i] = q[i] + step * v[i];
    },
    kick(next, step) {
      const { momentum: p, velocity: v, gradient: g } = next;
      const half = step / 2;
      for (let i = 0; i < dimension; i++) p[i] += half * g[i];
      return velocity(p, v);
    },
  };
}

/** A = L L' for a symmetric matrix, row-major; the upper triangle of L is left alone. False if A is not positive definite. */
export function cholesky(a: Float64Array, l: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k];
      if (i === j) {
        if (!(sum > 0 && sum < Number.POSITIVE_INFINITY)) return false;
        l[i * n + i] = Math.sqrt(sum);
      } else l[i * n + j] = sum / l[j * n + j];
    }
  }
  return true;
}
