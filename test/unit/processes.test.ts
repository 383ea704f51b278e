// Functions of processes: splines, Gaussian processes, maps and hidden chains, against other libraries, integrals and enumeration.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findFunction } from "../../src/dsl/check/functions/index.ts";
import { distributions } from "../../src/dsl/distributions/index.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import type { Builder, Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { areaMap, logPseudoDeterminant, marginalVariances } from "../../src/runtime/numeric/area-map.ts";

const golden = JSON.parse(readFileSync(new URL("./processes-golden.json", import.meta.url), "utf8"));

const call = (b: Builder, name: string, ...args: readonly Value[]): Value => {
  const found = findFunction(
    name,
    args.map(() => ({})),
  );
  if (!found) throw new Error(`no ${name}`);
  return found.form.lower(b, args);
};
const vector = (b: Builder, x: readonly number[]): Value => b.tensor(Float64Array.from(x), [x.length]);
const integers = (b: Builder, x: readonly number[]): Value => b.tensor(Float64Array.from(x), [x.length], "int");
const matrix = (b: Builder, x: readonly number[], rows: number): Value => b.tensor(Float64Array.from(x), [rows, x.length / rows]);
const numbers = (v: Value): number[] => Array.from(interpret([v], {})[0]);
const expectClose = (a: readonly number[], b: readonly number[], tolerance: number): void => {
  expect(a.length).toBe(b.length);
  a.forEach((v, i) => {
    expect(Math.abs(v - b[i]), `element ${i}: ${v}, ${b[i]}`).toBeLessThanOrEqual(tolerance);
  });
};
/** Some ten roundings of numbers of size one. */
const ROUNDING = 4e-15;

describe(`splines, as ${golden.from} has them`, () => {
  for (const degree of [0, 1, 2, 3])
    test(`of degree ${degree}, on a line and on a circle`, () => {
      const b = createBuilder();
      const of = (name: string): number[] =>
        numbers(call(b, name, vector(b, golden.x), vector(b, golden.knots), b.constant(degree, "int")));
      expectClose(of("bspline"), golden.bspline[degree].flat(), ROUNDING);
      // On the circle the last place is the first.
      const periodic = golden.periodic[degree].flat();
      expectClose(of("periodic_bspline"), periodic, ROUNDING);
    });
  test("a circle goes on for ever", () => {
    const b = createBuilder();
    const at = (shift: number): number[] =>
      numbers(
        call(
          b,
          "periodic_bspline",
          vector(
            b,
            [0.25, 1.125, 3.5].map((x) => x + shift),
          ),
          vector(b, golden.knots),
          b.constant(3, "int"),
        ),
      );
    expectClose(at(4), at(0), ROUNDING);
    expectClose(at(-12), at(0), ROUNDING);
  });
  test("points beyond the ends, and knots that do not increase, are refused", () => {
    const b = createBuilder();
    const cubic = b.constant(3, "int");
    expect(() => call(b, "bspline", vector(b, [1, 5]), vector(b, golden.knots), cubic)).toThrow("x[2] of bspline is 5");
    expect(() => call(b, "bspline", vector(b, [1]), vector(b, [0, 2, 1]), cubic)).toThrow("knot 3 is 1");
    expect(() => call(b, "bspline", vector(b, [1]), vector(b, [0]), cubic)).toThrow("two knots");
  });
});

