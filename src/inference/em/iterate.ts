// EM (Dempster, Laird and Rubin 1977): the posterior of the latents at the params, then params that raise the expectation of the log joint under
// it. The log evidence never falls. Steps are extrapolated (SQUAREM, Varadhan and Roland 2008, scheme S3) where that raises it further.
import type { LogDensity } from "../../runtime/target.ts";
import { climb } from "../optimize/lbfgs.ts";

/** The posterior of the latents at some params, as EM needs it. */
export interface Expectation {
  /** log p(x; θ) + the log density of the penalties: exact. */
  readonly objective: number;
  /** E log p(x, z; θ'), z from the posterior at the θ of this expectation; writes its gradient in θ'. */
  expect(theta: Float64Array, gradient: Float64Array): number;
}
export interface EmOptions {
  readonly iterations: number;
  /** Stop when what is left to gain, as far as the last steps tell, is less: in nats. */
  readonly tolerance: number;
  /** Iterations of L-BFGS in each M-step, at most. */
  readonly maximizations: number;
  readonly accelerate: boolean;
}
export interface EmRun<E extends Expectation> {
  readonly theta: Float64Array;
  readonly expectation: E;
  /** The objective at the start and after each iteration. */
  readonly trace: readonly number[];
  readonly converged: boolean;
  readonly evaluations: number;
  /** Why it stopped, in words. */
  readonly reason: string;
}

/** Rounding of sums over data, relative to them. */
const ROUNDING = 1e-12;

/** From θ and its expectation. `expectationAt` gives undefined where there is no posterior. Yields the objective after each iteration; what it
 *  is sent says whether to go on. */
export function* iterate<E extends Expectation>(
  start: { readonly theta: Float64Array; readonly expectation: E },
  expectationAt: (theta: Float64Array, before: E) => E | undefined,
  options: EmOptions,
): Generator<number, EmRun<E>, boolean> {
  let { theta, expectation } = start;
  const trace = [expectation.objective];
  let evaluations = 0;
  const finish = (converged: boolean, reason: string): EmRun<E> => ({
    theta,
    expectation,
    trace,
    converged,
    evaluations,
    reason,
  });
  /** The two points before, for the extrapolation and for the rate of convergence. */
  let path: Float64Array[] = [theta];
  let gains: number[] = [];
  for (let iteration = 1; iteration <= options.iterations; iteration++) {
    const step = maximize(expectation, theta, options.maximizations);
    evaluations += step.evaluations;
    const next = expectationAt(step.theta, expectation);
    const rounding = ROUNDING * Math.max(1, Math.abs(expectation.objective));
    if (next === undefined || !Number.isFinite(next.objective))
      return finish(false, "the params went to where the latents have no posterior; the likelihood may have no maximum");
    const gain = next.objective - expectation.objective;
    // The M-step cannot lower it; what is lower is rounding.
    if (gain <= 0) {
      if (gain < -rounding)
        return finish(false, "a step lowered the log evidence: the numbers are too large for it to be computed");
      return finish(true, NOTHING_LEFT);
    }
    theta = step.theta;
    expectation = next;
    path = [...path, theta];
    gains = [...gains, gain];
    trace.push(expectation.objective);
    if (!(yield expectation.objective)) return finish(false, "it was interrupted");
    if (gain <= rounding || left(gains) <= options.tolerance) return finish(true, "what is left to gain is below the tolerance");
    if (!options.accelerate || path.length < 3) continue;
    const far = extrapolated(path);
    const there = far && expectationAt(far, expectation);
    path = [theta];
    if (far && there && there.objective > expectation.objective) {
      theta = far;
      expectation = there;
      path = [theta];
      // An extrapolated step is long: its gain says nothing of the rate.
      trace[trace.length - 1] = expectation.objective;
    }
  }
  return finish(false, `it did not converge in ${options.iterations} iterations`);
}

const NOTHING_LEFT = "what is left to gain is below the tolerance";
/** Gains fall geometrically: the sum of those to come (Aitken; Böhning et al. 1994), at the slowest rate that the last ones show. */
function left(gains: readonly number[]): number {
  const recent = gains.slice(-RECENT);
  if (recent.length < RECENT) return Number.POSITIVE_INFINITY;
  const rate = recent.slice(1).reduce((most, gain, i) => Math.max(most, gain / recent[i]), LEAST_RATE);
  return rate >= 1 ? Number.POSITIVE_INFINITY : (recent[RECENT - 1] * rate) / (1 - rate);
}
const RECENT = 6;
/** A step may by chance be much better than those to come. */
const LEAST_RATE = 0.5;

/** θ0 - 2 a r + a² v, r = θ1 - θ0, v = θ2 - 2 θ1 + θ0, a = -‖r‖ / ‖v‖; undefined where that is no further than θ2. */
function extrapolated([x0, x1, x2]: readonly Float64Array[]): Float64Array | undefined {
  let [r2, v2] = [0, 0];
  for (let i = 0; i < x0.length; i++) {
    const r = x1[i] - x0[i];
    const v = x2[i] - 2 * x1[i] + x0[i];
    r2 += r * r;
    v2 += v * v;
  }
  const a = -Math.sqrt(r2 / v2);
  if (!(a < -1) || !Number.isFinite(a)) return undefined;
  return x0.map((x, i) => x - 2 * a * (x1[i] - x) + a * a * (x2[i] - 2 * x1[i] + x));
}

/** The last step of an M-step gains less than this share of all its steps: what follows is better spent on a new posterior. */
const WORTH = 0.01;

/** The M-step: L-BFGS uphill from θ. Any rise of the expectation is one of the evidence (generalised EM). */
export function maximize(
  { expect }: Expectation,
  theta: Float64Array,
  iterations: number,
): { readonly theta: Float64Array; readonly evaluations: number } {
  const density: LogDensity = { dimension: theta.length, evaluate: expect, dispose() {} };
  const options = { maxIterations: iterations, history: 10, gradientTolerance: 0, relativeTolerance: 0 };
  const run = climb(density, theta, options);
  let first = Number.NaN;
  let before = Number.NaN;
  let next = run.next();
  while (!next.done) {
    const { logDensity } = next.value;
    if (Number.isNaN(first)) first = logDensity;
    const isFlat = logDensity - before <= WORTH * (logDensity - first);
    before = logDensity;
    next = run.next(!isFlat);
  }
  return { theta: next.value.position, evaluations: next.value.evaluations };
}
