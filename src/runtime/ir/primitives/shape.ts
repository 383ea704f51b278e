// Re-indexing: an output element is an input element, its own index, or zero.
import { InternalError, ShapeError } from "../../errors.ts";
import type { Tensor, TensorOps } from "../../tfjs/tensor-ops.ts";
import { broadcastStrides } from "../broadcast.ts";
import { type Builder, dtypeOf, type Node, shapeOf, type Value } from "../graph.ts";
import type { Primitive } from "../primitive.ts";
import { readStrided, writeStrided } from "../strided.ts";
import { bool, broadcastShapes, formatShape, int, real, type Shape, sameShape, sizeOf, stridesOf } from "../type.ts";
import { allBatched, checkAxes, joinDTypes } from "./axes.ts";
import { written } from "./tensor-rules.ts";

export interface ShapeAttrs {
  readonly shape: Shape;
}
export interface TransposeAttrs {
  /** Output axis i is input axis permutation[i]. */
  readonly permutation: readonly number[];
}
export interface SliceAttrs {
  readonly axis: number;
  readonly start: number;
  readonly size: number;
  readonly step: number;
}
export interface AssembleAttrs {
  readonly axis: number;
  readonly offsets: readonly number[];
  readonly size: number;
}
export interface IotaAttrs {
  readonly shape: Shape;
  readonly axis: number;
}

const resized = (shape: Shape, axis: number, size: number): number[] => shape.map((n, k) => (k === axis ? size : n));

const sixteen = [0.7, -1.3, 2.4, 0.31, -0.52, 1.9, 3.3, -2.2, 0.85, 1.15, -0.4, 0.66, 1.35, -0.95, 2.75, -3.1];

export const reshape: Primitive<ShapeAttrs> = {
  name: "reshape",
  type([a], { shape }) {
    if (sizeOf(a.shape) !== sizeOf(shape))
      throw new ShapeError(`${formatShape(a.shape)} cannot be reshaped to ${formatShape(shape)}`);
    return [{ shape, dtype: a.dtype }];
  },
  gradient: (b, [ct], node) => [ct && b.reshape(ct, shapeOf(node.inputs[0]))],
  batch: (b, [a], _batched, { shape }) => [b.reshape(a, [shapeOf(a)[0], ...shape])],
  /** An axis that is one of the operand's too, as many elements before it and behind it. */
  rows({ inputs: [a], attrs: { shape } }, axis) {
    const from = shapeOf(a);
    const before = sizeOf(shape.slice(0, axis));
    const own = from.findIndex((n, k) => n === shape[axis] && sizeOf(from.slice(0, k)) === before);
    return own < 0 ? null : { inputs: [own], attrs: (n) => ({ shape: resized(shape, axis, n) }) };
  },
  interpret: ([a]) => [Float64Array.from(a)],
  wasm: { kind: "view", index: () => ({ kind: "reshape" }) },
  tfjs: written((t, [a], { attrs }) => t.reshape(a, attrs.shape)),
  finiteDerivative: true,
  probes: [
    { inputs: [{ type: real([4, 4]), values: sixteen }], attrs: { shape: [2, 8] } },
    { inputs: [{ type: real([2, 3]), values: sixteen.slice(0, 6) }], attrs: { shape: [3, 1, 2] } },
    { inputs: [{ type: real([1, 1]), values: [2.5] }], attrs: { shape: [] } },
  ],
};

