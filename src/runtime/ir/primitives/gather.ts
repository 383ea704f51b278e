// Rows at indices, and the adjoint: rows added at indices. Indices are 0-based and inside the table: whoever makes them sees to it.
import { InternalError, ShapeError } from "../../errors.ts";
import { constantOf, dtypeOf, shapeOf, type Value } from "../graph.ts";
import type { Primitive } from "../primitive.ts";
import { bool, formatShape, int, real, sameShape, sizeOf, type TensorType } from "../type.ts";
import { allBatched, joinDTypes, moveAxis } from "./axes.ts";
import { written } from "./tensor-rules.ts";

export interface GatherAttrs {
  /** Number of leading axes that table and index share. */
  readonly batch: number;
}
export interface ScatterAddAttrs {
  readonly batch: number;
  /** Rows of the table that is added into. */
  readonly size: number;
}

function checkIndex(name: string, index: TensorType, lead: readonly number[]): void {
  if (index.dtype !== "int") throw new ShapeError(`${name} needs integer indices`);
  if (!sameShape(index.shape.slice(0, lead.length), lead)) {
    throw new ShapeError(`${name}: the indices' shape ${formatShape(index.shape)} does not begin with ${formatShape(lead)}`);
  }
}

/** For each row of the indexed side where the row of the table begins, rows being `width` elements, counted over batch and rows. */
function tableRows(index: ArrayLike<number>, batches: number, size: number, width: number): Int32Array {
  const rows = new Int32Array(index.length);
  const count = index.length / Math.max(1, batches);
  for (let batch = 0, at = 0; batch < batches; batch++) {
    for (const end = at + count; at < end; at++) {
      const i = index[at];
      if (!(i >= 0 && i < size)) throw new InternalError(`index ${i} is outside a table of ${size} rows`);
      rows[at] = (batch * size + i) * width;
    }
  }
  return rows;
}

/** Rows that no index names get a cotangent of exactly 0. */
function readsEveryRow(index: Value, size: number, batch: number): boolean {
  const known = constantOf(index);
  return known !== null && batch === 0 && new Set<number>(known).size === size;
}

const table = [0.7, -1.3, 2.4, 0.31, -0.52, 1.9, 3.3, -2.2, 0.85, 1.15, -0.4, 0.66];

export const gather: Primitive<GatherAttrs> = {
  name: "gather",
  type([a, index], { batch }) {
    if (a.shape.length <= batch)
      throw new ShapeError(`gather: a table of shape ${formatShape(a.shape)} has no rows behind ${batch} batch axes`);
    checkIndex("gather", index, a.shape.slice(0, batch));
    return [{ shape: [...index.shape, ...a.shape.slice(batch + 1)], dtype: a.dtype }];
  },
  gradient(b, [ct], { inputs: [a, index], attrs: { batch } }) {
    return [ct && dtypeOf(a) === "real" ? b.scatterAdd(ct, index, shapeOf(a)[batch], batch) : null, null];
  },
  batch(b, [a, index], [tableBatched, indexBatched], { batch }) {
    const indexAxes = shapeOf(index).length;
    if (tableBatched && indexBatched) return [b.gather(a, index, batch + 1)];
    // One table for all: more index axes. One index for all: the table's new axis becomes part of its rows.
    if (indexBatched) return [moveAxis(b, b.gather(a, moveAxis(b, index, 0, batch), batch), batch, 0)];
    return [moveAxis(b, b.gather(moveAxis(b, a, 0, batch + 1), index, batch), indexAxes, 0)];
  },
  rows({ inputs: [, index], attrs: { batch } }, axis) {
    if (axis < batch) return { inputs: [axis, axis] };
    const indexed = shapeOf(index).length;
    return { inputs: axis < indexed ? [null, axis] : [axis - indexed + batch + 1, null] };
  },
  interpret([a, index], { inputs: [tableValue], attrs: { batch } }) {
    const shape = shapeOf(tableValue);
    const width = sizeOf(shape.slice(batch + 1));
    const out = new Float64Array(index.length * width);
    const rows = tableRows(index, sizeOf(shape.slice(0, batch)), shape[batch], width);
    if (width === 1) for (let to = 0; to < rows.length; to++) out[to] = a[rows[to]];
    else for (let to = 0; to < rows.length; to++) out.set(a.subarray(rows[to], rows[to] + width), to * width);
    return [out];
  },
  wasm: { kind: "gather" },
  tfjs: written((t, [a, index], { attrs: { batch } }) => t.gather(a, index, batch)),
  finiteDerivative: true,
  zeroCotangents: ({ inputs: [a, index], attrs: { batch } }) => !readsEveryRow(index, shapeOf(a)[batch], batch),
  probes: [
    {
      inputs: [
        { type: real([4]), values: table.slice(0, 4) },
        { type: int([5]), values: [2, 0, 3, 2, 1] },
      ],
      attrs: { batch: 0 },
    },
    {
      inputs: [
        { type: real([3, 2]), values: table.slice(0, 6) },
        { type: int([2, 2]), values: [2, 0, 2, 1] },
      ],
      attrs: { batch: 0 },
    },
    {
      inputs: [
        { type: real([2, 3, 2]), values: table },
        { type: int([2, 4]), values: [2, 0, 2, 1, 1, 1, 0, 2] },
      ],
      attrs: { batch: 1 },
    },
    {
      inputs: [
        { type: real([3, 2]), values: table.slice(0, 6) },
        { type: int([]), values: [2] },
      ],
      attrs: { batch: 0 },
    },
  ],
};

