// Sums of logarithms that the code generator makes of products: no overflow however long, the tails, NaN, wherever the accumulators are.
import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { real } from "../../src/runtime/ir/type.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";

const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
const wave = (n: number, size = 1): Float64Array => Float64Array.from({ length: n }, (_, i) => size * Math.sin(0.7 * i + 0.3));

/** Outputs of the compiled code beside those of the oracle. */
function both(u: Float64Array, shape: readonly number[], build: (b: Builder, x: Value) => readonly Value[]) {
  const b = createBuilder();
  const x = b.input("u", real(shape));
  const program = { inputs: [x], outputs: build(b, x), updates: [] };
  const e = instantiate(compileWasm(program));
  e.inputs.u.set(u);
  e.run();
  return { got: e.outputs.map((o) => Float64Array.from(o)), expected: interpret(program.outputs, { u }) };
}
/** Each of N elements is rounded some four times, by half a unit in the last place of a number of its size or of 1. */
function expectSums(got: Float64Array, expected: Float64Array, elements: number): void {
  expect(got.length).toBe(expected.length);
  got.forEach((x, i) => {
    expect(Math.abs(x - expected[i])).toBeLessThanOrEqual(4 * elements * Number.EPSILON * (1 + Math.abs(expected[i]) / elements));
  });
}

describe("sums of logarithms by products", () => {
  it.each([1, 2, 3, 4, 7, 25, 64, 501, 3020, 40_001])("of %i elements, all factors 2 or any", (n) => {
    for (const u of [new Float64Array(n), wave(n, 1e-3), wave(n, 30)]) {
      const { got, expected } = both(u, [n], (b, x) => [b.sumSoftplus(x)]);
      expectSums(got[0], expected[0], n);
    }
  });
  it.each([[[0]], [[1]], [[0, 1]]])("over axes %j of many rows and columns, whichever loop is the inner one", (axes) => {
    for (const [rows, columns] of [
      [1500, 40],
      [40, 1500],
      [2, 1201],
      [1201, 3],
      [20, 100],
    ]) {
      const u = wave(rows * columns, 1e-2);
      // Beside a map of the same elements, with which the sum shares its loops.
      const { got, expected } = both(u, [rows, columns], (b, x) => [b.sumSoftplus(x, axes), b.sigmoid(x)]);
      expectSums(got[0], expected[0], rows * columns);
    }
  });
  it("at the tails, and NaN wherever it stands", () => {
    const n = 101;
    const value = (at: number, x: number): number => {
      const u = new Float64Array(n).fill(-inf); // exp of -infinity adds nothing
      u[at] = x;
      return both(u, [n], (b, v) => [b.sumSoftplus(v)]).got[0][0];
    };
    for (const at of [0, 1, 50, n - 2, n - 1]) {
      expect(value(at, nan)).toBe(nan);
      expect(value(at, inf)).toBe(inf);
      expect(value(at, 800)).toBe(800);
      expect(value(at, -800)).toBe(0);
      expect(value(at, 0)).toBeCloseTo(Math.LN2, 15);
      expect(value(at, 40)).toBe(40);
      expect(Math.abs(value(at, -40))).toBeLessThanOrEqual(Number.EPSILON);
    }
  });
  it("a Bernoulli sum has its slope, exact far out", () => {
    const n = 90;
    const u = wave(n, 3);
    u.set([800, -800, 40, -40, 0, inf, -inf]);
    const b = createBuilder();
    const x = b.input("u", real([n]));
    const [objective] = simplify(b, { inputs: [x], outputs: [b.neg(b.sum(b.softplus(x)))], updates: [] }).outputs;
    const program = simplify(b, { inputs: [x], outputs: gradient(b, objective, [x]), updates: [] });
    const e = instantiate(compileWasm(program));
    e.inputs.u.set(u);
    e.run();
    const slope = e.outputs[0];
    const oracle = interpret([b.neg(b.sigmoid(x))], { u })[0];
    expect([...slope.subarray(0, 7)].map((s) => s + 0)).toEqual([-1, 0, -1, oracle[3], -0.5, -1, 0]);
    slope.forEach((s, i) => {
      expect(Math.abs(s - oracle[i])).toBeLessThanOrEqual(3 * Number.EPSILON * Math.abs(oracle[i]));
    });
  });
});
