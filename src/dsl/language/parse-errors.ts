// Words for syntax errors: typical slips have their own, everything else says what was expected and what stands there.
import type { Diagnostic } from "../diagnostics.ts";
import { ends, expected, type ParseFailure } from "./expectations.ts";
import { slips } from "./slips.ts";
import * as t from "./tokens.ts";

const types = "types are real, int, positive, nonnegative, unit, simplex, ordered, … with sizes in brackets: real[N, D]";
const hints: Readonly<Record<string, readonly string[]>> = {
  [expected.type]: [types],
  "a type": [types],
  [expected.variable]: ["write density P(x: real; a: positive) = …"],
  "; before the parameters, or )": [
    "write density P(x: real; a: positive) = …: the variable stands before the semicolon, the parameters behind it",
  ],
};

export function explain(e: ParseFailure): Diagnostic {
  for (const slip of slips) {
    const found = slip(e);
    if (!found) continue;
    const { start, end } = found.at ?? placeOf(e);
    return {
      severity: "error",
      code: found.code,
      message: found.message,
      span: { file: e.file, start, end },
      label: found.label,
      notes: found.notes,
    };
  }
  const actual = e.rest[0];
  const gone = ends(actual);
  return {
    severity: "error",
    code: "PPL110",
    message: `expected ${e.expectation}${gone ? "" : `, found ${t.describeToken(actual)}`}`,
    span: { file: e.file, ...placeOf(e) },
    label: gone ? "it is missing here" : undefined,
    notes: hints[e.expectation] ?? [],
  };
}

/** What stands at the wrong place; where the statement just stops, the point behind its last token. */
function placeOf({ statement, rest }: ParseFailure): { start: number; end: number } {
  const actual = rest[0];
  if (actual && !ends(actual)) return { start: actual.startOffset, end: actual.endOffset + 1 };
  const last = statement.at(-1) ?? actual;
  const at = last ? last.endOffset + 1 : 0;
  return { start: at, end: at };
}
