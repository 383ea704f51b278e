// Models in tagged templates: the text with its values written out, and the tree in which the values are literals, never read as code.
import type { Diagnostic, Outcome, Source } from "./diagnostics.ts";
import type { BooleanLiteral, ModelFile, Name, NumberLiteral } from "./language/ast.ts";
import { parseExpression, parseModel } from "./language/parser.ts";
import { type EmbeddedValue, scan } from "./language/scan.ts";
import type { Placeable } from "./language/tokens.ts";

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
      if (i < f.values.length) this.value(f.values[i], f.strings[i + 1] ?? "", f.values[i + 1]);
    }
  }

  /** `after`: the text behind it; `following`: the value behind that. */
  private value(value: Interpolation, after: string, following: Interpolation | undefined): void {
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
    const next = after.replace(leadingBlank, "");
    const signed =
      literal.text.startsWith("-") && (/^[\^'[]/.test(next) || (next === "" && following !== undefined && isFragment(following)));
    this.text += signed ? `(${literal.text})` : literal.text;
    const end = this.text.length;
    const inParentheses: Placeable = (file, at) => ({
      ...literal.value(file, at + 1),
      span: { file, start: at, end: at + end - start },
    });
    this.embedded.push({ start, end, value: signed ? inParentheses : literal.value });
  }

  /** An expression goes in as one operand, without the line breaks and comments around it; statements go in as they are. */
  private inner(f: Fragment, after: string): void {
    const part = new EmbeddedText();
    part.fragment(f);
    const start = this.text.length;
    const { diagnostics } = scan(part.text, 0, part.embedded);
    const e = diagnostics.length === 0 && part.diagnostics.length === 0 ? parseExpression(part.text, part.embedded) : undefined;
    const operand = e !== undefined && (e.kind === "binary" || e.kind === "unary" || e.kind === "conditional");
    const from = e?.span.start ?? 0;
    const to = e?.span.end ?? part.text.length;
    const inside = part.text.slice(from, to);
    const before = from > 0 ? " " : "";
    // A comment to the end of the line must not swallow what follows.
    const behind = e ? (to < part.text.length ? " " : "") : /\/\/[^\n]*$/.test(inside) ? "\n" : "";
    const opened = before + (operand ? "(" : "");
    const whole = opened + inside + (operand ? ")" : "") + behind;
    const glued =
      (/[\p{XIDC}]$/u.test(this.text) && /^[\p{XIDC}]/u.test(whole)) ||
      (/[\p{XIDC}]$/u.test(whole) && /^[\p{XIDC}]/u.test(after));
    this.text += whole;
    const shift = start + opened.length - from;
    const moved = (d: Diagnostic) => ({ ...d, span: { ...d.span, start: d.span.start + shift, end: d.span.end + shift } });
    const within = part.embedded.filter((v) => v.start >= from && v.end <= to);
    this.embedded.push(...within.map((v) => ({ ...v, start: v.start + shift, end: v.end + shift })));
    this.diagnostics.push(...[...part.diagnostics, ...diagnostics].map(moved));
    if (glued)
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

type Literal = { readonly text: string; readonly value: Placeable };
type Unplaced = Omit<NumberLiteral, "span"> | Omit<BooleanLiteral, "span"> | Omit<Name, "span">;
type Problem = { readonly problem: string; readonly shown: string };
/** Blanks, line breaks and comments. */
const leadingBlank = /^(?:\s|\/\/[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;

/** The literal of a value. What a program passes is not known to be what the types say. */
function literalOf(value: unknown): Literal | Problem {
  const count = { elements: 0 };
  return walk(value, "", 0, count);
}

function walk(value: unknown, path: string, depth: number, count: { elements: number }): Literal | Problem {
  if (typeof value === "number") return numberOf(value);
  if (typeof value === "boolean") return leaf(String(value), { kind: "boolean", value });
  const list = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  if (!list) return problem(value, path);
  if (depth >= MAX_DEPTH) return { problem: `an array nested more than ${MAX_DEPTH} deep`, shown: "[…]" };
  const texts: string[] = [];
  const elements: Placeable[] = [];
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
  const text = `[${texts.join(", ")}]`;
  const array: Placeable = (file, start) => {
    let at = start + 1;
    const placed = elements.map((e, i) => {
      const element = e(file, at);
      at += texts[i].length + ", ".length;
      return element;
    });
    return { kind: "array", elements: placed, span: { file, start, end: start + text.length } };
  };
  return { text, value: array };
}

function leaf(text: string, e: Unplaced): Literal {
  return { text, value: (file, start) => ({ ...e, span: { file, start, end: start + text.length } }) };
}

function numberOf(value: number): Literal {
  if (Number.isNaN(value)) return leaf("nan", { kind: "name", name: "nan" });
  if (value < 0 || Object.is(value, -0)) {
    const magnitude = numberOf(-value);
    const text = `-${magnitude.text}`;
    const negative: Placeable = (file, start) => {
      const operand = magnitude.value(file, start + 1);
      return { kind: "unary", operator: "-", operand, span: { file, start, end: start + text.length } };
    };
    return { text, value: negative };
  }
  if (value === Number.POSITIVE_INFINITY) return leaf("inf", { kind: "name", name: "inf" });
  const text = String(value);
  return leaf(text, { kind: "number", value, integer: /^[0-9]*$/.test(text), text });
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
