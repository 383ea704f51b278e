// The user's mistakes as values: a span, a message, what was expected and how to mend it.
import type { SourceSpan } from "../runtime/source.ts";

export type { SourceSpan } from "../runtime/source.ts";

/** A model's text with its name for messages. */
export interface Source {
  readonly name: string;
  readonly text: string;
}
export interface Diagnostic {
  readonly severity: "error" | "warning" | "note";
  /** Stable number: PPL1xx syntax, 2xx names and types, 3xx shapes, 4xx data, 5xx structure of the model, 6xx not yet. */
  readonly code: string;
  /** The headline: "sigma may be negative here". */
  readonly message: string;
  readonly span: SourceSpan;
  /** Beside the carets: "Normal needs a positive sigma; sigma is declared real on line 3". */
  readonly label?: string;
  /** Lines after `=`: how to mend it. */
  readonly notes?: readonly string[];
}
/** What a stage gives: its value, which is missing where there are errors, and all that it has to say. */
export interface Outcome<T> {
  readonly value?: T;
  readonly diagnostics: readonly Diagnostic[];
}
