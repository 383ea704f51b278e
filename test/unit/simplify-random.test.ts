// Law: simplified programs compute what they did, values and gradients, over random programs of the general kind and over random
// sums of rows as statistical models make them.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Program } from "../../src/runtime/backend.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { real } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { buildRandomProgram, randomSteps } from "../laws/random-programs.ts";

const ROWS = 36;
const UNKNOWNS = 14;

/** What a row is made of; `n` chooses among the data, tables and scalars there are. */
type Row =
  | { readonly kind: "data" | "gather" | "scalar" | "product" | "stretch" | "plate" | "slopes"; readonly n: number }
  | {
      readonly kind:
        | "neg"
        | "square"
        | "tanh"
        | "softplus"
        | "isPositive"
        | "counted"
        | "scale"
        | "unscale"
        | "weigh"
        | "unweigh";
      readonly n: number;
      readonly x: Row;
    }
  | { readonly kind: "add" | "sub" | "mul" | "select"; readonly n: number; readonly x: Row; readonly y: Row };

const { row } = fc.letrec<{ row: Row }>((tie) => ({
  row: fc.oneof(
    { maxDepth: 5, depthSize: "medium" },
    fc.record({ kind: fc.constantFrom("data", "gather", "scalar", "product", "stretch", "plate", "slopes"), n: fc.nat(99) }),
    fc.record({
      kind: fc.constantFrom("add", "sub", "sub", "add", "mul", "select"),
      n: fc.nat(99),
      x: tie("row"),
      y: tie("row"),
    }),
    fc.record({
      kind: fc.constantFrom(
        "neg",
        "square",
        "square",
        "tanh",
        "softplus",
        "isPositive",
        "counted",
        "scale",
        "unscale",
        "weigh",
        "unweigh",
      ),
      n: fc.nat(99),
      x: tie("row"),
    }),
  ),
})) as { row: fc.Arbitrary<Row> };

/** Data, indices and slices of the unknowns that rows choose from. */
class Material {
  readonly b: Builder;
  readonly u: Value;
  readonly data: Value[];
  readonly matrices: Value[];
  readonly indices: Value[];
  readonly triangle: Value;
  constructor(b: Builder) {
    const rng = stream(7, "material");
    const vector = (n: number, f: (i: number) => number): Float64Array => Float64Array.from({ length: n }, (_, i) => f(i));
    this.b = b;
    this.u = b.input("u", real([UNKNOWNS]));
    this.data = [
      b.tensor(
        vector(ROWS, () => rng.normal()),
        [ROWS],
      ),
      b.tensor(
        vector(ROWS, (i) => (i % 3) - 0.5),
        [ROWS],
      ),
      b.tensor(
        vector(ROWS, (i) => 0.4 + (i % 2)),
        [ROWS],
      ),
      b.constant(1.75),
      b.tensor(
        vector(ROWS, (i) => (i % 3 === 0 ? -0 : 0)),
        [ROWS],
      ),
    ];
    this.matrices = [2, 3].map((k) =>
      b.tensor(
        vector(ROWS * k, () => rng.normal()),
        [ROWS, k],
      ),
    );
    this.indices = [
      vector(ROWS, (i) => (i * 5) % 3),
      vector(ROWS, (i) => Math.floor(i / 9)),
      vector(ROWS, (i) => 2 * (i % 2)),
    ].map((v) => b.tensor(v, [ROWS], "int"));
    this.triangle = b.tensor(
      vector(ROWS * ROWS, (i) => Number(i % ROWS < Math.floor(i / ROWS))),
      [ROWS, ROWS],
    );
  }
  scalar(n: number): Value {
    return this.b.reshape(this.b.slice(this.u, 0, n % UNKNOWNS, 1), []);
  }
  part(n: number, size: number): Value {
    return this.b.slice(this.u, 0, n % (UNKNOWNS - size + 1), size);
  }
  positive(n: number): Value {
    return this.b.exp(this.b.tanh(this.scalar(n)));
  }
  datum(n: number): Value {
    return this.data[n % this.data.length];
  }
}

