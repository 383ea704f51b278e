// Data given as JavaScript values: numbers, booleans, typed arrays, nested arrays; null or undefined for a missing entry.
import { UsageError } from "../../runtime/errors.ts";
import { Collector, MAX_AXES, ShapeFinder } from "./collector.ts";
import { type DataSet, type DataValue, variableName } from "./value.ts";

/** Numbers in row-major order: bytes stay bytes. */
export interface TypedData {
  readonly shape: readonly number[];
  readonly values: Float64Array | Float32Array | Int32Array | Uint8Array;
}
export type DataInput = number | boolean | null | ArrayLike<number> | readonly DataInput[] | TypedData;

/** Throws a UsageError with the path of what does not fit: "y[3] has 4 elements where y[1] has 5". */
export function dataFromValues(values: Readonly<Record<string, DataInput>> | ReadonlyMap<string, DataInput>): DataSet {
  const entries = values instanceof Map ? [...values] : Object.entries(values);
  const out = new Map<string, DataValue>();
  for (const [written, value] of entries) {
    const name = variableName(written);
    if (out.has(name)) throw new UsageError(`${name} is there twice`);
    out.set(name, dataValue(name, value));
  }
  return out;
}

function dataValue(name: string, value: unknown): DataValue {
  if (isTyped(value)) return typedValue(name, value);
  const where = new ShapeFinder(name);
  const numbers = new Collector();
  visit(value, where, numbers);
  return numbers.finish(where.shape);
}

const isTyped = (x: unknown): x is TypedData =>
  typeof x === "object" && x !== null && !isList(x) && "shape" in x && "values" in x && isList(x.values) && isList(x.shape);

function typedValue(name: string, { shape, values }: TypedData): DataValue {
  if (shape.length > MAX_AXES || !shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new UsageError(`the shape of ${name} is not a list of sizes`);
  const count = shape.reduce((n, d) => n * d, 1);
  if (count !== values.length)
    throw new UsageError(`${name} has ${values.length} values, and its shape [${shape.join(", ")}] takes ${count}`);
  // A copy: what is bound must not change afterwards.
  if (values instanceof Uint8Array) return { shape: [...shape], values: values.slice() };
  const numbers = Float64Array.from(values);
  const firstReal = numbers.findIndex((x) => !Number.isInteger(x));
  return { shape: [...shape], values: numbers, ...(firstReal < 0 ? {} : { firstReal }) };
}

/** Recursion is as deep as arrays may be nested. */
function visit(x: unknown, where: ShapeFinder, into: Collector): void {
  if (!isList(x)) {
    refuse(where.leaf());
    if (typeof x === "number") into.add(x, Number.isInteger(x));
    else if (typeof x === "boolean") into.add(x ? 1 : 0, true);
    else if (x === null || x === undefined) into.addMissing();
    else throw new UsageError(`${where.entry()} is ${describe(x)}; data are numbers`);
    return;
  }
  refuse(where.enter(into.length));
  const depth = where.path.length;
  for (let i = 0; i < x.length; i++) {
    if (where.isInnermost) i = into.addNumbers(x, i);
    if (i === x.length) break;
    where.path[depth] = i + 1;
    visit(x[i], where, into);
    where.path.length = depth;
  }
  where.path.length = depth;
  refuse(where.leave(x.length));
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw new UsageError(problem);
}

function isList(x: unknown): x is ArrayLike<unknown> {
  return Array.isArray(x) || (ArrayBuffer.isView(x) && !(x instanceof DataView));
}

function describe(x: unknown): string {
  if (typeof x === "string") return `the text ${JSON.stringify(x.length > 40 ? `${x.slice(0, 40)}…` : x)}`;
  return typeof x === "object" ? "an object" : `a ${typeof x}`;
}
