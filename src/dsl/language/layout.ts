// From the scanner's tokens to those of the grammar, in one pass: which newlines end a statement, which words are keywords
// where they stand, which brackets match. After it the grammar needs one token of lookahead.
import type { Diagnostic } from "../diagnostics.ts";
import { headKeyword, innerKeyword, isDeclaration } from "./keywords.ts";
import type { Token, TokenType } from "./tokens.ts";
import * as t from "./tokens.ts";

/** Brackets within brackets. They bound the recursion of the parser, which must fit the stack of a main thread (about 1 MB) before anything is optimised. */
export const MAX_NESTING = 100;
/** A text with more errors is not worth more words. */
const MAX_DIAGNOSTICS = 100;

export interface Layout {
  readonly tokens: Token[];
  readonly diagnostics: readonly Diagnostic[];
}

interface Frame {
  /** ( [ { or the < of bounds; nothing for the file. */
  readonly open?: Token;
  readonly close?: TokenType;
  /** ? that wait for their : */
  ternaries: number;
  /** The last newline that this bracket swallowed: where to go on if the bracket turns out never to be closed. */
  newLine?: { readonly at: number; readonly out: number };
  /** Whether the statement has had its ~ or =. */
  related?: boolean;
  /** First keyword of the statement that is being read in this block. */
  head?: TokenType;
  /** x[…] or a type's sizes, where a comma at the end means another axis; elsewhere it means nothing. */
  readonly subscripts?: boolean;
  readonly inFunction: boolean;
  readonly inObjective: boolean;
}

const closers: ReadonlyMap<TokenType, TokenType> = new Map([
  [t.LeftParen, t.RightParen],
  [t.LeftBracket, t.RightBracket],
  [t.LeftBrace, t.RightBrace],
  [t.LeftBound, t.RightBound],
]);
/** After these a line goes on. */
const dangling = new Set([
  t.Comma,
  t.Operator,
  t.Sign,
  t.Not,
  t.Pipe,
  t.Question,
  t.Colon,
  t.TypeColon,
  t.Tilde,
  t.Equals,
  t.DotDot,
]);

export function layout(tokens: readonly Token[], file: number): Layout {
  return new LayoutPass(tokens, file).run();
}

class LayoutPass {
  private readonly input: readonly Token[];
  private readonly file: number;
  private readonly out: Token[] = [];
  private readonly diagnostics: Diagnostic[] = [];
  private readonly frames: Frame[] = [{ ternaries: 0, inFunction: false, inObjective: false }];
  private at = 0;
  /** 1 after the colon of a type, 2 after the type's name. */
  private inType = 0;

  constructor(tokens: readonly Token[], file: number) {
    this.input = tokens;
    this.file = file;
  }

  run(): Layout {
    for (; this.at < this.input.length; this.at++) {
      const token = this.input[this.at];
      if (this.frames.length > MAX_NESTING || this.top.ternaries > MAX_NESTING) {
        this.report(
          "PPL111",
          token,
          "this is nested too deeply",
          `more than ${MAX_NESTING} brackets, or c ? a : b, are open here`,
        );
        return { tokens: [], diagnostics: this.diagnostics };
      }
      this.step(token);
    }
    while (this.frames.length > 1) this.unclosed(this.frames.pop()!);
    return { tokens: this.out, diagnostics: this.diagnostics };
  }

  private get top(): Frame {
    return this.frames.at(-1)!;
  }

  /** Inside ( [ or bounds, where newlines do not count. */
  private get inBracket(): boolean {
    return this.top.open !== undefined && this.top.close !== t.RightBrace;
  }

  private get last(): Token | undefined {
    return this.out.at(-1);
  }

  private step(token: Token): void {
    const k = token.tokenType;
    if (k === t.NewLine) {
      this.newLine(token);
      return;
    }
    if (this.inBracket && this.cannotBeInBracket(token) && this.giveUpBracket(token)) return;
    const inType = this.inType;
    this.inType = 0;
    switch (k) {
      case t.Semicolon:
        this.semicolon(token);
        return;
      case t.NameToken:
        this.name(token, inType);
        return;
      case t.LeftParen:
      case t.LeftBracket:
      case t.LeftBrace:
        this.open(token);
        return;
      case t.RightParen:
      case t.RightBracket:
      case t.RightBrace:
        this.closing(token);
        return;
      case t.Colon:
        this.colon(token);
        return;
      case t.Question:
        this.question(token, inType);
        return;
      case t.Operator:
        this.operator(token, inType);
        return;
      case t.Comma:
        if (!this.isTrailing()) this.out.push(token);
        return;
      default:
        if ((k === t.For || k === t.If) && this.atHead) this.top.head = k;
        if (k === t.Tilde || k === t.Equals) this.top.related = true;
        this.out.push(token);
    }
  }

  // ---------------------------------------------------------------- ends of statements

