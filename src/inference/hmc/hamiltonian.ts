// The Hamiltonian H(q, p) = -log p(q) + p' M⁻¹ p / 2 and its leapfrog integrator (Neal 2011, section 5.2.3).
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { LogDensity } from "../../runtime/target.ts";
import type { Metric } from "./metric.ts";
import type { PhaseSpace, Point } from "./phase.ts";

export interface Hamiltonian {
  readonly dimension: number;
  readonly space: PhaseSpace;
  readonly metric: Metric;
  /** Evaluations of the log density with its gradient so far. */
  evaluations: number;
  /** Log density and gradient at z.position. */
  evaluate(z: Pick<Point, "position" | "gradient" | "logDensity">): void;
  /** A new momentum at z, and the energy there. */
  refresh(z: Point, rng: Rng): void;
  /** One step of signed size from z; every field of `next` is written, z is left alone. */
  leapfrog(z: Point, step: number, next: Point): void;
}

export function createHamiltonian(density: LogDensity, space: PhaseSpace, metric: Metric): Hamiltonian {
  return {
    dimension: density.dimension,
    space,
    metric,
    evaluations: 0,
    evaluate(z) {
      this.evaluations++;
      z.logDensity = density.evaluate(z.position, z.gradient);
    },
    refresh(z, rng) {
      z.energy = metric.refresh(z, rng) - z.logDensity;
    },
    leapfrog(z, step, next) {
      metric.kickAndDrift(z, step, next);
      this.evaluations++;
      const logDensity = density.evaluate(next.position, next.gradient);
      next.logDensity = logDensity;
      const kinetic = metric.kick(next, step);
      // A density of +Infinity is no more a point of the trajectory than one of zero.
      next.energy = logDensity < Number.POSITIVE_INFINITY ? kinetic - logDensity : Number.NaN;
    },
  };
}

/** Energy errors beyond this are divergences: Stan's threshold (Betancourt 2017, section 6.2, on why they tell of bias). */
export const DIVERGENCE_THRESHOLD = 1000;
