// What map and mle share: several starts, the best optimum, and whether the starts agree.
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { LogDensity, Target } from "../../runtime/target.ts";
import { defineOptions, type Options, type Result, type RunEngineContext, type Verdict } from "../engine.ts";
import { findStart } from "../hmc/start.ts";
import { negativeHessian, standardErrors } from "../optimize/hessian.ts";
import { climb, type Optimum } from "../optimize/lbfgs.ts";
import { initOption, radiusOf } from "./init.ts";
import { jointDensity } from "./joint-density.ts";

export const optimumOptions = defineOptions({
  starts: { type: "integer", default: 4, min: 1, doc: "runs from different starting points; the best is kept" },
  maxIterations: { type: "integer", default: 2000, min: 1, doc: "iterations of L-BFGS in each run" },
  history: { type: "integer", default: 10, min: 1, doc: "steps from which L-BFGS knows the curvature" },
  gradientTolerance: { type: "number", default: 1e-8, min: 0, doc: "stop when no element of the gradient is larger" },
  relativeTolerance: { type: "number", default: 1e-14, min: 0, doc: "stop when the log density changes by less, relatively" },
  standardErrors: { type: "boolean", default: false, doc: "standard errors from the curvature at the optimum, unconstrained" },
  init: initOption,
});

/** Of latents and of what is learnt beside them. */
export async function optimumOf(
  target: Target,
  kind: { readonly jacobian?: boolean; readonly prior?: boolean },
  options: Options<typeof optimumOptions>,
  context: RunEngineContext,
): Promise<Result> {
  const { density, begin, split } = await jointDensity(target, kind);
  try {
    const found = await findOptimum(density, options, context, begin);
    if (found.failure) {
      const at = found.failure.position && split(found.failure.position);
      return { ...found, failure: { ...found.failure, ...(at ? { position: at.position, parameters: at.fitted } : {}) } };
    }
    if (!found.point) return found;
    const { position, fitted } = split(found.point.position);
    return { ...found, point: { ...found.point, position }, fitted, start: { ...found.start, position } };
  } finally {
    density.dispose();
  }
}

/** Log densities closer than this are one optimum. */
const SAME = 1e-4;

export async function findOptimum(
  density: LogDensity,
  options: Options<typeof optimumOptions>,
  context: RunEngineContext,
  /** Where the last coordinates begin, which are no latents but learnt beside them. */
  begin?: (rng: Rng) => Float64Array,
): Promise<Result> {
  const { dimension } = density;
  const point = { position: new Float64Array(dimension), gradient: new Float64Array(dimension), logDensity: Number.NaN };
  const evaluator = {
    evaluate() {
      point.logDensity = density.evaluate(point.position, point.gradient);
    },
  };
  const radius = radiusOf(options.init, context.start !== undefined);
  const runs: Run[] = [];
  for (let start = 0; start < options.starts && !context.stop(); start++) {
    // A given start is one of them; the others are random, unless its file left no radius.
    const given = start === 0 || Number.isNaN(radius) ? context.start : undefined;
    if (start > 0 && given !== undefined) break;
    const stream = context.rng.split(`start ${start}`);
    const tail = begin && beginningOf(begin, stream, start, radius);
    const whole = given && tail && { ...given, position: Float64Array.of(...given.position, ...tail) };
    const failure = findStart(evaluator, point, radius, stream, whole ?? given, tail);
    if (failure !== undefined && start === 0) return { failure, verdicts: [], traces: {} };
    if (failure === undefined) runs.push(await climbFrom(point.position, start, density, options, context));
  }
  const rank = ({ optimum }: Run) => (Number.isNaN(optimum.logDensity) ? Number.NEGATIVE_INFINITY : optimum.logDensity);
  const [best] = [...runs].sort((a, b) => rank(b) - rank(a));
  if (best === undefined) return { failure: { reason: "it was interrupted before a start was found" }, verdicts: [], traces: {} };
  const { position, logDensity } = best.optimum;
  const optima = runs.map(({ optimum }) => optimum);
  const verdicts = [convergence(best.optimum), ...agreement(optima, best.optimum)];
  const traces: Record<string, Float64Array> = { logDensity: Float64Array.from(best.trace) };
  let scale: Float64Array | undefined;
  if (options.standardErrors) {
    scale = standardErrors(negativeHessian(density, position), dimension);
    if (scale !== undefined) traces.standardErrors = scale;
    else verdicts.push(notPeaked);
  }
  return {
    point: { position, logDensity, evaluations: optima.reduce((sum, { evaluations }) => sum + evaluations, 0) },
    start: { position, scale },
    verdicts,
    traces,
  };
}

/** As declared; from the second start on, what does not begin at random is moved by as much as latents are, so that components that begin alike
 *  do not stay so. */
function beginningOf(begin: (rng: Rng) => Float64Array, stream: Rng, start: number, radius: number): Float64Array {
  const own = begin(stream.split("parameters"));
  if (start === 0 || !(radius > 0)) return own;
  const other = begin(stream.split("other parameters"));
  const aside = stream.split("aside");
  return own.map((x, i) => (x === other[i] ? x + radius * (2 * aside.uniform() - 1) : x));
}

interface Run {
  readonly optimum: Optimum;
  /** Log density after each iteration. */
  readonly trace: readonly number[];
}

async function climbFrom(
  position: Float64Array,
  start: number,
  density: LogDensity,
  options: Options<typeof optimumOptions>,
  context: RunEngineContext,
): Promise<Run> {
  const trace: number[] = [];
  const run = climb(density, position, options);
  let step = run.next();
  while (!step.done) {
    const { logDensity } = step.value;
    trace.push(logDensity);
    const phase = `start ${start + 1}`;
    context.progress({ chain: 1, phase, done: start, total: options.starts, divergences: 0, loss: -logDensity });
    await context.breathe();
    step = run.next(!context.stop());
  }
  return { optimum: step.value, trace };
}

function convergence({ converged, reason, iterations }: Optimum): Verdict {
  return {
    what: "convergence",
    level: converged ? "pass" : "fail",
    value: iterations,
    advice: converged
      ? `converged after ${iterations} iterations: ${reason}`
      : `not converged after ${iterations} iterations: ${reason}. A hierarchical scale that shrinks to zero has no maximum; give it a prior that keeps it away from there, or sample with nuts.`,
  };
}

function agreement(optima: readonly Optimum[], best: Optimum): Verdict[] {
  const elsewhere = optima.filter((optimum) => optimum.converged && optimum.logDensity < best.logDensity - SAME);
  if (elsewhere.length === 0) return [];
  return [
    {
      what: "optima",
      level: "warn",
      value: elsewhere.length,
      advice: `${elsewhere.length} of ${optima.length} starts ended at a lower optimum: there are several, and the best one found may not be the highest. Try more (--starts).`,
    },
  ];
}

const notPeaked: Verdict = {
  what: "curvature",
  level: "warn",
  value: Number.NaN,
  advice:
    "the log density is not curved downwards in every direction at the optimum: no standard errors; some combination of parameters is not determined.",
};
