// The second contract: what an engine sees of a model. Built by dsl/compile, read by inference; no syntax in it.
import type { Executable, ExecutableImage, Program } from "./backend.ts";
import type { Builder, Value } from "./ir/graph.ts";
import type { Shape, TensorType } from "./ir/type.ts";
import type { Rng } from "./numeric/rng.ts";
import type { SourceSpan } from "./source.ts";

export interface Axis {
  readonly kind: "plate" | "discrete" | "sample";
  readonly name: string;
  readonly size: number;
}
export interface Site {
  readonly name: string;
  readonly role: "latent" | "observed" | "param" | "aux";
  readonly type: TensorType;
  /** In words, as in messages: "a positive number". */
  readonly support: string;
  readonly plates: readonly Axis[];
  readonly span: SourceSpan;
}
export interface Term {
  readonly site: string;
  readonly role: "prior" | "likelihood" | "factor" | "penalty" | "jacobian" | "guide" | "reverse";
  readonly axes: readonly Axis[];
  /** Shape: the sizes of `axes`. */
  readonly value: Value;
  /** Names of the latents that the term depends on. */
  readonly reads: readonly string[];
  /** Of a prior that does not integrate to 1: which, in words for the user. */
  readonly unnormalised?: string;
  /** Of what is left of discrete latents: the elements are not those of the statement in their order. */
  readonly shuffled?: boolean;
  readonly span: SourceSpan;
}
/** Constrained values by site. */
export type Assignment = Readonly<Record<string, Value>>;
/** Noise as inputs of a program: asked for while the program is built, filled from a stream before each run. */
export interface NoiseSource {
  /** `axes`: names of the leading axes of the shape that are plates, so that a minibatch may bring noise for its rows alone. `site`: what the noise
   *  is for; asked for it again, it is the same noise (a guide with dropout is drawn from and evaluated under one mask). */
  noise(kind: "normal" | "uniform" | "exponential", shape: Shape, axes: readonly Axis[], site?: string): Value;
}
/** Hidden inputs of networks in training: noise, and statistics of the rows at hand. */
export interface TrainingSource extends NoiseSource {
  /** What `of` makes of x over the rows at hand, of which a minibatch takes some: for normalisation by batches. `axes`: the leading axes of x, as of
   *  noise; `name`: the parameter that keeps a running mean of it. */
  statistic(name: string, x: Value, axes: readonly Axis[], of: (b: Builder, x: Value) => Value): Value;
}
/** Something that is learnt, not integrated over: a param, or a tensor of a net. */
export interface Parameter {
  /** "W"; of a net "dec.1.weight". */
  readonly name: string;
  /** Shape of the constrained value. */
  readonly shape: Shape;
  /** In words, as in messages: "a positive number". */
  readonly support: string;
  /** Shape of its unconstrained coordinates, which are what is trained. */
  readonly unconstrained: Shape;
  /** The plate that the first axis of both shapes counts, where it has a row a datapoint (rule 45). */
  readonly plate?: Axis;
  /** Whether model or guide reads it: models are trained on what is inferred, guides on the bound. */
  readonly readBy: "model" | "guide" | "both";
  /** Unconstrained coordinates to start from, row-major. */
  initial(rng: Rng): Float64Array;
  /** Not trained: its next unconstrained value, from the present one and the statistic of its name in the step. */
  running?(b: Builder, unconstrained: Value, statistic: Value): Value;
  readonly span: SourceSpan;
}
/** What is evaluated beside the latents. A program that reads parameters is given their constrained values by name. */
export interface Setting {
  readonly parameters?: Assignment;
  /** Whether hidden inputs of networks (dropout's masks, statistics of a batch) are on: in fitting. */
  readonly training?: TrainingSource;
  /** Of `constrain` and `logDensity`: constrained values of latents that are at hand, integers where they are discrete; coordinates, slot by slot,
   *  are then of the other slots alone. */
  readonly given?: Assignment;
  /** Weights of the prior in the coordinates of latents, by slot, each of the shape that `Target.affine` says. */
  readonly centering?: ReadonlyMap<number, Value>;
}
/** A latent, or a part of one that has a statement of its own, that is location + scale * something standard, where these depend on latents. Its coordinates
 *  may lie anywhere between its values (centred: the weight of the prior is 1) and the standard ones (0). */
