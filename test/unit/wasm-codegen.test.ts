// What the code generator makes of typical programs: how many passes, what is held in memory, and that odd cases compute.
import { describe, expect, it } from "vitest";
import type { Program } from "../../src/runtime/backend.ts";
import { InternalError, UsageError } from "../../src/runtime/errors.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { sumSoftplus } from "../../src/runtime/ir/primitives/reduce.ts";
import { int, real } from "../../src/runtime/ir/type.ts";
import { compileWasm, generateWasm, instantiate } from "../../src/runtime/wasm/backend.ts";
import { printWasm } from "../../src/runtime/wasm/print.ts";

const wave = (n: number, rate = 0.7): Float64Array => Float64Array.from({ length: n }, (_, i) => Math.sin(rate * i + 0.3));
const passes = (program: Program): string[] =>
  generateWasm(program).fusion.groups.map((g) => g.nest.map((v) => v.size).join("x"));

/** A scalar density of one input vector, with its gradient. */
function density(dimension: number, build: (b: Builder, u: Value) => Value): Program {
  const b = createBuilder();
  const u = b.input("u", real([dimension]));
  const total = build(b, u);
  return { inputs: [u], outputs: [total, ...gradient(b, total, [u])], updates: [] };
}
function check(program: Program, inputs: Readonly<Record<string, Float64Array>>, tolerance = 1e-12): void {
  const e = instantiate(compileWasm(program));
  for (const [name, values] of Object.entries(inputs)) e.inputs[name].set(values);
  e.run();
  interpret(program.outputs, inputs).forEach((expected, k) => {
    const scale = expected.reduce((m, x) => Math.max(m, Math.abs(x)), 1);
    expected.forEach((x, i) => {
      expect(Math.abs(x - e.outputs[k][i])).toBeLessThanOrEqual(tolerance * scale);
    });
  });
}

describe("fusion", () => {
  it("makes one pass over the data of a logistic regression, forward and backward", () => {
    const program = density(3, (b, u) => {
      const eta = b.matmul(b.tensor(wave(3 * 501), [501, 3]), u);
      const y = b.tensor(
        wave(501).map((x) => Number(x > 0)),
        [501],
      );
      return b.sum(b.sub(b.mul(y, eta), b.softplus(eta)));
    });
    expect(passes(program).filter((p) => p === "501")).toHaveLength(1);
    check(program, { u: wave(3) });
  });
  it("gathers, sums and scatters in one pass, the group effects stored once before", () => {
    const program = density(21, (b, u) => {
      const group = b.tensor(
        Int32Array.from({ length: 900 }, (_, i) => Math.floor(i / 45)),
        [900],
        "int",
      );
      const effects = b.mul(b.exp(b.slice(u, 0, 20, 1)), b.slice(u, 0, 0, 20));
      return b.neg(b.sum(b.square(b.sub(b.tensor(wave(900), [900]), b.gather(effects, group)))));
    });
    expect(passes(program).filter((p) => p === "900")).toHaveLength(1);
    check(program, { u: wave(21) });
  });
  it("stores what is dear and needed in two passes", () => {
    const b = createBuilder();
    const x = b.input("x", real([300]));
    const e = b.exp(x);
    const share = b.div(e, b.sum(e)); // the sum is a pass of its own
    const { fusion } = generateWasm({ inputs: [x], outputs: [share], updates: [] });
    const stores = fusion.groups.flatMap((g) => g.reports.filter((r) => r.sink.kind === "store").map((r) => r.sink.value));
    expect(stores).toContain(e);
    check({ inputs: [x], outputs: [share], updates: [] }, { x: wave(300) });
  });
  it("takes all elements in one loop where axes do not matter", () => {
    const b = createBuilder();
    const x = b.input("x", real([30, 11]));
    expect(passes({ inputs: [x], outputs: [b.exp(b.square(x))], updates: [] })).toEqual(["330"]);
  });
});

describe("print", () => {
  it("shows the passes, their sinks and where results lie", () => {
    const b = createBuilder();
    const x = b.input("x", real([40]));
    const text = printWasm({ inputs: [x], outputs: [b.sum(b.square(x)), b.exp(x)], updates: [] });
    expect(text).toContain("input x: 40 x f64 at 16");
    expect(text).toMatch(/for 40\n(.*\n)*? {2}reduce %\d+ square real\[40\] to %\d+ sum real/);
    expect(text).toMatch(/store %\d+ exp real\[40\] at \d+/);
  });
});

