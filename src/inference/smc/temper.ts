// One run of tempered sequential Monte Carlo (Del Moral, Doucet and Jasra 2006): weighted, resampled and moved from the prior to the posterior.
import { exp, log } from "../../runtime/numeric/math.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Tempered } from "../annealing/tempered.ts";
import { logSumExp } from "../diagnostics/psis.ts";
import { type Cloud, largestCorrelation, shapeOf } from "./cloud.ts";
import type { Mover, Particle } from "./moves.ts";
import { nextStep, systematic } from "./weights.ts";

export interface TemperingOptions {
  /** Share of the particles that weights of a step are worth. */
  readonly threshold: number;
  /** Rounds of moves at a temperature, at most. */
  readonly maxMoves: number;
  /** Moves end when no coordinate is correlated more than this with what it was before them. */
  readonly correlation: number;
}
export interface Tempering {
  readonly logEvidence: number;
  /** After each resampling, from β_1 on; 1 at the end. */
  readonly betas: readonly number[];
  /** Mean acceptance, and rounds of moves, at each. */
  readonly acceptances: readonly number[];
  readonly rounds: readonly number[];
  /** Unconstrained, particles x dimension: draws of the posterior. */
  readonly positions: Float64Array;
  /** log p of each. */
  readonly logDensities: Float64Array;
  /** The draw of the prior that each descends from. */
  readonly origins: Int32Array;
}

/** Particles between batches after which the size of moves is corrected, and others get their turn. */
const BATCH = 25;
/** So many temperatures are those of a likelihood without bound. */
const MOST_TEMPERATURES = 2000;
/** Less than this share less correlation after a round, and since half of the rounds less than a part of what the first did: the rest is of modes between
 *  which nothing moves. Moves that are merely slow, as random walks in hundreds of dimensions, go on as they began. */
const STALLED = 0.005;
const SLOWED = 0.25;

/** Yields its temperature while it runs. A sentence in place of a result says why there is none. */
export function* temper(
  tempered: Tempered,
  mover: Mover,
  start: Float64Array,
  options: TemperingOptions,
  rng: Rng,
): Generator<number, Tempering | { readonly reason: string }, undefined> {
  const { dimension: n } = tempered;
  const count = start.length / n;
  const particles = evaluated(tempered, start);
  let [beta, logEvidence] = [0, 0];
  let origins = Int32Array.from({ length: count }, (_, i) => i);
  const betas: number[] = [];
  const acceptances: number[] = [];
  const rounds: number[] = [];
  const positions = new Float64Array(count * n);
  const cloud: Cloud = { count, dimension: n, positions };
  const before = new Float64Array(count * n);
  while (beta < 1) {
    const differences = Float64Array.from(particles, (p) => p.difference);
    const highest = differences.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    if (highest === Number.NEGATIVE_INFINITY) return { reason: noWeight(count) };
    if (highest === Number.POSITIVE_INFINITY) return { reason: INFINITE };
    const rest = 1 - beta;
    const step = nextStep(differences, options.threshold, rest);
    beta = step === rest ? 1 : beta + step;
    if (betas.length === MOST_TEMPERATURES) return { reason: ENDLESS };
    betas.push(beta);
    const logWeights = differences.map((x) => step * x);
    const total = logSumExp(logWeights);
    logEvidence += total - log(count);
    const weights = logWeights.map((w) => exp(w - total));
    particles.forEach(({ position }, i) => {
      positions.set(position, i * n);
    });
    mover.take(shapeOf(cloud, weights, 1 / weights.reduce((s, w) => s + w * w, 0)));
    const parents = systematic(weights, count, rng);
    origins = parents.map((i) => origins[i]);
    choose(particles, parents, positions);
    tempered.beta = beta;
    const moved = moveAll(mover, particles, cloud, before, options, rng);
    let round = moved.next();
    while (!round.done) {
      yield beta;
      round = moved.next();
    }
    acceptances.push(round.value.acceptance);
    rounds.push(round.value.rounds);
  }
  const logDensities = Float64Array.from(particles, (p) => p.logDensity);
  return { logEvidence, betas, acceptances, rounds, positions, logDensities, origins };
}
const noWeight = (count: number): string =>
  `all ${count} draws of the prior have weight 0: the data are impossible, or possible where the prior has too little mass for so few draws; try more --particles`;
const INFINITE = "the log density is infinite at one of the draws: it is no posterior";
const ENDLESS = `after ${MOST_TEMPERATURES} temperatures the posterior is not reached: the likelihood has no upper bound, is far narrower than the prior, or --threshold is too near to 1`;

function evaluated(tempered: Tempered, start: Float64Array): Particle[] {
  const { dimension: n } = tempered;
  const unused = new Float64Array(n);
  tempered.beta = 1;
  return Array.from({ length: start.length / n }, (_, i) => {
    const position = start.slice(i * n, (i + 1) * n);
    const logDensity = tempered.evaluate(position, unused);
    const { difference } = tempered;
    return { position, difference: Number.isNaN(difference) ? Number.NEGATIVE_INFINITY : difference, logDensity };
  });
}

/** Each particle becomes what its parent was; `positions` has all of them as they were. */
function choose(particles: readonly Particle[], parents: Int32Array, positions: Float64Array): void {
  const values = particles.map(({ difference, logDensity }) => ({ difference, logDensity }));
  particles.forEach((particle, i) => {
    const from = parents[i];
    const n = particle.position.length;
    particle.position.set(positions.subarray(from * n, (from + 1) * n));
    Object.assign(particle, values[from]);
  });
}

/** Rounds of one move of each, until the cloud has forgotten where it was. Leaves their positions in the cloud. */
function* moveAll(
  mover: Mover,
  particles: readonly Particle[],
  cloud: Cloud,
  before: Float64Array,
  { maxMoves, correlation }: TemperingOptions,
  rng: Rng,
): Generator<undefined, { readonly acceptance: number; readonly rounds: number }, undefined> {
  const { dimension: n, count, positions } = cloud;
  particles.forEach(({ position }, i) => {
    before.set(position, i * n);
  });
  let acceptance = 0;
  // Copies of one particle have no correlation with where it was: they are moved as often as they may be.
  const isOne = particles.every(({ position }) => position.every((x, k) => x === before[k]));
  const course: number[] = [];
  for (let rounds = 1; ; rounds++) {
    for (let from = 0; from < count; from += BATCH) {
      const batch = particles.slice(from, from + BATCH);
      let accepted = 0;
      for (const particle of batch) accepted += mover.move(particle, rng);
      acceptance += accepted / count;
      mover.adapt(accepted / batch.length);
      yield;
    }
    particles.forEach(({ position }, i) => {
      positions.set(position, i * n);
    });
    course.push(largestCorrelation(cloud, before));
    if (rounds >= maxMoves || (!isOne && (course[rounds - 1] <= correlation || hasStalled(course))))
      return { acceptance: acceptance / rounds, rounds };
  }
}

/** Of the correlations after each round. */
function hasStalled(course: readonly number[]): boolean {
  const rounds = course.length;
  if (rounds < 2) return false;
  const now = course[rounds - 1];
  const sinceHalf = course[Math.ceil(rounds / 2) - 1] - now;
  return now > (1 - STALLED) * course[rounds - 2] && sinceHalf < SLOWED * (1 - course[0]);
}
