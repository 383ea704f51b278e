// The metric of the kinetic energy p' M⁻¹ p / 2: unit, diagonal or dense, with the parts of a leapfrog step that depend on it.
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Loops } from "./loops.ts";
import type { PhaseSpace, Point } from "./phase.ts";

export type MetricKind = "unit" | "diag" | "dense";

/** What a Hamiltonian needs of a metric. */
export interface Metric {
  readonly kind: MetricKind;
  /** M⁻¹: the diagonal, or the full matrix row-major. */
  inverse(): Float64Array;
  /** Takes M⁻¹ on. False: it is not positive definite, and the metric is as before. */
  update(inverse: Float64Array): boolean;
  /** p ~ Normal(0, M) at `z`, its velocity with it; returns the kinetic energy. */
  refresh(z: Point, rng: Rng): number;
  /** Half a kick and the drift: p' = p + h/2 g(q), q' = q + h M⁻¹ p'. */
  kickAndDrift(z: Point, step: number, next: Point): void;
  /** The second half kick, p = p' + h/2 g(q'), and the velocity; returns the kinetic energy. */
  kick(next: Point, step: number): number;
}

export function createMetric(kind: MetricKind, space: PhaseSpace): Metric {
  return kind === "dense" ? createDenseMetric(space) : new DiagonalMetric(kind, space);
}

class DiagonalMetric implements Metric {
  readonly kind: "unit" | "diag";
  private readonly loops: Loops;
  private readonly address: number;
  private readonly values: Float64Array;
  /** sqrt(M), the standard deviations of the momentum. */
  private readonly scale: Float64Array;

  constructor(kind: "unit" | "diag", space: PhaseSpace) {
    this.kind = kind;
    this.loops = space.loops;
    const { address, values } = space.createVector();
    this.address = address;
    this.values = values.fill(1);
    this.scale = new Float64Array(space.dimension).fill(1);
  }

  inverse(): Float64Array {
    return this.values.slice();
  }

  update(given: Float64Array): boolean {
    const { values, scale } = this;
    for (let i = 0; i < scale.length; i++) if (!(given[i] > 0 && given[i] < Number.POSITIVE_INFINITY)) return false;
    values.set(given);
    for (let i = 0; i < scale.length; i++) scale[i] = 1 / Math.sqrt(given[i]);
    return true;
  }

  refresh({ momentum: p, velocity: v }: Point, rng: Rng): number {
    const { values, scale } = this;
    rng.fillNormal(p);
    let twice = 0;
    for (let i = 0; i < scale.length; i++) {
      const pi = p[i] * scale[i];
      const vi = values[i] * pi;
      p[i] = pi;
      v[i] = vi;
      twice += pi * vi;
    }
    return twice / 2;
  }

  kickAndDrift(z: Point, step: number, next: Point): void {
    this.loops.kickAndDrift(z.address, next.address, this.address, step);
  }

  kick(next: Point, step: number): number {
    return this.loops.kick(next.address, this.address, step) / 2;
  }
}

function createDenseMetric(space: PhaseSpace): Metric {
  const { dimension, loops } = space;
  const { address, values: rows, rowLength } = space.createMatrix();
  /** L of M⁻¹ = L L', lower triangle row-major. */
  let factor = new Float64Array(dimension * dimension);
  let spare = new Float64Array(dimension * dimension);
  for (let i = 0; i < dimension; i++) rows[i * rowLength + i] = factor[i * dimension + i] = 1;
  const noise = new Float64Array(dimension);
  return {
    kind: "dense",
    inverse() {
      const whole = new Float64Array(dimension * dimension);
      for (let i = 0; i < dimension; i++) whole.set(rows.subarray(i * rowLength, i * rowLength + dimension), i * dimension);
      return whole;
    },
    update(given) {
      if (!cholesky(given, spare, dimension)) return false;
      const previous = factor;
      factor = spare;
      spare = previous;
      for (let i = 0; i < dimension; i++) rows.set(given.subarray(i * dimension, (i + 1) * dimension), i * rowLength);
      return true;
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
      return loops.velocity(z.address, address) / 2;
    },
    kickAndDrift(z, step, next) {
      loops.kickMomentum(z.address, next.address, step);
      loops.velocity(next.address, address);
      loops.drift(z.address, next.address, step);
    },
    kick(next, step) {
      loops.kickMomentum(next.address, next.address, step);
      return loops.velocity(next.address, address) / 2;
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
