// A model's text: from bytes, with its bounds, and lines and columns of its offsets.
import type { Diagnostic, Outcome, Source } from "../diagnostics.ts";

/** Largest model in UTF-16 units: a megabyte; data belong in a data file. */
export const MAX_SOURCE_LENGTH = 1_000_000;

/** UTF-8 with or without a byte order mark. */
export function decodeSource(name: string, bytes: Uint8Array, file = 0): Outcome<Source> {
  const failed = (message: string, note: string): Outcome<Source> => ({
    diagnostics: [{ severity: "error", code: "PPL101", message, span: { file, start: 0, end: 0 }, notes: [note] }],
  });
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return failed(`${name} is text in UTF-16, not UTF-8`, "save it as UTF-8");
  }
  if (bytes.length > 4 * MAX_SOURCE_LENGTH) return { diagnostics: [tooLarge(name, `${bytes.length} bytes`, file)] };
  try {
    const source = { name, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
    const refused = refuseText(source, file);
    return refused ? { diagnostics: [refused] } : { value: source, diagnostics: [] };
  } catch {
    return failed(`${name} is not text in UTF-8`, "a model is a text file; is this another file, or one in an older encoding?");
  }
}

/** Why a text cannot be a model at all: too long, or binary. */
export function refuseText(source: Source, file: number): Diagnostic | undefined {
  const { name, text } = source;
  if (text.length > MAX_SOURCE_LENGTH) return tooLarge(name, `${text.length} characters`, file);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 32 && !(c >= 9 && c <= 13)) {
      const span = { file, start: i, end: i + 1 };
      const what = `a control character (U+${c.toString(16).toUpperCase().padStart(4, "0")})`;
      return {
        severity: "error",
        code: "PPL101",
        message: `${name} is not text`,
        span,
        label: `here stands ${what}`,
        notes: ["a model is a text file in UTF-8"],
      };
    }
  }
  return undefined;
}

function tooLarge(name: string, size: string, file: number): Diagnostic {
  return {
    severity: "error",
    code: "PPL102",
    message: `${name} is too large for a model: ${size}, where ${MAX_SOURCE_LENGTH} characters are allowed`,
    span: { file, start: 0, end: 0 },
    notes: ["numbers belong in a data file: declare `data y: real[N]` and pass it with --data"],
  };
}

/** Offsets at which lines begin; \n, \r\n and \r end a line. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 10 || (c === 13 && text.charCodeAt(i + 1) !== 10)) starts.push(i + 1);
  }
  return starts;
}

/** Index in `starts` of the line that holds the offset. */
export function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A line's text without its end. */
export function lineText(text: string, starts: readonly number[], line: number): string {
  let end = line + 1 < starts.length ? starts[line + 1] : text.length;
  while (end > starts[line] && (text.charCodeAt(end - 1) === 10 || text.charCodeAt(end - 1) === 13)) end--;
  return text.slice(starts[line], end);
}

/** Line and column as editors count them: from 1, in characters. */
export function positionAt(text: string, offset: number): { readonly line: number; readonly column: number } {
  const starts = lineStarts(text);
  const line = lineOf(starts, offset);
  let column = 1;
  for (const c of text.slice(starts[line], offset)) if (c !== "\ufeff" || line > 0 || column > 1) column++;
  return { line: line + 1, column };
}
