// Missing entries of data: each has the coordinates and the density of its statement, and exactly one ~.
import { describe, expect, test } from "vitest";
import { bound, normal } from "./model-under-test.ts";

const logGamma2 = (x: number, rate: number): number => 2 * Math.log(rate) + Math.log(x) - rate * x;
const cases = [
  {
    name: "ranges of rows",
    text: "data y: real?[2, 3], m: real[2]\nfor i in 1..2 { y[i, 1..3] ~ Normal(m[i], 1 + i) }",
    data: {
      m: [0.5, -1],
      y: [
        [1, null, 2],
        [null, null, 0],
      ],
    },
    density: ([a, b, c]: number[]) =>
      normal(1, 0.5, 2) + normal(a, 0.5, 2) + normal(2, 0.5, 2) + normal(b, -1, 3) + normal(c, -1, 3) + normal(0, -1, 3),
  },
  {
    name: "positive ones, with parameters of their rows",
    text: "data y: positive?[3], r: positive[3]\nfor i in 1..3 { y[i] ~ Gamma(2, r[i]) }",
    data: { y: [1, null, null], r: [1, 2, 3] },
    density: ([u, v]: number[]) => logGamma2(1, 1) + logGamma2(Math.exp(u), 2) + u + logGamma2(Math.exp(v), 3) + v,
  },
  {
    name: "in branches on data",
    text: "data y: real?[3], g: int[3]\nfor i in 1..3 { if g[i] == 1 { y[i] ~ Normal(0, 1) } else { y[i] ~ Normal(5, 2) } }",
    data: { y: [null, null, 1], g: [1, 0, 0] },
    density: ([a, b]: number[]) => normal(a, 0, 1) + normal(b, 5, 2) + normal(1, 5, 2),
  },
  {
    name: "along a chain",
    text: "data y: real?[4]\ny[1] ~ Normal(0, 1)\nfor t in 2..4 { y[t] ~ Normal(0.5 * y[t-1], 2) }",
    data: { y: [null, 1, null, 2] },
    density: ([a, b]: number[]) => normal(a, 0, 1) + normal(1, 0.5 * a, 2) + normal(b, 0.5, 2) + normal(2, 0.5 * b, 2),
  },
];

describe("densities", () => {
  test.each(cases)("$name", async ({ text, data, density }) => {
    const p = await bound(text, data as never);
    const q = Float64Array.from({ length: p.dimension }, (_, i) => 0.3 - 0.7 * i);
    const expected = density(Array.from(q));
    expect(Math.abs(p.logDensity(q) - expected)).toBeLessThan(1e-13 * (10 + Math.abs(expected)));
  });
});

describe("each has one ~", () => {
  test.each([
    [
      "data y: real?[4]\ny[1..2] ~ Normal(0, 1)",
      { y: [0.5, null, null, 2] },
      "y[3] is missing, and no ~ gives it a distribution",
    ],
    // Of integers nothing tells an entry that is there from one that is not.
    [
      "data k: int<1, 2>?[3], x: real[3]\nz ~ Normal(0, 1)\nk[1..2] ~ Categorical([0.3, 0.7])\nfor n in 1..3 { x[n] ~ Normal(k[n] + z, 1) }",
      { k: [1, null, null], x: [0, 1, 2] },
      "k[3] is missing, and no ~ gives it a distribution",
    ],
    [
      "data y: real?[3]\ny[1..2] ~ Normal(0, 1)\ny[2..3] ~ Normal(1, 1)",
      { y: [0.5, null, 1] },
      "y[2] is missing, and given twice",
    ],
  ])("%s", async (text, data, words) => {
    await expect(bound(text, data as never)).rejects.toThrow(words);
  });
  test("but for those that a condition leaves out", async () => {
    const text = "data y: real?[3], seen: int[3]\nfor n in 1..3 { if seen[n] == 1 { y[n] ~ Normal(0, 1) } }";
    expect((await bound(text, { y: [1, null, null], seen: [1, 1, 0] } as never)).dimension).toBe(1);
  });
});
