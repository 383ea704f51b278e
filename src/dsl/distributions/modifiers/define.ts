// What a modifier is: a function from distributions at their arguments to another one, as one record of facts.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import type { Constraint } from "../../constraints/define.ts";
import type { SourceSpan } from "../../diagnostics.ts";
import type { Range } from "../../ranges.ts";
import type { Applied } from "../applied.ts";

export interface ModifierParameter {
  readonly name: string;
  readonly doc: string;
  /** What an argument must be, as of a parameter of a distribution. */
  readonly constraint?: Constraint;
  /** Axes of its own. */
  readonly rank: 0 | 1;
  /** Given by name only. */
  readonly named?: true;
  /** May be left out; where all named ones are optional, one must be there. */
  readonly optional?: true;
  /** It is 0 or 1 for each element; what 1 says, in words. */
  readonly condition?: string;
}

/** What is known of a distribution at its arguments before their values are: the facts that `Applied` has as functions. */
export interface DistributionFacts {
  /** For messages: "Normal", "truncated(Normal)". */
  readonly name: string;
  /** Axes of one event. */
  readonly event: 0 | 1 | 2;
  /** No value lies outside. */
  readonly range: Range;
  readonly discrete: boolean;
  readonly normalised: boolean;
  /** The declared type is the support: Flat. */
  readonly declaredSupport: boolean;
  /** Closed forms that there are. */
  readonly cdf: boolean;
  readonly ccdf: boolean;
  readonly quantile: boolean;
  /** A location plus a scale times something fixed. */
  readonly affine: boolean;
  readonly sampler: boolean;
  /** Why there is none, and what to write instead. */
  readonly undrawn?: string;
  /** Half of the mass lies on each side of this number. */
  readonly symmetricAbout?: number;
  /** Of real numbers, without a density on them: why a latent variable cannot follow it, although data can. */
  readonly noDensity?: string;
}
export interface Base extends DistributionFacts {
  readonly span: SourceSpan;
}
/** A number among the arguments. */
export interface Given {
  readonly span: SourceSpan;
  /** Short enough to be repeated in a message, else the word given for it. */
  text(otherwise: string): string;
  /** undefined: not known before data are bound. */
  readonly rank: number | undefined;
  /** Of every element. */
  readonly range: Range;
  /** From data and constants alone. */
  readonly knownAtBind: boolean;
}
/** To whom a rule says what it finds. */
export interface Judge {
  readonly call: SourceSpan;
  reject(span: SourceSpan, code: string, message: string, label: string, notes?: readonly string[]): void;
  /** The normalising constant of `what` has no closed form: left out where it is the same at every point, a mistake where it depends on latents. */
  unnormalised(what: string): void;
}

export interface Modifier {
  /** As the language writes it. */
  readonly name: string;
  readonly doc: string;
  /** How a call is written, for messages and the reference. */
  readonly usage: string;
  /** Numbers; those by position come first, in their order, and the distributions stand behind them. */
  readonly parameters: readonly ModifierParameter[];
  /** How many distributions it takes. */
  readonly bases: "one" | "several";
  /** Of numbers only, or of vectors and matrices too. */
  readonly over: "numbers" | "anything";
  /** The parameter whose last axis counts the components: the distributions given, or those along the last axis of the only one's arguments. */
  readonly components?: string;
  /** What the result is, as far as it is not what the first base is; its name, shape, and when it is known are worked out by the caller.
   *  undefined after a rejection. Must agree with what `apply` gives (a law). */
  check(judge: Judge, bases: readonly Base[], given: Readonly<Record<string, Given>>): Partial<DistributionFacts> | undefined;
  /** Throws UsageError, a sentence without a place, where the distribution does not allow it. */
  apply(b: Builder, bases: readonly Applied[], values: Readonly<Record<string, Value>>): Applied;
}

/** Closed forms that a base has and the result does not. */
export const noClosedForms = {
  cdf: false,
  ccdf: false,
  quantile: false,
  affine: false,
  symmetricAbout: undefined,
} as const satisfies Partial<DistributionFacts>;

/** What to write instead of a modifier whose normaliser is not known: the prefix says nothing about one that is written out. */
export const leavingOut =
  "to leave it out on purpose, write D for data, and x: real<lower, upper> ~ unnormalized D for a latent variable";

/** Of a distribution that lies where a declared type says (`declaredSupport`). */
export const boundless = (name: string): string => `${name} has no bounds but those of a declared type`;
