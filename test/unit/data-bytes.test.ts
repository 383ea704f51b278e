// Data that are held in bytes: containers of images, what they cost, and that densities are those of the same numbers in float64.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chooseRows } from "../../src/dsl/compile/choose-rows.ts";
import { bind } from "../../src/dsl/compile/lower.ts";
import { rowLength } from "../../src/dsl/compile/recut.ts";
import { readBits } from "../../src/dsl/data/bits.ts";
import { dataFromValues } from "../../src/dsl/data/from-javascript.ts";
import { readIdx } from "../../src/dsl/data/idx.ts";
import type { DataSet, DataValue } from "../../src/dsl/data/value.ts";
import { parseModel } from "../../src/dsl/language/parser.ts";
import { type Model, modelOf } from "../../src/model.ts";
import { UsageError } from "../../src/runtime/errors.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { constantOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import { takeRows } from "../../src/runtime/ir/rows.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Target } from "../../src/runtime/target.ts";
import { compileWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { ConstantMemory } from "../../src/runtime/wasm/constants.ts";
import type { AxisVariable, Index } from "../../src/runtime/wasm/indices.ts";

function model(text: string): Model {
  const source = { name: "m.ppl", text };
  return modelOf("m", [source], parseModel(source, 0));
}
function message(f: () => unknown): string {
  try {
    f();
  } catch (e) {
    if (e instanceof UsageError) return e.message;
    throw e;
  }
  throw new Error("nothing was refused");
}
function target(m: Model, data: DataSet): Target {
  const { value, diagnostics } = bind(m.checked, data, new Map());
  if (!value) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  return value;
}

/** An idx file of bytes. */
function idx(shape: readonly number[], elements: Uint8Array, type = 8): Uint8Array {
  const out = new Uint8Array(4 + 4 * shape.length + elements.length);
  const view = new DataView(out.buffer);
  out[2] = type;
  out[3] = shape.length;
  shape.forEach((n, k) => view.setUint32(4 + 4 * k, n));
  out.set(elements, 4 + 4 * shape.length);
  return out;
}

describe("packed bits", () => {
  test("unpack to what was packed, whatever the length of a row", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 21 }), fc.array(fc.nat(1), { minLength: 1, maxLength: 60 }), (columns, bits) => {
        const rows = Math.ceil(bits.length / columns);
        const width = Math.ceil(columns / 8);
        const packed = new Uint8Array(rows * width);
        const wanted = Array.from({ length: rows * columns }, (_, i) => bits[i] ?? 0);
        wanted.forEach((bit, i) => {
          const [row, k] = [Math.floor(i / columns), i % columns];
          packed[row * width + Math.floor(k / 8)] += bit * 2 ** (7 - (k % 8));
        });
        const read = readBits("x.bits", packed, columns);
        expect(read.shape).toEqual([rows, columns]);
        expect([...read.values]).toEqual(wanted);
      }),
    );
  });
  test("a file of another length is a sentence", () => {
    expect(message(() => readBits("x.bits", new Uint8Array(97), 784))).toBe(
      "x.bits has 97 bytes: no whole number of rows of 784 bits, which take 98 each; it is cut off, or its rows have another length",
    );
    expect(message(() => readBits("x.bits", new Uint8Array(0), 784))).toBe("x.bits is empty");
    expect(message(() => readBits("x.bits", new Uint8Array(1), 1e9))).toMatch(/no whole number of rows/);
  });
  test("the length of a row follows from the declaration", () => {
    const m = model(
      "const D = 6\ndata x: int<0, 1>[N, 2 * D]\ndata y: int<0, 1>[N, M]\ndata c: int[N, 4, D]\nmu ~ Normal(sum(x[1]) + sum(y[1]) + sum(c[1]), 1)",
    );
    expect(rowLength(m.checked, "x", new Map())).toBe(12);
    expect(rowLength(m.checked, "x", new Map([["D", 5]]))).toBe(10);
    expect(rowLength(m.checked, "c", new Map())).toBe(24);
    expect(rowLength(m.checked, "y", new Map())).toBeUndefined();
    expect(rowLength(m.checked, "z", new Map())).toBeUndefined();
  });
});