export interface AffineLatent {
  readonly name: string;
  /** Index in the layout. */
  readonly slot: number;
  /** Shape of its weights: that of its values, with 1 where elements go together; or their last axes. */
  readonly weights: Shape;
  /** Whether the model says that it has standard coordinates. */
  readonly isNoncentered: boolean;
  /** Whether they depend on latents. */
  readonly varies: { readonly location: boolean; readonly scale: boolean };
  /** What the statement says of the distribution, and what it would say of the other coordinates: "Normal(mu, tau)", "noncentered Normal(mu, tau)". */
  readonly statement: string;
  readonly other: string;
  readonly span: SourceSpan;
}
/** An affine latent at a point: all of its elements. */
export interface Standardised {
  readonly value: Value;
  readonly location: Value;
  /** The diagonal, where a factor is the scale. */
  readonly scale: Value;
  /** The standard coordinate: (value - location) / scale, or the solution for a factor. */
  readonly standard: Value;
}
/** Data under a distribution, at given latents. */
export interface Observation {
  readonly site: string;
  /** Of the leading axes of the values; those of one event follow. */
  readonly axes: readonly Axis[];
  /** The data, as numbers. */
  readonly value: Value;
  /** What the distribution expects, of the same shape; absent where its mean has no closed form. */
  readonly mean?: Value;
}
export interface Generative {
  readonly sites: readonly Site[];
  /** Log density of the given constrained values, a term a statement; a discrete latent absent from `values` is summed out. */
  terms(b: Builder, values: Assignment, setting?: Setting): readonly Term[];
}
/** A name to which a guide gives its q. */
export interface GuideSite {
  readonly name: string;
  readonly role: "latent" | "aux";
  readonly plates: readonly Axis[];
  readonly discrete: boolean;
  /** How gradients pass through its draws: along the draw, or by the score of its density. */
  readonly gradient: "pathwise" | "score";
  readonly span: SourceSpan;
}
/** A guide block: q of the model's latents, and of auxiliary variables (rules 42-49). */
export interface Guide {
  /** In the order in which they are drawn. */
  readonly sites: readonly GuideSite[];
  /** Latents that `rest ~ meanfield()` leaves to a family of the engine's. */
  readonly rest?: { readonly family: string; readonly rank?: number; readonly names: readonly string[] };
  /** All sites drawn in order: constrained values by name (auxiliaries included), and log q of each at its draw. */
  draw(b: Builder, noise: NoiseSource, setting?: Setting): { readonly values: Assignment; readonly terms: readonly Term[] };
  /** log q of given values of all sites. */
  terms(b: Builder, values: Assignment, setting?: Setting): readonly Term[];
  /** log r of the auxiliaries given the latents (rule 46); none without auxiliaries. */
  reverse(b: Builder, values: Assignment, setting?: Setting): readonly Term[];
}
/** Where a latent, or a part of one that has a statement of its own, lies in the unconstrained vector. */
export interface Slot {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** Shape of the constrained value. */
  readonly shape: Shape;
  /** Its coordinates, `size` in number, with the plates that the leading axes of both shapes count. */
  readonly unconstrained: Shape;
  readonly plates: readonly Axis[];
}
/** A discrete latent: it has no coordinates. A draw of the model is its unconstrained coordinates, then the values of these, one after the other. */
export interface DiscreteSlot {
  readonly name: string;
  /** Where its values begin in a draw. */
  readonly offset: number;
  readonly size: number;
  readonly shape: Shape;
  /** Least and greatest value of each element, row-major; infinite where there is none that the data alone decide on. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** What gives it its prior, as it stands in the text: "k[n] ~ Categorical(w)". */
  readonly statement: string;
  readonly plates: readonly Axis[];
}
/** What is saved of discrete latents that were summed out: nothing, a joint draw of them for each draw of the others, their best values together, or the
 *  probability of every value of each. */
