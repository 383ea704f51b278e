// Laws of the table of built-in functions: what the checker says of a result is what the lowering makes.
import { describe, expect, test } from "vitest";
import { type BuiltIn, isMisfit } from "../../src/dsl/check/functions/define.ts";
import { findFunction, functions, signatureOf } from "../../src/dsl/check/functions/index.ts";
import { nothingVaries, type ValueType } from "../../src/dsl/check/value-type.ts";
import { constantDimension, constantOfDimension } from "../../src/dsl/dimensions.ts";
import { point, type Range, range } from "../../src/dsl/ranges.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { type Builder, dtypeOf, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";

interface Argument {
  readonly type: ValueType;
  build(b: Builder): Value;
}
const tensor = (
  shape: readonly number[],
  values: readonly number[],
  dtype: "real" | "int" = "real",
  structure?: string,
): Argument => ({
  type: {
    dtype,
    shape: shape.map(constantDimension),
    range: values.length === 1 ? point(values[0]) : range(Math.min(...values), Math.max(...values)),
    stage: "data",
    varies: nothingVaries,
    ...(shape.length === 0 && dtype === "int" ? { value: constantDimension(values[0]) } : {}),
    ...(structure ? { structure } : {}),
  },
  build: (b) => (shape.length === 0 ? b.constant(values[0], dtype) : b.tensor(Float64Array.from(values), shape, dtype)),
});
const number = (x: number): Argument => tensor([], [x]);
const int = (n: number): Argument => tensor([], [n], "int");
const vector = tensor([3], [0.25, 0.75, 0.5]);
const other = tensor([3], [0.875, 0.125, 0.375]);
const square = tensor([3, 3], [4, 1, 0.5, 1, 3, 0.25, 0.5, 0.25, 2]);
const wide = tensor([2, 3], [0.5, 0.25, 0.75, 0.375, 0.125, 0.625]);
const tall = tensor([3, 2], [0.5, 0.25, 0.75, 0.375, 0.125, 0.625]);

const ints = (...n: number[]): Argument => tensor([n.length], n, "int");
const six = tensor([6], [1, -2, 0.5, 3, 0.25, -1]);
const smaller = tensor([2, 2], [2, 0.5, 0.5, 1]);
/** Of functions whose arguments must fit each other in ways of their own. */
const fitting: Readonly<Record<string, readonly (readonly Argument[])[]>> = {
  acosh: [[number(1.25)], [tensor([2], [1, 7])]],
  bspline: [[vector, tensor([4], [0, 0.5, 0.75, 1]), int(3)]],
  periodic_bspline: [[vector, tensor([4], [0, 0.5, 0.75, 1]), int(2)]],
  hsgp_basis: [[vector, number(1.5), int(4)]],
  hsgp_frequencies: [[number(1.5), int(4)]],
  kron_multiply: [[smaller, square, six]],
  kron_solve: [[smaller, square, six]],
  gp_conditional_mean: [[square, wide, vector]],
  gp_conditional_cov: [[square, wide, smaller]],
  hmm_marginal: [[tall, square, vector]],
  icar_scale: [[ints(1, 2, 3), ints(2, 3, 4), int(4)]],
};

/** Arguments for every kind of parameter, several calls for each form. */
function calls(f: BuiltIn): readonly (readonly Argument[])[] {
  if (fitting[f.name]) return fitting[f.name];
  const kinds = f.parameters.map((p) => p.kind);
  const integers = f.parameters.some((p) => p.integers);
  if (integers)
    return [
      [int(17), int(5)],
      [tensor([3], [7, 9, 4], "int"), int(3)],
    ];
  if (f.parameters.some((p) => p.name === "axis" && f.parameters[0].repeats))
    return [
      [tall, tall, int(2)],
      [vector, other, int(1)],
    ];
  if (kinds.includes("size") && !kinds.some((k) => k === "any" || k === "array" || k === "number")) {
    return f.parameters.some((p) => p.repeats) ? [[int(4)], [int(2), int(3)]] : [[int(4)]];
  }
  if (f.name === "reshape") return [[wide, int(3), int(2)]];
  if (f.name === "rep")
    return [
      [number(0.3), int(4)],
      [vector, int(2)],
    ];
  if (f.name === "linspace") return [[number(-1), number(2), int(5)]];
  if (f.name === "sum" || f.parameters.some((p) => p.name === "axis"))
    return f.parameters.length === 1
      ? [[vector], [wide]]
      : [
          [wide, int(1)],
          [wide, int(2)],
        ];
  if (f.parameters[0].domain?.upper === 0) return [[number(-0.3)], [tensor([2], [-0.25, -7])]];
  if (kinds.every((k) => k === "any")) {
    const several = (a: Argument): Argument[] => kinds.map((_, i) => (i === 0 ? a : i === 1 ? other : number(0.625)));
    return kinds.length === 1
      ? [[number(0.3)], [vector], [wide]]
      : [several(vector), kinds.map((_, i) => number(0.25 + 0.25 * i))];
  }
  const least = f.name === "cols" ? wide : vector;
  const shaped = f.parameters.map((p, i): Argument => {
    if (p.kind === "square") return square;
    if (p.kind === "matrix") return f.name.startsWith("diag_pre") ? tall : f.name.startsWith("diag_post") ? wide : tall;
    if (p.kind === "vector" || p.kind === "array") return i === 0 ? least : other;
    return number(0.75 + 0.5 * i);
  });
  return [shaped];
}

