// The rows that a statement inside loops stands for. A loop body is lowered once, with each loop variable a function of a
// symbolic row number (an `int` input of the graph); batching those symbols over their values gives the tensor program.

import { UsageError } from "../../runtime/errors.ts";
import { vectorize } from "../../runtime/ir/batch.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Numbers, sizeOf } from "../../runtime/ir/type.ts";
import { knownOf } from "./known.ts";

/** A symbol and the values it takes along an axis, one a row. */
interface Ordinal {
  readonly symbol: Value;
  readonly indices: Float64Array;
}
export interface RowAxis {
  /** The size as the model writes it: "N". */
  readonly name: string;
  readonly size: number;
  /** One, or several where loops were merged because the inner one's range, or an `if`, depends on the outer one. */
  readonly ordinals: readonly Ordinal[];
}
/** Outermost axis first. */
export type Rows = readonly RowAxis[];

export const rowShape = (rows: Rows): number[] => rows.map((a) => a.size);
export const rowCount = (rows: Rows): number => sizeOf(rowShape(rows));

/** The values over all rows: each gains the shape of the rows in front. A value that does not vary is repeated (a view). */
export function overRows(b: Builder, values: readonly Value[], rows: Rows): Value[] {
  let out = [...values];
  for (const axis of [...rows].reverse()) {
    const { values: next, batched } = vectorize(b, out, replacements(b, axis), axis.size);
    out = next.map((v, i) => (batched[i] ? v : b.broadcastTo(b.reshape(v, [1, ...shapeOf(v)]), [axis.size, ...shapeOf(v)])));
  }
  return out;
}

function replacements(b: Builder, axis: RowAxis): Map<Value, Value> {
  return new Map(axis.ordinals.map((o) => [o.symbol, b.tensor(o.indices, [axis.size], "int")]));
}

export interface RowTable {
  /** One entry an axis: its size where the value varies along it, else 1. */
  readonly extents: readonly number[];
  readonly values: Numbers;
}

/** A scalar's value in every row, or null if it depends on more than data and row numbers. */
export function rowTable(b: Builder, value: Value, rows: Rows): RowTable | null {
  let out = value;
  const extents = new Array<number>(rows.length).fill(1);
  for (let k = rows.length - 1; k >= 0; k--) {
    const { values, batched } = vectorize(b, [out], replacements(b, rows[k]), rows[k].size);
    const varies = batched[0];
    extents[k] = varies ? rows[k].size : 1;
    out = varies ? values[0] : b.reshape(out, [1, ...shapeOf(out)]);
  }
  const values = knownOf(out);
  return values === null ? null : { extents, values };
}

/** Reads a table at the row given by one index an axis. */
export function tableAt(table: RowTable, row: readonly number[]): number {
  let flat = 0;
  for (let k = 0; k < row.length; k++) flat = flat * table.extents[k] + (table.extents[k] === 1 ? 0 : row[k]);
  return table.values[flat];
}

/** Calls f with the index of every row, last axis fastest. */
export function eachRow(rows: Rows, f: (row: readonly number[]) => void): void {
  const row = new Array<number>(rows.length).fill(0);
  const count = rowCount(rows);
  for (let i = 0; i < count; i++) {
    f(row);
    for (let k = rows.length - 1; k >= 0; k--) {
      if (++row[k] < rows[k].size) break;
      row[k] = 0;
    }
  }
}

/** The rows where a condition on data holds, or does not. Axes that the condition ties together become one. */
export function restrict(rows: Rows, condition: RowTable, keep: boolean): Rows {
  const tied = rows.map((_, k) => k).filter((k) => condition.extents[k] !== 1);
  if (tied.length === 0) return (condition.values[0] !== 0) === keep ? rows : rows.map((a) => selectRows(a, []));
  const merged = mergeAxes(rows, tied, (row) => (tableAt(condition, row) !== 0) === keep);
  return [...rows.slice(0, tied[0]), merged, ...rows.slice(tied[0] + 1).filter((_, k) => !tied.includes(tied[0] + 1 + k))];
}

function selectRows(axis: RowAxis, chosen: readonly number[]): RowAxis {
  return {
    name: axis.name,
    size: chosen.length,
    ordinals: axis.ordinals.map((o) => ({ symbol: o.symbol, indices: Float64Array.from(chosen, (r) => o.indices[r]) })),
  };
}

