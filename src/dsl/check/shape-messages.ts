// How shapes that do not fit are said.
import type { SourceSpan } from "../diagnostics.ts";
import { compareDimensions, constantOfDimension, formatDimension } from "../dimensions.ts";
import type { Expression } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { describeShape, joinSizes, type SymbolicShape, type ValueType } from "./value-type.ts";

/** "alpha is declared real[N] on line 2", of a name that has a declaration. */
export function declarationOf(c: Context, e: Expression): string | undefined {
  if (e.kind !== "name" && !(e.kind === "index" && e.base.kind === "name")) return undefined;
  const name = e.kind === "name" ? e.name : e.base.kind === "name" ? e.base.name : "";
  const entry = c.scope.get(name);
  if (!entry?.declared) return undefined;
  return `${name} is declared ${c.session.report.text(entry.declared.span)} on ${c.session.report.line(entry.span, e.span)}`;
}

/** Declarations of both, each once. */
export const declarationsOf = (c: Context, ...es: readonly Expression[]): readonly string[] => [
  ...new Set(es.map((e) => declarationOf(c, e)).filter((x) => x !== undefined)),
];

/** At most 40 characters of the text, else a word for it. */
export function nameOf(c: Context, e: Expression | { readonly span: SourceSpan }, otherwise = "this"): string {
  const text = c.session.report.text(e.span).replace(/\s+/g, " ");
  return text.length > 0 && text.length <= 40 ? text : otherwise;
}

/** Two shapes under an operator that joins equal ones. */
export function reportMisfit(
  c: Context,
  at: { readonly span: SourceSpan; readonly left: Expression; readonly right: Expression },
  operator: string,
  left: ValueType,
  right: ValueType,
): void {
  const [a, b] = [left.shape ?? [], right.shape ?? []];
  const declared = declarationsOf(c, at.left, at.right);
  c.session.report.error(
    "PPL301",
    at.span,
    `${nameOf(c, at.left, "the left side")} is ${describeShape(a)}, ${nameOf(c, at.right, "the right side")} ${describeShape(b)}`,
    { label: [`${operator} needs equal shapes`, ...declared].join("; "), notes: adviceFor(a, b) },
  );
}

/** What to do about two shapes that do not join. */
export function adviceFor(a: SymbolicShape, b: SymbolicShape): readonly string[] | undefined {
  if (a.length !== b.length) {
    const [small, large] = a.length < b.length ? [a, b] : [b, a];
    const fitsRows = small.length === 1 && large.length === 2 && joinSizes(small[0], large[0]) !== "misfit";
    return [
      fitsRows
        ? "axes are never added: write [A[i, ] * v[i] for i in 1..N] to go along the rows"
        : "axes are never added: index or loop over the larger one, or repeat the smaller one with rep(x, n)",
    ];
  }
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i], b[i]];
    const literals = x && y && constantOfDimension(x) !== undefined && constantOfDimension(y) !== undefined;
    if (x && y && !literals && joinSizes(x, y) === "misfit" && compareDimensions(x, y) === "different") {
      const [p, q] = [formatDimension(x), formatDimension(y)];
      return [
        `${p} and ${q} are different sizes, even where the data make them equal: declare both with one name if they are one size`,
      ];
    }
  }
  return undefined;
}
