// Reductions over axes, and the cumulative sum. attrs.axes are the axes that vanish.
import { ShapeError } from "../../errors.ts";
import { exp as hostExp, log as hostLog, softplus as hostSoftplus } from "../../numeric/math.ts";
import { softplusFactored } from "../../wasm/mathlib/log.ts";
import { type Builder, dtypeOf, type Node, shapeOf, type Value } from "../graph.ts";
import type { Primitive, Probe, WasmRule } from "../primitive.ts";
import { readStrided } from "../strided.ts";
import { type DType, type Numbers, real, type Shape, sizeOf, stridesOf, type TensorType } from "../type.ts";
import { checkAxes, otherAxes } from "./axes.ts";
import { reductionKernel, written } from "./tensor-rules.ts";

export interface ReduceAttrs {
  readonly axes: readonly number[];
}
export interface CumsumAttrs {
  readonly reverse: boolean;
}

const keptShape = (shape: Shape, axes: readonly number[]): number[] => shape.filter((_, i) => !axes.includes(i));

/** A value of the reduced shape, its lost axes back with size 1, so that it broadcasts against the operand. */
function spread(b: Builder, reduced: Value, operand: Value, axes: readonly number[]): Value {
  const shape = shapeOf(operand);
  return b.reshape(
    reduced,
    shape.map((d, i) => (axes.includes(i) ? 1 : d)),
  );
}

/** The elements of the operand that go to each output element, in order, handed to `reduce` as one array. */
function reduceGroups(values: Numbers, shape: Shape, axes: readonly number[], reduce: (group: Numbers) => number): Float64Array {
  const order = [...otherAxes(shape.length, axes), ...[...axes].sort((i, j) => i - j)];
  const strides = stridesOf(shape);
  const inOrder = order.every((axis, i) => axis === i)
    ? values
    : readStrided(
        values,
        0,
        order.map((axis) => shape[axis]),
        order.map((axis) => strides[axis]),
      );
  const out = new Float64Array(sizeOf(keptShape(shape, axes)));
  const size = sizeOf(axes.map((axis) => shape[axis]));
  for (let g = 0; g < out.length; g++) out[g] = reduce(inOrder.subarray(g * size, (g + 1) * size));
  return out;
}

interface ReductionRecord {
  readonly name: string;
  dtype(operand: DType): DType;
  reduce(group: Numbers): number;
  gradient(b: Builder, ct: Value, a: Value, result: Value, axes: readonly number[]): Value;
  readonly wasm: Primitive<ReduceAttrs>["wasm"];
  readonly tfjs: Primitive<ReduceAttrs>["tfjs"];
  readonly finiteDerivative?: boolean;
  readonly zeroCotangents?: boolean;
  readonly comparesBits?: boolean;
  readonly cost?: number;
  readonly probes: readonly Probe<ReduceAttrs>[];
}
function reduction(r: ReductionRecord): Primitive<ReduceAttrs> {
  const record: Primitive<ReduceAttrs> = {
    name: r.name,
    type([a], { axes }): readonly TensorType[] {
      checkAxes(r.name, axes, a.shape.length);
      return [{ shape: keptShape(a.shape, axes), dtype: r.dtype(a.dtype) }];
    },
    gradient(b, [ct], node) {
      const a = node.inputs[0];
      if (!ct || dtypeOf(a) !== "real") return [null];
      return [r.gradient(b, ct, a, { node, index: 0 }, node.attrs.axes)];
    },
    batch: (b, inputs, _batched, { axes }) => b.apply(record, inputs, { axes: axes.map((i) => i + 1) }),
    rows: ({ inputs: [a], attrs: { axes } }, axis) => ({ inputs: [otherAxes(shapeOf(a).length, axes)[axis]] }),
    interpret: ([a], node: Node<ReduceAttrs>) => [reduceGroups(a, shapeOf(node.inputs[0]), node.attrs.axes, r.reduce)],
    wasm: r.wasm,
    tfjs: r.tfjs,
    finiteDerivative: r.finiteDerivative,
    zeroCotangents: r.zeroCotangents,
    comparesBits: r.comparesBits,
    cost: r.cost,
    probes: r.probes,
  };
  return record;
}

function fold(group: Numbers, init: number, join: (x: number, y: number) => number): number {
  let result = init;
  for (let i = 0; i < group.length; i++) result = join(result, group[i]);
  return result;
}

const cube = [0.7, -1.3, 2.4, 0.31, -0.52, 1.9, 3.3, -2.2, 0.85, 1.15, -0.4, 0.66];
const cubeProbes: readonly Probe<ReduceAttrs>[] = [
  { inputs: [{ type: real([2, 3, 2]), values: cube }], attrs: { axes: [1] } },
  { inputs: [{ type: real([2, 3, 2]), values: cube }], attrs: { axes: [0, 2] } },
  { inputs: [{ type: real([12]), values: cube }], attrs: { axes: [0] } },
  { inputs: [{ type: real([2, 6]), values: cube }], attrs: { axes: [1] } },
];
const counting = (operand: DType): DType => (operand === "real" ? "real" : "int");
const same = (operand: DType): DType => operand;

