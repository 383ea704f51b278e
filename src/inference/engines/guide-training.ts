// What engines that train a guide share: their options, the training, and what a trained guide gives.
import type { Draws, RawChain } from "../../runtime/draws.ts";
import { UsageError } from "../../runtime/errors.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { Axis, Target } from "../../runtime/target.ts";
import { wasmBackend } from "../../runtime/wasm/backend.ts";
import { defineOptions, type Failure, type Options, type Result, type RunEngineContext, type Verdict } from "../engine.ts";
import type { Family } from "../vi/approximation.ts";
import { guided } from "../vi/approximation.ts";
import { boundName } from "../vi/bound-name.ts";
import { estimatorNotes } from "../vi/estimators.ts";
import { fitVerdict } from "../vi/evaluate.ts";
import { evidenceOf } from "../vi/evidence.ts";
import { drawsOf, guideDraws } from "../vi/guide-draws.ts";
import { constrainedParameters, startingValues } from "../vi/parameters.ts";
import { judgeRows } from "../vi/row-verdict.ts";
import { type Fitted, rowWeights } from "../vi/rows-weights.ts";
import { boundGoal, type Goal, type Ingredients, outermostPlate, type Training, train, trainingSteps } from "../vi/train.ts";
import { rowsAreApart } from "../vi/weights.ts";
import { trainingFrom, trainingOptions } from "./training-options.ts";

export const guideOptions = defineOptions({
  ...trainingOptions,
  steps: { ...trainingOptions.steps, doc: "steps of the optimiser at most; --epochs has precedence" },
  epochs: {
    type: "number",
    default: 0,
    min: 0,
    doc: "passes over the rows, in place of a number of steps; 0: as --steps says",
  },
  rate: { ...trainingOptions.rate, default: 0.001 },
  batch: { ...trainingOptions.batch, doc: "rows in each step; 0: 100, or all where there are fewer" },
  judged: { type: "integer", default: 100, min: 0, doc: "rows, chosen at random, that judge the fit; 0: none" },
  judgedDraws: { type: "integer", default: 1000, min: 25, doc: "draws of the guide for each of them" },
});

/** Rows in a step where the user does not say. */
const USUAL_BATCH = 100;
/** Draws are kept as long as they are so many numbers, and at least so many draws. */
const MOST_NUMBERS = 1_000_000;
const FEWEST_DRAWS = 100;

export function refuseWithoutGuide(target: Target): string | undefined {
  if (target.guide) return undefined;
  return `${target.name} has no guide block to fit; write one, or run meanfield, which makes its own`;
}

export type GuideOptions = Options<typeof guideOptions>;

export interface TrainedGuide {
  readonly family: Family;
  readonly fitted: Fitted;
  readonly training: Training;
  /** Whether rows of the plate of minibatches need nothing that is drawn for other rows. */
  readonly apart: boolean;
  readonly milliseconds: number;
}

/** Trains model and guide; `goal`: on what. */
export async function trainGuide(
  target: Target,
  options: GuideOptions,
  context: RunEngineContext,
  goal: (ingredients: Ingredients) => Goal = boundGoal,
): Promise<TrainedGuide | Failure> {
  const family = guided(target);
  if (family === undefined) throw new UsageError(refuseWithoutGuide(target) ?? "");
  const { rng } = context;
  const usual = trainingFrom(target, stepsOf(target, options));
  const { batch } = usual;
  // Where rows depend on one another, as in a time series, each step sees all of them, unless the user asks for fewer.
  const apart = !batch || rowsAreApart(target, family, batch.plate);
  const settings =
    !batch || apart || options.batch > 0
      ? usual
      : trainingFrom(target, { ...stepsOf(target, { ...options, batch: batch.plate.size }), batch: 0, over: "" });
  const began = context.now();
  const training = await train(
    target,
    family,
    startingValues(target, family, rng, context.resume),
    settings,
    {
      backend: context.backend ?? wasmBackend,
      rng: rng.split("training"),
      stop: context.stop,
      breathe: context.breathe,
      progress: (step, bound) =>
        context.progress({ chain: 1, phase: "training", done: step, total: settings.steps, divergences: 0, bound }),
    },
    goal,
  );
  if (training.failure !== undefined) return { reason: training.failure };
  const fitted = { parameters: constrainedParameters(target, training.parameters), family: training.family };
  return { family, fitted, training, apart, milliseconds: context.now() - began };
}

/** The options with what `epochs` and an absent `batch` say. */
export function stepsOf<O extends Options<typeof guideOptions>>(target: Target, options: O): O {
  const plate = plateOf(target, options.over);
  const rows = plate?.size ?? 0;
  if (plate && rows === 0) throw new UsageError(`the plate ${plate.name} has no rows: the data are empty`);
  // A plate that is not there is refused where batches are made.
  const usual = plate ? Math.min(USUAL_BATCH, rows) : options.over === "" ? 0 : USUAL_BATCH;
  const batch = options.batch > 0 ? options.batch : usual;
  return inSteps(target, { ...options, batch });
}

/** Epochs counted in steps; without --batch a step sees all rows. */
export function inSteps<O extends Options<typeof guideOptions>>(target: Target, options: O): O {
  if (options.epochs === 0) return options;
  const plate = plateOf(target, options.over);
  const perPass = plate && options.batch > 0 ? Math.max(1, Math.floor(plate.size / options.batch)) : 1;
  return { ...options, steps: Math.max(1, Math.round(options.epochs * perPass)) };
}

const plateOf = (target: Target, over: string): Axis | undefined =>
  over === "" ? outermostPlate(target) : target.plates.find((p) => p.name === over);

