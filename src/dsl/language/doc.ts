// Documents with possible line breaks, and their layout in a given width (Oppen 1980; Wadler 2003, "A prettier printer"),
// with the source's comments put back where a line may be broken.
import { displayWidth } from "../display-width.ts";
import type { Comment } from "./ast.ts";

export type Doc = string | readonly Doc[] | Group | Fill | Line | Indent | Mark | Bracket;
/** All of its lines broken, or none. */
interface Group {
  readonly kind: "group";
  readonly content: Doc;
  readonly broken: boolean;
}
/** Its lines broken one by one, where the next item does not fit. */
interface Fill {
  readonly kind: "fill";
  readonly items: readonly Doc[];
}
/** A line break, or `flat`. `at`: where in the source the text after it stands. */
interface Line {
  readonly kind: "line";
  readonly flat: "" | " ";
  readonly at?: number;
}
interface Indent {
  readonly kind: "indent";
  readonly content: Doc;
}
/** What follows stands there in the source: comments before it come first. */
interface Mark {
  readonly kind: "mark";
  readonly at: number;
}
/** Opens or closes a region where line breaks do not count. */
interface Bracket {
  readonly kind: "bracket";
  readonly text: string;
  readonly step: 1 | -1;
}

export const group = (content: Doc, broken = false): Doc => ({ kind: "group", content, broken });
export const fill = (items: readonly Doc[]): Doc => ({ kind: "fill", items });
export const line = (at?: number): Doc => ({ kind: "line", flat: " ", at });
export const softLine = (at?: number): Doc => ({ kind: "line", flat: "", at });
export const indent = (content: Doc): Doc => ({ kind: "indent", content });
export const mark = (at: number): Doc => ({ kind: "mark", at });
export const open = (text: string): Doc => ({ kind: "bracket", text, step: 1 });
export const close = (text: string): Doc => ({ kind: "bracket", text, step: -1 });

/** Nothing but comments up to the end of the line. */
const endOfLine = /^(?:[ \t\f\v;]|\/\*(?:(?!\*\/)[^\n\r])*\*\/)*(?:\/\/|\/\*(?:(?!\*\/).)*[\n\r]|[\n\r]|$)/;
/** What a text ends with when the statement is sure to go on after a line break. */
const dangles = /(?:[-+*/@^~=:,|&!.]| [<>?]=?|\|>)\s*$/;

/** Where a comment stands among the tokens around it. */
export type CommentPlace = "own" | "trailing" | "inline";

/** The comments of a text, in order, each to be written once. */
export class CommentQueue {
  private readonly comments: readonly Comment[];
  private readonly places: readonly CommentPlace[];
  /** How many of the comments before each one need the end of a line after them. */
  private readonly breaking: readonly number[];
  private next = 0;

  constructor(comments: readonly Comment[], text: string) {
    this.comments = comments;
    this.places = comments.map((c) => placeIn(text, c));
    const breaking = [0];
    for (const place of this.places) breaking.push(breaking.at(-1)! + (place === "inline" ? 0 : 1));
    this.breaking = breaking;
  }

  /** The next comment, if it stands before `at`. */
  peek(at: number): Comment | undefined {
    const c = this.comments[this.next];
    return c && c.span.start < at ? c : undefined;
  }

  /** Where the next comment stands. */
  get place(): CommentPlace {
    return this.places[this.next];
  }

  take(): void {
    this.next++;
  }

  /** Whether a comment between the two offsets needs the end of a line after it. */
  breaks(start: number, end: number): boolean {
    return this.breaking[this.firstFrom(end)] > this.breaking[this.firstFrom(start + 1)];
  }

  within(start: number, end: number): boolean {
    return this.firstFrom(end) > this.firstFrom(start + 1);
  }

