// The simplifier: what it leaves of the sums that models make, and that it leaves their values and gradients alone.
import { describe, expect, test } from "vitest";
import type { Program } from "../../src/runtime/backend.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { type Builder, type InputAttrs, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { nodesOf } from "../../src/runtime/ir/order.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { real, sizeOf } from "../../src/runtime/ir/type.ts";
import { stream } from "../../src/runtime/numeric/random.ts";

const rng = stream(1, "simplify");
const normals = (n: number, scale = 1, shift = 0): Float64Array =>
  Float64Array.from({ length: n }, () => shift + scale * rng.normal());
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
  return nodes.reduce(
    (total, n) => total + Math.max(...[...n.results.map((t) => t.shape), ...n.inputs.map(shapeOf)].map(sizeOf)),
    0,
  );
}
const biggest = (program: Program): number =>
  Math.max(
    ...nodesOf([...program.outputs])
      .filter((n) => n.op !== "constant")
      .flatMap((n) => n.results.map((t) => sizeOf(t.shape))),
  );

/** Sizes of the results of one primitive. */
const count = (program: Program, name: string): number[] =>
  nodesOf([...program.outputs]).flatMap((n) =>
    typeof n.op !== "string" && n.op.name === name ? [sizeOf(n.results[0].shape)] : [],
  );

