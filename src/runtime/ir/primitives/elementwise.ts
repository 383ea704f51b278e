// Arithmetic on elements: what the hardware does itself, rounding, and casts.
import { ShapeError } from "../../errors.ts";
import type { Tensor, TensorOps } from "../../tfjs/tensor-ops.ts";
import type { VectorEmitter, VectorValue } from "../../wasm/vector-emitter.ts";
import type { Primitive } from "../primitive.ts";
import type { DType } from "../type.ts";
import {
  arithmetic,
  binaryProbes,
  byOtherFactor,
  edgePairs,
  integers,
  pointwise,
  probe,
  singular,
  truths,
  unaryProbes,
  vector,
} from "./pointwise.ts";
import { arithmeticKernel, binaryReals, extremumKernel, hosted, rounded, unary, written } from "./tensor-rules.ts";

const generic = [-3.7, -1.2, -0.4, 0.3, 1.6, 2.9] as const;
const left = vector(-1.7, 0.6, 2.3);
const right = vector(0.8, -2.4, 1.9);
const wholeLeft = integers(-7, 5, 3);
const wholeRight = integers(2, -3, 4);
const pairs = [
  ...binaryProbes(left, right),
  probe(wholeLeft, wholeRight),
  probe(integers(3, -2, 5), right),
  probe(truths(1, 0, 1), left),
  edgePairs,
];

// ---------------------------------------------------------------- one argument

export const neg = pointwise({
  name: "neg",
  dtype: arithmetic,
  host: (x) => -x,
  hostLoop(out, at, count, x, i, p) {
    for (let k = 0; k < count; k++) out[at + k] = -x[i + k * p];
  },
  emit: (w, x) => w.neg(x),
  tfjs: arithmeticKernel("Neg", "integers"),
  gradient: (b, ct) => [b.neg(ct)],
  finiteDerivative: true,
  probes: [...unaryProbes(...generic), probe(integers(-4, 3, 7))],
});

export const abs = pointwise({
  name: "abs",
  dtype: arithmetic,
  host: Math.abs,
  emit: (w, x) => w.abs(x),
  tfjs: arithmeticKernel("Abs"),
  /** sign(x) ct, written so that a NaN in x gives no NaN. */
  gradient(b, ct, [x]) {
    const zero = b.constant(0);
    return [b.select(b.lt(zero, x), ct, b.select(b.lt(x, zero), b.neg(ct), zero))];
  },
  finiteDerivative: true,
  zeroCotangents: true,
  probes: [...unaryProbes(...generic), probe(integers(-4, 3, 7))],
});

/** The same number, of which no derivative is taken. */
export const stopGradient = pointwise({
  name: "stopGradient",
  dtype: ([x]) => x,
  host: (x) => x,
  emit: (_w, x) => x,
  tfjs: written((_t, [x]) => x),
  // When a program is compiled its derivatives have been taken: what is held is then the same value as what is not.
  wasm: { kind: "expand", expand: (_b, [x]) => [x] },
  heldConstant: true,
  cost: 0,
  probes: [...unaryProbes(...generic), probe(integers(-4, 3, 7))],
});

export const sign = pointwise({
  name: "sign",
  dtype: arithmetic,
  host: Math.sign,
  emit: (w, x) => w.select(w.gt(x, w.constant(0)), w.constant(1), w.select(w.lt(x, w.constant(0)), w.constant(-1), x)),
  tfjs: arithmeticKernel("Sign"),
  probes: unaryProbes(...generic),
});

export const square = pointwise({
  name: "square",
  dtype: arithmetic,
  host: (x) => x * x,
  hostLoop(out, at, count, x, i, p) {
    for (let k = 0; k < count; k++) out[at + k] = x[i + k * p] * x[i + k * p];
  },
  emit: (w, x) => w.mul(x, x),
  tfjs: arithmeticKernel("Square"),
  gradient: (b, ct, [x]) => [b.mul(ct, b.mul(b.constant(2), x))],
  probes: [...unaryProbes(...generic), probe(integers(-4, 3, 7))],
});

