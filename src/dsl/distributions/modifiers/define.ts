// What a modifier is: a function from distributions at their arguments to another one, as one record of facts.
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import type { Applied } from "../applied.ts";

export interface ModifierParameter {
  readonly name: string;
  readonly doc: string;
  readonly optional?: true;
  /** 0 or 1 for each element: which elements it concerns. */
  readonly condition?: true;
  /** Axes of its own. */
  readonly rank: 0 | 1;
}
export interface Modifier {
  /** As the language writes it. */
  readonly name: string;
  readonly doc: string;
  /** Numbers in their positional order; the distributions stand among them or after them. */
  readonly parameters: readonly ModifierParameter[];
  /** How many distributions it takes. */
  readonly bases: "one" | "several";
  /** Throws UsageError, a sentence without a place, where the distribution does not allow it. */
  apply(b: Builder, bases: readonly Applied[], values: Readonly<Record<string, Value>>): Applied;
}
