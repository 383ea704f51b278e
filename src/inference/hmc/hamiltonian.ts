// The Hamiltonian H(q, p) = -log p(q) + p' M⁻¹ p / 2 and its leapfrog integrator (Neal 2011, section 5.2.3).
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { LogDensity } from "../../runtime/target.ts";
import type { Metric } from "./metric.ts";
import type { PhaseSpace, Point } from "./phase.ts";

/** A class, as are the others of the inner loop: methods are compiled once for all chains, closures again for each new one. */
export class Hamiltonian {
  readonly dimension: number;
  readonly space: PhaseSpace;
  readonly metric: Metric;
  /** Evaluations of the log density with its gradient so far. */
  evaluations = 0;
  private readonly density: LogDensity;

  constructor(density: LogDensity, space: PhaseSpace, metric: Metric) {
    this.dimension = density.dimension;
    this.space = space;
    this.metric = metric;
    this.density = density;
  }

  /** Log density and gradient at z.position. */
  evaluate(z: Pick<Point, "position" | "gradient" | "logDensity">): void {
    this.evaluations++;
    z.logDensity = this.density.evaluate(z.position, z.gradient);
  }

  /** A new momentum at z, and the energy there. */
  refresh(z: Point, rng: Rng): void {
    z.energy = this.metric.refresh(z, rng) - z.logDensity;
  }

  /** One step of signed size from z; every field of `next` is written, z is left alone. */
  leapfrog(z: Point, step: number, next: Point): void {
    this.metric.kickAndDrift(z, step, next);
    this.evaluations++;
    const logDensity = this.density.evaluate(next.position, next.gradient);
    next.logDensity = logDensity;
    const kinetic = this.metric.kick(next, step);
    // A density of +Infinity is no more a point of the trajectory than one of zero.
    next.energy = logDensity < Number.POSITIVE_INFINITY ? kinetic - logDensity : Number.NaN;
  }
}

export const createHamiltonian = (density: LogDensity, space: PhaseSpace, metric: Metric): Hamiltonian =>
  new Hamiltonian(density, space, metric);

/** Energy errors beyond this are divergences: Stan's threshold (Betancourt 2017, section 6.2, on why they tell of bias). */
export const DIVERGENCE_THRESHOLD = 1000;
