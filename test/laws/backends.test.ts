// Laws of the backends: whatever the interpreter says, compiled code says too.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Backend, Program } from "../../src/runtime/backend.ts";
import { ShapeError } from "../../src/runtime/errors.ts";
import { vectorize } from "../../src/runtime/ir/batch.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { dtypeOf, type InputAttrs, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import type { Primitive, Probe } from "../../src/runtime/ir/primitive.ts";
import { primitives } from "../../src/runtime/ir/primitives/index.ts";
import { bool, int, real } from "../../src/runtime/ir/type.ts";
import { missesOfGraphs } from "../../src/runtime/tfjs/traits.ts";
import { compileWasm, generateWasm, instantiate, wasmBackend } from "../../src/runtime/wasm/backend.ts";
import { backends, tfjsBackends, variants, whatLoads } from "./backends.ts";
import { buildRandomProgram, randomSteps } from "./random-programs.ts";
import { buildShapeProgram, shapeSteps } from "./shape-programs.ts";

it(`backends under these laws: ${whatLoads}`, () => expect(backends.length).toBeGreaterThanOrEqual(3));

type Given = Readonly<Record<string, Float64Array>>;

/** Runs a program with these inputs; the outputs as arrays. */
async function runOn(backend: Backend, program: Program, inputs: Given): Promise<Float64Array[]> {
  const e = await backend.compile(program);
  for (const [name, values] of Object.entries(inputs)) e.inputs[name].set(values);
  e.run();
  const outputs = e.outputs.map((o) => o.slice());
  e.dispose();
  return outputs;
}

/** Numbers as the backend takes them. */
function rounded({ epsilon }: Backend, inputs: Given, values: readonly Value[]): Given {
  const reals = new Set(values.filter((v) => dtypeOf(v) === "real").map((v) => (v.node.attrs as InputAttrs).name));
  return Object.fromEntries(
    Object.entries(inputs).map(([name, x]) => [name, epsilon > SINGLE / 2 && reals.has(name) ? x.map(Math.fround) : x]),
  );
}
const SINGLE = 2 ** -23;

/** Overflow and underflow of the backend's numbers are no errors. */
function isOutOfRange({ epsilon }: Backend, x: number, y: number): boolean {
  return epsilon === SINGLE && (Math.fround(y) === x || Math.abs(x - y) < 2 ** -126);
}

/** `scale`: size of the numbers that were combined on the way; differences of equal ones may leave their rounding errors alone. */
function agree(backend: Backend, actual: Float64Array, expected: Float64Array, bound: (i: number) => number, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const [x, y] = [actual[i], expected[i]];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y)) || isOutOfRange(backend, x, y)) continue;
    expect(Math.abs(x - y) <= bound(i), `${what}, element ${i}: ${x}, the interpreter says ${y} ± ${bound(i)}`).toBe(true);
  }
}
const largestOf = (values: Float64Array, least: number): number =>
  values.reduce((m, y) => (Number.isFinite(y) ? Math.max(m, Math.abs(y)) : m), least);

/** For each output element how far it moves when the real inputs move by one rounding, up, down, and every other one down. */
function sensitivities({ epsilon }: Backend, outputs: readonly Value[], inputs: readonly Value[], given: Given): Float64Array[] {
  const here = interpret(outputs, given);
  const moves = here.map((o) => new Float64Array(o.length));
  for (const signs of [
    [1, 1],
    [-1, -1],
    [1, -1],
  ]) {
    for (const moved of inputs.filter((v) => dtypeOf(v) === "real")) {
      const { name } = moved.node.attrs as InputAttrs;
      const there = interpret(outputs, { ...given, [name]: given[name].map((x, i) => x * (1 + signs[i % 2] * epsilon)) });
      moves.forEach((m, k) => {
        m.forEach((_, i) => {
          const move = Math.abs(there[k][i] - here[k][i]);
          if (Number.isFinite(move)) m[i] = Math.max(m[i], move);
        });
      });
    }
  }
  return moves;
}

const hasGradient = (p: Primitive, { inputs, attrs }: Probe): boolean => {
  const types = inputs.map(({ type }) => type);
  return [types, p.type(types, attrs)].every((list) => list.some(({ dtype }) => dtype === "real"));
};
const COPIES = 23;
/** Roundings of an operation written with a few others. */
const ROUNDINGS = 8;

