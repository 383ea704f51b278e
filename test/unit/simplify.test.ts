// The simplifier: what it leaves of the sums that models make, and that it leaves their values and gradients alone.
import { describe, expect, test } from "vitest";
import type { Program } from "../../src/runtime/backend.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { type Builder, type InputAttrs, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import { printProgram } from "../../src/runtime/ir/print.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { int, real, sizeOf } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";

const rng = stream(1, "simplify");
const normals = (n: number, scale = 1, shift = 0): Float64Array => Float64Array.from({ length: n }, () => shift + scale * rng.normal());
const below = (n: number, size: number): Float64Array => Float64Array.from({ length: n }, () => Math.floor(rng.uniform() * size));

/** The simplified log density and its gradient, simplified again, as the compiler makes them. */
function compiled(b: Builder, density: Value, inputs: readonly Value[]): { plain: Program; cheap: Program } {
  const program = (outputs: readonly Value[]): Program => ({ inputs, outputs, updates: [] });
  const plain = program([density, ...gradient(b, density, inputs)]);
  const [value] = simplify(b, program([density])).outputs;
  return { plain, cheap: simplify(b, program([value, ...gradient(b, value, inputs)])) };
}
/** Elements computed by one evaluation, views and constants aside. */
function work(program: Program): number {
  const nodes = nodesOf([...program.outputs]).filter((n) => typeof n.op !== "string" && n.op.wasm.kind !== "view");
  return nodes.reduce((total, n) => total + Math.max(...[...n.results.map((t) => t.shape), ...n.inputs.map(shapeOf)].map(sizeOf)), 0);
}
const biggest = (program: Program): number => Math.max(...nodesOf([...program.outputs]).filter((n) => n.op !== "constant").flatMap((n) => n.results.map((t) => sizeOf(t.shape))));

function expectSame(plain: Program, cheap: Program, draws = 3, relative = 1e-12): void {
  for (let draw = 0; draw < draws; draw++) {
    const values = Object.fromEntries(plain.inputs.map((v) => [(v.node.attrs as InputAttrs).name, normals(sizeOf(shapeOf(v)), 0.5, 0.3)]));
    const expected = interpret(plain.outputs, values);
    const found = interpret(cheap.outputs, values);
    expected.forEach((e, i) => {
      const scale = Math.max(1, ...e.map(Math.abs));
      e.forEach((x, k) => {
        if (Number.isNaN(x)) expect(found[i][k]).toBeNaN();
        else expect(Math.abs(found[i][k] - x)).toBeLessThanOrEqual(relative * scale);
      });
    });
  }
}

const normalDensity = (b: Builder, x: Value, mu: Value, sigma: Value): Value => {
  const z = b.mul(b.sub(x, mu), b.reciprocal(sigma));
  return b.sub(b.sub(b.mul(b.constant(-0.5), b.square(z)), b.constant(0.9189385332046727)), b.log(sigma));
};

/** Slices of the vector of unknowns, as the compiler lays them out. */
class Unknowns {
  readonly u: Value;
  #at = 0;
  readonly #b: Builder;
  constructor(b: Builder, dimension: number) {
    this.#b = b;
    this.u = b.input("u", real([dimension]));
  }
  vector(n: number): Value {
    const v = this.#b.slice(this.u, 0, this.#at, n);
    this.#at += n;
    return v;
  }
  scalar(): Value {
    return this.#b.reshape(this.vector(1), []);
  }
}

describe("sums of squares", () => {
  test("a normal regression costs nothing that grows with the observations", () => {
    const b = createBuilder();
    const [n, p] = [500, 4];
    const x = b.tensor(normals(n * p), [n, p]);
    const y = b.tensor(normals(n), [n]);
    const q = new Unknowns(b, p + 2);
    const mu = b.add(q.scalar(), b.matmul(x, q.vector(p)));
    const density = b.sum(normalDensity(b, y, mu, b.exp(q.scalar())));
    const { plain, cheap } = compiled(b, density, [q.u]);
    console.log(printProgram(cheap));
    expect(biggest(cheap)).toBeLessThanOrEqual(p + 2);
    expectSame(plain, cheap);
  });

  test("radon: one row a county", () => {
    const b = createBuilder();
    const [n, groups] = [2000, 40];
    const x = b.tensor(normals(n), [n]);
    const y = b.tensor(normals(n), [n]);
    const g = b.tensor(Float64Array.from({ length: n }, (_, i) => (i * i * 7) % groups), [n], "int");
    const q = new Unknowns(b, 4 + groups);
    const [mu, logTau, raw, beta, u] = [q.scalar(), q.scalar(), q.vector(groups), q.scalar(), q.scalar()];
    const alpha = b.add(mu, b.mul(b.exp(logTau), raw));
    const mean = b.add(b.gather(alpha, g), b.mul(beta, x));
    const density = b.add(b.sum(normalDensity(b, y, mean, b.exp(u))), b.sum(normalDensity(b, raw, b.constant(0), b.constant(1))));
    const { plain, cheap } = compiled(b, density, [q.u]);
    console.log(printProgram(cheap));
    expect(biggest(cheap)).toBeLessThanOrEqual(groups + 4);
    expectSame(plain, cheap);
  });
});