describe("code", () => {
  it("keeps long chains of scalars off the stack", () => {
    const program = density(2, (b, u) => {
      const at = (i: number): Value => b.reshape(b.slice(u, 0, i, 1), []);
      let x = at(0);
      for (let t = 0; t < 3000; t++) x = b.add(b.mul(x, at(1)), b.constant(Math.sin(t)));
      return x;
    });
    check(program, { u: Float64Array.of(0.3, 0.9) }, 1e-10);
  });
  it("reads integers and truth values as inputs, forwards and backwards", () => {
    const b = createBuilder();
    const n = b.input("n", int([9]));
    const t = b.input("t", { shape: [9], dtype: "bool" });
    const x = b.mul(b.cast(b.slice(n, 0, 8, 9, -1), "real"), b.cast(t, "real"));
    check(
      { inputs: [n, t], outputs: [x, b.slice(x, 0, 7, 4, -2)], updates: [] },
      {
        n: Float64Array.of(3, -1, 4, 1, -5, 9, 2, 6, 5),
        t: Float64Array.of(1, 0, 0, 1, 1, 0, 1, 0, 1),
      },
    );
  });
  it("multiplies matrices and vectors of odd sizes, rows side by side", () => {
    for (const [n, k] of [
      [37, 41],
      [42, 35],
      [9, 130],
      [131, 27],
    ] as const) {
      const program = density(k, (b, u) => b.sum(b.square(b.matmul(b.tensor(wave(n * k), [n, k]), u))));
      check(program, { u: wave(k) });
    }
  });
  it("sums rows of any number of columns, as far as each row goes", () => {
    for (const columns of [1, 2, 7, 8, 9, 14, 15, 16, 17, 25]) {
      for (const rows of [6, 33, 64]) {
        const ends = (i: number): number => (7 * i) % (rows + 1);
        const inside = Float64Array.from({ length: 5 * rows }, (_, n) => (n % rows < ends(Math.floor(n / rows)) ? 1 : 0));
        const program = density(rows * columns, (b, u) => {
          const x = b.reshape(u, [1, rows, columns]);
          const mask = b.tensor(inside, [5, rows, 1], "bool");
          const kept = b.select(mask, b.mul(x, b.tensor(wave(5 * rows), [5, rows, 1])), b.constant(0));
          const other = b.select(mask, x, b.constant(Number.NEGATIVE_INFINITY));
          return b.add(b.sum(b.square(b.sum(kept, [1]))), b.sum(b.exp(b.sub(b.reduceMax(other, [1]), b.constant(1)))));
        });
        check(program, { u: wave(rows * columns) });
      }
    }
  });
  it("gives every row its sum and its maximum, those behind the last that has elements too", () => {
    for (const [rows, kept] of [
      [20, 5],
      [33, 0],
      [9, 9],
    ] as const) {
      const b = createBuilder();
      const x = b.input("x", real([rows, 40]));
      const mask = b.tensor(
        Float64Array.from({ length: rows }, (_, i) => Number(i < kept)),
        [rows, 1],
        "bool",
      );
      // What lies in the memory of temporaries does not show.
      const early = b.cumsum(b.exp(b.reshape(x, [40 * rows])));
      const y = b.mul(x, b.sum(b.square(early)));
      const sums = b.sum(b.select(mask, y, b.constant(0)), [1]);
      const most = b.reduceMax(b.select(mask, x, b.constant(Number.NEGATIVE_INFINITY)), [1]);
      check({ inputs: [x], outputs: [b.sum(b.square(b.cumsum(sums))), b.exp(most)], updates: [] }, { x: wave(40 * rows) });
    }
  });
  it("ends no rows of what is not 0 where its operand is", () => {
    const b = createBuilder();
    const x = b.input("x", real([40, 64]));
    const inside = b.lt(b.iota([64], 0), b.constant(5, "int"));
    const [sums] = b.apply(sumSoftplus, [b.select(inside, x, b.constant(0))], { axes: [1] });
    const program: Program = { inputs: [x], outputs: [sums], updates: [] };
    check(program, { x: wave(40 * 64) });
  });
  it("takes sums of sums that are shared by many", () => {
    const b = createBuilder();
    const x = b.input("x", real([64]));
    let shared = b.exp(x);
    for (let i = 0; i < 26; i++) shared = b.add(shared, b.slice(shared, 0, 63, 64, -1));
    check({ inputs: [x], outputs: [b.sum(shared)], updates: [] }, { x: wave(64) });
  });
  it("waits for indices that are results themselves", () => {
    const b = createBuilder();
    const table = b.input("table", real([12]));
    const ones = b.input("ones", int([30]));
    const places = b.tensor(
      Int32Array.from({ length: 30 }, (_, i) => (i * i) % 7),
      [30],
      "int",
    );
    const counts = b.scatterAdd(ones, places, 7);
    check(
      { inputs: [table, ones], outputs: [b.gather(table, counts)], updates: [] },
      { table: wave(12), ones: new Float64Array(30).fill(1) },
    );
  });
  it("stops at an index outside a table that is known only when it runs", () => {
    const b = createBuilder();
    const i = b.input("i", int([6]));
    const table = b.input("table", real([4]));
    const e = instantiate(compileWasm({ inputs: [i, table], outputs: [b.gather(table, i)], updates: [] }));
    e.inputs.table.set([1, 2, 3, 4]);
    e.inputs.i.set([3, 0, 1, 2, 3, 0]);
    e.run();
    expect([...e.outputs[0]]).toEqual([4, 1, 2, 3, 4, 1]);
    e.inputs.i.set([3, 0, 1, 4, 3, 0]);
    expect(() => e.run()).toThrow(InternalError);
    e.inputs.i.set([3, 0, -1, 2, 3, 0]);
    expect(() => e.run()).toThrow(InternalError);
  });
  it("refuses constant indices outside a table", () => {
    const b = createBuilder();
    const x = b.input("x", real([4]));
    // In a loop, and written out element by element.
    for (const places of [
      [0, 2, 4, 1, 3, 3, 1],
      [0, 4],
      [-1, 0],
    ]) {
      const index = b.tensor(Int32Array.from(places), [places.length], "int");
      expect(() => compileWasm({ inputs: [x], outputs: [b.gather(x, index)], updates: [] })).toThrow(InternalError);
      const y = b.input(`y${places.length}`, real([places.length]));
      expect(() => compileWasm({ inputs: [y], outputs: [b.scatterAdd(y, index, 4)], updates: [] })).toThrow(InternalError);
    }
  });
  it("keeps the zeros of an assembly that lies inside another one", () => {
    const b = createBuilder();
    const x = b.input("x", real([100]));
    const [i, j] = [b.input("i", int([60])), b.input("j", int([120]))];
    const pass = (v: Value): Value => b.cumsum(v); // a routine: its operand and result are temporaries
    const total = b.sum(b.square(pass(b.exp(x)))); // what these leave behind must not show
    const part = (size: number): Value => pass(b.mul(b.slice(x, 0, 0, size, 1), total));
    const inner = b.assemble([b.reshape(part(30), [1, 30])], 1, [10], 60);
    const outer = b.assemble([inner, b.reshape(part(60), [1, 60])], 0, [0, 1], 2);
    const read = (v: Value, at: Value): Value => b.sum(b.gather(b.reshape(v, at.node.results[0].shape), at));
    const count = (n: number): Float64Array => Float64Array.from({ length: n }, (_, k) => k);
    check(
      { inputs: [x, i, j], outputs: [read(inner, i), read(outer, j)], updates: [] },
      { x: wave(100), i: count(60), j: count(120) },
    );
  });
  it("takes long chains of maps whose axes do not matter, and of assemblies", () => {
    const b = createBuilder();
    const x = b.input("x", real([30, 11]));
    let y = x;
    for (let t = 0; t < 600; t++) y = b.add(b.mul(y, b.constant(0.9)), b.constant(Math.sin(t)));
    check({ inputs: [x], outputs: [y], updates: [] }, { x: wave(330) });
    const u = b.input("u", real([40]));
    let v = u;
    for (let t = 0; t < 80; t++) v = b.concat([b.tanh(b.slice(v, 0, 0, 20, 1)), b.neg(b.slice(v, 0, 13, 20, 1))], 0);
    check({ inputs: [u], outputs: [b.sum(b.square(v))], updates: [] }, { u: wave(40) });
  });
  it("makes one pass for more sums than a function has parameters", () => {
    const program = density(1100, (b, u) => {
      const x = b.tensor(wave(101), [101]);
      const sums = Array.from({ length: 1100 }, (_, i) =>
        b.sum(b.exp(b.mul(b.constant(1 + i / 1100), b.mul(x, b.reshape(b.slice(u, 0, i, 1), []))))),
      );
      return sums.reduce((total, s) => b.add(total, b.log(s)));
    });
    check(program, { u: wave(1100) });
  });
  it("says that data are too many for 32-bit addresses", () => {
    const b = createBuilder();
    const x = b.input("x", real([3e8]));
    expect(() => generateWasm({ inputs: [x], outputs: [b.sum(b.exp(x))], updates: [] })).toThrow(UsageError);
  });
  it("has an answer for empty tensors", () => {
    const b = createBuilder();
    const x = b.input("x", real([0]));
    const y = b.input("y", real([0, 3]));
    const outputs = [
      b.sum(x),
      b.reduceMax(x),
      b.sum(y, [0]),
      b.concat(
        [x, b.constant(2), x].map((v) => b.reshape(v, [v === x ? 0 : 1])),
        0,
      ),
    ];
    const e = instantiate(compileWasm({ inputs: [x, y], outputs, updates: [] }));
    e.run();
    expect(e.outputs.map((o) => [...o])).toEqual([[0], [Number.NEGATIVE_INFINITY], [0, 0, 0], [2]]);
  });
});