export const broadcastTo: Primitive<ShapeAttrs> = {
  name: "broadcastTo",
  type([a], { shape }) {
    if (!sameShape(broadcastShapes(a.shape, shape), shape)) {
      throw new ShapeError(`${formatShape(a.shape)} cannot be stretched to ${formatShape(shape)}`);
    }
    return [{ shape, dtype: a.dtype }];
  },
  gradient: (_b, [ct]) => [ct],
  batch(b, [a], _batched, { shape }) {
    const [size, ...own] = shapeOf(a);
    const padded = [size, ...new Array<number>(shape.length - own.length).fill(1), ...own];
    return [b.broadcastTo(b.reshape(a, padded), [size, ...shape])];
  },
  rows({ inputs: [a], attrs: { shape } }, axis) {
    const own = axis - shape.length + shapeOf(a).length;
    const repeated = own < 0 || shapeOf(a)[own] !== shape[axis];
    return { inputs: [repeated ? null : own], attrs: (n) => ({ shape: resized(shape, axis, n) }) };
  },
  interpret([a], node) {
    const from = shapeOf(node.inputs[0]);
    const { shape } = node.attrs;
    return [readStrided(a, 0, shape, broadcastStrides(from, shape))];
  },
  wasm: {
    kind: "view",
    index(node) {
      const from = shapeOf(node.inputs[0]);
      const missing = node.attrs.shape.length - from.length;
      return {
        kind: "affine",
        axes: from.map((d, i) => ({ offset: 0, terms: d === 1 ? [] : [{ axis: missing + i, stride: 1 }] })),
      };
    },
  },
  tfjs: written((t, [a], { attrs }) => t.broadcastTo(a, attrs.shape)),
  finiteDerivative: true,
  probes: [
    { inputs: [{ type: real([3, 1]), values: [0.7, -1.3, 2.4] }], attrs: { shape: [2, 3, 4] } },
    { inputs: [{ type: real([]), values: [1.7] }], attrs: { shape: [5] } },
    { inputs: [{ type: real([1, 2]), values: [1.7, -0.6] }], attrs: { shape: [3, 2] } },
  ],
};

export const transpose: Primitive<TransposeAttrs> = {
  name: "transpose",
  type([a], { permutation }) {
    checkAxes("transpose", permutation, a.shape.length);
    if (permutation.length !== a.shape.length)
      throw new ShapeError(`transpose: ${permutation.length} axes for a tensor of ${a.shape.length}`);
    return [{ shape: permutation.map((i) => a.shape[i]), dtype: a.dtype }];
  },
  gradient: (b, [ct], { attrs }) => [ct && b.transpose(ct, inversePermutation(attrs.permutation))],
  batch: (b, [a], _batched, { permutation }) => [b.transpose(a, [0, ...permutation.map((i) => i + 1)])],
  rows: ({ attrs: { permutation } }, axis) => ({ inputs: [permutation[axis]] }),
  interpret([a], node) {
    const strides = stridesOf(shapeOf(node.inputs[0]));
    const moved = node.attrs.permutation.map((axis) => strides[axis]);
    return [readStrided(a, 0, node.results[0].shape, moved)];
  },
  wasm: {
    kind: "view",
    index: ({ attrs }) => ({
      kind: "affine",
      axes: inversePermutation(attrs.permutation).map((axis) => ({ offset: 0, terms: [{ axis, stride: 1 }] })),
    }),
  },
  tfjs: written((t, [a], { attrs }) => t.transpose(a, attrs.permutation)),
  finiteDerivative: true,
  probes: [
    { inputs: [{ type: real([2, 3]), values: sixteen.slice(0, 6) }], attrs: { permutation: [1, 0] } },
    { inputs: [{ type: real([2, 3, 2]), values: sixteen.slice(0, 12) }], attrs: { permutation: [2, 0, 1] } },
    { inputs: [{ type: int([2, 2]), values: [3, 5, 2, 7] }], attrs: { permutation: [1, 0] } },
  ],
};
function inversePermutation(permutation: readonly number[]): number[] {
  const inverse = new Array<number>(permutation.length);
  permutation.forEach((from, to) => {
    inverse[from] = to;
  });
  return inverse;
}

