// The builder: one node for equal expressions, numbers for constant ones, and the identities it applies.
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { type Builder, constantOf, shapeOf, typeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { bool, int, real } from "../../src/runtime/ir/type.ts";
import { expectClose } from "../laws/finite-difference.ts";

/** Four indices that are known only when it runs. */
const i4 = (b: Builder): Value => b.cast(b.floor(b.mul(b.slice(vectorInput(b), 0, 0, 4), b.constant(0))), "int");
const vectorInput = (b: Builder, name = "x", n = 6): Value => b.input(name, real([n]));

describe("one node for equal expressions", () => {
  test("whatever the order of commuting operands", () => {
    const b = createBuilder();
    const [x, y] = [vectorInput(b, "x"), vectorInput(b, "y")];
    expect(b.add(x, b.exp(y))).toBe(b.add(b.exp(y), x));
    expect(b.sub(x, y)).not.toBe(b.sub(y, x));
    expect(b.sum(x, [0])).toBe(b.sum(x));
    expect(b.slice(x, 0, 1, 2)).not.toBe(b.slice(x, 0, 1, 3));
  });
  test("constants by value, with -0 and NaN apart", () => {
    const b = createBuilder();
    expect(b.constant(2.5)).toBe(b.constant(2.5));
    expect(b.constant(0)).not.toBe(b.constant(-0));
    expect(b.constant(Number.NaN)).toBe(b.constant(Number.NaN));
    expect(b.constant(3)).not.toBe(b.constant(3, "int"));
    expect(b.tensor(Float64Array.of(1, -0), [2])).not.toBe(b.tensor(Float64Array.of(1, 0), [2]));
    expect(b.tensor(Float64Array.of(1, 2), [2])).toBe(b.tensor(Float64Array.of(1, 2), [2]));
    const large = new Float64Array(1000);
    expect(b.tensor(large, [1000])).toBe(b.tensor(large, [1000]));
    expect(b.tensor(large, [10, 100])).not.toBe(b.tensor(large, [1000]));
  });
  test("inputs by name, of one type only", () => {
    const b = createBuilder();
    expect(b.input("x", real([3]))).toBe(b.input("x", real([3])));
    expect(() => b.input("x", int([3]))).toThrow(/x/);
  });
  test("values of another builder are refused", () => {
    expect(() => createBuilder().exp(vectorInput(createBuilder()))).toThrow(/another builder/);
  });
});

describe("constants fold", () => {
  test("through chains, to exact numbers", () => {
    const b = createBuilder();
    const v = b.mul(b.add(b.constant(2), b.constant(3)), b.tensor(Float64Array.of(1.5, -2), [2]));
    expect([...constantOf(v)!]).toEqual([7.5, -10]);
    expect([...constantOf(b.add(b.iota([4], 0), b.constant(1, "int")))!]).toEqual([1, 2, 3, 4]);
    expect(typeOf(b.add(b.iota([4], 0), b.constant(1, "int")))).toEqual(int([4]));
  });
  test("not where the result would be much larger", () => {
    const b = createBuilder();
    const column = b.tensor(new Float64Array(400).fill(1.5), [400, 1]);
    const row = b.tensor(new Float64Array(400).fill(2.5), [400]);
    const table = b.mul(column, row);
    expect(constantOf(table)).toBeNull();
    expect([...constantOf(b.sum(table))!]).toEqual([1.5 * 2.5 * 160000]);
  });
  test("copies of a scalar stay copies, and what is elementwise stays inside", () => {
    const b = createBuilder();
    const twos = b.broadcastTo(b.constant(2), [5]);
    expect(constantOf(twos)).toBeNull();
    expect(b.add(twos, b.constant(1))).toBe(b.broadcastTo(b.constant(3), [5]));
    const x = vectorInput(b, "x", 5);
    expect(b.mul(twos, x)).toBe(b.mul(b.constant(2), x));
    expect([...constantOf(b.cumsum(twos))!]).toEqual([2, 4, 6, 8, 10]);
  });
});

type Pairs = Readonly<Record<string, readonly [Value, Value]>>;
/** What is written, and what the builder makes of it. */
function identityPairs(b: Builder): Pairs {
  const x = vectorInput(b);
  const i = b.input("i", int([6]));
  const s = b.input("s", real());
  const c = b.input("c", bool([6]));
  const index = (...at: number[]): Value => b.tensor(Float64Array.from(at), [at.length], "int");
  const one = b.constant(1);
  const zero = b.constant(0);
  const slices = [b.slice(x, 0, 0, 2), b.slice(x, 0, 2, 3)] as const;
  const s1 = b.reshape(s, [1]);
  return {
    "x + 0": [b.add(x, zero), x],
    "0 + x": [b.add(zero, x), x],
    "x + (-y)": [b.add(x, b.neg(s)), b.sub(x, s)],
    "x - 0": [b.sub(x, zero), x],
    "0 - x": [b.sub(zero, x), b.neg(x)],
    "x * 1": [b.mul(x, one), x],
    "i * 1.0 is real": [b.mul(i, one), b.cast(i, "real")],
    "x * -1": [b.mul(b.constant(-1), x), b.neg(x)],
    "x * x": [b.mul(x, x), b.square(x)],
    "x / 1": [b.div(x, one), x],
    "1 / x": [b.div(one, x), b.reciprocal(x)],
    "--x": [b.neg(b.neg(x)), x],
    "-(x - y)": [b.neg(b.sub(x, s)), b.sub(s, x)],
    "x + 0 of more axes": [b.add(s, b.broadcastTo(zero, [3])), b.broadcastTo(s, [3])],
    "x ^ 2": [b.pow(x, b.constant(2)), b.square(x)],
    "x ^ 3": [b.pow(x, b.constant(3)), b.mul(x, b.square(x))],
    "x ^ 0.5": [b.pow(x, b.constant(0.5)), b.sqrt(x)],
    "x ^ 0": [b.pow(x, b.constant(0)), b.broadcastTo(one, [6])],
    "x ^ 1": [b.pow(x, one), x],
    "x ^ 4": [b.pow(x, b.constant(4)), b.square(b.square(x))],
    "x ^ 1.5": [b.pow(x, b.constant(1.5)), b.mul(x, b.sqrt(x))],
    "x ^ -0.5": [b.pow(x, b.constant(-0.5)), b.reciprocal(b.sqrt(x))],
    "x ^ -2": [b.pow(x, b.constant(-2)), b.reciprocal(b.square(x))],
    "i ^ 2 is real": [b.pow(i, b.constant(2, "int")), b.square(b.cast(i, "real"))],
    "x / -1": [b.div(x, b.constant(-1)), b.neg(x)],
    "x - (-y)": [b.sub(x, b.neg(s)), b.add(x, s)],
    "(-x) * (-y)": [b.mul(b.neg(x), b.neg(s)), b.mul(x, s)],
    "(-x)^2": [b.square(b.neg(x)), b.square(x)],
    "|-x|": [b.abs(b.neg(x)), b.abs(x)],
    "sqrt(x^2)": [b.sqrt(b.square(x)), b.abs(x)],
    "1 / (s / x)": [b.reciprocal(b.div(s, x)), b.div(x, s)],
    "log1p expm1 x": [b.log1p(b.expm1(x)), x],
    "0 log(1 + x)": [b.xlog1py(zero, x), b.broadcastTo(zero, [6])],
    "cast of cast": [b.cast(b.cast(c, "int"), "real"), b.cast(c, "real")],
    "broadcast of broadcast": [b.broadcastTo(b.broadcastTo(s, [6]), [2, 6]), b.broadcastTo(s, [2, 6])],
    "views of copies": [b.transpose(b.reshape(b.broadcastTo(s, [6]), [2, 3]), [1, 0]), b.broadcastTo(s, [3, 2])],
    "slice between pieces": [b.slice(b.assemble([x], 0, [4], 12), 0, 0, 3), b.broadcastTo(zero, [3])],
    "a longer transpose of transpose": [
      b.transpose(b.transpose(b.reshape(x, [1, 2, 3]), [2, 0, 1]), [1, 0, 2]),
      b.transpose(b.reshape(x, [1, 2, 3]), [0, 2, 1]),
    ],
    "slice of stretched rows": [
      b.slice(b.broadcastTo(b.reshape(x, [6, 1]), [6, 4]), 1, 1, 2),
      b.broadcastTo(b.reshape(x, [6, 1]), [6, 2]),
    ],
    "gather of copies": [b.gather(b.broadcastTo(s, [5]), i4(b)), b.broadcastTo(s, [4])],
    "scatter side by side": [b.scatterAdd(b.slice(x, 0, 0, 2), index(2, 3), 5), b.assemble([b.slice(x, 0, 0, 2)], 0, [2], 5)],
    "sum of a reshape": [b.sum(b.reshape(x, [2, 3])), b.sum(x)],
    "sum of negatives": [b.sum(b.neg(x)), b.neg(b.sum(x))],
    "sum of rows that are copies": [b.sum(b.broadcastTo(x, [4, 6]), [0]), b.mul(b.constant(4), x)],
    "logSumExp over one": [b.logSumExp(b.reshape(x, [6, 1]), [1]), x],
    "concat with nothing": [b.concat([x, b.slice(x, 0, 0, 0)], 0), x],
    "x ^ -1": [b.pow(x, b.constant(-1)), b.reciprocal(x)],
    "log exp x": [b.log(b.exp(x)), x],
    "0 log x": [b.xlogy(zero, x), b.broadcastTo(zero, [6])],
    "cast to its own type": [b.cast(i, "int"), i],
    "true ? x : s": [b.select(b.constant(1, "bool"), x, s), x],
    "false ? x : s": [b.select(b.constant(0, "bool"), x, s), b.broadcastTo(s, [6])],
    "c ? x : x": [b.select(c, x, x), x],
    "reshape of reshape": [b.reshape(b.reshape(x, [2, 3]), [3, 2]), b.reshape(x, [3, 2])],
    "reshape to itself": [b.reshape(x, [6]), x],
    "transpose of transpose": [b.transpose(b.transpose(b.reshape(x, [2, 3]), [1, 0]), [1, 0]), b.reshape(x, [2, 3])],
    "transpose of a row": [b.transpose(b.reshape(x, [1, 6]), [1, 0]), b.reshape(x, [6, 1])],
    "broadcast to itself": [b.broadcastTo(x, [6]), x],
    "whole slice": [b.slice(x, 0, 0, 6), x],
    "slice of slice": [b.slice(b.slice(x, 0, 4, 4, -1), 0, 1, 2, 2), b.slice(x, 0, 3, 2, -2)],
    "slice of a piece": [b.slice(b.concat([b.exp(x), x], 0), 0, 7, 2), b.slice(x, 0, 1, 2)],
    "slice of copies": [b.slice(b.broadcastTo(x, [4, 6]), 0, 1, 2), b.broadcastTo(x, [2, 6])],
    "gather of a progression": [b.gather(x, index(4, 2, 0)), b.slice(x, 0, 4, 3, -2)],
    "gather of one": [b.gather(x, b.constant(3, "int")), b.reshape(b.slice(x, 0, 3, 1), [])],
    "gather of one row again and again": [
      b.gather(b.reshape(x, [2, 3]), index(1, 1, 1, 1)),
      b.broadcastTo(b.slice(b.reshape(x, [2, 3]), 0, 1, 1), [4, 3]),
    ],
    "gather of gather": [b.gather(b.gather(x, index(4, 1, 1, 0)), index(3, 1, 1)), b.gather(x, index(0, 1, 1))],
    "sum over nothing": [b.sum(x, []), x],
    "sum over one": [b.sum(b.reshape(x, [6, 1]), [1]), x],
    "sum of copies": [b.sum(b.broadcastTo(s, [5])), b.mul(b.constant(5), s)],
    "concat of one": [b.concat([x], 0), x],
    "concat of concat": [b.concat([b.concat([x, s1], 0), x], 0), b.concat([x, s1, x], 0)],
    "concat in concat": [b.concat([x, b.concat([s1, x], 0)], 0), b.concat([x, s1, x], 0)],
    "a view of rows that are copies": [
      b.slice(b.reshape(b.broadcastTo(x, [2, 6]), [12]), 0, 5, 4, 1),
      b.slice(b.reshape(b.broadcastTo(x, [2, 6]), [12]), 0, 5, 4),
    ],
    "sum of disjoint pieces": [
      b.add(b.assemble([slices[1]], 0, [2], 5), b.assemble([slices[0]], 0, [0], 5)),
      b.assemble(slices, 0, [0, 2], 5),
    ],
  };
}
const inputs = {
  x: Float64Array.of(0.7, 1.9, 0.3, 2.6, 1.1, 4.2),
  i: Float64Array.of(3, -1, 4, 0, 2, 5),
  s: Float64Array.of(1.7),
  c: Float64Array.of(1, 0, 0, 1, 1, 0),
};

describe("identities", () => {
  const pairs = identityPairs(createBuilder());
  const literal = identityPairs(createBuilder({ literal: true }));
  test.each(Object.entries(pairs))("%s", (name, [made, expected]) => {
    expect(made).toBe(expected);
    expect(typeOf(made)).toEqual(typeOf(literal[name][0]));
    const [simple, written] = [interpret([made], inputs)[0], interpret([literal[name][0]], inputs)[0]];
    expectClose(simple, written, 8, name);
  });
  test("x * 0 is kept: it may be NaN", () => {
    const b = createBuilder();
    const [values] = interpret([b.mul(b.input("s", real()), b.constant(0))], { s: Float64Array.of(Number.POSITIVE_INFINITY) });
    expect(values[0]).toBeNaN();
  });
});

describe("matmul as NumPy's", () => {
  const shapes = [
    { x: [3], y: [3], to: [] },
    { x: [2, 3], y: [3], to: [2] },
    { x: [3], y: [3, 4], to: [4] },
    { x: [3], y: [5, 3, 4], to: [5, 4] },
    { x: [2, 3], y: [3, 4], to: [2, 4] },
    { x: [2, 3], y: [5, 6, 3, 4], to: [5, 6, 2, 4] },
    { x: [5, 2, 3], y: [3, 4], to: [5, 2, 4] },
    { x: [5, 1, 2, 3], y: [6, 3, 4], to: [5, 6, 2, 4] },
  ];
  test.each(shapes)("$x @ $y is $to", ({ x, y, to }) => {
    const b = createBuilder();
    expect(shapeOf(b.matmul(b.input("x", real(x)), b.input("y", real(y))))).toEqual(to);
  });
});
