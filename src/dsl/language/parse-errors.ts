// Words for syntax errors: typical slips have their own, everything else says what was expected and what stands there.
import type { IParserErrorMessageProvider } from "chevrotain";
import type { Diagnostic } from "../diagnostics.ts";
import { slips } from "./slips.ts";
import type { Token, TokenType } from "./tokens.ts";
import * as t from "./tokens.ts";

/** What the grammar expects, in the user's words; the rules hand them to chevrotain as its messages, and slips.ts asks for them. */
export const expected = {
  statement: "a statement",
  end: "the end of the statement",
  name: "a name",
  type: ": and a type",
  tilde: "~ and a distribution",
  tildeOrEquals: "~ and a distribution, or = and a value",
  block: "{ and a body",
  elseBlock: "{ or if after else",
  parameters: "( and the names of the parameters",
  functionBody: "= and a value, or { … return … }",
  variable: "(x: type; a: type): the variable, then the parameters",
  simulate: "simulate = and a value",
  goal: "maximise or minimise",
  value: "a value",
} as const;

const tokenWords: ReadonlyMap<TokenType, string> = new Map([
  [t.NameToken, expected.name],
  [t.RightParen, ")"],
  [t.RightBracket, "]"],
  [t.RightBrace, "}"],
  [t.LeftParen, "("],
  [t.LeftBrace, "{"],
  [t.Equals, "="],
  [t.Tilde, "~"],
  [t.Colon, ": of c ? a : b"],
  [t.TypeColon, ":"],
  [t.In, "in"],
]);

/** chevrotain asks for these where a rule gives none of its own. */
export const expectations: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected: type }) => tokenWords.get(type) ?? type.name,
  buildNotAllInputParsedMessage: () => expected.end,
  buildNoViableAltMessage: ({ customUserDescription }) => customUserDescription ?? expected.value,
  buildEarlyExitMessage: ({ customUserDescription }) => customUserDescription ?? expected.value,
};

export interface SyntaxError {
  /** What of the statement could be read. */
  readonly statement: readonly Token[];
  /** What stands there instead, and what follows it; empty at the end of the file. */
  readonly rest: readonly Token[];
  /** The token before the statement. */
  readonly before: Token | undefined;
  readonly expectation: string;
  readonly text: string;
  readonly file: number;
}

export function explain(e: SyntaxError): Diagnostic {
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
    notes: [],
  };
}

/** Whether the statement just stops. */
export function ends(k: Token | undefined): boolean {
  return k === undefined || k.tokenType === t.NewLine || k.tokenType === t.End;
}

/** What stands at the wrong place; where the statement just stops, the point behind its last token. */
function placeOf({ statement, rest }: SyntaxError): { start: number; end: number } {
  const actual = rest[0];
  if (actual && !ends(actual)) return { start: actual.startOffset, end: actual.endOffset + 1 };
  const last = statement.at(-1) ?? actual;
  const at = last ? last.endOffset + 1 : 0;
  return { start: at, end: at };
}
