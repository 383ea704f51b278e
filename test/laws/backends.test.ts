// Laws of the backends: whatever the interpreter says, compiled code says too.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Program } from "../../src/runtime/backend.ts";
import { vectorize } from "../../src/runtime/ir/batch.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { shapeOf } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { primitives } from "../../src/runtime/ir/primitives/index.ts";
import { type Numbers, real } from "../../src/runtime/ir/type.ts";
import { compileWasm, generateWasm, instantiate, wasmBackend } from "../../src/runtime/wasm/backend.ts";
import { buildRandomProgram, randomSteps } from "./random-programs.ts";
import { buildShapeProgram, type ShapeProgram, shapeSteps } from "./shape-programs.ts";

const { epsilon } = wasmBackend;

/** Runs a program on wasm with these inputs; the outputs as arrays. */
function runWasm(program: Program, inputs: Readonly<Record<string, ArrayLike<number>>>): Float64Array[] {
  const e = instantiate(compileWasm(program));
  for (const [name, values] of Object.entries(inputs)) e.inputs[name].set(values);
  e.run();
  return e.outputs.map((o) => o.slice());
}

/** `scale`: size of the numbers that were combined on the way; differences of equal ones may leave their rounding errors alone. */
function agree(actual: Float64Array, expected: Float64Array, tolerance: number, scale: number, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  const largest = expected.reduce((m, y) => (Number.isFinite(y) ? Math.max(m, Math.abs(y)) : m), scale);
  for (let i = 0; i < expected.length; i++) {
    const [x, y] = [actual[i], expected[i]];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    expect(Math.abs(x - y) <= tolerance * largest, `${what}, element ${i}: ${x}, the interpreter says ${y}`).toBe(true);
  }
}

const COPIES = 23;

describe("interpreter = wasm at every probe", () => {
  for (const p of primitives) {
    // The probe's values are inputs of the program, so that nothing is folded.
    it(p.name, () => {
      p.probes.forEach((probe, k) => {
        const b = createBuilder();
        const inputs = probe.inputs.map(({ type }, i) => b.input(`x${i}`, type));
        const outputs = b.apply(p, inputs, probe.attrs);
        const given = Object.fromEntries(probe.inputs.map(({ values }, i) => [`x${i}`, Float64Array.from(values) as Numbers]));
        const expected = interpret(outputs, given);
        const actual = runWasm({ inputs, outputs, updates: [] }, given);
        outputs.forEach((_, i) => agree(actual[i], expected[i], 64 * epsilon, 0, `probe ${k} result ${i}`));
      });
    });
    it(`${p.name}, many copies side by side: in loops of another length, with the same bits`, () => {
      p.probes.forEach((probe, k) => {
        const b = createBuilder();
        const single = probe.inputs.map(({ type }, i) => b.input(`x${i}`, type));
        const inputs = probe.inputs.map(({ type }, i) => b.input(`copies${i}`, { ...type, shape: [COPIES, ...type.shape] }));
        const roots = b.apply(p, single, probe.attrs);
        const { values: outputs, batched } = vectorize(b, roots, new Map(single.map((v, i) => [v, inputs[i]])), COPIES);
        const given = Object.fromEntries(
          probe.inputs.map(({ values }, i) => [
            `copies${i}`,
            Float64Array.from({ length: COPIES * values.length }, (_, n) => values[n % values.length]),
          ]),
        );
        const expected = interpret(outputs, given);
        const actual = runWasm({ inputs, outputs, updates: [] }, given);
        outputs.forEach((_, i) => {
          agree(actual[i], expected[i], 64 * epsilon, 0, `probe ${k} result ${i}`);
          if (!batched[i] || !p.elementwise) return;
          const first = actual[i].subarray(0, actual[i].length / COPIES);
          actual[i].forEach((x, n) =>
            expect(x, `probe ${k}, copy ${Math.floor(n / first.length)}`).toBe(first[n % first.length]),
          );
        });
      });
    });
  }
});

