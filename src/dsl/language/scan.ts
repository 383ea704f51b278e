// Characters to tokens. Newlines are tokens here; layout.ts decides which of them end a statement.
import type { Diagnostic } from "../diagnostics.ts";
import type { Comment } from "./ast.ts";
import { foreignSigns } from "./foreign-signs.ts";
import type { Token, TokenType } from "./tokens.ts";
import * as t from "./tokens.ts";

export interface Scan {
  readonly tokens: readonly Token[];
  readonly comments: readonly Comment[];
  readonly diagnostics: readonly Diagnostic[];
  /** Whether the text was read to its end. */
  readonly whole: boolean;
}

/** A stretch of the text that stands for a value of an embedding program; it is not read as code. */
export interface EmbeddedValue {
  readonly start: number;
  readonly end: number;
  readonly value: t.Placeable;
}

/** UAX #31 identifiers, and `_`, without the middle dot, which means a product; subscript digits as in σ₁, which NFKC turns into digits. */
const nameAt = /[\p{XIDS}_](?:(?!·)[\p{XIDC}\u2080-\u2089])*/uy;
const wholeName = /^[\p{XIDS}_][\p{XIDC}]*$/u;
const numberAt = /[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const blankAt = /[ \t\f\v\u00a0\ufeff\u2000-\u200a\u202f\u3000]+/y;
const newLineAt = /\r\n|\n|\r|\u2028|\u2029/y;
const signs: readonly (readonly [string, TokenType])[] = [
  ...(["==", "!=", "<=", ">=", "&&", "||"] as const).map((s) => [s, t.Operator] as const),
  ["|>", t.Pipe],
  ["..", t.DotDot],
  ...(["+=", "-=", "*=", "/="] as const).map((s) => [s, t.CompoundAssignment] as const),
  ...(["+", "-"] as const).map((s) => [s, t.Sign] as const),
  ...(["*", "/", "@", "^", "<", ">"] as const).map((s) => [s, t.Operator] as const),
  ["!", t.Not],
  ["?", t.Question],
  [":", t.Colon],
  ["~", t.Tilde],
  ["=", t.Equals],
  [",", t.Comma],
  [";", t.Semicolon],
  ["(", t.LeftParen],
  [")", t.RightParen],
  ["[", t.LeftBracket],
  ["]", t.RightBracket],
  ["{", t.LeftBrace],
  ["}", t.RightBrace],
];
/** After so many the text is not a model, and a list of its characters helps nobody. */
const MAX_DIAGNOSTICS = 20;

export function scan(text: string, file: number, embedded: readonly EmbeddedValue[] = []): Scan {
  return new Scanner(text, file, embedded).run();
}

class Scanner {
  private readonly text: string;
  private readonly file: number;
  private readonly embedded: readonly EmbeddedValue[];
  private readonly tokens: Token[] = [];
  private readonly comments: Comment[] = [];
  private readonly diagnostics: Diagnostic[] = [];
  private at = 0;
  private nextEmbedded = 0;

  constructor(text: string, file: number, embedded: readonly EmbeddedValue[]) {
    this.text = text;
    this.file = file;
    this.embedded = embedded;
  }

  run(): Scan {
    while (this.at < this.text.length && this.diagnostics.length < MAX_DIAGNOSTICS) this.step();
    const whole = this.at >= this.text.length;
    return { tokens: this.tokens, comments: this.comments, diagnostics: this.diagnostics, whole };
  }

  private step(): void {
    if (this.embeddedValue() || this.take(blankAt) !== undefined) return;
    const start = this.at;
    const newLine = this.take(newLineAt);
    if (newLine !== undefined) {
      this.push(t.NewLine, start);
      return;
    }
    const c = this.text[start];
    if (c === "/" && this.text[start + 1] === "/") {
      this.lineComment(start);
      return;
    }
    if (c === "/" && this.text[start + 1] === "*") {
      this.blockComment(start);
      return;
    }
    if (c === '"') {
      this.string(start, '"');
      return;
    }
    if (c === "'") {
      this.prime(start);
      return;
    }
    if (c >= "0" && c <= "9") {
      this.number(start);
      return;
    }
    if (c === "." && /[0-9]/.test(this.text[start + 1] ?? "")) {
      this.pointFirst(start);
      return;
    }
    const name = this.take(nameAt);
    if (name !== undefined) {
      this.name(start, name);
      return;
    }
    // The longest first: a sign of another language may begin with one of ours.
    for (const foreign of foreignSigns) {
      if (!this.text.startsWith(foreign.text, start) || foreign.unless?.includes(this.text[start + foreign.text.length]))
        continue;
      this.foreign(start, foreign);
      return;
    }
    for (const [sign, type] of signs) {
      if (!this.text.startsWith(sign, start)) continue;
      this.at += sign.length;
      this.push(type, start);
      return;
    }
    this.unknown(start);
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private push(type: TokenType, start: number, more?: { text?: string; value?: t.Placeable }): void {
    this.tokens.push(t.token(type, this.text.slice(start, this.at), start, this.at, more));
  }

  private report(code: string, start: number, end: number, message: string, label?: string, ...notes: string[]): void {
    this.diagnostics.push({ severity: "error", code, message, span: { file: this.file, start, end }, label, notes });
  }

  private embeddedValue(): boolean {
    // Those that are behind us stand in a comment or a string; a name must not have run into one.
    for (; this.nextEmbedded < this.embedded.length && this.embedded[this.nextEmbedded].start < this.at; this.nextEmbedded++) {
      const last = this.tokens.at(-1);
      const passed = this.embedded[this.nextEmbedded];
      const ran =
        last !== undefined && last.endOffset >= passed.start && last.tokenType !== t.StringToken && last.tokenType !== t.NewLine;
      if (ran) this.glued(passed);
    }
    const hole = this.embedded[this.nextEmbedded];
    if (hole?.start !== this.at) return false;
    this.nextEmbedded++;
    this.at = hole.end;
    if (/^[\p{XIDC}]/u.test(this.text.slice(hole.end, hole.end + 2))) this.glued(hole);
    this.push(t.Hole, hole.start, { value: hole.value });
    return true;
  }

  private glued({ start, end }: EmbeddedValue): void {
    this.report(
      "PPL131",
      start,
      end,
      "an interpolated value cannot be part of a name or a number",
      "this value touches what stands beside it",
    );
  }

  private lineComment(start: number): void {
    while (this.at < this.text.length && !/[\n\r\u2028\u2029]/.test(this.text[this.at])) this.at++;
    this.comment(start);
  }

  private blockComment(start: number): void {
    const end = this.text.indexOf("*/", start + 2);
    this.at = end < 0 ? this.text.length : end + 2;
    if (end < 0) this.report("PPL106", start, start + 2, "this comment is not closed", "it begins here", "end it with */");
    this.comment(start);
    // A comment over several lines ends a line, like the line breaks in it.
    if (/[\n\r\u2028\u2029]/.test(this.text.slice(start, this.at))) this.tokens.push(t.token(t.NewLine, "\n", this.at, this.at));
  }

  private comment(start: number): void {
    this.comments.push({ text: this.text.slice(start, this.at).trimEnd(), span: { file: this.file, start, end: this.at } });
  }

  private string(start: number, close: string): void {
    let content = "";
    for (this.at = start + 1; this.at < this.text.length; this.at++) {
      const c = this.text[this.at];
      if (c === close) {
        this.at++;
        this.push(t.StringToken, start, { text: content });
        return;
      }
      if (c === "\n" || c === "\r") break;
      if (c === "\\" && (this.text[this.at + 1] === "\\" || this.text[this.at + 1] === '"')) this.at++;
      content += this.text[this.at];
    }
    this.report("PPL105", start, this.at, "this string is not closed", undefined, `end it with ${close} on the same line`);
    this.push(t.StringToken, start, { text: content });
  }

  /** A transpose, unless it opens what another language writes as a string. */
  private prime(start: number): void {
    this.at++;
    if (t.endsOperand(this.tokens.at(-1)) && this.tokens.at(-1)!.text !== "import") {
      this.push(t.Prime, start);
      return;
    }
    const end = /^[^'\n\r]*'/.exec(this.text.slice(this.at, this.at + 200));
    if (!end) {
      this.report(
        "PPL104",
        start,
        start + 1,
        "' transposes what stands before it, and nothing does",
        undefined,
        "a matrix is transposed by X'",
      );
      return;
    }
    this.at += end[0].length;
    const content = end[0].slice(0, -1);
    this.report("PPL104", start, this.at, "strings are written with double quotes", undefined, `write "${content}"`);
    this.push(t.StringToken, start, { text: content });
  }

  private number(start: number): void {
    this.take(numberAt);
    const digits = this.text.slice(start, this.at);
    if (!Number.isFinite(Number(digits))) {
      this.report(
        "PPL107",
        start,
        this.at,
        `${digits} is larger than any number here`,
        undefined,
        "the largest is about 1.8e308; infinity is inf",
      );
    }
    const point = this.text[this.at] === "." && this.text[this.at + 1] !== ".";
    if (point) {
      this.at++;
      const rest = this.take(/[0-9.eE]*/y) ?? "";
      const exponent = /^[eE][0-9]+$/.test(rest) ? rest : "";
      const mended = `write ${digits}.0${exponent}${exponent ? "" : `, or ${digits} for an integer`}`;
      this.report(
        "PPL107",
        start,
        this.at,
        `a digit must follow the decimal point in ${digits}.${rest}`,
        undefined,
        /^[0-9]+$/.test(digits) ? mended : "a number has one decimal point, and none in its exponent",
      );
    } else {
      const glued = this.take(/[\p{XIDC}]+/uy);
      if (glued !== undefined) this.gluedNumber(start, digits, glued);
    }
    this.tokens.push(t.token(t.NumberToken, digits, start, this.at));
  }

  private pointFirst(start: number): void {
    this.at++;
    const digits = `0.${this.take(/[0-9]+(?:[eE][+-]?[0-9]+)?/y)}`;
    this.report("PPL107", start, this.at, "a digit must stand before the decimal point", undefined, `write ${digits}`);
    this.tokens.push(t.token(t.NumberToken, digits, start, this.at));
  }

  private gluedNumber(start: number, digits: string, glued: string): void {
    let note = `write ${digits} * ${glued}`;
    if (/^_[0-9_]*$/.test(glued)) note = `write ${digits}${glued.replaceAll("_", "")}`;
    else if (digits === "0" && /^[xX][0-9a-fA-F]+$/.test(glued))
      note = `numbers are decimal: write ${Number.parseInt(glued.slice(1), 16)}`;
    else if (/^[eE]$/.test(glued)) note = `an exponent needs digits: ${digits}e-3`;
    this.report("PPL107", start, this.at, `${digits}${glued} is neither a number nor a name`, undefined, note);
  }

  private name(start: number, written: string): void {
    const name = written.normalize("NFKC");
    if (!wholeName.test(name)) {
      this.report(
        "PPL103",
        start,
        this.at,
        `${written} cannot be a name`,
        undefined,
        "its normal form (NFKC) is not made of letters, digits and _",
      );
      return;
    }
    this.push(t.reserved.get(name) ?? t.NameToken, start, { text: name });
  }

  private foreign(start: number, foreign: (typeof foreignSigns)[number]): void {
    this.at += foreign.text.length;
    // ’ after an operand is a prime that a word processor has bent.
    const bentPrime = foreign.text === "’" && t.endsOperand(this.tokens.at(-1));
    if (foreign.quote && !bentPrime) {
      const close = this.text.slice(start + 1, start + 200).search(/["“”„'‘’\n\r]/);
      const end = close < 0 ? this.text.length : start + 1 + close;
      const closed = close >= 0 && !/[\n\r]/.test(this.text[end]);
      this.report(
        "PPL104",
        start,
        closed ? end + 1 : start + 1,
        "this is a typographic quotation mark",
        undefined,
        'strings are written with straight ones: "…"',
      );
      if (!closed) return;
      this.at = end + 1;
      this.push(t.StringToken, start, { text: this.text.slice(start + 1, end) });
      return;
    }
    const message = bentPrime ? "’ is a typographic apostrophe" : foreign.message;
    this.report("PPL104", start, this.at, message, undefined, bentPrime ? "transpose with a straight one: X'" : foreign.note);
    if (foreign.comment) {
      while (this.at < this.text.length && !/[\n\r]/.test(this.text[this.at])) this.at++;
      return;
    }
    const type = bentPrime ? t.Prime : foreign.type;
    if (type) this.tokens.push(t.token(type, bentPrime ? "'" : foreign.means!, start, this.at, { text: foreign.means }));
  }

  private unknown(start: number): void {
    const c = String.fromCodePoint(this.text.codePointAt(start)!);
    this.at += c.length;
    const number = `U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
    const invisible = /[\p{Cf}\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zs}]/u.test(c);
    const what = invisible ? `an invisible character (${number}) stands here` : `${c} (${number}) has no meaning in a model`;
    this.report(
      "PPL103",
      start,
      this.at,
      what,
      undefined,
      invisible ? "delete it; it may have come with copied text" : "names are made of letters, digits and _",
    );
  }
}
