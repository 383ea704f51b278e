// Normalised densities that resemble the posterior, to draw from and to anneal from: fitted families, curvature at the mode, the prior.
import { InternalError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { LogDensity, Target } from "../../runtime/target.ts";
import type { Failure, Result, RunEngineContext, Start } from "../engine.ts";
import { cholesky } from "../hmc/metric.ts";
import { negativeHessian, positiveInverse } from "../optimize/hessian.ts";
import { covarianceOf, deviationsOf, type PathNormal } from "../optimize/quasi-newton-normal.ts";
import { defaultsOf } from "../options.ts";
import { boundName } from "../vi/bound-name.ts";
import { compiledDensity } from "../vi/compiled-density.ts";
import type { DrawContext } from "../vi/each-draw.ts";
import { drawFamily } from "../vi/evaluate.ts";
import { fullRank } from "../vi/families/full-rank.ts";
import { type GaussianFamily, type Start as NormalStart, standardNormal } from "../vi/families/gaussian.ts";
import { lowRank } from "../vi/families/low-rank.ts";
import { meanField } from "../vi/families/mean-field.ts";
import { rowMeanField } from "../vi/families/row-mean-field.ts";
import { learntByModel } from "../vi/parameters.ts";
import { type GaussianOptions, LARGEST_FACTOR, trainGaussian } from "./gaussian-vi.ts";
import { DEFAULT_RADIUS } from "./init.ts";
import { bestPath, multiPath } from "./multi-path.ts";
import { findOptimum, optimumOptions } from "./optimum.ts";
import { compiledPrior, refusePrior } from "./prior-density.ts";

export const proposals = ["meanfield", "fullrank", "lowrank", "laplace", "pathfinder"] as const;
export type ProposalName = (typeof proposals)[number] | "prior";

export interface Proposal {
  /** log q, normalised, with its gradient; -inf outside. */
  readonly density: LogDensity;
  /** Unconstrained, count x dimension, with log q of each; fewer where the context, if one is given, says stop. */
  draw(
    count: number,
    rng: Rng,
    context?: DrawContext,
  ): Promise<{ readonly positions: Float64Array; readonly logQ: Float64Array }>;
  /** What training learnt besides: constrained values of the model's parameters. */
  readonly parameters: Readonly<Record<string, Float64Array>>;
  /** The target with these parameters. */
  readonly target: Target;
  readonly traces: Result["traces"];
}

/** Why there is no such proposal, in words. */
export function refuseProposal(target: Target, name: ProposalName): string | undefined {
  const isTrained = name === "meanfield" || name === "fullrank" || name === "lowrank";
  const learnt = learntByModel(target);
  if (learnt.length > 0 && !isTrained)
    return `${learnt.map((p) => p.name).join(", ")} of the model ${learnt.length > 1 ? "are" : "is"} to be learnt, which ${name} does not do: take meanfield, fullrank or lowrank`;
  return name === "prior" ? refusePrior(target) : undefined;
}

/** Rank of the proposal `lowrank`. */
const RANK = 5;

export async function proposalOf(
  target: Target,
  name: ProposalName,
  options: GaussianOptions,
  context: RunEngineContext,
): Promise<Proposal | Failure> {
  switch (name) {
    case "meanfield":
      return fitted(options, await trainGaussian(target, options, context, options.batch > 0 ? rowMeanField : meanField));
    case "fullrank":
      return fitted(options, await trainGaussian(target, options, context, fullRank, true));
    case "lowrank":
      return fitted(
        options,
        await trainGaussian(target, options, context, (t, start) => lowRank(t, start, Math.min(RANK, t.dimension)), true),
      );
    case "laplace": {
      const found = await laplaceStart(target, defaultsOf(optimumOptions), context);
      return "reason" in found ? found : fromFamily(target, standardNormal(target, found.start), {});
    }
    case "pathfinder": {
      const density = await target.density();
      const search = { radius: DEFAULT_RADIUS, history: 6, elboDraws: 25, paths: 4, maxIterations: 1000 };
      const { paths, failure } = await multiPath(density, search, context.rng.split("start"), context, context.start);
      density.dispose();
      if (failure) return failure;
      const normal = bestPath(paths)?.normal;
      if (!normal) return { reason: "no path of Pathfinder found a normal distribution with a finite bound" };
      return fromFamily(target, standardNormal(target, startAt(normal)), {});
    }
    case "prior":
      return priorProposal(target, context.rng.split("trial"));
    default:
      return name satisfies never;
  }
}

async function fitted(options: GaussianOptions, fit: Awaited<ReturnType<typeof trainGaussian>>): Promise<Proposal | Failure> {
  if ("reason" in fit) return fit;
  const own = await fromFamily(fit.target, fit.family, fit.training.family);
  return { ...own, parameters: fit.parameters, traces: { [boundName(options)]: fit.training.bounds } };
}

async function fromFamily(
  target: Target,
  family: GaussianFamily,
  parameters: Readonly<Record<string, Float64Array>>,
): Promise<Proposal> {
  const b = createBuilder();
  const q = b.input("q", { shape: [target.dimension], dtype: "real" });
  const own = Object.fromEntries(family.parameters.map((p) => [p.name, b.tensor(parameters[p.name], p.shape)]));
  return {
    density: await compiledDensity(b, q, family.logDensity(b, own, q)),
    draw: (count, rng, context) => drawFamily(family, parameters, count, rng, context),
    parameters: {},
    target,
    traces: {},
  };
}

/** Draws of the prior, with its density; `rng` is for a trial of whether there are any. */
export async function priorProposal(target: Target, rng: Rng): Promise<Proposal | Failure> {
  // What cannot be drawn is said before anything is compiled.
  const first = await target.simulatePrior(rng);
  if ("refusal" in first) return { reason: first.refusal };
  const density = await compiledPrior(target);
  const n = target.dimension;
  return {
    density,
    async draw(count, rng, context) {
      const positions = new Float64Array(count * n);
      const logQ = new Float64Array(count);
      const unused = new Float64Array(n);
      let made = 0;
      for (; made < count && !context?.stop(); made++) {
        const drawn = await target.simulatePrior(rng);
        if ("refusal" in drawn) throw new InternalError(`a prior that could be drawn from, and cannot: ${drawn.refusal}`);
        // Behind the coordinates stand discrete latents, which the density sums out.
        const position = drawn.position.subarray(0, n);
        positions.set(position, made * n);
        logQ[made] = density.evaluate(position, unused);
        await context?.breathe();
      }
      return { positions: positions.subarray(0, made * n), logQ: logQ.subarray(0, made) };
    },
    parameters: {},
    target,
    traces: {},
  };
}

/** A covariance in full where that is cheap; otherwise its diagonal. */
export function startAt(normal: PathNormal): NormalStart {
  const n = normal.mean.length;
  const position = normal.mean;
  const factor = new Float64Array(n <= LARGEST_FACTOR ? n * n : 0);
  if (n <= LARGEST_FACTOR && cholesky(covarianceOf(normal), factor, n)) return { position, factor };
  return { position, scale: deviationsOf(normal) };
}

export interface Curved {
  readonly start: NormalStart & { readonly factor: Float64Array };
  readonly mode: NonNullable<Result["point"]>;
  readonly verdicts: Result["verdicts"];
  readonly begin: Start;
}

/** Mode and curvature of the density of the unconstrained coordinates. */
export async function laplaceStart(
  target: Target,
  options: Parameters<typeof findOptimum>[1],
  context: RunEngineContext,
): Promise<Curved | Failure> {
  const density = await target.density();
  try {
    const optimum = await findOptimum(density, { ...options, standardErrors: false }, context);
    if (optimum.failure) return optimum.failure;
    const mode = optimum.point;
    if (!mode) return { reason: "no mode was found" };
    const n = target.dimension;
    const covariance = positiveInverse(negativeHessian(density, mode.position), n);
    const factor = new Float64Array(n * n);
    if (!covariance || !cholesky(covariance, factor, n))
      return {
        reason:
          "the log density is not curved downwards in every direction where it is highest, so there is no normal approximation there: the posterior is improper, has no mode (a hierarchical scale that shrinks to zero), or is flat along some combination of latents. Try --engine nuts, or pathfinder",
        position: mode.position,
      };
    const scale = Float64Array.from({ length: n }, (_, i) => Math.sqrt(covariance[i * n + i]));
    const start = { position: mode.position, factor };
    return { start, mode, verdicts: optimum.verdicts, begin: { position: mode.position, scale } };
  } finally {
    density.dispose();
  }
}
