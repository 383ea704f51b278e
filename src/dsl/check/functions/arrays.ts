// Built-in functions that make arrays, ask for their sizes, and rearrange them; and the few that need the data's values.
import { ShapeError } from "../../../runtime/errors.ts";
import type { Builder, Value } from "../../../runtime/ir/graph.ts";
import { constantOf, dtypeOf, shapeOf } from "../../../runtime/ir/graph.ts";
import { sizeOf } from "../../../runtime/ir/type.ts";
import { constantDimension, constantOfDimension, one, plus, times } from "../../dimensions.ts";
import { hull, nonnegative, point, undeclared, unit } from "../../ranges.ts";
import { describeShape, joinShapes, joinSizes, type Size, type SymbolicShape, widerDtype } from "../value-type.ts";
import {
  any,
  array,
  asReal,
  type BuiltIn,
  elementRange,
  type FunctionParameter,
  number,
  size,
  sizeFrom,
  vector,
} from "./define.ts";
import { integerOf, sizeOfArgument } from "./reductions.ts";

const sizes: FunctionParameter = { name: "n", kind: "size", repeats: true };

const filled = (name: string, doc: string, value: number): BuiltIn => ({
  name,
  doc,
  parameters: [sizes],
  result: (ns) => ({ dtype: "real", shape: ns.map(sizeFrom), range: point(value) }),
  lower: (b, ns) =>
    b.broadcastTo(
      b.constant(value),
      ns.map((n) => sizeOfArgument(n, `a size of ${name}`)),
    ),
});

/** Number of elements as a polynomial, where every axis is known. */
const product = (shape: SymbolicShape): Size =>
  shape.reduce<Size>((n, d) => (n === undefined || d === undefined ? undefined : times(n, d)), one);
const sizeQuery = (
  name: string,
  aliases: readonly string[],
  doc: string,
  least: number,
  of: (s: SymbolicShape) => Size,
  lower: (s: readonly number[]) => number,
): BuiltIn => ({
  name,
  aliases,
  doc,
  parameters: [array("x")],
  result: ([x]) => {
    if (x.shape !== undefined && x.shape.length < least) {
      return {
        misfit: `${describeShape(x.shape)} has no such axis`,
        label: `${name} needs an array with ${least === 1 ? "an axis" : `${least} axes`}`,
        argument: 0,
      };
    }
    return { dtype: "int", shape: [], range: nonnegative, value: x.shape && of(x.shape) };
  },
  lower: (b, [x]) => b.constant(lower(shapeOf(x)), "int"),
});

