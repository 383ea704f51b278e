// Bounds over draws and rows as identities between numbers: what a minibatch, several draws and held parameters do to the same noise.
import { describe, expect, test } from "vitest";
import { guided } from "../../src/inference/vi/approximation.ts";
import { type BoundOptions, boundOf } from "../../src/inference/vi/bound.ts";
import { MEAN } from "../../src/inference/vi/families/gaussian.ts";
import { meanField } from "../../src/inference/vi/families/mean-field.ts";
import { Noise } from "../../src/inference/vi/noise.ts";
import { type WeightOptions, weigh } from "../../src/inference/vi/weights.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { gradient } from "../../src/runtime/ir/gradient.ts";
import { type InputAttrs, shapeOf, type Value } from "../../src/runtime/ir/graph.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { simplify } from "../../src/runtime/ir/simplify.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Axis, Target } from "../../src/runtime/target.ts";
import { wasmBackend } from "../../src/runtime/wasm/backend.ts";
import { bound } from "./model-under-test.ts";

const y = [0.3, -1.1, 2.4, 0.8, -0.2];
const N: Axis = { kind: "plate", name: "N", size: y.length };
const local = `
data y: real[N]
const w = 0.7
param a: real = 0.4
param s: positive = 0.6
for n in 1..N { z[n] ~ Normal(w, 1)
  y[n] ~ Normal(z[n], 0.5) }
guide { for n in 1..N { z[n] ~ Normal(a * y[n], s) } }
`;
const hierarchical = `
data y: real[N]
param a: real = 0.4
param s: positive = 0.6
w ~ Normal(0, 2)
for n in 1..N { z[n] ~ Normal(w, 1)
  y[n] ~ Normal(z[n], 0.5) }
guide { w ~ Normal(0.3, 0.8)
  for n in 1..N { z[n] ~ Normal(a * y[n], s) } }
`;

/** The value of a bound, and its gradient by a and log s, as a function of the noise (by shape) and the rows. */
function evaluator(target: Target, options: BoundOptions, rows?: number, apart = false) {
  const b = createBuilder();
  const noise = new Noise(b);
  const family = guided(target);
  if (!family) throw new Error("no guide");
  const inputs = target.parameters.map((p) => b.input(`u ${p.name}`, { shape: p.unconstrained, dtype: "real" }));
  const learnt = target.constrainParameters(b, Object.fromEntries(target.parameters.map((p, i) => [p.name, inputs[i]])));
  const indices = b.input("rows", { shape: [rows ?? 1], dtype: "int" });
  const split = rows === undefined ? (apart ? { plate: N } : undefined) : { plate: N, rows, indices };
  const w = weigh(b, target, family, noise, { target: learnt, family: {} }, { draws: options.draws }, split);
  const out = boundOf(b, w, options);
  const outputs = [out.value, ...gradient(b, out.objective, inputs)];
  const noises = noise.inputsOf(outputs);
  return (fill: (shape: readonly number[]) => Float64Array, at: readonly number[] = []): number[] => {
    const given = Object.fromEntries(noises.map((v) => [(v.node.attrs as InputAttrs).name, fill(shapeOf(v))]));
    const initial = Object.fromEntries(target.parameters.map((p) => [`u ${p.name}`, p.initial(stream(1, p.name))]));
    return interpret(outputs, { ...given, ...initial, rows: Int32Array.from(at) }).map((v) => v[0]);
  };
}
const eps = Array.from({ length: 3 }, (_, k) => ({
  w: 0.4 - 0.9 * k,
  z: Float64Array.from(y, (_v, n) => Math.sin(1 + 2 * n + 5 * k)),
}));
/** Noise of draw k, of these rows. */
const of =
  (k: number, rows: readonly number[] = y.map((_, n) => n)) =>
  (shape: readonly number[]): Float64Array =>
    shape.length === 0 ? Float64Array.of(eps[k].w) : Float64Array.from(rows, (n) => eps[k].z[n]);
const all = (draws: number) => (shape: readonly number[]) =>
  shape.length === 1
    ? Float64Array.from({ length: draws }, (_, k) => eps[k].w)
    : Float64Array.from(Array.from({ length: draws }, (_, k) => [...eps[k].z]).flat());