/** Of truth values the counts. */
export const scatterAdd: Primitive<ScatterAddAttrs> = {
  name: "scatterAdd",
  type([values, index], { batch, size }) {
    checkIndex("scatterAdd", index, values.shape.slice(0, batch));
    if (!sameShape(values.shape.slice(0, index.shape.length), index.shape)) {
      throw new ShapeError(`scatterAdd: values ${formatShape(values.shape)} at indices ${formatShape(index.shape)}`);
    }
    return [
      { shape: [...index.shape.slice(0, batch), size, ...values.shape.slice(index.shape.length)], dtype: joinDTypes([values]) },
    ];
  },
  gradient(b, [ct], { inputs: [values, index], attrs: { batch } }) {
    return [ct && dtypeOf(values) === "real" ? b.gather(ct, index, batch) : null, null];
  },
  batch(b, inputs, batched, { batch, size }) {
    const [values, index] = inputs;
    if (!batched[1]) {
      // One index for all: the new axis becomes part of the rows.
      const rows = moveAxis(b, values, 0, shapeOf(index).length);
      return [moveAxis(b, b.scatterAdd(rows, index, size, batch), batch + 1, 0)];
    }
    const [allValues, allIndex] = allBatched(b, inputs, batched);
    return [b.scatterAdd(allValues, allIndex, size, batch + 1)];
  },
  rows({ inputs: [, index], attrs: { batch } }, axis) {
    if (axis === batch) return null;
    return { inputs: axis < batch ? [axis, axis] : [axis - batch - 1 + shapeOf(index).length, null] };
  },
  interpret([values, index], { inputs: [, indexValue], results, attrs: { batch, size } }) {
    const batches = sizeOf(shapeOf(indexValue).slice(0, batch));
    const out = new Float64Array(sizeOf(results[0].shape));
    const width = index.length === 0 ? 0 : values.length / index.length;
    const rows = tableRows(index, batches, size, width);
    for (let from = 0; from < rows.length; from++) {
      const to = rows[from];
      for (let j = 0; j < width; j++) out[to + j] += values[from * width + j];
    }
    return [out];
  },
  wasm: { kind: "scatter" },
  tfjs: written((t, [values, index], { attrs: { batch, size }, results: [{ dtype }] }) =>
    t.has("UnsortedSegmentSum") ? t.scatterAdd(t.cast(values, dtype), index, size, batch) : null,
  ),
  finiteDerivative: true,
  probes: [
    {
      inputs: [
        { type: real([5]), values: table.slice(0, 5) },
        { type: int([5]), values: [2, 0, 3, 2, 2] },
      ],
      attrs: { batch: 0, size: 4 },
    },
    {
      inputs: [
        { type: real([2, 2, 3]), values: table },
        { type: int([2, 2]), values: [2, 0, 2, 1] },
      ],
      attrs: { batch: 0, size: 3 },
    },
    {
      inputs: [
        { type: real([2, 3, 2]), values: table },
        { type: int([2, 3]), values: [2, 0, 2, 1, 1, 1] },
      ],
      attrs: { batch: 1, size: 3 },
    },
    {
      inputs: [
        { type: real([2]), values: [0.8, -1.4] },
        { type: int([]), values: [2] },
      ],
      attrs: { batch: 0, size: 3 },
    },
    {
      inputs: [
        { type: bool([4]), values: [1, 1, 0, 1] },
        { type: int([4]), values: [2, 2, 0, 1] },
      ],
      attrs: { batch: 0, size: 3 },
    },
  ],
};
