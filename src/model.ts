// The embedded API: a model, its posterior given data, and runs of engines over it.

import { chooseBackend } from "./backends.ts";
import { blameText } from "./blame-text.ts";
import { checkModel } from "./dsl/check/check.ts";
import type { CheckedModel } from "./dsl/check/checked-model.ts";
import { bind } from "./dsl/compile/lower.ts";
import { type DataInput, dataFromValues } from "./dsl/data/from-javascript.ts";
import { type DataSet, variableName } from "./dsl/data/value.ts";
import type { Diagnostic, Source } from "./dsl/diagnostics.ts";
import type { ModelFile } from "./dsl/language/ast.ts";
import { sampleParams } from "./dsl/language/sample-params.ts";
import { renderDiagnostic } from "./dsl/render-diagnostic.ts";
import { type Fit, finishFit } from "./fit.ts";
import { type GivenParameters, parameterValues, refuseSheared, resumeFrom, tensorsOf } from "./given-parameters.ts";
import type { Engine, Progress, Start } from "./inference/engine.ts";
import { AUTO, chooseEngine } from "./inference/engines/choose.ts";
import { engines } from "./inference/engines/index.ts";
import { DEFAULT_RADIUS } from "./inference/engines/init.ts";
import { START_TRIES, type StartingPoint, seekStart } from "./inference/hmc/start.ts";
import { resolveOptions } from "./inference/options.ts";
import { DEFAULT_CHAINS, type RunOutcome, runEngine } from "./inference/run.ts";
import { UsageError } from "./runtime/errors.ts";
import type { Shape } from "./runtime/ir/type.ts";
import { stream } from "./runtime/numeric/random.ts";
import type { Rng } from "./runtime/numeric/rng.ts";
import { type DiscreteOutput, discreteOutputs, type LogDensity, type Target } from "./runtime/target.ts";
import { wasmBackend } from "./runtime/wasm/backend.ts";
import type { SimulateOptions, Simulation } from "./simulation.ts";

/** A model or its data are wrong: `diagnostics` say where and how to mend it; `message` is their rendered text. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[], sources: readonly Source[]) {
    super(diagnostics.map((d) => renderDiagnostic(d, sources)).join("\n\n"));
    this.diagnostics = diagnostics;
  }
}

export type DataObject = Readonly<Record<string, DataInput>> | ReadonlyMap<string, DataInput>;
export interface BindOptions {
  /** Values of the model's consts. */
  readonly set?: Readonly<Record<string, number>>;
}
export interface RunOptions {
  /** Default 4, of an engine that runs chains. */
  readonly chains?: number;
  /** Determines every bit, with the number of the chain; default: drawn, and stored in the fit. */
  readonly seed?: number;
  /** Where training runs: auto (the default: the fastest that loads), wasm, tensorflow, tfjs-wasm or tfjs-cpu. */
  readonly backend?: string;
  /** At most so many worker threads; 1 runs everything on the calling thread. */
  readonly threads?: number;
  /** Stops at the next transition; what was drawn is kept. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (at: Progress) => void;
  /** Values of latents to start from, one object for all chains or one a chain; latents left out start at random. */
  readonly start?: StartValues | readonly StartValues[];
  /** Of an engine that trains: the fit, or the folder of one, from whose parameters it goes on. */
  readonly resume?: GivenParameters;
  /** What is saved of discrete latents that were summed out: joint draws (the default), nothing, their best values, or the probability of every value. */
  readonly discrete?: DiscreteOutput;
  /** Options of the engine, by their names: warmup, draws, targetAccept, … */
  readonly [option: string]: unknown;
}
export type StartValues = Readonly<Record<string, DataInput>>;

export class Model {
  readonly name: string;
  readonly sources: readonly Source[];
  /** Warnings and notes of the checker. */
  readonly diagnostics: readonly Diagnostic[];
  readonly checked: CheckedModel;
  readonly #sampled: (() => Model) | undefined;

  /** `sampled` gives the model with its params as latents. */
  constructor(checked: CheckedModel, diagnostics: readonly Diagnostic[], sampled?: () => Model) {
    this.#sampled = sampled;
    this.name = checked.name;
    this.sources = checked.sources;
    this.checked = checked;
    this.diagnostics = diagnostics;
  }

  /** The model with its params as latents, each with its ~, or Flat() where it has none; without the guide. Networks stay to be learnt. */
  withSampledParams(): Model {
    const sampled = this.#sampled?.();
    if (!sampled) throw new UsageError(`${this.name} has no params to sample`);
    return sampled;
  }

