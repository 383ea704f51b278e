// Maximises a log density by L-BFGS (Nocedal 1980; Liu and Nocedal 1989) with a strong Wolfe line search.
import type { LogDensity } from "../../runtime/target.ts";
import { type Ray, strongWolfeStep } from "./line-search.ts";

export interface MaximizeOptions {
  readonly maxIterations: number;
  /** Pairs of steps and gradient changes kept. */
  readonly history: number;
  /** Stop when no element of the gradient is larger. */
  readonly gradientTolerance: number;
  /** Stop when the log density changes by less, relative to its size. */
  readonly relativeTolerance: number;
}
export interface Optimum {
  readonly position: Float64Array;
  readonly gradient: Float64Array;
  readonly logDensity: number;
  readonly iterations: number;
  readonly evaluations: number;
  readonly converged: boolean;
  /** Why it stopped, in words. */
  readonly reason: string;
}

/** Where an iteration arrived; the arrays are reused. */
export interface Iterate {
  readonly position: Float64Array;
  readonly gradient: Float64Array;
  readonly logDensity: number;
}

/** From `start`, where density and gradient must be finite. Yields at the start and after each iteration, so that whoever drives it may breathe;
 *  what it is sent says whether to go on. */
export function* climb(density: LogDensity, start: Float64Array, options: MaximizeOptions): Generator<Iterate, Optimum, boolean> {
  const n = density.dimension;
  const { history, maxIterations } = options;
  const x = start.slice();
  const g = new Float64Array(n);
  const direction = new Float64Array(n);
  const trial = new Float64Array(n);
  const trialGradient = new Float64Array(n);
  const steps = Array.from({ length: history }, () => new Float64Array(n));
  const changes = Array.from({ length: history }, () => new Float64Array(n));
  const curvatures = new Float64Array(history);
  const weights = new Float64Array(history);
  let pairs = 0;
  let newest = -1;
  let evaluations = 1;
  let value = density.evaluate(x, g);
  const ray: Ray = {
    value: Number.NaN,
    slope: Number.NaN,
    at(step) {
      for (let i = 0; i < n; i++) trial[i] = x[i] + step * direction[i];
      evaluations++;
      // f = -log p is minimised.
      this.value = -density.evaluate(trial, trialGradient);
      this.slope = -dot(trialGradient, direction);
    },
  };
  const finish = (iterations: number, converged: boolean, reason: string): Optimum => ({
    position: x,
    gradient: g,
    logDensity: value,
    iterations,
    evaluations,
    converged,
    reason,
  });

  if (!(yield { position: x, gradient: g, logDensity: value })) return finish(0, false, "it was interrupted");
  for (let iteration = 0; ; iteration++) {
    if (largest(g) <= options.gradientTolerance) return finish(iteration, true, "the gradient vanished");
    if (iteration === maxIterations) return finish(iteration, false, `it did not converge in ${maxIterations} iterations`);

    // Two-loop recursion: direction = H ∇ log p, uphill.
    direction.set(g);
    for (let k = 0; k < pairs; k++) {
      const at = (newest - k + history) % history;
      weights[at] = dot(steps[at], direction) / curvatures[at];
      axpy(-weights[at], changes[at], direction);
    }
    if (pairs > 0) {
      const scale = curvatures[newest] / dot(changes[newest], changes[newest]);
      for (let i = 0; i < n; i++) direction[i] *= scale;
    }
    for (let k = pairs - 1; k >= 0; k--) {
      const at = (newest - k + history) % history;
      axpy(weights[at] - dot(changes[at], direction) / curvatures[at], steps[at], direction);
    }
    let slope = -dot(g, direction);
    if (!(slope < 0)) {
      pairs = 0;
      direction.set(g);
      slope = -dot(g, g);
    }
    // Without curvature yet, a step of length one at most.
    const firstStep = pairs > 0 ? 1 : Math.min(1, 1 / Math.sqrt(dot(g, g)));
    let step = strongWolfeStep(ray, -value, slope, firstStep);
    if (step === 0 && pairs > 0) {
      // A stale curvature can spoil the direction: once more, straight uphill.
      pairs = 0;
      direction.set(g);
      slope = -dot(g, g);
      step = strongWolfeStep(ray, -value, slope, Math.min(1, 1 / Math.sqrt(-slope)));
    }
    if (step === 0) {
      // Where rounding hides any increase, as far as the numbers tell this is the top.
      const isTop = -slope <= 1e-8 * Math.max(1, Math.abs(value));
      return finish(
        iteration,
        isTop,
        isTop
          ? "no step increases the log density any more"
          : "no step increases the log density, though its gradient is not zero: it may be discontinuous, or unbounded",
      );
    }
    newest = (newest + 1) % history;
    for (let i = 0; i < n; i++) {
      steps[newest][i] = trial[i] - x[i];
      changes[newest][i] = g[i] - trialGradient[i];
    }
    curvatures[newest] = dot(steps[newest], changes[newest]);
    if (curvatures[newest] > 0) pairs = Math.min(pairs + 1, history);
    else {
      pairs = 0;
      newest = -1;
    }
    const before = value;
    value = -ray.value;
    x.set(trial);
    g.set(trialGradient);
    if (!(yield { position: x, gradient: g, logDensity: value })) return finish(iteration + 1, false, "it was interrupted");
    if (Math.abs(value - before) <= options.relativeTolerance * Math.max(1, Math.abs(value)))
      return finish(iteration + 1, true, "the log density no longer changes");
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function axpy(scale: number, x: Float64Array, y: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i] += scale * x[i];
}

function largest(x: Float64Array): number {
  let most = 0;
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]));
  return most;
}