export const slice: Primitive<SliceAttrs> = {
  name: "slice",
  type([a], { axis, start, size, step }) {
    checkAxes("slice", [axis], a.shape.length);
    const last = start + (size - 1) * step;
    const inside = (i: number): boolean => i >= 0 && i < a.shape[axis];
    if (size < 0 || step === 0 || (size > 0 && !(inside(start) && inside(last)))) {
      throw new ShapeError(`slice: ${size} elements from ${start} by ${step} leave an axis of ${a.shape[axis]}`);
    }
    return [{ shape: a.shape.map((d, i) => (i === axis ? size : d)), dtype: a.dtype }];
  },
  /** Written back in place, zeros elsewhere: a step spreads the elements first, a negative one turns them round. */
  gradient(b, [ct], node) {
    if (!ct) return [null];
    const { axis, start, size, step } = node.attrs;
    const from = shapeOf(node.inputs[0]);
    if (size === 0) return [b.broadcastTo(b.constant(0), from)];
    const forward = step > 0 ? ct : b.slice(ct, axis, size - 1, size, -1);
    const lowest = step > 0 ? start : start + (size - 1) * step;
    return [b.assemble([spaced(b, forward, axis, Math.abs(step))], axis, [lowest], from[axis])];
  },
  batch: (b, [a], _batched, { axis, start, size, step }) => [b.slice(a, axis + 1, start, size, step)],
  rows: ({ attrs }, axis) => (axis === attrs.axis ? null : { inputs: [axis] }),
  interpret([a], node) {
    const { axis, start, step } = node.attrs;
    const strides = stridesOf(shapeOf(node.inputs[0]));
    const steps = strides.map((stride, k) => (k === axis ? step * stride : stride));
    return [readStrided(a, start * strides[axis], node.results[0].shape, steps)];
  },
  wasm: {
    kind: "view",
    index: ({ attrs: { axis, start, step }, results }) => ({
      kind: "affine",
      axes: results[0].shape.map((_, k) =>
        k === axis ? { offset: start, terms: [{ axis: k, stride: step }] } : { offset: 0, terms: [{ axis: k, stride: 1 }] },
      ),
    }),
  },
  tfjs: written((t, [a], { attrs: { axis, start, size, step } }) => t.slice(a, axis, start, size, step)),
  finiteDerivative: true,
  zeroCotangents: ({ inputs: [a], attrs: { axis, size } }) => size < shapeOf(a)[axis],
  probes: [
    { inputs: [{ type: real([7]), values: sixteen.slice(0, 7) }], attrs: { axis: 0, start: 2, size: 4, step: 1 } },
    { inputs: [{ type: real([7]), values: sixteen.slice(0, 7) }], attrs: { axis: 0, start: 1, size: 3, step: 2 } },
    { inputs: [{ type: real([2, 5]), values: sixteen.slice(0, 10) }], attrs: { axis: 1, start: 4, size: 5, step: -1 } },
    { inputs: [{ type: real([2, 6]), values: sixteen.slice(0, 12) }], attrs: { axis: 1, start: 5, size: 2, step: -3 } },
    { inputs: [{ type: real([4, 2, 2]), values: sixteen }], attrs: { axis: 0, start: 3, size: 1, step: 1 } },
  ],
};
/** Elements step apart along the axis, zeros between, none behind the last. */
function spaced(b: Builder, v: Value, axis: number, step: number): Value {
  const shape = shapeOf(v);
  const size = shape[axis];
  if (step === 1 || size <= 1) return v;
  const apart = b.reshape(v, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]);
  const padded = b.assemble([apart], axis + 1, [0], step);
  const joined = b.reshape(padded, [...shape.slice(0, axis), size * step, ...shape.slice(axis + 1)]);
  return b.slice(joined, axis, 0, (size - 1) * step + 1, 1);
}