describe.each(backends.map((b) => [b.name, b] as const))("interpreter = %s at every probe", (_name, backend) => {
  const { epsilon } = backend;
  for (const p of primitives) {
    // The probe's values are inputs of the program, so that nothing is folded.
    it(p.name, async () => {
      for (const [k, probe] of p.probes.entries()) {
        const b = createBuilder();
        const inputs = probe.inputs.map(({ type }, i) => b.input(`x${i}`, type));
        const outputs = b.apply(p, inputs, probe.attrs);
        const given = rounded(
          backend,
          Object.fromEntries(probe.inputs.map(({ values }, i) => [`x${i}`, Float64Array.from(values)])),
          inputs,
        );
        const expected = interpret(outputs, given);
        const actual = await runOn(backend, { inputs, outputs, updates: [] }, given);
        const moves = sensitivities(backend, outputs, inputs, given);
        outputs.forEach((v, i) => {
          const scale = largestOf(expected[i], 0);
          const size = (n: number): number => (p.elementwise ? Math.abs(expected[i][n]) : scale);
          // An operation on integers that has no integer for a result has none that a tensor of integers could hold.
          const wanted =
            dtypeOf(v) === "real" ? expected[i] : expected[i].map((y, n) => (Number.isInteger(y) ? y : actual[i][n]));
          const bound = (n: number): number => ROUNDINGS * (epsilon * size(n) + moves[i][n]);
          agree(backend, actual[i], wanted, bound, `probe ${k} result ${i}`);
        });
      }
    });
    const isRough = p.differenced === true && backend !== wasmBackend;
    const smooth = isRough ? [] : [...p.probes.entries()].filter(([, probe]) => hasGradient(p, probe));
    if (smooth.length > 0)
      it(`${p.name}: gradient`, async () => {
        for (const [k, probe] of smooth) {
          const b = createBuilder();
          const inputs = probe.inputs.map(({ type }, i) => b.input(`x${i}`, type));
          const wrt = inputs.filter((v) => dtypeOf(v) === "real");
          const results = b.apply(p, inputs, probe.attrs).filter((v) => dtypeOf(v) === "real");
          const total = results.map((v, i) => b.sum(b.mul(b.constant(0.7 + 0.4 * i), v))).reduce((s, v) => b.add(s, v));
          const outputs = gradient(b, total, wrt);
          const given = rounded(
            backend,
            Object.fromEntries(probe.inputs.map(({ values }, i) => [`x${i}`, Float64Array.from(values)])),
            inputs,
          );
          const expected = interpret(outputs, given);
          const actual = await runOn(backend, { inputs, outputs, updates: [] }, given);
          const moves = sensitivities(backend, outputs, inputs, given);
          outputs.forEach((_, i) => {
            const scale = largestOf(expected[i], 0);
            agree(backend, actual[i], expected[i], (n) => 64 * (epsilon * scale + moves[i][n]), `probe ${k} by input ${i}`);
          });
        }
      });
    it(`${p.name}, many copies side by side: in loops of another length`, async () => {
      for (const [k, probe] of p.probes.entries()) {
        const b = createBuilder();
        const single = probe.inputs.map(({ type }, i) => b.input(`x${i}`, type));
        const inputs = probe.inputs.map(({ type }, i) => b.input(`copies${i}`, { ...type, shape: [COPIES, ...type.shape] }));
        const roots = b.apply(p, single, probe.attrs);
        const { values: outputs, batched } = vectorize(b, roots, new Map(single.map((v, i) => [v, inputs[i]])), COPIES);
        const given = rounded(
          backend,
          Object.fromEntries(
            probe.inputs.map(({ values }, i) => [
              `copies${i}`,
              Float64Array.from({ length: COPIES * values.length }, (_, n) => values[n % values.length]),
            ]),
          ),
          inputs,
        );
        const expected = interpret(outputs, given);
        const actual = await runOn(backend, { inputs, outputs, updates: [] }, given);
        outputs.forEach((v, i) => {
          const scale = largestOf(expected[i], 0);
          const wanted =
            dtypeOf(v) === "real" ? expected[i] : expected[i].map((y, n) => (Number.isInteger(y) ? y : actual[i][n]));
          agree(backend, actual[i], wanted, () => 64 * epsilon * scale, `probe ${k} result ${i}`);
          if (!batched[i] || !p.elementwise || backend !== wasmBackend) return;
          // With the same bits, whether computed in pairs or alone.
          const first = actual[i].subarray(0, actual[i].length / COPIES);
          actual[i].forEach((x, n) =>
            expect(x, `probe ${k}, copy ${Math.floor(n / first.length)}`).toBe(first[n % first.length]),
          );
        });
      }
    });
  }
});

