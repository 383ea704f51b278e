// What an engine is: a record with a name, options as data, and a run over a Target.
import type { Backend } from "../runtime/backend.ts";
import type { Draws, RawChain } from "../runtime/draws.ts";
import type { Rng } from "../runtime/numeric/rng.ts";
import type { SourceSpan } from "../runtime/source.ts";
import type { LogDensity, Target } from "../runtime/target.ts";
import type { Start as Origin } from "./vi/families/gaussian.ts";
import type { TrainingState } from "./vi/training-state.ts";

/** One option: gives the flag, its help, its check and its TypeScript type. */
export type Option =
  | {
      readonly type: "number";
      readonly default: number;
      readonly doc: string;
      readonly min?: number;
      readonly max?: number;
      readonly exclusive?: boolean;
    }
  | { readonly type: "integer"; readonly default: number; readonly doc: string; readonly min?: number; readonly max?: number }
  | { readonly type: "boolean"; readonly default: boolean; readonly doc: string }
  | { readonly type: "choice"; readonly default: string; readonly choices: readonly string[]; readonly doc: string }
  | { readonly type: "string"; readonly default: string; readonly doc: string };
export type OptionSchema = Readonly<Record<string, Option>>;
export type Options<S extends OptionSchema> = {
  readonly [K in keyof S]: S[K]["type"] extends "number" | "integer" ? number : S[K]["type"] extends "boolean" ? boolean : string;
};

/** Options of any engine, checked against its schema and complete. */
export type OptionValues = Readonly<Record<string, number | boolean | string>>;

export interface Progress {
  readonly chain: number;
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly divergences: number;
  readonly stepSize?: number;
  readonly loss?: number;
  /** Of variational training: what it maximises, of this step alone: the bound on the log evidence, unless a part of it is weighted. */
  readonly bound?: number;
}
export interface Start {
  readonly position: Float64Array;
  readonly scale?: Float64Array;
  /** Of a sampler: the metric's inverse with which warm-up begins, as RawChain's adaptation has it: a diagonal or a matrix. */
  readonly inverseMetric?: Float64Array;
}
/** What an earlier fit learnt, for an engine that trains to go on from. */
export interface Resume {
  /** Constrained values of the target's parameters, by name: of all, or of some. */
  readonly parameters: Readonly<Record<string, Float64Array>>;
  /** Of the engine's family and of what else it learns, by name; nothing where values of parameters are all that is given. */
  readonly family: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: Float64Array }>>;
  /** Of what a family over all latents is written in units. */
  readonly origin?: Origin;
  /** What the training stopped with. */
  readonly training?: TrainingState;
}
export interface RunContext {
  readonly rng: Rng;
  /** 1-based number of the chain, 1 for an engine whose unit is "run". */
  readonly chain: number;
  readonly start?: Start;
  readonly resume?: Resume;
  /** Where training runs; wasm if none is given. What is accepted or judged is always evaluated in float64. */
  readonly backend?: Backend;
  /** Set to true from outside to stop at the next transition, keeping what was drawn. Shared memory across threads. */
  readonly stop: () => boolean;
  progress(at: Progress): void;
  /** Milliseconds of some clock; the only use of time an engine has is its report. */
  readonly now: () => number;
}
/** What an engine of unit "run" has besides: it shares the thread with signals and output. */
export interface RunEngineContext extends RunContext {
  /** To be awaited after each iteration: lets signals and output through when some milliseconds have passed, else costs next to nothing.
   *  Without it `stop` cannot become true. */
  breathe(): Promise<void>;
  /** Of chains that the engine runs itself, what the user asked for. */
  readonly chains?: number;
  readonly threads?: number;
}
export interface Verdict {
  readonly what: string;
  readonly level: "pass" | "warn" | "fail";
  readonly value: number;
  readonly advice: string;
}
/** Why an engine could not run, in a sentence for the user; a position that the caller may ask `target.blame` about. */
export interface Failure {
  readonly reason: string;
  readonly position?: Float64Array;
  /** Constrained values of the target's parameters there, where it has any. */
  readonly parameters?: Readonly<Record<string, Float64Array>>;
}
export interface Result {
  /** Set when there is no result; all else is then empty. */
  readonly failure?: Failure;
  readonly chain?: RawChain;
  /** Several in its place. */
  readonly chains?: readonly RawChain[];
  /** Draws on the constrained scale of some latents, where those of all would be too many. */
  readonly draws?: Draws;
  readonly point?: { readonly position: Float64Array; readonly logDensity: number; readonly evaluations: number };
  /** Constrained values of the target's parameters, and the tensors of a family, by name. */
  readonly fitted?: Readonly<Record<string, Float64Array>>;
  /** Of a family's tensors that are no vectors. */
  readonly fittedShapes?: Readonly<Record<string, readonly number[]>>;
  readonly start?: Start;
  /** For another run to go on from: of what the family is written in units, and what the training stopped with. */
  readonly origin?: Origin;
  readonly training?: TrainingState;
  /** Of log p(data), with its standard error. */
  readonly evidence?: { readonly mean: number; readonly se: number };
  /** What the draws are worth as independent ones, where they are no chain and fewer than they look: resampled by weights. */
  readonly effectiveDraws?: number;
  /** Other numbers that tell of the result, by name in words: for the report and summary.json. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Sentences for the user about what the result lacks. */
  readonly notes?: readonly string[];
  readonly verdicts: readonly Verdict[];
  readonly traces: Readonly<Record<string, Float64Array>>;
}
/** An engine that advances one chain needs the density alone, and runs in a worker without the model. It yields after each
 *  transition, so that whoever runs it may breathe, interleave chains, or stop. */