describe("Gaussian processes", () => {
  test("conditionals", () => {
    const { x, at, y, alpha, rho, noise, mean, cov } = golden.gp;
    const b = createBuilder();
    const [p, q] = [vector(b, x), vector(b, at)];
    const parameters = [b.constant(alpha), b.constant(rho)];
    const kyy = b.add(
      call(b, "gp_exp_quad_cov", p, ...parameters),
      b.mul(b.constant(noise), call(b, "I", b.constant(x.length, "int"))),
    );
    const kxy = call(b, "gp_exp_quad_cov", q, p, ...parameters);
    expectClose(numbers(call(b, "gp_conditional_mean", kyy, kxy, vector(b, y))), mean, 1e-13);
    expectClose(numbers(call(b, "gp_conditional_cov", kyy, kxy, call(b, "gp_exp_quad_cov", q, ...parameters))), cov, 1e-13);
  });
  test("Kronecker products", () => {
    const { A, B, x, product, multiply, solve } = golden.kron;
    const b = createBuilder();
    const [a, c, v] = [matrix(b, A, 2), matrix(b, B, 3), vector(b, x)];
    expectClose(numbers(call(b, "kron", a, c)), product, ROUNDING);
    expectClose(numbers(call(b, "kron_multiply", a, c, v)), multiply, 1e-14);
    expectClose(numbers(call(b, "kron_solve", a, c, v)), solve, 1e-14);
    expect(() => call(b, "kron_solve", a, a, v)).toThrow("is given 6 numbers for sides 2 and 2");
  });
  const kernels = ["exp_quad", "exponential", "matern32", "matern52"];
  test.each(kernels)("the spectral density of %s is the Fourier transform of its kernel", (name) => {
    // Both are sums over a grid; k falls below 1e-12 within 20 length scales, and is smooth but for the tip of the exponential.
    const [alpha, rho, step] = [1.25, 0.75, 0.0005];
    const b = createBuilder();
    const r = Float64Array.from({ length: 60001 }, (_, i) => i * step);
    const k = numbers(
      call(b, `gp_${name}_cov`, b.tensor(Float64Array.of(0), [1]), b.tensor(r, [r.length]), b.constant(alpha), b.constant(rho)),
    );
    const omegas = [0, 0.5, 1.7, 4];
    const said = numbers(call(b, `gp_${name}_spectral`, vector(b, omegas), b.constant(alpha), b.constant(rho)));
    omegas.forEach((omega, i) => {
      // Simpson's rule.
      let sum = 0;
      k.forEach((v, j) => {
        sum += (j === 0 || j === k.length - 1 ? 1 : j % 2 === 1 ? 4 : 2) * v * Math.cos(omega * r[j]);
      });
      expect(Math.abs((2 * sum * step) / 3 - said[i])).toBeLessThan(1e-10);
    });
  });
  test.each(kernels)("basis functions and spectral density of %s give back the kernel inside a wide interval", (name) => {
    const [alpha, rho, width, count] = [1.25, 0.5, 6, 400];
    const b = createBuilder();
    const x = vector(b, [-1, -0.25, 0, 0.5, 1]);
    const [a, l, w] = [b.constant(alpha), b.constant(rho), b.constant(width)];
    const m = b.constant(count, "int");
    const basis = call(b, "hsgp_basis", x, w, m);
    const density = call(b, `gp_${name}_spectral`, call(b, "hsgp_frequencies", w, m), a, l);
    const near = numbers(b.matmul(b.mul(basis, b.reshape(density, [1, count])), b.transpose(basis, [1, 0])));
    const kernel = numbers(call(b, `gp_${name}_cov`, x, a, l));
    // What is left out: frequencies above M π / 2L, where matern32 falls as ω⁻⁴, the exponential as ω⁻².
    expectClose(near, kernel, name === "exponential" ? 0.02 : name === "matern32" ? 2e-4 : 1e-5);
  });
});

