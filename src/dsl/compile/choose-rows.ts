// Some rows of the data in place of all: along every axis that the model declares with one size.
import { UsageError } from "../../runtime/errors.ts";
import type { Numbers } from "../../runtime/ir/type.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { DataSet, DataValue } from "../data/value.ts";
import type { TypeExpression } from "../language/ast.ts";

/** `name`: a size of the model, or a variable whose first axis is meant, with all others of that size. `pick` gives 0-based rows of so many,
 *  ascending. */
export interface RowChoice {
  readonly name: string;
  pick(total: number): Int32Array;
}

export interface ChosenRows {
  readonly data: DataSet;
  /** 0-based, ascending. */
  readonly rows: Int32Array;
  /** The size whose rows they are, where it has a name: that of the plate over them. */
  readonly size?: string;
}

/** The data at the chosen rows, and which they are. */
export function chooseRows(model: CheckedModel, data: DataSet, { name, pick }: RowChoice): ChosenRows {
  const symbol = model.symbols.get(name);
  const own = symbol?.kind === "data" ? symbol.type.sizes[0] : undefined;
  const size = own === undefined ? name : own.kind === "name" ? own.name : undefined;
  const axes = [...model.symbols.values()].flatMap((s) =>
    s.kind === "data" && data.has(s.name) ? axesOf(s.name, s.type, size, name) : [],
  );
  const [first] = axes;
  if (!first)
    throw new UsageError(`no data are declared with the size ${name}: rows are taken of a size or a variable of the model`);
  const total = (data.get(first.name) as DataValue).shape[first.axis];
  if (total === undefined) throw new UsageError(`${first.name} has no axis ${first.axis + 1} in the data to take rows of`);
  const rows = pick(total);
  const out = new Map(data);
  for (const { name: variable, axis } of axes) {
    const value = out.get(variable) as DataValue;
    if (value.shape[axis] === total) out.set(variable, takeAlong(value, axis, rows));
  }
  if (size !== undefined && out.has(size)) out.set(size, { shape: [], values: Float64Array.of(rows.length) });
  return { data: out, rows, ...(size === undefined ? {} : { size }) };
}

function axesOf(name: string, type: TypeExpression, size: string | undefined, given: string): { name: string; axis: number }[] {
  return type.sizes.flatMap((e, axis) =>
    (e.kind === "name" && e.name === size) || (name === given && axis === 0) ? [{ name, axis }] : [],
  );
}

function takeAlong(value: DataValue, axis: number, rows: Int32Array): DataValue {
  const { shape, missing } = value;
  const outer = shape.slice(0, axis).reduce((n, d) => n * d, 1);
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const take = <A extends Numbers>(from: A, to: A): A => {
    for (let o = 0, at = 0; o < outer; o++)
      for (const row of rows) {
        const start = (o * shape[axis] + row) * inner;
        to.set(from.subarray(start, start + inner), at);
        at += inner;
      }
    return to;
  };
  const values = take(value.values, emptyLike(value.values, outer * rows.length * inner));
  // Where the first entry that is no integer lies now.
  const firstReal = value.firstReal === undefined ? -1 : values.findIndex((x: number) => !Number.isInteger(x));
  return {
    shape: shape.map((n, k) => (k === axis ? rows.length : n)),
    values,
    ...(missing ? { missing: take(missing, new Uint8Array(values.length)) } : {}),
    ...(firstReal < 0 ? {} : { firstReal }),
    ...(value.recut ? { recut: true } : {}),
  };
}

function emptyLike(values: Numbers, length: number): Numbers {
  if (values instanceof Uint8Array) return new Uint8Array(length);
  return values instanceof Int32Array ? new Int32Array(length) : new Float64Array(length);
}