function checkProgram({ program, inputs }: ShapeProgram): void {
  const expected = interpret(program.outputs, inputs);
  const actual = runWasm(program, inputs);
  program.outputs.forEach((v, i) => agree(actual[i], expected[i], 2 ** 14 * epsilon, 1, `output ${i} of shape [${shapeOf(v)}]`));
}

describe("interpreter = wasm for random programs", () => {
  it("over all primitives", () => {
    fc.assert(
      fc.property(randomSteps, (steps) => checkProgram(buildRandomProgram(steps))),
      { numRuns: 150, seed: 7 },
    );
  });
  it("of mixed shapes", () => {
    fc.assert(
      fc.property(shapeSteps, (steps) => checkProgram(buildShapeProgram(steps))),
      { numRuns: 400, seed: 11 },
    );
  });
});

describe("compiled code", () => {
  const program = buildShapeProgram(
    Array.from({ length: 30 }, (_, i) => ({ op: i, a: 5 * i + 1, b: 3 * i, c: 11 * i + 2 })),
  ).program;

  it("is a function of the program: compiling twice gives the same bytes", () => {
    const [one, two] = [generateWasm(program), generateWasm(program)];
    expect(Buffer.from(two.bytes).equals(Buffer.from(one.bytes))).toBe(true);
    expect(Buffer.from(two.memory).equals(Buffer.from(one.memory))).toBe(true);
  });
  it("needs no more memory after 10^5 calls, and computes the same", () => {
    const { program: small, inputs } = buildShapeProgram([
      { op: 0, a: 1, b: 1, c: 2 },
      { op: 12, a: 8, b: 1, c: 3 },
      { op: 4, a: 9, b: 1, c: 1 },
    ]);
    const e = instantiate(compileWasm(small));
    for (const [name, values] of Object.entries(inputs)) e.inputs[name].set(values);
    e.run();
    const first = e.outputs.map((o) => o.slice());
    const bytes = e.outputs[0].buffer.byteLength;
    const heap = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 1e5; i++) e.run();
    expect(e.outputs[0].buffer.byteLength).toBe(bytes);
    expect(process.memoryUsage().arrayBuffers).toBeLessThanOrEqual(heap + 2 ** 20);
    expect(e.outputs.map((o) => o.slice())).toEqual(first);
  });
  it("runs in two instances that do not know of each other", () => {
    const b = createBuilder();
    const x = b.input("x", real([9]));
    const image = compileWasm({
      inputs: [x],
      outputs: [b.scatterAdd(x, b.tensor(Int32Array.of(0, 1, 2, 0, 1, 2, 0, 1, 2), [9], "int"), 3)],
      updates: [],
    });
    const [one, two] = [instantiate(image), instantiate(image)];
    one.inputs.x.fill(1);
    two.inputs.x.fill(10);
    one.run();
    two.run();
    one.run();
    expect([...one.outputs[0]]).toEqual([3, 3, 3]);
    expect([...two.outputs[0]]).toEqual([30, 30, 30]);
  });
  it("replaces residents after everything has been read", async () => {
    const b = createBuilder();
    const [x, y] = [b.input("x", real([5])), b.input("y", real([5]))];
    const e = instantiate(
      compileWasm({
        inputs: [],
        outputs: [b.sum(x)],
        updates: [
          [x, y],
          [y, b.add(x, b.mul(y, b.constant(2)))],
        ],
      }),
    );
    e.write("x", Float64Array.of(1, 2, 3, 4, 5));
    e.write("y", Float64Array.of(1, 1, 1, 1, 1));
    e.run();
    expect([...(await e.read("x"))]).toEqual([1, 1, 1, 1, 1]);
    expect([...(await e.read("y"))]).toEqual([3, 4, 5, 6, 7]);
    expect(e.outputs[0][0]).toBe(15);
    e.run();
    expect([...(await e.read("y"))]).toEqual([7, 9, 11, 13, 15]);
  });
});
