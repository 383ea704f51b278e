// A diagnostic as text: headline, place, the source line with carets, notes.
//
//   error[PPL204]: sigma may be negative here
//     models/eight_schools.ppl:7:25
//   7 | y[j] ~ Normal(theta[j], sigma)
//     |                         ^^^^^ Normal needs a positive sigma; sigma is declared real on line 3
//     = give it a positive prior: sigma ~ HalfNormal(5)

import type { Diagnostic, Source } from "./diagnostics.ts";
import { displayWidth, printable } from "./display-width.ts";
import { lineOf, lineStarts, lineText, positionAt } from "./language/source.ts";

export interface RenderOptions {
  /** ANSI colours, for a terminal. */
  readonly colours?: boolean;
}

/** Columns of source that are shown; a longer line is cut around the carets. */
const WINDOW = 110;
const TAB = 4;
/** Of a longer line no more than this many UTF-16 units are looked at, before the carets and behind their beginning. */
const NEAR = 1000;

const colourOf = { error: "\u001b[31m", warning: "\u001b[33m", note: "\u001b[36m" } as const;
const bold = "\u001b[1m";
const blue = "\u001b[34m";
const reset = "\u001b[0m";

/** `sources` by the file index of the spans. Ends without a newline. */
export function renderDiagnostic(d: Diagnostic, sources: readonly Source[], options: RenderOptions = {}): string {
  const paint = (colour: string, text: string) => (options.colours && text ? colour + text + reset : text);
  const head = `${paint(bold + colourOf[d.severity], `${d.severity}[${d.code}]`)}${paint(bold, `: ${printable(d.message)}`)}`;
  const source = sources[d.span.file];
  const notes = (indent: string) => (d.notes ?? []).map((note) => `${indent}${paint(blue, "=")} ${printable(note)}`);
  if (!source) return [head, ...notes("  ")].join("\n");
  const frame = frameOf(d, source);
  const gutter = Math.max(...frame.map((row) => row.number.length));
  const pad = " ".repeat(gutter + 1);
  const { line, column } = positionAt(source.text, d.span.start);
  const rows = frame.flatMap((row) => {
    const text = `${paint(blue, `${row.number.padStart(gutter)} |`)} ${row.text}`.trimEnd();
    if (row.carets === undefined) return [text];
    const under = `${pad}${paint(blue, "|")} ${" ".repeat(row.indent)}${paint(colourOf[d.severity], row.carets)}`;
    return [text, row.label ? `${under} ${paint(colourOf[d.severity], printable(row.label))}` : under];
  });
  return [head, `${pad}${printable(source.name)}:${line}:${column}`, ...rows, ...notes(pad)].join("\n");
}

/** All of them, a blank line between two. */
export function renderDiagnostics(all: readonly Diagnostic[], sources: readonly Source[], options: RenderOptions = {}): string {
  return all.map((d) => renderDiagnostic(d, sources, options)).join("\n\n");
}

interface Row {
  readonly number: string;
  readonly text: string;
  readonly indent: number;
  readonly carets?: string;
  readonly label?: string;
}

/** The lines of the span: one, or the first and the last of several. */
function frameOf(d: Diagnostic, source: Source): Row[] {
  const { text } = source;
  const starts = lineStarts(text);
  const begin = Math.min(d.span.start, text.length);
  // An end at the very start of a line belongs to the line before.
  const end = Math.max(begin, Math.min(d.span.end, text.length));
  const first = lineOf(starts, begin);
  const last = end > begin ? lineOf(starts, end - 1) : first;
  if (first === last) return [row(source, starts, first, begin - starts[first], end - starts[first], d.label)];
  const firstText = lineText(text, starts, first);
  const rows = [row(source, starts, first, begin - starts[first], firstText.trimEnd().length, undefined)];
  if (last > first + 1) rows.push({ number: "", text: "…", indent: 0 });
  const lastText = lineText(text, starts, last);
  rows.push(row(source, starts, last, lastText.length - lastText.trimStart().length, end - starts[last], d.label));
  return rows;
}

/** One line with carets under its UTF-16 columns from..to; at least one caret. */
function row(source: Source, starts: readonly number[], line: number, from: number, to: number, label: string | undefined): Row {
  const whole = lineText(source.text, starts, line);
  const skipped = atCharacter(whole, from - NEAR);
  const raw = whole.slice(skipped, atCharacter(whole, from + NEAR));
  const cells = cellsOf(raw);
  const columnAt = (offset: number) => cells.find((c) => c.offset >= offset - skipped)?.column ?? widthOf(cells);
  const left = columnAt(from);
  const right = Math.max(left + 1, columnAt(to));
  const total = widthOf(cells);
  const number = String(line + 1);
  if (total <= WINDOW && raw.length === whole.length)
    return { number, text: cells.map((c) => c.text).join(""), indent: left, carets: "^".repeat(right - left), label };
  // A window that holds the carets, or their beginning, with some context before them.
  const start = Math.max(0, Math.min(left - Math.max(20, Math.floor((WINDOW - (right - left)) / 2)), total - WINDOW));
  const shown = cells.filter((c) => c.column >= start && c.column + c.width <= start + WINDOW);
  const cutLeft = skipped > 0 || start > 0 ? "…" : "";
  const cutRight = skipped + raw.length < whole.length || start + WINDOW < total ? "…" : "";
  const shift = (shown[0]?.column ?? 0) - cutLeft.length;
  const carets = Math.max(1, Math.min(right, start + WINDOW) - left);
  return {
    number,
    text: cutLeft + shown.map((c) => c.text).join("") + cutRight,
    indent: left - shift,
    carets: "^".repeat(carets),
    label,
  };
}

/** The offset, inside the text and not between the halves of a character. */
function atCharacter(text: string, offset: number): number {
  const at = Math.max(0, Math.min(offset, text.length));
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at + 1 : at;
}

interface Cell {
  readonly offset: number;
  readonly column: number;
  readonly width: number;
  readonly text: string;
}

/** A line's characters with the columns they take on the screen; a byte order mark is not shown, tabs go to the next stop. */
function cellsOf(line: string): Cell[] {
  const cells: Cell[] = [];
  let column = 0;
  let offset = 0;
  for (const c of line) {
    const text = c === "\ufeff" ? "" : c === "\t" ? " ".repeat(TAB - (column % TAB)) : printable(c);
    const width = displayWidth(text);
    cells.push({ offset, column, width, text });
    column += width;
    offset += c.length;
  }
  return cells;
}

function widthOf(cells: readonly Cell[]): number {
  const last = cells.at(-1);
  return last ? last.column + last.width : 0;
}
