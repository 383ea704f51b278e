// Variational families on posteriors that are normal, where everything is known: the bound lies below the evidence by the divergence.
import { describe, expect, test } from "vitest";
import { type FittedGaussian, trainGaussian } from "../../src/inference/engines/gaussian-vi.ts";
import { gaussianOptions } from "../../src/inference/engines/training-options.ts";
import { defaultsOf } from "../../src/inference/options.ts";
import { evaluateFamily } from "../../src/inference/vi/evaluate.ts";
import { fullRank } from "../../src/inference/vi/families/full-rank.ts";
import type { GaussianFamily, Start } from "../../src/inference/vi/families/gaussian.ts";
import { lowRank, rankOnePrecision } from "../../src/inference/vi/families/low-rank.ts";
import { meanField } from "../../src/inference/vi/families/mean-field.ts";
import { rowMeanField } from "../../src/inference/vi/families/row-mean-field.ts";
import { createBuilder } from "../../src/runtime/ir/builder.ts";
import { interpret } from "../../src/runtime/ir/interpret.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Target } from "../../src/runtime/target.ts";
import { bound } from "../unit/model-under-test.ts";
import { runContext } from "./engine-context.ts";
import { correlated, design, divergence, type KnownModel, normalOf, rankOne, regression } from "./linear-gaussian.ts";

const models: readonly KnownModel[] = [
  regression("four correlated coefficients", design(30, 4, 1), [1, 0.5, 2, 1], 0.7),
  rankOne([1, 2, 0.5, 4, 1], [1.5, -1, 0.7, 2, 0.3]),
  correlated,
];
type Maker = (target: Target, start: Start) => GaussianFamily;
interface Case {
  readonly name: string;
  readonly make: Maker;
  readonly factored: boolean;
}
const families: readonly Case[] = [
  { name: "meanfield", make: meanField, factored: false },
  { name: "meanfield, slot by slot", make: rowMeanField, factored: false },
  { name: "fullrank", make: fullRank, factored: true },
  { name: "lowrank", make: (t, s) => lowRank(t, s, 2), factored: true },
  { name: "lowrank, precision", make: rankOnePrecision, factored: true },
];
const trained = async (target: Target, { make, factored }: Case, options = {}): Promise<FittedGaussian> => {
  const fitted = await trainGaussian(target, { ...defaultsOf(gaussianOptions), ...options }, runContext(3), make, factored);
  if ("reason" in fitted) throw new Error(fitted.reason);
  return fitted;
};
const DRAWS = 4000;

for (const model of models)
  describe(model.name, async () => {
    const { target } = await bound(model.text, model.data as never);
    for (const family of families)
      test(`${family.name}: the bound is the evidence less the divergence`, async () => {
        const fitted = await trained(target, family);
        const q = normalOf(fitted.family, fitted.training.family);
        const kl = divergence(q, model.posterior);
        const { logP, logQ } = await evaluateFamily(target, fitted.family, fitted.training.family, DRAWS, stream(1, "draws"), {
          stop: () => false,
          breathe: async () => {},
        });
        const ratios = logP.map((x, i) => x - logQ[i]);
        const elbo = ratios.reduce((s, v) => s + v / DRAWS, 0);
        const error = Math.sqrt(ratios.reduce((s, v) => s + (v - elbo) ** 2, 0)) / DRAWS;
        // Where q is the posterior no draw differs from another.
        expect(Math.abs(elbo - (model.evidence - kl))).toBeLessThan(4 * error + 1e-9 * Math.abs(model.evidence) + 1e-9);
        expect(kl).toBeGreaterThan(-1e-12);
        expect(fitted.family.mean(fitted.training.family).every((m, i) => Math.abs(m - q.mean[i]) < 1e-12)).toBe(true);
        if (family.name === "fullrank") expect(kl).toBeLessThan(1e-4);
      });

    test("densities of families are those of the normal distributions that they draw from", () => {
      const n = target.dimension;
      const rng = stream(9, "density");
      const vector = (scale: number) => Float64Array.from({ length: n }, () => scale * rng.normal());
      const factor = Float64Array.from({ length: n * n }, (_, k) => {
        const [i, j] = [Math.floor(k / n), k % n];
        return i === j ? 0.5 + rng.uniform() : i > j ? rng.normal() : 0;
      });
      const starts: Start[] = [
        { position: vector(1) },
        { position: vector(1), scale: vector(1).map((v) => 0.3 + v * v) },
        { position: vector(1), factor },
      ];
      for (const { make } of families)
        for (const start of starts) {
          const family = make(target, start);
          const parameters = Object.fromEntries(
            family.parameters.map((p) => [p.name, p.initial(rng).map((v) => v + 0.4 * rng.normal())]),
          );
          const q = normalOf(family, parameters);
          const u = vector(1);
          const b = createBuilder();
          const own = Object.fromEntries(family.parameters.map((p) => [p.name, b.tensor(parameters[p.name], p.shape)]));
          const [ours] = interpret([family.logDensity(b, own, b.tensor(u, [n]))], {});
          const expected = logNormal(u, q);
          // Covariances are inverted on the way: their condition is lost.
          expect(Math.abs(ours[0] - expected)).toBeLessThan(1e-9 * Math.max(1, Math.abs(expected)));
        }
    });
  });