/** What a trained guide gives: verdicts of rows and of the whole, draws where they are few. */
export async function judged(
  target: Target,
  { family, fitted, training: fit, apart, milliseconds }: TrainedGuide,
  options: GuideOptions,
  context: RunEngineContext,
): Promise<Result> {
  const plate = apart ? localPlate(target) : undefined;
  const verdicts: Verdict[] = [];
  const notes = target.guide
    ? [...fit.notes, ...estimatorNotes(target.guide.sites, options.samples, options.objective === "iwae" ? "iwae" : "elbo")]
    : [...fit.notes];
  if (!apart && options.batch === 0)
    notes.unshift("rows depend on one another, so each step saw all of them, and they are judged together");
  const figures: Record<string, number> = boundAtTheEnd(fit, plate, options);
  if (plate && options.judged > 0 && !context.stop()) {
    const rows = someRows(plate, options.judged, context);
    const weights = await rowWeights(target, family, fitted, plate, rows, options.judgedDraws, context.rng.split("judged"), {
      backend: wasmBackend,
      stop: context.stop,
      breathe: context.breathe,
    });
    if (!context.stop()) {
      const { verdict, logMean } = judgeRows(weights, rows.length, plate.name);
      verdicts.push(verdict);
      figures.log_p_per_row = logMean.reduce((a, b) => a + b, 0) / rows.length;
    }
  }
  const began = context.now();
  const draws = Math.min(options.draws, Math.floor(MOST_NUMBERS / Math.max(1, target.width)));
  const areKept = target.width > 0 && draws >= Math.min(FEWEST_DRAWS, options.draws);
  let chain: RawChain | undefined;
  let some: Draws | undefined;
  if (!areKept) {
    const names = plate ? globalLatents(target, plate, options.draws) : [];
    if (names.length > 0 && !context.stop())
      some = await drawsOf(target, names, family, fitted, options.draws, context.rng.split("draws"), context);
    notes.push(
      `${names.length > 0 ? `draws of ${names.join(", ")} alone` : "no draws"} are kept: one of all latents has ${target.width} numbers. The fitted guide gives them, and ppl evaluate judges it on other data`,
    );
  } else if (!context.stop()) {
    const drawn = await guideDraws(target, family, fitted, draws, context.rng.split("draws"), context);
    const whole = evidenceOf(drawn);
    // Weights of everything at once tell of global latents; of rows alone, that they are many.
    if (!plate || isWithGlobals(target, plate)) verdicts.push(fitVerdict(drawn));
    Object.assign(figures, whole.figures);
    chain = {
      chain: 1,
      dimension: drawn.dimension,
      draws: drawn.draws,
      positions: drawn.positions,
      stats: { lp: drawn.logP, log_p: drawn.logP, log_g: drawn.logQ },
      seconds: { warmup: milliseconds / 1000, sampling: (context.now() - began) / 1000 },
      evaluations: fit.bounds.length * options.samples,
      interrupted: fit.interrupted,
      divergences: [],
    };
  }
  return {
    ...(chain ? { chain } : {}),
    ...(some ? { draws: some } : {}),
    fitted: { ...fitted.parameters, ...fitted.family },
    training: fit.state,
    fittedShapes: Object.fromEntries(family.parameters.map((p) => [p.name, p.shape])),
    figures,
    verdicts,
    notes,
    traces: { [boundName(options)]: fit.bounds },
  };
}

/** The outermost plate that all sites of the guide stand in, or most: of the first site that stands in one. */
export function localPlate(target: Target): Axis | undefined {
  return target.guide?.sites.find((s) => s.plates.length > 0)?.plates[0];
}

const isWithGlobals = (target: Target, plate: Axis): boolean =>
  [...target.layout, ...target.discrete].some((s) => !s.plates.some((p) => p.name === plate.name));

/** Those of no row, of which so many draws are few enough numbers. */
function globalLatents(target: Target, plate: Axis, draws: number): string[] {
  const sites = target.sites.filter((s) => s.role === "latent" && !s.plates.some((p) => p.name === plate.name));
  const numbers = sites.reduce((n, s) => n + sizeOf(s.type.shape), 0);
  return numbers * draws <= MOST_NUMBERS ? sites.map((s) => s.name) : [];
}

/** Distinct rows, chosen at random, in order. */
function someRows(plate: Axis, count: number, context: RunEngineContext): Int32Array {
  const all = Int32Array.from({ length: plate.size }, (_, i) => i);
  const rng = context.rng.split("rows");
  const chosen = Math.min(count, plate.size);
  for (let i = 0; i < chosen; i++) {
    const j = i + rng.below(plate.size - i);
    const held = all[i];
    all[i] = all[j];
    all[j] = held;
  }
  return all.slice(0, chosen).sort();
}

/** The mean bound over the last steps, a tenth of them or a thousand: over all rows, and for one. Steps in which its weights were still rising are of
 *  another one; nothing where there are no others. */
function boundAtTheEnd({ bounds, state }: Training, plate: Axis | undefined, options: GuideOptions): Record<string, number> {
  const before = trainingSteps(state) - bounds.length;
  const rising = Math.max(0, options.klWarmup - 1 - before);
  const last = bounds.subarray(Math.max(rising, bounds.length - Math.min(1000, Math.ceil(bounds.length / 10))));
  const n = last.length;
  if (n === 0) return {};
  const mean = last.reduce((a, b) => a + b, 0) / n;
  const squares = last.reduce((s, x) => s + (x - mean) * (x - mean), 0);
  const se = Math.sqrt(squares / Math.max(1, n - 1) / n);
  const name = boundName(options);
  return {
    [name]: mean,
    [`${name}_se`]: se,
    ...(plate ? { [`${name}_per_row`]: mean / plate.size } : {}),
  };
}
