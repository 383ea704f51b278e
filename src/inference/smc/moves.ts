// Moves of particles that leave a bridging density invariant, their scales taken from the cloud (Buchholz, Chopin and Jacob 2021).
import { exp, log } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Tempered } from "../annealing/tempered.ts";
import { createHamiltonian } from "../hmc/hamiltonian.ts";
import { cholesky, createMetric } from "../hmc/metric.ts";
import { createPhaseSpace } from "../hmc/phase.ts";
import { createStaticKernel, SIZE_OF_STATIC } from "../hmc/static.ts";
import { isDense, type Shape } from "./cloud.ts";

/** One particle, moved in place. */
export interface Particle {
  readonly position: Float64Array;
  /** log p - log q there. */
  difference: number;
  /** log p there. */
  logDensity: number;
}
export interface Mover {
  /** Of the bridge, by now. */
  readonly evaluations: number;
  /** What the next moves are scaled by. */
  take(shape: Shape): void;
  /** One move at the temperature of the bridge; returns the acceptance. */
  move(particle: Particle, rng: Rng): number;
  /** Mean acceptance of some moves, from which the size of the next follows. */
  adapt(acceptance: number): void;
}
export const moveNames = ["hmc", "randomwalk", "independent"] as const;
export type MoveName = (typeof moveNames)[number];

export interface MoveOptions {
  readonly leapfrogSteps: number;
  readonly targetAccept: number;
}

export function moverOf(name: MoveName, tempered: Tempered, options: MoveOptions): Mover {
  switch (name) {
    case "hmc":
      return hamiltonianMoves(tempered, options);
    case "randomwalk":
      return new Metropolis(tempered, true);
    case "independent":
      return new Metropolis(tempered, false);
    default:
      return name satisfies never;
  }
}

/** Of a trajectory, in deviations: a quarter of the period of a normal well, after which a particle has forgotten where it was. */
const QUARTER = Math.PI / 2;
/** Of a logarithm of a scale, for a unit of acceptance that is missing, as batches go. */
const GAIN = 0.3;
/** Beyond it a trajectory is a single step. */
const LONGEST_STEP = log(QUARTER);
/** The least scale, so that a cloud from which nothing can move finds back. */
const LEAST = log(1e-6);

function hamiltonianMoves(tempered: Tempered, { leapfrogSteps, targetAccept }: MoveOptions): Mover {
  const { dimension: n } = tempered;
  const space = createPhaseSpace(n, {
    points: 1 + SIZE_OF_STATIC.points,
    vectors: 1 + SIZE_OF_STATIC.vectors,
    matrices: isDense(n) ? 1 : 0,
  });
  const metric = createMetric(isDense(n) ? "dense" : "diag", space);
  const hamiltonian = createHamiltonian(tempered, space, metric);
  const kernel = createStaticKernel(hamiltonian, space.createPoint(), QUARTER, leapfrogSteps);
  // An error of h² a coordinate in the energy adds up over them (Neal 2011, section 5.4.4).
  let logStep = -0.25 * log(n);
  return {
    get evaluations() {
      return hamiltonian.evaluations;
    },
    take: ({ covariance }) => void metric.update(covariance),
    move(particle, rng) {
      const { transition } = kernel;
      const start = transition.point;
      start.position.set(particle.position);
      hamiltonian.evaluate(start);
      const stepSize = exp(logStep);
      // Lengths vary, so that no trajectory closes on itself; the choice does not depend on where the particle is.
      kernel.step(stepSize * (0.8 + 0.4 * rng.uniform()), rng, stepSize);
      if (!transition.moved) return transition.acceptance;
      particle.position.set(transition.point.position);
      // The end of the trajectory was evaluated last.
      particle.difference = tempered.difference;
      particle.logDensity = transition.point.logDensity + (1 - tempered.beta) * tempered.difference;
      return transition.acceptance;
    },
    adapt(acceptance) {
      logStep = Math.min(LONGEST_STEP, Math.max(LEAST, logStep + GAIN * (acceptance - targetAccept)));
    },
  };
}