/** Compensated (Neumaier 1974), so that the oracle's own rounding stays out of every comparison. What an addition loses is found without
 *  a branch (Knuth, The Art of Computer Programming 2, section 4.2.2, theorem B). */
export function accurateSum(group: ArrayLike<number>): number {
  let total = 0;
  let lost = 0;
  for (let i = 0; i < group.length; i++) {
    const x = group[i];
    const next = total + x;
    const added = next - total;
    lost += total - (next - added) + (x - added);
    total = next;
  }
  return Number.isFinite(total) ? total + lost : total; // an infinity makes the compensation NaN
}

export const sum = reduction({
  name: "sum",
  dtype: counting,
  reduce: accurateSum,
  gradient: (b, ct, a, _result, axes) => b.broadcastTo(spread(b, ct, a, axes), shapeOf(a)),
  wasm: { kind: "reduce", init: 0, combine: (w, acc, x) => w.add(acc, x) },
  tfjs: reductionKernel("Sum", "integers"),
  finiteDerivative: true,
  probes: cubeProbes,
});

/** For each element the product of the others over the axes: by multiplications alone, so that zeros and every derivative are right. */
function productOfOthers(b: Builder, a: Value, axes: readonly number[]): Value {
  const shape = shapeOf(a);
  const order = [...otherAxes(shape.length, axes), ...axes];
  const rows = sizeOf(keptShape(shape, axes));
  const moved = b.transpose(a, order);
  const others = inRow(b, b.reshape(moved, [rows, sizeOf(axes.map((axis) => shape[axis]))]));
  return b.transpose(
    b.reshape(others, shapeOf(moved)),
    order.map((_, axis) => order.indexOf(axis)),
  );
}
/** The halves multiplied are a row half as long, whose others are known; beside them stands the partner in the other half. */
function inRow(b: Builder, row: Value): Value {
  const [rows, n] = shapeOf(row);
  const ones = b.broadcastTo(b.constant(1), [rows, 1]);
  if (n <= 1) return b.broadcastTo(ones, [rows, n]);
  const half = Math.ceil(n / 2);
  const left = b.slice(row, 1, 0, half);
  const right = n === 2 * half ? b.slice(row, 1, half, half) : b.concat([b.slice(row, 1, half, half - 1), ones], 1);
  const others = inRow(b, b.mul(left, right));
  return b.slice(b.concat([b.mul(others, right), b.mul(others, left)], 1), 1, 0, n);
}

export const prod = reduction({
  name: "prod",
  dtype: counting,
  reduce: (group) => fold(group, 1, (p, x) => p * x),
  gradient: (b, ct, a, _result, axes) => b.mul(spread(b, ct, a, axes), productOfOthers(b, a, axes)),
  wasm: { kind: "reduce", init: 1, combine: (w, acc, x) => w.mul(acc, x) },
  tfjs: reductionKernel("Prod"),
  probes: [
    ...cubeProbes,
    { inputs: [{ type: real([2, 3]), values: [0.7, 0, -1.6, 2.5, 1.5, -0.4] }], attrs: { axes: [1] } },
    { inputs: [{ type: real([2, 3]), values: [0, 0, -1.6, 2.5, 1.5, -0.4] }], attrs: { axes: [1] } },
  ],
});

/** Shared equally between the elements that attain the extremum. */
function extremumGradient(b: Builder, ct: Value, a: Value, result: Value, axes: readonly number[]): Value {
  const attained = b.cast(b.eq(a, spread(b, result, a, axes)), "real");
  const share = b.div(ct, b.sum(attained, axes));
  return b.mul(attained, spread(b, share, a, axes));
}
const extremum = (
  name: string,
  init: number,
  pick: (x: number, y: number) => number,
  op: "min" | "max",
): Primitive<ReduceAttrs> =>
  reduction({
    name,
    dtype: same,
    reduce: (group) => fold(group, init, pick),
    gradient: extremumGradient,
    wasm: { kind: "reduce", init, combine: (w, acc, x) => w[op](acc, x) } satisfies WasmRule<ReduceAttrs>,
    tfjs: reductionKernel(op === "min" ? "Min" : "Max"),
    zeroCotangents: true,
    comparesBits: true,
    probes: cubeProbes,
  });
export const reduceMin = extremum("reduceMin", Number.POSITIVE_INFINITY, Math.min, "min");
export const reduceMax = extremum("reduceMax", Number.NEGATIVE_INFINITY, Math.max, "max");

const NONE = Number.NEGATIVE_INFINITY; // log of an impossible event

/** log Σ exp a = m + log Σ exp(a - m) with m the maximum, or 0 where that is infinite: all -inf gives -inf, a +inf gives +inf. */
function expandLogSumExp(b: Builder, [a]: readonly Value[], { axes }: ReduceAttrs): readonly Value[] {
  const largest = b.reduceMax(a, axes);
  const shift = b.select(b.lt(b.abs(largest), b.constant(Number.POSITIVE_INFINITY)), largest, b.constant(0));
  return [b.add(shift, b.log(b.sum(b.exp(b.sub(a, spread(b, shift, a, axes))), axes)))];
}