export type DiscreteOutput = (typeof discreteOutputs)[number];
export const discreteOutputs = ["none", "draw", "map", "marginals"] as const;
/** What it takes to sum the discrete latents out: flops of an evaluation of the log density, or why it cannot be done. */
export type Summation = { readonly flops: number } | { readonly refusal: string };
export interface Target extends Generative {
  readonly name: string;
  readonly layout: readonly Slot[];
  /** Number of unconstrained coordinates: those of continuous latents. */
  readonly dimension: number;
  /** Latents over integers. What evaluates the model is given their values: in `terms`, or as `given` of a setting. */
  readonly discrete: readonly DiscreteSlot[];
  /** Of the discrete latents, where they are not given. */
  summation(): Summation;
  /** Numbers in a draw: `dimension`, and one for each element of a discrete latent. Finisher, blame, unconstrain and simulatePrior speak of draws. */
  readonly width: number;
  readonly plates: readonly Axis[];
  /** Notes for the user that arise at bind: normalisers left out, surplus data, sizes read off the data. */
  readonly notes: readonly string[];
  /** What is to be learnt; empty where `--params` has fixed it. */
  readonly parameters: readonly Parameter[];
  /** Constrained values of parameters by name, from unconstrained ones. No Jacobian: parameters are maximised over. */
  constrainParameters(b: Builder, unconstrained: Assignment): Assignment;
  /** The same model with these constrained values of its parameters (row-major, by name) as constants: it has none to learn. */
  fix(values: Readonly<Record<string, Float64Array>>): Target;
  /** Unconstrained coordinates of constrained values of parameters: to go on training from there. */
  unconstrainParameters(values: Readonly<Record<string, Float64Array>>): Readonly<Record<string, Float64Array>>;
  /** In the order of the layout. */
  readonly affine: readonly AffineLatent[];
  /** The same model in other coordinates: weights of the prior by slot, one for each element or one for all. */
  recentered(weights: ReadonlyMap<number, Float64Array>): Target;
  /** Of the affine latents, in their order, at an unconstrained point that is no constant. */
  standardised(b: Builder, u: Value): readonly Standardised[];
  readonly guide?: Guide;
  /** What is observed, beside what the model expects there at constrained values of all latents: reconstructions, images of latents. */
  observations(b: Builder, values: Assignment, setting?: Setting): readonly Observation[];
  /** Constrained values and log-Jacobian terms at an unconstrained point: a vector of `dimension`, or the coordinates of each slot of the layout. */
  constrain(
    b: Builder,
    u: Value | readonly Value[],
    setting?: Setting,
  ): { readonly values: Assignment; readonly jacobian: readonly Term[] };
  /** The inverse of `constrain`, slot by slot, each of its unconstrained shape; undefined where there is none as a graph. */
  coordinates(b: Builder, values: Assignment, setting?: Setting): readonly (Value | undefined)[];
  /** Sum of all terms and Jacobians: a scalar. `jacobian: false` for optima on the constrained scale (mle and map as Stan gives them). */
  logDensity(b: Builder, u: Value, options?: { readonly jacobian?: boolean; readonly prior?: boolean }, setting?: Setting): Value;
  /** `copies` evaluations side by side: the results of f gain a leading axis; f reads its copy's inputs by the values it closes over through `per`. */
  batched(
    b: Builder,
    copies: number,
    per: readonly Value[],
    f: (b: Builder, own: readonly Value[]) => readonly Value[],
  ): readonly Value[];
  compile(program: Program): Promise<Executable>;
  /** The float64 log density with its gradient; the same options as logDensity. */
  density(options?: { readonly jacobian?: boolean; readonly prior?: boolean }): Promise<LogDensity>;
  /** Of draws of `dimension` numbers, discrete latents being recovered, or of `width` numbers. */
  finisher(rng: Rng, discrete?: DiscreteOutput): Promise<Finisher>;
  /** Unconstrained position of a (partial) assignment of constrained values; what is missing is taken from `base`. */
  unconstrain(values: Readonly<Record<string, readonly number[]>>, base: Float64Array): Float64Array;
  /** A joint draw of latents (prior) as an unconstrained position, or why there is none. */
  simulatePrior(rng: Rng): Promise<{ readonly position: Float64Array } | { readonly refusal: string }>;
  blame(q: Float64Array): Blame;
  /** Cloneable, for workers: wasm module, memory, layout of the finisher. */
  image(): Promise<TargetImage>;
}
export interface LogDensity {
  readonly dimension: number;
  /** Returns log p(q), writes its gradient. -Infinity or NaN means "outside": never throws, never allocates. */
  evaluate(q: Float64Array, gradient: Float64Array): number;
  dispose(): void;
}
/** Everything a sampling thread needs; plain data that structured clone carries. */
export interface TargetImage {
  readonly dimension: number;
  readonly density: ExecutableImage;
}
export interface Column {
  readonly name: string;
  readonly shape: Shape;
  /** Elements that exist, by flat row-major index; absent: all. */
  readonly defined?: readonly number[];
  /** Observed variables are columns of simulations alone. */
  readonly role: "latent" | "quantity" | "predict" | "observed";
  readonly integer: boolean;
}
/** Per draw: constrain, derive, predict. */
export interface Finisher {
  readonly columns: readonly Column[];
  /** Number of values that one draw gives: all columns one after the other, row-major. */
  readonly width: number;
  finish(q: Float64Array, out: Float64Array): void;
  dispose(): void;
}
/** Why the log density is not finite at a point, by the statement whose term it is. */
export interface Blame {
  readonly logDensity: number;
  readonly culprits: readonly {
    readonly site: string;
    readonly role: Term["role"];
    readonly span: SourceSpan;
    /** 1-based indices of the first bad element, empty for a scalar. */
    readonly element: readonly number[];
    readonly value: number;
    readonly count: number;
    readonly of: number;
    /** What went into the statement there: "y[3] = 2.5, mu = 0.1, sigma = -1". */
    readonly inputs: readonly { readonly name: string; readonly value: number }[];
  }[];
  readonly badGradient: readonly { readonly name: string; readonly value: number }[];
}