export const sqrt = pointwise({
  name: "sqrt",
  host: Math.sqrt,
  emit: (w, x) => w.sqrt(x),
  tfjs: unary("Sqrt"),
  /** ct / (2 √x) */
  gradient: (b, ct, _xs, y) => [b.div(b.mul(b.constant(0.5), ct), y)],
  cost: 8,
  probes: unaryProbes(0.04, 0.7, 1.9, 35.2),
});

export const reciprocal = pointwise({
  name: "reciprocal",
  host: (x) => 1 / x,
  emit: (w, x) => w.div(w.constant(1), x),
  tfjs: unary("Reciprocal"),
  gradient: (b, ct, _xs, y) => [b.neg(b.mul(ct, b.square(y)))],
  cost: 4,
  probes: unaryProbes(...generic),
});

const rounding = (
  name: string,
  host: (x: number) => number,
  emit: (w: VectorEmitter, x: VectorValue) => VectorValue,
  tfjs: (t: TensorOps, x: Tensor) => Tensor | null,
): Primitive<null> =>
  pointwise({
    name,
    dtype: arithmetic,
    host,
    emit,
    tfjs: rounded(tfjs),
    probes: [...unaryProbes(...generic), singular(vector(-2.5, -1.5, -0.5, 0.49999999999999994, 0.5, 1.5, 4503599627370497))],
  });
export const floor = rounding(
  "floor",
  Math.floor,
  (w, x) => w.floor(x),
  (t, x) => t.unary("Floor", x),
);
export const ceil = rounding(
  "ceil",
  Math.ceil,
  (w, x) => w.ceil(x),
  (t, x) => t.unary("Ceil", x),
);
export const trunc = rounding(
  "trunc",
  Math.trunc,
  (w, x) => w.trunc(x),
  (t, x) => t.select(t.compare("Less", x, t.scalar(0)), t.unary("Ceil", x), t.unary("Floor", x)),
);
/** To the nearest integer, halves away from 0. */
export const round = rounding(
  "round",
  (x) => {
    const whole = Math.trunc(x);
    return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
  },
  (w, x) => {
    const whole = w.trunc(x);
    const away = w.select(w.lt(x, w.constant(0)), w.constant(-1), w.constant(1));
    return w.select(w.ge(w.abs(w.sub(x, whole)), w.constant(0.5)), w.add(whole, away), whole);
  },
  () => null,
);

export interface CastAttrs {
  readonly to: DType;
}
/** Between element types without change of value. */
export const cast = pointwise<CastAttrs>({
  name: "cast",
  dtype: (_inputs, { to }) => to,
  host: (x) => x,
  hostLoop(out, at, count, x, i, p) {
    for (let k = 0; k < count; k++) out[at + k] = x[i + k * p];
  },
  emit: (_w, x) => x,
  tfjs: written((t, [x], { attrs: { to } }) => t.cast(x, to)),
  gradient: (_b, ct) => [ct],
  finiteDerivative: true,
  cost: 0,
  probes: [
    { inputs: [integers(-4, 3, 7)], attrs: { to: "real" } },
    { inputs: [vector(-4, 3, 7)], attrs: { to: "int" } },
    { inputs: [truths(1, 0, 1)], attrs: { to: "int" } },
    { inputs: [vector(-1.7, 0.6)], attrs: { to: "real" } },
  ],
});

// ---------------------------------------------------------------- two arguments

export const add = pointwise({
  name: "add",
  dtype: arithmetic,
  host: (x, y) => x + y,
  hostLoop(out, at, count, x, i, p, y, j, q) {
    for (let k = 0; k < count; k++) out[at + k] = x[i + k * p] + y[j + k * q];
  },
  emit: (w, x, y) => w.add(x, y),
  tfjs: arithmeticKernel("Add", "integers"),
  gradient: (_b, ct) => [ct, ct],
  commutative: true,
  finiteDerivative: true,
  probes: pairs,
});

export const sub = pointwise({
  name: "sub",
  dtype: arithmetic,
  host: (x, y) => x - y,
  hostLoop(out, at, count, x, i, p, y, j, q) {
    for (let k = 0; k < count; k++) out[at + k] = x[i + k * p] - y[j + k * q];
  },
  emit: (w, x, y) => w.sub(x, y),
  tfjs: arithmeticKernel("Sub", "integers"),
  gradient: (b, ct) => [ct, b.neg(ct)],
  finiteDerivative: true,
  probes: pairs,
});

