// The engine `vi-hmc`: Hamiltonian chains that begin where a variational fit ends, in the training of deep models and for ordinary ones.
import { UsageError } from "../../runtime/errors.ts";
import type { Target } from "../../runtime/target.ts";
import {
  defineEngine,
  defineOptions,
  type OptionSchema,
  type Options,
  type OptionValues,
  type Result,
  type RunEngineContext,
  type Verdict,
} from "../engine.ts";
import { defaultsOf } from "../options.ts";
import { type RefinementTrace, refinedGoal } from "../vi/hmc-goal.ts";
import { refinedDraws } from "../vi/refined-draws.ts";
import { localLatents } from "../vi/rows-density.ts";
import { shearDraws, sheared } from "../vi/shear.ts";
import type { GaussianOptions } from "./gaussian-vi.ts";
import { guideOptions, judged, refuseWithoutGuide, trainGuide } from "./guide-training.ts";
import { nuts } from "./nuts.ts";
import { refuseSampling } from "./refuse.ts";
import { gaussianOptions } from "./training-options.ts";
import { familyNames, nutsFromFit } from "./vi-nuts.ts";

const { stickTheLanding, averaged, patience, epochs, judged: rowsJudged, judgedDraws } = guideOptions;
const viHmcOptions = defineOptions({
  ...guideOptions,
  // Without a guide they are as the Gaussian families have them, whose defaults are others.
  stickTheLanding: { ...stickTheLanding, doc: `with a guide: ${stickTheLanding.doc}` },
  averaged: { ...averaged, doc: `with a guide: ${averaged.doc}` },
  patience: { ...patience, doc: `with a guide: ${patience.doc}` },
  epochs: { ...epochs, doc: `with a guide: ${epochs.doc}` },
  judged: { ...rowsJudged, doc: `with a guide: ${rowsJudged.doc}` },
  judgedDraws: { ...judgedDraws, doc: `with a guide: ${judgedDraws.doc}` },
  draws: { ...guideOptions.draws, doc: "with a guide: draws that are kept and judge it; without: draws of each NUTS chain" },
  batch: { ...guideOptions.batch, doc: "rows in each step; 0: with a guide 100, or all where there are fewer, without all" },
  rate: {
    ...guideOptions.rate,
    default: 0,
    exclusive: false,
    doc: "step size of Adam; 0: 0.001 for a guide, 0.02 for a Gaussian family",
  },
  targetAccept: {
    type: "number",
    default: 0,
    min: 0,
    max: 1,
    doc: "acceptance to which step sizes are tuned; 0: 0.67 in the training of a guide's model, 0.8 of NUTS",
  },
  transitions: { type: "integer", default: 2, min: 1, doc: "with a guide: transitions of each chain in a training step" },
  leapfrog: { type: "integer", default: 5, min: 1, doc: "with a guide: leapfrog steps of each transition" },
  stepSize: {
    type: "number",
    default: 0.5,
    min: 0,
    exclusive: true,
    doc: "with a guide: first step size, in units of its scales",
  },
  jitter: {
    type: "number",
    default: 0.1,
    min: 0,
    max: 0.9,
    doc: "with a guide: each trajectory has steps of (1 ± this) times the adapted size",
  },
  shear: {
    type: "boolean",
    default: false,
    doc: "with a guide: learn a shear matrix between latent vectors and what reads them",
  },
  family: {
    type: "choice",
    default: "meanfield",
    choices: familyNames,
    doc: "without a guide: the Gaussian family that is fitted",
  },
  rank: { type: "integer", default: 5, min: 1, doc: "without a guide: of --family lowrank" },
  warmup: {
    type: "integer",
    default: 300,
    min: 0,
    doc: "without a guide: warm-up of each NUTS chain, begun with the fit's metric",
  },
});

export const viHmc = defineEngine({
  name: "vi-hmc",
  doc: `Hamiltonian Monte Carlo that a variational fit initialises (Hoffman 2017). For a model with a guide: in each training step a chain for each
row of the minibatch starts at the guide's draw, with steps that are a multiple of the guide's scales, and the model learns from where the chains
end, which is nearer to the posterior than the guide is; the guide itself learns from its bound, beside it. The draws that are kept are those of
longer chains. For a model with nothing to
learn: a Gaussian family is fitted, NUTS starts from its draws with its covariance as the metric, and the report says where the two disagree.`,
  options: viHmcOptions,
  unit: "run",
  discrete: "summed",
  precision: "any",
  ownChains: true,
  resumes: true,
  refuse(target) {
    if (!target.guide && target.parameters.length === 0) return refuseSampling(target);
    const local = localLatents(target);
    return refuseWithoutGuide(target) ?? ("refusal" in local ? `vi-hmc runs a chain for each row: ${local.refusal}` : undefined);
  },
  run: (target, given, context) =>
    target.guide
      ? refined(target, { ...given, rate: given.rate || 0.001, targetAccept: given.targetAccept || 0.67 }, context)
      : nutsFromFit(
          target,
          { ...given, training: gaussianTraining(given), targetAccept: given.targetAccept || nuts.options.targetAccept.default },
          context,
        ),
});