/** By KL(N(u, S) || q) as S shrinks … written out: -½ (n log 2π + log |Σ| + (u - m)' Σ⁻¹ (u - m)). */
function logNormal(u: Float64Array, q: { readonly mean: Float64Array; readonly covariance: Float64Array }): number {
  const n = u.length;
  const tiny = new Float64Array(n * n);
  for (let i = 0; i < n; i++) tiny[i * n + i] = 1;
  // divergence(N(u, I), q) = ½ (tr Σ⁻¹ + d' Σ⁻¹ d - n + log |Σ|), and the same around the mean has d = 0.
  const there = divergence({ mean: u, covariance: tiny }, q);
  const centre = divergence({ mean: q.mean, covariance: tiny }, q);
  // ½ log |Σ| = divergence(N(m, I), q) - ½ tr Σ⁻¹ + n / 2; the trace by the divergence at twice the covariance.
  const twice = tiny.map((v) => 2 * v);
  const doubled = divergence({ mean: q.mean, covariance: twice }, q);
  const halfTrace = doubled - centre + 0.5 * n * Math.log(2);
  return -(there - centre) - (centre - halfTrace + n / 2) - 0.5 * n * Math.log(2 * Math.PI);
}

describe("what a family cannot hold", () => {
  test("mean field on correlation 0.9 ends ½ log 1/(1 - 0.9²) = 0.830 below the evidence, with the deviations of the conditionals", async () => {
    const { target } = await bound(correlated.text);
    const { family, training } = await trained(target, families[0]);
    const q = normalOf(family, training.family);
    expect(divergence(q, correlated.posterior)).toBeCloseTo(-0.5 * Math.log(1 - 0.81), 2);
    // What the noise of the gradients leaves of the deviations: 1 % or so.
    for (const i of [0, 3]) expect(Math.abs(q.covariance[i] / 0.19 - 1)).toBeLessThan(0.06);
  });
  test("a precision D + u u' is held by the family of that form, not by mean field", async () => {
    const model = models[1];
    const { target } = await bound(model.text, model.data as never);
    const [mean, , , , precision] = families;
    const ours = await trained(target, precision);
    expect(divergence(normalOf(ours.family, ours.training.family), model.posterior)).toBeLessThan(1e-3);
    const narrow = await trained(target, mean);
    expect(divergence(normalOf(narrow.family, narrow.training.family), model.posterior)).toBeGreaterThan(0.2);
  });
  test("from a random point and without sticking the landing the same is found, less exactly", async () => {
    const model = models[0];
    const { target } = await bound(model.text, model.data as never);
    const far = await trained(target, families[2], { startAt: "random", stickTheLanding: false, steps: 20000, samples: 10 });
    expect(divergence(normalOf(far.family, far.training.family), model.posterior)).toBeLessThan(0.02);
  });
});