  private newLine(token: Token): void {
    if (this.inBracket) {
      this.top.newLine = { at: this.at, out: this.out.length };
      return;
    }
    const last = this.last;
    if (!last || last.tokenType === t.NewLine) return;
    const next = this.following(this.at);
    if (this.goesOn(last, next)) this.at = next - 1;
    else this.endStatement(token);
  }

  /** Whether the statement that `last` stands in goes on after the end of the line, with the token at `next`. */
  private goesOn(last: Token, next: number): boolean {
    const token: Token | undefined = this.input[next];
    // An operator dangles, unless what follows shows that something was left out after it.
    if (dangling.has(last.tokenType)) return !(token && this.beginsStatement(next));
    if (!token) return false;
    // A brace may stand before a line's `else`; a density's sampler may stand on the next line.
    return (token.tokenType === t.Else && last.tokenType === t.RightBrace) || this.isSimulate(token, this.input[next + 1]);
  }

  /** Whether nothing but a new statement can begin so, the one before having its ~ or = already. */
  private beginsStatement(at: number): boolean {
    const [token, next] = [this.input[at], this.input[at + 1]];
    const k = token.tokenType;
    if (k === t.For || k === t.If || k === t.RightBrace) return true;
    if (k !== t.NameToken) return false;
    if (isDeclaration(token, next)) return true;
    // A comma goes on with another declaration.
    if (!this.top.related || this.last?.tokenType === t.Comma) return false;
    let i = at + 1;
    for (let depth = 0; i < this.input.length && (depth > 0 || this.input[i].tokenType === t.LeftBracket); i++) {
      if (this.input[i].tokenType === t.NewLine) return false;
      if (this.input[i].tokenType === t.LeftBracket) depth++;
      if (this.input[i].tokenType === t.RightBracket) depth--;
    }
    return this.input[i]?.tokenType === t.Tilde || this.input[i]?.tokenType === t.Equals;
  }

  private semicolon(token: Token): void {
    if (this.inBracket) this.out.push(token);
    else this.endStatement(token);
  }

  private endStatement(token: Token): void {
    this.top.ternaries = 0;
    this.top.head = undefined;
    this.top.related = false;
    this.inType = 0;
    this.out.push(t.retype(token, t.NewLine));
  }

  /** The comma after the last element of a call or an array. */
  private isTrailing(): boolean {
    const { close, subscripts } = this.top;
    if ((close !== t.RightParen && close !== t.RightBracket) || subscripts) return false;
    return this.last?.tokenType !== t.Comma && this.input[this.following(this.at)]?.tokenType === close;
  }

  /** Index of the next token that is no newline. */
  private following(at: number): number {
    let i = at + 1;
    while (this.input[i]?.tokenType === t.NewLine) i++;
    return i;
  }

  // ---------------------------------------------------------------- words

  private get atHead(): boolean {
    const k = this.last?.tokenType;
    return !this.inBracket && (k === undefined || k === t.NewLine || k === t.LeftBrace || k === t.RightBrace);
  }

  private name(token: Token, inType: number): void {
    if (inType === 1) this.inType = 2;
    const next = this.input[this.at + 1];
    if (this.top.close === t.RightBound && next?.tokenType === t.Equals && (token.text === "lower" || token.text === "upper")) {
      this.report(
        "PPL118",
        token,
        "bounds have no names here",
        undefined,
        "write real<lo, hi>; either side may be left out: real<0,> or real<,1>",
      );
      this.at++;
      return;
    }
    const words = { ...this.top, last: this.last, next };
    const keyword = this.isSimulate(token, next)
      ? t.Simulate
      : this.atHead
        ? headKeyword(token, words)
        : innerKeyword(token, words);
    if (keyword && keyword !== t.Simulate && this.atHead) this.top.head = keyword;
    this.out.push(keyword ? t.retype(token, keyword) : token);
  }

  /** The last part of a density, which may begin a line. */
  private isSimulate(token: Token, next: Token | undefined): boolean {
    return token.text === "simulate" && !this.inBracket && this.top.head === t.Density && next?.tokenType === t.Equals;
  }

  // ---------------------------------------------------------------- types and c ? a : b

  private colon(token: Token): void {
    if (this.top.ternaries > 0) {
      this.top.ternaries--;
      this.out.push(token);
      return;
    }
    this.inType = 1;
    this.out.push(t.retype(token, t.TypeColon));
  }

  private question(token: Token, inType: number): void {
    if (inType === 2) {
      this.inType = 2;
      this.out.push(t.retype(token, t.Optional));
      return;
    }
    this.top.ternaries++;
    this.out.push(token);
  }

