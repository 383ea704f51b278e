// Marginal likelihoods of rows, held against what is exact.
import { describe, expect, test } from "vitest";
import { guided } from "../../src/inference/vi/approximation.ts";
import { evaluateRows, type RowEvaluationOptions } from "../../src/inference/vi/evaluate-rows.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { wasmBackend } from "../../src/runtime/wasm/backend.ts";
import { bound, normal } from "./model-under-test.ts";

const context = { backend: wasmBackend, stop: () => false, breathe: async () => {} };
const rng = stream(11, "x");
const x = Array.from({ length: 30 }, () => [2 * rng.normal(), rng.normal()]);

/** z ~ N(0, I), x_1 ~ N(z_1 + z_2, 1/2), x_2 ~ N(z_1, 1/2); the guide is wide and somewhat off, and knows nothing of z_3. */
const text = `
data x: real[N, 2]
for n in 1..N {
  z[n]: real[3] ~ Normal(0, 1)
  x[n] ~ Normal([z[n][1] + z[n][2], z[n][1]], 0.5)
}
guide { for n in 1..N { z[n] ~ Normal([0.6 * x[n, 2], 0.4 * (x[n, 1] - x[n, 2]), 0], [0.6, 0.8, 1.1]) } }
`;
/** x is N(0, [[2.25, 1], [1, 1.25]]). */
const exact = x.map(([p, q]) => {
  const det = 2.25 * 1.25 - 1;
  return -0.5 * ((1.25 * p * p - 2 * p * q + 2.25 * q * q) / det + Math.log(det)) - Math.log(2 * Math.PI);
});

async function evaluate(options: Partial<RowEvaluationOptions>, model = text, rows: readonly unknown[] = x, seed = 1, own = {}) {
  const { target } = await bound(model, { x: rows } as never);
  const family = guided(target);
  const [plate] = target.plates;
  return evaluateRows(
    { target, fitted: { parameters: {}, family: {} }, ...(family ? { family } : {}), plate },
    options,
    stream(seed, "evaluate"),
    { ...context, ...own },
  );
}
/** Each estimate within its error of the truth, and all together. A mean of weights is unbiased, its logarithm below by half the square of
 *  the relative error. */
function expectTruth(found: Awaited<ReturnType<typeof evaluate>>, truth: readonly number[], largest: number): void {
  found.logLikelihoods.forEach((l, n) => {
    expect(found.errors[n]).toBeLessThan(largest);
    expect(Math.abs(l - truth[n])).toBeLessThan(5 * found.errors[n] + found.errors[n] ** 2);
  });
  const mean = truth.reduce((s, v) => s + v, 0) / truth.length;
  const bias = found.errors.reduce((s, e) => s + (e * e) / 2, 0) / truth.length;
  expect(found.mean - mean).toBeLessThan(4 * found.monteCarlo);
  expect(found.mean - mean).toBeGreaterThan(-4 * found.monteCarlo - 2 * bias);
}