  /** Checks every value against its declared type, compiles, and gives the posterior. Throws a ModelError. */
  async bind(data: DataObject = {}, options: BindOptions = {}): Promise<Posterior> {
    const set = Object.entries(options.set ?? {}).map(([name, value]): [string, number] => [variableName(name), value]);
    return this.bindData(dataFromValues(data), new Map(set));
  }

  /** The same for data that have been read from files. */
  async bindData(data: DataSet, set: ReadonlyMap<string, number> = new Map()): Promise<Posterior> {
    const began = performance.now();
    this.#refuseNoConsts(set.keys());
    const bound = bind(this.checked, data, set);
    if (!bound.value) throw new ModelError(bound.diagnostics, this.sources);
    // What has params to learn has no density until they are given.
    const density = bound.value.parameters.length > 0 ? undefined : await densityOf(bound.value);
    return new Posterior(this, bound.value, density, (performance.now() - began) / 1000, Object.fromEntries(set));
  }

  /** Draws from the model read forwards: latents from their priors, observed variables given them; a simulated data set is one that `bind` takes. `data`: sizes
   *  and covariates; of what is observed nothing but, where they are, its shape and its missing entries. Throws a ModelError or a UsageError. */
  async simulate(data: DataObject = {}, options: SimulateOptions = {}): Promise<Simulation> {
    return this.simulateData(dataFromValues(data), options);
  }

  /** The same for data that have been read from files. */
  async simulateData(data: DataSet, options: SimulateOptions = {}): Promise<Simulation> {
    const { simulate } = await import("./simulation.ts");
    const set = Object.entries(options.set ?? {}).map(([name, value]): [string, number] => [variableName(name), value]);
    this.#refuseNoConsts(set.map(([name]) => name));
    return simulate(this, data, { seed: drawSeed(), ...options, set: Object.fromEntries(set) });
  }

  /** Only consts are set: a name that is none is a mistake of the pen. */
  #refuseNoConsts(names: Iterable<string>): void {
    const { symbols } = this.checked;
    const consts = [...symbols.values()].flatMap((s) => (s.kind === "const" ? [s.name] : []));
    for (const name of names) {
      if (consts.includes(name)) continue;
      const there = consts.length === 0 ? "it has none" : `it has ${consts.join(", ")}`;
      throw new UsageError(
        `${name} is ${symbols.has(name) ? "not a const" : "no const"} of ${this.name}, and only consts are set: ${there}`,
      );
    }
  }
}

/** A model at its data: a log density over the unconstrained space, and engines that run on it. */
export class Posterior {
  readonly model: Model;
  readonly target: Target;
  /** That binding the data and compiling took. */
  readonly compileSeconds: number;
  readonly #density: LogDensity | undefined;
  readonly #gradient: Float64Array;
  readonly #set: Readonly<Record<string, number>>;
  #shapes: ReadonlyMap<string, Shape> | undefined;

  constructor(
    model: Model,
    target: Target,
    density: LogDensity | undefined,
    compileSeconds: number,
    set: Readonly<Record<string, number>> = {},
  ) {
    this.#set = set;
    this.model = model;
    this.target = target;
    this.compileSeconds = compileSeconds;
    this.#density = density;
    this.#gradient = new Float64Array(target.dimension);
  }

  get dimension(): number {
    return this.target.dimension;
  }

