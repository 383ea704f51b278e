// Distributions of distributions in models: what is divided out is divided out, and what cannot be is refused when data are bound.
import { describe, expect, test } from "vitest";
import { ModelError } from "../../src/model.ts";
import { bound, normal } from "./model-under-test.ts";

const refusal = async (text: string, data: Parameters<typeof bound>[1]): Promise<readonly string[]> => {
  try {
    await bound(text, data);
  } catch (e) {
    if (e instanceof ModelError) return e.diagnostics.filter((d) => d.severity === "error").map((d) => `${d.code} ${d.message}`);
    throw e;
  }
  return [];
};

describe("truncated", () => {
  test("of a mixture over latents is divided by the mass that is left", async () => {
    const p = await bound(
      "data y: real\nmu ~ Normal(0, 1)\ny ~ truncated(mixture([0.25, 0.75], Normal(mu, 1), Normal(0, 1)), lower = 0)",
      {
        y: 1.5,
      },
    );
    // By the trapezoid rule on [0, 40]: the integrand is smooth, and its ends are 0 or half counted.
    const density = (mu: number, x: number): number => 0.25 * Math.exp(normal(x, mu, 1)) + 0.75 * Math.exp(normal(x, 0, 1));
    for (const mu of [-1.2, 0.3, 2.1]) {
      let mass = -density(mu, 0) / 2;
      const h = 1e-4;
      for (let i = 0; i <= 4e5; i++) mass += density(mu, i * h);
      const expected = normal(mu, 0, 1) + Math.log(density(mu, 1.5) / (mass * h));
      expect(p.logDensity(Float64Array.of(mu))).toBeCloseTo(expected, 8);
    }
  });
  test("of integers adds up what is left, where data give one bound", async () => {
    const p = await bound("data y: int, most: int\nl ~ Exponential(1)\ny ~ truncated(Poisson(l), upper = most)", {
      y: 2,
      most: 4,
    });
    const rate = Math.exp(0.3);
    const term = (k: number): number => rate ** k / [1, 1, 2, 6, 24][k];
    const mass = [0, 1, 2, 3, 4].reduce((sum, k) => sum + term(k), 0);
    expect(p.logDensity(Float64Array.of(0.3))).toBeCloseTo(Math.log(term(2) / mass) - rate + 0.3, 12);
  });
  test("is refused where the normaliser depends on latents and is not known", async () => {
    const text = "data y: int[N], most: int[N]\nl ~ Dirichlet(rep(1, 6))\ny ~ truncated(Categorical(l), upper = most)";
    expect(await refusal(text, { y: [2, 3], most: [4, 5] })).toEqual([
      "PPL411 the normaliser of truncated(Categorical) has no closed form and depends on latents",
    ]);
    const constant = "data y: int[N], most: int[N]\nl ~ Exponential(1)\ny ~ truncated(Categorical(rep(1 / 6, 6)), upper = most)";
    expect(await refusal(constant, { y: [2, 3], most: [4, 5] })).toEqual([]);
  });
  test("of vectors by a declared type leaves the constant out, or is refused", async () => {
    expect((await bound("x: positive[2] ~ MultiNormal([0, 0], I(2))")).dimension).toBe(2);
  });
});

test("numbers of a modifier are held against what they must be when data are bound", async () => {
  const text = "data y: real, a: real, b: real\nm ~ Normal(0, 1)\ny ~ mixture([a, b], Normal(m, 1), Normal(0, 1))";
  expect(await refusal(text, { y: 1, a: 0.25, b: 0.75 })).toEqual([]);
  expect(await refusal(text, { y: 1, a: 0.9, b: 0.9 })).toEqual(["PPL403 w is not a simplex (nonnegative, sum 1)"]);
});

test("values with probabilities of their own, one in another, keep them", async () => {
  const exponential = (x: number): number => Math.exp(-x);
  const models: readonly (readonly [text: string, points: readonly (readonly [at: number, mass: number])[], rest: number])[] = [
    ["hurdle(0.5, Exponential(1))", [[0, 0.5]], 0.5],
    ["inflated(0.25, 0, hurdle(0.5, Exponential(1)))", [[0, 0.25 + 0.75 * 0.5]], 0.75 * 0.5],
    ["inflated(0.25, 0, inflated(0.5, 0, Exponential(1)))", [[0, 0.25 + 0.75 * 0.5]], 0.75 * 0.5],
    [
      "inflated(0.25, 0, inflated(0.5, 1, Exponential(1)))",
      [
        [0, 0.25],
        [1, 0.75 * 0.5],
      ],
      0.75 * 0.5,
    ],
  ];
  for (const [text, points, rest] of models) {
    const at = async (y: number): Promise<number> => {
      const p = await bound(`data y: real\nm ~ Normal(0, 1)\ny ~ ${text}`, { y });
      return p.logDensity(Float64Array.of(0)) - normal(0, 0, 1);
    };
    for (const [y, mass] of points) expect(await at(y), `${text} at ${y}`).toBeCloseTo(Math.log(mass), 13);
    expect(await at(2), text).toBeCloseTo(Math.log(rest * exponential(2)), 13);
    expect(points.reduce((sum, [, mass]) => sum + mass, rest)).toBe(1);
  }
});