export const assemble: Primitive<AssembleAttrs> = {
  name: "assemble",
  type(pieces, { axis, offsets, size }) {
    if (pieces.length === 0 || pieces.length !== offsets.length)
      throw new ShapeError(`assemble: ${pieces.length} pieces, ${offsets.length} offsets`);
    const first = pieces[0].shape;
    checkAxes("assemble", [axis], first.length);
    const taken = pieces.map(({ shape }, i) => {
      if (shape.length !== first.length || shape.some((d, k) => k !== axis && d !== first[k])) {
        throw new ShapeError(
          `pieces of shapes ${formatShape(first)} and ${formatShape(shape)} cannot be joined along axis ${axis}`,
        );
      }
      return { from: offsets[i], to: offsets[i] + shape[axis] };
    });
    const ordered = taken.filter((t) => t.to > t.from).sort((s, t) => s.from - t.from);
    ordered.forEach((t, i) => {
      if (t.from < 0 || t.to > size || (i > 0 && t.from < ordered[i - 1].to))
        throw new ShapeError("assemble: pieces overlap or lie outside");
    });
    const dtype = pieces.every((p) => p.dtype === "bool") ? "bool" : joinDTypes(pieces);
    return [{ shape: first.map((d, k) => (k === axis ? size : d)), dtype }];
  },
  gradient: (b, [ct], { inputs, attrs }) =>
    inputs.map((piece, i) => {
      if (!ct || dtypeOf(piece) !== "real") return null;
      return b.slice(ct, attrs.axis, attrs.offsets[i], shapeOf(piece)[attrs.axis], 1);
    }),
  batch: (b, inputs, batched, { axis, offsets, size }) => [b.assemble(allBatched(b, inputs, batched), axis + 1, offsets, size)],
  rows: ({ inputs, attrs }, axis) => (axis === attrs.axis ? null : { inputs: inputs.map(() => axis) }),
  interpret(pieces, node) {
    const { axis, offsets } = node.attrs;
    const { shape } = node.results[0];
    const strides = stridesOf(shape);
    const out = new Float64Array(sizeOf(shape));
    pieces.forEach((piece, p) => {
      writeStrided(out, offsets[p] * strides[axis], shapeOf(node.inputs[p]), strides, piece);
    });
    return [out];
  },
  wasm: { kind: "assemble" },
  tfjs: written(assembleTensors),
  finiteDerivative: true,
  probes: [
    {
      inputs: [
        { type: real([3]), values: [0.7, -1.3, 2.4] },
        { type: real([2]), values: [1.9, -0.4] },
      ],
      attrs: { axis: 0, offsets: [3, 1], size: 8 },
    },
    {
      inputs: [
        { type: real([2, 1]), values: [0.7, -1.3] },
        { type: real([2, 3]), values: sixteen.slice(4, 10) },
        { type: real([2, 2]), values: sixteen.slice(10, 14) },
      ],
      attrs: { axis: 1, offsets: [0, 1, 4], size: 6 },
    },
    { inputs: [{ type: bool([2]), values: [1, 1] }], attrs: { axis: 0, offsets: [1], size: 4 } },
  ],
};

/** Pieces in order, zeros between them. */
function assembleTensors(t: TensorOps, pieces: readonly Tensor[], { attrs, results: [type] }: Node<AssembleAttrs>): Tensor {
  const { axis, offsets, size } = attrs;
  const inPlace = pieces
    .map((piece, i) => ({ piece: t.cast(piece, type.dtype), offset: offsets[i], end: offsets[i] + piece.shape[axis] }))
    .filter(({ offset, end }) => end > offset)
    .sort((p, q) => p.offset - q.offset);
  let end = 0;
  const padded = inPlace.map(({ piece, offset, end: own }, i) => {
    const before = offset - end;
    end = i === inPlace.length - 1 ? size : own;
    return t.pad(piece, axis, before, end - own);
  });
  return t.concat(padded, axis);
}

export const iota: Primitive<IotaAttrs> = {
  name: "iota",
  type(_inputs, { shape, axis }) {
    checkAxes("iota", [axis], shape.length);
    return [int(shape)];
  },
  gradient: () => [],
  batch() {
    throw new InternalError("iota has no inputs that could be batched");
  },
  rows: ({ attrs }, axis) =>
    axis === attrs.axis ? null : { inputs: [], attrs: (n) => ({ shape: resized(attrs.shape, axis, n), axis: attrs.axis }) },
  interpret(_inputs, { attrs: { shape, axis } }) {
    const along = Float64Array.from({ length: shape[axis] }, (_, i) => i);
    return [
      readStrided(
        along,
        0,
        shape,
        broadcastStrides(
          shape.map((size, k) => (k === axis ? size : 1)),
          shape,
        ),
      ),
    ];
  },
  wasm: { kind: "view", index: ({ attrs }) => ({ kind: "iota", axis: attrs.axis }) },
  tfjs: written((t, _inputs, node) => t.constant(iota.interpret([], node)[0], node.results[0])),
  finiteDerivative: true,
  probes: [
    { inputs: [], attrs: { shape: [3, 4], axis: 1 } },
    { inputs: [], attrs: { shape: [3, 4], axis: 0 } },
    { inputs: [], attrs: { shape: [5], axis: 0 } },
  ],
};