  /** The posterior of the latents with params and networks at given values: those of a fit, of the folder of a run, or by name. Throws a UsageError
   *  where names or shapes disagree. */
  async fix(given: GivenParameters): Promise<Posterior> {
    const began = performance.now();
    const { tensors, from } = await tensorsOf(given);
    refuseSheared(tensors, from);
    const target = this.target.fix(parameterValues(this.target, tensors, from));
    const isOpen = target.parameters.some((p) => p.readBy !== "guide") || target.dimension === 0;
    const density = isOpen ? undefined : await densityOf(target);
    return new Posterior(this.model, target, density, this.compileSeconds + (performance.now() - began) / 1000, this.#set);
  }

  /** Log joint density at an unconstrained position, log-Jacobian included, constants included. */
  logDensity(q: Float64Array): number {
    return this.gradient(q, this.#gradient);
  }

  /** The same; writes the gradient, of length `dimension`. */
  gradient(q: Float64Array, out: Float64Array): number {
    if (q.length !== this.dimension || out.length !== this.dimension)
      throw new UsageError(`a position of this posterior has ${this.dimension} numbers`);
    if (!this.#density) throw new UsageError(this.#noDensity());
    return this.#density.evaluate(q, out);
  }

  #noDensity(): string {
    const { parameters, guide } = this.target;
    if (parameters.length > 0)
      return `${parameters.map((p) => p.name).join(", ")} of ${this.model.name} are to be learnt: there is no density without their values. Run an engine that learns them`;
    const summation = this.target.summation();
    if ("refusal" in summation) return summation.refusal;
    return guide
      ? `discrete latent variables of ${this.model.name} have a guide: they are not summed out`
      : `${this.model.name} has no latent variable`;
  }

  /** Unconstrained position of constrained values; latents left out are at 0. Throws a UsageError for a name that is no latent's, another
   *  shape, or a value outside its support. */
  unconstrain(values: StartValues): Float64Array {
    return this.#unconstrain(this.#latentValues(values), new Float64Array(this.dimension));
  }

  /** Flat values by latent, of the right sizes. */
  #latentValues(values: StartValues): Readonly<Record<string, readonly number[]>> {
    this.#shapes ??= latentShapes(this.target);
    const shapes = this.#shapes;
    const flat = [...dataFromValues(values)].map(([name, given]): [string, number[]] => {
      const shape = shapes.get(name);
      if (!shape) throw new UsageError(`${name} is no latent of the model; it has ${[...shapes.keys()].join(", ")}`);
      // A table of one row has the values of scalars in arrays of length one.
      const long = (sizes: Shape) => sizes.filter((size) => size !== 1).join();
      if (long(given.shape) !== long(shape))
        throw new UsageError(
          `the starting value of ${name} has ${shapeWords(given.shape)}, but ${name} has ${shapeWords(shape)}`,
        );
      return [name, [...given.values]];
    });
    return Object.fromEntries(flat);
  }

  /** What is not given is taken from `base`. */
  #unconstrain(given: Readonly<Record<string, readonly number[]>>, base: Float64Array): Float64Array {
    const position = this.target.unconstrain(given, base);
    for (const { name, offset, size } of this.target.layout) {
      if (given[name] === undefined || position.subarray(offset, offset + size).every(Number.isFinite)) continue;
      throw new UsageError(
        `the starting value of ${name}, ${listed(given[name])}, is outside its support, or on the border of it`,
      );
    }
    return position;
  }

  /** Runs an engine by its name; "auto" is what the model asks for: nuts, or where something is to be learnt an engine that learns. Throws a UsageError for a wrong option, or when the engine cannot run, with the reason. */
  async run(engineName: string = AUTO, given: RunOptions = {}): Promise<Fit> {
    const { chains, seed = drawSeed(), threads, signal, onProgress, start, resume, backend = "auto", ...others } = given;
    const { discrete = "draw", ...engineOptions } = others;
    checkDiscreteOutput(discrete);
    const { engine } = chooseEngine(engineName, this.target);
    if (chains !== undefined && engine.unit === "run" && !engine.ownChains)
      throw new UsageError(`--chains ${chains}: ${engine.name} runs no chains. Leave it out`);
    const options = resolveOptions(engine, engineOptions);
    const count = engine.unit === "chain" ? (chains ?? DEFAULT_CHAINS) : 1;
    const before = resume === undefined ? undefined : await this.#resumed(engine, resume);
    const chosen = await chooseBackend(backend, engine, this.target);
    const began = performance.now();
    const outcome = await runEngine(this.target, engine, options, {
      chains: engine.unit === "chain" ? count : chains,
      seed,
      threads,
      signal,
      onProgress,
      starts: async (target) =>
        (await this.#in(target)).#starts(start, count, Number(options.init), seed) ?? (before?.start ? [before.start] : []),
      ...(before ? { resume: before.resume } : {}),
      ...(chosen.backend === wasmBackend ? {} : { backend: chosen.backend }),
    });
    this.#refuseFailure(outcome);
    const seconds = { compile: this.compileSeconds, ...chainSeconds(outcome), total: (performance.now() - began) / 1000 };
    const { sources } = this.model;
    const resumedSteps = before?.steps ?? 0;
    const provenance = {
      engine: engine.name,
      options,
      seed,
      chains: Math.max(count, outcome.chains.length),
      seconds,
      sources,
      set: this.#set,
      resumedSteps,
      backend: chosen.backend.name,
    };
    return finishFit(this.target, provenance, outcome, discrete);
  }

  /** The same posterior in the coordinates of another target. */
  async #in(target: Target): Promise<Posterior> {
    if (target === this.target) return this;
    return new Posterior(this.model, target, await densityOf(target), this.compileSeconds, this.#set);
  }

  async #resumed(engine: Engine, given: GivenParameters) {
    if (!engine.resumes) {
      const others = [...engines.values()].filter((e) => e.resumes).map((e) => e.name);
      throw new UsageError(`${engine.name} does not go on from an earlier fit; ${others.join(", ")} do`);
    }
    const before = await tensorsOf(given);
    return { ...resumeFrom(this.target, before), steps: before.steps };
  }

