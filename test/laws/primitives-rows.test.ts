// The law of rows: rows taken where they enter a graph give the rows of its result, for every primitive at every probe and axis.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { type Builder, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import type { Probe } from "../../src/runtime/ir/primitive.ts";
import { primitives } from "../../src/runtime/ir/primitives/index.ts";
import { takeRows } from "../../src/runtime/ir/rows.ts";
import type { Numbers } from "../../src/runtime/ir/type.ts";
import { buildRandomProgram, randomSteps } from "./random-programs.ts";

const cases = primitives.map((op) => [op.name, op] as const);
const inputsOf = (b: Builder, probe: Probe): Value[] => probe.inputs.map(({ type }, i) => b.input(`x${i}`, type));
const valuesOf = (probe: Probe): Record<string, Numbers> =>
  Object.fromEntries(probe.inputs.map(({ values }, i) => [`x${i}`, Float64Array.from(values)]));
/** Some rows, out of order, the last one twice. */
const someRows = (size: number): Float64Array => Float64Array.from(size < 2 ? [0, 0, 0] : [size - 1, 0, size - 1]);
/** These, a single one, and all. */
const choices = (size: number): Float64Array[] => [
  someRows(size),
  Float64Array.of(size - 1),
  Float64Array.from({ length: size }, (_, i) => i),
];

/** The rows of a row-major array along an axis. */
function rowsOf(values: Float64Array, shape: readonly number[], axis: number, rows: ArrayLike<number>): Float64Array {
  const inner = shape.slice(axis + 1).reduce((a, n) => a * n, 1);
  const outer = shape.slice(0, axis).reduce((a, n) => a * n, 1);
  const out: number[] = [];
  for (let o = 0; o < outer; o++)
    for (let r = 0; r < rows.length; r++)
      for (let i = 0; i < inner; i++) out.push(values[(o * shape[axis] + rows[r]) * inner + i]);
  return Float64Array.from(out);
}

describe.each(cases)("%s", (_name, op) => {
  test("of some rows gives these rows of its result", () => {
    for (const [p, probe] of op.probes.entries()) {
      const b = createBuilder();
      const results = b.apply(op, inputsOf(b, probe), probe.attrs);
      for (const [k, result] of results.entries()) {
        const shape = shapeOf(result);
        shape.forEach((size, axis) => {
          if (size === 0) return;
          for (const rows of choices(size)) {
            const [taken] = takeRows(b, [{ value: result, axis }], b.tensor(rows, [rows.length], "int"));
            const [got, whole] = interpret([taken, result], valuesOf(probe));
            expect(shapeOf(taken), `probe ${p}, result ${k}, axis ${axis}`).toEqual(
              shape.map((n, i) => (i === axis ? rows.length : n)),
            );
            expect(got, `probe ${p}, result ${k}, axis ${axis}`).toEqual(rowsOf(whole, shape, axis, rows));
          }
        });
      }
    }
  });
});

test("of a random program gives the rows of its values", () => {
  fc.assert(
    fc.property(randomSteps, fc.nat(), (steps, pick) => {
      const { builder: b, program, inputs } = buildRandomProgram(steps);
      const roots = [...program.outputs].flatMap((value) =>
        nodesOf([value]).flatMap((node) => node.results.map((_, index) => ({ node, index }))),
      );
      const rowed = roots.filter((v) => shapeOf(v).some((n) => n > 0));
      if (rowed.length === 0) return;
      const value = rowed[pick % rowed.length];
      const shape = shapeOf(value);
      const axis = shape.findIndex((n) => n > 0);
      const rows = someRows(shape[axis]);
      const [taken] = takeRows(b, [{ value, axis }], b.tensor(rows, [rows.length], "int"));
      const [got, whole] = interpret([taken, value], inputs);
      const expected = rowsOf(whole, shape, axis, rows);
      expect(got).toEqual(expected);
    }),
    { seed: 20261120, numRuns: 300 },
  );
});

