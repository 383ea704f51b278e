// Warm-up: step size and metric learnt together. From draws in doubling windows (Stan), or from draws and gradients (nutpie).
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Hamiltonian } from "./hamiltonian.ts";
import { createRunningCovariance, createRunningVariance } from "./moments.ts";
import type { Point } from "./phase.ts";
import { type AveragingOptions, createStepSize, LARGEST_STEP, reasonableStepSize } from "./step-size.ts";
import { type WindowOptions, type Windows, warmupWindows } from "./windows.ts";

export interface WarmupOptions extends AveragingOptions, WindowOptions {
  readonly warmup: number;
  /** First guess of the step size. */
  readonly stepSize: number;
  readonly metricFrom: keyof typeof DIAGONAL_LEARNERS;
}

export interface Warmup {
  /** For the next transition. */
  readonly stepSize: number;
  /** No step from the start was too large. */
  readonly isFlat: boolean;
  /** After transition `iteration` (from 0), which ended in z. */
  learn(iteration: number, z: Point, acceptance: number, moved: boolean): void;
  /** After the last one: the step size is settled. */
  finish(): void;
}

export function createWarmup(hamiltonian: Hamiltonian, start: Point, options: WarmupOptions, rng: Rng): Warmup {
  // Without warm-up the step size is the user's.
  if (options.warmup === 0) return { stepSize: options.stepSize, isFlat: false, learn() {}, finish() {} };
  const learner = createMetricLearner(hamiltonian, start, options);
  const scratch = hamiltonian.space.createPoint();
  const stepSize = createStepSize(options.stepSize, options);
  const guess = (z: Point): void => stepSize.restart(reasonableStepSize(hamiltonian, z, scratch, stepSize.current, rng));
  guess(start);
  const isFlat = stepSize.current >= LARGEST_STEP;
  return {
    isFlat,
    get stepSize() {
      return stepSize.current;
    },
    learn(iteration, z, acceptance, moved) {
      stepSize.learn(acceptance);
      if (learner(iteration, z, moved)) guess(z);
    },
    finish() {
      stepSize.settle();
    },
  };
}

/** Takes in the draw of an iteration; true when the metric changed so much that the step size must be sought anew. */
type MetricLearner = (iteration: number, z: Point, moved: boolean) => boolean;

function createMetricLearner(hamiltonian: Hamiltonian, start: Point, options: WarmupOptions): MetricLearner {
  const { kind } = hamiltonian.metric;
  switch (kind) {
    case "unit":
      return () => false;
    case "dense":
      return learnCovariance(hamiltonian, options);
    case "diag":
      return DIAGONAL_LEARNERS[options.metricFrom](hamiltonian, options, start);
  }
}

const DIAGONAL_LEARNERS = {
  draws: learnVariances,
  gradients: (hamiltonian: Hamiltonian, options: WarmupOptions, start: Point): MetricLearner =>
    learnFromGradients(hamiltonian, options, { start, end: options.warmup - Math.floor(FINAL_FRACTION * options.warmup) }),
  both: learnFromBoth,
} as const;

/** A window's variance is drawn towards a small one as by five draws of variance 1e-3 (Stan's regularisation). */
const PRIOR_DRAWS = 5;
const PRIOR_VARIANCE = 1e-3;

function learnVariances(
  { metric, dimension }: Hamiltonian,
  options: WarmupOptions,
  _start?: Point,
  { slowBegin, slowEnd, windowEnds }: Windows = warmupWindows(options.warmup, options),
): MetricLearner {
  const variance = createRunningVariance(dimension);
  const inverse = new Float64Array(dimension);
  return (iteration, z) => {
    if (iteration < slowBegin || iteration >= slowEnd) return false;
    variance.add(z.position);
    if (!windowEnds.includes(iteration)) return false;
    const n = variance.count;
    const weight = n / (n + PRIOR_DRAWS);
    for (let i = 0; i < dimension; i++)
      inverse[i] = weight * (variance.squares[i] / Math.max(1, n - 1)) + (1 - weight) * PRIOR_VARIANCE;
    variance.reset();
    return metric.update(inverse);
  };
}

function learnCovariance({ metric, dimension }: Hamiltonian, options: WarmupOptions): MetricLearner {
  const { slowBegin, slowEnd, windowEnds } = warmupWindows(options.warmup, options);
  const covariance = createRunningCovariance(dimension);
  const { products } = covariance;
  const inverse = new Float64Array(dimension * dimension);
  return (iteration, z) => {
    if (iteration < slowBegin || iteration >= slowEnd) return false;
    covariance.add(z.position);
    if (!windowEnds.includes(iteration)) return false;
    const n = covariance.count;
    const weight = n / (n + PRIOR_DRAWS);
    const scale = weight / Math.max(1, n - 1);
    for (let i = 0; i < dimension; i++) {
      for (let j = 0; j <= i; j++) {
        const c = scale * products[i * dimension + j] + (i === j ? (1 - weight) * PRIOR_VARIANCE : 0);
        inverse[i * dimension + j] = inverse[j * dimension + i] = c;
      }
    }
    covariance.reset();
    return metric.update(inverse);
  };
}

