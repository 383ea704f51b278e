// Which words are keywords where they stand. Everywhere else they are names like any other.
import type { Token, TokenType } from "./tokens.ts";
import * as t from "./tokens.ts";

/** Keywords at the head of a statement, by what must follow for them to be one. */
const beforeName: ReadonlyMap<string, TokenType> = new Map([
  ["data", t.Data],
  ["const", t.Const],
  ["param", t.Param],
  ["let", t.Let],
  ["fn", t.Fn],
  ["density", t.Density],
  ["net", t.Net],
  ["aux", t.Aux],
  ["quantity", t.Quantity],
  ["predict", t.Predict],
  ["factor", t.Factor],
]);
const beforeBrace: ReadonlyMap<string, TokenType> = new Map([
  ["guide", t.Guide],
  ["reverse", t.Reverse],
  ["objective", t.Objective],
]);
const beforeParen: ReadonlyMap<string, TokenType> = new Map([
  ["factor", t.Factor],
  ["observe", t.Observe],
]);
const goals = new Set(["maximise", "maximize", "minimise", "minimize"]);
/** Words in front of a distribution. */
export const prefixes: ReadonlySet<string> = new Set(["noncentered", "unnormalized"]);

/** What stands around a word. */
export interface Surroundings {
  readonly last: Token | undefined;
  readonly next: Token | undefined;
  /** Closes the innermost bracket that is open. */
  readonly close?: TokenType;
  readonly inFunction: boolean;
  readonly inObjective: boolean;
}

/** At the head of a statement. */
export function headKeyword(token: Token, around: Surroundings): TokenType | undefined {
  const word = token.text!;
  const next = around.next?.tokenType;
  if (around.inObjective && goals.has(word)) return t.Goal;
  if (word === "return" && returns(next, around.inFunction)) return t.Return;
  if (next === t.LeftBrace) return beforeBrace.get(word);
  if (next === t.LeftParen) return beforeParen.get(word);
  if (next === t.StringToken && word === "import") return t.Import;
  // A reserved word or a number is no name, but was meant as one: the parser says so.
  const named = next === t.NameToken || next === t.NumberToken || next === t.Hole || t.reserved.has(around.next?.text ?? "");
  return named ? beforeName.get(word) : undefined;
}

function returns(next: TokenType | undefined, inFunction: boolean): boolean {
  if (next === t.Tilde || next === t.Equals || next === t.Colon) return false;
  return inFunction || next === t.NameToken || next === t.NumberToken;
}

/** `let x`, `data y`: what can only begin a statement, wherever it stands at the beginning of a line. */
export function isDeclaration(token: Token, next: Token | undefined): boolean {
  const infix = next?.text === "by" || next?.text === "over";
  return next?.tokenType === t.NameToken && !infix && beforeName.has(token.text!);
}

/** Anywhere else in a statement. */
export function innerKeyword(token: Token, { last, next, close, inObjective }: Surroundings): TokenType | undefined {
  const word = token.text!;
  if (t.endsOperand(last)) {
    if (word === "by") return t.By;
    if (word === "over" && inObjective) return t.Over;
  }
  const relates = last?.tokenType === t.Tilde || last?.tokenType === t.Prefix;
  if (relates && prefixes.has(word) && next?.tokenType === t.NameToken) return t.Prefix;
  const opens = last?.tokenType === t.LeftParen || last?.tokenType === t.Comma;
  return close === t.RightParen && opens && next?.tokenType === t.Equals ? t.ArgumentName : undefined;
}
