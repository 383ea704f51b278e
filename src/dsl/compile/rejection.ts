// A user's mistake found while a model meets its data. Thrown inside dsl/compile, caught by `bind`, returned as a Diagnostic.
import { ShapeError, UsageError } from "../../runtime/errors.ts";
import type { Diagnostic, SourceSpan } from "../diagnostics.ts";
import type { RowTable } from "./rows.ts";

export class Rejection extends Error {
  override readonly name = "Rejection";
  readonly diagnostics: readonly Diagnostic[];
  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => d.message).join("\n"));
    this.diagnostics = diagnostics;
  }
}

export interface Wording {
  readonly label?: string;
  readonly notes?: readonly string[];
}

/** Codes of what is found at bind; the numbers are listed in dsl/codes.ts. */
export const bindCodes = {
  missing: "PPL401",
  size: "PPL402",
  value: "PPL403",
  type: "PPL404",
  empty: "PPL405",
  index: "PPL406",
  coverage: "PPL407",
  twice: "PPL408",
  shape: "PPL409",
  constant: "PPL410",
  normaliser: "PPL411",
  notYet: "PPL601",
} as const;
export type BindCode = (typeof bindCodes)[keyof typeof bindCodes];

export function diagnostic(code: BindCode, span: SourceSpan, message: string, wording: Wording = {}): Diagnostic {
  return { severity: "error", code, span, message, ...wording };
}

export function reject(code: BindCode, span: SourceSpan, message: string, wording: Wording = {}): never {
  throw new Rejection([diagnostic(code, span, message, wording)]);
}

/** Runs f; a shape that does not fit, or a distribution that cannot be modified so, becomes a diagnostic at `span`. */
export function at<T>(span: SourceSpan, f: () => T): T {
  try {
    return f();
  } catch (e) {
    if (e instanceof ShapeError) reject(bindCodes.shape, span, e.message);
    if (e instanceof UsageError) reject(bindCodes.type, span, e.message);
    throw e;
  }
}

/** A width that differs from row to row where one is needed. A statement that meets it is run for the rows of each width in turn; elsewhere
 *  it is the user's mistake. */
export class VaryingWidth extends Rejection {
  /** The width in each row around. */
  readonly widths: RowTable;
  constructor(widths: RowTable, span: SourceSpan, message: string, wording: Wording) {
    super([diagnostic(bindCodes.shape, span, message, wording)]);
    this.widths = widths;
  }
}
