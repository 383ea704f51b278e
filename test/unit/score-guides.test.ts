// Guides of gammas and their kin, whose paths are implicit, and of integers, which have none, on posteriors that they can reach: the bound
// becomes the evidence.
import { expect, test } from "vitest";
import { bound } from "./model-under-test.ts";

const logGamma = (n: number): number => Array.from({ length: n - 1 }, (_, i) => Math.log(i + 1)).reduce((s, x) => s + x, 0);

interface Case {
  readonly name: string;
  readonly text: string;
  readonly data: Readonly<Record<string, number | number[]>>;
  readonly evidence: number;
}
const cases: readonly Case[] = [
  {
    // λ | y ~ Gamma(2 + 8, 1 + 3):  Γ(10) / Γ(2) 4^-10 / Π y!
    name: "Gamma",
    text: "data y: int[N]\nlambda ~ Gamma(2, 1)\ny ~ Poisson(lambda)\nparam a: positive = 4, r: positive = 2\nguide { lambda ~ Gamma(a, r) }",
    data: { y: [2, 5, 1] },
    evidence: logGamma(10) - 10 * Math.log(4) - Math.log(2) - Math.log(120),
  },
  {
    // p | k ~ Beta(2 + 3, 2 + 4):  35 B(5, 6) / B(2, 2)
    name: "Beta",
    text: "data k: int\np ~ Beta(2, 2)\nk ~ Binomial(7, p)\nparam a: positive = 2, c: positive = 2\nguide { p ~ Beta(a, c) }",
    data: { k: 3 },
    evidence: Math.log(35) + logGamma(5) + logGamma(6) - logGamma(11) - (2 * logGamma(2) - logGamma(4)),
  },
  {
    // w | c ~ Dirichlet(3, 2, 1):  Γ(3) / Γ(6) Γ(3) Γ(2) Γ(1)
    name: "Dirichlet",
    text: "data c: int<1, 3>[N]\nw ~ Dirichlet([1, 1, 1])\nfor n in 1..N { c[n] ~ Categorical(w) }\nparam a: positive[3]\nguide { w ~ Dirichlet(a) }",
    data: { c: [1, 1, 2] },
    evidence: logGamma(3) - logGamma(6) + logGamma(3) + logGamma(2) + logGamma(1),
  },
  {
    // Thinned: y ~ Poisson(4 / 2), k - y | y ~ Poisson(2); here y = 0.
    name: "Poisson",
    text: "data y: int\nk ~ Poisson(4)\ny ~ Binomial(k, 0.5)\nparam r: positive = 3\nguide { k ~ Poisson(r) }",
    data: { y: 0 },
    evidence: -2,
  },
  {
    // Of a Binomial(6, 1/2) seen through a coin that came up heads for none: k | y = 0 ~ Binomial(6, 1/3), y = 0 has (3/4)^6.
    name: "Binomial",
    text: "data y: int\nk ~ Binomial(6, 0.5)\ny ~ Binomial(k, 0.5)\nparam p: unit = 0.5\nguide { k ~ Binomial(6, p) }",
    data: { y: 0 },
    evidence: 6 * Math.log(0.75),
  },
];

test.each(cases)("$name", async ({ name, text, data, evidence }) => {
  const p = await bound(text, data);
  const fit = await p.run("amortized", { seed: 1, steps: 3000, rate: 0.02, samples: 16, schedule: "cosine" });
  expect(
    Math.abs(fit.figures.elbo - evidence),
    `${fit.figures.elbo} ± ${fit.figures.elbo_se}, evidence ${evidence}`,
  ).toBeLessThan(0.01 + 4.5 * fit.figures.elbo_se);
  // Weights that hardly differ: q is the posterior.
  expect(fit.figures.effective_draws).toBeGreaterThan(970);
  const discrete = name === "Poisson" || name === "Binomial";
  expect(fit.notes.join().includes("score function")).toBe(discrete);
});

test.each(["meanfield()", "lowrank(2)"])("rest covers discrete latents too, where nothing else is left: %s", async (rest) => {
  const p = await bound(
    `z ~ Normal(0, 1)\nk ~ Bernoulli(0.3)\nj ~ Categorical([0.2, 0.8])\nfactor(k == 1 ? 0.4 : 0)\nguide { z ~ Normal(0, 1)\nrest ~ ${rest} }`,
  );
  const fit = await p.run("amortized", { seed: 1, steps: 3000, rate: 0.02, samples: 16, schedule: "cosine" });
  const evidence = Math.log(0.7 + 0.3 * Math.exp(0.4));
  expect(Math.abs(fit.figures.elbo - evidence)).toBeLessThan(0.01 + 4.5 * fit.figures.elbo_se);
});