/** A program that updates a resident may be compiled as a whole, by other code than its steps. */
const compilers = tfjsBackends.flatMap((b) => (b.variants.length > 0 ? [b, b.variants[0]] : []));
describe.each(compilers.map((b) => [b.name, b] as const))("interpreter = a training step on %s", (_name, backend) => {
  const { epsilon } = backend;
  it.each(primitives.map((p) => [p.name, p] as const))("%s, at all probes together", async (_op, p) => {
    const b = createBuilder();
    const cases = p.probes.map((probe, k) => {
      const inputs = probe.inputs.map(({ type }, i) => b.input(`probe${k}x${i}`, type));
      const values = Object.fromEntries(probe.inputs.map((x, i) => [`probe${k}x${i}`, Float64Array.from(x.values)]));
      return { inputs, outputs: b.apply(p, inputs, probe.attrs), given: rounded(backend, values, inputs) };
    });
    const steps = b.input("steps", real());
    const inputs = cases.flatMap((c) => c.inputs);
    const outputs = cases.flatMap((c) => c.outputs);
    const e = await backend.compile({ inputs, outputs, updates: [[steps, b.add(steps, b.constant(1))]] });
    for (const { given } of cases) for (const [name, values] of Object.entries(given)) e.inputs[name].set(values);
    e.run();
    let next = 0;
    for (const [k, { inputs: own, outputs: wanted, given }] of cases.entries()) {
      const expected = interpret(wanted, given);
      const moves = sensitivities(backend, wanted, own, given);
      wanted.forEach((v, i) => {
        const actual = e.outputs[next++];
        const scale = largestOf(expected[i], 0);
        const size = (n: number): number => (p.elementwise ? Math.abs(expected[i][n]) : scale);
        const missed = (missesOfGraphs.get(p.name) ?? 0) * epsilon;
        const whole = dtypeOf(v) === "real" ? expected[i] : expected[i].map((y, n) => (Number.isInteger(y) ? y : actual[n]));
        agree(backend, actual, whole, (n) => missed + ROUNDINGS * (epsilon * size(n) + moves[i][n]), `probe ${k} result ${i}`);
      });
    }
    expect(await e.read("steps")).toEqual(Float64Array.of(1));
    e.dispose();
  });
});

