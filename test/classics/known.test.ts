// The classics in which nothing is learnt but the latents: each engine against the exact answer.
import { describe, expect, test } from "vitest";
import { diagonal, inverse, logBeta, logNormal, type Matrix, product, solve, sum, times, transpose } from "../exact.ts";
import { blocksOf, readDocument } from "../markdown.ts";
import { filesBelow } from "../modules.ts";
import { dataOf, expectMoments, expectStated, folder, near, row, run, values } from "./runs.ts";

test("every classic has a model, data and a page", () => {
  const names = (suffix: string) =>
    filesBelow(folder).flatMap((path) => (path.endsWith(suffix) ? [path.slice(0, -suffix.length)] : []));
  expect(names(".ppl").length).toBeGreaterThan(7);
  expect(names(".data.json")).toEqual(names(".ppl"));
  expect(names(".md")).toEqual(names(".ppl"));
  const shown = blocksOf("docs/classics.md").map((block) => block.text);
  for (const path of names(".ppl")) expect(shown, path).toContain(readDocument(`${path}.ppl`));
});

describe("coin", () => {
  const y: readonly number[] = dataOf("coin").y;
  const n = y.length;
  const heads = y.reduce((a, b) => a + b, 0);
  const [a, b] = [2 + heads, 2 + n - heads];
  const evidence = logBeta(a, b) - logBeta(2, 2);
  /** E w² / Z², w = p(y | θ) and θ from the prior. */
  const squares = Math.exp(logBeta(2 + 2 * heads, 2 + 2 * (n - heads)) - logBeta(2, 2) - 2 * evidence);
  const mean = a / (a + b);
  const sd = Math.sqrt((mean * (1 - mean)) / (a + b + 1));

  test("the page", () => {
    expectStated("coin", {
      heads,
      "maximum likelihood": heads / n,
      "mode of the posterior": (a - 1) / (a + b - 2),
      "mean of the posterior": mean,
      "deviation of the posterior": sd,
      "probability of heads in the next toss": mean,
      "log evidence": evidence,
      "E w² / Z² of naive Monte Carlo": squares,
    });
  });
  test("maximum likelihood, mode, posterior and prediction", async () => {
    near(values(await run("coin", "mle"), "theta")[0], heads / n, 1e-6);
    near(values(await run("coin", "map"), "theta")[0], (a - 1) / (a + b - 2), 1e-6);
    const fit = await run("coin", "nuts", { draws: 2000 });
    expectMoments(fit, "theta", mean, sd);
    near(row(fit, "next").mean, mean, 4 * row(fit, "next").mcseMean);
  });
  test("naive Monte Carlo: the evidence, and its own error", async () => {
    const samples = 20_000;
    const { evidence: ours } = await run("coin", "importance", { proposal: "prior", samples });
    const se = Math.sqrt((squares - 1) / samples);
    near(ours?.mean ?? Number.NaN, evidence, 4 * se);
    near((ours?.se ?? Number.NaN) / se, 1, 0.1);
  });
});

describe("regression", () => {
  const { X, y, sigma, x_new: xNew }: { X: Matrix; y: number[]; sigma: number; x_new: number[] } = dataOf("regression");
  const names = xNew.map((_, j) => `beta[${j + 1}]`);
  const gram = product(transpose(X), X);
  const least = solve(gram, times(transpose(X), y));
  // Posterior with prior Normal(0, 2).
  const precision = sum(
    gram.map((r) => r.map((v) => v / sigma ** 2)),
    diagonal(xNew.map(() => 1 / 4)),
  );
  const covariance = inverse(precision);
  const mean = times(
    covariance,
    times(transpose(X), y).map((v) => v / sigma ** 2),
  );
  const sds = covariance.map((r, j) => Math.sqrt(r[j]));
  const predicted = xNew.reduce((s, v, j) => s + v * mean[j], 0);
  const predictedSd = Math.sqrt(sigma ** 2 + times(covariance, xNew).reduce((s, v, j) => s + v * xNew[j], 0));
  const marginal = sum(
    product(X, transpose(X)).map((r) => r.map((v) => 4 * v)),
    diagonal(y.map(() => sigma ** 2)),
  );
  const zeros = y.map(() => 0);
  const evidence = logNormal(y, zeros, marginal);
  // Normal(y; Xβ, σ)² = Normal(y; Xβ, σ/√2) (4πσ²)^(-n/2).
  const halved = sum(
    product(X, transpose(X)).map((r) => r.map((v) => 4 * v)),
    diagonal(y.map(() => sigma ** 2 / 2)),
  );
  const logSquares = logNormal(y, zeros, halved) - 0.5 * y.length * Math.log(4 * Math.PI * sigma ** 2) - 2 * evidence;

  test("the page", () => {
    expectStated("regression", {
      ...Object.fromEntries(names.map((name, j) => [`least squares ${name}`, least[j]])),
      ...Object.fromEntries(names.map((name, j) => [`mean of ${name}`, mean[j]])),
      ...Object.fromEntries(names.map((name, j) => [`deviation of ${name}`, sds[j]])),
      "mean of y_new": predicted,
      "deviation of y_new": predictedSd,
      "log evidence": evidence,
      "log10 of E w² / Z² of naive Monte Carlo": logSquares / Math.LN10,
    });
  });
  test("maximum likelihood is least squares, the mode is ridge regression", async () => {
    const [mle, map] = [await run("regression", "mle"), await run("regression", "map")];
    names.forEach((_, j) => {
      near(values(mle, "beta")[j], least[j], 1e-6);
      near(values(map, "beta")[j], mean[j], 1e-6);
    });
  });
  test("full Bayes: posterior and predictive distribution", async () => {
    const fit = await run("regression", "nuts");
    names.forEach((name, j) => {
      expectMoments(fit, name, mean[j], sds[j]);
    });
    expectMoments(fit, "y_new", predicted, predictedSd);
  });
  test("importance sampling from the exact posterior has no variance", async () => {
    const { evidence: ours, figures } = await run("regression", "importance", { proposal: "laplace", samples: 1000 });
    near(ours?.mean ?? Number.NaN, evidence, 1e-7);
    expect(ours?.se).toBeLessThan(1e-7);
    near(figures.effective_draws, 1000, 1e-6);
  });
  test("naive Monte Carlo says that it failed", async () => {
    const fit = await run("regression", "importance", { proposal: "prior", samples: 2000 });
    expect(fit.verdicts.map((v) => v.level)).toEqual(["fail"]);
    expect(fit.exitCode).toBe(2);
  });
});

