// Where the checker's findings are collected: each place and code once, in the order of the text.
import type { Diagnostic, Source, SourceSpan } from "../diagnostics.ts";

export interface Wording {
  /** Beside the carets: what is needed, and where the thing was declared. */
  readonly label?: string;
  /** How to mend it. */
  readonly notes?: readonly string[];
}

export class Report {
  private readonly found = new Map<string, Diagnostic>();
  private readonly sources: readonly Source[];
  /** Lines that follow every finding while it is set: the call through which a function's body is checked. */
  private trail: readonly (() => string)[] = [];

  constructor(sources: readonly Source[]) {
    this.sources = sources;
  }
  error(code: string, span: SourceSpan, message: string, wording: Wording = {}): void {
    this.add({ severity: "error", code, span, message, ...wording });
  }
  warning(code: string, span: SourceSpan, message: string, wording: Wording = {}): void {
    this.add({ severity: "warning", code, span, message, ...wording });
  }
  note(code: string, span: SourceSpan, message: string, wording: Wording = {}): void {
    this.add({ severity: "note", code, span, message, ...wording });
  }
  /** A body is checked once for each call; what is wrong with it is said once, with the first call that shows it. */
  through<T>(line: () => string, f: () => T): T {
    const before = this.trail;
    this.trail = [line, ...before];
    try {
      return f();
    } finally {
      this.trail = before;
    }
  }
  /** Findings that no call has to do with. */
  afresh<T>(f: () => T): T {
    const before = this.trail;
    this.trail = [];
    try {
      return f();
    } finally {
      this.trail = before;
    }
  }
  private add(d: Diagnostic): void {
    const key = `${d.code} ${d.span.file} ${d.span.start} ${d.span.end}`;
    if (this.found.has(key)) return;
    const notes = [...(d.notes ?? []), ...this.trail.map((line) => line())];
    this.found.set(key, notes.length > 0 ? { ...d, notes } : d);
  }
  get failed(): boolean {
    return [...this.found.values()].some((d) => d.severity === "error");
  }
  /** Parts of the model were not looked at: what they use is not known. */
  get incomplete(): boolean {
    return [...this.found.values()].some((d) => d.code.startsWith("PPL6"));
  }
  diagnostics(): readonly Diagnostic[] {
    return [...this.found.values()].sort(
      (a, b) => a.span.file - b.span.file || a.span.start - b.span.start || a.span.end - b.span.end,
    );
  }

  /** What stands at a span, as written. */
  text(span: SourceSpan): string {
    return (this.sources[span.file]?.text ?? "").slice(span.start, span.end);
  }
  /** "line 3", or "line 3 of lib.ppl" when that is another file than `from`. */
  line(span: SourceSpan, from: SourceSpan = span): string {
    const source = this.sources[span.file];
    const line = (source?.text ?? "").slice(0, span.start).split("\n").length;
    return span.file === from.file ? `line ${line}` : `line ${line} of ${source?.name ?? "an import"}`;
  }
}