const expectEqual = (a: readonly number[], b: readonly number[]): void => {
  expect(a.length).toBe(b.length);
  a.forEach((v, i) => {
    expect(Math.abs(v - b[i])).toBeLessThan(1e-12 * Math.max(1, Math.abs(b[i])));
  });
};
const mean = (rows: readonly (readonly number[])[]): number[] =>
  rows[0].map((_, i) => rows.reduce((s, row) => s + row[i], 0) / rows.length);
const elbo = { objective: "elbo", draws: 1 } as const;

describe("a minibatch", () => {
  for (const [name, text] of [
    ["local latents", local],
    ["a global latent too", hierarchical],
  ])
    for (const rows of [1, 2, 4])
      test(`has the bound of all rows as its mean over all minibatches of ${rows}: ${name}`, async () => {
        const { target } = await bound(text, { y });
        const whole = evaluator(target, elbo)(of(0));
        const part = evaluator(target, elbo, rows);
        const subsets: number[][] = [];
        const choose = (from: number, chosen: readonly number[]): void => {
          if (chosen.length === rows) subsets.push([...chosen].reverse());
          else for (let n = from; n < y.length; n++) choose(n + 1, [...chosen, n]);
        };
        choose(0, []);
        expectEqual(mean(subsets.map((s) => part(of(0, s), s))), whole);
      });
});

describe("several draws", () => {
  for (const [name, text] of [
    ["local latents", local],
    ["a global latent too", hierarchical],
  ]) {
    test(`the elbo is the mean of single ones: ${name}`, async () => {
      const { target } = await bound(text, { y });
      const one = evaluator(target, elbo);
      expectEqual(evaluator(target, { objective: "elbo", draws: 3 })(all(3)), mean([0, 1, 2].map((k) => one(of(k)))));
    });
  }
  test("the importance-weighted bound is the log of the mean weight, of everything where something is shared", async () => {
    const { target } = await bound(hierarchical, { y });
    const one = evaluator(target, elbo);
    const logs = [0, 1, 2].map((k) => one(of(k))[0]);
    const expected = Math.log(logs.reduce((s, v) => s + Math.exp(v), 0) / 3);
    for (const apart of [false, true])
      expect(evaluator(target, { objective: "iwae", draws: 3 }, undefined, apart)(all(3))[0]).toBeCloseTo(expected, 11);
  });
  test("row by row where rows share nothing", async () => {
    const { target } = await bound(local, { y });
    const row = evaluator(target, elbo, 1);
    const expected = y.reduce((sum, _, n) => {
      const weights = [0, 1, 2].map((k) => Math.exp(row(of(k, [n]), [n])[0] / y.length));
      return sum + Math.log(weights.reduce((s, v) => s + v, 0) / 3);
    }, 0);
    expect(evaluator(target, { objective: "iwae", draws: 3 }, undefined, true)(all(3))[0]).toBeCloseTo(expected, 11);
  });
  test("of everything where rows read draws of other rows, as in a chain", async () => {
    const chain = local.replace(
      "for n in 1..N { z[n] ~ Normal(w, 1)",
      "z[1] ~ Normal(w, 1)\nfor n in 2..N { z[n] ~ Normal(z[n-1], 1) }\nfor n in 1..N {",
    );
    const { target } = await bound(chain, { y });
    const one = evaluator(target, elbo);
    const logs = [0, 1, 2].map((k) => one(of(k))[0]);
    const expected = Math.log(logs.reduce((s, v) => s + Math.exp(v), 0) / 3);
    expect(evaluator(target, { objective: "iwae", draws: 3 }, undefined, true)(all(3))[0]).toBeCloseTo(expected, 11);
  });
  test("of rows that stand for others, with something shared, are refused: they would make no bound", async () => {
    const { target } = await bound(hierarchical, { y });
    expect(() => evaluator(target, { objective: "iwae", draws: 3 }, 2)).toThrow("needs all rows in each step");
    expect(evaluator(target, { objective: "iwae", draws: 3 }, 5)(all(3), [0, 1, 2, 3, 4])[0]).toBeLessThan(0);
  });
  test("the importance-weighted bound of one draw is the elbo", async () => {
    const { target } = await bound(hierarchical, { y });
    expectEqual(evaluator(target, { objective: "iwae", draws: 1 })(of(0)), evaluator(target, elbo)(of(0)));
  });
});

