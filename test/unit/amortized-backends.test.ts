// Training of guides, chains of rows and annealing, on every backend that loads, where the answer is known.
import { describe, expect, test } from "vitest";
import { amortized } from "../../src/inference/engines/amortized.ts";
import { viHmc } from "../../src/inference/engines/vi-hmc.ts";
import { runEngine } from "../../src/inference/run.ts";
import { guided } from "../../src/inference/vi/approximation.ts";
import { evaluateRows } from "../../src/inference/vi/evaluate-rows.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { backends, whatLoads } from "../laws/backends.ts";
import { bound, normal } from "./model-under-test.ts";

const rng = stream(7, "x");
const x = Array.from({ length: 200 }, () => 2 * rng.normal());
/** x is N(0, w² + 1/4); z given x is N(w x / (w² + 1/4), 1 / (1 + 4 w²)). */
const text = `
data x: real[N]
param w: positive = 1
param a: real = 0
param s: positive = 1
for n in 1..N { z[n] ~ Normal(0, 1)
  x[n] ~ Normal(w * z[n], 0.5) }
guide { for n in 1..N { z[n] ~ Normal(a * x[n], s) } }
`;
const w2 = x.reduce((s, v) => s + v * v, 0) / x.length - 0.25;
const best = { w: Math.sqrt(w2), a: Math.sqrt(w2) / (w2 + 0.25), s: 1 / Math.sqrt(1 + 4 * w2) };

describe(`on ${whatLoads}`, () => {
  for (const backend of backends) {
    test(`${backend.name}: amortized finds model and guide`, async () => {
      const { target } = await bound(text, { x });
      const options = { steps: 1500, batch: 50, rate: 0.02, schedule: "cosine", stickTheLanding: true, draws: 100 };
      const { results, failure } = await runEngine(target, amortized, options, { seed: 1, backend });
      expect(failure).toBeUndefined();
      const { fitted, verdicts } = results[0];
      // Minibatches leave noise in w; in the guide, which is then the posterior of that w, hardly any.
      expect(Math.abs((fitted?.w[0] ?? 0) / best.w - 1)).toBeLessThan(0.03);
      expect(Math.abs((fitted?.a[0] ?? 0) / best.a - 1)).toBeLessThan(0.03);
      expect(Math.abs((fitted?.s[0] ?? 0) / best.s - 1)).toBeLessThan(0.03);
      expect(verdicts[0]).toMatchObject({ what: "k-hat of rows", level: "pass" });
    });

    test(`${backend.name}: vi-hmc finds them, and accepts as often as it is to`, async () => {
      const { target } = await bound(text, { x });
      const options = { steps: 800, batch: 50, rate: 0.02, schedule: "cosine", judged: 0, draws: 100 };
      const { results, failure } = await runEngine(target, viHmc, options, { seed: 1, backend });
      expect(failure).toBeUndefined();
      const { fitted, figures } = results[0];
      expect(Math.abs((fitted?.w[0] ?? 0) / best.w - 1)).toBeLessThan(0.03);
      expect(figures?.acceptance).toBeCloseTo(0.67, 1);
    });

    test(`${backend.name}: annealing has the likelihood of each row`, async () => {
      const { target } = await bound(text, { x: x.slice(0, 20) });
      const fitted = { parameters: { w: Float64Array.of(2), a: Float64Array.of(0.3), s: Float64Array.of(0.5) }, family: {} };
      const [plate] = target.plates;
      const context = { backend, stop: () => false, breathe: async () => {} };
      const family = guided(target);
      if (!family) throw new Error("no guide");
      const found = await evaluateRows(
        { target, fitted, family, plate },
        { estimator: "ais", chains: 30, temperatures: 25, leapfrog: 3 },
        stream(3, "evaluate"),
        context,
      );
      found.logLikelihoods.forEach((l, n) => {
        const truth = normal(x[n], 0, Math.sqrt(4.25));
        expect(Math.abs(l - truth)).toBeLessThan(5 * found.errors[n] + found.errors[n] ** 2);
        expect(found.errors[n]).toBeLessThan(0.4);
      });
      expect(found.activity?.active).toBe(1);
    });
  }
});
