// Whether arguments are what a parameter needs: ranges by interval analysis, structures by declared types.

import type { Param } from "../distributions/define.ts";
import type { Expression } from "../language/ast.ts";
import { declaredAbove, declaredBelow, disjoint, formatRange, isPoint, type Range } from "../ranges.ts";
import { implies, rangeOfConstraint } from "./constraint-facts.ts";
import type { Context } from "./context.ts";
import { infer } from "./expressions.ts";
import { elementRange } from "./functions/define.ts";
import type { Entry } from "./scope.ts";
import { declarationOf, nameOf } from "./shape-messages.ts";
import { isUnknown, type ValueType } from "./value-type.ts";

const inf = Number.POSITIVE_INFINITY;
const isPositive = (r: Range): boolean => r.lower === 0 && r.upper === inf && r.lowerOpen;
const isNonnegative = (r: Range): boolean => r.lower === 0 && r.upper === inf && !r.lowerOpen;
const isUnit = (r: Range): boolean => r.lower === 0 && r.upper === 1;
/** "a positive sigma", "theta between 0 and 1" */
export const needed = (r: Range, name: string): string =>
  isPositive(r) ? `a positive ${name}` : isNonnegative(r) ? `a nonnegative ${name}` : `${name} ${formatRange(r)}`;
export const adjective = (r: Range): string => (isPositive(r) ? "positive" : isNonnegative(r) ? "nonnegative" : formatRange(r));
/** The type that has this range, as it is declared. */
function typeWord(r: Range, integer: boolean): string {
  if (!integer && isPositive(r)) return "positive";
  if (!integer && isNonnegative(r)) return "nonnegative";
  if (!integer && isUnit(r)) return "unit";
  const lower = integer && r.lowerOpen ? r.lower + 1 : r.lower;
  return `${integer ? "int" : "real"}<${lower === -inf ? "" : lower},${r.upper === inf ? "" : ` ${r.upper}`}>`;
}

/** The name whose declaration an argument's range comes from: a name, perhaps indexed. */
function declaredEntry(c: Context, e: Expression): Entry | undefined {
  const base = e.kind === "index" ? e.base : e;
  if (base.kind === "index") return declaredEntry(c, base);
  const entry = base.kind === "name" ? c.scope.get(base.name) : undefined;
  return entry && (entry.kind === "data" || entry.kind === "latent" || entry.kind === "param") ? entry : undefined;
}

/** One argument of a distribution against what its record says of the parameter. */
export function checkSupport(c: Context, distribution: string, name: string, p: Param, e: Expression, t: ValueType): void {
  if (isUnknown(t)) return;
  const { report } = c.session;
  if (p.constraint.discrete && t.dtype === "real") {
    report.error("PPL207", e.span, `${nameOf(c, e)} is a real number`, {
      label: [`${distribution} needs an integer ${name}`, declarationOf(c, e)].filter((x) => x !== undefined).join("; "),
      notes: declaredEntry(c, e)?.kind === "data" ? [`declare it int: data ${dataName(e)}: int`] : undefined,
    });
    return;
  }
  if (p.constraint.event > 0) {
    checkStructure(c, distribution, name, p, e, t);
    return;
  }
  if (e.kind === "array") {
    for (const x of e.elements) checkSupport(c, distribution, name, p, x, infer(c, x));
    return;
  }
  const need = rangeOfConstraint(p.constraint, p.bounds);
  const have = elementRange(t);
  if (disjoint(have, need)) {
    const text = nameOf(c, e);
    report.error(
      "PPL204",
      e.span,
      `${text} is ${isPoint(have) || (t.shape?.length ?? 0) > 0 ? "not" : "never"} ${adjective(need)}`,
      {
        label: [`${distribution} needs ${needed(need, name)}`, declarationOf(c, e)].filter((x) => x !== undefined).join("; "),
      },
    );
    return;
  }
  const entry = declaredEntry(c, e);
  // Counts are declared int by habit; bind holds the data's values against the parameter.
  if (!entry || (entry.kind === "data" && p.constraint.discrete)) return;
  const below = declaredBelow(have, need);
  const above = declaredAbove(have, need);
  if (!below && !above) return;
  const text = nameOf(c, e);
  report.error("PPL204", e.span, `${text} may be ${violation(need, below, above)} here`, {
    label: `${distribution} needs ${needed(need, name)}; ${whereFrom(c, entry, e)}`,
    notes: [remedy(c, entry, need, p.constraint.discrete)],
  });
}