function expectSame(plain: Program, cheap: Program, draws = 3, relative = 1e-12): void {
  for (let draw = 0; draw < draws; draw++) {
    const values = Object.fromEntries(
      plain.inputs.map((v) => [(v.node.attrs as InputAttrs).name, normals(sizeOf(shapeOf(v)), 0.5, 0.3)]),
    );
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
    expect(biggest(cheap)).toBeLessThanOrEqual(p + 2);
    expectSame(plain, cheap);
  });

  test("radon: one row a county, coefficients by county or not", () => {
    for (const { slopes, after } of [
      { slopes: false, after: false },
      { slopes: false, after: true },
      { slopes: true, after: false },
    ]) {
      const b = createBuilder();
      const [n, groups] = [2000, 40];
      const x = b.tensor(normals(n), [n]);
      const y = b.tensor(normals(n), [n]);
      const g = b.tensor(
        Float64Array.from({ length: n }, (_, i) => (i * 7) % groups),
        [n],
        "int",
      );
      const q = new Unknowns(b, 4 + 2 * groups);
      const [mu, logTau, raw, sd, beta, u] = [q.scalar(), q.scalar(), q.vector(groups), q.scalar(), q.vector(groups), q.scalar()];
      const scaled = (v: Value): Value => b.add(mu, b.mul(b.exp(logTau), v));
      const alpha = after ? scaled(b.gather(raw, g)) : b.gather(scaled(raw), g);
      const mean = b.add(alpha, b.mul(slopes ? b.gather(beta, g) : sd, x));
      const density = b.sum(normalDensity(b, y, mean, b.exp(u)));
      const { plain, cheap } = compiled(b, density, [q.u]);
      expect(biggest(cheap)).toBeLessThanOrEqual(2 * groups + 4);
      expect(work(cheap)).toBeLessThan(work(plain) / 20);
      expectSame(plain, cheap);
    }
  });

  test("known weights and scales belong to the data", () => {
    const b = createBuilder();
    const [n, p] = [300, 2];
    const [x, y] = [b.tensor(normals(n * p), [n, p]), b.tensor(normals(n), [n])];
    const sigma = b.tensor(
      normals(n).map((v) => 0.5 + v * v),
      [n],
    );
    const weights = b.tensor(normals(n), [n]); // of both signs, some 0
    const q = new Unknowns(b, p + 1);
    const mu = b.add(b.matmul(x, q.vector(p)), q.scalar());
    const density = b.add(b.sum(normalDensity(b, y, mu, sigma)), b.sum(b.mul(weights, normalDensity(b, y, mu, b.constant(1.5)))));
    const { plain, cheap } = compiled(b, density, [q.u]);
    expect(biggest(cheap)).toBeLessThanOrEqual(p + 2);
    expectSame(plain, cheap);
  });

  test("a scale by group: squares by group", () => {
    const b = createBuilder();
    const [n, groups] = [600, 5];
    const [x, y] = [b.tensor(normals(n), [n]), b.tensor(normals(n), [n])];
    const g = b.tensor(below(n, groups), [n], "int");
    const q = new Unknowns(b, groups + 2);
    const sigma = b.exp(b.gather(q.vector(groups), g));
    const density = b.sum(normalDensity(b, y, b.add(q.scalar(), b.mul(q.scalar(), x)), sigma));
    const { plain, cheap } = compiled(b, density, [q.u]);
    expect(biggest(cheap)).toBeLessThanOrEqual(3 * groups);
    expectSame(plain, cheap);
  });

  test("crossed groups are grouped by pairs", () => {
    const b = createBuilder();
    const [n, rows, columns] = [900, 6, 7];
    const y = b.tensor(normals(n), [n]);
    const [i, j] = [b.tensor(below(n, rows), [n], "int"), b.tensor(below(n, columns), [n], "int")];
    const q = new Unknowns(b, rows + columns + 1);
    const mu = b.add(b.gather(q.vector(rows), i), b.gather(q.vector(columns), j));
    const { plain, cheap } = compiled(b, b.sum(normalDensity(b, y, mu, b.exp(q.scalar()))), [q.u]);
    expect(biggest(cheap)).toBeLessThanOrEqual(rows * columns);
    expectSame(plain, cheap);
  });

  test("columns of a matrix of observations", () => {
    const b = createBuilder();
    const [n, d] = [200, 3];
    const y = b.tensor(normals(n * d), [n, d]);
    const q = new Unknowns(b, 2 * d);
    const { plain, cheap } = compiled(b, b.sum(normalDensity(b, y, q.vector(d), b.exp(q.vector(d)))), [q.u]);
    expect(biggest(cheap)).toBeLessThanOrEqual(2 * d);
    expectSame(plain, cheap);
  });

  test("sums written out in a plate are matrix products", () => {
    const b = createBuilder();
    const [n, p] = [150, 3];
    const [x, y] = [b.tensor(normals(n * p), [n, p]), b.tensor(normals(n), [n])];
    const q = new Unknowns(b, p + 1);
    const mu = b.sum(b.mul(x, q.vector(p)), [1]);
    const { plain, cheap } = compiled(b, b.sum(normalDensity(b, y, mu, b.exp(q.scalar()))), [q.u]);
    expect(biggest(cheap)).toBeLessThanOrEqual(p + 1);
    expectSame(plain, cheap);
  });

  test("several coefficients by group, several responses", () => {
    const b = createBuilder();
    const [n, p, groups, d] = [400, 3, 5, 2];
    const [x, y, many] = [b.tensor(normals(n * p), [n, p]), b.tensor(normals(n), [n]), b.tensor(normals(n * d), [n, d])];
    const g = b.tensor(below(n, groups), [n], "int");
    const q = new Unknowns(b, groups * p + p * d + 1);
    const beta = b.gather(b.reshape(q.vector(groups * p), [groups, p]), g);
    const own = b.dot(x, beta, { batch: 1, left: [1], right: [1] });
    const all = b.matmul(x, b.reshape(q.vector(p * d), [p, d]));
    const sigma = b.exp(q.scalar());
    const density = b.add(b.sum(normalDensity(b, y, own, sigma)), b.sum(normalDensity(b, many, all, sigma)));
    const { plain, cheap } = compiled(b, density, [q.u]);
    expect(biggest(cheap)).toBeLessThanOrEqual(groups * p + p * d + 1);
    expectSame(plain, cheap);
  });

  test("few observations stay as they are", () => {
    const b = createBuilder();
    const [y, sigma] = [
      b.tensor(normals(8), [8]),
      b.tensor(
        normals(8).map((v) => 1 + v * v),
        [8],
      ),
    ];
    const q = new Unknowns(b, 8);
    const { plain, cheap } = compiled(b, b.sum(normalDensity(b, y, q.vector(8), sigma)), [q.u]);
    expect(biggest(cheap)).toBe(8);
    expectSame(plain, cheap);
  });

  test("nearly deterministic data keep their residuals", () => {
    // y = 1000 + X β up to 1e-6: the residuals lie nine digits below y, eighteen below y².
    const b = createBuilder();
    const [n, p, noise] = [400, 3, 1e-6];
    const beta = Float64Array.of(3.25, -700.5, 41.125);
    const data = normals(n * p);
    const exact = Float64Array.from(
      { length: n },
      (_, i) => 1000 + beta.reduce((s, c, k) => s + c * data[i * p + k], 0) + noise * rng.normal(),
    );
    const [x, y] = [b.tensor(data, [n, p]), b.tensor(exact, [n])];
    const q = new Unknowns(b, p + 1);
    const total = b.sum(b.square(b.sub(y, b.add(q.scalar(), b.matmul(x, q.vector(p))))));
    const { plain, cheap } = compiled(b, total, [q.u]);
    const u = { u: Float64Array.of(1000, ...beta) };
    const [[expected], [found]] = [interpret([plain.outputs[0]], u)[0], interpret([cheap.outputs[0]], u)[0]];
    // Each residual is off by a few ulp of 2000, 2e-13 of which 1e-6 is the size; the factorisation multiplies that by less than √n.
    expect(biggest(cheap)).toBeLessThanOrEqual(p + 1);
    expect(Math.abs(found / expected - 1)).toBeLessThan((20 * 2000 * Number.EPSILON) / noise);
  });

  test("multivariate normals share a few right sides", () => {
    for (const form of ["factor", "precision"] as const) {
      const b = createBuilder();
      const [n, d, p] = [120, 3, 2];
      const [y, x] = [b.tensor(normals(n * d), [n, d]), b.tensor(normals(n * p), [n, p])];
      const q = new Unknowns(b, d + d * p + d * d);
      const [mu, beta] = [q.vector(d), b.reshape(q.vector(d * p), [p, d])];
      const l = b.add(b.reshape(q.vector(d * d), [d, d]), b.tensor(Float64Array.of(3, 0, 0, 0, 3, 0, 0, 0, 3), [d, d]));
      const residual = b.sub(y, b.add(mu, b.matmul(x, beta)));
      const z =
        form === "factor"
          ? b.triangularSolve(l, b.transpose(residual, [1, 0]), { lower: true, transpose: false })
          : b.matmul(residual, l);
      const { plain, cheap } = compiled(b, b.mul(b.constant(-0.5), b.sum(b.square(z))), [q.u]);
      expect(biggest(cheap)).toBeLessThanOrEqual(d * (p + d + 1));
      expectSame(plain, cheap);
    }
  });
});

