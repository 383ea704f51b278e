// The canonical form of a model: statements, blocks, comments and blank lines. The tree stays as it is.
import { InternalError } from "../../runtime/errors.ts";
import type { Outcome, Source } from "../diagnostics.ts";
import type * as ast from "./ast.ts";
import { CommentQueue, type Doc, Writer } from "./doc.ts";
import { parseModel } from "./parser.ts";
import { Printer } from "./print.ts";
import { isShort, simple } from "./print-statement.ts";
import { lineOf, lineStarts, refuseText } from "./source.ts";

const WIDTH = 100;
const INDENT = 2;

/** Comments that stood where no line may break move to the next place, and may once more move there; two passes settle nearly all. */
const PASSES = 6;

/** Comments and single blank lines are kept; redundant parentheses and semicolons are not. */
export function formatModel(source: Source): Outcome<string> {
  const { value, diagnostics } = parseModel(source);
  if (!value) return { diagnostics };
  let text = formatTree(value, source.text);
  for (let pass = 1; pass < PASSES; pass++) {
    const written = { name: source.name, text };
    const refused = refuseText(written, 0);
    // A line for each of many short statements may be too much.
    if (refused) return { diagnostics: [refused] };
    const again = parseModel(written).value;
    if (!again) throw new InternalError(`format: what was written cannot be read back:\n${text}`);
    const next = formatTree(again, text);
    if (next === text) break;
    text = next;
  }
  return { value: text, diagnostics };
}

/** `text` is what the tree's places refer to; a tree that was made without a text has none. */
export function formatTree(file: Pick<ast.ModelFile, "statements" | "comments">, text = ""): string {
  const formatter = new Formatter(file.comments, text);
  formatter.sequence(file.statements, 0, { start: 0, end: Number.POSITIVE_INFINITY });
  return formatter.text();
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}
/** A statement, or a goal of an objective. */
interface Line {
  readonly span: Stretch;
  write(indentation: number): void;
}

class Formatter {
  private readonly source: string;
  private readonly lines: readonly number[];
  private readonly writer: Writer;
  private readonly printer: Printer;
  /** End of what was written last, in the source. */
  private done = 0;
  /** Whether blocks are being tried on one line. */
  private onOneLine = false;

  constructor(comments: readonly ast.Comment[], source: string) {
    this.source = source.replace(/^\ufeff/, " ");
    this.lines = lineStarts(this.source);
    const queue = new CommentQueue(comments, this.source);
    this.writer = new Writer(WIDTH, queue);
    this.printer = new Printer(queue);
  }

  text(): string {
    return this.writer.text();
  }

  sequence(statements: readonly ast.Statement[], indentation: number, within: Stretch): void {
    this.rows(
      statements.map((s) => ({ span: s.span, write: (at) => this.statement(s, at) })),
      indentation,
      within,
      false,
    );
  }

  // ---------------------------------------------------------------- lines and comments

  private rows(rows: readonly Line[], indentation: number, within: Stretch, inBlock: boolean): void {
    let first = true;
    const begin = (start: number) => {
      if (!first || inBlock) this.nextLine(indentation, first ? undefined : start);
      first = false;
    };
    for (const row of rows) {
      this.ownComments(row.span.start, begin);
      begin(row.span.start);
      this.inlineComments(row.span.start);
      row.write(indentation);
      this.done = Math.max(this.done, row.span.end);
      this.trailingComments(Math.min(this.endOfLine(row.span.end), within.end));
    }
    this.ownComments(within.end, begin);
    this.inlineComments(within.end, begin);
  }

  /** A new line; a blank one before it where the source has one. */
  private nextLine(indentation: number, start: number | undefined): void {
    this.writer.newLine(indentation);
    if (
      start !== undefined &&
      /\n[ \t]*\n/.test(this.source.slice(this.done, start).replaceAll("\r\n", "\n").replaceAll("\r", "\n"))
    )
      this.writer.blankLine();
  }

  /** Offset of the last character of the line that holds an offset. */
  private endOfLine(at: number): number {
    const next = lineOf(this.lines, at) + 1;
    return next < this.lines.length ? this.lines[next] - 1 : Number.POSITIVE_INFINITY;
  }

  /** Those before `at` that stand on lines of their own. */
  private ownComments(at: number, begin: (start: number) => void): void {
    const { comments } = this.writer;
    for (let c = comments.peek(at); c && comments.place !== "inline"; c = comments.peek(at)) {
      comments.take();
      begin(c.span.start);
      this.writer.raw(c.text);
      this.done = c.span.end;
    }
  }

  /** Those before a statement on its line; `begin` where no statement follows. */
  private inlineComments(at: number, begin?: (start: number) => void): void {
    const { comments } = this.writer;
    for (let c = comments.peek(at); c; c = comments.peek(at)) {
      comments.take();
      begin?.(c.span.start);
      this.writer.raw(c.text);
      if (!begin) this.writer.raw(" ");
      this.done = c.span.end;
    }
  }

  /** Those that the statement left over, and those behind it on its line. */
  private trailingComments(at: number): void {
    const { comments } = this.writer;
    for (let c = comments.peek(at); c; c = comments.peek(at)) {
      // One that stands before the next statement of the line belongs to that one.
      if (c.span.start > this.done && comments.place === "inline") return;
      comments.take();
      this.writer.raw(`  ${c.text}`);
      this.done = Math.max(this.done, c.span.end);
      if (c.text.startsWith("//")) return;
    }
  }

  // ---------------------------------------------------------------- blocks

