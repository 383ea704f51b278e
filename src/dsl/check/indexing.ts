// Subscripts: which axes they drop and keep, whether they are integers known from the data, and whether they are in range.

import { constantOfDimension, type Dimension, minus, one, slopeIn, substitute } from "../dimensions.ts";
import { type Expression, eachChild, type Index, type Range, type Subscript } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { infer } from "./expressions.ts";
import { lengthOf } from "./loops.ts";
import { typeOfName } from "./names.ts";
import { declarationOf, nameOf } from "./shape-messages.ts";
import {
  describeShape,
  formatSize,
  inherited,
  isUnknown,
  knownAtBind,
  type Size,
  type SymbolicShape,
  unknownType,
  type ValueType,
} from "./value-type.ts";

export function inferIndex(c: Context, e: Index): ValueType {
  const base = e.base.kind === "name" ? typeOfName(c, e.base.name, e.base.span) : infer(c, e.base);
  const axes = base.shape;
  if (axes && e.subscripts.length > axes.length) {
    const declared = declarationOf(c, e.base);
    const has = axes.length === 0 ? "is a number" : axes.length === 1 ? "has one axis" : `has ${axes.length} axes`;
    c.session.report.error("PPL302", e.span, `${nameOf(c, e.base)} ${has} and is given ${count(e.subscripts.length)}`, {
      label: declared,
    });
    for (const s of e.subscripts) selection(c, s, undefined, e.base);
    return { ...unknownType, ...inherited(base) };
  }
  const selections = e.subscripts.map((s, i) => selection(c, s, axes?.[i], e.base));
  const arrays = e.subscripts.filter((_, i) => selections[i].kind === "array");
  if (arrays.length > 1) {
    const name = nameOf(c, e.base, "x");
    c.session.report.error("PPL307", e.span, `${name} is indexed by ${arrays.length} index arrays at once`, {
      label: "one index array in a pair of brackets",
      notes: [`for every combination write ${name}[i][, j], for pairs [${name}[i[n], j[n]] for n in 1..N]`],
    });
    return { ...unknownType, ...inherited(base) };
  }
  const { stage, varies } = inherited(base, ...selections.map((s) => s.type));
  const kept = selections.flatMap((s, i): SymbolicShape => {
    if (s.kind === "array" || s.kind === "range") return [s.size];
    return s.kind === "number" ? [] : [s.kind === "all" ? axes?.[i] : undefined];
  });
  const uncertain = selections.some((s) => s.kind === "unknown");
  const shape = axes && !uncertain ? [...kept, ...axes.slice(selections.length)] : undefined;
  return {
    dtype: base.dtype,
    shape,
    range:
      base.structure === "diagonal"
        ? { ...base.range, lower: Math.min(0, base.range.lower), upper: Math.max(0, base.range.upper) }
        : base.range,
    structure: keepsStructure(c, base, e.subscripts.length) ? base.structure : undefined,
    stage,
    varies,
  };
}
const count = (n: number): string => (n === 1 ? "one subscript" : `${n} subscripts`);

/** The constrained axes are the last ones: subscripts before them pick whole objects. */
function keepsStructure(c: Context, base: ValueType, subscripts: number): boolean {
  const event = c.session.constraints.get(base.structure ?? "")?.event ?? 2;
  return base.shape !== undefined && subscripts <= base.shape.length - event;
}

type Selection =
  | { readonly kind: "number"; readonly type: ValueType }
  | { readonly kind: "all"; readonly type: ValueType }
  | { readonly kind: "unknown"; readonly type: ValueType }
  | { readonly kind: "array"; readonly size: Size; readonly type: ValueType }
  | { readonly kind: "range"; readonly size: Size; readonly type: ValueType };

function selection(c: Context, s: Subscript, size: Size, base: Expression): Selection {
  switch (s.kind) {
    case "all":
      return { kind: "all", type: unknownType };
    case "range":
      return rangeSelection(c, s, size, base);
    case "at": {
      const type = indexType(c, s.value, INDEX);
      if (isUnknown(type) || type.shape === undefined) return { kind: "unknown", type };
      if (type.shape.length === 0) {
        if (type.value) checkInRange(c, s.value, type.value, size, base);
        return { kind: "number", type };
      }
      if (type.shape.length > 1) {
        c.session.report.error("PPL307", s.span, `${nameOf(c, s.value)} is ${describeShape(type.shape)}`, {
          label: "an index array has one axis",
        });
        return { kind: "unknown", type };
      }
      return { kind: "array", size: type.shape[0], type };
    }
  }
}

const INDEX = "an index";