export const logSumExp = reduction({
  name: "logSumExp",
  dtype: () => "real",
  reduce(group) {
    const top = fold(group, Number.NEGATIVE_INFINITY, Math.max);
    const shift = Math.abs(top) < Number.POSITIVE_INFINITY ? top : 0;
    return shift + hostLog(accurateSum(Float64Array.from(group, (x) => hostExp(x - shift))));
  },
  /** The softmax, 0 where every term is -inf: of the exponentials that the value is made of, so that they are taken once. */
  gradient(b, ct, a, _result, axes) {
    const largest = b.reduceMax(a, axes);
    const shift = b.select(b.lt(b.abs(largest), b.constant(Number.POSITIVE_INFINITY)), largest, b.constant(0));
    const terms = b.exp(b.sub(a, spread(b, shift, a, axes)));
    const total = b.sum(terms, axes);
    const share = b.div(ct, b.select(b.gt(total, b.constant(0)), total, b.constant(1)));
    return b.mul(spread(b, share, a, axes), terms);
  },
  wasm: { kind: "expand", expand: expandLogSumExp },
  tfjs: { kind: "expand", expand: expandLogSumExp },
  zeroCotangents: true,
  probes: [
    ...cubeProbes,
    { inputs: [{ type: real([2, 2]), values: [-750.5, -751.5, 810.25, 809.5] }], attrs: { axes: [1] } },
    { inputs: [{ type: real([3, 2]), values: [NONE, NONE, 1.5, NONE, 2.5, -1.5] }], attrs: { axes: [1] }, singular: true },
  ],
});

/** Σ log(1 + exp(a)). Made by the simplifier where a scalar sums many: without a logarithm for each. */
export const sumSoftplus = reduction({
  name: "sumSoftplus",
  dtype: () => "real",
  reduce: (group) => accurateSum(Float64Array.from(group, hostSoftplus)),
  gradient: (b, ct, a, _result, axes) => b.mul(spread(b, ct, a, axes), b.sigmoid(a)),
  wasm: { kind: "reduce", init: 0, combine: (w, acc, x) => w.add(acc, x), factored: softplusFactored },
  tfjs: written((t, [x], { attrs: { axes } }) =>
    t.has("Softplus", "Sum") ? t.reduce("Sum", t.unary("Softplus", t.cast(x, "real")), axes) : null,
  ),
  cost: 15,
  probes: [
    ...cubeProbes,
    { inputs: [{ type: real([2, 3]), values: [40.5, -38.5, 0, 800.25, -790.5, 1e-9] }], attrs: { axes: [0] } },
    {
      inputs: [{ type: real([2, 200]), values: Array.from({ length: 400 }, (_, i) => ((i * 37) % 101) / 25 - 2) }],
      attrs: { axes: [0, 1] },
    },
    {
      inputs: [{ type: real([3, 400]), values: Array.from({ length: 1200 }, (_, i) => ((i * 37) % 101) / 900) }],
      attrs: { axes: [1] },
    },
  ],
});

/** Cumulative sum along the last axis. */
export const cumsum: Primitive<CumsumAttrs> = {
  name: "cumsum",
  type([a]) {
    if (a.shape.length === 0) throw new ShapeError("cumsum needs at least one axis");
    return [{ shape: a.shape, dtype: counting(a.dtype) }];
  },
  gradient: (b, [ct], node) => [ct && dtypeOf(node.inputs[0]) === "real" ? b.cumsum(ct, !node.attrs.reverse) : null],
  batch: (b, [a], _batched, { reverse }) => [b.cumsum(a, reverse)],
  rows: ({ inputs: [a] }, axis) => (axis === shapeOf(a).length - 1 ? null : { inputs: [axis] }),
  interpret([a], node) {
    const shape = shapeOf(node.inputs[0]);
    const width = shape[shape.length - 1];
    const out = new Float64Array(a.length);
    for (let row = 0; row < a.length; row += width) {
      let total = 0;
      for (let j = 0; j < width; j++) {
        const at = row + (node.attrs.reverse ? width - 1 - j : j);
        out[at] = total += a[at];
      }
    }
    return [out];
  },
  wasm: { kind: "routine", routine: "cumsum" },
  tfjs: written((t, [x], { attrs: { reverse }, results: [{ dtype }] }) =>
    dtype === "real" && t.has("Cumsum") ? t.cumsum(x, reverse) : null,
  ),
  finiteDerivative: true,
  probes: [
    { inputs: [{ type: real([3, 4]), values: cube }], attrs: { reverse: false } },
    { inputs: [{ type: real([2, 6]), values: cube }], attrs: { reverse: true } },
    { inputs: [{ type: real([3]), values: [0.4, -2.5, 1.7] }], attrs: { reverse: false } },
  ],
};