  /** The next offset at or after one that is neither blank nor comment nor semicolon. */
  private nextCode(at: number): number {
    const blank = /(?:[\s;\ufeff]+|\/\/[^\n\r]*|\/\*[\s\S]*?\*\/)*/y;
    blank.lastIndex = at;
    return at + (blank.exec(this.source)?.[0].length ?? 0);
  }

  /** Braces around rows; `after` is the end of what stands before them. Gives the offset of the closing brace. */
  private block(rows: readonly Line[], indentation: number, after: number): number {
    const opened = this.nextCode(after);
    const closed = this.nextCode(rows.at(-1)?.span.end ?? opened + 1);
    this.headComments(opened);
    const { comments } = this.writer;
    const commented = comments.within(opened, closed) || comments.peek(opened) !== undefined;
    this.done = opened + 1;
    if (rows.length === 0 && !commented) this.writer.raw(" {}");
    else if (this.onOneLine) {
      this.writer.raw(" { ");
      rows[0].write(indentation);
      this.writer.raw(" }");
    } else {
      this.writer.raw(" {");
      this.trailingComments(Math.min(this.endOfLine(opened), rows[0]?.span.start ?? closed, closed));
      this.rows(rows, indentation + INDENT, { start: opened, end: closed }, true);
      this.writer.newLine(indentation);
      this.writer.raw("}");
    }
    this.done = closed + 1;
    return closed;
  }

  /** Those before the brace; such as need the end of a line go behind it. */
  private headComments(at: number): void {
    const { comments } = this.writer;
    for (let c = comments.peek(at); c && !/^\/\/|[\n\r]/.test(c.text); c = comments.peek(at)) {
      comments.take();
      this.writer.raw(` ${c.text}`);
    }
  }

  private statements(all: readonly ast.Statement[], indentation: number, after: number): number {
    return this.block(
      all.map((s) => ({ span: s.span, write: (at) => this.statement(s, at) })),
      indentation,
      after,
    );
  }

  // ---------------------------------------------------------------- statements

  private doc(doc: Doc, indentation: number): void {
    this.writer.write(doc, indentation);
  }

  /** With its blocks on its line if they were so written, hold one statement each, and all of it fits. */
  private statement(s: ast.Statement, indentation: number): void {
    const { start, end } = s.span;
    const candidate =
      !this.onOneLine && isShort(s) && !/[\n\r]/.test(this.source.slice(start, end)) && !this.writer.comments.within(start, end);
    if (candidate) {
      const before = this.writer.save();
      this.onOneLine = true;
      this.spread(s, indentation);
      this.onOneLine = false;
      if (this.writer.isOneLineSince(before)) return;
      this.writer.restore(before);
    }
    this.spread(s, indentation);
  }

  private spread(s: ast.Statement, indentation: number): void {
    const p = this.printer;
    switch (s.kind) {
      case "for":
        this.doc(["for ", p.loops(s.loops)], indentation);
        this.statements(s.body, indentation, s.loops.at(-1)!.span.end);
        return;
      case "if":
        this.ifStatement(s, indentation);
        return;
      case "guide":
      case "reverse":
        this.writer.raw(s.kind);
        this.statements(s.body, indentation, s.span.start + s.kind.length);
        return;
      case "objective":
        this.objective(s, indentation);
        return;
      case "fn": {
        const after = this.endOfParameters(s.name.span.end);
        this.body(
          ["fn ", p.identifier(s.name), p.parameters(s.parameters, { span: { ...s.span, end: after } })],
          s.body,
          indentation,
          after,
        );
        return;
      }
      case "density":
        this.body(
          ["density ", p.identifier(s.name), p.densityHead(s)],
          s.body,
          indentation,
          this.endOfParameters(s.name.span.end),
        );
        if (s.simulate) this.doc(["kind" in s.body ? ", " : " ", "simulate = ", p.expression(s.simulate)], indentation);
        return;
      default:
        this.doc(simple(p, s), indentation);
    }
  }

  private ifStatement(s: ast.IfStatement, indentation: number): void {
    const p = this.printer;
    let arm = s;
    for (;;) {
      this.doc(["if ", p.expression(arm.condition)], indentation);
      const closed = this.statements(arm.then, indentation, arm.condition.span.end);
      if (!arm.else) return;
      this.writer.raw(" else");
      const after = this.nextCode(closed + 1) + "else".length;
      const [inner] = arm.else;
      // `else if` unless the source has braces between: a tree cannot tell them apart, nor need it.
      if (arm.else.length !== 1 || inner.kind !== "if") {
        this.statements(arm.else, indentation, after);
        return;
      }
      this.writer.raw(" ");
      arm = inner;
    }
  }

  private objective(s: ast.ObjectiveStatement, indentation: number): void {
    const p = this.printer;
    this.writer.raw("objective");
    const rows = s.goals.map((g) => ({
      span: g.span,
      write: (at: number) => this.doc([g.sense, " ", p.expression(g.value), g.over ? [" over ", p.identifier(g.over)] : ""], at),
    }));
    this.block(rows, indentation, s.span.start + "objective".length);
  }

  private body(head: Doc, body: ast.Expression | readonly ast.Statement[], indentation: number, after: number): void {
    if ("kind" in body) {
      this.doc([head, " = ", this.printer.expression(body)], indentation);
      return;
    }
    this.doc(head, indentation);
    this.statements(body, indentation, after);
  }

  /** Behind the parenthesis that closes the list after a name. */
  private endOfParameters(at: number): number {
    let i = this.nextCode(at);
    for (let depth = 0; i < this.source.length; i = this.nextCode(i + 1)) {
      if (this.source[i] === "(") depth++;
      if (this.source[i] === ")" && --depth === 0) return i + 1;
    }
    return at;
  }
}
