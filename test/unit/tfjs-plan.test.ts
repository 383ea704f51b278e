// Plans for TensorFlow.js: what the steps are, and how the libraries are loaded.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { int, real } from "../../src/runtime/ir/type.ts";
import { loadTfjs, tfjsNames } from "../../src/runtime/tfjs/load.ts";
import { lastReaders, type Plan, planFor } from "../../src/runtime/tfjs/plan.ts";
import type { Traits } from "../../src/runtime/tfjs/steps.ts";
import { tensorflowTraits, wasmTraits } from "../../src/runtime/tfjs/traits.ts";

const everyKernel: Traits = { ...wasmTraits, has: (kernel) => !wasmTraits.faulty.has(kernel) };
const plan = (build: (b: Builder) => readonly Value[], inputs: (b: Builder) => readonly Value[], traits: Traits): Plan => {
  const b = createBuilder();
  return planFor({ inputs: inputs(b), outputs: build(b), updates: [] }, traits);
};
const kinds = (p: Plan): string[] => p.steps.map(({ operation }) => ("kernel" in operation ? operation.kernel : operation.kind));

describe("a product of matrices is one kernel", () => {
  const [x, w, g] = [real([5, 3]), real([3, 4]), real([5, 4])];
  const forms: readonly (readonly [string, (b: Builder) => readonly [Value, Value], number, number])[] = [
    ["x w", (b) => [b.input("x", x), b.input("w", w)], 1, 0],
    ["g w'", (b) => [b.input("g", g), b.input("w", w)], 1, 1],
    ["x' g", (b) => [b.input("x", x), b.input("g", g)], 0, 0],
    ["w' x'", (b) => [b.input("w", w), b.input("x", x)], 0, 1],
  ];
  test.each(forms)("%s", (_name, operands, left, right) => {
    const product = (b: Builder) => [b.dot(...operands(b), { batch: 0, left: [left], right: [right] })];
    expect(kinds(plan(product, operands, tensorflowTraits))).toEqual(["matMul"]);
    // Where products of transposed matrices are slow, these are transposed first, and nothing else is.
    const transposed = Number(left === 0) + Number(right === 1);
    const steps = kinds(plan(product, operands, everyKernel));
    expect(steps).toEqual([...new Array<string>(transposed).fill("transpose"), "matMul"]);
  });
  test("with batches and several contracted axes: none moves that need not", () => {
    const operands = (b: Builder) => [b.input("x", real([2, 5, 3, 4])), b.input("y", real([2, 3, 4, 6]))] as const;
    const product = (b: Builder) => [b.dot(...operands(b), { batch: 1, left: [3, 2], right: [2, 1] })];
    const steps = kinds(plan(product, operands, tensorflowTraits));
    expect(steps.filter((s) => s !== "reshape")).toEqual(["matMul"]);
  });
});

describe("a plan", () => {
  const b = createBuilder({ literal: true });
  const x = b.input("x", real([4]));
  const table = b.exp(b.tensor(Float64Array.of(1, 2, 3, 4), [4]));
  const unused = b.log(x);
  const y = b.add(b.mul(x, table), b.cast(b.tensor(Int32Array.of(1, 0, 1, 0), [4], "int"), "real"));
  const p = planFor({ inputs: [x], outputs: [y], updates: [] }, tensorflowTraits);
  test("runs once what depends on constants alone, and never what nobody reads", () => {
    expect(unused.node.id).toBeLessThan(y.node.id);
    expect(p.once.map(({ operation }) => operation.kind)).toEqual(["map", "cast"]);
    expect(kinds(p)).toEqual(["Multiply", "Add"]);
  });
  test("computes nothing ahead of parameters that are fixed, though it expands what reads them", () => {
    const fixed = (c: Builder) => c.unfolded(new Float64Array(100).fill(2), [100]);
    const total = (c: Builder) => [c.logSumExp(c.mul(c.input("x", real([100])), c.exp(fixed(c))))];
    const { once } = plan(total, (c) => [c.input("x", real([100]))], tensorflowTraits);
    expect(once.map(({ operation }) => "kernel" in operation && operation.kernel)).toEqual(["Exp"]);
  });
  test("ends each tensor after its last reader", () => {
    expect(lastReaders(p.steps, new Set(p.outputs.map((v) => v.slot)))).toEqual([[], [p.steps[0].results[0].slot]]);
  });
  test("computes on the host what a library lacks", () => {
    const lacking: Traits = { ...tensorflowTraits, has: () => false };
    const sums = (c: Builder) => [
      c.lgamma(c.input("x", real([4]))),
      c.scatterAdd(c.input("x", real([4])), c.input("i", int([4])), 3),
    ];
    const inputs = (c: Builder) => [c.input("x", real([4])), c.input("i", int([4]))];
    expect(kinds(plan(sums, inputs, lacking))).toEqual(["host", "host"]);
  });
});

describe("loading", () => {
  test("leaves the backend set that was, and gives one backend a name", async () => {
    await tf.setBackend("cpu");
    const first = await Promise.allSettled(tfjsNames.map((name) => loadTfjs(name)));
    expect(tf.getBackend()).toBe("cpu");
    expect(first.slice(1).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
    expect(await loadTfjs("tfjs-wasm")).toBe(await loadTfjs("tfjs-wasm"));
    expect(tf.add(tf.scalar(1), tf.scalar(2)).dataSync()[0]).toBe(3);
  });
});