  /** Index of the first comment that begins at or after an offset. */
  private firstFrom(at: number): number {
    let low = 0;
    let high = this.comments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.comments[middle].span.start < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function placeIn(text: string, c: Comment): CommentPlace {
  let before = c.span.start;
  while (before > 0 && /[ \t\f\v\ufeff\u00a0]/.test(text[before - 1])) before--;
  const begins = before === 0 || /[\n\r\u2028\u2029]/.test(text[before - 1]);
  const ends = /[\n\r]/.test(c.text) || c.text.startsWith("//") || endOfLine.test(text.slice(c.span.end, c.span.end + 1000));
  return begins && ends ? "own" : ends ? "trailing" : "inline";
}

const INDENT = 2;
type Item = readonly [indent: number, flat: boolean, doc: Doc];

/** Text under way: lines with their indentation, and the comments still to be written. */
export class Writer {
  readonly width: number;
  readonly comments: CommentQueue;
  private lines: string[] = [];
  private current = "";
  private depth = 0;
  /** What was written last, comments aside. */
  private last = "";

  constructor(width: number, comments: CommentQueue) {
    this.width = width;
    this.comments = comments;
  }

  text(): string {
    const all = [...this.lines, this.current.trimEnd()];
    while (all.length > 0 && all.at(-1) === "") all.pop();
    return all.length === 0 ? "" : `${all.join("\n")}\n`;
  }

  newLine(indentation: number): void {
    this.lines.push(this.current.trimEnd());
    this.current = " ".repeat(indentation);
  }

  /** To come back to, if what follows turns out too wide. */
  save(): { readonly lines: number; readonly current: string } {
    return { lines: this.lines.length, current: this.current };
  }

  restore(to: { readonly lines: number; readonly current: string }): void {
    this.lines.length = to.lines;
    this.current = to.current;
  }

  isOneLineSince(from: { readonly lines: number }): boolean {
    return this.lines.length === from.lines && displayWidth(this.current) <= this.width;
  }

  blankLine(): void {
    if (this.lines.length > 0 && this.lines.at(-1) !== "") this.lines.push("");
  }

  get lineIsEmpty(): boolean {
    return this.current.trim() === "";
  }

  raw(text: string): void {
    const parts = text.split(/\r\n|\n|\r/);
    this.current += parts[0];
    for (const part of parts.slice(1)) {
      // The lines of a comment stay as they are.
      this.lines.push(this.current.trimEnd());
      this.current = part;
    }
  }

  /** Lays the document out from where the line stands. */
  write(doc: Doc, indentation: number): void {
    this.depth = 0;
    const rest: Item[] = [[indentation, false, doc]];
    for (let item = rest.pop(); item; item = rest.pop()) this.step(item, rest, indentation);
  }

  private step([at, flat, doc]: Item, rest: Item[], base: number): void {
    if (typeof doc === "string") {
      this.current += doc;
      if (doc.trim() !== "") this.last = doc;
      return;
    }
    // Array.isArray does not narrow readonly arrays.
    if (!("kind" in doc)) {
      for (let i = doc.length - 1; i >= 0; i--) rest.push([at, flat, doc[i]]);
      return;
    }
    switch (doc.kind) {
      case "indent":
        rest.push([at + INDENT, flat, doc.content]);
        return;
      case "group":
        rest.push([at, !doc.broken && (flat || this.fits([at, true, doc.content], rest)), doc.content]);
        return;
      case "fill":
        this.fill(doc, at, rest);
        return;
      case "bracket":
        this.depth += doc.step;
        this.last = doc.text;
        this.current += doc.text;
        return;
      case "mark":
        this.commentsBefore(doc.at, Math.max(at, base + INDENT));
        return;
      case "line":
        if (flat) this.current += doc.flat;
        else this.brokenLine(at, doc.at);
        return;
    }
  }

  private fill(doc: Fill, at: number, rest: Item[]): void {
    const items: Doc[] = [];
    for (const [i, item] of doc.items.entries()) items.push(i < doc.items.length - 1 ? [item, ","] : item);
    for (let i = items.length - 1; i >= 0; i--) {
      // Each break is a group of itself and the item after it.
      if (i > 0) rest.push([at, false, { kind: "group", broken: false, content: [line(), items[i]] }]);
      else rest.push([at, false, items[i]]);
    }
  }

  private brokenLine(indentation: number, at: number | undefined): void {
    if (at !== undefined) {
      for (let c = this.comments.peek(at); c; c = this.comments.peek(at)) {
        const place = this.comments.place;
        if (place === "inline") break;
        this.comments.take();
        if (place === "trailing" && !this.lineIsEmpty && !/\/\/|\*\/$/.test(this.current))
          this.current = `${this.current.trimEnd()}  `;
        else this.newLine(indentation);
        this.raw(c.text);
      }
    }
    this.newLine(indentation);
  }

  /** Those before a token that follows without a line break; such as need one wait until there may be one. */
  private commentsBefore(at: number, indentation: number): void {
    const safe = this.depth > 0 || dangles.test(this.last);
    for (let c = this.comments.peek(at); c; c = this.comments.peek(at)) {
      const short = !/^\/\/|[\n\r]/.test(c.text);
      if (!safe && !short) return;
      const place = safe ? this.comments.place : "inline";
      this.comments.take();
      if (place === "own" && !this.lineIsEmpty) this.newLine(indentation);
      else if (!/[\s([<]$/.test(this.current)) this.current += " ";
      this.raw(c.text);
      if (place === "inline") this.current += " ";
      else this.newLine(indentation);
    }
  }

  /** Whether an item and what follows it up to the next line break fit into the line. */
  private fits(item: Item, rest: readonly Item[]): boolean {
    let room = this.width - displayWidth(this.current);
    const todo: Item[] = [item];
    let next = rest.length - 1;
    while (room >= 0) {
      const [at, flat, doc] = todo.pop() ?? (next >= 0 ? rest[next--] : [0, false, ""]);
      if (todo.length === 0 && next < 0 && doc === "") return true;
      if (typeof doc === "string") room -= displayWidth(doc);
      else if (!("kind" in doc)) for (let i = doc.length - 1; i >= 0; i--) todo.push([at, flat, doc[i]]);
      else if (doc.kind === "bracket") room -= doc.text.length;
      else if (doc.kind === "indent") todo.push([at, flat, doc.content]);
      else if (doc.kind === "fill")
        for (let i = doc.items.length - 1; i >= 0; i--)
          todo.push([at, flat, i > 0 ? [line(), doc.items[i], ","] : [doc.items[i], ","]]);
      else if (doc.kind === "group") {
        if (doc.broken && flat) return false;
        todo.push([at, flat && !doc.broken, doc.content]);
      } else if (doc.kind === "line") {
        if (!flat) return true;
        room -= doc.flat.length;
      }
    }
    return false;
  }
}
