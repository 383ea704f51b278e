// Identities of re-indexing, indexing and reductions: views of views are one view, and a view of copies is copies.
import { type Builder, constantOf, dtypeOf, shapeOf, type Value } from "../graph.ts";
import { neg } from "../primitives/elementwise.ts";
import { type GatherAttrs, gather, scatterAdd } from "../primitives/gather.ts";
import { logSumExp, prod, type ReduceAttrs, reduceMax, reduceMin, sum } from "../primitives/reduce.ts";
import {
  type AssembleAttrs,
  assemble,
  broadcastTo,
  reshape,
  type ShapeAttrs,
  type SliceAttrs,
  slice,
  type TransposeAttrs,
  transpose,
} from "../primitives/shape.ts";
import { type Numbers, sameShape, sizeOf } from "../type.ts";
import { first, type Identities, type Identity, isA, on, under, uniform } from "./rule.ts";

/** A re-indexing of copies of one scalar. */
const copies =
  <A>(shapeAfter: (inputs: readonly Value[], attrs: A) => readonly number[]): Identity<A> =>
  (b, inputs, attrs) => {
    const scalar = uniform(b, inputs[0]);
    return scalar !== null ? b.broadcastTo(scalar, shapeAfter(inputs, attrs)) : null;
  };

// ---------------------------------------------------------------- views

const reshaped: Identity<ShapeAttrs> = (b, [x], { shape }) => {
  if (sameShape(shapeOf(x), shape)) return x;
  const origin = under(x, reshape);
  return origin !== null ? b.reshape(origin, shape) : null;
};
const stretched: Identity<ShapeAttrs> = (b, [x], { shape }) => {
  if (sameShape(shapeOf(x), shape)) return x;
  const origin = under(x, broadcastTo);
  return origin !== null ? b.broadcastTo(origin, shape) : null;
};
const transposed: Identity<TransposeAttrs> = (b, [x], { permutation }) => {
  if (permutation.every((from, to) => from === to)) return x;
  if (isA(x, transpose)) {
    const inner = (x.node.attrs as TransposeAttrs).permutation;
    return b.transpose(
      x.node.inputs[0],
      permutation.map((axis) => inner[axis]),
    );
  }
  // Where only axes of size 1 move past others, the order of the elements stays.
  const shape = shapeOf(x);
  const long = permutation.filter((axis) => shape[axis] !== 1);
  const inOrder = long.every((axis, i) => i === 0 || axis > long[i - 1]);
  return inOrder
    ? b.reshape(
        x,
        permutation.map((axis) => shape[axis]),
      )
    : null;
};

const sliced: Identity<SliceAttrs> = (b, [x], { axis, start, size, step }) => {
  const extent = shapeOf(x)[axis];
  if (start === 0 && size === extent && (step === 1 || size <= 1)) return x;
  if (size === 1 && step !== 1) return b.slice(x, axis, start, 1, 1);
  if (isA(x, slice)) {
    const inner = x.node.attrs as SliceAttrs;
    if (inner.axis === axis) return b.slice(x.node.inputs[0], axis, inner.start + inner.step * start, size, inner.step * step);
  }
  return isA(x, assemble) ? slicedPiece(b, x, axis, start, size, step) : slicedCopies(b, x, axis, size);
};
/** A slice of assembled pieces that lies within one of them, or between them. */
function slicedPiece(b: Builder, x: Value, axis: number, start: number, size: number, step: number): Value | null {
  const { axis: along, offsets } = x.node.attrs as AssembleAttrs;
  if (along !== axis || size === 0) return null;
  const end = start + (size - 1) * step;
  const [low, high] = [Math.min(start, end), Math.max(start, end)];
  const pieces = x.node.inputs;
  const meets = pieces.flatMap((piece, i) => (offsets[i] <= high && offsets[i] + shapeOf(piece)[axis] > low ? [i] : []));
  if (meets.length === 0) {
    return b.broadcastTo(
      b.constant(0, dtypeOf(x)),
      shapeOf(x).map((d, i) => (i === axis ? size : d)),
    );
  }
  const [only] = meets;
  const within = meets.length === 1 && offsets[only] <= low && high < offsets[only] + shapeOf(pieces[only])[axis];
  return within ? b.slice(pieces[only], axis, start - offsets[only], size, step) : null;
}
/** A slice along an axis that a broadcast made. */
function slicedCopies(b: Builder, x: Value, axis: number, size: number): Value | null {
  const origin = under(x, broadcastTo);
  if (origin === null) return null;
  const shape = shapeOf(x);
  const own = axis - (shape.length - shapeOf(origin).length);
  if (own >= 0 && shapeOf(origin)[own] !== 1) return null;
  return b.broadcastTo(
    origin,
    shape.map((d, i) => (i === axis ? size : d)),
  );
}

/** Empty pieces left out; pieces that are assembled along the same axis taken apart; one piece that is all. */
const assembled: Identity<AssembleAttrs> = (b, pieces, { axis, offsets, size }) => {
  if (pieces.length === 1 && offsets[0] === 0 && shapeOf(pieces[0])[axis] === size) return pieces[0];
  const nested = (p: Value): boolean => isA(p, assemble) && (p.node.attrs as AssembleAttrs).axis === axis;
  const empty = (p: Value): boolean => shapeOf(p)[axis] === 0;
  if (!pieces.some((p) => nested(p) || (empty(p) && pieces.length > 1))) return null;
  const flat = pieces.flatMap((piece, i) => {
    if (!nested(piece)) return [{ piece, at: offsets[i] }];
    const inner = piece.node.attrs as AssembleAttrs;
    return piece.node.inputs.map((p, k) => ({ piece: p, at: offsets[i] + inner.offsets[k] }));
  });
  const kept = flat.filter(({ piece }) => !empty(piece));
  if (kept.length === 0) return null;
  return b.assemble(
    kept.map((p) => p.piece),
    axis,
    kept.map((p) => p.at),
    size,
  );
};

