// Noise for an expression inside loops: an array over all rows, and of it what belongs to the row at hand.
import { UsageError } from "../../runtime/errors.ts";
import type { Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { NoiseSource } from "../../runtime/target.ts";
import type { Context } from "./context.ts";
import { MOST_ELEMENTS, type RowAxis, rowShape } from "./rows.ts";
import { axesOf } from "./walk.ts";

/** Noise of a shape, its own in each row around. `names`: of the shape's leading axes, where they are plates; `site`: what it is for. */
export function rowNoise(
  c: Context,
  source: NoiseSource,
  kind: Parameters<NoiseSource["noise"]>[0],
  shape: Shape,
  names: readonly string[],
  site: string,
): Value {
  const axes = axesOf(c, shape, names);
  // A statement may be lowered for some rows apart.
  const rows = c.rows.flatMap((axis) => axis.ordinals.map(({ indices }) => `${indices[0]}..${indices[indices.length - 1]}`));
  const all = source.noise(kind, [...rowShape(c.rows), ...shape], axes, `${site} ${rows.join(" ")}`);
  return c.rows.reduce((rest, axis) => c.b.gather(rest, rowNumber(c, axis)), all);
}

/** The number of the row at hand along an axis, from 0: an expression of its symbols. Rows in which these are the same share a number. */
function rowNumber(c: Context, axis: RowAxis): Value {
  const { b } = c;
  const sides = axis.ordinals.map(({ indices }) => {
    const least = indices.reduce((m, x) => Math.min(m, x), Number.POSITIVE_INFINITY);
    return { least, size: indices.reduce((m, x) => Math.max(m, x), least) - least + 1 };
  });
  const sizes = sides.map((s) => s.size);
  if (sizeOf(sizes) > MOST_ELEMENTS) throw new UsageError("dropout in loops whose indices lie too far apart");
  const strides = stridesOf(sizes);
  const place = (indices: readonly number[]): number =>
    indices.reduce((sum, index, k) => sum + (index - sides[k].least) * strides[k], 0);
  const table = new Float64Array(sizeOf(sizes));
  for (let row = 0; row < axis.size; row++) table[place(axis.ordinals.map((o) => o.indices[row]))] = row;
  const at = axis.ordinals.reduce(
    (sum, { symbol }, k) => b.add(sum, b.mul(b.sub(symbol, b.constant(sides[k].least, "int")), b.constant(strides[k], "int"))),
    b.constant(0, "int"),
  );
  return b.gather(b.tensor(table, [table.length], "int"), at);
}
