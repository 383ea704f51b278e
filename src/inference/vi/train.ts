// Training: one program a step (bound, gradient, Adam), run until it no longer improves.
import type { Backend, Executable } from "../../runtime/backend.ts";
import { InternalError } from "../../runtime/errors.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Axis, Target } from "../../runtime/target.ts";
import { AdamClock, type AdamOptions } from "./adam.ts";
import type { Family, Parameters } from "./approximation.ts";
import { type Bound, boundOf } from "./bound.ts";
import type { Noise } from "./noise.ts";
import { constrainedParameters } from "./parameters.ts";
import { Plateau } from "./plateau.ts";
import { rateAt, type Schedule } from "./schedule.ts";
import { Shuffle } from "./shuffle.ts";
import { KeptStream, sameBits, type TrainingState } from "./training-state.ts";
import { type Leaf, nameOf, type Step, trainingStep } from "./training-step.ts";
import { type Minibatch, weigh } from "./weights.ts";

export interface TrainingOptions {
  readonly steps: number;
  readonly rate: number;
  readonly schedule: Schedule;
  readonly adam: AdamOptions;
  readonly objective: "elbo" | "iwae";
  /** Draws in each step. */
  readonly draws: number;
  readonly stickTheLanding: boolean;
  /** Weight of the rate, reached after `warmup` steps from 0; those of a training that is gone on from count. */
  readonly beta: number;
  readonly warmup: number;
  /** Rows of the plate in each step; absent: all. */
  readonly batch?: { readonly plate: Axis; readonly rows: number };
  /** The mean of the parameters over this last share of the steps is the result (Polyak and Juditsky 1992); 0: the last ones. */
  readonly averaged: number;
  /** Stop when the bound has not risen significantly over this many windows; 0: never. */
  readonly patience: number;
}
export interface TrainingContext {
  readonly backend: Backend;
  readonly rng: Rng;
  stop(): boolean;
  /** Awaited after each step: lets signals and output through. */
  breathe(): Promise<void>;
  /** The bound of the step just made. */
  progress(step: number, bound: number): void;
}
export interface Training {
  /** Of the target, unconstrained, by name. */
  readonly parameters: Readonly<Record<string, Float64Array>>;
  /** The family's, by name. */
  readonly family: Readonly<Record<string, Float64Array>>;
  /** The bound at each step made. */
  readonly bounds: Float64Array;
  readonly interrupted: boolean;
  readonly stoppedEarly: boolean;
  /** What another training begins with to go on from this one: with the same seed and options, step for step as if this one had gone on. */
  readonly state: TrainingState;
  /** Sentences for the user. */
  readonly notes: readonly string[];
  /** A number that is none ended the training: at which step, and what was not finite. */
  readonly failure?: string;
}

/** What a step is made of, while its program is built. */
export interface Ingredients {
  readonly b: Builder;
  readonly target: Target;
  readonly family: Family;
  readonly noise: Noise;
  readonly parameters: Parameters;
  readonly options: TrainingOptions;
  readonly minibatch?: Minibatch;
  /** Weight of the rate, where it is not 1 throughout. */
  readonly beta?: Value;
}
/** What a step maximises. */
export interface Goal extends Bound {
  /** Scalars set before each step: inputs of the program. */
  readonly settings?: readonly Value[];
  /** Of the rows of the step, by the parameters that keep running means of them. */
  readonly statistics?: ReadonlyMap<string, Value>;
  /** What `after` is shown of each step. */
  readonly watched?: readonly Value[];
  /** Sets its inputs, by name. */
  before?(inputs: Executable["inputs"]): void;
  /** `step`: how many were made, those of trainings that this one goes on from included. */
  after?(watched: readonly Float64Array[], step: number): void;
  /** What it adapts beside the program. */
  state?(): TrainingState;
  goOn?(state: TrainingState): void;
}

/** The bound of the draws of the family. */
export function boundGoal({ b, target, family, noise, parameters, options, minibatch, beta }: Ingredients): Goal {
  const { objective, draws, stickTheLanding } = options;
  const rows = minibatch ?? (objective === "iwae" ? keptApart(target) : undefined);
  const weights = weigh(b, target, family, noise, parameters, { draws, stickTheLanding }, rows);
  return { ...boundOf(b, weights, { objective, draws, ...(beta ? { beta } : {}) }), statistics: weights.statistics };
}

