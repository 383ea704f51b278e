// Training: one program a step (bound, gradient, Adam), run until it no longer improves.
import type { Backend, Executable } from "../../runtime/backend.ts";
import { InternalError, UsageError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { type Builder, type InputAttrs, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import type { Rowed } from "../../runtime/ir/rows.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Axis, Target } from "../../runtime/target.ts";
import { AdamClock, type AdamOptions, adamStep, type Trained } from "./adam.ts";
import type { Family, Parameters } from "./approximation.ts";
import { type Bound, boundOf } from "./bound.ts";
import { Noise } from "./noise.ts";
import { Plateau } from "./plateau.ts";
import { rateAt, type Schedule } from "./schedule.ts";
import { Shuffle } from "./shuffle.ts";
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
  /** Weight of the rate, reached after `warmup` steps from 0. */
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
  before?(inputs: Executable["inputs"], step: number): void;
  after?(watched: readonly Float64Array[], step: number): void;
}

/** The bound of the draws of the family. */
export function boundGoal({ b, target, family, noise, parameters, options, minibatch, beta }: Ingredients): Goal {
  const { objective, draws, stickTheLanding } = options;
  const rows = minibatch ?? (objective === "iwae" ? keptApart(target) : undefined);
  const weights = weigh(b, target, family, noise, parameters, { draws, stickTheLanding }, rows);
  return { ...boundOf(b, weights, { objective, draws, ...(beta ? { beta } : {}) }), statistics: weights.statistics };
}

/** Unconstrained values to begin with, by name. */
export type Start = Pick<Training, "parameters" | "family">;

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
    return await runSteps(executable, step, start, options, context);
  } finally {
    executable.dispose();
  }
}

interface Leaf {
  readonly owner: "target" | "family";
  readonly name: string;
  readonly input: Value;
  readonly average?: Value;
}
type Step = ReturnType<typeof trainingStep>;

const nameOf = (input: Value): string => (input.node.attrs as InputAttrs).name;

/** The program of one step. Outputs: the bound, the norm of the gradient, then what each term adds. */
function trainingStep(target: Target, family: Family, options: TrainingOptions, goal: (ingredients: Ingredients) => Goal) {
  const b = createBuilder();
  const noise = new Noise(b);
  const { batch } = options;
  if (batch && batch.plate.size === 0) throw new UsageError(`the plate ${batch.plate.name} has no rows`);
  const indices = batch && b.input("rows", { shape: [batch.rows], dtype: "int" });
  const own = new Map<Value, Rowed>();
  const trained: Trained[] = [];
  const leaf = (owner: Leaf["owner"], name: string, shape: readonly number[], plate?: Axis): Leaf => {
    const input = b.input(`${owner === "target" ? "parameter" : "family"} ${name}`, { shape, dtype: "real" });
    if (batch && indices && plate?.name === batch.plate.name) {
      const value = b.gather(input, indices);
      own.set(input, { value, axis: 0 });
      trained.push({ name, resident: input, rows: { indices, value } });
    } else trained.push({ name, resident: input });
    const average = options.averaged > 0 ? b.input(`average ${owner} ${name}`, { shape, dtype: "real" }) : undefined;
    return { owner, name, input, average };
  };
  const leaves = [
    ...target.parameters.map((p) => leaf("target", p.name, p.unconstrained, p.plate)),
    ...family.parameters.map((p) => leaf("family", p.name, p.shape, p.plate)),
  ];
  const of = (owner: Leaf["owner"]): Record<string, Value> =>
    Object.fromEntries(leaves.filter((l) => l.owner === owner).map((l) => [l.name, l.input]));
  const parameters: Parameters = { target: target.constrainParameters(b, of("target")), family: of("family") };
  const minibatch: Minibatch | undefined = batch && indices && { plate: batch.plate, rows: batch.rows, indices, own };
  const beta = options.beta !== 1 || options.warmup > 0 ? b.input("beta", { shape: [], dtype: "real" }) : undefined;
  const bound = goal({
    b,
    target,
    family,
    noise,
    parameters,
    options,
    ...(minibatch ? { minibatch } : {}),
    ...(beta ? { beta } : {}),
  });
  const adam = adamStep(b, b.neg(bound.objective), trained, options.adam);
  const weight = b.input("average weight", { shape: [], dtype: "real" });
  const next = new Map([...adam.updates, ...runningMeans(b, target, leaves, bound.statistics)]);
  const averages = leaves.flatMap(({ input, average }): [Value, Value][] =>
    average ? [[average, b.add(average, b.mul(weight, b.sub(next.get(input) ?? input, average)))]] : [],
  );
  const { settings = [], watched = [] } = bound;
  const outputs = [bound.value, adam.gradientNorm, ...bound.parts.map((p) => p.value), ...watched];
  const updates = [...next, ...averages];
  const residents = updates.map(([resident]) => resident);
  const perCall = [adam.rate, adam.epsilon, weight, ...(beta ? [beta] : []), ...(indices ? [indices] : []), ...settings];
  const roots = [...outputs, ...updates.map(([, value]) => value)];
  const inputs = [...residents, ...perCall, ...noise.inputsOf(roots)];
  return {
    program: simplify(b, { inputs, outputs, updates, residents }),
    leaves,
    residents,
    noise,
    goal: bound,
    parts: bound.parts.map((p) => p.name),
    names: {
      rate: nameOf(adam.rate),
      epsilon: nameOf(adam.epsilon),
      weight: nameOf(weight),
      beta: beta && nameOf(beta),
      rows: indices && nameOf(indices),
    },
  };
}

