// Discrete latents where they are given their values: terms, draws, the finisher, and who refuses them.
import { expect, test } from "vitest";
import { engines } from "../../src/inference/engines/index.ts";
import { runEngine } from "../../src/inference/run.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Target } from "../../src/runtime/target.ts";
import { bound, normal } from "./model-under-test.ts";

const mixture = `data y: real[N], m: int[N]
mu: ordered[2] ~ Normal(0, 5)
for n in 1..N {
  k[n] ~ Categorical([0.3, 0.7])
  c[n] ~ Binomial(m[n], 0.4)
  y[n] ~ Normal(mu[k[n]] + 0.5 * c[n], 1.5)
}
j: int<0, 3> ~ Poisson(2)
factor(j == 2 ? 0.25 : 0)`;
const data = { y: [0.3, -1.2, 2.4], m: [2, 5, 3] };

/** Sum of all terms at constrained values; discrete ones are real inputs, as an engine's draws are. */
function logJoint(target: Target, values: Readonly<Record<string, readonly number[]>>): number {
  const b = createBuilder();
  const given = Object.fromEntries(
    target.sites.filter((s) => s.role === "latent").map((s) => [s.name, b.input(s.name, { shape: s.type.shape, dtype: "real" })]),
  );
  const sums = target.terms(b, given).map((t) => b.sum(t.value));
  const inputs = Object.fromEntries(Object.entries(values).map(([name, x]) => [name, Float64Array.from(x)]));
  return interpret(sums, inputs).reduce((s, [x]) => s + x, 0);
}
const values = { mu: [-0.7, 1.9], k: [1, 2, 2], c: [0, 3, 1], j: [2] };
const choose = (n: number, k: number): number => (k === 0 ? 0 : choose(n, k - 1) + Math.log((n - k + 1) / k));
/** Poisson(2) on 0..3. */
const poisson = (j: number): number => {
  const weights = [1, 2, 2, 4 / 3];
  return Math.log(weights[j] / weights.reduce((s, w) => s + w, 0));
};

test("terms at given values are the densities of the statements, and no coordinates belong to them", async () => {
  const { target } = await bound(mixture, data);
  expect(target.dimension).toBe(2);
  expect(target.width).toBe(2 + 3 + 3 + 1);
  expect(target.sites.filter((s) => s.type.dtype === "int").map((s) => s.name)).toEqual(["k", "c", "j"]);
  let expected = Math.log(2) + normal(-0.7, 0, 5) + normal(1.9, 0, 5) + poisson(2) + 0.25;
  data.y.forEach((y, n) => {
    expected += Math.log([0.3, 0.7][values.k[n] - 1]);
    expected += choose(data.m[n], values.c[n]) + values.c[n] * Math.log(0.4) + (data.m[n] - values.c[n]) * Math.log(0.6);
    expected += normal(y, values.mu[values.k[n] - 1] + 0.5 * values.c[n], 1.5);
  });
  expect(Math.abs(logJoint(target, values) - expected)).toBeLessThan(1e-13 * Math.abs(expected) * 20);
});

test("what each may be is known where the data decide on it", async () => {
  const { target } = await bound(mixture, data);
  expect(target.discrete.map(({ name, lower, upper, statement }) => [name, [...lower], [...upper], statement])).toEqual([
    ["k", [1, 1, 1], [2, 2, 2], "k[n] ~ Categorical([0.3, 0.7])"],
    ["c", [0, 0, 0], [2, 5, 3], "c[n] ~ Binomial(m[n], 0.4)"],
    ["j", [0], [3], "j: int<0, 3> ~ Poisson(2)"],
  ]);
});

test("outside of its support a discrete latent has no density", async () => {
  const { target } = await bound(mixture, data);
  // Its elements of others are no numbers there.
  expect(logJoint(target, { ...values, k: [3, 1, 1] })).toBeNaN();
  for (const wrong of [{ c: [3, 0, 0] }, { c: [-1, 0, 0] }, { j: [4] }])
    expect(logJoint(target, { ...values, ...wrong })).toBe(Number.NEGATIVE_INFINITY);
});