// ---------------------------------------------------------------- indexing

const gatheredShape = ([x, index]: readonly Value[], { batch }: GatherAttrs): number[] => [
  ...shapeOf(index),
  ...shapeOf(x).slice(batch + 1),
];
/** Constant indices in arithmetic progression are a slice, and all the same one they are copies; indices of indices are indices. */
const gathered: Identity<GatherAttrs> = (b, [x, index], { batch }) => {
  const chosen = constantOf(index);
  if (batch > 0 && sizeOf(shapeOf(x).slice(0, batch)) === 1) {
    // A batch of one is none.
    const one = b.gather(b.reshape(x, shapeOf(x).slice(batch)), b.reshape(index, shapeOf(index).slice(batch)));
    return b.reshape(one, gatheredShape([x, index], { batch }));
  }
  if (batch !== 0 || chosen === null) return null;
  if (isA(x, gather) && (x.node.attrs as GatherAttrs).batch === 0) {
    const [table, inner] = x.node.inputs;
    if (constantOf(inner) !== null && shapeOf(inner).length > 0) return b.gather(table, b.gather(inner, index));
  }
  if (chosen.length === 0 || chosen.some((i: number) => !(i >= 0 && i < shapeOf(x)[0]))) return null;
  if (chosen.length > 1 && chosen.every((i: number) => i === chosen[0])) {
    const [row, rest] = [b.slice(x, 0, chosen[0], 1), shapeOf(x).slice(1)];
    const ones = shapeOf(index).map(() => 1);
    return b.broadcastTo(b.reshape(row, [...ones, ...rest]), gatheredShape([x, index], { batch }));
  }
  const step = progression(chosen);
  if (step === null) return null;
  return b.reshape(b.slice(x, 0, chosen[0], chosen.length, step), gatheredShape([x, index], { batch }));
};
/** The step of an arithmetic progression, 1 for a single number; null where it is none, is empty, or stands still. */
function progression(values: Numbers): number | null {
  if (values.length === 0) return null;
  const step = values.length === 1 ? 1 : values[1] - values[0];
  for (let i = 1; i < values.length; i++) if (values[i] - values[i - 1] !== step) return null;
  return step === 0 ? null : step;
}
/** Rows added at distinct places in arithmetic progression by 1 are laid there. */
const scattered: Identity<{ readonly batch: number; readonly size: number }> = (b, [values, index], { batch, size }) => {
  const places = constantOf(index);
  if (batch !== 0 || places === null || dtypeOf(values) === "bool") return null;
  if (progression(places) !== 1 || places[0] < 0 || places[places.length - 1] >= size) return null;
  const rows = b.reshape(values, [places.length, ...shapeOf(values).slice(shapeOf(index).length)]);
  return b.assemble([rows], 0, [places[0]], size);
};

// ---------------------------------------------------------------- reductions

/** Over no axes, or over axes of size 1: the operand itself, in fewer axes. */
const overOne: Identity<ReduceAttrs> = (b, [x], { axes }) => {
  const shape = shapeOf(x);
  if (axes.some((axis) => shape[axis] !== 1)) return null;
  return b.reshape(
    x,
    shape.filter((_, axis) => !axes.includes(axis)),
  );
};
/** Copies of x sum to their number times x. */
const sumOfCopies: Identity<ReduceAttrs> = (b, [x], { axes }) => {
  const origin = under(x, broadcastTo);
  if (origin === null) return null;
  const [shape, own] = [shapeOf(x), shapeOf(origin)];
  const extra = shape.length - own.length;
  const isStretched = (axis: number): boolean => axis < extra || own[axis - extra] === 1;
  if (!axes.every(isStretched)) return null;
  const count = sizeOf(axes.map((axis) => shape[axis]));
  if (count === 0) return null; // 0 · ∞ is not the empty sum
  const left = b.reshape(
    origin,
    own.filter((_, i) => !axes.includes(i + extra)),
  );
  const kept = shape.filter((_, axis) => !axes.includes(axis));
  return b.broadcastTo(b.mul(left, b.constant(count, dtypeOf(x) === "real" ? "real" : "int")), kept);
};
/** Over all axes the shape does not matter. */
const sumOfAll: Identity<ReduceAttrs> = (b, [x], { axes }) => {
  const origin = under(x, reshape);
  return origin !== null && axes.length === shapeOf(x).length ? b.sum(origin) : null;
};
const sumOfNegated: Identity<ReduceAttrs> = (b, [x], { axes }) => {
  const inner = under(x, neg);
  return inner !== null ? b.neg(b.sum(inner, axes)) : null;
};

export const structure: Identities = [
  on(
    reshape,
    first(
      reshaped,
      copies((_inputs, { shape }) => shape),
    ),
  ),
  on(broadcastTo, stretched),
  on(
    transpose,
    first(
      transposed,
      copies(([x], { permutation }) => permutation.map((axis: number) => shapeOf(x)[axis])),
    ),
  ),
  on(slice, sliced),
  on(assemble, assembled),
  on(gather, first(gathered, copies(gatheredShape))),
  on(scatterAdd, scattered),
  on(sum, first(overOne, sumOfCopies, sumOfAll, sumOfNegated)),
  ...[prod, reduceMin, reduceMax, logSumExp].map((op) => on(op, overOne)),
];