describe("idx", () => {
  test("bytes are views of the file, other types numbers", () => {
    const bytes = Uint8Array.of(0, 255, 7, 9, 1, 2);
    const read = readIdx("x-idx2-ubyte", idx([2, 3], bytes));
    expect(read).toEqual({ shape: [2, 3], values: bytes, recut: true });
    const floats = new Uint8Array(8);
    new DataView(floats.buffer).setFloat32(0, 1.5);
    new DataView(floats.buffer).setFloat32(4, -2);
    expect(readIdx("x.idx", idx([2], floats, 13))).toEqual({
      shape: [2],
      values: Float64Array.of(1.5, -2),
      firstReal: 0,
      recut: true,
    });
    const shorts = Uint8Array.of(255, 254, 1, 0);
    expect([...readIdx("x.idx", idx([2], shorts, 11)).values]).toEqual([-2, 256]);
  });
  test("what is hostile is a sentence", () => {
    const good = idx([2, 3], new Uint8Array(6));
    expect(message(() => readIdx("f", good.subarray(0, 15)))).toBe(
      "f is no idx array that can be read: shape [2, 3] takes 6 bytes, and 3 are there: it is cut off",
    );
    expect(message(() => readIdx("f", good.subarray(0, 9)))).toMatch(/sizes are cut off/);
    expect(message(() => readIdx("f", Uint8Array.of(1, 2, 3, 4)))).toMatch(/two zero bytes/);
    expect(message(() => readIdx("f", Uint8Array.of(0, 0, 99, 1)))).toMatch(/type 99/);
    expect(message(() => readIdx("f", Uint8Array.of(0, 0, 8, 200)))).toMatch(/200 axes/);
    const huge = idx([2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], new Uint8Array(3));
    expect(message(() => readIdx("f", huge))).toMatch(/cut off/);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (junk) => {
        try {
          readIdx("f", junk);
        } catch (e) {
          expect(e).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
  test("images are rows of pixels where the model says so", () => {
    const images = readIdx("x", idx([2, 2, 3], Uint8Array.of(0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0)));
    const t = target(
      model("data x: int<0, 1>[N, D]\np: unit[D] ~ Uniform(0, 1)\nfor n in 1..N { x[n] ~ Bernoulli(p) }"),
      new Map([["x", images]]),
    );
    expect(t.dimension).toBe(6);
    const flat = readBits("x", Uint8Array.of(0b10110000), 4);
    const cut = target(
      model("data x: int<0, 1>[N, 2, 2]\np: unit[2, 2] ~ Uniform(0, 1)\nfor n in 1..N { x[n] ~ Bernoulli(p) }"),
      new Map([["x", flat]]),
    );
    expect(cut.layout[0].shape).toEqual([2, 2]);
  });
});

const ROWS = 300;
const COLUMNS = 784;
/** More than folds keep: as bytes and as float64. */
const pictures = (): { bytes: DataValue; reals: DataValue } => {
  const rng = stream(1, "pictures");
  const bytes = Uint8Array.from({ length: ROWS * COLUMNS }, () => (rng.uniform() < 0.3 ? 1 : 0));
  const shape = [ROWS, COLUMNS];
  return { bytes: { shape, values: bytes }, reals: { shape, values: Float64Array.from(bytes) } };
};
const factors = `data x: int<0, 1>[N, D]
for n in 1..N {
  z[n]: real[3] ~ Normal(0, 1)
  x[n] ~ BernoulliLogit(sum(z[n]) * [0.01 * d for d in 1..D] - 1)
}`;

describe("many bytes", () => {
  const { bytes, reals } = pictures();
  test("stay bytes, and the density is that of the same numbers", async () => {
    const m = model(factors);
    const [narrow, wide] = [bytes, reals].map((x) => target(m, new Map([["x", x]])));
    const b = createBuilder();
    const u = b.input("u", { shape: [narrow.dimension], dtype: "real" });
    const constants = nodesOf([narrow.logDensity(b, u)]).flatMap((node) =>
      node.op === "constant" ? [constantOf({ node, index: 0 })!] : [],
    );
    expect(constants.filter((c) => c.length > 65_536).map((c) => c.constructor.name)).toEqual(["Uint8Array"]);
    const [d, e] = [await narrow.density(), await wide.density()];
    const q = Float64Array.from({ length: narrow.dimension }, (_, i) => ((i * 7) % 11) / 11 - 0.5);
    const [g, h] = [new Float64Array(q.length), new Float64Array(q.length)];
    // The sums may associate otherwise: sums of 235,200 terms of size one.
    expect(Math.abs(d.evaluate(q, g) - e.evaluate(q, h))).toBeLessThan(1e-9);
    for (let i = 0; i < g.length; i++) expect(Math.abs(g[i] - h[i])).toBeLessThan(1e-10);
  });
  test("parts of them stay bytes, where they are folded and are bytes", () => {
    const b = createBuilder();
    const table = b.tensor(bytes.values, bytes.shape, "int");
    const part = (v: Value) => constantOf(v)?.constructor.name;
    expect(part(b.slice(table, 1, 0, 600))).toBe("Uint8Array");
    expect(part(b.transpose(table, [1, 0]))).toBe("Uint8Array");
    expect(part(b.slice(table, 1, 0, 20))).toBe("Float64Array");
    const below = b.sub(b.slice(table, 1, 0, 600), b.constant(1, "int"));
    expect([...interpret([b.reduceMin(below)], {})[0]]).toEqual([-1]);
  });
  test("rows of a minibatch are those of the interpreter", () => {
    const t = target(model(factors), new Map([["x", bytes]]));
    const b = createBuilder();
    const z = b.input("z", { shape: [ROWS, 3], dtype: "real" });
    const rows = b.input("rows", { shape: [4], dtype: "int" });
    const term = t.terms(b, { z }).find((x) => x.role === "likelihood")!;
    const [taken] = takeRows(b, [{ value: b.sum(term.value, [1]), axis: 0 }], rows, new Map());
    const image = compileWasm({ inputs: [z, rows], outputs: [taken], updates: [] });
    // Nothing is there as float64 that is there as bytes.
    expect(image.memory.length).toBeLessThan(3 * ROWS * COLUMNS);
    const executable = instantiate(image);
    const given = {
      z: Float64Array.from({ length: 3 * ROWS }, (_, i) => ((i * 5) % 13) / 13),
      rows: Int32Array.of(299, 0, 17, 123),
    };
    executable.inputs.z.set(given.z);
    executable.inputs.rows.set(given.rows);
    executable.run();
    const [wanted] = interpret([taken], given);
    for (let i = 0; i < 4; i++) expect(executable.outputs[0][i]).toBeCloseTo(wanted[i], 9);
  });
});

test("constants of bytes are read as numbers: along rows, along columns, from within, at indices", () => {
  const n = 320;
  const bytes = Uint8Array.from({ length: n * n }, (_, i) => (i * 7919) % 251);
  const outputs = (x: Uint8Array | Float64Array, dtype: "real" | "int") => {
    const b = createBuilder({ literal: true });
    const table = b.tensor(x, [n, n], dtype);
    const y = b.input("y", { shape: [n], dtype: "real" });
    const at = b.input("at", { shape: [3], dtype: "int" });
    const inner = b.slice(b.slice(table, 0, 7, 200), 1, 11, 101);
    const real = (v: Value) => b.cast(v, "real");
    const roots = [
      b.sum(b.mul(real(table), y), [1]),
      b.sum(b.mul(real(b.transpose(table, [1, 0])), y), [1]),
      b.sum(b.mul(real(b.transpose(inner, [1, 0])), b.slice(y, 0, 0, 200)), [1]),
      b.mul(real(b.transpose(table, [1, 0])), y),
      b.mul(real(b.transpose(inner, [1, 0])), b.slice(y, 0, 0, 200)),
      b.mul(real(b.slice(table, 1, 3, 150, 2)), b.slice(y, 0, 0, 150)),
      real(b.gather(table, at)),
      b.matmul(real(table), y),
    ];
    return { roots, inputs: [y, at] };
  };
  const given = { y: Float64Array.from({ length: n }, (_, i) => 1 + (i % 13)), at: Int32Array.of(319, 0, 5) };
  // All sums are of integers below 2^53: the same whatever their order.
  const wanted = interpret(outputs(Float64Array.from(bytes), "int").roots, given);
  for (const dtype of ["int", "real"] as const) {
    const { roots, inputs } = outputs(bytes, dtype);
    const executable = instantiate(compileWasm({ inputs, outputs: roots, updates: [] }));
    executable.inputs.y.set(given.y);
    executable.inputs.at.set(given.at);
    executable.run();
    wanted.forEach((w, i) => expect(executable.outputs[i], `${dtype}, ${i}`).toEqual(w));
  }
});

test("bytes in the order of a loop that strides through them", () => {
  const b = createBuilder();
  const n = 300;
  const table = b.tensor(
    Uint8Array.from({ length: n * n }, (_, i) => (i * 31) % 253),
    [n, n],
    "int",
  );
  const [inner, outer]: AxisVariable[] = [
    { kind: "axis", id: 1, size: 140 },
    { kind: "axis", id: 2, size: 290 },
  ];
  const memory = new ConstantMemory(64);
  const at: Index = {
    constant: 5 * n + 7,
    terms: [
      { variable: inner, coefficient: 2 * n },
      { variable: outer, coefficient: 1 },
    ],
  };
  const placed = memory.real(table, at, inner);
  expect(placed.home.element).toBe("u8");
  const written = new Uint8Array(memory.size);
  memory.writeTo(written);
  const coefficient = (v: AxisVariable) => placed.at.terms.find((t) => t.variable === v)!.coefficient;
  expect(coefficient(inner)).toBe(1);
  for (const [i, j] of [
    [0, 0],
    [139, 289],
    [17, 201],
  ]) {
    const from = placed.home.offset + placed.at.constant + i * coefficient(inner) + j * coefficient(outer);
    expect(written[from]).toBe(constantOf(table)![at.constant + 2 * n * i + j]);
  }
});

test("expressions of much data are held against the support, and the element that is outside is named", () => {
  const values = new Uint8Array(1300 * 784).fill(3);
  const m = model("data x: int[N, 784]\nr: positive ~ Exponential(1)\nfor n in 1..N { x[n] - 1 ~ Poisson(r) }");
  const shape = [1300, 784];
  expect(target(m, new Map([["x", { shape, values }]])).dimension).toBe(1);
  values[1299 * 784 + 5] = 0;
  expect(() => target(m, new Map([["x", { shape, values: values.slice() }]]))).toThrow("= -1 is outside the support of Poisson");
});

describe("typed arrays with a shape", () => {
  test("are data; bytes stay bytes", () => {
    const given = Uint8Array.of(1, 0, 1, 1);
    const value = dataFromValues({ x: { shape: [2, 2], values: given } }).get("x");
    expect(value).toEqual({ shape: [2, 2], values: given });
    expect(value?.values).not.toBe(given);
    expect(dataFromValues({ x: { shape: [2], values: Float32Array.of(1, 2.5) } }).get("x")).toEqual({
      shape: [2],
      values: Float64Array.of(1, 2.5),
      firstReal: 1,
    });
    expect(message(() => dataFromValues({ x: { shape: [3], values: given } }))).toBe("x has 4 values, and its shape [3] takes 3");
    expect(message(() => dataFromValues({ x: { shape: [-4], values: given } }))).toBe("the shape of x is not a list of sizes");
  });
});

describe("chosen rows", () => {
  const m = model(
    "data x: int[N, 2]\ndata y: real[N]\ndata N: int\ndata k: real[3]\nmu ~ Normal(sum(x[1]) + sum(k), 1)\ny ~ Normal(mu, 1)",
  );
  const data: DataSet = new Map<string, DataValue>([
    ["x", { shape: [4, 2], values: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }],
    ["y", { shape: [4], values: Float64Array.of(1, 2, 3.5, 4), firstReal: 2, missing: Uint8Array.of(0, 0, 0, 1) }],
    ["N", { shape: [], values: Float64Array.of(4) }],
    ["k", { shape: [3], values: Float64Array.of(1, 2, 3) }],
  ]);
  const pick = () => Int32Array.of(1, 3);
  test("of all variables of the size, the size itself included", () => {
    const { data: taken } = chooseRows(m.checked, data, { name: "N", pick });
    expect(taken.get("x")).toEqual({ shape: [2, 2], values: Uint8Array.of(3, 4, 7, 8) });
    expect(taken.get("y")).toEqual({ shape: [2], values: Float64Array.of(2, 4), missing: Uint8Array.of(0, 1) });
    expect(taken.get("N")).toEqual({ shape: [], values: Float64Array.of(2) });
    expect(taken.get("k")).toBe(data.get("k"));
    expect(chooseRows(m.checked, data, { name: "x", pick }).data).toEqual(taken);
  });
  test("of nothing that is there: a sentence", () => {
    expect(message(() => chooseRows(m.checked, data, { name: "Q", pick }))).toMatch(/no data are declared with the size Q/);
  });
});
