// `centering: "auto"`: coordinates that are chosen before chains begin, as good as the better of what the model could say, and the same posterior.
import { describe, expect, test } from "vitest";
import type { Fit } from "../../src/fit.ts";
import { loadModel } from "../../src/load.ts";
import type { DataObject } from "../../src/model.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { deviations, distances, readPosterior, referencesAreThere } from "../posteriors/reference.ts";
import { bound } from "./model-under-test.ts";

const schools = (prefix: string): string => `data J: int
data y: real[J], sigma: positive[J]
mu ~ Normal(0, 5)
tau ~ HalfCauchy(5)
theta: real[J] ~ ${prefix}Normal(mu, tau)
y ~ Normal(theta, sigma)`;
/** Rubin (1981): a score a school, and large errors. */
const eight = { J: 8, y: [28, 8, -3, 7, -1, 1, 18, 12], sigma: [15, 10, 16, 11, 9, 11, 10, 18] };
/** Scores of schools whose means are known to `errors`. */
function known(errors: readonly number[]): DataObject {
  const rng = stream(3, "data");
  const y = errors.map((s) => 2 + 1.5 * rng.normal() + s * rng.normal());
  return { J: y.length, y, sigma: [...errors] };
}
const funnel = (prefix: string): string => `v ~ Normal(0, 3)\nx: real[9] ~ ${prefix}Normal(0, exp(v / 2))`;

const run = async (text: string, data: DataObject, options: Record<string, unknown> = {}): Promise<Fit> =>
  (await bound(text, data)).run("nuts", { seed: 1, threads: 1, ...options });
/** Effective draws of the slowest of all numbers for a gradient, those of warm-up and of the choice included. */
function efficiency(fit: Fit): number {
  const least = Math.min(...fit.summary().map((r) => Math.min(r.essBulk, r.essTail)));
  return least / (fit.preparation + fit.chains.reduce((n, c) => n + c.evaluations, 0));
}
const auto = { centering: "auto" };

describe("the choice is as good as the better form", () => {
  test.each([
    ["little data a school", schools, eight, "noncentered"],
    ["much data a school", schools, known(new Array(20).fill(0.2)), ""],
    ["a funnel without data", funnel, {}, "noncentered"],
  ] as const)("%s", async (_name, text, data, better) => {
    const pure = await Promise.all([run(text(""), data), run(text("noncentered "), data)]);
    const own = await run(text(""), data, auto);
    expect(efficiency(own)).toBeGreaterThan(0.7 * Math.max(...pure.map(efficiency)));
    expect(efficiency(pure[better === "" ? 0 : 1])).toBeGreaterThan(efficiency(pure[better === "" ? 1 : 0]));
    expect(own.sampler.divergences).toBe(0);
    expect(own.verdicts).toEqual([]);
    // Names of the model, and nothing else.
    expect(own.allDraws.columns).toEqual(pure[0].allDraws.columns);
    expect(own.centering.map((c) => c.name)).toEqual([better === "" || text === schools ? "theta" : "x"]);
    if (better !== "") expect(own.notes.filter((n) => n.includes("noncentered"))).toHaveLength(1);
  });

  test("schools of both kinds have weights of their own, and are better off than with either form", async () => {
    const data = known(Array.from({ length: 20 }, (_, j) => (j % 2 ? 0.1 : 4)));
    const own = await run(schools(""), data, auto);
    for (const prefix of ["", "noncentered "])
      expect(efficiency(own)).toBeGreaterThan(efficiency(await run(schools(prefix), data)));
    const [{ weights }] = own.centering;
    const mean = (odd: number) => weights.filter((_, j) => j % 2 === odd).reduce((s, w) => s + w / 10, 0);
    expect(mean(0)).toBeLessThan(0.3);
    expect(mean(1)).toBeGreaterThan(0.9);
    expect(own.sampler.divergences).toBe(0);
  });
});

describe("the posterior is that of the model", () => {
  if (!referencesAreThere) console.log("the references of posteriordb are not there: eight schools are not compared with them");
  test.runIf(referencesAreThere)("eight schools against reference draws", async () => {
    const { modelPath, data, references } = readPosterior("eight_schools-eight_schools_centered");
    const fit = await (await loadModel(modelPath).bind(data)).run("nuts", { seed: 1, draws: 5000, ...auto });
    expect(fit.centering).toHaveLength(1);
    expect(deviations(distances(fit.summary(), references))).toEqual([]);
  });

  test("Neal's funnel: v is standard normal times 3", async () => {
    const fit = await run(funnel(""), {}, { draws: 4000, ...auto });
    const v = fit.summary().find((r) => r.name === "v");
    if (!v) throw new Error("no v");
    expect(Math.abs(v.mean) / v.mcseMean).toBeLessThan(4);
    expect(Math.abs(v.sd - 3) / v.mcseSd).toBeLessThan(4);
  });

  test("along a chain, and of vectors with a factor", async () => {
    const text = `data y: real[T]
      s ~ HalfNormal(1)
      h[1] ~ Normal(0, 1)
      for t in 2..T { h[t] ~ Normal(0.8 * h[t-1], s) }
      y ~ Normal(h, 2)`;
    const data = { y: [0.3, 1.2, 2, 1.5, -0.3, -1] };
    const other = await run(text.replace("~ Normal(0.8", "~ noncentered Normal(0.8"), data, { draws: 2000 });
    const own = await run(text, data, { draws: 2000, ...auto });
    own.summary().forEach((row, i) => {
      const there = other.summary()[i];
      const error = Math.sqrt(row.mcseMean * row.mcseMean + there.mcseMean * there.mcseMean);
      expect(Math.abs(row.mean - there.mean) / error).toBeLessThan(4.5);
    });
  });
});

describe("what stays as it was", () => {
  test("without the option nothing is chosen, and the same seed gives the same draws", async () => {
    const [plain, model] = [await run(schools(""), eight), await run(schools(""), eight, { centering: "model" })];
    expect(plain.centering).toEqual([]);
    expect(model.draws("tau").values).toEqual(plain.draws("tau").values);
  });
  test("what the model says is noncentered is left so, and so is what has nothing to choose", async () => {
    const fit = await run(schools("noncentered "), eight, { draws: 50, warmup: 50, ...auto });
    expect(fit.centering).toEqual([]);
    expect(fit.notes.join()).toMatch(/nothing to choose/u);
  });
  test("starts are in the model's names", async () => {
    const start = { mu: 4, tau: 3, theta: [5, 4, 3, 4, 3, 4, 5, 4] };
    const fit = await run(schools(""), eight, { start, warmup: 0, draws: 1, stepSize: 1e-9, seed: 4, ...auto });
    expect(fit.draws("theta").values[0]).toBeCloseTo(5, 5);
    expect(fit.draws("tau").values[0]).toBeCloseTo(3, 5);
  });
  test("the same seed gives the same bits", async () => {
    const [a, b] = [await run(schools(""), eight, { draws: 20, ...auto }), await run(schools(""), eight, { draws: 20, ...auto })];
    expect(a.draws("theta").values).toEqual(b.draws("theta").values);
    expect(a.centering[0].weights).toEqual(b.centering[0].weights);
  });
});
