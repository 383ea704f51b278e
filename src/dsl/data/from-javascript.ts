// Data given as JavaScript values: numbers, booleans, typed arrays, nested arrays; null or undefined for a missing entry.
import { UsageError } from "../../runtime/errors.ts";
import type { DataSet, DataValue } from "./value.ts";

export type DataInput = number | boolean | null | ArrayLike<number> | readonly DataInput[];

/** Throws a UsageError with the path of what does not fit: "y[3] has 4 elements where y[1] has 5". */
export function dataFromValues(values: Readonly<Record<string, DataInput>> | ReadonlyMap<string, DataInput>): DataSet {
  const entries = values instanceof Map ? [...values] : Object.entries(values);
  return new Map(entries.map(([name, value]) => [name, dataValue(name, value)]));
}

function dataValue(name: string, value: DataInput): DataValue {
  const shape: number[] = [];
  const numbers: number[] = [];
  let missing: number[] | undefined;
  let firstReal: number | undefined;
  const leaf = (x: unknown, path: string): void => {
    if (x === null || x === undefined) (missing ??= []).push(numbers.length);
    else if (typeof x !== "number" && typeof x !== "boolean") throw new UsageError(`${path} is ${describe(x)}; data are numbers`);
    const v = x === null || x === undefined ? Number.NaN : Number(x);
    if (firstReal === undefined && x !== null && x !== undefined && !Number.isInteger(v)) firstReal = numbers.length;
    numbers.push(v);
  };
  const visit = (x: unknown, depth: number, path: string): void => {
    if (!isList(x)) {
      if (depth < shape.length) throw new UsageError(`${path} is a number where its neighbours are arrays`);
      leaf(x, path);
      return;
    }
    if (depth > 16) throw new UsageError(`${name} is nested too deeply`);
    if (shape.length === depth) {
      if (numbers.length > 0) throw new UsageError(`${path} is an array where its neighbours are numbers`);
      shape.push(x.length);
    } else if (shape[depth] !== x.length) {
      throw new UsageError(`${path} has ${x.length} elements where its first neighbour has ${shape[depth]}`);
    }
    for (let i = 0; i < x.length; i++) visit(x[i], depth + 1, `${path}[${i + 1}]`);
  };
  visit(value, 0, name);
  const mask = missing && new Uint8Array(numbers.length);
  for (const i of missing ?? []) if (mask) mask[i] = 1;
  return {
    shape,
    values: Float64Array.from(numbers),
    ...(mask ? { missing: mask } : {}),
    ...(firstReal === undefined ? {} : { firstReal }),
  };
}

const isList = (x: unknown): x is ArrayLike<unknown> => Array.isArray(x) || (ArrayBuffer.isView(x) && !(x instanceof DataView));
const describe = (x: unknown): string => (typeof x === "string" ? `the text ${JSON.stringify(x)}` : `a ${typeof x}`);