/** Of the fit without a guide: as given what has one default with and without, and the number of samples; else as the families have it. */
function gaussianTraining(given: Options<typeof viHmcOptions>): GaussianOptions {
  const mine: OptionValues = given;
  const schema: OptionSchema = viHmcOptions;
  const shared = Object.entries(gaussianOptions).filter(([name, { default: usual }]) => schema[name]?.default === usual);
  return {
    ...defaultsOf(gaussianOptions),
    ...Object.fromEntries(shared.map(([name]) => [name, mine[name]])),
    samples: given.samples,
    rate: given.rate || gaussianOptions.rate.default,
  };
}

async function refined(plain: Target, options: Options<typeof viHmcOptions>, context: RunEngineContext): Promise<Result> {
  const local = localLatents(plain);
  if ("refusal" in local) throw new UsageError(local.refusal);
  if (context.chains !== undefined) throw new UsageError("with a guide vi-hmc runs a chain for each row: leave --chains out");
  const target = options.shear ? sheared(plain, local) : plain;
  if (target === undefined) throw new UsageError("--shear: no latent is a vector of real numbers in each row");
  const trace: RefinementTrace = { acceptance: [], step: [] };
  const { transitions, leapfrog, targetAccept, stepSize, jitter } = options;
  const goal = refinedGoal({ transitions, leapfrog, jitter, targetAccept, step: stepSize }, trace);
  const trained = await trainGuide(target, { ...options, over: options.over || local.plate.name }, context, goal);
  if ("reason" in trained) return { failure: trained, verdicts: [], traces: {} };
  const result = await judged(target, trained, options, context);
  const acceptance = Float64Array.from(trace.acceptance);
  const last = acceptance.subarray(Math.floor(acceptance.length * 0.9));
  const accepted = last.reduce((s, a) => s + a, 0) / Math.max(1, last.length);
  const { chain } = result;
  // Where draws are kept they are those of chains, as in training but longer.
  const moves = { transitions: LONGER * transitions, leapfrog, jitter, step: trace.step.at(-1) ?? stepSize };
  const ends =
    chain &&
    (await refinedDraws(target, trained.family, trained.fitted, chain.draws, moves, context.rng.split("refined"), context));
  if (ends && options.shear) shearDraws(plain, trained.fitted.parameters, ends.positions);
  return {
    ...result,
    ...(chain && ends
      ? {
          chain: {
            ...chain,
            draws: ends.draws,
            positions: ends.positions,
            stats: { lp: ends.logDensity, accept_stat: ends.acceptance },
          },
        }
      : {}),
    fittedShapes: { ...result.fittedShapes, ...Object.fromEntries(target.parameters.map((p) => [p.name, p.shape])) },
    figures: { ...result.figures, acceptance: accepted, step_size: trace.step.at(-1) ?? stepSize },
    verdicts: [...result.verdicts.map(lenient), acceptanceVerdict(accepted, targetAccept)],
    traces: { ...result.traces, acceptance, stepSize: Float64Array.from(trace.step) },
  };
}

/** Transitions of the draws that are kept, over those of a training step. */
const LONGER = 5;

/** The model was not trained on the guide's draws, so a guide that misses part of the posterior does not spoil it. */
const lenient = (v: Verdict): Verdict =>
  v.level === "pass"
    ? v
    : {
        ...v,
        level: "warn",
        advice: `${v.advice.split(": ")[0]}: draws of the guide are not those of the posterior. The model was trained on chains that only start there; ppl evaluate --estimator ais judges it`,
      };

function acceptanceVerdict(accepted: number, wanted: number): Verdict {
  const level = accepted >= 0.5 * wanted ? "pass" : accepted >= 0.1 * wanted ? "warn" : "fail";
  return {
    what: "acceptance",
    level,
    value: accepted,
    advice:
      level === "pass"
        ? `the chains accepted ${Math.round(100 * accepted)} % of their proposals`
        : `the chains accepted ${Math.round(100 * accepted)} % of their proposals, so they hardly left the guide's draws: take a smaller --step-size, or more steps`,
  };
}
