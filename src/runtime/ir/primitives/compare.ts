// Comparisons and logic, whose results are bools, and the choice that reads them.
import type { Comparison } from "../../tfjs/tensor-ops.ts";
import type { VectorEmitter, VectorValue } from "../../wasm/vector-emitter.ts";
import type { Primitive, Probe } from "../primitive.ts";
import { bool, type DType, real } from "../type.ts";
import { binaryProbes, edgePairs, integers, mask, numbers, pointwise, probe, truths, unaryProbes, vector } from "./pointwise.ts";
import { comparisonKernel, logicKernel, written } from "./tensor-rules.ts";

type Emit = (w: VectorEmitter, ...xs: VectorValue[]) => VectorValue;

function comparison(
  name: string,
  kernel: Comparison,
  holds: (x: number, y: number) => boolean,
  emit: Emit,
  commutative = false,
): Primitive<null> {
  return pointwise({
    name,
    dtype: () => "bool",
    host: (x, y) => Number(holds(x, y)),
    emit,
    tfjs: comparisonKernel(kernel),
    commutative,
    probes: [
      ...binaryProbes(vector(-1.7, 0.6, 2.3), vector(0.8, 0.6, 1.9)),
      probe(integers(3, -2, 5), integers(3, -1, 4)),
      probe(truths(1, 0, 1), vector(0.5, -0.5, 1.5)),
      edgePairs,
    ],
  });
}
export const eq = comparison(
  "eq",
  "Equal",
  (x, y) => x === y,
  (w, x, y) => w.eq(x, y),
  true,
);
export const ne = comparison(
  "ne",
  "NotEqual",
  (x, y) => x !== y,
  (w, x, y) => w.ne(x, y),
  true,
);
export const lt = comparison(
  "lt",
  "Less",
  (x, y) => x < y,
  (w, x, y) => w.lt(x, y),
);
export const le = comparison(
  "le",
  "LessEqual",
  (x, y) => x <= y,
  (w, x, y) => w.le(x, y),
);
export const gt = comparison(
  "gt",
  "Greater",
  (x, y) => x > y,
  (w, x, y) => w.gt(x, y),
);
export const ge = comparison(
  "ge",
  "GreaterEqual",
  (x, y) => x >= y,
  (w, x, y) => w.ge(x, y),
);

const table: readonly Probe<null>[] = [
  probe(truths(1, 0, 1, 0), truths(0, 0, 1, 1)),
  probe(truths(1, 0, 1, 0), integers(3, -2, 0, 5)),
  ...binaryProbes(vector(0, -1.7, 2.3), vector(0.8, 0, 0.6)),
  edgePairs,
];
/** NaN counts as true: it is unequal to 0. */
const holds = (x: number): boolean => x !== 0;
export const and = pointwise({
  name: "and",
  dtype: () => "bool",
  host: (x, y) => Number(holds(x) && holds(y)),
  readsMasks: true,
  emit: (w, x, y) => w.and(mask(w, x), mask(w, y)),
  tfjs: logicKernel("LogicalAnd"),
  commutative: true,
  probes: table,
});
export const or = pointwise({
  name: "or",
  dtype: () => "bool",
  host: (x, y) => Number(holds(x) || holds(y)),
  readsMasks: true,
  emit: (w, x, y) => w.or(mask(w, x), mask(w, y)),
  tfjs: logicKernel("LogicalOr"),
  commutative: true,
  probes: table,
});
export const not = pointwise({
  name: "not",
  dtype: () => "bool",
  host: (x) => Number(!holds(x)),
  readsMasks: true,
  emit: (w, x) => w.not(mask(w, x)),
  tfjs: written((t, [x]) => t.not(t.truth(x))),
  probes: [...unaryProbes(-1.7, 0, 2.3), probe(truths(1, 0, 1))],
});

const widest = ([, a, b]: readonly DType[]): DType =>
  a === "real" || b === "real" ? "real" : a === "int" || b === "int" ? "int" : "bool";
const { NaN: none, POSITIVE_INFINITY: inf } = Number;
const choice = (condition: readonly number[], a: readonly number[], b: readonly number[], isSingular = false): Probe<null> => ({
  inputs: [
    { type: bool(condition.length === 1 ? [] : [condition.length]), values: condition },
    { type: real([a.length]), values: a },
    { type: real([b.length]), values: b },
  ],
  attrs: null,
  singular: isSingular,
});
/** The arm not chosen contributes neither value nor gradient, not even NaN. */
export const select = pointwise({
  name: "select",
  dtype: widest,
  host: (c, a, b) => (holds(c) ? a : b),
  readsMasks: true,
  emit: (w, c, a, b) => w.select(c, numbers(w, a), numbers(w, b)),
  tfjs: written((t, [c, a, b], { results: [{ dtype }] }) => t.select(t.truth(c), t.cast(a, dtype), t.cast(b, dtype))),
  gradient(b, ct, [c]) {
    const zero = b.constant(0);
    return [null, b.select(c, ct, zero), b.select(c, zero, ct)];
  },
  finiteDerivative: true,
  zeroCotangents: true,
  probes: [
    choice([1, 0, 1], [0.7, -1.3, 2.4], [3.1, 0.2, -0.6]),
    choice([0], [0.7, -1.3, 2.4], [3.1, 0.2, -0.6]),
    choice([1, 0, 1, 0], [0.7, none, 2.4, inf], [-inf, 0.2, none, -0.6], true),
    {
      inputs: [
        { type: bool([2, 1]), values: [0, 1] },
        { type: real([3]), values: [0.7, -1.3, 2.4] },
        { type: real([]), values: [0.9] },
      ],
      attrs: null,
    },
    {
      inputs: [
        { type: real([4]), values: [2.5, 0, -0.5, none] },
        { type: real([4]), values: [0.7, -1.3, 2.4, 0.1] },
        { type: real([4]), values: [1.9, -0.3, 0.4, 1.1] },
      ],
      attrs: null,
      singular: true,
    },
    { inputs: [truths(1, 0, 1), integers(3, -2, 5), integers(7, 4, -6)], attrs: null },
  ],
});