function build(m: Material, row: Row): Value {
  const { b } = m;
  switch (row.kind) {
    case "data":
      return m.datum(row.n);
    case "gather":
      return b.gather(m.part(row.n, 4), m.indices[row.n % m.indices.length]);
    case "scalar":
      return m.scalar(row.n);
    case "product": {
      const x = m.matrices[row.n % m.matrices.length];
      return b.matmul(x, m.part(row.n, 2 + (row.n % m.matrices.length)));
    }
    case "stretch": {
      // elements 0 0 0 0 1 1 1 1 …, as a plate in a plate makes them
      const inner = b.broadcastTo(b.reshape(m.part(row.n, 9), [9, 1]), [9, 4]);
      return b.reshape(inner, [ROWS]);
    }
    case "slopes": {
      const slopes = b.gather(b.reshape(m.part(row.n, 12), [4, 3]), m.indices[row.n % m.indices.length]);
      return b.dot(m.matrices[1], slopes, { batch: 1, left: [1], right: [1] });
    }
    case "plate":
      return b.sum(b.mul(m.matrices[1], m.part(row.n, 3)), [1]);
    case "neg":
    case "square":
    case "tanh":
    case "softplus":
      return b[row.kind](build(m, row.x));
    case "isPositive":
      return b.gt(build(m, row.x), b.constant(0.1));
    case "counted": {
      // by a product with data: how many of the rows before
      const truth = b.broadcastTo(b.gt(build(m, row.x), b.constant(0.1)), [ROWS]);
      return b.matmul(m.triangle, truth);
    }
    case "scale":
      return b.mul(m.positive(row.n), build(m, row.x));
    case "unscale":
      return b.div(build(m, row.x), m.positive(row.n));
    case "weigh":
      return b.mul(build(m, row.x), m.datum(row.n));
    case "unweigh":
      return b.div(build(m, row.x), m.datum(2 + (row.n % 2))); // without zeros
    case "add":
    case "sub":
    case "mul":
      return b[row.kind](build(m, row.x), build(m, row.y));
    case "select":
      return b.select(b.lt(m.datum(row.n), b.constant(0.45)), build(m, row.x), build(m, row.y));
  }
}

/** Largest magnitude that a program meets. */
function magnitude(program: Program, inputs: Readonly<Record<string, Float64Array>>): number {
  const values = nodesOf(program.outputs).flatMap((node) => node.results.map((_, index) => ({ node, index })));
  return interpret(values, inputs).reduce((most, v) => v.reduce((m, x) => Math.max(m, Math.abs(x)), most), 1);
}

function expectSame(plain: Program, cheap: Program, inputs: Readonly<Record<string, Float64Array>>): void {
  // A few roundings an element, each at most of the largest number's size; products of two such numbers are in sums of squares.
  const largest = magnitude(plain, inputs);
  const tolerance = 64 * ROWS * Number.EPSILON * largest * largest;
  const [expected, found] = [interpret(plain.outputs, inputs), interpret(cheap.outputs, inputs)];
  expected.forEach((e, i) => {
    e.forEach((x, k) => {
      if (Number.isFinite(x))
        expect(Math.abs(found[i][k] - x), `output ${i}[${k}]: ${found[i][k]}, not ${x}`).toBeLessThanOrEqual(tolerance);
    });
  });
}

test("sums of rows of models", () => {
  fc.assert(
    fc.property(row, fc.integer({ min: 1, max: 1000 }), (expression, seed) => {
      const b = createBuilder();
      const m = new Material(b);
      const density = b.sum(b.broadcastTo(build(m, expression), [ROWS]));
      const program = (outputs: readonly Value[]): Program => ({ inputs: [m.u], outputs, updates: [] });
      const plain = program([density, ...gradient(b, density, [m.u])]);
      const [value] = simplify(b, program([density])).outputs;
      const cheap = simplify(b, program([value, ...gradient(b, value, [m.u])]));
      const rng = stream(seed, "unknowns");
      expectSame(plain, cheap, { u: Float64Array.from({ length: UNKNOWNS }, () => rng.normal()) });
    }),
    { numRuns: 400, seed: 11 },
  );
});

test("random programs, with their gradients and without", () => {
  fc.assert(
    fc.property(randomSteps, (steps) => {
      const { builder, program, inputs, total } = buildRandomProgram(steps);
      expectSame(program, simplify(builder, program), inputs);
      const objective = { ...program, outputs: [total] };
      expectSame(objective, simplify(builder, objective), inputs);
    }),
    { numRuns: 100, seed: 12 },
  );
});