/** Whether an expression of integers reads latents or params that are real numbers: (x > 0) + 1. */
export function continuous(c: Context, e: Expression): boolean {
  if (e.kind === "name") {
    const entry = c.scope.get(e.name);
    if (entry === undefined || knownAtBind(entry.type.stage)) return false;
    if (entry.type.dtype === "real") return true;
    return entry.kind === "let" && entry.value !== undefined && continuous(c, entry.value);
  }
  let found = false;
  eachChild(e, (x) => {
    found ||= continuous(c, x);
  });
  return found;
}

/** Indices are integers, and known at bind unless they are discrete latents, or draws are numbers already. */
function indexType(c: Context, e: Expression, what: string): ValueType {
  const { report } = c.session;
  const t = infer(c, e);
  if (isUnknown(t)) return t;
  if (t.dtype !== "int") {
    report.error("PPL207", e.span, `${nameOf(c, e)} is ${t.dtype === "bool" ? "true or false" : "a real number"}`, {
      label: [`${what} is an integer`, declarationOf(c, e)].filter((x) => x !== undefined).join("; "),
      notes:
        e.kind === "name" && t.dtype === "real" && c.scope.get(e.name)?.kind === "data"
          ? [`declare it int: data ${e.name}: int${(t.shape?.length ?? 0) > 0 ? "[…]" : ""}`]
          : t.dtype === "bool"
            ? ["write (…) + 1 to choose between the first and the second"]
            : undefined,
    });
    return { ...t, shape: undefined };
  }
  if (!knownAtBind(t.stage) && !c.perDraw && t.stage !== "predict" && (what !== INDEX || continuous(c, e))) {
    report.error("PPL213", e.span, `${nameOf(c, e)} depends on ${continuous(c, e) ? "continuous " : ""}latent variables`, {
      label: `${what} must be known from the data${what === INDEX ? ", or depend on discrete latent variables alone" : ""}`,
    });
    return { ...t, shape: undefined };
  }
  return t;
}

function rangeSelection(c: Context, r: Range, size: Size, base: Expression): Selection {
  const lower = r.lower && indexType(c, r.lower, "the end of a range");
  const upper = r.upper && indexType(c, r.upper, "the end of a range");
  const type = { ...unknownType, ...inherited(...[lower, upper].filter((t): t is ValueType => t !== undefined)) };
  const from = lower ? lower.value : one;
  const to = upper ? upper.value : size;
  const length = from && to ? lengthOf(from, to) : undefined;
  const empty = length !== undefined && constantOfDimension(length) === 0;
  if (!empty && r.lower && from) checkInRange(c, r.lower, from, size, base, "lower");
  if (!empty && r.upper && to) checkInRange(c, r.upper, to, size, base, "upper");
  return { kind: "range", size: length, type };
}

/** The largest or smallest value that an index takes while its loops run; undefined where that cannot be told. */
function extreme(c: Context, value: Dimension, side: "lower" | "upper"): Dimension | undefined {
  let bound = value;
  for (let i = c.loops.length - 1; i >= 0; i--) {
    const loop = c.loops[i];
    const slope = slopeIn(bound, loop.key);
    if (slope === 0) continue;
    const end = slope === undefined ? undefined : slope > 0 === (side === "upper") ? loop.upper : loop.lower;
    if (end === undefined) return undefined;
    bound = substitute(bound, loop.key, end);
  }
  return bound;
}

/** Certain errors only: a literal beyond a literal size, n + 1 at the end of 1..N. Under a condition it may never be reached. A range that
 *  ends before it begins is empty wherever that is (rule 6), so that its lower end is wrong below 1 only, its upper end beyond the size only. */
function checkInRange(c: Context, e: Expression, value: Dimension, size: Size, base: Expression, only?: "lower" | "upper"): void {
  const constant = constantOfDimension(value);
  if (c.guarded && constant === undefined) return;
  const { report } = c.session;
  const name = nameOf(c, base, "it");
  const low = extreme(c, value, "lower");
  const least = low && constantOfDimension(low);
  if (only !== "upper" && least !== undefined && least < 1) {
    report.error(
      "PPL303",
      e.span,
      constant === undefined ? `${nameOf(c, e)} becomes ${least} here` : `there is no index ${least}`,
      {
        label: "indices start at 1",
        notes:
          constant === undefined
            ? [`start the loop later, or guard the element with a condition: c ? ${name}[…] : …`]
            : undefined,
      },
    );
    return;
  }
  // The size of an array that statements give piece by piece is that of the pieces so far.
  const growing = base.kind === "name" && c.scope.get(base.name)?.elements !== undefined;
  if (!size || growing) return;
  const high = extreme(c, value, "upper");
  const excess = high && constantOfDimension(minus(high, size));
  if (only !== "lower" && excess !== undefined && excess > 0) {
    report.error("PPL303", e.span, `${nameOf(c, e)} goes beyond the end of ${name}`, {
      label: [`${name} has ${formatSize(size)} elements along this axis`, declarationOf(c, base)]
        .filter((x) => x !== undefined)
        .join("; "),
    });
  }
}