/** Unconstrained values to begin with, by name. `state`: of the training whose values they are. */
export type Start = Pick<Training, "parameters" | "family"> & Partial<Pick<Training, "state">>;

export async function train(
  target: Target,
  family: Family,
  start: Start,
  options: TrainingOptions,
  context: TrainingContext,
  goal: (ingredients: Ingredients) => Goal = boundGoal,
): Promise<Training> {
  const step = trainingStep(target, family, options, goal);
  const executable = await context.backend.compile(step.program);
  try {
    return await runSteps(target, executable, step, start, options, context);
  } finally {
    executable.dispose();
  }
}

/** Importance weights are a row's own where rows of the observations' plate share nothing that is drawn. */
function keptApart(target: Target): { readonly plate: Axis } | undefined {
  const plate = outermostPlate(target);
  return plate && { plate };
}

/** The outermost plate of the observations: what minibatches run over (rule 47). */
export function outermostPlate(target: Target): Axis | undefined {
  return target.sites.find((s) => s.role === "observed" && s.plates.length > 0)?.plates[0];
}

/** Names in a state, beside those of moments and of parameters. */
const STEPS = "steps";
/** How many were made, those of trainings before included. */
export const trainingSteps = (state: TrainingState): number => state[STEPS]?.[0] ?? 0;
const NOISE = "noise stream";
const ROWS = "rows stream";
const ORDER = "rows order";

async function runSteps(
  target: Target,
  executable: Executable,
  step: Step,
  start: Start,
  options: TrainingOptions,
  context: TrainingContext,
): Promise<Training> {
  const { names, goal } = step;
  const { state: before = {}, made, notes } = begin(executable, step, start);
  goal.goOn?.(before);
  const scalar = (name: string | undefined): ((v: number) => void) => {
    const array = name === undefined ? undefined : executable.inputs[name];
    return (v) => {
      if (array) array[0] = v;
    };
  };
  const setRate = scalar(names.rate);
  const setEpsilon = scalar(names.epsilon);
  const setPlainRate = scalar(names.plainRate);
  const setWeight = scalar(names.weight);
  const setBeta = scalar(names.beta);
  const noise = new KeptStream(context.rng.split("noise"), before[NOISE]);
  const order = new KeptStream(context.rng.split("rows"), before[ROWS]);
  const rows = names.rows === undefined ? undefined : executable.inputs[names.rows];
  const shuffle =
    rows && options.batch
      ? new Shuffle(order.rng, options.batch.plate.size, order.goesOn ? before[ORDER] : undefined)
      : undefined;
  const fill = step.noise.filler(executable);
  const clock = new AdamClock(options.adam, made);
  const plateau = options.patience > 0 ? new Plateau(options.patience, Math.max(20, Math.ceil(options.steps / 50))) : undefined;
  const bounds = new Float64Array(options.steps);
  let end = options.steps;
  let averagedFrom = Math.floor(end * (1 - options.averaged));
  let averaged = 0;
  let t = 0;
  let failure: string | undefined;
  while (t < end && !context.stop()) {
    const plainRate = options.rate * rateAt(options.schedule, t / options.steps);
    const [rate, epsilon] = clock.next(plainRate);
    setPlainRate(plainRate);
    setRate(rate);
    setEpsilon(epsilon);
    if (t >= averagedFrom) averaged++;
    setWeight(averaged === 0 ? 1 : 1 / averaged);
    setBeta(options.beta * (options.warmup > 0 ? Math.min(1, (made + t + 1) / options.warmup) : 1));
    if (rows && shuffle) shuffle.next(rows);
    fill(noise.rng);
    goal.before?.(executable.inputs);
    executable.run();
    const [bound] = executable.outputs[0];
    const [norm] = executable.outputs[1];
    bounds[t++] = bound;
    if (!Number.isFinite(bound) || !Number.isFinite(norm)) {
      failure = reasonOf(t, bound, executable, step.parts, target);
      break;
    }
    goal.after?.(executable.outputs.slice(2 + step.parts.length), made + t);
    context.progress(t, bound);
    // Flat: what is left is to average, over the same share of all steps.
    if (made + t > options.warmup && t < averagedFrom && plateau?.add(bound)) {
      averagedFrom = t;
      end = Math.min(end, Math.ceil(t / (1 - options.averaged)));
    }
    await context.breathe();
  }
  const found = await ends(target, executable, step, averaged > 0);
  return {
    parameters: found.target,
    family: found.family,
    state: {
      [STEPS]: Float64Array.of(made + t),
      ...found.state,
      [NOISE]: noise.state(),
      ...(shuffle ? { [ROWS]: order.state(), [ORDER]: shuffle.state() } : {}),
      ...goal.state?.(),
    },
    notes,
    bounds: bounds.slice(0, t),
    interrupted: t < end && failure === undefined,
    stoppedEarly: end < options.steps,
    ...(failure === undefined ? {} : { failure }),
  };
}

