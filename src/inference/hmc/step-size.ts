// The step size: a first guess, then Nesterov's dual averaging towards the target acceptance (Hoffman and Gelman 2014, section 3.2).
import { exp, log, pow } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Hamiltonian } from "./hamiltonian.ts";
import type { Point } from "./phase.ts";

/** Constants of the averaging; the defaults are those of the paper and of Stan. */
export interface AveragingOptions {
  readonly targetAccept: number;
  readonly gamma: number;
  readonly kappa: number;
  readonly t0: number;
}

export interface StepSize {
  /** To be used by the next transition. */
  current: number;
  /** Starts the averaging anew around `current`, or around a new guess. */
  restart(guess: number): void;
  learn(acceptance: number): void;
  /** Settles on the average; with nothing learnt since the restart it stays at the guess. */
  settle(): void;
}

export function createStepSize(initial: number, options: AveragingOptions): StepSize {
  const { targetAccept, gamma, kappa, t0 } = options;
  let mean = 0;
  let count = 0;
  let errorMean = 0;
  let logAverage = 0;
  const self: StepSize = {
    current: initial,
    restart(guess) {
      self.current = guess;
      // Biased towards large steps, whose acceptance is cheap to try.
      mean = log(10 * guess);
      count = 0;
      errorMean = 0;
      logAverage = 0;
    },
    learn(acceptance) {
      count++;
      // A transition whose every step was out of bounds has acceptance 0, a NaN cannot be told from it.
      const accepted = acceptance > 0 ? Math.min(1, acceptance) : 0;
      const weight = 1 / (count + t0);
      errorMean += weight * (targetAccept - accepted - errorMean);
      const logStep = mean - (errorMean * Math.sqrt(count)) / gamma;
      const fresh = pow(count, -kappa);
      logAverage += fresh * (logStep - logAverage);
      self.current = exp(logStep);
    },
    settle() {
      if (count > 0) self.current = exp(logAverage);
    },
  };
  self.restart(initial);
  return self;
}

/** Limits of a sensible search: beyond them the density is flat, or has no finite neighbourhood. */
export const LARGEST_STEP = 1e7;
const SMALLEST_STEP = 1e-300;

/**
 * Doubles or halves `guess` until one leapfrog step from `z` crosses an acceptance of 0.8, with a fresh momentum each time
 * (the heuristic of Hoffman and Gelman 2014, algorithm 4, with Stan's 0.8 for their 0.5). `scratch` is overwritten.
 */
export function reasonableStepSize(hamiltonian: Hamiltonian, z: Point, scratch: Point, guess: number, rng: Rng): number {
  const threshold = log(0.8);
  const isAccepted = (step: number): boolean => {
    hamiltonian.refresh(z, rng);
    hamiltonian.leapfrog(z, step, scratch);
    return z.energy - scratch.energy > threshold;
  };
  let step = guess;
  const grows = isAccepted(step);
  while (step < LARGEST_STEP && step > SMALLEST_STEP) {
    step = grows ? 2 * step : step / 2;
    if (isAccepted(step) !== grows) break;
  }
  return step;
}
