// The embedded API: a model, its posterior given data, and runs of engines over it.

import { blameText } from "./blame-text.ts";
import { checkModel } from "./dsl/check/check.ts";
import type { CheckedModel } from "./dsl/check/checked-model.ts";
import { bind } from "./dsl/compile/lower.ts";
import { type DataInput, dataFromValues } from "./dsl/data/from-javascript.ts";
import type { DataSet } from "./dsl/data/value.ts";
import type { Diagnostic, Source } from "./dsl/diagnostics.ts";
import type { ModelFile } from "./dsl/language/ast.ts";
import { renderDiagnostic } from "./dsl/render-diagnostic.ts";
import { Fit, finishFit } from "./fit.ts";
import type { Engine, Progress, Start } from "./inference/engine.ts";
import { engines } from "./inference/engines/index.ts";
import { resolveOptions } from "./inference/options.ts";
import { type RunOutcome, runEngine } from "./inference/run.ts";
import { UsageError } from "./runtime/errors.ts";
import type { LogDensity, Target } from "./runtime/target.ts";

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
  /** At most so many worker threads; 1 runs everything on the calling thread. */
  readonly threads?: number;
  /** Stops at the next transition; what was drawn is kept. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (at: Progress) => void;
  /** Values of latents to start from, one object for all chains or one a chain; latents left out start at random. */
  readonly start?: StartValues | readonly StartValues[];
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

  constructor(checked: CheckedModel, diagnostics: readonly Diagnostic[]) {
    this.name = checked.name;
    this.sources = checked.sources;
    this.checked = checked;
    this.diagnostics = diagnostics;
  }

  /** Checks every value against its declared type, compiles, and gives the posterior. Throws a ModelError. */
  async bind(data: DataObject = {}, options: BindOptions = {}): Promise<Posterior> {
    return this.bindData(dataFromValues(data), new Map(Object.entries(options.set ?? {})));
  }

  /** The same for data that have been read from files. */
  async bindData(data: DataSet, set: ReadonlyMap<string, number> = new Map()): Promise<Posterior> {
    const bound = bind(this.checked, data, set);
    if (!bound.value) throw new ModelError(bound.diagnostics, this.sources);
    return new Posterior(this, bound.value, await bound.value.density());
  }
}

/** A model at its data: a log density over the unconstrained space, and engines that run on it. */
export class Posterior {
  readonly model: Model;
  readonly target: Target;
  readonly #density: LogDensity;
  readonly #gradient: Float64Array;

  constructor(model: Model, target: Target, density: LogDensity) {
    this.model = model;
    this.target = target;
    this.#density = density;
    this.#gradient = new Float64Array(density.dimension);
  }

  get dimension(): number {
    return this.#density.dimension;
  }

  /** Log joint density at an unconstrained position, log-Jacobian included, constants included. */
  logDensity(q: Float64Array): number {
    return this.gradient(q, this.#gradient);
  }

  /** The same; writes the gradient, of length `dimension`. */
  gradient(q: Float64Array, out: Float64Array): number {
    if (q.length !== this.dimension || out.length !== this.dimension)
      throw new UsageError(`a position of this posterior has ${this.dimension} numbers`);
    return this.#density.evaluate(q, out);
  }

  /** Unconstrained position of constrained values; latents left out are taken at 0. */
  unconstrain(values: StartValues): Float64Array {
    const flat = [...dataFromValues(values)].map(([name, v]): [string, number[]] => {
      const slot = this.target.layout.find((s) => s.name === name);
      if (!slot)
        throw new UsageError(
          `${name} is no latent of the model; it has ${[...new Set(this.target.layout.map((s) => s.name))].join(", ")}`,
        );
      return [name, [...v.values]];
    });
    return this.target.unconstrain(Object.fromEntries(flat), new Float64Array(this.dimension));
  }

  /** Runs an engine by its name. Throws a UsageError for a wrong option, or when the engine cannot run, with the reason. */
  async run(engineName = "nuts", given: RunOptions = {}): Promise<Fit> {
    const { chains, seed = drawSeed(), threads, signal, onProgress, start, ...engineOptions } = given;
    const engine = engineNamed(engineName);
    const options = resolveOptions(engine, engineOptions);
    const began = performance.now();
    const outcome = await runEngine(this.target, engine, options, {
      chains,
      seed,
      threads,
      signal,
      onProgress,
      starts: this.#starts(start, chains ?? 4),
    });
    this.#refuseFailure(outcome);
    const seconds = { ...chainSeconds(outcome), total: (performance.now() - began) / 1000 };
    return finishFit(this.target, { engine: engine.name, options, seed, chains: outcome.chains.length, seconds }, outcome);
  }

  #starts(start: RunOptions["start"], chains: number): readonly Start[] | undefined {
    if (start === undefined) return undefined;
    const list = Array.isArray(start) ? start : Array.from({ length: chains }, () => start);
    return list.map((values) => ({ position: this.unconstrain(values) }));
  }

  #refuseFailure({ failure }: RunOutcome): void {
    if (!failure) return;
    const why = failure.position ? `\n${blameText(this.target.blame(failure.position), this.model.sources)}` : "";
    throw new UsageError(`${failure.reason}${why}`);
  }
}

function chainSeconds({ chains }: RunOutcome): { warmup: number; sampling: number } {
  return {
    warmup: chains.reduce((m, c) => Math.max(m, c.seconds.warmup), 0),
    sampling: chains.reduce((m, c) => Math.max(m, c.seconds.sampling), 0),
  };
}

export function engineNamed(name: string): Engine {
  const engine = engines.get(name === "auto" ? "nuts" : name);
  if (!engine) throw new UsageError(`there is no engine ${name}; there are ${[...engines.keys()].join(", ")}`);
  return engine;
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
  const checked = checkModel(name, sources, parsed.value, { resolveImport });
  if (!checked.value) throw new ModelError([...parsed.diagnostics, ...checked.diagnostics], sources);
  return new Model(checked.value, [...parsed.diagnostics, ...checked.diagnostics]);
}

export { Fit };