/** A probe with other numbers or types in places of its reals. */
type Changed = Probe["inputs"];
/** NaN, or an infinity, at one end of each real input. */
function withoutNumbers({ inputs, singular }: Probe): Changed[] {
  if (singular) return [];
  const bad = [
    [-1, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
    [-1, Number.NEGATIVE_INFINITY],
  ] as const;
  return inputs.flatMap(({ type, values }, i) =>
    type.dtype === "real" ? bad.map(([at, x]) => inputs.with(i, { type, values: values.with(at, x) })) : [],
  );
}
/** Small integers, and truth values, where the operation takes them in place of its reals. */
function inWholeNumbers(op: Primitive, { inputs, attrs, singular }: Probe): Changed[] {
  if (singular) return [];
  const number = {
    int: (x: number) => Math.sign(x) * Math.min(9, Math.ceil(Math.abs(3 * x))),
    bool: (x: number) => Number(x > 0),
  };
  return (["int", "bool"] as const).flatMap((dtype) => {
    const changed = inputs.map((x) =>
      x.type.dtype === "real" ? { type: { ...x.type, dtype }, values: x.values.map(number[dtype]) } : x,
    );
    try {
      op.type(
        changed.map(({ type }) => type),
        attrs,
      );
    } catch (e) {
      if (e instanceof ShapeError) return [];
      throw e;
    }
    return [changed];
  });
}
/** `trains`: compiled as a whole where the backend does that. */
type Change = readonly [what: string, change: (op: Primitive, probe: Probe) => Changed[], trains: boolean];
const changes: readonly Change[] = [
  // The zeros around an image, and those of a transposed convolution, may or may not be multiplied with what is no number.
  ["NaN and infinities", (op, probe) => (op.finiteDerivative === "of finite inputs" ? [] : withoutNumbers(probe)), true],
  ["integers and truth values", inWholeNumbers, false],
];
describe.each(backends.map((b) => [b.name, b] as const))("interpreter = %s", (_name, backend) => {
  const { epsilon } = backend;
  describe.each(changes)("for %s in place of reals", (_what, change, trains) => {
    const cases = primitives.flatMap((p) => {
      const own = p.probes.flatMap((probe) => change(p, probe).map((inputs) => ({ inputs, attrs: probe.attrs })));
      return own.length > 0 ? [[p.name, p, own] as const] : [];
    });
    it.each(cases)("%s", async (_op, p, own) => {
      const b = createBuilder();
      const programs = own.map(({ inputs, attrs }, k) => {
        const operands = inputs.map(({ type }, i) => b.input(`case${k}x${i}`, type));
        const given = Object.fromEntries(inputs.map(({ values }, i) => [`case${k}x${i}`, Float64Array.from(values)]));
        return { operands, outputs: b.apply(p, operands, attrs), given: rounded(backend, given, operands), inputs };
      });
      const steps = b.input("steps", real());
      const e = await backend.compile({
        inputs: programs.flatMap((c) => c.operands),
        outputs: programs.flatMap((c) => c.outputs),
        updates: trains ? [[steps, b.add(steps, b.constant(1))]] : [],
      });
      for (const { given } of programs) for (const [name, values] of Object.entries(given)) e.inputs[name].set(values);
      e.run();
      let next = 0;
      for (const { operands, outputs, given, inputs } of programs) {
        const expected = interpret(outputs, given);
        const moves = sensitivities(backend, outputs, operands, given);
        outputs.forEach((v, i) => {
          const actual = e.outputs[next++];
          const scale = largestOf(expected[i], 0);
          const size = (n: number): number => (p.elementwise ? Math.abs(expected[i][n]) : scale);
          const missed = (missesOfGraphs.get(p.name) ?? 0) * epsilon;
          const wanted = dtypeOf(v) === "real" ? expected[i] : expected[i].map((y, n) => (Number.isInteger(y) ? y : actual[n]));
          const where = inputs.map(({ values }) => `[${values}]`).join();
          agree(backend, actual, wanted, (n) => missed + ROUNDINGS * (epsilon * size(n) + moves[i][n]), where);
        });
      }
      e.dispose();
    });
  });
});

/** ± 10^-20 … 10^20, denser near 1. */
const everywhere = Float64Array.from(
  [-1, 1].flatMap((sign) => Array.from({ length: 600 }, (_, i) => sign * 10 ** (((i - 300) / 300) ** 3 * 20))),
);

describe.each(backends.map((b) => [b.name, b] as const))("functions of one number on %s", (_name, backend) => {
  const { epsilon } = backend;
  const functions = primitives.filter(
    (p) => p.elementwise && p.probes[0].inputs.length === 1 && p.type([real()], p.probes[0].attrs)[0].dtype === "real",
  );
  it.each(functions.map((p) => [p.name, p] as const))("%s is right wherever it is finite", async (_op, p) => {
    const b = createBuilder();
    const x = b.input("x", real([everywhere.length]));
    const outputs = b.apply(p, [x], p.probes[0].attrs);
    const given = rounded(backend, { x: everywhere }, [x]);
    const [expected] = interpret(outputs, given);
    const [actual] = await runOn(backend, { inputs: [x], outputs, updates: [] }, given);
    const [moves] = sensitivities(backend, outputs, [x], given);
    // Within a rounding of the largest number it may be an infinity.
    const wanted = expected.map((y, i) => (epsilon === SINGLE && Math.abs(y) > 2 ** 127 ? actual[i] : y));
    agree(backend, actual, wanted, (i) => ROUNDINGS * (epsilon * Math.abs(wanted[i]) + moves[i]), p.name);
  });
});

async function checkProgram(backend: Backend, program: Program, inputs: Given): Promise<void> {
  const given = rounded(backend, inputs, program.inputs);
  const expected = interpret(program.outputs, given);
  const actual = await runOn(backend, program, given);
  program.outputs.forEach((v, i) => {
    const bound = 2 ** 14 * backend.epsilon * largestOf(expected[i], 1);
    agree(backend, actual[i], expected[i], () => bound, `output ${i} of shape [${shapeOf(v)}]`);
  });
}

describe.each(backends.map((b) => [b.name, b] as const))("interpreter = %s for random programs", (_name, backend) => {
  const runs = (n: number): number => (backend === wasmBackend ? n : n / 5);
  it("over all primitives", async () => {
    const law = fc.asyncProperty(randomSteps, (steps) => {
      const { program, inputs } = buildRandomProgram(steps);
      return checkProgram(backend, program, inputs);
    });
    await fc.assert(law, { numRuns: runs(150), seed: 7 });
  });
  it("of mixed shapes", async () => {
    const law = fc.asyncProperty(shapeSteps, (steps) => {
      const { program, inputs } = buildShapeProgram(steps);
      return checkProgram(backend, program, inputs);
    });
    await fc.assert(law, { numRuns: runs(400), seed: 11 });
  });
});

describe.each(backends.map((b) => [b.name, b] as const))("sums on %s", (_name, backend) => {
  it("of many terms are as good as in blocks of the root of their number", async () => {
    const n = 100_003;
    const b = createBuilder();
    const x = b.input("x", real([n]));
    const both = b.input("both", real([2, n]));
    const outputs = [
      b.sum(x),
      b.sum(both, [1]),
      b.sum(b.transpose(both, [1, 0]), [0]),
      b.dot(x, x, { batch: 0, left: [0], right: [0] }),
    ];
    const terms = (phase: number) => Float64Array.from({ length: n }, (_, i) => 0.1 + 0.01 * Math.sin(phase + 1.3 * i));
    const given = rounded(backend, { x: terms(0), both: Float64Array.from([...terms(1), ...terms(2)]) }, [x, both]);
    const expected = interpret(outputs, given);
    const actual = await runOn(backend, { inputs: [x, both], outputs, updates: [] }, given);
    outputs.forEach((_, i) => {
      // Every term is positive: the sum is that of their sizes.
      const bound = Math.sqrt(n) * backend.epsilon * largestOf(expected[i], 0);
      agree(backend, actual[i], expected[i], () => bound, `sum ${i}`);
    });
  });
});

describe.each([...backends, ...variants].map((b) => [b.name, b] as const))("residents on %s", (_name, backend) => {
  const b = createBuilder();
  const [x, y] = [b.input("x", real([5])), b.input("y", real([5]))];
  const [count, flags] = [b.input("count", int([3])), b.input("flags", bool([3]))];
  const data = b.input("data", real([4, 5]));
  const row = b.input("row", int([]));
  const program: Program = {
    inputs: [row],
    residents: [data],
    outputs: [b.sum(x), b.gather(data, row), y],
    updates: [
      [x, y],
      [y, b.add(x, b.mul(y, b.constant(2)))],
      [count, b.add(count, b.cast(flags, "int"))],
      [flags, b.not(flags)],
    ],
  };
  it("are replaced together, after everything has been read; integers and truth values too", async () => {
    const e = await backend.compile(program);
    expect(Object.keys(e.inputs)).toEqual(["row"]);
    e.write("x", Float64Array.of(1, 2, 3, 4, 5));
    e.write("y", Float64Array.of(1, 1, 1, 1, 1));
    e.write("count", Int32Array.of(7, 16777217, -3));
    e.write("flags", Uint8Array.of(1, 1, 0));
    e.write(
      "data",
      Float64Array.from({ length: 20 }, (_, i) => i),
    );
    e.inputs.row[0] = 2;
    e.run();
    expect(e.outputs.map((o) => [...o])).toEqual([[15], [10, 11, 12, 13, 14], [1, 1, 1, 1, 1]]);
    expect(await e.read("x")).toEqual(Float64Array.of(1, 1, 1, 1, 1));
    expect(await e.read("y")).toEqual(Float64Array.of(3, 4, 5, 6, 7));
    expect(await e.read("count")).toEqual(Int32Array.of(8, 16777218, -3));
    expect(await e.read("flags")).toEqual(Uint8Array.of(0, 0, 1));
    e.inputs.row[0] = 0;
    e.run();
    expect(e.outputs.map((o) => [...o])).toEqual([[5], [0, 1, 2, 3, 4], [3, 4, 5, 6, 7]]);
    expect(await e.read("x")).toEqual(Float64Array.of(3, 4, 5, 6, 7));
    expect(await e.read("y")).toEqual(Float64Array.of(7, 9, 11, 13, 15));
    expect(await e.read("count")).toEqual(Int32Array.of(8, 16777218, -2));
    expect(await e.read("flags")).toEqual(Uint8Array.of(1, 1, 0));
    e.dispose();
  });
  it("change places, take inputs and constants, and keep them", async () => {
    const given = b.input("given", real([5]));
    const [z, old] = [b.input("z", real([5])), b.input("old", real([5]))];
    const e = await backend.compile({
      inputs: [given],
      outputs: [],
      updates: [
        [x, y],
        [y, x],
        [z, given],
        [old, z],
        [count, b.tensor(Int32Array.of(4, 5, 6), [3], "int")],
      ],
    });
    const filled = (value: number) => new Float64Array(5).fill(value);
    e.write("x", Float64Array.of(1, 2, 3, 4, 5));
    e.inputs.given.fill(0.5);
    e.run();
    e.inputs.given.fill(0.25);
    expect(await e.read("x")).toEqual(filled(0));
    expect(await e.read("y")).toEqual(Float64Array.of(1, 2, 3, 4, 5));
    expect(await e.read("z")).toEqual(filled(0.5));
    e.run();
    expect(await e.read("x")).toEqual(Float64Array.of(1, 2, 3, 4, 5));
    expect(await e.read("z")).toEqual(filled(0.25));
    expect(await e.read("old")).toEqual(filled(0.5));
    expect(await e.read("count")).toEqual(Int32Array.of(4, 5, 6));
    e.dispose();
  });
  it("do not change what a program computes: random programs that add up what they give", async () => {
    const law = fc.asyncProperty(shapeSteps, async (steps) => {
      const { program: inner, inputs, builder } = buildShapeProgram(steps);
      const total = builder.input("total", real([]));
      const next = inner.outputs.map((v) => builder.sum(v)).reduce((s, v) => builder.add(s, v), total);
      const given = rounded(backend, inputs, inner.inputs);
      const e = await backend.compile({ ...inner, updates: [[total, next]] });
      for (const [name, values] of Object.entries(given)) e.inputs[name].set(values);
      const first = interpret(inner.outputs, given);
      const magnitude = interpret(
        inner.outputs.map((v) => builder.sum(builder.abs(v))),
        given,
      ).reduce((s, [x]) => s + x, 0);
      let expected = 0;
      for (let run = 1; run <= 3; run++) {
        e.run();
        [expected] = interpret([next], { ...given, total: Float64Array.of(expected) })[0];
        inner.outputs.forEach((_, i) => {
          const bound = 2 ** 14 * backend.epsilon * largestOf(first[i], 1);
          agree(backend, e.outputs[i], first[i], () => bound, `output ${i}, run ${run}`);
        });
      }
      const [found] = await e.read("total");
      expect(Math.abs(found - expected)).toBeLessThanOrEqual(2 ** 14 * backend.epsilon * Math.max(1, magnitude));
      e.dispose();
    });
    await fc.assert(law, { numRuns: 12, seed: 5 });
  });
  it("are copies when read, and know their names and sizes", async () => {
    const e = await backend.compile(program);
    e.write("x", Float64Array.of(1, 2, 3, 4, 5));
    const first = await e.read("x");
    e.write("x", new Float64Array(5));
    expect([...first]).toEqual([1, 2, 3, 4, 5]);
    expect(() => e.write("x", new Float64Array(4))).toThrow(/4 values for the resident x of 5/);
    expect(() => e.write("row", new Float64Array(1))).toThrow(/no resident row/);
    e.dispose();
  });
});

describe.each(backends.map((b) => [b.name, b] as const))("what runs often on %s", (_name, backend) => {
  it("computes the same, with the same arrays and residents, when it has been compiled meanwhile", async () => {
    const before = tfjsBackends.map((b) => b.tensors());
    const b = createBuilder();
    const [x, w] = [b.input("x", real([4])), b.input("w", real([3, 4]))];
    const counts = b.input("counts", int([3]));
    const outputs = [b.add(b.tanh(b.matmul(w, x)), counts), b.sum(b.softplus(x))];
    const e = await backend.compile({ inputs: [x], residents: [w, counts], outputs, updates: [] });
    const weights = Float64Array.from({ length: 12 }, (_, i) => i / 8 - 0.5);
    e.write("w", weights);
    e.write("counts", Int32Array.of(2, -5, 7));
    const held = [...e.outputs];
    for (let run = 0; run < 70; run++) {
      const given = {
        x: Float64Array.from({ length: 4 }, (_, i) => (run + i) / 32 - 1),
        w: weights,
        counts: Int32Array.of(2, -5, 7),
      };
      e.inputs.x.set(given.x);
      e.run();
      const expected = interpret(outputs, given);
      expected.forEach((y, i) => {
        agree(backend, held[i], y, () => 32 * backend.epsilon * largestOf(y, 1), `run ${run}, output ${i}`);
      });
    }
    expect(await e.read("counts")).toEqual(Int32Array.of(2, -5, 7));
    expect(() => e.write("x", weights)).toThrow(/no resident/);
    e.dispose();
    e.dispose();
    expect(tfjsBackends.map((b) => b.tensors())).toEqual(before);
  });
});

describe.each(tfjsBackends.map((b) => [b.name, b] as const))("tensors on %s", (_name, backend) => {
  const program = buildShapeProgram(Array.from({ length: 40 }, (_, i) => ({ op: i, a: 5 * i + 1, b: 3 * i, c: 11 * i + 2 })));
  it("are freed, by runs and in the end; the same inputs give the same bytes", async () => {
    const before = backend.tensors();
    const e = await backend.compile(program.program);
    const other = await backend.compile(program.program);
    for (const [name, values] of Object.entries(program.inputs)) e.inputs[name].set(values);
    e.run();
    const first = e.outputs.map((o) => o.slice());
    const alive = backend.tensors();
    for (let i = 0; i < 20; i++) {
      e.run();
      if (i % 7 === 0) other.run();
    }
    expect(backend.tensors()).toBe(alive);
    expect(e.outputs.map((o) => o.slice())).toEqual(first);
    e.dispose();
    e.dispose();
    other.dispose();
    expect(backend.tensors()).toBe(before);
    expect(() => e.run()).toThrow(/after dispose/);
  });
  it("are freed by training steps too; two of one program do not know of each other", async () => {
    const before = backend.tensors();
    const b = createBuilder();
    const [x, w, count] = [b.input("x", real([300])), b.input("w", real([300])), b.input("count", int([]))];
    const training: Program = {
      inputs: [x],
      outputs: [b.sum(w), b.logSumExp(b.add(w, b.tensor(new Float64Array(300).fill(0.5), [300])))],
      updates: [
        [w, b.add(w, x)],
        [count, b.add(count, b.constant(1, "int"))],
      ],
    };
    const [one, two] = [await backend.compile(training), await backend.compile(training)];
    one.inputs.x.fill(1);
    two.inputs.x.fill(10);
    one.run();
    two.run();
    const alive = backend.tensors();
    for (let k = 1; k < 50; k++) one.run();
    expect(backend.tensors()).toBe(alive);
    expect(one.outputs[0][0]).toBe(49 * 300);
    expect([(await one.read("w"))[299], (await two.read("w"))[0]]).toEqual([50, 10]);
    expect([await one.read("count"), await two.read("count")]).toEqual([Int32Array.of(50), Int32Array.of(1)]);
    one.dispose();
    two.run();
    expect(two.outputs[0][0]).toBe(10 * 300);
    two.dispose();
    expect(backend.tensors()).toBe(before);
  });
  it("refuse integers beyond 2^31", async () => {
    const b = createBuilder();
    const x = b.input("x", int([2]));
    const outputs = [b.add(x, b.tensor(Float64Array.of(1, 2 ** 31), [2], "int"))];
    await expect(backend.compile({ inputs: [x], outputs, updates: [] })).rejects.toThrow(
      /integers up to 2147483647, not 2147483648/,
    );
  });
  it("are freed when a step fails", async () => {
    const before = backend.tensors();
    const b = createBuilder();
    const [x, i] = [b.input("x", real([3])), b.input("i", int([2]))];
    const e = await backend.compile({ inputs: [x, i], outputs: [b.exp(b.gather(b.square(b.exp(x)), i))], updates: [] });
    e.inputs.i.set([1, 7]);
    const alive = backend.tensors();
    for (let k = 0; k < 3; k++) expect(() => e.run()).toThrow(/stopped/);
    expect(backend.tensors()).toBe(alive);
    e.inputs.i.set([1, 2]);
    e.run();
    expect([...e.outputs[0]]).toEqual([Math.fround(Math.E), Math.fround(Math.E)]);
    e.dispose();
    expect(backend.tensors()).toBe(before);
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
});