export interface ChainEngine<S extends OptionSchema> {
  readonly unit: "chain";
  run(density: LogDensity, options: Options<S>, context: RunContext): Generator<undefined, Result, undefined>;
}
/** An engine that sees the whole target. */
export interface RunEngine<S extends OptionSchema> {
  readonly unit: "run";
  run(target: Target, options: Options<S>, context: RunEngineContext): Promise<Result>;
}
// biome-ignore lint/suspicious/noExplicitAny: a registry of engines with different options
export type Engine<S extends OptionSchema = any> = EngineFacts<S> & (ChainEngine<S> | RunEngine<S>);
/** The coordinates that were chosen for a latent: weights of its prior, 1 where they are its values and 0 where they are standard. */
export interface ChosenCentering {
  readonly name: string;
  /** Its distribution, as it stands in the text. */
  readonly statement: string;
  readonly span: SourceSpan;
  /** One for each element, or for each of those that go together. */
  readonly weights: Float64Array;
}
/** What chains run on. */
export interface Prepared {
  readonly target: Target;
  /** Evaluations of the log density, with gradient, that it took. */
  readonly evaluations?: number;
  readonly centering?: readonly ChosenCentering[];
  readonly notes: readonly string[];
}
export interface EngineFacts<S extends OptionSchema> {
  readonly name: string;
  /** A paragraph for `--help` and the generated page, with its papers. */
  readonly doc: string;
  readonly options: S;
  readonly discrete: "summed" | "explicit" | "either";
  readonly precision: "float64" | "any";
  /** Of unit run: whether it runs chains of its own, as many as the user says. */
  readonly ownChains?: boolean;
  /** Whether it trains, and goes on from `resume`. */
  readonly resumes?: boolean;
  /** Why it cannot run this, in words for the user. */
  refuse?(target: Target): string | undefined;
  /** Of chains, before they begin: the same model in the coordinates that they run in. Undefined: in those that it has. */
  prepare?(target: Target, options: Options<S>, context: RunEngineContext): Promise<Prepared> | undefined;
}
/** Keeps the literal types of the options, for their `run`, and the kind of engine. */
export function defineEngine<const S extends OptionSchema>(
  engine: EngineFacts<S> & ChainEngine<S>,
): EngineFacts<S> & ChainEngine<S>;
export function defineEngine<const S extends OptionSchema>(engine: EngineFacts<S> & RunEngine<S>): EngineFacts<S> & RunEngine<S>;
export function defineEngine<const S extends OptionSchema>(engine: Engine<S>): Engine<S> {
  return engine;
}
/** Keeps the literal types of a schema that several engines share. */
export function defineOptions<const S extends OptionSchema>(options: S): S {
  return options;
}