test("nothing else is computed for the other rows, and rows at hand replace inputs", () => {
  const b = createBuilder();
  const [N, D, K, B] = [1000, 7, 3, 5];
  const x = b.tensor(
    Float64Array.from({ length: N * D }, (_, i) => (i % 11) - 5),
    [N, D],
  );
  const noise = b.input("noise", { shape: [N, K], dtype: "real" });
  const weight = b.input("weight", { shape: [D, K], dtype: "real" });
  const scale = b.input("scale", { shape: [N], dtype: "real" });
  const z = b.add(b.tanh(b.matmul(x, weight)), b.mul(b.reshape(scale, [N, 1]), noise));
  const term = b.sum(b.square(b.sub(b.matmul(z, b.transpose(weight, [1, 0])), x)), [1]);
  const indices = b.input("rows", { shape: [B], dtype: "int" });
  const own = b.input("own noise", { shape: [B, K], dtype: "real" });
  const [taken] = takeRows(b, [{ value: term, axis: 0 }], indices, new Map([[noise, { value: own, axis: 0 }]]));
  const whole = nodesOf([taken]).filter((n) => n.results.some((t) => t.shape.includes(N)));
  expect(whole.map((n) => (typeof n.op === "string" ? n.op : n.op.name)).sort()).toEqual(["constant", "input"]);
  expect(nodesOf([taken])).not.toContain(noise.node);
  const rows = Float64Array.of(3, 999, 0, 3, 500);
  const all = Float64Array.from({ length: N * K }, (_, i) => Math.sin(i));
  const values = {
    weight: Float64Array.from({ length: D * K }, (_, i) => 0.3 - 0.04 * i),
    scale: Float64Array.from({ length: N }, (_, i) => 1 + (i % 7)),
    noise: all,
    rows,
    "own noise": rowsOf(all, [N, K], 0, rows),
  };
  const [got, full] = interpret([taken, term], values);
  expect(got).toEqual(rowsOf(full, [N], 0, rows));
});

test("of a graph deeper than the stack of calls", () => {
  const b = createBuilder();
  let v = b.input("x", { shape: [4], dtype: "real" });
  for (let i = 0; i < 20_000; i++) v = b.sin(v);
  const [taken] = takeRows(b, [{ value: v, axis: 0 }], b.tensor(Float64Array.of(2, 0), [2], "int"));
  expect(shapeOf(taken)).toEqual([2]);
});

// A minibatch of a plate with one row, and chains side by side for it: the rows at hand differ though the plate has but one.
describe.each([1, 4])("rows at hand of a plate of %i", (N) => {
  const C = 3;
  const graphs: readonly (readonly [string, (b: Builder, z: Value) => readonly [Value, axis: number]])[] = [
    ["repeated along another axis", (b, z) => [b.sum(b.concat([b.broadcastTo(z, [N, 4]), b.exp(z)], 1), [1]), 0]],
    ["behind an axis of size 1", (b, z) => [b.concat([b.reshape(z, [1, N]), b.exp(b.reshape(z, [1, N]))], 0), 1]],
    ["between two", (b, z) => [b.sum(b.reshape(b.cumsum(b.reshape(z, [1, N, 1])), [N, 1]), [1]), 0]],
    ["along the last axis", (b, z) => [b.sum(b.exp(b.transpose(z, [1, 0])), [0]), 0]],
    ["in a product", (b, z) => [b.matmul(b.broadcastTo(z, [N, 2]), b.tensor(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3])), 0]],
  ];
  test.each(graphs)("%s", (_name, build) => {
    const b = createBuilder();
    const z = b.input("z", { shape: [N, 1], dtype: "real" });
    const own = b.input("own", { shape: [C, 1], dtype: "real" });
    const [value, axis] = build(b, z);
    const [taken] = takeRows(
      b,
      [{ value, axis }],
      b.input("rows", { shape: [C], dtype: "int" }),
      new Map([[z, { value: own, axis: 0 }]]),
    );
    expect(nodesOf([taken])).not.toContain(z.node);
    const rows = [N - 1, 0, N - 1];
    const given = Float64Array.of(0.3, -1.2, 0.7);
    const [got] = interpret([taken], { rows: Float64Array.from(rows), own: given });
    const single = rows.map((row, c) => {
      const all = Float64Array.from({ length: N }, (_, n) => (n === row ? given[c] : n));
      return rowsOf(interpret([value], { z: all })[0], shapeOf(value), axis, [row]);
    });
    const shape = shapeOf(value).with(axis, C);
    single.forEach((expected, c) => {
      expect(rowsOf(got, shape, axis, [c])).toEqual(expected);
    });
  });
});
