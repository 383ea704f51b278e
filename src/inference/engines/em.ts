// The engine `em`: params that maximise the marginal likelihood, the latents integrated out exactly.

import type { Target } from "../../runtime/target.ts";
import type { EStep, LatentExpectation } from "../em/e-step.ts";
import { finiteStep } from "../em/finite.ts";
import { type EmOptions, type EmRun, iterate } from "../em/iterate.ts";
import { quadraticStep } from "../em/latents.ts";
import { compileConstrained, startingTheta } from "../em/params.ts";
import { defineEngine, type Failure, type Result, type RunEngineContext, type Verdict } from "../engine.ts";
import { learntByModel } from "../vi/parameters.ts";

export const em = defineEngine({
  name: "em",
  doc: `The params that maximise the marginal likelihood, by expectation and maximisation (Dempster, Laird and Rubin 1977). The latents are
integrated out exactly. Given the params, the log joint must be quadratic in the continuous ones (factor analysis, probabilistic PCA,
linear models with normal effects, linear dynamical systems); it is looked whether it is. Discrete ones must be finite and independent from
row to row of their plate (mixtures): all their values are gone through. The M-step is L-BFGS on the expected log
joint; its steps are extrapolated where that raises the log evidence further (SQUAREM, Varadhan and Roland 2008). The log evidence
never falls. The result is the params, the means of the latents given them, and the log evidence there.`,
  options: {
    iterations: { type: "integer", default: 2000, min: 1, doc: "iterations at most" },
    tolerance: { type: "number", default: 1e-4, min: 0, doc: "stop when less is left to gain, in nats of the log evidence" },
    maximizations: { type: "integer", default: 20, min: 1, doc: "iterations of L-BFGS in each M-step at most" },
    accelerate: { type: "boolean", default: true, doc: "extrapolate the steps (SQUAREM)" },
    starts: {
      type: "integer",
      default: 0,
      min: 0,
      doc: "runs from different params, of which the best is kept; 0: one, or ten with discrete latents",
    },
  },
  unit: "run",
  discrete: "either",
  precision: "float64",
  resumes: true,
  refuse(target) {
    if (learntByModel(target).length > 0) return undefined;
    return "the model has no param to learn: em maximises over params, and integrates over what has a ~. Declare what is to be learnt as param, or use map or nuts";
  },
  async run(target, options, context): Promise<Result> {
    const { rng } = context;
    const theta = startingTheta(target, rng.split("start 1"), 0, context.resume);
    const make = target.discrete.length > 0 ? finiteStep : quadraticStep;
    const step = await make(target, theta, rng.split("structure"));
    if ("reason" in step) return { failure: step, verdicts: [], traces: {} };
    try {
      return await runStarts(target, step, options, context);
    } finally {
      step.dispose();
    }
  },
});

type Run = EmRun<LatentExpectation>;
type StartingOptions = EmOptions & { readonly starts: number };

/** Optima closer than this are one, in nats. */
const SAME = 1e-2;

async function runStarts(target: Target, step: EStep, options: StartingOptions, context: RunEngineContext): Promise<Result> {
  const { resume } = context;
  const starts = options.starts > 0 ? options.starts : resume ? 1 : step.starts;
  const runs: Run[] = [];
  let failure: Failure = { reason: "it was interrupted before its first step" };
  for (let start = 0; start < starts && !context.stop(); start++) {
    const away = start > 0 && step.starts === 1 ? 1 : 0;
    const declared = startingTheta(target, context.rng.split(`start ${start + 1}`), away, resume);
    const theta = step.begin(declared, start);
    const expectation = step.at(theta);
    if (expectation !== undefined && Number.isFinite(expectation.objective))
      runs.push(await runOne(step, { theta, expectation }, start, { ...options, starts }, context));
    else failure = { reason: NO_POSTERIOR };
  }
  const [best] = [...runs].sort((a, b) => b.expectation.objective - a.expectation.objective);
  if (best === undefined) return { failure, verdicts: [], traces: {} };
  const top = best.converged && !context.stop() ? await pastSaddle(step, best, { ...options, starts }, context) : best;
  return resultOf(
    target,
    step,
    top,
    runs.map((run) => (run === best ? top : run)),
  );
}

/** Of a start that treats loadings or components alike, EM keeps the symmetry, and converges to a saddle: pushed aside it climbs on, whereas it
 *  falls back to a maximum. */