describe("sticking the landing", () => {
  const at = async (mu: number, scale: number, options: WeightOptions) => {
    // The posterior of m is N(1, 1/2).
    const { target } = await bound("data y: real\nm ~ Normal(0, 1)\ny ~ Normal(m, 1)", { y: 2 });
    const b = createBuilder();
    const noise = new Noise(b);
    const family = meanField(target, { position: Float64Array.of(0), scale: Float64Array.of(1) });
    const inputs = family.parameters.map((p) => b.input(p.name, { shape: p.shape, dtype: "real" }));
    const own = Object.fromEntries(family.parameters.map((p, i): [string, Value] => [p.name, inputs[i]]));
    const w = weigh(b, target, family, noise, { target: {}, family: own }, options);
    const slopes = gradient(b, boundOf(b, w, elbo).objective, inputs);
    const [input] = noise.inputsOf(slopes);
    return (e: number): number[] =>
      interpret(slopes, {
        [MEAN]: Float64Array.of(mu),
        "log scale": Float64Array.of(Math.log(scale)),
        [(input.node.attrs as InputAttrs).name]: Float64Array.of(e),
      }).map((g) => g[0]);
  };
  test("leaves no noise where q is the posterior, and the plain gradient some", async () => {
    const stuck = await at(1, Math.SQRT1_2, { draws: 1, stickTheLanding: true });
    const plain = await at(1, Math.SQRT1_2, { draws: 1 });
    for (const e of [-1.3, 0.2, 2]) {
      for (const g of stuck(e)) expect(Math.abs(g)).toBeLessThan(1e-14);
      expect(Math.abs(plain(e)[0])).toBeGreaterThan(0.1);
    }
  });
  test("keeps the mean", async () => {
    const stuck = await at(0.3, 0.9, { draws: 1, stickTheLanding: true });
    const plain = await at(0.3, 0.9, { draws: 1 });
    // Exact for polynomials up to degree 5: the nodes of Gauss and Hermite.
    const nodes = [
      [-Math.sqrt(3), 1 / 6],
      [0, 2 / 3],
      [Math.sqrt(3), 1 / 6],
    ];
    for (const i of [0, 1]) {
      const expectation = (f: (e: number) => number[]) => nodes.reduce((s, [e, p]) => s + p * f(e)[i], 0);
      expect(expectation(stuck)).toBeCloseTo(expectation(plain), 12);
      expect(Math.abs(expectation(plain))).toBeGreaterThan(0.05);
    }
  });
});

describe("noise", () => {
  test("fills each kind from its law, the same bits for the same seed", async () => {
    const b = createBuilder();
    const noise = new Noise(b);
    const kinds = ["normal", "uniform", "exponential"] as const;
    const outputs = kinds.map((kind) => b.mul(noise.noise(kind, [4000], []), b.constant(1)));
    const executable = await wasmBackend.compile(simplify(b, { inputs: noise.inputsOf(outputs), outputs, updates: [] }));
    const fill = noise.filler(executable);
    const draw = (seed: number) => {
      fill(stream(seed, "noise"));
      executable.run();
      return executable.outputs.map((o) => o.slice());
    };
    const [normal, uniform, exponential] = draw(1);
    expect(draw(1)).toEqual([normal, uniform, exponential]);
    expect(draw(2)[0]).not.toEqual(normal);
    // Mean and its standard deviation for each.
    const within = (x: Float64Array, m: number, sd: number) =>
      expect(Math.abs(x.reduce((s, v) => s + v, 0) / x.length - m)).toBeLessThan((4 * sd) / Math.sqrt(x.length));
    within(normal, 0, 1);
    within(
      normal.map((v) => v * v),
      1,
      Math.SQRT2,
    );
    within(uniform, 0.5, Math.sqrt(1 / 12));
    within(exponential, 1, 1);
    expect([Math.min(...uniform) > 0, Math.max(...uniform) < 1, Math.min(...exponential) > 0]).toEqual([true, true, true]);
    executable.dispose();
  });
});
