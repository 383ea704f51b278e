// Models in tagged templates: the text with its values written out, and the tree in which the values are literals, never read as code.
import type { Diagnostic, Outcome, Source } from "./diagnostics.ts";
import type { Expression, ModelFile } from "./language/ast.ts";
import { parseExpression, parseModel } from "./language/parser.ts";
import { type EmbeddedValue, scan } from "./language/scan.ts";

/** A piece of a model: statements, or an expression, which stays one when it is put into a larger one. */
export interface Fragment {
  readonly kind: "tilde-fragment";
  readonly strings: readonly string[];
  readonly values: readonly Interpolation[];
}
export type Interpolation = number | boolean | ArrayLike<number> | readonly Interpolation[] | Fragment;

export interface Embedded {
  readonly source: Source;
  readonly outcome: Outcome<ModelFile>;
  readonly fragment: Fragment;
}

const MAX_ELEMENTS = 50_000;
const MAX_DEPTH = 16;

/** What a tag function is given: the template's texts as they were typed, and the values between them. */
export function embed(strings: TemplateStringsArray, values: readonly Interpolation[], name = "embedded"): Embedded {
  const fragment: Fragment = { kind: "tilde-fragment", strings: strings.raw, values };
  const text = new EmbeddedText();
  text.fragment(fragment);
  const source = { name, text: text.text };
  const outcome = text.diagnostics.length > 0 ? { diagnostics: text.diagnostics } : parseModel(source, 0, text.embedded);
  return { source, outcome, fragment };
}

class EmbeddedText {
  text = "";
  readonly embedded: EmbeddedValue[] = [];
  readonly diagnostics: Diagnostic[] = [];

  fragment(f: Fragment): void {
    for (const [i, part] of f.strings.entries()) {
      this.text += part;
      if (i < f.values.length) this.value(f.values[i], f.strings[i + 1] ?? "");
    }
  }

  /** `after`: the text behind it. */
  private value(value: Interpolation, after: string): void {
    const start = this.text.length;
    if (isFragment(value)) {
      this.inner(value, after);
      return;
    }
    const literal = literalOf(value);
    if ("problem" in literal) {
      this.text += literal.shown;
      this.report(
        "PPL130",
        start,
        `${literal.problem} cannot be interpolated`,
        "numbers, booleans, arrays of numbers and fragments can; names are written in the text",
      );
      return;
    }
    // Postfix signs and ^ bind tighter than the sign of a negative number; the tree knows, and the text is to say the same.
    const signed = literal.value.kind === "unary" && /^[ \t]*[\^'[]/.test(after);
    this.text += signed ? `(${literal.text})` : literal.text;
    this.embedded.push({ start, end: this.text.length, value: literal.value });
  }

  /** An expression goes in as one operand; statements go in as they are. */
  private inner(f: Fragment, after: string): void {
    const part = new EmbeddedText();
    part.fragment(f);
    const start = this.text.length;
    const { diagnostics } = scan(part.text, 0, part.embedded);
    const e = diagnostics.length === 0 && part.diagnostics.length === 0 ? parseExpression(part.text, part.embedded) : undefined;
    const operand = e !== undefined && (e.kind === "binary" || e.kind === "unary" || e.kind === "conditional");
    // A comment to the end of the line must not swallow what follows.
    const end = /\/\/[^\n]*$/.test(part.text) ? "\n" : "";
    const before = this.text;
    this.text += operand ? `(${part.text}${end})` : part.text + end;
    const shift = start + (operand ? 1 : 0);
    const moved = (d: Diagnostic) => ({ ...d, span: { ...d.span, start: d.span.start + shift, end: d.span.end + shift } });
    this.embedded.push(...part.embedded.map((v) => ({ ...v, start: v.start + shift, end: v.end + shift })));
    this.diagnostics.push(...[...part.diagnostics, ...diagnostics].map(moved));
    const inside = part.text;
    const glued =
      (/[\p{XIDC}]$/u.test(before) && /^[\p{XIDC}]/u.test(inside)) || (/[\p{XIDC}]$/u.test(inside) && /^[\p{XIDC}]/u.test(after));
    if (glued && !operand)
      this.report(
        "PPL131",
        start,
        "a fragment cannot be part of a name or a number",
        "put a blank between the fragment and the text beside it",
      );
  }

  private report(code: string, start: number, message: string, note: string): void {
    this.diagnostics.push({
      severity: "error",
      code,
      message,
      span: { file: 0, start, end: Math.max(start + 1, this.text.length) },
      notes: [note],
    });
  }
}

function isFragment(value: Interpolation): value is Fragment {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "tilde-fragment";
}

type Literal = { readonly text: string; readonly value: Expression };
type Problem = { readonly problem: string; readonly shown: string };
const nowhere = { file: 0, start: 0, end: 0 };

/** The literal of a value. What a program passes is not known to be what the types say. */
function literalOf(value: unknown): Literal | Problem {
  const count = { elements: 0 };
  return walk(value, "", 0, count);
}

function walk(value: unknown, path: string, depth: number, count: { elements: number }): Literal | Problem {
  if (typeof value === "number") return numberOf(value);
  if (typeof value === "boolean") return { text: String(value), value: { kind: "boolean", value, span: nowhere } };
  const list = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  if (!list) return problem(value, path);
  if (depth >= MAX_DEPTH) return { problem: `an array nested more than ${MAX_DEPTH} deep`, shown: "[…]" };
  const texts: string[] = [];
  const elements: Expression[] = [];
  // Both kinds have a length and elements by index.
  const items = value as ArrayLike<unknown>;
  for (let i = 0; i < items.length; i++) {
    if (++count.elements > MAX_ELEMENTS)
      return { problem: `an array of more than ${MAX_ELEMENTS} elements, which belongs into the data,`, shown: "[…]" };
    const literal = walk(items[i], `${path}[${i + 1}]`, depth + 1, count);
    if ("problem" in literal) return literal;
    texts.push(literal.text);
    elements.push(literal.value);
  }
  return { text: `[${texts.join(", ")}]`, value: { kind: "array", elements, span: nowhere } };
}

function numberOf(value: number): Literal {
  if (Number.isNaN(value)) return { text: "nan", value: { kind: "name", name: "nan", span: nowhere } };
  if (value < 0 || Object.is(value, -0)) {
    const magnitude = numberOf(-value);
    return { text: `-${magnitude.text}`, value: { kind: "unary", operator: "-", operand: magnitude.value, span: nowhere } };
  }
  if (value === Number.POSITIVE_INFINITY) return { text: "inf", value: { kind: "name", name: "inf", span: nowhere } };
  const text = String(value);
  return { text, value: { kind: "number", value, integer: /^[0-9]*$/.test(text), text, span: nowhere } };
}

function problem(value: unknown, path: string): Problem {
  const at = path === "" ? "" : `, element ${path},`;
  if (typeof value === "string") {
    const shown = JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    return { problem: `the text ${shown}${at}`, shown };
  }
  const what =
    value === null ? "null" : value === undefined ? "undefined" : typeof value === "object" ? "an object" : `a ${typeof value}`;
  return { problem: `${what}${at}`, shown: "…" };
}
