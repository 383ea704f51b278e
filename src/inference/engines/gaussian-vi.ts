// What meanfield, fullrank and lowrank share: a Gaussian family in unconstrained space, fitted to the posterior and judged.
import type { Target } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import type { Failure, Options, Result, RunEngineContext } from "../engine.ts";
import { cholesky } from "../hmc/metric.ts";
import { covarianceOf, deviationsOf } from "../optimize/quasi-newton-normal.ts";
import { boundName } from "../vi/bound-name.ts";
import { evaluateFamily, fitVerdict } from "../vi/evaluate.ts";
import { evidenceOf } from "../vi/evidence.ts";
import type { GaussianFamily, Start } from "../vi/families/gaussian.ts";
import { constrainedParameters, originOf, startingParameters, startingValues } from "../vi/parameters.ts";
import { type Training, train } from "../vi/train.ts";
import { DEFAULT_RADIUS } from "./init.ts";
import { bestPath, multiPath } from "./multi-path.ts";
import { evidenceIfProper } from "./prior-density.ts";
import { type gaussianOptions, trainingFrom } from "./training-options.ts";

export type GaussianOptions = Options<typeof gaussianOptions>;

export interface FittedGaussian {
  readonly family: GaussianFamily;
  readonly training: Training;
  /** The target with the parameters as they were learnt. */
  readonly target: Target;
  /** Constrained values of the parameters. */
  readonly parameters: Readonly<Record<string, Float64Array>>;
  readonly origin: Start;
}

/** Trains a family; `factored`: whether it begins at a full covariance where one is known. */
export async function trainGaussian(
  target: Target,
  options: GaussianOptions,
  context: RunEngineContext,
  makeFamily: (target: Target, start: Start) => GaussianFamily,
  factored = false,
): Promise<FittedGaussian | Failure> {
  const rng = context.rng;
  const initial = startingParameters(target, rng.split("parameters"), context.resume);
  const training = trainingFrom(target, options);
  // Where steps see few rows, a search over all of them costs too much.
  const isSearching = options.startAt === "pathfinder" || (options.startAt === "auto" && training.batch === undefined);
  const values = constrainedParameters(target, initial);
  const begin = originOf(target, context.resume) ?? (await startOf(target.fix(values), context, isSearching, factored));
  if ("reason" in begin) return { ...begin, parameters: values };
  const family = makeFamily(target, begin);
  const fit = await train(target, family, startingValues(target, family, rng, context.resume), training, {
    backend: context.backend ?? wasmBackend,
    rng: rng.split("training"),
    stop: context.stop,
    breathe: context.breathe,
    progress: (step, bound) =>
      context.progress({ chain: 1, phase: "training", done: step, total: training.steps, divergences: 0, bound }),
  });
  if (fit.failure !== undefined) return { reason: fit.failure };
  const parameters = constrainedParameters(target, fit.parameters);
  return { family, training: fit, target: target.fix(parameters), parameters, origin: begin };
}

export async function fitGaussian(
  target: Target,
  options: GaussianOptions,
  context: RunEngineContext,
  makeFamily: (target: Target, start: Start) => GaussianFamily,
  factored = false,
): Promise<Result> {
  const began = context.now();
  const fit = await trainGaussian(target, options, context, makeFamily, factored);
  if ("reason" in fit) return { failure: fit, verdicts: [], traces: {} };
  const trained = context.now();
  const evaluated = await evaluateFamily(
    fit.target,
    fit.family,
    fit.training.family,
    options.draws,
    context.rng.split("draws"),
    context,
  );
  const { logP, logQ, positions = new Float64Array(0) } = evaluated;
  const { dimension } = target;
  const verdict = fitVerdict(evaluated);
  const { evidence, figures } = evidenceOf(evaluated);
  const told = verdict.level === "fail" ? {} : evidenceIfProper(fit.target, evidence);
  return {
    chain: {
      chain: 1,
      dimension,
      draws: logP.length,
      positions,
      stats: { lp: logP, log_p: logP, log_g: logQ },
      seconds: { warmup: (trained - began) / 1000, sampling: (context.now() - trained) / 1000 },
      evaluations: fit.training.bounds.length * options.samples,
      interrupted: fit.training.interrupted || logP.length < options.draws,
      divergences: [],
    },
    fitted: { ...fit.parameters, ...fit.training.family },
    fittedShapes: Object.fromEntries(fit.family.parameters.map((p) => [p.name, p.shape])),
    origin: fit.origin,
    training: fit.training.state,
    start: { position: fit.family.mean(fit.training.family), scale: deviations(positions, dimension) },
    ...told,
    figures,
    verdicts: [verdict],
    notes: [...(told.notes ?? []), ...fit.training.notes],
    traces: { [boundName(options)]: fit.training.bounds },
  };
}

/** Standard deviation of each coordinate over the draws. */
function deviations(positions: Float64Array, dimension: number): Float64Array {
  const draws = positions.length / dimension;
  return Float64Array.from({ length: dimension }, (_, i) => {
    let mean = 0;
    for (let d = 0; d < draws; d++) mean += positions[d * dimension + i] / draws;
    let squares = 0;
    for (let d = 0; d < draws; d++) {
      const x = positions[d * dimension + i] - mean;
      squares += x * x;
    }
    return Math.sqrt(squares / Math.max(1, draws - 1));
  });
}

/** Beyond it a full covariance of the start is not worth its cubes. */
export const LARGEST_FACTOR = 500;

/** Where the family begins: at the best normal distribution of a few L-BFGS paths, or at a point with a finite density. */
export async function startOf(
  target: Target,
  context: RunEngineContext,
  isSearching: boolean,
  factored: boolean,
): Promise<Start | Failure> {
  const density = await target.density();
  const rng = context.rng.split("start");
  const options = {
    radius: DEFAULT_RADIUS,
    history: 6,
    elboDraws: 10,
    paths: isSearching ? 4 : 1,
    maxIterations: isSearching ? 1000 : 0,
  };
  try {
    const { paths, failure } = await multiPath(density, options, rng, context, context.start);
    if (failure !== undefined) return failure;
    const normal = bestPath(paths)?.normal;
    if (normal === undefined) return { position: paths[0]?.end ?? new Float64Array(target.dimension) };
    const { mean: position } = normal;
    const n = target.dimension;
    if (!factored || n > LARGEST_FACTOR) return { position, scale: deviationsOf(normal) };
    const factor = new Float64Array(n * n);
    return cholesky(covarianceOf(normal), factor, n) ? { position, factor } : { position, scale: deviationsOf(normal) };
  } finally {
    density.dispose();
  }
}