async function pastSaddle(step: EStep, best: Run, options: StartingOptions, context: RunEngineContext): Promise<Run> {
  const rng = context.rng.split("aside");
  const theta = best.theta.map((x) => x + PUSH * rng.normal());
  const expectation = step.at(theta, best.expectation);
  if (expectation === undefined) return best;
  const higher = (run: Run): boolean => run.expectation.objective > best.expectation.objective + SAME;
  const aside = await runOne(step, { theta, expectation }, 0, { ...options, iterations: LOOK }, context);
  if (!higher(aside) || context.stop()) return best;
  const all = await runOne(step, aside, 0, options, context);
  // The evidence of the path that led here: up to the saddle, and on from where it is higher.
  const before = best.expectation.objective;
  const trace = [...best.trace, ...[...aside.trace, ...all.trace.slice(1)].filter((x) => x > before)];
  return { ...all, trace, evaluations: best.evaluations + aside.evaluations + all.evaluations };
}
const PUSH = 0.1;
/** Iterations in which a maximum is nearly reached again from so near. */
const LOOK = 20;
const NO_POSTERIOR =
  "at the params that it begins with, the latents have no posterior: the log joint is not finite, or not curved downwards. Give the params initial values, param s: positive = 1";

async function runOne(
  step: EStep,
  begin: { readonly theta: Float64Array; readonly expectation: LatentExpectation },
  start: number,
  options: StartingOptions,
  context: RunEngineContext,
): Promise<Run> {
  const run = iterate(begin, (theta, before) => step.at(theta, before), options);
  const phase = options.starts > 1 ? `start ${start + 1} of ${options.starts}` : "iterations";
  let done = 0;
  let next = run.next();
  while (!next.done) {
    context.progress({ chain: 1, phase, done: ++done, total: options.iterations, divergences: 0, loss: -next.value });
    await context.breathe();
    next = run.next(!context.stop());
  }
  return next.value;
}

async function resultOf(target: Target, step: EStep, best: Run, runs: readonly Run[]): Promise<Result> {
  const { theta, expectation, trace, converged, reason } = best;
  const { objective, position, deviations } = expectation;
  const elsewhere = runs.filter((run) => run.converged && run.expectation.objective < objective - SAME);
  const convergence: Verdict = {
    what: "convergence",
    level: converged ? "pass" : "fail",
    value: trace.length - 1,
    advice: `${converged ? "converged" : "not converged"} after ${trace.length - 1} iterations: ${reason}`,
  };
  const agreement: Verdict = {
    what: "optima",
    level: "warn",
    value: elsewhere.length,
    advice: `${elsewhere.length} of ${runs.length} starts ended at a lower optimum: there are several, and the best one found may not be the highest. Try more (--starts).`,
  };
  const constrained = await compileConstrained(target);
  const fitted = constrained.at(theta);
  constrained.dispose();
  return {
    fitted,
    point: { position, logDensity: objective, evaluations: runs.reduce((sum, run) => sum + run.evaluations, 0) },
    start: { position: position.subarray(0, target.dimension), scale: deviations },
    // A prior that lacks its normaliser leaves the evidence known but for a constant.
    ...(step.normalised ? { evidence: { mean: objective - step.penalty(theta), se: 0 } } : {}),
    verdicts: [convergence, ...shrunk(target, expectation), ...(elsewhere.length > 0 ? [agreement] : [])],
    traces: { logEvidence: Float64Array.from(trace) },
  };
}

/** A deviation of a latent relative to its size, below which only a likelihood that grows without bound takes it. */
const POINT = 1e-6;

function shrunk(target: Target, { position: mean, deviations }: LatentExpectation): Verdict[] {
  const names = target.layout
    .filter(({ offset, size }) => {
      const largest = mean.subarray(offset, offset + size).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      return deviations.subarray(offset, offset + size).some((d) => d < POINT * largest);
    })
    .map((slot) => slot.name);
  if (names.length === 0) return [];
  return [
    {
      what: "evidence",
      level: "fail",
      value: names.length,
      advice: `the posterior of ${[...new Set(names)].join(", ")} shrank to a point: the likelihood grows without bound, where a deviation goes to zero. Give that param a lower bound or a penalty (s ~ Gamma(2, 1)), or fewer latents`,
    },
  ];
}
