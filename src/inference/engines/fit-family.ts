// A family trained on the bound and judged by its draws: what engines do that build one of their own for models with discrete latents.
import type { Target } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import type { Failure, Options, Result, RunEngineContext } from "../engine.ts";
import type { Family } from "../vi/approximation.ts";
import { boundName } from "../vi/bound-name.ts";
import { estimatorNotes } from "../vi/estimators.ts";
import { evaluateFamily, fitVerdict } from "../vi/evaluate.ts";
import { evidenceOf } from "../vi/evidence.ts";
import type { Start } from "../vi/families/gaussian.ts";
import { constrainedParameters, originOf, startingParameters, startingValues } from "../vi/parameters.ts";
import { train } from "../vi/train.ts";
import { startOf } from "./gaussian-vi.ts";
import { DEFAULT_RADIUS } from "./init.ts";
import { evidenceIfProper } from "./prior-density.ts";
import { trainingFrom, type trainingOptions } from "./training-options.ts";

/** Where continuous latents begin: at the best normal distribution of a few L-BFGS paths, or, where discrete latents leave them without a density of
 *  their own, at random. */
export async function beginOf(target: Target, isSearching: boolean, context: RunEngineContext): Promise<Start | Failure> {
  const { dimension } = target;
  const before = originOf(target, context.resume);
  if (before) return before;
  if (dimension === 0) return { position: new Float64Array(0) };
  if (target.discrete.length === 0) {
    const initial = constrainedParameters(target, startingParameters(target, context.rng.split("parameters"), context.resume));
    return startOf(target.fix(initial), context, isSearching, false);
  }
  if (context.start) return { position: context.start.position.slice(0, dimension) };
  const rng = context.rng.split("start");
  return { position: Float64Array.from({ length: dimension }, () => DEFAULT_RADIUS * (2 * rng.uniform() - 1)) };
}

/** `origin`: of what the family is written in units. `continuous`: what a note calls the draws that have a path. */
export async function fitFamily(
  target: Target,
  family: Family,
  origin: Start,
  options: Options<typeof trainingOptions>,
  context: RunEngineContext,
  continuous: readonly string[],
): Promise<Result> {
  const { rng } = context;
  const training = trainingFrom(target, options);
  const began = context.now();
  const fit = await train(target, family, startingValues(target, family, rng, context.resume), training, {
    backend: context.backend ?? wasmBackend,
    rng: rng.split("training"),
    stop: context.stop,
    breathe: context.breathe,
    progress: (step, bound) =>
      context.progress({ chain: 1, phase: "training", done: step, total: training.steps, divergences: 0, bound }),
  });
  if (fit.failure !== undefined) return { failure: { reason: fit.failure }, verdicts: [], traces: {} };
  const trained = context.now();
  const parameters = constrainedParameters(target, fit.parameters);
  const fixed = target.fix(parameters);
  const evaluated = await evaluateFamily(fixed, family, fit.family, options.draws, rng.split("draws"), context);
  const { logP, logQ, positions = new Float64Array(0) } = evaluated;
  const advice = "Try more --steps, more --samples, --engine hierarchical with another --prior, or a guide.";
  const verdict = fitVerdict(evaluated, advice);
  const { evidence, figures } = evidenceOf(evaluated);
  const told = verdict.level === "fail" ? {} : evidenceIfProper(fixed, evidence);
  const sites = [
    ...target.discrete.map(({ name }) => ({ name, gradient: "score" as const })),
    ...continuous.map((name) => ({ name, gradient: "pathwise" as const })),
  ];
  return {
    chain: {
      chain: 1,
      dimension: target.width,
      draws: logP.length,
      positions,
      stats: { lp: logP, log_p: logP, log_g: logQ },
      seconds: { warmup: (trained - began) / 1000, sampling: (context.now() - trained) / 1000 },
      evaluations: fit.bounds.length * options.samples,
      interrupted: fit.interrupted || logP.length < options.draws,
      divergences: [],
    },
    fitted: { ...parameters, ...fit.family },
    origin,
    training: fit.state,
    fittedShapes: Object.fromEntries(family.parameters.filter((p) => p.shape.length > 1).map((p) => [p.name, p.shape])),
    ...told,
    figures,
    verdicts: [verdict],
    notes: [...(told.notes ?? []), ...fit.notes, ...estimatorNotes(sites, options.samples, training.objective)],
    traces: { [boundName(options)]: fit.bounds },
  };
}