function violation(need: Range, below: boolean, above: boolean): string {
  if (below && above) return `outside ${need.lower}..${need.upper}`;
  if (below) return need.lower === 0 ? "negative" : `below ${need.lower}`;
  return need.upper === 0 ? "positive" : `above ${need.upper}`;
}
const dataName = (e: Expression): string => (e.kind === "name" ? e.name : e.kind === "index" ? dataName(e.base) : "x");

/** "sigma is declared real on line 3", or what its ~ lets it be. */
export function whereFrom(c: Context, entry: Entry, at: Expression): string {
  const { report } = c.session;
  const line = report.line(entry.span, at.span);
  if (entry.declared) return `${entry.name} is declared ${report.text(entry.declared.span)} on ${line}`;
  if (!entry.distribution) return `${entry.name} is given on ${line}`;
  const values =
    entry.type.range.lower === -inf && entry.type.range.upper === inf
      ? "any real number"
      : `numbers ${formatRange(entry.type.range)}`;
  return `its prior on ${line}, ${entry.distribution}, gives ${values}`;
}

function remedy(c: Context, entry: Entry, need: Range, integer: boolean): string {
  const sizes = entry.declared?.sizes ?? [];
  const shape = sizes.length > 0 ? `[${sizes.map((s) => c.session.report.text(s.span)).join(", ")}]` : "";
  const word = typeWord(need, integer);
  if (entry.kind !== "latent") return `declare it ${word}: ${entry.kind} ${entry.name}: ${word}${shape}`;
  const typed = shape ? `${entry.name}: ${word}${shape}` : entry.name;
  const elements = entry.elements && !entry.declared ? `${entry.name}[…]` : typed;
  if (isPositive(need) || isNonnegative(need)) return `give it a positive prior: ${elements} ~ HalfNormal(5)`;
  if (isUnit(need)) return `give it a prior between 0 and 1: ${elements} ~ Beta(1, 1), or use inv_logit(${entry.name})`;
  return `declare what it may be: ${entry.name}: ${word}${shape} ~ …`;
}

/** The elements of a vector that is written out in numbers. */
function literalNumbers(c: Context, e: Expression): readonly number[] | undefined {
  if (e.kind !== "array") return undefined;
  const numbers = e.elements
    .map((x) => infer(c, x))
    .map((t) => (t.shape?.length === 0 && isPoint(t.range) ? t.range.lower : undefined));
  return numbers.every((x) => x !== undefined) ? numbers : undefined;
}

/** A simplex, a Cholesky factor, a covariance: certain errors are those of declared names. */
function checkStructure(c: Context, distribution: string, name: string, p: Param, e: Expression, t: ValueType): void {
  const have = t.structure ? c.session.constraints.get(t.structure) : undefined;
  if (have && implies(have, p.constraint)) return;
  if (t.structure === "diagonal") return;
  const numbers = literalNumbers(c, e);
  if (numbers && !p.constraint.contains(numbers, [numbers.length], {})) {
    c.session.report.error("PPL215", e.span, `${nameOf(c, e)} is not ${p.constraint.words}`, {
      label: `${distribution} needs ${p.constraint.words} as ${name}`,
    });
    return;
  }
  const entry = declaredEntry(c, e);
  if (!entry && !have) return;
  const { report } = c.session;
  const sizes = (entry?.declared?.sizes ?? []).map((s) => report.text(s.span)).join(", ");
  const word = `${p.constraint.name}[${sizes}]`;
  const kind = entry && entry.kind !== "latent" ? `${entry.kind} ` : "";
  report.error("PPL215", e.span, `${nameOf(c, e)} is ${have ? have.words : `not known to be ${p.constraint.words}`}`, {
    label: [`${distribution} needs ${p.constraint.words} as ${name}`, entry && whereFrom(c, entry, e)]
      .filter((x) => x !== undefined)
      .join("; "),
    notes: entry && sizes && !have ? [`declare it so: ${kind}${entry.name}: ${word}`] : undefined,
  });
}