describe("a map", () => {
  const { node1, node2, n, variances, scale, logPseudoDeterminant: log } = golden.map;
  test("variances, their geometric mean, and the product of eigenvalues", () => {
    const map = areaMap(node1, node2, n);
    expectClose(Array.from(marginalVariances(map)), variances, 1e-14);
    expect(Math.abs(logPseudoDeterminant(map) - log)).toBeLessThan(1e-13);
    const b = createBuilder();
    expectClose(numbers(call(b, "icar_scale", integers(b, node1), integers(b, node2), b.constant(n, "int"))), [scale], 1e-14);
  });
  test.each(["ICAR", "CAR"])("%s with edges that are known, by eigenvalues and trees, is that of any edges", (name) => {
    const record = distributions.get(name);
    if (!record) throw new Error(name);
    const x = [0.5, -1.25, 0.75, 2, -0.5, -1.75, 0.25];
    const given: Readonly<Record<string, number[]>> = {
      node1,
      node2,
      mu: [0.25, 0.5, -1, 0.125, 0, 0.75, 0.5],
      alpha: [0.875],
      tau: [1.5],
      sigma: [0.75],
    };
    const at = (isKnown: boolean): { readonly value: number; readonly slopes: readonly number[] } => {
      const b = createBuilder();
      const free = ["mu", "alpha", "tau", "sigma"].filter((p) => p in record.params);
      const shape = (p: string): number[] => (record.params[p].rank === 0 ? [] : [given[p].length]);
      const params = Object.fromEntries(
        Object.keys(record.params).map((p) => [
          p,
          isKnown && p.startsWith("node") ? integers(b, given[p]) : b.input(p, { shape: shape(p), dtype: "real" }),
        ]),
      );
      const log = record.logDensity(b, vector(b, x), params);
      const inputs = Object.fromEntries(Object.keys(record.params).map((p) => [p, Float64Array.from(given[p])]));
      const [value, ...slopes] = interpret(
        [
          log,
          ...gradient(
            b,
            log,
            free.map((p) => params[p]),
          ),
        ],
        inputs,
      );
      return { value: value[0], slopes: slopes.flatMap((v) => [...v]) };
    };
    const [known, any] = [at(true), at(false)];
    expect(Math.abs(known.value - any.value)).toBeLessThan(1e-12);
    expectClose(known.slopes, any.slopes, 1e-12);
  });
  test("a chain of n areas has one tree; a ring has n", () => {
    const chain = areaMap([1, 2, 3, 4], [2, 3, 4, 5], 5);
    expect(logPseudoDeterminant(chain)).toBeCloseTo(Math.log(5), 13);
    const ring = areaMap([1, 2, 3, 4, 5], [2, 3, 4, 5, 1], 5);
    expect(logPseudoDeterminant(ring)).toBeCloseTo(Math.log(25), 13);
  });
  test("what is no map is said", () => {
    expect(() => areaMap([1, 2], [2, 9], 3)).toThrow("edge 2 goes from 2 to 9, and there are 3 areas");
    expect(() => areaMap([1, 2], [2, 2], 3)).toThrow("to itself");
    expect(() => areaMap([1, 2], [2, 1], 3)).toThrow("is there twice");
    expect(() => marginalVariances(areaMap([1, 3], [2, 4], 4))).toThrow("hang together");
  });
});

test("an area without neighbours has no CAR, and is named", () => {
  const b = createBuilder();
  const record = distributions.get("CAR");
  const at = (node1: number[], node2: number[], n: number): Value | undefined =>
    record?.logDensity(b, vector(b, new Array(n).fill(0.5)), {
      mu: vector(b, new Array(n).fill(0)),
      node1: integers(b, node1),
      node2: integers(b, node2),
      alpha: b.constant(0.5),
      tau: b.constant(2),
    });
  expect(() => at([1, 3], [3, 4], 4)).toThrow("area 2 has no neighbours");
  // Parts that do not hang together are each a map: the density is a product.
  const pair = numbers(at([1], [2], 2) ?? b.constant(Number.NaN))[0];
  expect(numbers(at([1, 3], [2, 4], 4) ?? b.constant(Number.NaN))[0]).toBeCloseTo(2 * pair, 13);
});

test("processes of no steps have density 1, and an empty draw", () => {
  const found: string[] = [];
  for (const [name, params] of [
    ["GaussianRandomWalk", { mu: 0.5, sigma: 2, m0: 1, s0: 3 }],
    ["GARCH11", { mu: 0.5, omega: 1, alpha1: 0.2, beta1: 0.3, s1: 2 }],
    ["AR", { rho: [0.5], sigma: 1, mu: 0 }],
    ["UnivariateDlm", { F: [1], G: [[1]], V: 2, W: [[1]], m0: [0], C0: [[1]] }],
  ] as const) {
    const record = distributions.get(name);
    if (!record) throw new Error(name);
    const b = createBuilder();
    const own = Object.fromEntries(
      Object.entries<number | readonly (number | readonly number[])[]>(params).map(([n, v]) => {
        const flat = [v].flat(2) as number[];
        return [n, b.tensor(Float64Array.from(flat), new Array(record.params[n].rank).fill(1))];
      }),
    );
    const none = b.tensor(new Float64Array(0), [0]);
    expect(Math.abs(numbers(record.logDensity(b, none, own))[0]), name).toBe(0);
    if (record.draw) expect(numbers(record.draw.build(b, [none], own, [0])), name).toEqual([]);
    found.push(name);
  }
  expect(found.length).toBe(4);
});