/** One axis that lists the combinations of several axes' rows for which `keep` holds. */
function mergeAxes(rows: Rows, tied: readonly number[], keep: (row: readonly number[]) => boolean): RowAxis {
  const parts = tied.map((k) => rows[k]);
  const chosen: number[][] = tied.map(() => []);
  const whole = new Array<number>(rows.length).fill(0);
  eachRow(parts, (row) => {
    tied.forEach((k, i) => {
      whole[k] = row[i];
    });
    if (keep(whole)) row.forEach((r, i) => chosen[i].push(r));
  });
  return {
    name: parts.map((p) => p.name).join("*"),
    size: chosen[0].length,
    ordinals: parts.flatMap((p, i) => selectRows(p, chosen[i]).ordinals),
  };
}

/** All rows along one axis, the last one of `rows` fastest. */
export const merged = (rows: Rows): RowAxis =>
  rows.length === 1
    ? rows[0]
    : mergeAxes(
        rows,
        rows.map((_, k) => k),
        () => true,
      );

/** Rows of one statement, steps of one loop, elements of one array: each takes 8 bytes at least, several times over. */
export const MOST_ELEMENTS = 67_108_864;
const tooMany = (n: number): never => {
  throw new UsageError(`a loop of ${n} iterations or more: over ${MOST_ELEMENTS} cannot be held`);
};

/** Adds a loop, a range by its bounds in each of the outer rows or a list; a range that varies merges the axes that it varies with. Throws
 *  UsageError where there would be too many rows. */
export function addLoop(
  b: Builder,
  rows: Rows,
  name: string,
  label: string,
  values: LoopValues,
): { readonly rows: Rows; readonly variable: Value } {
  const added = withLoop(b, rows, name, label, values);
  if (rowCount(added.rows) > MOST_ELEMENTS) tooMany(rowCount(added.rows));
  return added;
}

function withLoop(
  b: Builder,
  rows: Rows,
  name: string,
  label: string,
  values: LoopValues,
): { readonly rows: Rows; readonly variable: Value } {
  const symbol = b.input(label, { shape: [], dtype: "int" });
  if (values.kind === "list")
    return {
      rows: [...rows, { name, size: values.list.length, ordinals: [{ symbol, indices: values.list }] }],
      variable: symbol,
    };
  const varying = values.bounds.some((t) => t.extents.some((e) => e !== 1));
  const range = (row: readonly number[]) =>
    rangeValues(tableAt(values.bounds[0], row), tableAt(values.bounds[1], row), tableAt(values.bounds[2], row));
  if (!varying) {
    const indices = range(rows.map(() => 0));
    return { rows: [...rows, { name, size: indices.length, ordinals: [{ symbol, indices }] }], variable: symbol };
  }
  const tied = rows.map((_, k) => k).filter((k) => values.bounds.some((t) => t.extents[k] !== 1));
  const parts = tied.map((k) => rows[k]);
  const chosen: number[][] = tied.map(() => []);
  const inner: number[] = [];
  const whole = new Array<number>(rows.length).fill(0);
  eachRow(parts, (row) => {
    tied.forEach((k, i) => {
      whole[k] = row[i];
    });
    const steps = range(whole);
    if (inner.length + steps.length > MOST_ELEMENTS) tooMany(inner.length + steps.length);
    for (const v of steps) {
      row.forEach((r, i) => chosen[i].push(r));
      inner.push(v);
    }
  });
  const merged: RowAxis = {
    name: [...parts.map((p) => p.name), name].join("*"),
    size: inner.length,
    ordinals: [...parts.flatMap((p, i) => selectRows(p, chosen[i]).ordinals), { symbol, indices: Float64Array.from(inner) }],
  };
  return { rows: [...rows.filter((_, k) => !tied.includes(k)), merged], variable: symbol };
}

export type LoopValues =
  | { readonly kind: "list"; readonly list: Float64Array }
  /** Lower bound, upper bound and step. */
  | { readonly kind: "range"; readonly bounds: readonly [RowTable, RowTable, RowTable] };

/** lower, lower + step, … as far as upper: empty if there is none. */
export function rangeValues(lower: number, upper: number, step: number): Float64Array {
  const n = Math.max(0, Math.floor((upper - lower) / step) + 1);
  if (n > MOST_ELEMENTS) tooMany(n);
  return Float64Array.from({ length: n }, (_, i) => lower + i * step);
}