describe("three bounds", () => {
  const { x }: { x: number } = dataOf("three_bounds");
  const one = (v: number, mean: number, sd: number) => logNormal([v], [mean], [[sd * sd]]);
  const evidence = one(x, 0, Math.sqrt(4.25));
  const variance = 1 / (1 + 4 / 0.25);
  const mean = (variance * 2 * x) / 0.25;
  /** E log p(x, z) - E log q of q = Normal(m, s): closed form. */
  const bound = (m: number, s: number): number => {
    const prior = one(m, 0, 1) - s ** 2 / 2;
    const likelihood = one(x, 2 * m, 0.5) - (4 * s ** 2) / (2 * 0.25);
    return prior + likelihood + 0.5 * Math.log(2 * Math.PI * s ** 2) + 0.5;
  };
  test("the page", () => {
    expectStated("three_bounds", {
      "log evidence": evidence,
      "mean of the posterior": mean,
      "deviation of the posterior": Math.sqrt(variance),
      "bound of q": bound(0.5, 0.6),
      "KL of q to the posterior": evidence - bound(0.5, 0.6),
    });
  });
  test("are one number", async () => {
    const fit = await run("three_bounds", "prior", { draws: 4000 });
    for (const form of ["joint", "split"]) near(row(fit, form).mean, bound(0.5, 0.6), 4 * row(fit, form).mcseMean, form);
    for (const gap of values(fit, "gap")) near(gap, bound(0.5, 0.6), 1e-12);
  });
  test("where q is the posterior they are the evidence, the first of them in every draw", async () => {
    const fit = await run("three_bounds", "prior", { draws: 1000 }, { m: mean, s: Math.sqrt(variance) });
    for (const name of ["joint", "gap"]) for (const v of values(fit, name)) near(v, evidence, 1e-10, name);
    near(row(fit, "split").mean, evidence, 4 * row(fit, "split").mcseMean);
    expect(row(fit, "split").sd).toBeGreaterThan(0.5);
  });
});

describe("importance weights", () => {
  const { y, w, mu, s }: { y: number; w: number[]; mu: number[]; s: number[] } = dataOf("importance_weights");
  const joint = w.map((v, i) => v * Math.exp(logNormal([y], [mu[i]], [[s[i] ** 2]])));
  const evidence = joint.reduce((a, b) => a + b, 0);
  const sdOf = (q: readonly number[]): number => Math.sqrt(joint.reduce((t, v, i) => t + v ** 2 / q[i], 0) - evidence ** 2);
  const uniform = w.map(() => 1 / w.length);
  test("the page", () => {
    expectStated("importance_weights", {
      "p(y)": evidence,
      "deviation of a weight, k from the prior": sdOf(w),
      "deviation of a weight, k uniform": sdOf(uniform),
      "deviation of a weight, k from the posterior": 0,
    });
  });
  test("are right on average, and without variance under the posterior", async () => {
    const fit = await run("importance_weights", "prior", { draws: 4000 });
    expectMoments(fit, "naive", evidence, sdOf(w));
    expectMoments(fit, "uniform", evidence, sdOf(uniform));
    for (const v of values(fit, "exact")) near(v, evidence, 1e-14);
  });
});
