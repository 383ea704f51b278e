// What the grammar expects, in the user's words, and what is known where it finds something else.
import type { IParserErrorMessageProvider } from "chevrotain";
import type { Token, TokenType } from "./tokens.ts";
import * as t from "./tokens.ts";

/** The rules hand them to chevrotain as its messages, and slips.ts asks for them. */
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
  boundsComma: "a comma between the two bounds",
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

export interface ParseFailure {
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

/** Whether the statement just stops. */
export function ends(k: Token | undefined): boolean {
  return k === undefined || k.tokenType === t.NewLine || k.tokenType === t.End;
}

export interface Slip {
  readonly code: string;
  readonly message: string;
  readonly label?: string;
  readonly notes?: readonly string[];
  /** Where; the unexpected token, if not said. */
  readonly at?: { readonly start: number; readonly end: number };
}

export const is = (k: Token | undefined, ...types: TokenType[]) => k !== undefined && types.includes(k.tokenType);
export const spanOf = (first: Token, last: Token = first) => ({ start: first.startOffset, end: last.endOffset + 1 });