describe("sums of other things", () => {
  test("logits that the data choose are summed at bind", () => {
    const b = createBuilder();
    const [n, p, k] = [90, 2, 3];
    const x = b.tensor(normals(n * p), [n, p]);
    const chosen = b.tensor(below(n, k), [n, 1], "int");
    const q = new Unknowns(b, p * k);
    const eta = b.matmul(x, b.reshape(q.vector(p * k), [p, k]));
    const density = b.sum(b.sub(b.reshape(b.gather(eta, chosen, 1), [n]), b.logSumExp(eta, [1])));
    const { plain, cheap } = compiled(b, density, [q.u]);
    expect(count(cheap, "gather")).toEqual([]);
    expectSame(plain, cheap);
  });

  test("a logistic regression sums its linear part at bind", () => {
    const b = createBuilder();
    const [n, p] = [120, 3];
    const [x, y] = [b.tensor(normals(n * p), [n, p]), b.tensor(below(n, 2), [n])];
    const q = new Unknowns(b, p);
    const eta = b.matmul(x, q.vector(p));
    const { plain, cheap } = compiled(b, b.sum(b.sub(b.mul(y, eta), b.softplus(eta))), [q.u]);
    expect(count(cheap, "softplus")).toEqual([]);
    expect(count(cheap, "sumSoftplus")).toEqual([1]);
    expect(count(cheap, "sigmoid")).toEqual([n]);
    expect(work(cheap)).toBeLessThan(work(plain));
    expectSame(plain, cheap);
  });

  test("counts by group are sufficient", () => {
    const b = createBuilder();
    const [n, groups] = [1000, 12];
    const g = b.tensor(below(n, groups), [n], "int");
    const y = b.tensor(below(n, 5), [n]);
    const q = new Unknowns(b, groups);
    const eta = b.gather(q.vector(groups), g);
    const { plain, cheap } = compiled(b, b.sum(b.sub(b.mul(y, eta), b.exp(eta))), [q.u]);
    expect(biggest(cheap)).toBe(groups);
    expectSame(plain, cheap);
  });

  test("rows that cannot differ are one row", () => {
    const b = createBuilder();
    const [n, groups] = [1000, 4];
    const g = b.tensor(below(n, groups), [n], "int");
    const y = b.tensor(below(n, 3), [n]);
    const q = new Unknowns(b, groups);
    const density = b.sum(b.log1p(b.square(b.sub(y, b.gather(q.vector(groups), g)))));
    const { plain, cheap } = compiled(b, density, [q.u]);
    expect(biggest(cheap)).toBe(3 * groups);
    expectSame(plain, cheap);
  });

  test("rows of -0 and of 0 are all counted", () => {
    for (const period of [2, 3]) {
      const b = createBuilder();
      const c = b.tensor(
        Float64Array.from({ length: 12 }, (_, i) => (i % period === 0 ? -0 : 0)),
        [12],
      );
      const u = b.input("u", real());
      const { plain, cheap } = compiled(b, b.sum(b.exp(b.add(u, b.sin(b.mul(u, c))))), [u]);
      expectSame(plain, cheap);
    }
  });

  test("what has no cotangent is summed all the same: truth values, counts, whole numbers", () => {
    const b = createBuilder();
    const u = b.input("u", real([2, 3]));
    const row = b.reshape(b.slice(u, 0, 0, 1), [3]);
    const isPositive = (x: Value): Value => b.gt(x, b.constant(0));
    const data = (n: number): Value => b.tensor(normals(n), [n]);
    const whole = b.tensor(Float64Array.of(2, 5, 3), [3], "int");
    for (const summed of [
      b.add(b.concat([isPositive(row), row], 0), data(6)),
      b.add(b.concat([whole, row], 0), data(6)),
      b.add(b.concat([row, row], 0), data(6)),
      b.matmul(b.tensor(normals(12), [4, 3]), isPositive(row)),
      b.add(b.mul(data(2), b.sum(isPositive(u), [1])), data(2)),
    ]) {
      const { plain, cheap } = compiled(b, b.sum(summed), [u]);
      expectSame(plain, cheap);
    }
  });

  test("elements that no row reads may be infinite", () => {
    const b = createBuilder();
    const g = b.tensor(
      Float64Array.from({ length: 40 }, (_, i) => 2 * (i % 2)),
      [40],
      "int",
    );
    const u = b.input("u", real([3]));
    const { plain, cheap } = compiled(b, b.sum(b.log(b.gather(u, g))), [u]);
    const at = { u: Float64Array.of(2, 0, 3) };
    const [expected, found] = [interpret(plain.outputs, at), interpret(cheap.outputs, at)];
    expect(biggest(cheap)).toBeLessThanOrEqual(4);
    expect(found[0][0]).toBeCloseTo(expected[0][0], 12);
    expect([...found[1]].map((v) => v.toFixed(9))).toEqual([...expected[1]].map((v) => v.toFixed(9)));
  });

  test("a choice made by data is made at bind", () => {
    const b = createBuilder();
    const n = 60;
    const censored = b.cast(b.tensor(below(n, 2), [n]), "bool");
    const y = b.tensor(normals(n).map(Math.abs), [n]);
    const q = new Unknowns(b, 1);
    const rate = b.exp(q.scalar());
    const density = b.sum(b.select(censored, b.neg(b.mul(rate, y)), b.sub(b.log(rate), b.mul(rate, y))));
    const { plain, cheap } = compiled(b, density, [q.u]);
    expect(biggest(cheap)).toBe(1);
    expectSame(plain, cheap);
  });

  test("logarithms of data are data", () => {
    const b = createBuilder();
    const n = 50;
    const y = b.tensor(
      normals(n).map((v) => 0.1 + v * v),
      [n],
    );
    const q = new Unknowns(b, 2);
    const density = b.sum(b.add(b.xlogy(b.sub(q.scalar(), b.constant(1)), y), b.xlog1py(q.scalar(), y)));
    const { plain, cheap } = compiled(b, density, [q.u]);
    expect(biggest(cheap)).toBe(2);
    expectSame(plain, cheap);
  });

  test("a division by one number is a multiplication by its reciprocal", () => {
    const b = createBuilder();
    const [x, s] = [b.input("x", real([30])), b.input("s", real())];
    const { plain, cheap } = compiled(b, b.sum(b.exp(b.div(x, s))), [x, s]);
    expect(count(cheap, "div").every((size) => size === 1)).toBe(true);
    expectSame(plain, cheap);
  });
});