/** Steps, or draws about the mean, of a normal distribution with the cloud's covariance. */
class Metropolis implements Mover {
  evaluations = 0;
  readonly #tempered: Tempered;
  readonly #walks: boolean;
  readonly #noise: Float64Array;
  readonly #proposal: Float64Array;
  readonly #gradient: Float64Array;
  #mean: Float64Array;
  /** Lower triangle, row-major; or deviations. */
  #factor: Float64Array;
  #logScale: number;

  constructor(tempered: Tempered, walks: boolean) {
    const { dimension: n } = tempered;
    this.#tempered = tempered;
    this.#walks = walks;
    [this.#noise, this.#proposal, this.#gradient, this.#mean] = [0, 1, 2, 3].map(() => new Float64Array(n));
    this.#factor = new Float64Array(isDense(n) ? n * n : n);
    // The best scale of a random walk in a normal distribution (Roberts, Gelman and Gilks 1997).
    this.#logScale = walks ? log(2.38 / Math.sqrt(n)) : 0;
  }

  take({ mean, covariance, variance }: Shape): void {
    const { dimension: n } = this.#tempered;
    this.#mean = mean;
    if (!isDense(n)) this.#factor = variance.map(Math.sqrt);
    else {
      const factor = new Float64Array(n * n);
      if (cholesky(covariance, factor, n)) this.#factor = factor;
      else for (let k = 0; k < n; k++) this.#factor[k * n + k] = Math.sqrt(variance[k]);
    }
  }

  move(particle: Particle, rng: Rng): number {
    const tempered = this.#tempered;
    const { beta } = tempered;
    const noise = this.#noise;
    rng.fillNormal(noise);
    this.#propose(this.#walks ? particle.position : this.#mean);
    const here = particle.logDensity - (1 - beta) * particle.difference;
    const there = tempered.evaluate(this.#proposal, this.#gradient);
    this.evaluations++;
    let ratio = there - here;
    if (!this.#walks) {
      for (const x of noise) ratio += (x * x) / 2;
      ratio -= this.#squared(particle.position) / 2;
    }
    // A bad number is a number: NaN compares false, and +Infinity is no density.
    const acceptance = there < Number.POSITIVE_INFINITY && ratio > Number.NEGATIVE_INFINITY ? exp(Math.min(0, ratio)) : 0;
    if (rng.uniform() < acceptance) {
      particle.position.set(this.#proposal);
      particle.difference = tempered.difference;
      particle.logDensity = there + (1 - beta) * tempered.difference;
    }
    return acceptance;
  }

  adapt(acceptance: number): void {
    if (!this.#walks) return;
    // From 0.44 in one dimension to 0.234 in many (Gelman, Roberts and Gilks 1996).
    const target = 0.234 + 0.206 / this.#mean.length;
    this.#logScale = Math.max(LEAST, this.#logScale + GAIN * (acceptance - target));
  }

  /** `centre` + scale · L · noise. */
  #propose(centre: Float64Array): void {
    const scale = exp(this.#logScale);
    const [noise, factor, out] = [this.#noise, this.#factor, this.#proposal];
    const n = noise.length;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      if (factor.length === n && n > 1) sum = factor[i] * noise[i];
      else for (let j = 0; j <= i; j++) sum += factor[i * n + j] * noise[j];
      out[i] = centre[i] + scale * sum;
    }
  }

  /** ‖L⁻¹ (x - mean)‖². */
  #squared(x: Float64Array): number {
    const [factor, mean, solved] = [this.#factor, this.#mean, this.#gradient];
    const n = mean.length;
    let total = 0;
    for (let i = 0; i < n; i++) {
      let sum = x[i] - mean[i];
      if (factor.length === n && n > 1) sum /= factor[i];
      else {
        for (let j = 0; j < i; j++) sum -= factor[i * n + j] * solved[j];
        sum /= factor[i * n + i];
      }
      solved[i] = sum;
      total += sum * sum;
    }
    return total;
  }
}
