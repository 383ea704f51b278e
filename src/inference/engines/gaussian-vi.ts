// What meanfield, fullrank and lowrank share: a Gaussian family in unconstrained space, fitted to the posterior and judged.
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Target } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import type { Failure, Options, Result, RunContext } from "../engine.ts";
import { findStart } from "../hmc/start.ts";
import type { Family } from "../vi/approximation.ts";
import { evaluateFamily, fitVerdict } from "../vi/evaluate.ts";
import type { Start } from "../vi/families/gaussian.ts";
import { constrainedParameters, initialParameters } from "../vi/parameters.ts";
import { train } from "../vi/train.ts";
import { trainingFrom, type trainingOptions } from "./training-options.ts";

type GaussianOptions = Options<typeof trainingOptions>;

export async function fitGaussian(
  target: Target,
  options: GaussianOptions,
  context: RunContext,
  makeFamily: (target: Target, start: Start) => Family,
): Promise<Result> {
  const began = context.now();
  const rng = context.rng;
  const initial = initialParameters(target, rng.split("parameters"));
  const start = await startOf(target.fix(constrainedParameters(target, initial)), rng.split("start"), context.start);
  if ("reason" in start) return { failure: start, verdicts: [], traces: {} };
  const family = makeFamily(target, start);
  const training = trainingFrom(target, options);
  const fit = await train(
    target,
    family,
    { parameters: initial, family: Object.fromEntries(family.parameters.map((p) => [p.name, p.initial(rng.split(p.name))])) },
    training,
    {
      backend: context.backend ?? wasmBackend,
      rng: rng.split("training"),
      stop: context.stop,
      progress: (step, bound) =>
        context.progress({ chain: 1, phase: "training", done: step, total: training.steps, divergences: 0, loss: -bound }),
    },
  );
  const traces = { elbo: fit.bounds };
  if (fit.failure !== undefined) return { failure: { reason: fit.failure }, verdicts: [], traces };
  const trained = context.now();
  const fitted = constrainedParameters(target, fit.parameters);
  const fixed = target.fix(fitted);
  const evaluated = await evaluateFamily(fixed, family, fit.family, options.draws, rng.split("draws"));
  const { logP, logQ, positions = new Float64Array(0) } = evaluated;
  return {
    chain: {
      chain: 1,
      dimension: target.dimension,
      draws: options.draws,
      positions,
      stats: { lp: logP, log_p: logP, log_g: logQ },
      seconds: { warmup: (trained - began) / 1000, sampling: (context.now() - trained) / 1000 },
      evaluations: fit.bounds.length * options.samples,
      interrupted: fit.interrupted,
      divergences: [],
    },
    fitted,
    start: { position: fit.family.mean },
    verdicts: [fitVerdict(evaluated)],
    traces,
  };
}

/** A point with a finite density, at which the family begins. */
async function startOf(target: Target, rng: Rng, given: Start | undefined): Promise<Start | Failure> {
  const { dimension } = target;
  const density = await target.density();
  const point = { position: new Float64Array(dimension), gradient: new Float64Array(dimension), logDensity: Number.NaN };
  const evaluator = {
    evaluate() {
      point.logDensity = density.evaluate(point.position, point.gradient);
    },
  };
  const failure = findStart(evaluator, point, 2, rng, given);
  density.dispose();
  return failure ?? { ...given, position: point.position };
}