const sizeIn = (v: Value): number => shapeOf(v).reduce((n, d) => n * d, 1);

/** Writes what the first step begins with. A state is taken up as a whole or not at all: moments of some parameters alone would be those of other steps. */
function begin(executable: Executable, { leaves, residents, moments }: Step, { parameters, family, state }: Start) {
  for (const r of residents) executable.write(nameOf(r), new Float64Array(sizeIn(r)));
  const isWhole = state?.[STEPS]?.length === 1 && moments.every((m) => state[nameOf(m)]?.length === sizeIn(m));
  const taken = isWhole ? state : undefined;
  for (const { owner, name, input } of leaves) {
    const from = (owner === "target" ? parameters : family)[name];
    if (from === undefined) throw new InternalError(`no start for the parameter ${name}`);
    const last = taken?.[nameOf(input)];
    executable.write(nameOf(input), last?.length === from.length ? last : from);
  }
  for (const m of taken ? moments : []) executable.write(nameOf(m), taken?.[nameOf(m)] ?? new Float64Array(0));
  const notes =
    state && !taken
      ? ["the optimiser begins anew: what the earlier run stopped with is of other parameters than are trained here"]
      : [];
  return { ...(taken ? { state: taken } : {}), made: taken?.[STEPS][0] ?? 0, notes };
}

/** What was learnt, and of the state what the backend has: moments, and the last values where what is saved on the model's scale does not give them back
 *  bit by bit. Where means over steps were learnt, these are gone on from. */
async function ends(target: Target, executable: Executable, { leaves, moments }: Step, isAveraged: boolean) {
  const read = async (v: Value): Promise<Float64Array> => Float64Array.from(await executable.read(nameOf(v)));
  const found: Record<Leaf["owner"], Record<string, Float64Array>> = { target: {}, family: {} };
  const state: Record<string, Float64Array> = {};
  for (const m of moments) state[nameOf(m)] = await read(m);
  for (const { owner, name, input, average } of leaves) found[owner][name] = await read(average && isAveraged ? average : input);
  const saved = { target: isAveraged ? found.target : constrainedParameters(target, found.target), family: found.family };
  for (const { owner, name, input } of leaves)
    if (!sameBits(found[owner][name], saved[owner][name])) state[nameOf(input)] = found[owner][name];
  return { ...found, state };
}

function reasonOf(step: number, bound: number, executable: Executable, parts: readonly string[], target: Target): string {
  const culprit = parts.findIndex((_, i) => !Number.isFinite(executable.outputs[2 + i][0]));
  const what = culprit >= 0 ? `the ${parts[culprit]} is ${executable.outputs[2 + culprit][0]}` : `the gradient is not finite`;
  const advice =
    step > 1
      ? "Try a lower --rate, or --clip 10"
      : bound === Number.NEGATIVE_INFINITY && target.discrete.length > 0
        ? "The start lies where the model has no density: a draw of the discrete latents, independent of one another, is one that the model excludes. --engine nuts sums them out"
        : "The start lies where the model has no density";
  return `training stopped at step ${step}: the bound is ${bound}, because ${what}. ${advice}`;
}
