// The engine `amortized` on models whose posteriors are known.
import { describe, expect, test } from "vitest";
import { amortized } from "../../src/inference/engines/amortized.ts";
import { runEngine } from "../../src/inference/run.ts";
import { guided } from "../../src/inference/vi/approximation.ts";
import { rowWeights } from "../../src/inference/vi/rows-weights.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { wasmBackend } from "../../src/runtime/wasm/backend.ts";
import { bound, normal } from "./model-under-test.ts";

const run = async (text: string, data: Record<string, unknown>, options: Record<string, unknown>, seed = 1) => {
  const posterior = await bound(text, data as never);
  return runEngine(posterior.target, amortized, options, { seed });
};
const numbers = (n: number, scale: number, label = "x"): number[] => {
  const rng = stream(7, label);
  return Array.from({ length: n }, () => scale * rng.normal());
};

/** z_n ~ N(0, 1), x_n ~ N(z_n, 1): z_n given x_n is N(x_n / 2, 1/2), x_n is N(0, 2). */
const conjugate = `
data x: real[N]
param a: real = 0, b: real = 0
param s: positive = 1
for n in 1..N { z[n] ~ Normal(0, 1)
  x[n] ~ Normal(z[n], 1) }
guide { for n in 1..N { z[n] ~ Normal(a * x[n] + b, s) } }
`;
const evidence = (x: readonly number[]): number => x.reduce((sum, v) => sum + normal(v, 0, Math.SQRT2), 0);

