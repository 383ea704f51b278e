// Guides that are the posterior at some parameters, learnt along the paths of their draws: the bound becomes the evidence.
import { expect, test } from "vitest";
import { bound } from "./model-under-test.ts";

const cases: readonly (readonly [string, string])[] = [
  ["StudentT", "z ~ StudentT(4, 0.5, 2)\nparam n: positive = 9, m: real, s: positive = 1\nguide { z ~ StudentT(n, m, s) }"],
  ["HalfStudentT", "z ~ HalfStudentT(3, 2)\nparam n: positive = 9, s: positive = 1\nguide { z ~ HalfStudentT(n, s) }"],
  // The mode is near where angles begin anew.
  ["VonMises", "z ~ VonMises(2.9, 1.5)\nparam m: real = 2, k: positive = 4\nguide { z ~ VonMises(m, k) }"],
];
test.each(cases)("%s", async (_, text) => {
  const p = await bound(text);
  expect(p.target.guide?.sites.map((s) => s.gradient)).toEqual(["pathwise"]);
  const fit = await p.run("amortized", { seed: 1, steps: 3000, rate: 0.03, samples: 16, schedule: "cosine" });
  // The evidence is 1.
  expect(Math.abs(fit.figures.elbo), `${fit.figures.elbo} ± ${fit.figures.elbo_se}`).toBeLessThan(
    1e-3 + 4.5 * fit.figures.elbo_se,
  );
  // Weights that hardly differ: q is the posterior, its tails included.
  expect(fit.figures.effective_draws).toBeGreaterThan(990);
});