describe.each(functions.map((f): [string, BuiltIn] => [signatureOf(f), f]))("%s", (_, f) => {
  test("the checker's result is what the lowering makes", () => {
    for (const args of calls(f)) {
      const result = f.result(args.map((a) => a.type));
      if (isMisfit(result)) throw new Error(result.misfit);
      const b = createBuilder();
      const value = f.lower(
        b,
        args.map((a) => a.build(b)),
      );
      const said = result.shape?.map((d) => (d === undefined ? undefined : constantOfDimension(d)));
      expect(said?.length).toBe(shapeOf(value).length);
      expect(shapeOf(value)).toEqual(said?.map((d, i) => d ?? shapeOf(value)[i]));
      if (result.dtype !== "real") expect(dtypeOf(value)).toBe(result.dtype);
      const numbers = interpret([value], {})[0];
      const interval = result.range;
      if (interval && result.structure !== "diagonal") {
        const slack = 1e-12;
        for (const x of numbers) {
          expect(x).toBeGreaterThanOrEqual(interval.lower - slack);
          expect(x).toBeLessThanOrEqual(interval.upper + slack);
        }
      }
      if (result.value) expect(numbers[0]).toBe(constantOfDimension(result.value));
    }
  });
});

test("names and aliases with the same arguments mean one function", () => {
  const seen = new Map<string, BuiltIn>();
  for (const f of functions) {
    for (const name of [f.name, ...(f.aliases ?? [])]) {
      const form = `${name}/${f.parameters.map((p) => (p.named ? p.name : "_")).join(",")}/${f.parameters.some((p) => p.repeats)}`;
      expect(seen.get(form), form).toBeUndefined();
      seen.set(form, f);
    }
  }
});
test("forms are found by the number of arguments and by their names", () => {
  expect(findFunction("min", [{}])?.form.parameters.length).toBe(1);
  expect(findFunction("min", [{}, {}])?.form.parameters.map((p) => p.name)).toEqual(["x", "y"]);
  expect(findFunction("sum", [{ name: "axis" }, {}])?.order).toEqual([1, 0]);
  expect(findFunction("concat", [{}, {}, { name: "axis" }])?.order).toEqual([0, 1, 2]);
  expect(findFunction("sum", [{}, {}])).toBeUndefined();
  expect(findFunction("zeros", [])).toBeUndefined();
});

describe("sizes", () => {
  const made = (text: string, b: Builder, args: readonly Value[]): Value => {
    const found = findFunction(
      text,
      args.map(() => ({})),
    );
    if (!found) throw new Error(`no function ${text}`);
    return found.form.lower(b, args);
  };
  test("that are negative are refused", () => {
    const b = createBuilder();
    const minus = b.constant(-2, "int");
    const six = b.tensor(Float64Array.of(1, 2, 3, 4, 5, 6), [6]);
    for (const [name, args] of [
      ["zeros", [minus]],
      ["ones", [minus, minus]],
      ["I", [minus]],
      ["rep", [b.constant(1), minus]],
      ["linspace", [b.constant(0), b.constant(1), minus]],
      ["reshape", [six, minus, b.constant(-3, "int")]],
    ] as const)
      expect(() => made(name, b, args), name).toThrow("must not be negative");
  });
  test("that differ are refused, and an axis of one element is not repeated", () => {
    const b = createBuilder();
    const one = b.tensor(Float64Array.of(2), [1]);
    const three = b.tensor(Float64Array.of(1, 2, 3), [3]);
    const matrix = b.tensor(
      Float64Array.from({ length: 9 }, (_, i) => i),
      [3, 3],
    );
    for (const [name, args] of [
      ["dot", [one, three]],
      ["diag_pre_multiply", [one, matrix]],
      ["diag_post_multiply", [matrix, one]],
      ["quad_form_diag", [matrix, one]],
    ] as const)
      expect(() => made(name, b, args), name).toThrow("must agree");
  });
});

test("the ends of min and max are values where an argument has them", () => {
  const of = (name: string, a: Range, c: Range): Range | undefined => {
    const found = findFunction(name, [{}, {}]);
    const type = (r: Range): ValueType => ({ ...number(1).type, range: r });
    const result = found?.form.result([type(a), type(c)]);
    return result && !isMisfit(result) ? result.range : undefined;
  };
  const open = range(0, 1, { lower: true, upper: true });
  const closed = range(0, 1);
  for (const [a, c] of [
    [open, closed],
    [closed, open],
  ]) {
    expect(of("min", a, c)).toMatchObject({ lower: 0, lowerOpen: false, upper: 1, upperOpen: true });
    expect(of("max", a, c)).toMatchObject({ lower: 0, lowerOpen: true, upper: 1, upperOpen: false });
  }
});

test("no argument is given twice", () => {
  expect(findFunction("sum", [{}, { name: "axis" }])).toBeDefined();
  expect(findFunction("sum", [{}, { name: "axis" }, { name: "axis" }])).toBeUndefined();
});
