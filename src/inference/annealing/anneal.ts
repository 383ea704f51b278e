// Annealed importance sampling (Neal 2001): draws of one density moved to another through all the densities between them, each move leaving
// its own invariant; the weights along the way have the ratio of the normalisers as their mean.
import { exp, log } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { createHamiltonian } from "../hmc/hamiltonian.ts";
import { createMetric } from "../hmc/metric.ts";
import { createPhaseSpace, type Point } from "../hmc/phase.ts";
import { createStaticKernel, SIZE_OF_STATIC } from "../hmc/static.ts";
import type { Kernel } from "../hmc/tree.ts";
import type { Tempered } from "./tempered.ts";

/** What is tuned before any chain whose weight counts: by temperature, from β_1 on. */
export interface Tuning {
  readonly stepSizes: Float64Array;
  /** Variances of the coordinates, temperatures x dimension. */
  readonly variances: Float64Array;
}
export interface AnnealingOptions {
  readonly betas: Float64Array;
  readonly leapfrogSteps: number;
  readonly targetAccept: number;
}

/** Particles, each with the kernel that moves it. */
export class Annealer {
  readonly #tempered: Tempered;
  readonly #options: AnnealingOptions;
  readonly #space: ReturnType<typeof createPhaseSpace>;
  readonly #hamiltonian: ReturnType<typeof createHamiltonian>;
  readonly #metric: ReturnType<typeof createMetric>;
  readonly #particles: { readonly start: Point; readonly kernel: Kernel }[] = [];

  constructor(tempered: Tempered, options: AnnealingOptions, particles: number) {
    this.#tempered = tempered;
    this.#options = options;
    this.#space = createPhaseSpace(tempered.dimension, {
      points: particles * (1 + SIZE_OF_STATIC.points),
      vectors: 1 + SIZE_OF_STATIC.vectors,
      matrices: 0,
    });
    this.#metric = createMetric("diag", this.#space);
    this.#hamiltonian = createHamiltonian(tempered, this.#space, this.#metric);
    for (let i = 0; i < particles; i++) {
      const start = this.#space.createPoint();
      this.#particles.push({
        start,
        kernel: createStaticKernel(this.#hamiltonian, start, Number.POSITIVE_INFINITY, options.leapfrogSteps),
      });
    }
  }

  get evaluations(): number {
    return this.#hamiltonian.evaluations;
  }

  /** Tunes on particles of their own, which go through the temperatures side by side: steps by their acceptance, metric by their spread. */
  *tune(positions: Float64Array, rng: Rng): Generator<undefined, Tuning, undefined> {
    const { betas, targetAccept } = this.#options;
    const n = this.#tempered.dimension;
    const count = this.#particles.length;
    this.#particles.forEach((_, i) => this.#place(i, positions.subarray(i * n, (i + 1) * n)));
    const spread = this.#spread();
    const stepSizes = new Float64Array(betas.length - 1);
    const variances = new Float64Array((betas.length - 1) * n);
    const longest = log(LONGEST / this.#options.leapfrogSteps);
    let logStep = longest;
    for (let t = 1; t < betas.length; t++) {
      this.#metric.update(spread);
      let accepted = 0;
      for (let i = 0; i < count; i++) accepted += this.#move(i, betas[t], exp(logStep), rng) / count;
      // Robbins and Monro with a constant gain: what is right changes along the way.
      logStep = Math.min(longest, logStep + GAIN * (accepted - targetAccept));
      stepSizes[t - 1] = exp(logStep);
      variances.set(spread, (t - 1) * n);
      const seen = this.#spread();
      for (let k = 0; k < n; k++) spread[k] += MEMORY * (seen[k] - spread[k]);
      yield;
    }
    return { stepSizes, variances };
  }

  /** One chain by what was tuned: writes its end, and returns the log weight. */
  *run(from: Float64Array, tuning: Tuning, rng: Rng, out: Float64Array): Generator<undefined, number, undefined> {
    const { betas } = this.#options;
    const n = this.#tempered.dimension;
    this.#place(0, from);
    let logWeight = 0;
    for (let t = 1; t < betas.length; t++) {
      const difference = this.#differenceAt(0, betas[t]);
      logWeight += (betas[t] - betas[t - 1]) * (Number.isNaN(difference) ? Number.NEGATIVE_INFINITY : difference);
      if (logWeight === Number.NEGATIVE_INFINITY) break;
      this.#metric.update(tuning.variances.subarray((t - 1) * n, t * n));
      this.#step(0, tuning.stepSizes[t - 1], rng);
      yield;
    }
    out.set(this.#particles[0].kernel.transition.point.position);
    return logWeight;
  }

  #place(i: number, position: Float64Array): void {
    this.#particles[i].kernel.transition.point.position.set(position);
  }

  /** log p - log q where the particle is; its density is that of β from now on. */
  #differenceAt(i: number, beta: number): number {
    this.#tempered.beta = beta;
    this.#hamiltonian.evaluate(this.#particles[i].kernel.transition.point);
    return this.#tempered.difference;
  }

  #step(i: number, stepSize: number, rng: Rng): number {
    const { kernel } = this.#particles[i];
    // Lengths vary, so that no trajectory closes on itself; the choice does not depend on where the particle is.
    kernel.step(stepSize * (0.8 + 0.4 * rng.uniform()), rng);
    return kernel.transition.acceptance;
  }

  /** A move at β; returns the acceptance. */
  #move(i: number, beta: number, stepSize: number, rng: Rng): number {
    this.#differenceAt(i, beta);
    return Number.isFinite(this.#particles[i].kernel.transition.point.logDensity) ? this.#step(i, stepSize, rng) : 0;
  }

  /** Variance of each coordinate over the particles; 1 where they agree. */
  #spread(): Float64Array {
    const n = this.#tempered.dimension;
    const count = this.#particles.length;
    return Float64Array.from({ length: n }, (_, k) => {
      let mean = 0;
      for (const { kernel } of this.#particles) mean += kernel.transition.point.position[k] / count;
      let squares = 0;
      for (const { kernel } of this.#particles) {
        const x = kernel.transition.point.position[k] - mean;
        squares += x * x;
      }
      return squares > 0 && squares < Number.POSITIVE_INFINITY ? squares / Math.max(1, count - 1) : 1;
    });
  }
}
/** Of a trajectory, in deviations. After a quarter of its period, π/2, a particle in a normal well has forgotten where it was; correlated
 *  coordinates take longer, and after a whole period it would be back. */
const LONGEST = 2;
/** Of the step size's logarithm, for each unit of acceptance that is missing. */
const GAIN = 0.2;
/** Share of the new spread in the metric. */
const MEMORY = 0.1;