  #starts(start: RunOptions["start"], chains: number, radius: number, seed: number): readonly Start[] | undefined {
    if (start === undefined) return undefined;
    const list: readonly StartValues[] = Array.isArray(start) ? start : Array.from({ length: chains }, () => start);
    if (list.length !== chains)
      throw new UsageError(`there are ${list.length} starts for ${chains} chains: give one for each, or one object for all`);
    const within = Number.isFinite(radius) ? radius : DEFAULT_RADIUS;
    return list.map((values, c) => this.#start(values, within, stream(seed, `chain ${c + 1}`).split("start of the rest")));
  }

  /** Latents left out start uniformly within ± radius, unconstrained: at the first of a hundred tries that is good, as chains do that are given
   *  nothing. */
  #start(values: StartValues, radius: number, rng: Rng): Start {
    const given = this.#latentValues(values);
    const isWhole = this.target.layout.every(({ name }) => given[name] !== undefined);
    const base = new Float64Array(this.dimension);
    let position: Float64Array = base;
    const attempt = (): StartingPoint => {
      if (!isWhole) for (let i = 0; i < base.length; i++) base[i] = radius * (2 * rng.uniform() - 1);
      position = this.#unconstrain(given, base);
      return { position, logDensity: this.gradient(position, this.#gradient), gradient: this.#gradient };
    };
    const found = seekStart(isWhole ? 1 : START_TRIES, attempt, (moved) => {
      moved.logDensity = this.gradient(moved.position, this.#gradient);
    });
    return { position: typeof found === "string" ? position : found };
  }

  #refuseFailure({ failure, prepared }: RunOutcome): void {
    if (!failure) return;
    const own = prepared?.target ?? this.target;
    const target = failure.parameters ? own.fix(failure.parameters) : own;
    const why = failure.position ? `\n${blameText(target.blame(failure.position), this.model.sources)}` : "";
    throw new UsageError(`${failure.reason}${why}`);
  }
}

function checkDiscreteOutput(given: unknown): void {
  if (!discreteOutputs.some((o) => o === given))
    throw new UsageError(`discrete is one of ${discreteOutputs.join(", ")}, not ${String(given)}`);
}

/** Undefined where discrete latents cannot be summed out, or have a guide that gives them values. */
async function densityOf(target: Target): Promise<LogDensity | undefined> {
  if (target.discrete.length > 0 && (target.guide || "refusal" in target.summation())) return undefined;
  return target.density();
}

const shapeWords = (shape: Shape): string => (shape.length === 0 ? "a single value" : `shape [${shape.join(", ")}]`);

/** The first few. */
const listed = (values: readonly number[]): string =>
  values.length > 4 ? `${values.slice(0, 4).join(", ")}, …` : values.join(", ");

/** Of constrained values, whole, by name. */
const latentShapes = ({ sites }: Target): ReadonlyMap<string, Shape> =>
  new Map(sites.filter((s) => s.role === "latent").map((s) => [s.name, s.type.shape]));

function chainSeconds({ chains }: RunOutcome): { warmup: number; sampling: number } {
  return {
    warmup: chains.reduce((m, c) => Math.max(m, c.seconds.warmup), 0),
    sampling: chains.reduce((m, c) => Math.max(m, c.seconds.sampling), 0),
  };
}

/** An unsigned 32-bit seed from the platform's source of randomness: the only unseeded number, printed and stored with the fit. */
export function drawSeed(): number {
  return (globalThis as unknown as { crypto: { getRandomValues(a: Uint32Array): Uint32Array } }).crypto.getRandomValues(
    new Uint32Array(1),
  )[0];
}

export type ImportResolver = (
  path: string,
  from: number,
) => { readonly file: ModelFile; readonly sourceIndex: number } | { readonly problem: string };

/** Checks a parsed file. Throws a ModelError with every error of it. */
export function modelOf(
  name: string,
  sources: Source[],
  parsed: { readonly value?: ModelFile; readonly diagnostics: readonly Diagnostic[] },
  resolveImport?: ImportResolver,
): Model {
  const errors = parsed.diagnostics.filter((d) => d.severity === "error");
  if (!parsed.value || errors.length > 0) throw new ModelError(parsed.diagnostics, sources);
  const file = parsed.value;
  const checked = checkModel(name, sources, file, { resolveImport });
  if (!checked.value) throw new ModelError([...parsed.diagnostics, ...checked.diagnostics], sources);
  const sampled = (): Model => {
    const latent = sampleParams(file);
    if (!latent) throw new UsageError(`${name} has no params to sample`);
    return modelOf(name, sources, { value: latent, diagnostics: [] }, resolveImport);
  };
  return new Model(checked.value, [...parsed.diagnostics, ...checked.diagnostics], sampled);
}