/** What is kept up to date instead of being trained. */
function runningMeans(b: Builder, target: Target, leaves: readonly Leaf[], statistics: Goal["statistics"]): [Value, Value][] {
  return target.parameters.flatMap(({ name, running }): [Value, Value][] => {
    if (!running) return [];
    const statistic = statistics?.get(name);
    const leaf = leaves.find((l) => l.owner === "target" && l.name === name);
    if (!statistic || !leaf)
      throw new UsageError(
        `${name} is a running mean over batches, which this engine does not keep: use --engine amortized, or layernorm`,
      );
    return [[leaf.input, running(b, leaf.input, b.stopGradient(statistic))]];
  });
}

/** Importance weights are a row's own where the model has one plate of local latents around. */
function keptApart(target: Target): { readonly plate: Axis } | undefined {
  const plate = outermostPlate(target);
  return plate && { plate };
}

/** The outermost plate of the observations: what minibatches run over (rule 47). */
export function outermostPlate(target: Target): Axis | undefined {
  return target.sites.find((s) => s.role === "observed" && s.plates.length > 0)?.plates[0];
}

async function runSteps(
  executable: Executable,
  step: Step,
  start: Start,
  options: TrainingOptions,
  context: TrainingContext,
): Promise<Training> {
  const { names, leaves, residents, goal } = step;
  for (const r of residents) executable.write(nameOf(r), new Float64Array(shapeOf(r).reduce((a, n) => a * n, 1)));
  for (const { owner, name, input } of leaves) {
    const from = (owner === "target" ? start.parameters : start.family)[name];
    if (from === undefined) throw new InternalError(`no start for the parameter ${name}`);
    executable.write(nameOf(input), from);
  }
  const scalar = (name: string | undefined): ((v: number) => void) => {
    const array = name === undefined ? undefined : executable.inputs[name];
    return (v) => {
      if (array) array[0] = v;
    };
  };
  const [setRate, setEpsilon, setWeight, setBeta] = [
    scalar(names.rate),
    scalar(names.epsilon),
    scalar(names.weight),
    scalar(names.beta),
  ];
  const rows = names.rows === undefined ? undefined : executable.inputs[names.rows];
  const shuffle = rows && options.batch ? new Shuffle(context.rng.split("rows"), options.batch.plate.size) : undefined;
  const fill = step.noise.filler(executable);
  const noiseStream = context.rng.split("noise");
  const clock = new AdamClock(options.adam);
  const plateau = options.patience > 0 ? new Plateau(options.patience, Math.max(20, Math.ceil(options.steps / 50))) : undefined;
  const bounds = new Float64Array(options.steps);
  let end = options.steps;
  let averagedFrom = Math.floor(end * (1 - options.averaged));
  let averaged = 0;
  let t = 0;
  let failure: string | undefined;
  let breath = performance.now();
  while (t < end && !context.stop()) {
    const [rate, epsilon] = clock.next(options.rate * rateAt(options.schedule, t / options.steps));
    setRate(rate);
    setEpsilon(epsilon);
    if (t >= averagedFrom) averaged++;
    setWeight(averaged === 0 ? 1 : 1 / averaged);
    setBeta(options.beta * (options.warmup > 0 ? Math.min(1, (t + 1) / options.warmup) : 1));
    if (rows && shuffle) shuffle.next(rows);
    fill(noiseStream);
    goal.before?.(executable.inputs, t);
    executable.run();
    const [bound] = executable.outputs[0];
    const [norm] = executable.outputs[1];
    bounds[t++] = bound;
    if (!Number.isFinite(bound) || !Number.isFinite(norm)) {
      failure = reasonOf(t, bound, executable, step.parts);
      break;
    }
    goal.after?.(executable.outputs.slice(2 + step.parts.length), t);
    context.progress(t, bound);
    // Flat: what is left is to average, over the same share of all steps.
    if (t > options.warmup && t < averagedFrom && plateau?.add(bound)) {
      averagedFrom = t;
      end = Math.min(end, Math.ceil(t / (1 - options.averaged)));
    }
    if (performance.now() - breath > SLICE) {
      await breathe();
      breath = performance.now();
    }
  }
  const read = async (owner: Leaf["owner"]): Promise<Record<string, Float64Array>> =>
    Object.fromEntries(
      await Promise.all(
        leaves
          .filter((l) => l.owner === owner)
          .map(
            async (l) =>
              [
                l.name,
                Float64Array.from(await executable.read(nameOf(l.average && averaged > 0 ? l.average : l.input))),
              ] as const,
          ),
      ),
    );
  return {
    parameters: await read("target"),
    family: await read("family"),
    bounds: bounds.slice(0, t),
    interrupted: t < end && failure === undefined,
    stoppedEarly: end < options.steps,
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Milliseconds of work between two chances for signals and output. */
const SLICE = 15;
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

function reasonOf(step: number, bound: number, executable: Executable, parts: readonly string[]): string {
  const culprit = parts.findIndex((_, i) => !Number.isFinite(executable.outputs[2 + i][0]));
  const what = culprit >= 0 ? `the ${parts[culprit]} is ${executable.outputs[2 + culprit][0]}` : `the gradient is not finite`;
  return `training stopped at step ${step}: the bound is ${bound}, because ${what}. Try a lower --rate, or --clip 10; if it happens at step 1, the start lies where the model has no density`;
}
