// Built-in functions that reduce an array to a number, or along one axis, and those that go along a vector.
import { ShapeError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { constantOf, shapeOf } from "../../../runtime/ir/graph.ts";
import { constantOfDimension } from "../../dimensions.ts";
import { anyNumber, nonnegative, nonpositive, positive, type Range, range, undeclared, unit } from "../../ranges.ts";
import type { ValueType } from "../value-type.ts";
import {
  any,
  array,
  asNumber,
  asReal,
  type BuiltIn,
  elementRange,
  type FunctionParameter,
  sameSize,
  sizeFrom,
  sizesFit,
} from "./define.ts";

type Axes = readonly number[] | undefined;
interface Reduction {
  readonly aliases?: readonly string[];
  readonly range?: (x: Range) => Range;
  /** Ints give an int. */
  readonly integers?: true;
  readonly neutral?: number;
  /** Of a single number, itself. */
  readonly numbers?: true;
}
/** Sums of ints are ints; bools count as 0 and 1. */
const countingType = (x: ValueType): "real" | "int" => (x.dtype === "real" ? "real" : "int");
const axisParameter: FunctionParameter = { name: "axis", kind: "size", named: true };

/** f(x) over all elements and f(x, axis = k) along the axis k, counted from 1. */
function reduction(
  name: string,
  doc: string,
  lower: (b: Builder, x: Value, axes: Axes) => Value,
  facts: Reduction = {},
): readonly BuiltIn[] {
  const dtypeOf = (x: ValueType): "real" | "int" => (facts.integers ? countingType(x) : "real");
  const prepared = (b: Builder, x: Value): Value => (facts.integers ? asNumber(b, x) : asReal(b, x));
  const rangeOf = (x: ValueType): Range | undefined => facts.range?.(elementRange(x));
  return [
    {
      name,
      aliases: facts.aliases,
      doc: `${doc}, over all elements.`,
      parameters: [facts.numbers ? any("x") : array("x")],
      neutral: facts.neutral,
      result: ([x]) => ({ dtype: dtypeOf(x), shape: [], range: rangeOf(x) }),
      lower: (b, [x]) => lower(b, prepared(b, x), undefined),
    },
    {
      name,
      aliases: facts.aliases,
      doc: `${doc}, along one axis.`,
      parameters: [array("x"), axisParameter],
      result: ([x, axis]) => {
        const k = axisNumber(axis);
        if (x.shape === undefined || k === undefined) return { dtype: dtypeOf(x), shape: undefined, range: rangeOf(x) };
        if (k < 1 || k > x.shape.length) {
          return {
            misfit: `there is no axis ${k} here`,
            label: `${name} is given an array with ${x.shape.length} axes, counted from 1`,
            argument: 1,
          };
        }
        return { dtype: dtypeOf(x), shape: x.shape.filter((_, i) => i !== k - 1), range: rangeOf(x) };
      },
      lower: (b, [x, axis]) => lower(b, prepared(b, x), [integerOf(axis, "axis") - 1]),
    },
  ];
}
const axisNumber = (axis: ValueType): number | undefined => {
  const size = sizeFrom(axis);
  return size === undefined ? undefined : constantOfDimension(size);
};
/** The number behind an argument that the checker has found to be known at bind. */
export function integerOf(v: Value, what: string): number {
  const values = constantOf(v);
  if (values === null || values.length !== 1 || !Number.isInteger(values[0]))
    throw new ShapeError(`${what} must be one integer, the same in every iteration`);
  return values[0];
}
/** The same for a size. */
export function sizeOfArgument(v: Value, what: string): number {
  const n = integerOf(v, what);
  if (n < 0) throw new ShapeError(`${what} must not be negative, and is ${n}`);
  return n;
}

const countOf = (x: Value, axes: Axes): number =>
  shapeOf(x).reduce((n, d, i) => (axes === undefined || axes.includes(i) ? n * d : n), 1);
const mean = (b: Builder, x: Value, axes: Axes): Value => b.div(b.sum(x, axes), b.constant(countOf(x, axes)));
/** A reduced axis put back with length 1, so that the result joins the argument. */
const restored = (b: Builder, reduced: Value, x: Value, axes: Axes): Value =>
  axes === undefined
    ? reduced
    : b.reshape(
        reduced,
        shapeOf(x).map((d, i) => (axes.includes(i) ? 1 : d)),
      );
/** Two passes, divisor n - 1. */
function variance(b: Builder, x: Value, axes: Axes): Value {
  const deviations = b.sub(x, restored(b, mean(b, x, axes), x, axes));
  return b.div(b.sum(b.square(deviations), axes), b.constant(countOf(x, axes) - 1));
}
/** Sums keep a sign. */
const signOnly = (x: Range): Range =>
  x.lower >= 0 ? (x.lower > 0 || x.lowerOpen ? positive : nonnegative) : x.upper <= 0 ? nonpositive : anyNumber;
const same = (x: Range): Range => undeclared(x);

const wholeVector = (
  name: string,
  doc: string,
  aliases: readonly string[],
  rangeOf: (x: Range) => Range,
  lower: (b: Builder, x: Value) => Value,
): BuiltIn => ({
  name,
  aliases,
  doc,
  parameters: [{ name: "x", kind: "vector" }],
  result: ([x]) => ({ dtype: "real", shape: x.shape, range: rangeOf(elementRange(x)) }),
  lower: (b, [x]) => lower(b, asReal(b, x)),
});
const toNumber = (
  name: string,
  doc: string,
  aliases: readonly string[],
  rangeOf: (x: Range) => Range,
  lower: (b: Builder, x: Value) => Value,
): BuiltIn => ({
  name,
  aliases,
  doc,
  parameters: [array("x")],
  neutral: 0,
  result: ([x]) => ({ dtype: "real", shape: [], range: rangeOf(elementRange(x)) }),
  lower: (b, [x]) => lower(b, asReal(b, x)),
});

/** Softmax along the last axis, by way of its logarithm. */
function logSoftmax(b: Builder, x: Value): Value {
  const last = shapeOf(x).length - 1;
  return b.sub(x, restored(b, b.logSumExp(x, [last]), x, [last]));
}

function squaredDistance(b: Builder, name: string, u: Value, v: Value): Value {
  sameSize(name, shapeOf(u)[0], shapeOf(v)[0]);
  return b.sum(b.square(b.sub(asReal(b, u), asReal(b, v))));
}
export const reductions: readonly BuiltIn[] = [
  ...reduction("sum", "The sum", (b, x, axes) => b.sum(x, axes), { range: signOnly, integers: true, neutral: 0, numbers: true }),
  ...reduction("prod", "The product", (b, x, axes) => b.prod(x, axes), {
    range: (x) => (x.lower >= 0 ? (x.upper <= 1 ? unit : nonnegative) : anyNumber),
    integers: true,
    neutral: 1,
    numbers: true,
  }),
  ...reduction("mean", "The mean", mean, { range: same, numbers: true }),
  ...reduction("min", "The smallest element", (b, x, axes) => b.reduceMin(x, axes), {
    range: same,
    integers: true,
    neutral: Number.POSITIVE_INFINITY,
    numbers: true,
  }),
  ...reduction("max", "The largest element", (b, x, axes) => b.reduceMax(x, axes), {
    range: same,
    integers: true,
    neutral: Number.NEGATIVE_INFINITY,
    numbers: true,
  }),
  ...reduction("variance", "The sample variance, divisor n - 1", variance, { aliases: ["var"], range: () => nonnegative }),
  ...reduction("sd", "The sample standard deviation, divisor n - 1", (b, x, axes) => b.sqrt(variance(b, x, axes)), {
    aliases: ["std"],
    range: () => nonnegative,
  }),
  ...reduction("logsumexp", "log of the sum of exp(x)", (b, x, axes) => b.logSumExp(x, axes), {
    aliases: ["log_sum_exp"],
    neutral: Number.NEGATIVE_INFINITY,
    numbers: true,
  }),
  {
    name: "any",
    doc: "1 where some element is not 0.",
    parameters: [array("x")],
    neutral: 0,
    result: () => ({ dtype: "bool", shape: [], range: unit }),
    lower: (b, [x]) => b.gt(b.sum(b.cast(b.ne(asNumber(b, x), b.constant(0, "int")), "int")), b.constant(0, "int")),
  },
  {
    name: "all",
    doc: "1 where no element is 0.",
    parameters: [array("x")],
    neutral: 1,
    result: () => ({ dtype: "bool", shape: [], range: unit }),
    lower: (b, [x]) => b.eq(b.sum(b.cast(b.eq(asNumber(b, x), b.constant(0, "int")), "int")), b.constant(0, "int")),
  },
  toNumber(
    "norm",
    "The Euclidean length: the square root of the sum of squares.",
    ["norm2"],
    () => nonnegative,
    (b, x) => b.sqrt(b.sum(b.square(x))),
  ),
  toNumber(
    "norm1",
    "The sum of absolute values.",
    [],
    () => nonnegative,
    (b, x) => b.sum(b.abs(x)),
  ),
  toNumber(
    "dot_self",
    "The sum of squares.",
    ["sum_squares"],
    () => nonnegative,
    (b, x) => b.sum(b.square(x)),
  ),
  {
    name: "dot",
    aliases: ["dot_product"],
    doc: "The inner product of two vectors, as u @ v.",
    parameters: [
      { name: "u", kind: "vector" },
      { name: "v", kind: "vector" },
    ],
    result: ([u, v]) =>
      sizesFit("dot", u, v, u.shape?.[0], v.shape?.[0]) ?? {
        dtype: "real",
        shape: [],
        range: u.range.lower >= 0 && v.range.lower >= 0 ? nonnegative : undefined,
      },
    lower: (b, [u, v]) => {
      sameSize("dot", shapeOf(u)[0], shapeOf(v)[0]);
      return b.sum(b.mul(asReal(b, u), asReal(b, v)));
    },
  },
  {
    name: "squared_distance",
    doc: "The sum of squares of u - v.",
    parameters: [
      { name: "u", kind: "vector" },
      { name: "v", kind: "vector" },
    ],
    result: ([u, v]) =>
      sizesFit("squared_distance", u, v, u.shape?.[0], v.shape?.[0]) ?? { dtype: "real", shape: [], range: nonnegative },
    lower: (b, [u, v]) => squaredDistance(b, "squared_distance", u, v),
  },
  {
    name: "distance",
    doc: "The Euclidean distance of two points, norm(u - v).",
    parameters: [
      { name: "u", kind: "vector" },
      { name: "v", kind: "vector" },
    ],
    result: ([u, v]) =>
      sizesFit("distance", u, v, u.shape?.[0], v.shape?.[0]) ?? { dtype: "real", shape: [], range: nonnegative },
    lower: (b, [u, v]) => b.sqrt(squaredDistance(b, "distance", u, v)),
  },
  {
    name: "cumsum",
    aliases: ["cumulative_sum"],
    doc: "Sums of the first 1, 2, … elements, along the last axis.",
    parameters: [array("x")],
    result: ([x]) => ({ dtype: countingType(x), shape: x.shape, range: signOnly(elementRange(x)) }),
    lower: (b, [x]) => b.cumsum(asNumber(b, x)),
  },
  {
    name: "diff",
    doc: "Differences of neighbours: x[2..] - x[..n - 1].",
    parameters: [{ name: "x", kind: "vector" }],
    result: ([x]) => ({ dtype: countingType(x), shape: x.shape && [undefined] }),
    lower: (b, [v]) => {
      const x = asNumber(b, v);
      const n = shapeOf(x)[0];
      return b.sub(b.slice(x, 0, 1, Math.max(0, n - 1)), b.slice(x, 0, 0, Math.max(0, n - 1)));
    },
  },
  wholeVector(
    "standardize",
    "(x - mean(x)) / sd(x).",
    ["standardise"],
    () => anyNumber,
    (b, x) => b.div(b.sub(x, mean(b, x, undefined)), b.sqrt(variance(b, x, undefined))),
  ),
  {
    name: "softmax",
    doc: "exp(x) divided by its sum, along the last axis.",
    parameters: [array("x")],
    result: ([x]) => ({ dtype: "real", shape: x.shape, range: range(0, 1), structure: "simplex" }),
    lower: (b, [x]) => b.exp(logSoftmax(b, asReal(b, x))),
  },
  {
    name: "log_softmax",
    doc: "log(softmax(x)), along the last axis.",
    parameters: [array("x")],
    result: ([x]) => ({ dtype: "real", shape: x.shape, range: nonpositive }),
    lower: (b, [x]) => logSoftmax(b, asReal(b, x)),
  },
];
