// Subscripts: 1-based indices, ranges, index arrays; each checked against the size of its axis in every row.

import { type Builder, dtypeOf, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { substitute } from "../../runtime/ir/substitute.ts";
import { sizeOf } from "../../runtime/ir/type.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Index, Range, Subscript } from "../language/ast.ts";
import type { Context } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { dependsOnLatents, knownOf } from "./known.ts";
import { bindCodes, reject, VaryingWidth } from "./rejection.ts";
import { eachRow, type RowTable, rowTable, tableAt } from "./rows.ts";

/** An expression on data as a table over the rows; `what` names it in the message. */
export function dataTable(c: Context, value: Value, span: SourceSpan, what: string): RowTable {
  const table = rowTable(c.b, value, c.rows);
  if (table === null) reject(bindCodes.notYet, span, `${what} depends on latents`, { label: "must be known from the data" });
  return table;
}

/** The rows in which all guards hold. */
function guarded(c: Context): (row: readonly number[]) => boolean {
  const tables = c.guards.map((g) => rowTable(c.b, g, c.rows));
  return (row) => tables.every((t) => t === null || tableAt(t, row) !== 0);
}

/** Whether a condition on data holds in every row that matters. */
export function holds(c: Context, condition: Value): boolean {
  const table = rowTable(c.b, condition, c.rows);
  if (!table?.values.some((v) => v === 0)) return true;
  const matters = guarded(c);
  let all = true;
  eachRow(c.rows, (row) => {
    all &&= tableAt(table, row) !== 0 || !matters(row);
  });
  return all;
}

/** 0-based index from a 1-based one, any shape; every element of every row is checked to lie in 1..size. */
export function checkedIndex(c: Context, index: Value, size: number, span: SourceSpan, name: string): Value {
  const { b } = c;
  if (dtypeOf(index) !== "int") reject(bindCodes.index, span, "an index is not an integer", { label: "indices are int" });
  const low = checkElements(c, b.reduceMin(index), (v) => v < 1, span, name, size);
  const high = checkElements(c, b.reduceMax(index), (v) => v > size, span, name, size);
  const free = c.beyond && substitute(b, [index], c.beyond)[0];
  const zeroBased = b.sub(free && isInside(c, free, size, span) ? free : index, b.constant(1, "int"));
  return low || high ? clamp(b, zeroBased, size) : zeroBased;
}

/** In all rows, whether they matter or not. */
function isInside(c: Context, index: Value, size: number, span: SourceSpan): boolean {
  const { b } = c;
  const all = (extreme: Value, good: (v: number) => boolean): boolean =>
    dataTable(c, extreme, span, "an index").values.every(good);
  return all(b.reduceMin(index), (v) => v >= 1) && all(b.reduceMax(index), (v) => v <= size);
}

const clamp = (b: Builder, index: Value, size: number): Value =>
  b.max(b.min(index, b.constant(Math.max(0, size - 1), "int")), b.constant(0, "int"));

/** An index that is drawn (language.md rules 31 and 34) is known to no one before; where it is out of range, what it selects is NaN. */
function drawnIndex(c: Context, index: Value, size: number): { readonly index: Value; readonly inside: Value } | undefined {
  const { b } = c;
  if (!dependsOnLatents(index)) return undefined;
  const zeroBased = b.sub(integerOf(b, index), b.constant(1, "int"));
  const inside = b.and(b.ge(zeroBased, b.constant(0, "int")), b.lt(zeroBased, b.constant(size, "int")));
  return { index: clamp(b, zeroBased, size), inside };
}

/** An integer that a drawn index has selected is a real number, NaN where that index was out of range: 0 then, which is no index either. */
const integerOf = (b: Builder, index: Value): Value =>
  dtypeOf(index) === "real" ? b.cast(b.select(b.eq(index, index), index, b.constant(0)), "int") : index;

/** Whether an element is out of range where the guards do not hold (so that it must be clamped); rejects where they hold. */
function checkElements(
  c: Context,
  extreme: Value,
  bad: (v: number) => boolean,
  span: SourceSpan,
  name: string,
  size: number,
): boolean {
  const table = dataTable(c, extreme, span, "an index");
  if (!table.values.some(bad)) return false;
  const matters = guarded(c);
  eachRow(c.rows, (row) => {
    const v = tableAt(table, row);
    if (bad(v) && matters(row)) {
      reject(bindCodes.index, span, `index ${v} is outside 1..${size}`, {
        label: `${name} has ${size} element${size === 1 ? "" : "s"} along this axis`,
      });
    }
  });
  return c.rows.length > 0;
}

/** A selection along one axis. */
type Selector =
  | { readonly kind: "scalar" | "array"; readonly index: Value; readonly inside?: Value }
  | { readonly kind: "slice"; readonly start: number; readonly size: number }
  | { readonly kind: "all" };

export function evaluateIndex(c: Context, e: Index): Value {
  if (e.base.kind !== "name") return select(c, evaluate(c, e.base), e.subscripts, e.span, "it");
  const { name } = e.base;
  const binding = c.scope.get(name);
  if (binding?.kind !== "array") return select(c, evaluate(c, e.base), e.subscripts, e.span, name);
  const element = select(c, binding.array.whole(c.b), e.subscripts, e.span, name);
  const given = binding.array.given(c.b);
  if (given) {
    const read = select(c, given, e.subscripts.slice(0, shapeOf(given).length), e.span, name);
    if (!holds(c, c.b.gt(c.b.reduceMin(read), c.b.constant(0, "int")))) notGiven(name, e.span);
  }
  return element;
}

/** Elements that no statement gives (language.md rule 14) are read. */
export function notGiven(name: string, span: SourceSpan): never {
  return reject(bindCodes.coverage, span, `elements of ${name} that no statement gives are read here`, {
    label: "every element that is read needs a ~ or let",
  });
}

export function select(c: Context, base: Value, subscripts: readonly Subscript[], span: SourceSpan, name: string): Value {
  const shape = shapeOf(base);
  if (subscripts.length > shape.length) {
    reject(
      bindCodes.shape,
      span,
      `${name} has ${shape.length} ${shape.length === 1 ? "axis" : "axes"} and is given ${subscripts.length} subscripts`,
    );
  }
  const selectors = subscripts.map((s, axis) => selector(c, s, shape[axis], name));
  let axis = 0;
  return selectors.reduce(
    (out, s) => {
      const inside = s.kind !== "all" && s.kind !== "slice" ? s.inside : undefined;
      const at = s.kind === "scalar" ? axis : axis++;
      if (!inside) return out;
      const behind = s.kind === "scalar" ? 0 : shapeOf(out).length - at - 1;
      const beside = c.b.reshape(inside, [...shapeOf(inside), ...new Array<number>(behind).fill(1)]);
      return c.b.select(beside, out, c.b.constant(Number.NaN));
    },
    apply(c.b, base, selectors),
  );
}

function selector(c: Context, s: Subscript, size: number, name: string): Selector {
  switch (s.kind) {
    case "all":
      return { kind: "all" };
    case "range":
      return rangeSelector(c, s, size, name);
    case "at": {
      const value = evaluate(c, s.value);
      if (shapeOf(value).length > 1)
        reject(bindCodes.shape, s.span, "an index array has more than one axis", { label: "one index array per subscript" });
      const kind = shapeOf(value).length === 0 ? "scalar" : "array";
      const drawn = drawnIndex(c, value, size);
      return drawn ? { kind, ...drawn } : { kind, index: checkedIndex(c, value, size, s.span, name) };
    }
  }
}

/** a..b with the same width in all rows; a start that varies with the row becomes a gather. */
function rangeSelector(c: Context, r: Range, size: number, name: string): Selector {
  const { b } = c;
  const lower = r.lower ? evaluate(c, r.lower) : b.constant(1, "int");
  const upper = r.upper ? evaluate(c, r.upper) : b.constant(size, "int");
  const low = knownOf(lower);
  const high = knownOf(upper);
  if (low && high) {
    const width = Math.max(0, high[0] - low[0] + 1);
    if (width > 0 && (low[0] < 1 || high[0] > size)) {
      reject(bindCodes.index, r.span, `the range ${low[0]}..${high[0]} is outside 1..${size}`, {
        label: `${name} has ${size} elements along this axis`,
      });
    }
    return { kind: "slice", start: low[0] - 1, size: width };
  }
  const width = commonWidth(c, lower, upper, r.span);
  const index = b.add(lower, b.iota([width], 0));
  return { kind: "array", index: checkedIndex(c, index, size, r.span, name) };
}

/** The width of lower..upper, which must be the same in all rows. */
export function commonWidth(c: Context, lower: Value, upper: Value, span: SourceSpan): number {
  const widths = dataTable(c, c.b.add(c.b.sub(upper, lower), c.b.constant(1, "int")), span, "the width of a range");
  if (widths.values.some((w) => w !== widths.values[0])) {
    throw new VaryingWidth(widths, span, "the width of this range varies from row to row", {
      label: "only a reduction, such as sum(x[a..b]), takes it",
      notes: ["write the reduction around the range, or loop over the elements"],
    });
  }
  return Math.max(0, widths.values[0]);
}

/** Selectors applied together: leading scalars as one linear index, then axis by axis from the right. */
export function apply(b: Builder, base: Value, selectors: readonly Selector[]): Value {
  let scalars = 0;
  while (scalars < selectors.length && selectors[scalars].kind === "scalar") scalars++;
  let out = base;
  for (let axis = selectors.length - 1; axis >= scalars; axis--) out = alongAxis(b, out, selectors[axis], axis);
  if (scalars === 0) return out;
  const shape = shapeOf(out);
  let linear: Value = b.constant(0, "int");
  for (let k = 0; k < scalars; k++) {
    const s = selectors[k];
    if (s.kind === "scalar") linear = b.add(b.mul(linear, b.constant(shape[k], "int")), s.index);
  }
  return b.gather(b.reshape(out, [sizeOf(shape.slice(0, scalars)), ...shape.slice(scalars)]), linear);
}

function alongAxis(b: Builder, base: Value, s: Selector, axis: number): Value {
  if (s.kind === "all") return base;
  if (s.kind === "slice") return b.slice(base, axis, s.start, s.size);
  const rank = shapeOf(base).length;
  if (axis === 0) return b.gather(base, s.index);
  const forward = [axis, ...Array.from({ length: rank }, (_, k) => k).filter((k) => k !== axis)];
  const picked = b.gather(b.transpose(base, forward), s.index);
  if (s.kind === "scalar") return picked;
  const back = Array.from({ length: rank }, (_, k) => (k < axis ? k + 1 : k === axis ? 0 : k));
  return b.transpose(picked, back);
}
