// The engine `em`: params that maximise the marginal likelihood, the latents integrated out exactly.

import { sizeOf } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Target } from "../../runtime/target.ts";
import { type EmOptions, type EmRun, iterate } from "../em/iterate.ts";
import { compileJoint, type Joint } from "../em/joint.ts";
import { expectationAt, type GaussianExpectation, type Structure, structureOf } from "../em/latents.ts";
import { defineEngine, type Failure, type Result, type RunEngineContext, type Verdict } from "../engine.ts";
import { initialParameters } from "../vi/parameters.ts";

export const em = defineEngine({
  name: "em",
  doc: `The params that maximise the marginal likelihood, by expectation and maximisation (Dempster, Laird and Rubin 1977). The latents are
integrated out exactly: they must be ones in which the log joint is quadratic, given the params (factor analysis, probabilistic PCA,
linear models with normal effects, linear dynamical systems); it is looked whether it is. The M-step is L-BFGS on the expected log
joint; its steps are extrapolated where that raises the log evidence further (SQUAREM, Varadhan and Roland 2008). The log evidence
never falls. The result is the params, the means of the latents given them, and the log evidence there.`,
  options: {
    iterations: { type: "integer", default: 2000, min: 1, doc: "iterations at most" },
    tolerance: { type: "number", default: 1e-4, min: 0, doc: "stop when less is left to gain, in nats of the log evidence" },
    maximizations: { type: "integer", default: 20, min: 1, doc: "iterations of L-BFGS in each M-step at most" },
    accelerate: { type: "boolean", default: true, doc: "extrapolate the steps (SQUAREM)" },
    starts: { type: "integer", default: 1, min: 1, doc: "runs from different params; the best is kept" },
  },
  unit: "run",
  discrete: "either",
  precision: "float64",
  refuse(target) {
    if (target.parameters.length > 0) return undefined;
    return "the model has no param: em maximises over params, and integrates over what has a ~. Declare what is to be learnt as param, or use map or nuts";
  },
  async run(target, options, context): Promise<Result> {
    const joint = await compileJoint(target);
    try {
      return await runStarts(joint, options, context);
    } finally {
      joint.dispose();
    }
  },
});

type Run = EmRun<GaussianExpectation>;
type StartingOptions = EmOptions & { readonly starts: number };

/** Optima closer than this are one, in nats. */
const SAME = 1e-2;

async function runStarts(joint: Joint, options: StartingOptions, context: RunEngineContext): Promise<Result> {
  const { rng } = context;
  const failed = (failure: Failure): Result => ({ failure, verdicts: [], traces: {} });
  let structure: Structure | undefined;
  const runs: Run[] = [];
  let reason = "it was interrupted before its first step";
  for (let start = 0; start < options.starts && !context.stop(); start++) {
    const theta = startingParams(joint.target, rng.split(`start ${start + 1}`), start);
    const u = new Float64Array(joint.latents);
    if (structure === undefined) {
      const found = structureOf(joint, theta, rng.split("structure"));
      if ("reason" in found) return failed(found);
      structure = found;
    }
    const expectation = expectationAt(joint, structure, theta, u);
    if (expectation === undefined || !Number.isFinite(expectation.objective)) {
      reason =
        "at the params that it begins with, the latents have no posterior: the log joint is not finite, or not curved downwards";
      continue;
    }
    runs.push(await runOne(joint, structure, { theta, expectation }, start, options, context));
  }
  const [best] = [...runs].sort((a, b) => b.expectation.objective - a.expectation.objective);
  return best === undefined ? failed({ reason }) : resultOf(joint, best, runs);
}

/** As declared; from the second start on, away from there. */
function startingParams(target: Target, rng: Rng, start: number): Float64Array {
  const initial = initialParameters(target, rng);
  const away = rng.split("away");
  const all = target.parameters.flatMap(({ name, unconstrained }) =>
    Array.from({ length: sizeOf(unconstrained) }, (_, i) => initial[name][i] + (start > 0 ? away.normal() : 0)),
  );
  return Float64Array.from(all);
}

async function runOne(
  joint: Joint,
  structure: Structure,
  begin: { readonly theta: Float64Array; readonly expectation: GaussianExpectation },
  start: number,
  options: StartingOptions,
  context: RunEngineContext,
): Promise<Run> {
  const run = iterate(begin, (theta, before) => expectationAt(joint, structure, theta, before.posterior.mean), options);
  const phase = options.starts > 1 ? `start ${start + 1}` : "iterations";
  let done = 0;
  let next = run.next();
  while (!next.done) {
    context.progress({ chain: 1, phase, done: ++done, total: options.iterations, divergences: 0, loss: -next.value });
    await context.breathe();
    next = run.next(!context.stop());
  }
  return next.value;
}

function resultOf(joint: Joint, best: Run, runs: readonly Run[]): Result {
  const { theta, expectation, trace, converged, reason } = best;
  const { posterior, objective } = expectation;
  const logEvidence = objective - joint.penalty(theta);
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
  return {
    fitted: joint.constrained(theta),
    point: {
      position: posterior.mean,
      logDensity: objective,
      evaluations: runs.reduce((sum, run) => sum + run.evaluations, 0),
    },
    start: { position: posterior.mean, scale: posterior.deviations },
    // A prior that lacks its normaliser leaves the evidence known but for a constant.
    ...(joint.normalised ? { evidence: { mean: logEvidence, se: 0 } } : {}),
    verdicts: [convergence, ...shrunk(joint, posterior), ...(elsewhere.length > 0 ? [agreement] : [])],
    traces: { logEvidence: Float64Array.from(trace) },
  };
}

/** A deviation of a latent relative to its size, below which only a likelihood that grows without bound takes it. */
const POINT = 1e-6;

function shrunk({ target }: Joint, { mean, deviations }: GaussianExpectation["posterior"]): Verdict[] {
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
