// From a declared type to what it says of a value: element type, shape, range, constraint.
import type { Constraint } from "../constraints/define.ts";
import { didYouMean } from "../did-you-mean.ts";
import type { Expression, TypeExpression } from "../language/ast.ts";
import { anyNumber, declaredAt, isPoint, type Range, range } from "../ranges.ts";
import { rangeOfConstraint, takesBounds } from "./constraint-facts.ts";
import type { Context } from "./context.ts";
import { infer } from "./expressions.ts";
import { foreignType } from "./foreign-names.ts";
import {
  formatSize,
  isUnknown,
  joinSizes,
  knownAtBind,
  laterStage,
  nothingVaries,
  type Size,
  type Stage,
  unknownType,
  type ValueType,
} from "./value-type.ts";

export interface DeclaredType {
  /** Stage: that of sizes and bounds. */
  readonly type: ValueType;
  /** undefined after an error. */
  readonly constraint: Constraint | undefined;
  /** When the bounds are known: those of latents may depend on other latents. */
  readonly boundStage: Stage;
}

const baseWords = "real, int, positive, nonnegative, unit, simplex, ordered, …";

/** `known`: what sizes must be made of, in words; `bounds` likewise. */
export function declaredType(c: Context, t: TypeExpression, allowed: { readonly latentBounds: boolean }): DeclaredType {
  const { report, constraints } = c.session;
  const constraint = constraints.get(t.base.name);
  const sizes = t.sizes.map((e) => sizeOfAxis({ ...c, inSize: true }, e));
  if (!constraint) {
    const foreign = foreignType(t.base.name);
    const near = didYouMean(t.base.name, constraints.keys());
    report.error("PPL210", t.base.span, `there is no type ${t.base.name}`, {
      label: foreign ?? (near ? `did you mean ${near}?` : `types are ${baseWords}`),
    });
    return { type: unknownType, constraint, boundStage: "const" };
  }
  if (t.bounds && !takesBounds(constraint)) {
    report.error("PPL210", t.bounds.span, `${t.base.name} takes no bounds`, {
      label: "bounds stand after real and int",
      notes: constraint.event === 0 ? [`write ${constraint.discrete ? "int" : "real"}${report.text(t.bounds.span)}`] : undefined,
    });
  }
  const { range: interval, stage: boundStage } = boundsOf(c, t, constraint, allowed.latentBounds);
  const axes = checkEventAxes(c, t, constraint, sizes);
  const type: ValueType = {
    dtype: constraint.discrete ? "int" : "real",
    shape: axes ? sizes : undefined,
    range: interval,
    ...(constraint.event > 0 ? { structure: constraint.name } : {}),
    stage: laterStage("const", boundStage),
    varies: nothingVaries,
  };
  return { type, constraint, boundStage };
}

/** A size is an integer known at bind. */
export function sizeOfAxis(c: Context, e: Expression): Size {
  const { report } = c.session;
  const t = infer(c, e);
  if (isUnknown(t)) return undefined;
  if (t.shape?.length !== 0 || t.dtype === "real") {
    report.error("PPL309", e.span, `${report.text(e.span)} is ${t.shape?.length === 0 ? "a real number" : "an array"}`, {
      label: "a size is an integer",
      notes:
        e.kind === "name" && t.shape?.length === 0 && c.scope.get(e.name)?.kind === "data"
          ? [`declare it int: data ${e.name}: int`]
          : undefined,
    });
    return undefined;
  }
  if (!knownAtBind(t.stage)) {
    report.error("PPL213", e.span, `${report.text(e.span)} is not known before the model runs`, {
      label: "a size must be known from the data",
    });
    return undefined;
  }
  if (t.range.upper < 0)
    report.error("PPL309", e.span, `${report.text(e.span)} is negative`, { label: "a size cannot be negative" });
  return t.value;
}

function boundsOf(
  c: Context,
  t: TypeExpression,
  constraint: Constraint,
  latentBounds: boolean,
): { readonly range: Range; readonly stage: Stage } {
  const own = rangeOfConstraint(constraint);
  if (!t.bounds) return { range: declaredAt(own, "both"), stage: "const" };
  const { report } = c.session;
  const end = (e: Expression | undefined): ValueType | undefined => {
    if (!e) return undefined;
    const type = infer(c, e);
    if (!knownAtBind(type.stage) && !latentBounds) {
      report.error("PPL213", e.span, `${report.text(e.span)} is not known from the data`, {
        label: "bounds of data are made of data and consts",
      });
    }
    const whole = isPoint(type.range) && (Number.isInteger(type.range.lower) || !Number.isFinite(type.range.lower));
    if (constraint.discrete && type.dtype === "real" && !isUnknown(type) && !whole) {
      report.error("PPL207", e.span, `${report.text(e.span)} is a real number`, { label: "int has integer bounds" });
    }
    return type;
  };
  const lower = end(t.bounds.lower);
  const upper = end(t.bounds.upper);
  if (lower && upper && lower.range.lower > upper.range.upper) {
    report.error("PPL210", t.bounds.span, `no number lies in ${report.text(t.bounds.span)}`, {
      label: "the lower bound is above the upper one",
    });
    return { range: anyNumber, stage: "const" };
  }
  // An end that is an expression may lie anywhere in its own range: the hull holds, but nothing is declared up to it.
  const lowerSure = !lower || isPoint(lower.range);
  const upperSure = !upper || isPoint(upper.range);
  const declared = lowerSure && upperSure ? "both" : lowerSure ? "lower" : upperSure ? "upper" : "none";
  const interval = range(lower ? lower.range.lower : own.lower, upper ? upper.range.upper : own.upper);
  return { range: declaredAt(interval, declared), stage: laterStage(lower?.stage ?? "const", upper?.stage ?? "const") };
}

/** The trailing axes that one object of the type takes: a simplex needs one, a correlation matrix two equal ones. */
function checkEventAxes(c: Context, t: TypeExpression, constraint: Constraint, sizes: readonly Size[]): boolean {
  const { report } = c.session;
  if (sizes.length < constraint.event) {
    const example = constraint.event === 1 ? `${t.base.name}[K]` : `${t.base.name}[K, K]`;
    report.error("PPL305", t.span, `${t.base.name} has ${sizes.length === 0 ? "no size" : "one size"} here`, {
      label:
        constraint.event === 1
          ? `${t.base.name} is a vector: it needs its length`
          : `${t.base.name} is a square matrix: it needs both sides`,
      notes: [`write ${example}`],
    });
    return false;
  }
  if (constraint.event === 2) {
    const [rows, columns] = sizes.slice(-2);
    if (joinSizes(rows, columns) === "misfit") {
      report.error("PPL305", t.span, `${t.base.name} is a square matrix`, {
        label: `${formatSize(rows)} is not ${formatSize(columns)}`,
      });
    }
  }
  return true;
}