describe("partial autocorrelations", () => {
  test("give the coefficients whose process has them: AR is the product of conditionals, and stationary at any of them", () => {
    // Of order 2, r1 (1 - r2) and r2; the correlation of neighbours is r1.
    const b = createBuilder();
    expectClose(numbers(call(b, "ar_coefficients", vector(b, [0.5, -0.25]))), [0.625, -0.25], ROUNDING);
    const record = distributions.get("AR");
    for (const partial of [[0.9], [-0.99, 0.99], [0.5, -0.8, 0.95], [0.9, 0.9, 0.9, -0.9]]) {
      const rho = call(b, "ar_coefficients", vector(b, partial));
      const at = (x: readonly number[]): number => {
        const log = record?.logDensity(b, vector(b, x), { rho, sigma: b.constant(1), mu: b.constant(0) });
        return numbers(log ?? b.constant(Number.NaN))[0];
      };
      // At order p and one value, the density at 0 has the stationary variance: 1 over the product of 1 - r².
      const variance = partial.reduce((v, r) => v / (1 - r * r), 1);
      expect(at([0])).toBeCloseTo(-0.5 * Math.log(2 * Math.PI * variance), 9);
    }
  });
});

describe("a hidden chain", () => {
  const [k, steps] = [3, 5];
  const omega = Array.from({ length: k * steps }, (_, i) => -0.25 * ((i * 7) % 11) - 0.1);
  const gamma = [0.7, 0.2, 0.1, 0, 0.6, 0.4, 0.25, 0.25, 0.5];
  const rho = [0.5, 0.3, 0.2];
  const enumerated = (values: readonly number[]): number => {
    let total = 0;
    for (let path = 0; path < k ** steps; path++) {
      const states = Array.from({ length: steps }, (_, t) => Math.floor(path / k ** t) % k);
      total += states.reduce(
        (p, s, t) => p * (t === 0 ? rho[s] : gamma[states[t - 1] * k + s]) * Math.exp(values[s * steps + t]),
        1,
      );
    }
    return Math.log(total);
  };
  test("the forward recursion is the sum over all paths, and so is its gradient; a step that cannot be is none", () => {
    const b = createBuilder();
    const w = b.input("w", { shape: [k, steps], dtype: "real" });
    const g = b.input("g", { shape: [k, k], dtype: "real" });
    const log = call(b, "hmm_marginal", w, g, vector(b, rho));
    const inputs = { w: Float64Array.from(omega), g: Float64Array.from(gamma) };
    const [value, slope, byGamma] = interpret([log, ...gradient(b, log, [w, g])], inputs);
    expect(value[0]).toBeCloseTo(enumerated(omega), 13);
    const h = 1e-5;
    omega.forEach((_, i) => {
      const at = (d: number): number => enumerated(omega.map((v, j) => (j === i ? v + d : v)));
      expect(Math.abs(slope[i] - (at(h) - at(-h)) / (2 * h))).toBeLessThan(1e-9);
    });
    expect(byGamma.every(Number.isFinite)).toBe(true);
  });
  test("of one step", () => {
    const b = createBuilder();
    const log = call(b, "hmm_marginal", matrix(b, [-1, -2], 2), matrix(b, [0.5, 0.5, 0.5, 0.5], 2), vector(b, [0.25, 0.75]));
    expect(numbers(log)[0]).toBeCloseTo(Math.log(0.25 * Math.exp(-1) + 0.75 * Math.exp(-2)), 14);
  });
});