test("a kernel over equal distances computes each distance once", () => {
  const b = createBuilder();
  const [alpha, rho] = [b.input("alpha", real()), b.input("rho", real())];
  const n = 9;
  const distances = Float64Array.from({ length: n * n }, (_, i) => (Math.floor(i / n) - (i % n)) ** 2);
  const scaled = b.div(b.mul(b.constant(-0.5), b.tensor(distances, [n, n])), b.square(rho));
  const kernel = b.mul(b.square(alpha), b.exp(scaled));
  const identity = b.tensor(
    Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
    [n, n],
  );
  const { plain, cheap } = compiled(b, b.logAbsDet(b.add(kernel, identity)), [alpha, rho]);
  expect(count(plain, "exp")).toEqual([n * n]);
  expect(count(cheap, "exp")).toEqual([n]);
  expectSame(plain, cheap);
});

describe("large graphs", () => {
  test("shared and deep expressions end", () => {
    const b = createBuilder();
    const u = b.input("u", real([40]));
    const c = b.tensor(
      Float64Array.from({ length: 40 }, () => rng.uniform()),
      [40],
    );
    let v: Value = b.gather(u, b.tensor(below(40, 3), [40], "int"));
    for (let t = 0; t < 3000; t++) v = b.add(b.mul(b.constant(0.5), v), b.mul(b.mul(c, b.constant(0.4)), v));
    const { plain, cheap } = compiled(b, b.sum(b.square(v)), [u]);
    expectSame(plain, cheap, 1);
    let w: Value = b.gather(u, b.tensor(below(40, 3), [40], "int"));
    for (let t = 0; t < 200; t++) w = b.add(w, b.slice(b.mul(c, w), 0, 39, 40, -1));
    const second = compiled(b, b.sum(b.mul(b.constant(2 ** -200), w)), [u]);
    expectSame(second.plain, second.cheap, 1);
  });
});