/** The numbers of an argument that only the host can treat. */
/** What a function of data alone is given. */
export function numbersOf(v: Value, name: string): Float64Array {
  const values = constantOf(v);
  if (values === null) throw new ShapeError(`${name} works on data only, and the same in every iteration`);
  return Float64Array.from(values);
}
/** Linear interpolation between order statistics, type 7 of Hyndman & Fan 1996, as R and NumPy have it. */
function quantileOf(sorted: Float64Array, p: number): number {
  const at = (sorted.length - 1) * p;
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
const sorted = (v: Value, name: string): Float64Array => numbersOf(v, name).sort();
const realOrInt = (v: Value): "real" | "int" => (dtypeOf(v) === "real" ? "real" : "int");

/** Arrays laid one after the other along an axis; all other axes must agree. */
function concatenated(
  shapes: readonly (SymbolicShape | undefined)[],
  axis: number,
  name: string,
): { shape: SymbolicShape | undefined } | { misfit: string; label: string; argument: number } {
  const first = shapes[0];
  if (first === undefined || shapes.some((s) => s === undefined)) return { shape: undefined };
  const out: Size[] = [...first];
  for (let i = 1; i < shapes.length; i++) {
    const next = shapes[i] ?? [];
    const misfit = {
      misfit: `${name} is given ${describeShape(first)} and ${describeShape(next)}`,
      label: `must agree in all axes but axis ${axis + 1}`,
      argument: i,
    };
    if (next.length !== first.length) return misfit;
    for (let k = 0; k < first.length; k++) {
      if (k === axis) {
        const [a, b] = [out[k], next[k]];
        out[k] = a && b ? plus(a, b) : undefined;
        continue;
      }
      const joined = joinSizes(out[k], next[k]);
      if (joined === "misfit") return misfit;
      out[k] = joined;
    }
  }
  return { shape: out };
}
const oneDtype = (b: Builder, xs: readonly Value[]): readonly Value[] => {
  const dtype = xs.map(dtypeOf).reduce(widerDtype);
  return xs.map((x) => (dtypeOf(x) === dtype ? x : b.cast(x, dtype)));
};
/** Numbers count as vectors of one element. */
const asVector = (b: Builder, x: Value): Value => (shapeOf(x).length === 0 ? b.reshape(x, [1]) : x);
const concat = (axisGiven: boolean): BuiltIn => ({
  name: "concat",
  aliases: ["append"],
  doc: axisGiven
    ? "Arrays joined along the given axis, counted from 1."
    : "Vectors, numbers or arrays joined along the first axis.",
  parameters: [
    { name: "x", kind: "any", repeats: true },
    ...(axisGiven ? [{ name: "axis", kind: "size", named: true } as const] : []),
  ],
  result: (args) => {
    const pieces = axisGiven ? args.slice(0, -1) : args;
    const axis = axisGiven ? sizeFrom(args[args.length - 1]) : one;
    const k = axis === undefined ? undefined : constantOfDimension(axis);
    const facts = { dtype: pieces.map((p) => p.dtype).reduce(widerDtype), range: pieces.map(elementRange).reduce(hull) };
    if (k === undefined) return { ...facts, shape: undefined };
    const rank = pieces.find((p) => p.shape !== undefined)?.shape?.length;
    if (k < 1 || (rank !== undefined && k > Math.max(rank, 1)))
      return { misfit: `there is no axis ${k} here`, label: "axes are counted from 1", argument: args.length - 1 };
    const joined = concatenated(
      pieces.map((p) => (p.shape?.length === 0 ? [one] : p.shape)),
      k - 1,
      "concat",
    );
    return "misfit" in joined ? joined : { ...facts, shape: joined.shape };
  },
  lower: (b, args) => {
    const pieces = (axisGiven ? args.slice(0, -1) : args).map((x) => asVector(b, x));
    return b.concat(oneDtype(b, pieces), axisGiven ? integerOf(args[args.length - 1], "axis") - 1 : 0);
  },
});

export const arrays: readonly BuiltIn[] = [
  filled("zeros", "An array of zeros: zeros(K), zeros(N, K).", 0),
  filled("ones", "An array of ones: ones(K), ones(N, K).", 1),
  {
    name: "rep",
    doc: "x repeated along new axes in front: rep(x, N).",
    parameters: [any("x"), sizes],
    result: ([x, ...ns]) => ({
      dtype: x.dtype,
      shape: x.shape && [...ns.map(sizeFrom), ...x.shape],
      range: undeclared(elementRange(x)),
    }),
    lower: (b, [x, ...ns]) => b.broadcastTo(x, [...ns.map((n) => sizeOfArgument(n, "a size of rep")), ...shapeOf(x)]),
  },
  {
    name: "linspace",
    doc: "n numbers from a to b at equal distances, both included.",
    parameters: [number("a"), number("b"), size("n")],
    result: ([a, b, n]) => ({ dtype: "real", shape: [sizeFrom(n)], range: hull(a.range, b.range) }),
    lower: (b, [from, to, n]) => {
      const count = sizeOfArgument(n, "the size of linspace");
      const step = b.div(b.sub(asReal(b, to), asReal(b, from)), b.constant(Math.max(1, count - 1)));
      return b.add(asReal(b, from), b.mul(step, b.cast(b.iota([count], 0), "real")));
    },
  },
  sizeQuery(
    "length",
    ["rows"],
    "The length of the first axis.",
    1,
    (s) => s[0],
    (s) => s[0],
  ),
  sizeQuery(
    "cols",
    [],
    "The length of the second axis.",
    2,
    (s) => s[1],
    (s) => s[1],
  ),
  sizeQuery("size", ["num_elements"], "The number of elements.", 0, product, sizeOf),
  concat(false),
  concat(true),
  {
    name: "stack",
    doc: "Arrays of equal shape under a new first axis, as [a, b, …].",
    parameters: [{ name: "x", kind: "array", repeats: true }],
    result: (args) => {
      let shape = args[0].shape;
      for (let i = 1; i < args.length; i++) {
        const next = args[i].shape;
        const joined = shape && next && shape.length !== next.length ? "misfit" : joinShapes(shape, next);
        if (joined === "misfit")
          return {
            misfit: `stack is given ${describeShape(shape ?? [])} and ${describeShape(next ?? [])}`,
            label: "must have equal shapes",
            argument: i,
          };
        shape = joined;
      }
      return {
        dtype: args.map((a) => a.dtype).reduce(widerDtype),
        shape: shape && [constantDimension(args.length), ...shape],
        range: args.map(elementRange).reduce(hull),
      };
    },
    lower: (b, args) => b.stack(oneDtype(b, args), 0),
  },
  {
    name: "reverse",
    doc: "The first axis from its end to its beginning.",
    parameters: [array("x")],
    result: ([x]) => ({ dtype: x.dtype, shape: x.shape, range: undeclared(elementRange(x)) }),
    lower: (b, [x]) => {
      const n = shapeOf(x)[0];
      return b.slice(x, 0, Math.max(0, n - 1), n, -1);
    },
  },
  {
    name: "flatten",
    doc: "All elements as a vector, row by row.",
    parameters: [any("x")],
    result: ([x]) => ({ dtype: x.dtype, shape: x.shape && [product(x.shape)], range: undeclared(elementRange(x)) }),
    lower: (b, [x]) => b.reshape(x, [sizeOf(shapeOf(x))]),
  },
  {
    name: "reshape",
    doc: "The same elements, row by row, in another shape: reshape(x, N, K).",
    parameters: [array("x"), sizes],
    result: ([x, ...ns]) => ({ dtype: x.dtype, shape: ns.map(sizeFrom), range: undeclared(elementRange(x)) }),
    lower: (b, [x, ...ns]) => {
      const shape = ns.map((n) => sizeOfArgument(n, "a size of reshape"));
      if (sizeOf(shape) !== sizeOf(shapeOf(x)))
        throw new ShapeError(`reshape of ${sizeOf(shapeOf(x))} elements to [${shape.join(", ")}]`);
      return b.reshape(x, shape);
    },
  },
  {
    name: "sort",
    doc: "Data in increasing order.",
    parameters: [vector("x")],
    dataOnly: true,
    result: ([x]) => ({ dtype: x.dtype, shape: x.shape, range: undeclared(x.range) }),
    lower: (b, [x]) => b.tensor(sorted(x, "sort"), shapeOf(x), realOrInt(x)),
  },
  {
    name: "order",
    aliases: ["sort_indices"],
    doc: "The indices that put data in increasing order; equal elements keep theirs.",
    parameters: [vector("x")],
    dataOnly: true,
    result: ([x]) => ({ dtype: "int", shape: x.shape, range: { ...nonnegative, lower: 1 } }),
    lower: (b, [x]) => {
      const values = numbersOf(x, "order");
      const indices = Array.from(values, (_, i) => i).sort((i, j) => values[i] - values[j] || i - j);
      return b.tensor(
        Float64Array.from(indices, (i) => i + 1),
        shapeOf(x),
        "int",
      );
    },
  },
  {
    name: "quantile",
    doc: "The quantile of data at p, interpolated linearly; of a distribution: quantile(D, p).",
    parameters: [vector("x"), { ...number("p"), domain: unit }],
    dataOnly: true,
    result: ([x]) => ({ dtype: "real", shape: [], range: undeclared(x.range) }),
    lower: (b, [x, p]) => b.constant(quantileOf(sorted(x, "quantile"), numbersOf(p, "quantile")[0])),
  },
  {
    name: "median",
    doc: "The median of data.",
    parameters: [vector("x")],
    dataOnly: true,
    result: ([x]) => ({ dtype: "real", shape: [], range: undeclared(x.range) }),
    lower: (b, [x]) => b.constant(quantileOf(sorted(x, "median"), 0.5)),
  },
];
