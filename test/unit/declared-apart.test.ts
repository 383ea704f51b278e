// A latent that is declared apart from its ~ has the density, the notes and the draws that it has where the type stands in the statement.
import { describe, expect, test } from "vitest";
import { refusePrior } from "../../src/inference/engines/prior-density.ts";
import { bound, model } from "./model-under-test.ts";

interface Pair {
  readonly name: string;
  readonly inside: string;
  readonly apart: string;
  readonly data?: Readonly<Record<string, unknown>>;
  /** Of the latents but s, at which both are evaluated. */
  readonly at: Readonly<Record<string, unknown>>;
}
const s = "s ~ HalfNormal(1)\n";
const chain = (type: string, law: string) => `x[1]${type} ~ Normal(0, s)\nfor t in 2..4 { x[t]${type} ~ ${law} }`;
const pairs: readonly Pair[] = [
  {
    name: "between two bounds",
    inside: "x: real<0, 1> ~ Normal(0, s)",
    apart: "x: real<0, 1>\nx ~ Normal(0, s)",
    at: { x: 0.4 },
  },
  { name: "above a bound", inside: "x: positive ~ Normal(-1, s)", apart: "x: positive\nx ~ Normal(-1, s)", at: { x: 0.4 } },
  {
    name: "a support that the type is no narrower than",
    inside: "x: nonnegative ~ Gamma(2, s)",
    apart: "x: nonnegative\nx ~ Gamma(2, s)",
    at: { x: 0.4 },
  },
  {
    name: "unnormalized",
    inside: "x: real<0, 1> ~ unnormalized Normal(0, s)",
    apart: "x: real<0, 1>\nx ~ unnormalized Normal(0, s)",
    at: { x: 0.4 },
  },
  {
    name: "an array",
    inside: "x: real<0, 2>[3] ~ Normal([0, 1, 2], s)",
    apart: "x: real<0, 2>[3]\nx ~ Normal([0, 1, 2], s)",
    at: { x: [0.4, 1.2, 0.1] },
  },
  {
    name: "elements",
    inside: "x[1]: real<0, 2> ~ Normal(0, s)\nx[2..3]: real<0, 2> ~ Cauchy(1, s)",
    apart: "x: real<0, 2>[3]\nx[1] ~ Normal(0, s)\nx[2..3] ~ Cauchy(1, s)",
    at: { x: [0.4, 1.2, 0.1] },
  },
  {
    name: "a loop, with bounds for each element",
    inside: "data lo: real[N]\nfor n in 1..N { x[n]: real<lo[n], lo[n] + 1> ~ Normal(n, s) }",
    apart: "data lo: real[N]\nx: real<lo, lo + 1>[N]\nfor n in 1..N { x[n] ~ Normal(n, s) }",
    data: { lo: [0, -1, 2] },
    at: { x: [0.4, -0.2, 2.1] },
  },
  {
    name: "bounds that depend on latents",
    inside: "x: real<0, s> ~ Normal(1, 2)",
    apart: "x: real<0, s>\nx ~ Normal(1, 2)",
    at: { x: 0.4 },
  },
  {
    name: "a chain",
    inside: chain(": real<-1, 1>", "Normal(x[t-1], s)"),
    apart: `x: real<-1, 1>[4]\n${chain("", "Normal(x[t-1], s)")}`,
    at: { x: [0.4, -0.2, 0.5, 0.9] },
  },
  { name: "an order", inside: "x: ordered[3] ~ Normal(0, s)", apart: "x: ordered[3]\nx ~ Normal(0, s)", at: { x: [-1, 0.2, 3] } },
  {
    name: "rows of orders",
    inside: "for n in 1..2 { x[n]: ordered[3] ~ Normal(n, s) }",
    apart: "x: ordered[2, 3]\nfor n in 1..2 { x[n] ~ Normal(n, s) }",
    at: {
      x: [
        [-1, 0.2, 3],
        [0, 1, 2],
      ],
    },
  },
  {
    name: "a constant without closed form",
    inside: "x: real<0, 1> ~ SkewNormal(0.5, 2, 3)",
    apart: "x: real<0, 1>\nx ~ SkewNormal(0.5, 2, 3)",
    at: { x: 0.4 },
  },
  {
    name: "a simplex",
    inside: "x: simplex[3] ~ Dirichlet([1, s, 2])",
    apart: "x: simplex[3]\nx ~ Dirichlet([1, s, 2])",
    at: { x: [0.2, 0.3, 0.5] },
  },
  {
    name: "an integer that is summed out",
    inside: "k: int<1, 3> ~ Poisson(s)\nx ~ Normal(k, 1)",
    apart: "k: int<1, 3>\nk ~ Poisson(s)\nx ~ Normal(k, 1)",
    at: { x: 0.4 },
  },
];