export const mul = pointwise({
  name: "mul",
  dtype: arithmetic,
  host: (x, y) => x * y,
  hostLoop(out, at, count, x, i, p, y, j, q) {
    for (let k = 0; k < count; k++) out[at + k] = x[i + k * p] * y[j + k * q];
  },
  emit: (w, x, y) => w.mul(x, y),
  tfjs: arithmeticKernel("Multiply", "integers"),
  gradient: (b, ct, [x, y]) => [b.mul(ct, y), b.mul(ct, x)],
  commutative: true,
  zeroCotangents: byOtherFactor,
  probes: pairs,
});

export const div = pointwise({
  name: "div",
  host: (x, y) => x / y,
  hostLoop(out, at, count, x, i, p, y, j, q) {
    for (let k = 0; k < count; k++) out[at + k] = x[i + k * p] / y[j + k * q];
  },
  emit: (w, x, y) => w.div(x, y),
  tfjs: binaryReals((t, x, y) => t.binary("RealDiv", x, y)),
  /** ct / y, -ct (x/y) / y */
  gradient(b, ct, [, y], z) {
    const dx = b.div(ct, y);
    return [dx, b.neg(b.mul(dx, z))];
  },
  zeroCotangents: (node, input) => input === 1 && byOtherFactor(node, input),
  cost: 4,
  probes: pairs,
});

/** The derivative goes to the argument chosen; the other gets nothing, not even NaN. */
const extremum = (name: "min" | "max"): Primitive<null> =>
  pointwise({
    name,
    dtype: arithmetic,
    host: Math[name],
    emit: (w, x, y) => w[name](x, y),
    tfjs: extremumKernel(name === "min" ? "Minimum" : "Maximum"),
    gradient(b, ct, [x, y]) {
      const first = name === "min" ? b.le(x, y) : b.ge(x, y);
      const zero = b.constant(0);
      return [b.select(first, ct, zero), b.select(first, zero, ct)];
    },
    finiteDerivative: true,
    zeroCotangents: true,
    commutative: true,
    probes: pairs,
  });
export const min = extremum("min");
export const max = extremum("max");

function wholeOnly(name: string): (inputs: readonly DType[]) => DType {
  return (inputs) => {
    if (inputs.includes("real")) throw new ShapeError(`${name} is for integers`);
    return "int";
  };
}
const wholePairs = [
  ...binaryProbes(wholeLeft, wholeRight),
  probe(truths(1, 0, 1), wholeLeft),
  singular(integers(5, 0, -2), integers(0, 0, 0)),
];
export const idiv = pointwise({
  name: "idiv",
  dtype: wholeOnly("integer division"),
  host: (x, y) => Math.trunc(x / y),
  emit: (w, x, y) => w.trunc(w.div(x, y)),
  tfjs: hosted,
  cost: 4,
  probes: wholePairs,
});
export const imod = pointwise({
  name: "imod",
  dtype: wholeOnly("the integer remainder"),
  host: (x, y) => x - Math.trunc(x / y) * y,
  emit: (w, x, y) => w.sub(x, w.mul(w.trunc(w.div(x, y)), y)),
  tfjs: hosted,
  cost: 4,
  probes: wholePairs,
});

/** x - ⌊x/y⌋ y, brought to y's side of 0 where the quotient's rounding overshot. */
export const mod = pointwise({
  name: "mod",
  dtype: arithmetic,
  host(x, y) {
    const r = x - Math.floor(x / y) * y;
    return r * y < 0 ? r + y : r;
  },
  emit(w, x, y) {
    const r = w.sub(x, w.mul(w.floor(w.div(x, y)), y));
    return w.select(w.lt(w.mul(r, y), w.constant(0)), w.add(r, y), r);
  },
  tfjs: binaryReals((t, x, y) => {
    const r = t.binary("Sub", x, t.binary("Multiply", t.unary("Floor", t.binary("RealDiv", x, y)), y));
    return t.select(t.compare("Less", t.binary("Multiply", r, y), t.scalar(0)), t.binary("Add", r, y), r);
  }),
  gradient: (b, ct, [x, y]) => [ct, b.neg(b.mul(ct, b.floor(b.div(x, y))))],
  cost: 6,
  probes: pairs,
});