describe("amortized", () => {
  test("a guide that holds the posterior finds it: the bound is the evidence", async () => {
    const x = numbers(300, 1.5);
    const { results } = await run(
      conjugate,
      { x },
      { epochs: 600, batch: 50, rate: 0.02, schedule: "cosine", stickTheLanding: true },
    );
    const [r] = results;
    expect(r.fitted?.a[0]).toBeCloseTo(0.5, 2);
    expect(r.fitted?.b[0]).toBeCloseTo(0, 2);
    expect(r.fitted?.s[0]).toBeCloseTo(Math.SQRT1_2, 2);
    // The bound is second order in what is left of the distance.
    const draws = r.chain;
    const ratios = Array.from(draws?.stats.log_p ?? [], (p, i) => p - (draws?.stats.log_g[i] ?? 0));
    expect(ratios.reduce((s, v) => s + v, 0) / ratios.length).toBeCloseTo(evidence(x), 0);
    expect(r.verdicts).toMatchObject([{ what: "k-hat of rows", level: "pass" }]);
  });

  test("rest ~ meanfield() covers a global latent beside the guide's local ones", async () => {
    // x_n = z_n + m: m given x is N(Σ x / (N + 2), 2 / (N + 2)), for x_n given m is N(m, 2) and m is N(0, 1).
    const x = numbers(200, 1).map((v) => v + 1);
    const text = `
data x: real[N]
param a: real = 0, b: real = 0
param s: positive = 1
m ~ Normal(0, 1)
for n in 1..N { z[n] ~ Normal(0, 1)
  x[n] ~ Normal(z[n] + m, 1) }
guide { rest ~ meanfield()
  for n in 1..N { z[n] ~ Normal(a * x[n] + b, s) } }
`;
    const { results } = await run(text, { x }, { steps: 8000, batch: 50, rate: 0.02, schedule: "cosine" });
    const [r] = results;
    const sum = x.reduce((p, v) => p + v, 0);
    // Mean field: the mean is right, the deviation that of m given all z, √(1 / (N + 1)).
    expect(r.fitted?.["mean of m"][0]).toBeCloseTo(sum / (x.length + 2), 1);
    expect(Math.exp(r.fitted?.["log scale of m"][0] ?? 0)).toBeCloseTo(1 / Math.sqrt(x.length + 1), 1);
    expect(r.verdicts.map((v) => v.what)).toEqual(["k-hat of rows", "k-hat"]);
  });

  test("a guide that is too narrow fails", async () => {
    const x = numbers(100, 1.5);
    const narrow = conjugate.replace("param s: positive = 1", "const s = 0.15");
    const { results } = await run(narrow, { x }, { epochs: 50, rate: 0.05 });
    expect(results[0].verdicts[0]).toMatchObject({ what: "k-hat of rows", level: "fail" });
  });

  test("what was maximised is called what it is; the elbo is the elbo of the draws", async () => {
    const x = numbers(40, 1.5);
    const exact = conjugate.replace("a: real = 0", "a: real = 0.5").replace("s: positive = 1", `s: positive = ${Math.SQRT1_2}`);
    const options = { steps: 40, batch: 40, rate: 1e-9, stickTheLanding: true, judged: 0, draws: 200 };
    const of = async (more: Record<string, unknown>) => {
      const [{ figures = {}, traces }] = (await run(exact, { x }, { ...options, ...more })).results;
      return {
        names: Object.keys(figures).filter((name) => !/_|effective/.test(name.replace("weighted_", ""))),
        figures,
        traces,
      };
    };
    const truth = evidence(x);
    // Every draw of the exact posterior has the evidence for its weight.
    const plain = await of({});
    expect([plain.names, Object.keys(plain.traces)]).toEqual([["elbo"], ["elbo"]]);
    const iwae = await of({ objective: "iwae", samples: 3 });
    expect([iwae.names, Object.keys(iwae.traces)]).toEqual([["iwae", "elbo"], ["iwae"]]);
    for (const value of [plain.figures.elbo, iwae.figures.iwae, iwae.figures.elbo, iwae.figures.iwae_per_row * 40])
      expect(value).toBeCloseTo(truth, 4);
    const half = await of({ beta: 0.5 });
    expect([half.names, Object.keys(half.traces)]).toEqual([["weighted_elbo", "elbo"], ["weighted_elbo"]]);
    expect(half.figures.elbo).toBeCloseTo(truth, 4);
    expect(half.figures.weighted_elbo).toBeGreaterThan(truth + 1);
    // While the weight rises it is another one: of 40 steps the last 4 tell, of which 2 have the whole weight; and with 41 none has.
    expect((await of({ klWarmup: 39 })).figures.elbo_per_row).toBeCloseTo(truth / 40, 4);
    expect("elbo_per_row" in (await of({ klWarmup: 41 })).figures).toBe(false);
    const p = await bound(exact, { x } as never);
    const fit = await p.run("amortized", { ...options, beta: 2, seed: 1 });
    expect(fit.steps).toBe(40);
    const gaussian = await (await bound("m ~ Normal(0, 1)")).run("meanfield", { seed: 1, steps: 30, objective: "iwae" });
    expect([Object.keys(gaussian.traces), gaussian.steps]).toEqual([["iwae"], gaussian.traces.iwae.length]);
  });

  test("what cannot be is said in a sentence", async () => {
    await expect(run(conjugate, { x: [] }, {})).rejects.toThrow("x is empty");
    await expect(run(conjugate, { x: [1, 2] }, { batch: 3 })).rejects.toThrow("--batch 3, and the plate N has 2 rows");
    await expect(run(conjugate, { x: [1, 2] }, { over: "M" })).rejects.toThrow("no plate M");
    // Axes of literal sizes are no plates to name.
    const wide = "data x: real[N, 2]\nz: real[N, 2] ~ Normal(0, 1)\nx ~ Normal(z, 1)\nguide { z ~ Normal(zeros(N, 2), 1) }";
    const over = { over: "Q", batch: 1 };
    await expect(run(wide, { x: [[1, 2]] }, over)).rejects.toThrow(/the model has no plate Q; it has N$/);
    const { failure } = await run("data x: real[N]\nm ~ Normal(0, 1)\nx ~ Normal(m, 1)", { x: [1, 2] }, {});
    expect(failure?.reason).toMatch(/no guide block/);
  });

  test("a loss that is no number stops at once", async () => {
    const text = conjugate.replace("x[n] ~ Normal(z[n], 1)", "x[n] ~ Normal(log(z[n]), 1)");
    const { failure } = await run(text, { x: numbers(20, 1) }, { steps: 50 });
    expect(failure?.reason).toMatch(/training stopped at step 1: .*likelihood of x is NaN/);
  });

  test("where latents are many no draws are kept, which is said", async () => {
    const x = numbers(3000, 1.5);
    const { results } = await run(conjugate, { x }, { steps: 20, draws: 1000, judged: 0 });
    // 333 draws of 3000 numbers
    expect(results[0].chain?.draws).toBe(333);
    const { results: more } = await run(conjugate, { x: numbers(12_000, 1) }, { steps: 20, judged: 0 });
    expect(more[0].chain).toBeUndefined();
    expect(more[0].notes).toEqual([expect.stringContaining("12000 numbers")]);
  });

  test("where rows are many, draws of what belongs to none of them are kept", async () => {
    const x = numbers(12_000, 1).map((v) => v + 1);
    const text = `
data x: real[N]
param a: real = 0.5, b: real = -0.5, c: real = 1
param s: positive = 0.7, t: positive = 0.01
m ~ Normal(0, 1)
for n in 1..N { z[n] ~ Normal(0, 1)
  x[n] ~ Normal(z[n] + m, 1) }
guide { m ~ Normal(c, t)
  for n in 1..N { z[n] ~ Normal(a * x[n] + b, s) } }
`;
    const posterior = await bound(text, { x });
    const fit = await posterior.run("amortized", { steps: 300, judged: 0, seed: 1, draws: 200, rate: 0.001 });
    expect(fit.notes).toEqual([expect.stringContaining("draws of m alone")]);
    expect(fit.draws("m").shape).toEqual([1, 200]);
    expect(fit.summary().map((r) => r.name)).toEqual(["m"]);
    expect(fit.summary()[0].mean).toBeCloseTo(fit.parameters.c.values[0], 2);
  });

  test("a time series, whose rows read those before: every step sees all of it, and there are no weights of rows", async () => {
    // z_1, z_2 - z_1, … and y - z are standard normal numbers, of a random walk: the precision of z is tridiagonal.
    const text = `
data y: real[T]
param a: real[T], s: positive[T]
z[1] ~ Normal(0, 1)
for t in 2..T { z[t] ~ Normal(z[t-1], 1) }
for t in 1..T { y[t] ~ Normal(z[t], 1) }
guide { for t in 1..T { z[t] ~ Normal(a[t], s[t]) } }
`;
    const y = [1, 2, 2.5, 2, 1, 0.5];
    const posterior = await bound(text, { y });
    const fit = await posterior.run("amortized", { seed: 1, steps: 3000, rate: 0.02, schedule: "cosine", stickTheLanding: true });
    expect(fit.notes).toContain("rows depend on one another, so each step saw all of them, and they are judged together");
    // Best deviations of a mean field are those of the conditionals, 1 / √3, the last 1 / √2.
    expect(fit.parameters.s.values[2]).toBeCloseTo(1 / Math.sqrt(3), 1);
    expect(fit.parameters.s.values[5]).toBeCloseTo(Math.SQRT1_2, 1);
    // Means solve the tridiagonal equations: 3 m_t - m_(t-1) - m_(t+1) = y_t.
    const m = fit.parameters.a.values;
    expect(3 * m[2] - m[1] - m[3]).toBeCloseTo(y[2], 1);
    await expect(posterior.run("amortized", { seed: 1, steps: 5, batch: 2 })).rejects.toThrow("leave --batch out (--batch 0)");
    const family = guided(posterior.target);
    if (!family) throw new Error("no guide");
    const fitted = { parameters: { a: m, s: fit.parameters.s.values }, family: {} };
    const context = { backend: wasmBackend, stop: () => false, breathe: async () => {} };
    const rows = Int32Array.of(0, 1);
    const plate = posterior.target.plates.find((a) => a.name === "T");
    if (!plate) throw new Error("no plate");
    await expect(rowWeights(posterior.target, family, fitted, plate, rows, 3, stream(1, "w"), context)).rejects.toThrow(
      "rows of T depend on latents of other rows",
    );
  });

  test("every row is judged by as many draws, whatever their number", async () => {
    // 130 rows are slices of 50, of which the last goes back; weights of an exact guide are log p(x) in every draw.
    const x = numbers(130, 1.5);
    const { target } = await bound(conjugate, { x } as never);
    const fitted = {
      parameters: { a: Float64Array.of(0.5), b: Float64Array.of(0), s: Float64Array.of(Math.SQRT1_2) },
      family: {},
    };
    const family = guided(target);
    if (!family) throw new Error("no guide");
    const rows = Int32Array.from({ length: 130 }, (_, n) => 129 - n);
    const context = { backend: wasmBackend, stop: () => false, breathe: async () => {} };
    const weights = await rowWeights(target, family, fitted, target.plates[0], rows, 13, stream(1, "weights"), context);
    expect(weights.length).toBe(130 * 13);
    weights.forEach((w, i) => {
      expect(w).toBeCloseTo(normal(x[129 - Math.floor(i / 13)], 0, Math.SQRT2), 10);
    });
  });

  test("a seed determines every bit, and a stop keeps what there is", async () => {
    const x = numbers(60, 1.5);
    const options = { steps: 60, batch: 20, draws: 50 };
    const of = async (seed: number) => (await run(conjugate, { x }, options, seed)).results[0];
    const bits = (r: Awaited<ReturnType<typeof of>>) => ({ ...r, chain: r.chain && { ...r.chain, seconds: undefined } });
    expect(bits(await of(1))).toEqual(bits(await of(1)));
    expect((await of(1)).fitted).not.toEqual((await of(2)).fitted);
    const { target } = await bound(conjugate, { x } as never);
    const controller = new AbortController();
    const { results, interrupted } = await runEngine(
      target,
      amortized,
      { ...options, steps: 1_000_000 },
      {
        seed: 1,
        signal: controller.signal,
        onProgress: () => controller.abort(),
      },
    );
    // Before the first step there is nothing to say of the bound.
    const never = await runEngine(target, amortized, options, { seed: 1, signal: AbortSignal.abort() });
    expect(never.results[0].figures).toEqual({});
    expect(interrupted).toBe(true);
    expect(results[0].fitted?.a.length).toBe(1);
    expect(results[0].chain).toBeUndefined();
  });
});
