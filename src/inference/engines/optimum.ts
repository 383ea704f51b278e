// What map and mle share: several starts, the best optimum, and whether the starts agree.
import type { LogDensity } from "../../runtime/target.ts";
import { defineOptions, type Options, type Result, type RunContext, type Verdict } from "../engine.ts";
import { findStart } from "../hmc/start.ts";
import { negativeHessian, standardErrors } from "../optimize/hessian.ts";
import { maximize, type Optimum } from "../optimize/lbfgs.ts";

export const optimumOptions = defineOptions({
  starts: { type: "integer", default: 4, min: 1, doc: "runs from different starting points; the best is kept" },
  maxIterations: { type: "integer", default: 2000, min: 1, doc: "iterations of L-BFGS in each run" },
  history: { type: "integer", default: 10, min: 1, doc: "steps from which L-BFGS knows the curvature" },
  gradientTolerance: { type: "number", default: 1e-8, min: 0, doc: "stop when no element of the gradient is larger" },
  relativeTolerance: { type: "number", default: 1e-14, min: 0, doc: "stop when the log density changes by less, relatively" },
  standardErrors: { type: "boolean", default: false, doc: "standard errors from the curvature at the optimum, unconstrained" },
  init: {
    type: "string",
    default: "2",
    doc: "start uniformly within ± this of 0, unconstrained; or a JSON file of constrained values",
  },
});

/** Log densities closer than this are one optimum. */
const SAME = 1e-4;

export function findOptimum(density: LogDensity, options: Options<typeof optimumOptions>, context: RunContext): Result {
  const { dimension } = density;
  const point = { position: new Float64Array(dimension), gradient: new Float64Array(dimension), logDensity: Number.NaN };
  const evaluator = {
    evaluate() {
      point.logDensity = density.evaluate(point.position, point.gradient);
    },
  };
  const radius = Number(options.init);
  const optima: Optimum[] = [];
  const trace: number[] = [];
  for (let run = 0; run < options.starts && !context.stop(); run++) {
    // A given start is one of them; the others are random, unless its file left no radius.
    const given = run === 0 || Number.isNaN(radius) ? context.start : undefined;
    if (run > 0 && given !== undefined) break;
    const failure = findStart(evaluator, point, radius, context.rng.split(`start ${run}`), given);
    if (failure !== undefined && run === 0) return { failure, verdicts: [], traces: {} };
    if (failure !== undefined) continue;
    const optimum = maximize(density, point.position, options, (_, __, logDensity) => {
      if (run === 0) trace.push(logDensity);
      context.progress({
        chain: 1,
        phase: `start ${run + 1}`,
        done: run,
        total: options.starts,
        divergences: 0,
        loss: -logDensity,
      });
      return !context.stop();
    });
    optima.push(optimum);
  }
  const rank = (optimum: Optimum) => (Number.isNaN(optimum.logDensity) ? Number.NEGATIVE_INFINITY : optimum.logDensity);
  const [best] = [...optima].sort((a, b) => rank(b) - rank(a));
  if (best === undefined) return { failure: { reason: "it was interrupted before a start was found" }, verdicts: [], traces: {} };
  const verdicts = [convergence(best), ...agreement(optima, best)];
  const traces: Record<string, Float64Array> = { logDensity: Float64Array.from(trace) };
  let scale: Float64Array | undefined;
  if (options.standardErrors) {
    scale = standardErrors(negativeHessian(density, best.position), density.dimension);
    if (scale !== undefined) traces.standardErrors = scale;
    else verdicts.push(notPeaked);
  }
  return {
    point: { position: best.position, logDensity: best.logDensity },
    start: { position: best.position, scale },
    verdicts,
    traces,
  };
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