describe("log p of rows", () => {
  test("by 5000 importance weights is the truth within its error", async () => {
    const found = await evaluate({ estimator: "iwae", samples: 5000 });
    expectTruth(found, exact, 0.1);
    // The mean of z_3 is 0 whatever x is.
    const spread = x.reduce((s, [, q]) => s + q * q, 0) / 30 - (x.reduce((s, [, q]) => s + q, 0) / 30) ** 2;
    expect(found.activity?.active).toBe(2);
    expect(found.activity?.variances[0]).toBeCloseTo((0.36 * spread * 30) / 29, 1);
  });

  test("by annealing from the guide, from the prior, and of a model without a guide is the truth within its error", async () => {
    const options = { estimator: "ais", chains: 40, temperatures: 60, leapfrog: 4 } as const;
    const fromGuide = await evaluate(options);
    expectTruth(fromGuide, exact, 0.4);
    expect(fromGuide.activity?.active).toBe(2);
    expectTruth(await evaluate({ ...options, from: "prior" }), exact, 0.4);
    const without = await evaluate(options, text.slice(0, text.indexOf("guide")));
    expectTruth(without, exact, 0.4);
    expect(without.activity).toBeUndefined();
    // Neither more nor less is accepted than wanted.
    const accepted = fromGuide.acceptance ?? new Float64Array(0);
    expect(accepted.reduce((s, a) => s + a, 0) / accepted.length).toBeCloseTo(0.65, 1);
  });

  test("of a guide that is far too wide, and off, is the truth by annealing all the same", async () => {
    const wild = text.replace("[0.6, 0.8, 1.1]", "[0.6, 60, 1.1]");
    const found = await evaluate({ estimator: "ais", chains: 40, temperatures: 150 }, wild);
    expectTruth(found, exact, 1);
    found.acceptance?.forEach((a) => {
      expect(Math.abs(a - 0.65)).toBeLessThan(0.2);
    });
  });

  test("comes with the latents that the guide uses: the noise of means is no activity", async () => {
    const many = Array.from({ length: 600 }, (_, n) => x[n % 30]);
    const { activity } = await evaluate({ estimator: "ais", chains: 1, temperatures: 2, leapfrog: 1 }, text, many);
    // Of 100 draws of deviation 1.1 the mean has variance 0.012, which is known to 1/17.
    expect(Math.abs(activity?.variances[2] ?? 1)).toBeLessThan(4 * 0.012 * Math.sqrt(2 / 599));
  });

  test("at one temperature is that of importance weights", async () => {
    const options = { estimator: "ais", chains: 3000, temperatures: 1, rows: Int32Array.of(0, 1, 2) } as const;
    expectTruth(await evaluate(options), exact.slice(0, 3), 0.1);
  });

  test("of annealing that was stopped is that of the rows that were reached, and so are acceptances", async () => {
    let share = 0;
    const until = { progress: (done: number, total: number) => void (share = done / total), stop: () => share > 0.5 };
    const found = await evaluate({ estimator: "ais", chains: 40, temperatures: 20, leapfrog: 2 }, text, x, 1, until);
    const reached = Array.from(found.logLikelihoods, (l) => !Number.isNaN(l));
    expect(reached.filter((r) => r).length).toBe(10);
    expect(Array.from(found.acceptance ?? [], (a) => a > 0.2 && a < 1)).toEqual(reached);
    expect(Array.from(found.acceptance ?? [], Number.isNaN)).toEqual(reached.map((r) => !r));
  });

  test("is evaluated at latents with bounds too, from the prior", async () => {
    // Gamma-Poisson by hand: l ~ Exponential(1), x ~ Exponential(l): p(x) = 1 / (1 + x)².
    const counts = [0.3, 1.4, 5.2];
    const found = await evaluate(
      { estimator: "ais", chains: 100, temperatures: 40 },
      "data x: positive[N]\nfor n in 1..N { l[n] ~ Exponential(1)\n x[n] ~ Exponential(l[n]) }",
      counts,
    );
    expectTruth(
      found,
      counts.map((c) => -2 * Math.log1p(c)),
      0.2,
    );
  });

  test("counts chains that begin where the density is no number as those that begin where it is 0", async () => {
    const cut = (y: string): string =>
      `data x: real[N]\nfor n in 1..N { z[n] ~ Normal(0, 1)\n x[n] ~ Normal(z[n], 1)\n factor(z[n] > 0.5 ? ${y} : 0) }`;
    const data = [0, 1, -1];
    // z given x is Normal(x / 2, √½), and x is Normal(0, √2).
    const below = [0.7602499, 0.5, 0.9213504];
    const truth = data.map((v, n) => -0.5 * Math.log(4 * Math.PI) - v ** 2 / 4 + Math.log(below[n]));
    for (const y of ["0 / (z[n] - z[n])", "-1 / 0"]) {
      const found = await evaluate({ estimator: "ais", chains: 400, temperatures: 40 }, cut(y), data);
      expectTruth(found, truth, 0.2);
    }
  });

  test("comes in the order of the rows asked for, whatever their number", async () => {
    const some = await evaluate({ estimator: "iwae", samples: 2000, rows: Int32Array.of(7, 3, 29) });
    [7, 3, 29].forEach((n, i) => {
      expect(Math.abs(some.logLikelihoods[i] - exact[n])).toBeLessThan(6 * some.errors[i]);
    });
    const many = Array.from({ length: 130 }, (_, n) => x[n % 30]);
    const all = await evaluate({ estimator: "iwae", samples: 1005 }, text, many);
    expect(all.logLikelihoods.length).toBe(130);
    expectTruth(
      all,
      many.map((_, n) => exact[n % 30]),
      0.9,
    );
  });

  test("is refused in words where rows have no latents of their own, or no guide has draws to weigh", async () => {
    await expect(evaluate({ estimator: "iwae" }, text.slice(0, text.indexOf("guide")))).rejects.toThrow("has no guide");
    await expect(evaluate({ estimator: "ais" }, "data x: real[N]\nm ~ Normal(0, 1)\nx ~ Normal(m, 1)", [1, 2])).rejects.toThrow(
      "m is a latent of no row",
    );
  });
});

test("normal densities of this file are those of the library", () => {
  expect(normal(0.3, 0, 1)).toBeCloseTo(-0.5 * 0.09 - 0.5 * Math.log(2 * Math.PI), 12);
});