/** Schedule of the metric from gradients: fractions of the warm-up, and draws between two restarts of the estimate. */
const EARLY_FRACTION = 0.3;
const FINAL_FRACTION = 0.15;
const EARLY_RESTART = 10;
const LATE_RESTART = 80;
/** A scale outside of these is no estimate of anything. */
const SMALLEST_SCALE = 1e-20;
const LARGEST_SCALE = 1e20;

/** Iterations that count, and the point from which a metric is guessed before the first draw; absent: it is the unit metric until then. */
interface GradientSpan {
  readonly start?: Point;
  readonly begin?: number;
  readonly end: number;
}

/**
 * The diagonal M⁻¹ = sqrt(var(q) / var(∇ log p)), which minimises the Fisher divergence between the transformed posterior and
 * a standard normal one; exact on a Gaussian with uncorrelated axes, and learnt from a few draws (Seyboldt, Carlson and
 * Carpenter 2025, "Preconditioning Hamiltonian Monte Carlo by minimizing Fisher divergence"). Updated after every draw, from
 * an estimate that forgets: two windows overlap, and the older one is dropped every 10 draws early on and 80 later.
 */
function learnFromGradients(
  { metric, dimension }: Hamiltonian,
  options: WarmupOptions,
  { start, begin = 0, end }: GradientSpan,
): MetricLearner {
  const earlyEnd = Math.floor(EARLY_FRACTION * options.warmup);
  const moments = () => ({ draws: createRunningVariance(dimension), gradients: createRunningVariance(dimension) });
  let foreground = moments();
  let background = moments();
  let isFirst = true;
  const inverse = new Float64Array(dimension);
  if (start !== undefined) {
    // Before any draw: as if the posterior were normal with the gradient at the start one standard deviation's.
    for (let i = 0; i < dimension; i++) {
      const scale = 1 / Math.abs(start.gradient[i]);
      inverse[i] = Math.min(1e10, Math.max(1e-10, scale > 0 ? scale : 1));
    }
    metric.update(inverse);
  } else inverse.fill(1);
  return (iteration, z, moved) => {
    if (iteration < begin || iteration >= end) return false;
    // A draw that did not move teaches nothing new of the scales.
    if (moved) {
      foreground.draws.add(z.position);
      foreground.gradients.add(z.gradient);
      background.draws.add(z.position);
      background.gradients.add(z.gradient);
    }
    const restart = iteration < earlyEnd ? EARLY_RESTART : LATE_RESTART;
    if (background.draws.count >= restart && iteration + restart <= end) {
      const emptied = foreground;
      foreground = background;
      background = emptied;
      background.draws.reset();
      background.gradients.reset();
    }
    if (foreground.draws.count < 3) return false;
    const { draws, gradients } = foreground;
    for (let i = 0; i < dimension; i++) {
      const scale = Math.sqrt(draws.squares[i] / gradients.squares[i]);
      if (scale > 0 && scale < Number.POSITIVE_INFINITY) inverse[i] = Math.min(LARGEST_SCALE, Math.max(SMALLEST_SCALE, scale));
    }
    metric.update(inverse);
    const seekStep = isFirst;
    isFirst = false;
    return seekStep;
  };
}

/** The chain has arrived when so many transitions in a row changed the log density by no more than draws of a typical set do: there its
 *  standard deviation is about sqrt(d / 2), and that of a difference sqrt(d). */
const CALM_TRANSITIONS = 10;
const isCalm = (change: number, dimension: number): boolean => Math.abs(change) <= 4 + 8 * Math.sqrt(dimension);

/**
 * Stan's windows until the chain has arrived, for far from the typical set gradients are of any size and a metric made of them does not
 * let go (an exponential hazard started at a slope of 1 a year has gradients of 1e20: chains never came back). Then gradients until the last window
 * begins and through it, for they find the scales in few draws; then the variances of that window, for axes that are correlated need the
 * marginal scale, and gradients tell the conditional one. bench/metrics.mjs measures it beside its parts.
 */
function learnFromBoth(hamiltonian: Hamiltonian, options: WarmupOptions): MetricLearner {
  const windows = warmupWindows(options.warmup, options);
  const { slowBegin, slowEnd, windowEnds } = windows;
  const lastBegin = windowEnds.length > 1 ? windowEnds[windowEnds.length - 2] + 1 : slowBegin;
  const draws = learnVariances(hamiltonian, options);
  const ofLastWindow = learnVariances(hamiltonian, options, undefined, {
    ...windows,
    slowBegin: lastBegin,
    windowEnds: windowEnds.slice(-1),
  });
  const gradients = learnFromGradients(hamiltonian, options, { begin: slowBegin, end: slowEnd - 1 });
  let before = Number.NaN;
  let calm = 0;
  let hasArrived = false;
  return (iteration, z, moved) => {
    calm = isCalm(z.logDensity - before, hamiltonian.dimension) ? calm + 1 : 0;
    before = z.logDensity;
    hasArrived ||= calm >= CALM_TRANSITIONS && iteration >= slowBegin && iteration <= lastBegin;
    if (!hasArrived) return draws(iteration, z, moved);
    const isSettled = ofLastWindow(iteration, z, moved);
    return isSettled || gradients(iteration, z, moved);
  };
}
