// What a layer of a network is: one record from which checking, lowering, initial values and the reference page are made.
import { InternalError } from "../../runtime/errors.ts";
import type { FlowLayer } from "../../runtime/flows/define.ts";
import type { Builder, Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { SourceSpan } from "../diagnostics.ts";
import { constantOfDimension, type Size, type SymbolicShape } from "../dimensions.ts";
import type { Range } from "../ranges.ts";

/** `size`: a positive integer known at bind; `sizes`: a list of them; `number`: known at bind; `flag`: true or false; `word`: text in quotes;
 *  `activation`: the name of a function of one argument that acts on each element. */
export type NetParameterKind = "size" | "sizes" | "number" | "flag" | "word" | "activation";
export interface NetParameter {
  readonly name: string;
  readonly kind: NetParameterKind;
  readonly doc: string;
  /** What stands for it where it is left out; absent: it must be given. Of an activation its name. */
  readonly default?: number | boolean | string;
  /** What a word may be. */
  readonly words?: readonly string[];
  /** Where a number or a size must lie. */
  readonly range?: Range;
}
/** What was given for a parameter; undefined: only bind knows. */
export type ArgumentValue = Size | SymbolicShape | number | boolean | string | FunctionLayer;

/** What a net was given, by the names of its parameters: sizes are symbolic in the checker and numbers when data are bound. */
export class Arguments {
  readonly #values: ReadonlyMap<string, ArgumentValue>;
  constructor(values: ReadonlyMap<string, ArgumentValue>) {
    this.#values = values;
  }
  size(name: string): Size {
    const value = this.#values.get(name);
    return typeof value === "object" && "terms" in value ? value : undefined;
  }
  /** undefined where not even their number is known. */
  sizes(name: string): SymbolicShape | undefined {
    const value = this.#values.get(name);
    return Array.isArray(value) ? value : undefined;
  }
  number(name: string): number | undefined {
    const value = this.#values.get(name);
    return typeof value === "number" ? value : undefined;
  }
  flag(name: string): boolean {
    return this.#values.get(name) === true;
  }
  word(name: string): string {
    const value = this.#values.get(name);
    return typeof value === "string" ? value : "";
  }
  activation(name: string): FunctionLayer {
    const value = this.#values.get(name);
    if (typeof value !== "object" || !("kind" in value)) throw new InternalError(`${name} is no activation`);
    return value;
  }
  /** A size or a number where all are known: when data are bound. */
  known(name: string): number {
    const size = this.size(name);
    return numberOf(this.number(name) ?? (size && constantOfDimension(size)), name);
  }
}
function numberOf(x: number | undefined, what: string): number {
  if (x === undefined) throw new InternalError(`${what} is not known though data are bound`);
  return x;
}
/** Sizes where all are known. */
export const knownShape = (s: SymbolicShape): number[] => s.map((d) => numberOf(d && constantOfDimension(d), "a size"));

// ---------------------------------------------------------------- layers

/** What a network is made of, in order. */
export type Layer = RecordLayer | FunctionLayer | NetLayer;
export interface RecordLayer {
  readonly kind: "record";
  readonly record: LayerRecord;
  readonly arguments: Arguments;
  readonly span: SourceSpan;
}
/** A function of one argument: a built-in one, or the user's. */
export interface FunctionLayer {
  readonly kind: "function";
  readonly name: string;
  /** The user's: what it does is not known. */
  readonly own: boolean;
  /** A built-in function that acts on each element by itself. */
  readonly elementwise: boolean;
  /** About half of what goes in is cut off: weights before it begin larger. */
  readonly rectifies: boolean;
  readonly span: SourceSpan;
}
/** Another net by its name: its layers, with its parameters. */
export interface NetLayer {
  readonly kind: "net";
  readonly name: string;
  readonly span: SourceSpan;
}

/** A learnt array of a layer. */
export interface NetTensor {
  /** "weight" */
  readonly name: string;
  readonly shape: Shape;
  /** Positive numbers, which are trained by their logarithms. */
  readonly positive?: true;
  /** Row-major values to start from, unconstrained. `rectified`: what follows the layer is a rectifier. */
  initial(rng: Rng, rectified: boolean): Float64Array;
  /** Not trained: after each step, unconstrained, what this makes of it and of the statistic of its name. */
  running?(b: Builder, unconstrained: Value, batch: Value): Value;
}
/** What a layer is given in one application. */
export interface Application {
  readonly arguments: Arguments;
  readonly tensors: Readonly<Record<string, Value>>;
  /** Number of axes in front of an example: rows that do not see each other. */
  readonly lead: number;
  /** Noise of the shape of what comes in, in training alone. */
  readonly noise?: (kind: "normal" | "uniform") => Value;
  /** What `of` makes of what comes in over the rows at hand [rows…, example…], in training alone: the rows of a minibatch are not known before it is
   *  taken. The name is that of a running tensor. */
  readonly statistic?: (name: string, of: (b: Builder, x: Value) => Value) => Value;
}

interface Facts {
  readonly name: string;
  /** One or two sentences for the reference page. */
  readonly doc: string;
  /** Order is the positional order. */
  readonly parameters: readonly NetParameter[];
  /** A net as it may be written, for the reference page and messages. */
  readonly example: string;
}
/** Some layer, by its rule. */
export interface LayerRecord extends Facts {
  readonly kind: "layer";
  /** Shape of an example that it takes; without it, any. */
  takes?(args: Arguments): SymbolicShape;
  /** The fewest axes that an example has, of a layer without `takes`. */
  readonly least?: number;
  /** Shape of an example's result, or why there is none, or undefined where only bind knows; without it, that of the example. */
  gives?(args: Arguments, example: SymbolicShape): SymbolicShape | { readonly problem: string } | undefined;
  /** What it learns; the layers that have it are those that are counted in the names of tensors. */
  tensors?(args: Arguments, example: Shape, context?: number): readonly NetTensor[];
  /** x [lead…, example…], real, to [lead…, result…]. */
  apply(b: Builder, x: Value, given: Application): Value;
  /** What can be undone: the layer for vectors that follow `context` numbers, with the names of its tensors. */
  flow?(args: Arguments, context: number): FlowLayer;
  /** Reads other rows than its own, in training: there must be some. */
  readonly acrossRows?: true;
  /** Leaves the elements what they are, but for scale and place: what matters for the weights before it is the layer after it. */
  readonly transparent?: true;
}
/** Several layers under one name. */
export interface Composition extends Facts {
  readonly kind: "composition";
  /** undefined where only bind knows how many. */
  layers(args: Arguments, span: SourceSpan): readonly Layer[] | { readonly problem: string } | undefined;
}
export type NetRecord = LayerRecord | Composition;

export const defineNet = <R extends NetRecord>(record: R): R => record;

/** linear(in, out, bias = true) */
export function usageOf(r: NetRecord): string {
  const word = (p: NetParameter): string =>
    p.default === undefined ? p.name : `${p.name} = ${p.kind === "word" ? JSON.stringify(p.default) : String(p.default)}`;
  return `${r.name}(${r.parameters.map(word).join(", ")})`;
}
