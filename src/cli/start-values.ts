// Constrained values of latents, from a data file.
import type { DataInput } from "../dsl/data/from-javascript.ts";
import type { DataSet } from "../dsl/data/value.ts";
import type { StartValues } from "../model.ts";
import type { Numbers } from "../runtime/ir/type.ts";

export const startValuesOf = (values: DataSet): StartValues =>
  Object.fromEntries([...values].map(([name, { shape, values: numbers }]) => [name, nested(numbers, shape)]));

function nested(values: Numbers, [length, ...rest]: readonly number[]): DataInput {
  if (length === undefined) return values[0];
  if (rest.length === 0) return values;
  const size = values.length / length;
  return Array.from({ length }, (_, i) => nested(values.subarray(i * size, (i + 1) * size), rest));
}