describe("declared apart is declared in the statement", () => {
  for (const { name, inside, apart, data = {}, at } of pairs)
    test(name, async () => {
      const [p, q] = [await bound(s + inside, data as never), await bound(s + apart, data as never)];
      for (const scale of [0.5, 1, 2.7]) {
        const values = { s: scale, ...at } as never;
        const [expected, found] = [p, q].map((posterior) => posterior.logDensity(posterior.unconstrain(values)));
        expect(Number.isFinite(expected)).toBe(true);
        expect(Math.abs(found - expected)).toBeLessThan(1e-13 * (10 + Math.abs(expected)));
      }
      expect(q.target.notes).toEqual(p.target.notes);
      const [why, whyApart] = [p, q].map(({ target }) => refusePrior(target)?.replace(/ \(line.*$/, ""));
      expect(whyApart).toBe(why);
    });

  test("draws of numbers are from what the type leaves", async () => {
    for (const text of [
      "x: real<0, 1>\nx ~ Normal(s, 0.2)",
      "x: real<0, 1>[1]\nx[1] ~ Normal(s, 0.2)",
      "x: real<0, 1> ~ Normal(s, 0.2)",
    ]) {
      const { draws } = await model(`s ~ Normal(0, 2)\n${text}`).simulate({}, { seed: 1, draws: 4000 });
      const [scale, x] = ["s", "x"].map((name) => draws.values[name]);
      expect(x.every((v) => v >= 0 && v <= 1)).toBe(true);
      // Made again until x is inside by chance, s would be near 0.5: the prior's deviation tells the two apart.
      const mean = scale.reduce((a, v) => a + v, 0) / 4000;
      expect(Math.abs(mean), text).toBeLessThan((4 * 2) / Math.sqrt(4000));
    }
  });
});

test("a declared type that is wider than the support has density 0 beyond it", async () => {
  const p = await bound("x: real[2]\nfor n in 1..2 { x[n] ~ Gamma(2, 1) }");
  expect(p.logDensity(Float64Array.of(1, 0.5))).toBeCloseTo(Math.log(0.5) - 1.5, 12);
  expect(p.logDensity(Float64Array.of(1, -0.5))).toBe(Number.NEGATIVE_INFINITY);
});

test("elements of what ties them together are not renormalised, which is said", async () => {
  const text = "mu: ordered[2]\nmu[1] ~ Normal(-1, 1)\nmu[2] ~ Normal(1, 1)";
  const p = await bound(text);
  expect(p.target.notes).toEqual(["mu: the priors of its elements are not renormalised on an increasing vector"]);
  const log = -0.5 * (1 + 1) - Math.log(2 * Math.PI);
  // The Jacobian of the difference is the difference, which is 1.
  expect(p.logDensity(p.unconstrain({ mu: [0, 1] }))).toBeCloseTo(log + 0.5, 12);
  const quiet = await bound(text.replaceAll("~", "~ unnormalized"));
  expect(quiet.target.notes).toEqual([]);
  await expect(p.run("ais", { seed: 1 })).rejects.toThrow("Normal is not renormalised on the type of mu");
});

test("without a closed form, dependent on latents: an error, and the remedy", async () => {
  for (const text of [
    "x: real<0, 1>\nx ~ ExpModNormal(s, 2, 3)",
    "x: real<0, s>[2]\nfor n in 1..2 { x[n] ~ ExpModNormal(0, 2, 3) }",
  ]) {
    expect(() => model(s + text)).toThrow(/PPL510[\s\S]*write unnormalized before the distribution/);
    const p = await bound(s + text.replace("~ Exp", "~ unnormalized Exp"));
    expect(p.dimension).toBeGreaterThan(1);
  }
});

test("what ties its elements together is declared so: apart, a bare shape has coordinates of its own", async () => {
  for (const text of ["x: real[3]\nx ~ Dirichlet(ones(3))", "x: real[2, 3]\nfor n in 1..2 { x[n] ~ Dirichlet(ones(3)) }"]) {
    await expect(bound(text)).rejects.toThrow(/x is declared .*, and Dirichlet gives [\s\S]*declare it simplex\[…\]/);
    await expect(model(text).simulate({}, { seed: 1, draws: 2 })).rejects.toThrow("declare it simplex[…]");
    expect((await bound(text.replace("real[", "simplex["))).dimension).toBeGreaterThan(0);
  }
});

describe("each element has one ~", () => {
  test.each([
    ["x: real[3]\nx[1..2] ~ Normal(0, 1)", "x[3] is declared, and no ~ gives it a distribution"],
    ["x: real<0, 1>[2, 2]\nfor n in 1..2 { x[1, n] ~ Beta(2, 2) }", "x[2,1] is declared, and no ~ gives it a distribution"],
    ["x: ordered[2, 3]\nx[1] ~ Normal(0, 1)", "x[2,1] is declared, and no ~ gives it a distribution"],
    ["x: real[3]\nfor n in 1..3 { x[n] ~ Normal(0, 1) }\nx[2] ~ Normal(1, 1)", "x[2] is given twice"],
    ["x: real[3]\nfor n in 1..2 { x[n] ~ noncentered Normal(0, 1) }", "x is declared with shape [3]"],
    ["x: real[3]\nfor n in 1..4 { x[n] ~ noncentered Normal(0, 1) }", "x is declared with shape [3]"],
    ["x: real[3]\nfor n in 1..3 { x[n] ~ noncentered Normal(0, 1) }\nx[2] ~ Normal(0, 1)", "x[2] is given twice"],
  ])("%s", async (text, words) => {
    await expect(bound(text)).rejects.toThrow(words);
  });
  test("by columns, by indices of data, in branches, and of tied elements some", async () => {
    const data = { i: [3, 1, 2], g: [1, 0, 1] } as never;
    for (const [text, dimension] of [
      ["x: real[2, 3]\nfor n in 1..3 { x[, n] ~ Normal(n, 1) }", 6],
      ["data i: int[3]\nx: real[3]\nfor n in 1..3 { x[i[n]] ~ Normal(n, 1) }", 3],
      ["data g: int[3]\nx: real[3]\nfor n in 1..3 { if g[n] == 1 { x[n] ~ Normal(0, 1) } else { x[n] ~ Cauchy(0, 1) } }", 3],
      ["k ~ Bernoulli(0.5)\nx: real[2]\nif k == 1 { x[1] ~ Normal(0, 1) } else { x[1] ~ Normal(3, 1) }\nx[2] ~ Normal(0, 1)", 2],
      ["mu: ordered[2]\nmu[2] ~ Normal(-1, 1)", 2],
      ["x: real[0]\nx ~ Normal(0, 1)\nz ~ Normal(0, 1)", 1],
    ] as const)
      expect((await bound(text, data)).dimension, text).toBe(dimension);
  });
});

describe("noncentered, declared apart", () => {
  const laws = [
    ["x: real[N] ~ L", "x: real[N]\nx ~ L"],
    ["for n in 1..N { x[n] ~ L }", "x: real[N]\nfor n in 1..N { x[n] ~ L }"],
    ["for n in 1..N { x[n]: real[2] ~ L }", "x: real[N, 2]\nfor n in 1..N { x[n] ~ L }"],
    ["x[1] ~ HalfNormal(1)\nx[2..N] ~ L", "x: real[N]\nx[1] ~ HalfNormal(1)\nx[2..N] ~ L"],
  ];
  for (const [inside, apart] of laws)
    test(apart.replaceAll("\n", "; "), async () => {
      const head = "data N: int\ns ~ HalfNormal(1)\n";
      const [p, q] = await Promise.all(
        [inside, apart].map((text) => bound(head + text.replaceAll("L", "noncentered Normal(0.3, s)"), { N: 3 })),
      );
      expect(q.dimension).toBe(p.dimension);
      expect(q.target.affine.map((a) => a.isNoncentered)).toEqual([true]);
      const at = Float64Array.from({ length: p.dimension }, (_, i) => Math.sin(1.3 * i + 0.4));
      expect(q.logDensity(at)).toBe(p.logDensity(at));
      const draws = (await q.run("prior", { seed: 1, draws: 5 })).draws("x").values;
      expect(draws.every(Number.isFinite)).toBe(true);
    });
  test("along a chain, and with nothing to give", async () => {
    const text = "x: real[4]\nx[1] ~ Normal(0, s)\nfor t in 2..4 { x[t] ~ noncentered Normal(0.5 * x[t-1], s) }";
    const [p, q] = await Promise.all([text.replace("x: real[4]\n", ""), text].map((t) => bound(s + t)));
    const at = Float64Array.of(0.3, 0.4, -1, 0.2, 0.7);
    expect(q.logDensity(at)).toBe(p.logDensity(at));
    const none = "data N: int\nx: real[N]\nfor n in 1..N { x[n] ~ noncentered Normal(0, s) }\n";
    expect((await bound(`${s}${none}`, { N: 0 })).dimension).toBe(1);
  });
  test("cannot be had where the type restricts the values", async () => {
    const text = "x: positive[2]\nfor n in 1..2 { x[n] ~ noncentered HalfNormal(s) }";
    await expect(bound(s + text)).rejects.toThrow("x is declared apart from its prior, and noncentered");
    expect((await bound(s + text.replace("noncentered ", ""))).dimension).toBe(3);
  });
});

test("integers that are declared apart are drawn", async () => {
  const { draws } = await model("k: int<1, 3>[2]\nfor n in 1..2 { k[n] ~ Categorical([0.2, 0.3, 0.5]) }").simulate(
    {},
    { seed: 1, draws: 2000 },
  );
  const share = draws.values.k.filter((v) => v === 3).length / 4000;
  expect(Math.abs(share - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / 4000));
});