test("an index out of range selects what is no number, where it stands alone", async () => {
  const { target } = await bound(
    "k ~ DiscreteRange(1, 3)\nlet table = [0.5, 0.25]\nfactor(table[k])\nfactor(sum(table[[k, 1]]))",
  );
  expect(logJoint(target, { k: [2] })).toBeCloseTo(-Math.log(3) + 0.25 + 0.75, 12);
  expect(logJoint(target, { k: [3] })).toBeNaN();
});

test("prior draws and the finisher carry them", async () => {
  const { target } = await bound(`${mixture}\nquantity total = sum(c)\npredict again ~ Normal(mu[k[1]], 0.001)`, data);
  const drawn = await target.simulatePrior(stream(3, "prior"));
  if ("refusal" in drawn) throw new Error(drawn.refusal);
  expect(drawn.position.length).toBe(target.width);
  const finisher = await target.finisher(stream(3, "finish"));
  const out = new Float64Array(finisher.width);
  finisher.finish(drawn.position, out);
  const at = (name: string): Float64Array => {
    let from = 0;
    for (const column of finisher.columns) {
      const size = column.shape.reduce((n, d) => n * d, 1);
      if (column.name === name) return out.slice(from, from + size);
      from += size;
    }
    throw new Error(name);
  };
  expect(finisher.columns.filter((c) => c.integer).map((c) => c.name)).toEqual(["k", "c", "j", "total"]);
  for (const s of target.discrete) expect([...at(s.name)]).toEqual([...drawn.position.slice(s.offset, s.offset + s.size)]);
  expect(at("total")[0]).toBe(at("c").reduce((s, x) => s + x, 0));
  expect(Math.abs(at("again")[0] - at("mu")[at("k")[0] - 1])).toBeLessThan(0.01);
  expect(target.blame(drawn.position).culprits).toEqual([]);
  const named = Object.fromEntries(finisher.columns.map((c) => [c.name, [...at(c.name)]]));
  const { total: _, again: __, ...latents } = named;
  const back = target.unconstrain(latents, new Float64Array(target.width));
  back.forEach((x, i) => {
    expect(Math.abs(x - drawn.position[i])).toBeLessThan(1e-10 * (1 + Math.abs(x)));
  });
});

test("the others have a density of their own where they are summed out, and engines that need one take it", async () => {
  const posterior = await bound(mixture, data);
  expect(posterior.logDensity(new Float64Array(2))).toSatisfy(Number.isFinite);
  // Without bounds there is none, and those that need it say so by the statement.
  const open = await bound(mixture.replace("j: int<0, 3>", "j"), data);
  for (const engine of [...engines.values()].filter((e) => e.discrete === "summed")) {
    const { failure } = await runEngine(open.target, engine, {}, { seed: 1 });
    expect(failure?.reason).toContain(
      `${engine.name} needs discrete latent variables summed out: j cannot be summed out (j ~ Poisson(2))`,
    );
  }
});

test("elements between others of the same latent are refused, integers between fixed bounds are not", async () => {
  const refused = "what the elements of x lie between are other elements of it";
  for (const text of [
    "x[1] ~ Uniform(0, 1)\nfor t in 2..4 { x[t] ~ Uniform(0, x[t-1] + 1) }",
    "x[1] ~ Normal(0, 1)\nfor t in 2..4 { x[t]: real<x[t-1],> ~ Normal(0, 1) }",
    "x[1]: int<0, 3> ~ Poisson(1)\nfor t in 2..4 { x[t]: int<x[t-1], 3> ~ Poisson(1) }",
  ])
    await expect(bound(text)).rejects.toThrow(refused);
  const open = await bound("x[1] ~ DiscreteRange(1, 3)\nfor t in 2..4 { x[t] ~ DiscreteRange(x[t-1], 3) }");
  expect(open.target.summation()).toEqual({ refusal: expect.stringContaining("declare it between bounds: x: int<0, 50> ~ …") });
  const closed = await bound("x[1] ~ DiscreteRange(1, 3)\nfor t in 2..4 { x[t]: int<1, 3> ~ DiscreteRange(x[t-1], 3) }");
  expect(Math.abs(closed.logDensity(new Float64Array(0)))).toBeLessThan(1e-15);
});
