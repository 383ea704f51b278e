// The vocabulary: token types, and how a token is called in a message.
import type { IToken, TokenType } from "chevrotain";
import type { Expression } from "./ast.ts";
import { createToken, EOF, Lexer } from "./chevrotain.ts";

export type { TokenType } from "chevrotain";

/** Offsets are UTF-16; endOffset is the last one, as chevrotain has it. */
export interface Token extends IToken {
  readonly image: string;
  readonly startOffset: number;
  readonly endOffset: number;
  /** A name's NFKC form, a string's content. */
  readonly text?: string;
  /** What an embedding program put here. */
  readonly value?: Placeable;
}
/** The tree of a literal whose text begins at an offset of a file. */
export type Placeable = (file: number, start: number) => Expression;

const words = new Map<TokenType, string>();

/** `word`: what a message calls it; without one, a token is called by what is written. */
function define(name: string, word?: string): TokenType {
  // The scanner is our own: chevrotain's lexer knows neither Unicode names nor where a newline ends a statement.
  const type = createToken({ name, pattern: Lexer.NA });
  if (word) words.set(type, word);
  return type;
}

// What the scanner finds.
export const NewLine = define("NewLine", "the end of the line");
export const NameToken = define("Name");
export const NumberToken = define("Number");
export const StringToken = define("String");
export const BooleanToken = define("Boolean");
export const Hole = define("Hole", "the interpolated value");
export const For = define("For");
export const In = define("In");
export const If = define("If");
export const Else = define("Else");
export const LeftParen = define("LeftParen");
export const RightParen = define("RightParen");
export const LeftBracket = define("LeftBracket");
export const RightBracket = define("RightBracket");
export const LeftBrace = define("LeftBrace");
export const RightBrace = define("RightBrace");
export const Comma = define("Comma");
export const Semicolon = define("Semicolon");
export const Tilde = define("Tilde");
export const Equals = define("Equals");
export const Colon = define("Colon");
export const Question = define("Question");
export const DotDot = define("DotDot");
export const Prime = define("Prime");
export const Not = define("Not");
/** + and -: before an operand or between two. */
export const Sign = define("Sign");
/** What stands between two operands only. */
export const Operator = define("Operator");
export const Pipe = define("Pipe");
/** += and its like: scanned whole for the message, part of no rule. */
export const CompoundAssignment = define("CompoundAssignment");

// What the layout pass makes of them by their surroundings.
/** The colon before a type, unlike that of c ? a : b. */
export const TypeColon = define("TypeColon");
export const LeftBound = define("LeftBound");
export const RightBound = define("RightBound");
/** The ? of real?[N]. */
export const Optional = define("Optional");
/** The name of f(name = value). */
export const ArgumentName = define("ArgumentName");
/** noncentered, unnormalized */
export const Prefix = define("Prefix");
export const By = define("By");
export const Over = define("Over");
export const Simulate = define("Simulate");
export const Data = define("Data");
export const Const = define("Const");
export const Param = define("Param");
export const Let = define("Let");
export const Fn = define("Fn");
export const Density = define("Density");
export const Net = define("Net");
export const Import = define("Import");
export const Guide = define("Guide");
export const Reverse = define("Reverse");
export const Aux = define("Aux");
export const Objective = define("Objective");
export const Goal = define("Goal");
export const Quantity = define("Quantity");
export const Predict = define("Predict");
export const Factor = define("Factor");
export const Observe = define("Observe");
export const Return = define("Return");

export const End = EOF;

/** For the parser's constructor: every type that a rule may name. */
export const vocabulary: TokenType[] = [
  ...[NewLine, NameToken, NumberToken, StringToken, BooleanToken, Hole, For, In, If, Else],
  ...[LeftParen, RightParen, LeftBracket, RightBracket, LeftBrace, RightBrace, Comma, Semicolon, Tilde, Equals, Colon, Question],
  ...[DotDot, Prime, Not, Sign, Operator, Pipe, CompoundAssignment, TypeColon, LeftBound, RightBound, Optional, ArgumentName],
  ...[Prefix, By, Over, Simulate, Data, Const, Param, Let, Fn, Density, Net, Import, Guide, Reverse, Aux, Objective, Goal],
  ...[Quantity, Predict, Factor, Observe, Return],
];

export const reserved: ReadonlyMap<string, TokenType> = new Map([
  ["for", For],
  ["in", In],
  ["if", If],
  ["else", Else],
  ["true", BooleanToken],
  ["false", BooleanToken],
]);

export function token(
  tokenType: TokenType,
  image: string,
  start: number,
  end: number,
  more?: { text?: string; value?: Placeable },
): Token {
  return { image, startOffset: start, endOffset: end - 1, tokenType, tokenTypeIdx: tokenType.tokenTypeIdx!, ...more };
}

/** The same place read as another type. */
export function retype(t: Token, tokenType: TokenType): Token {
  return { ...t, tokenType, tokenTypeIdx: tokenType.tokenTypeIdx! };
}

/** How a message calls what stands there. */
export function describeToken(t: Token): string {
  if (t.tokenType === End) return "the end of the file";
  if (t.tokenType === NewLine && t.image === ";") return ";";
  return words.get(t.tokenType) ?? (t.image.length > 40 ? `${t.image.slice(0, 40)}…` : t.image);
}

/** Whether an operand may end here, so that an operator, not an operand, is to follow. */
export function endsOperand(t: Token | undefined): boolean {
  if (!t) return false;
  const k = t.tokenType;
  return (
    k === NameToken ||
    k === NumberToken ||
    k === StringToken ||
    k === BooleanToken ||
    k === Hole ||
    k === RightParen ||
    k === RightBracket ||
    k === Prime
  );
}
