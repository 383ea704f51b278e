// Names in scope while a model is checked, and the loops around a place.
import type { SourceSpan } from "../diagnostics.ts";
import type { Dimension } from "../dimensions.ts";
import type { Expression, TypeExpression } from "../language/ast.ts";
import type { DistributionType } from "./distribution-type.ts";
import type { Size, Stage, SymbolicShape, ValueType } from "./value-type.ts";

export type EntryKind = "data" | "size" | "const" | "param" | "latent" | "let" | "quantity" | "predict" | "loop" | "parameter";
export const kindWords: Readonly<Record<EntryKind, string>> = {
  data: "data",
  size: "a size",
  const: "a const",
  param: "a param",
  latent: "a latent variable",
  let: "a let",
  quantity: "a quantity",
  predict: "a prediction",
  loop: "a loop variable",
  parameter: "a parameter",
};

/** One subscript of a place: the indices lower..upper that the statement gives, over all iterations of its loops. */
export interface Cover {
  readonly lower: Size;
  readonly upper: Size;
  /** The loop variable that stands there alone: x[n]. */
  readonly variable?: LoopFrame;
}
/** One statement that gives elements of an array. */
export interface Writer {
  readonly span: SourceSpan;
  readonly covers: readonly Cover[];
  readonly loops: readonly LoopFrame[];
  /** Under an `if`: the elements may stay without a value. */
  readonly guarded: boolean;
}
/** An array given element by element. */
export interface Elements {
  readonly rank: number;
  readonly writers: Writer[];
  /** Shape of what stands at one full set of subscripts; undefined until a statement tells. */
  trailing: SymbolicShape | undefined;
}
export interface Entry {
  readonly kind: EntryKind;
  readonly name: string;
  readonly span: SourceSpan;
  type: ValueType;
  used: boolean;
  /** Loops around the statement that defined it. */
  readonly loops: readonly LoopFrame[];
  /** The type as declared, for messages. */
  declared?: TypeExpression;
  /** When the bounds of that type are known. */
  readonly boundStage?: Stage;
  /** What its statements give a latent. */
  laws?: DistributionType[];
  /** Name of the distribution that a latent follows, for messages. */
  distribution?: string;
  elements?: Elements;
  /** A latent's ~ has been seen; a declaration alone is not enough. */
  given?: boolean;
  /** Not in force until a statement further down in the loop gives it. */
  pending?: boolean;
  /** Loops in which a statement gives elements of it. */
  expected?: LoopFrame[];
  /** Stands for a name that was reported as undefined: a later definition replaces it. */
  readonly unknown?: boolean;
  /** Works out `type` when it is first asked for: data, const and param may refer to each other in any order. */
  resolve?: () => void;
  /** Given under an `if`: the other arm may give it too. */
  guarded?: boolean;
  /** The expression of a const or let, for messages. */
  value?: Expression;
}
export interface LoopFrame {
  /** Unique: "n#3". */
  readonly key: string;
  readonly name: string;
  readonly span: SourceSpan;
  /** Smallest and largest value, where the range says. */
  readonly lower: Dimension | undefined;
  readonly upper: Dimension | undefined;
  /** The scope around the loop. */
  readonly outside: Scope;
}

export class Scope {
  private readonly own = new Map<string, Entry>();
  readonly parent: Scope | undefined;
  constructor(parent?: Scope) {
    this.parent = parent;
  }
  get(name: string): Entry | undefined {
    return this.own.get(name) ?? this.parent?.get(name);
  }
  here(name: string): Entry | undefined {
    return this.own.get(name);
  }
  set(entry: Entry): Entry {
    this.own.set(entry.name, entry);
    return entry;
  }
  entries(): Iterable<Entry> {
    return this.own.values();
  }
  /** All names that can be read here. */
  names(): readonly string[] {
    return [...this.own.keys(), ...(this.parent?.names() ?? [])];
  }
}
