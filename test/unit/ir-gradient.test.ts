// The gradient driver: what it accumulates, and that a cotangent of exactly zero annihilates.
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { type Builder, constantOf, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import type { Primitive } from "../../src/runtime/ir/primitive.ts";
import { bool, int, real } from "../../src/runtime/ir/type.ts";

const { POSITIVE_INFINITY: inf, NaN: none } = Number;
const count = (roots: readonly Value[], test: (op: Primitive) => boolean): number =>
  nodesOf(roots).filter(({ op }) => typeof op !== "string" && test(op)).length;
const named = (name: string) => (op: Primitive) => op.name === name;
const gradientAt = (f: (b: Builder, x: Value) => Value, x: readonly number[]): number[] => {
  const b = createBuilder();
  const input = b.input("x", real([x.length]));
  const [g] = interpret(gradient(b, f(b, input), [input]), { x: Float64Array.from(x) });
  return [...g];
};

describe("gradient", () => {
  test("sums over the axes that were broadcast", () => {
    const b = createBuilder();
    const shapes = [[], [3], [2, 1], [1, 3], [2, 3]];
    const inputs = shapes.map((shape, i) => b.input(`x${i}`, real(shape)));
    const root = b.sum(inputs.reduce((s, x) => b.add(s, x)));
    const gs = gradient(b, root, inputs);
    expect(gs.map(shapeOf)).toEqual(shapes);
    const given = Object.fromEntries(shapes.map((s, i) => [`x${i}`, new Float64Array(s.reduce((p, d) => p * d, 1))]));
    expect(interpret(gs, given).map((g) => [...g])).toEqual([[6], [2, 2, 2], [3, 3], [2, 2, 2], [1, 1, 1, 1, 1, 1]]);
  });
  test("is zero for what the root does not depend on, for integers too", () => {
    const b = createBuilder();
    const [x, i] = [b.input("x", real([2])), b.input("i", int([2]))];
    const gs = gradient(b, b.sum(b.mul(i, b.constant(2.5))), [x, i]);
    expect(gs.map((g) => constantOf(g.node.inputs[0])?.[0])).toEqual([0, 0]);
  });
  test("counts every use, and the root itself", () => {
    expect(gradientAt((b, x) => b.sum(b.add(b.mul(x, b.exp(x)), x)), [0])).toEqual([2]);
    const b = createBuilder();
    const x = b.input("x", real());
    expect(gradient(b, x, [x])).toEqual([b.constant(1)]);
  });
  test("with respect to a value in the middle, and one below it", () => {
    const b = createBuilder();
    const x = b.input("x", real());
    const y = b.square(x);
    const [dy, dx] = interpret(gradient(b, b.mul(y, x), [y, x]), { x: Float64Array.of(3) });
    expect([dy[0], dx[0]]).toEqual([3, 27]);
  });
  test("slices of one vector give one assembled vector", () => {
    const b = createBuilder();
    const u = b.input("u", real([40]));
    const parts = Array.from({ length: 20 }, (_, i) => b.slice(u, 0, 2 * i, 2));
    const root = b.sum(parts.map((p, i) => b.mul(b.constant(i + 0.5), b.square(p))).reduce((s, t) => b.add(s, t)));
    const [g] = gradient(b, root, [u]);
    expect(count([g], named("assemble"))).toBe(1);
    expect(g.node.inputs.length).toBe(20);
    const [values] = interpret([g], { u: Float64Array.from({ length: 40 }, (_, i) => i) });
    expect([...values]).toEqual(Array.from({ length: 40 }, (_, i) => 2 * (Math.floor(i / 2) + 0.5) * i));
  });
  test("slices that overlap give as few vectors as there are layers", () => {
    const f = (b: Builder, x: Value): Value => b.sum(b.mul(b.slice(x, 0, 0, 3), b.exp(b.slice(x, 0, 1, 3))));
    expect(gradientAt(f, [2, 0, 0, 0])).toEqual([1, 3, 1, 0]);
  });
});

describe("a cotangent of exactly zero annihilates", () => {
  test.each<readonly [string, (b: Builder, x: Value) => Value, readonly number[], readonly number[]]>([
    [
      "x > 0 ? log x : 0",
      (b, x) => b.sum(b.select(b.gt(x, b.constant(0)), b.log(x), b.constant(0))),
      [2, 0, -3, none],
      [0.5, 0, 0, 0],
    ],
    [
      "x > 0 ? sqrt(x)^3 : 0",
      (b, x) => b.sum(b.select(b.gt(x, b.constant(0)), b.mul(x, b.sqrt(x)), b.constant(0))),
      [4, 0, -1],
      [3, 0, 0],
    ],
    ["max(log x, -1)", (b, x) => b.sum(b.max(b.log(x), b.constant(-1))), [1, 0], [1, 0]],
    ["logSumExp of log x", (b, x) => b.logSumExp(b.log(x)), [1, 0, 3], [0.25, 0, 0.25]],
    ["logSumExp of -inf", (b, x) => b.logSumExp(b.mul(b.tensor(Float64Array.of(-inf, 1, 2), [3]), x)), [1, 0, 0], [0, 0.5, 1]],
    ["logSumExp of nothing possible", (b, x) => b.logSumExp(b.add(x, b.constant(-inf))), [1, 2], [0, 0]],
    ["logAddExp of -inf", (b, x) => b.sum(b.logAddExp(b.log(b.mul(x, b.constant(0))), x)), [1.5], [1]],
    ["logAddExp of -inf twice", (b, x) => b.sum(b.logAddExp(x, b.add(x, b.constant(1)))), [-inf], [1]],
    ["0 log sqrt x", (b, x) => b.sum(b.xlogy(b.tensor(Float64Array.of(0, 2), [2]), b.sqrt(x))), [0, 4], [0, 0.25]],
    ["0 log1p(-sqrt x)", (b, x) => b.sum(b.xlog1py(b.tensor(Float64Array.of(0, 2), [2]), b.neg(b.sqrt(x)))), [1, 0.25], [0, -4]],
    [
      "data that are 0 times log x",
      (b, x) => b.sum(b.mul(b.tensor(Float64Array.of(0, 2), [2]), b.square(b.sqrt(x)))),
      [0, 4],
      [0, 2],
    ],
  ])("%s", (_name, f, x, expected) => {
    const g = gradientAt(f, x);
    g.forEach((v, i) => {
      expect(v).not.toBeNaN();
      expect(v).toBeCloseTo(expected[i], 12);
    });
  });
  test("row by row in stacks of matrices", () => {
    const b = createBuilder();
    const [a, c] = [b.input("a", real([3, 1, 1])), b.input("c", bool([3]))];
    const [g] = gradient(b, b.sum(b.select(c, b.logAbsDet(a), b.constant(0))), [a]);
    // the second matrix is singular, and not chosen
    expect([...interpret([g], { a: Float64Array.of(2, 0, 4), c: Float64Array.of(1, 0, 1) })[0]]).toEqual([0.5, 0, 0.25]);
  });
  test("and what cannot vanish pays nothing for it", () => {
    const b = createBuilder();
    const [x, c] = [b.input("x", real([5])), b.input("c", bool([5]))];
    const [plain] = gradient(b, b.sum(b.log(b.exp(b.sin(x)))), [x]);
    expect(count([plain], named("select"))).toBe(0);
    const [masked] = gradient(b, b.sum(b.select(c, b.log(b.add(x, b.square(x))), b.constant(0))), [x]);
    expect(count([masked], named("select"))).toBeGreaterThan(1);
  });
});