  private operator(token: Token, inType: number): void {
    if (inType === 2 && token.image === "<") {
      this.open(t.retype(token, t.LeftBound));
      return;
    }
    if (this.top.close === t.RightBound) {
      if (token.image === ">") {
        this.closing(t.retype(token, t.RightBound));
        return;
      }
      if (token.image === ">=") {
        // `param s: real<0,>= 1`: the scanner took two signs for one.
        this.closing(t.retype({ ...token, image: ">", endOffset: token.startOffset }, t.RightBound));
        this.out.push(t.retype({ ...token, image: "=", startOffset: token.endOffset }, t.Equals));
        return;
      }
      if (["<", "<=", "==", "!="].includes(token.image)) {
        this.report("PPL118", token, "a comparison inside bounds needs parentheses", undefined, "write real<0, (a < b)>");
      }
    }
    this.out.push(token);
  }

  // ---------------------------------------------------------------- brackets

  private open(token: Token): void {
    const head = this.top.head;
    const brace = token.tokenType === t.LeftBrace;
    const subscripts = token.tokenType === t.LeftBracket && t.endsOperand(this.last);
    this.out.push(token);
    this.frames.push({
      open: token,
      close: closers.get(token.tokenType)!,
      ternaries: 0,
      subscripts,
      // A bracket is part of its statement; a brace begins others.
      head: brace ? undefined : head,
      inFunction: this.top.inFunction || head === t.Fn || head === t.Density,
      inObjective: this.top.inObjective || (brace && head === t.Objective),
    });
  }

  private closing(token: Token): void {
    const k = token.tokenType;
    const brace = k === t.RightBrace;
    // The nearest bracket of the same kind in the same block.
    let depth = this.frames.length - 1;
    while (depth > 0 && this.frames[depth].close !== k && (brace || this.frames[depth].close !== t.RightBrace)) depth--;
    if (this.frames[depth].close === k) {
      while (this.frames.length - 1 > depth) this.unclosed(this.frames.pop()!, token);
    } else if (brace || !this.inBracket) {
      this.report(
        "PPL109",
        token,
        `this ${token.image} closes nothing`,
        undefined,
        brace ? "delete it, or open the block with { before" : "delete it, or open it before",
      );
      return;
    } else {
      const { open, close } = this.top;
      const right = close === t.RightParen ? ")" : close === t.RightBracket ? "]" : ">";
      this.report("PPL109", token, `${token.image} cannot close ${open!.image}`, `${right} is expected here`);
      token = t.retype(token, close!);
    }
    this.frames.pop();
    this.out.push(token);
    // `real<0,>?[N]`
    if (token.tokenType === t.RightBound) this.inType = 2;
  }

  private unclosed(frame: Frame, before?: Token): void {
    const open = frame.open!;
    const right = { "(": ")", "[": "]", "{": "}", "<": ">" }[open.image]!;
    const where = before ? `${right} is missing before the ${before.image}` : undefined;
    this.report("PPL108", open, `this ${open.image} is never closed`, where, `close it with ${right}`);
  }

  /** What shows that a bracket before it was left open. */
  private cannotBeInBracket(token: Token): boolean {
    const k = token.tokenType;
    if (k === t.Tilde || k === t.LeftBrace || k === t.RightBrace || k === t.If || k === t.Else) return true;
    if (k === t.Equals && this.top.close === t.RightBound) return true;
    const beginsLine = this.top.newLine?.at === this.at - 1;
    if (k === t.For) return beginsLine && this.top.close !== t.RightBracket;
    const next = this.input[this.at + 1];
    if (k !== t.NameToken || !beginsLine) return false;
    return isDeclaration(token, next) || (next?.tokenType === t.Equals && t.endsOperand(this.last));
  }

  /** Reports the open bracket and goes on behind it: at the newline it swallowed last, or here. False where the grammar should complain instead. */
  private giveUpBracket(token: Token): boolean {
    const block = this.frames.findLastIndex((f) => f.open === undefined || f.close === t.RightBrace);
    const inner = this.frames.findLastIndex((f, i) => i > block && f.newLine !== undefined);
    if (inner < 0) {
      const bounds = this.top.close === t.RightBound && (token.tokenType === t.Tilde || token.tokenType === t.Equals);
      const braces = token.tokenType === t.LeftBrace || token.tokenType === t.RightBrace;
      if (!bounds && !braces) return false;
      const keep = bounds ? this.frames.length - 2 : block;
      while (this.frames.length - 1 > keep) this.unclosed(this.frames.pop()!, token);
      return false;
    }
    const { at, out } = this.frames[inner].newLine!;
    this.unclosed(this.frames[inner]);
    this.frames.length = block + 1;
    this.out.length = out;
    this.at = at;
    this.endStatement(this.input[at]);
    return true;
  }

  private report(code: string, at: Token, message: string, label?: string, ...notes: string[]): void {
    if (this.diagnostics.length >= MAX_DIAGNOSTICS) return;
    const span = { file: this.file, start: at.startOffset, end: at.endOffset + 1 };
    this.diagnostics.push({ severity: "error", code, message, span, label, notes });
  }
}
