// Laws of the engines that run once, on posteriors with known answers: means, deviations, evidence; seeds, interruption, refusals.
import { describe, expect, test } from "vitest";
import type { Engine, OptionValues, Result } from "../../src/inference/engine.ts";
import { ais } from "../../src/inference/engines/ais.ts";
import { fullrank } from "../../src/inference/engines/full-rank.ts";
import { hierarchical } from "../../src/inference/engines/hierarchical.ts";
import { importance } from "../../src/inference/engines/importance.ts";
import { laplace } from "../../src/inference/engines/laplace.ts";
import { lowrank } from "../../src/inference/engines/low-rank.ts";
import { map } from "../../src/inference/engines/map.ts";
import { meanfield } from "../../src/inference/engines/mean-field.ts";
import { mle } from "../../src/inference/engines/mle.ts";
import { pathfinder } from "../../src/inference/engines/pathfinder.ts";
import { smc } from "../../src/inference/engines/smc.ts";
import { resolveOptions } from "../../src/inference/options.ts";
import { runEngine } from "../../src/inference/run.ts";
import type { Target } from "../../src/runtime/target.ts";
import { bound, model } from "../unit/model-under-test.ts";
import { backends, whatLoads } from "./backends.ts";
import { runContext } from "./engine-context.ts";
import { correlated, design, type KnownModel, rankOne, regression } from "./linear-gaussian.ts";

const known: readonly KnownModel[] = [
  regression("three correlated coefficients", design(25, 3, 2), [1, 0.5, 2], 0.7),
  rankOne([1, 2, 0.5, 4], [1.5, -1, 0.7, 2]),
  correlated,
];
const targetOf = async (m: Pick<KnownModel, "text" | "data">): Promise<Target> => (await bound(m.text, m.data as never)).target;
const run = async (engine: Engine, target: Target, options: Partial<OptionValues> = {}, seed = 1): Promise<Result> => {
  const { results, failure } = await runEngine(target, engine, options, { seed });
  if (failure) throw new Error(failure.reason);
  return results[0];
};
const column = ({ chain }: Result, i: number): Float64Array => {
  if (!chain) throw new Error("no draws");
  return Float64Array.from({ length: chain.draws }, (_, d) => chain.positions[d * chain.dimension + i]);
};
const meanOf = (x: Float64Array): number => x.reduce((s, v) => s + v, 0) / x.length;
const sdOf = (x: Float64Array): number => Math.sqrt(x.reduce((s, v) => s + (v - meanOf(x)) ** 2, 0) / (x.length - 1));

interface Case {
  readonly engine: Engine;
  readonly options: Partial<OptionValues>;
  readonly what: string;
}
/** Those that are exact on a normal posterior. */
const exact: readonly Case[] = [
  { engine: fullrank, options: {}, what: "" },
  { engine: laplace, options: {}, what: "" },
  { engine: pathfinder, options: {}, what: "" },
  { engine: importance, options: {}, what: "" },
  { engine: importance, options: { proposal: "lowrank" }, what: " of low rank" },
  { engine: importance, options: { proposal: "laplace" }, what: " of the curvature" },
  { engine: ais, options: {}, what: " from the prior" },
  { engine: ais, options: { from: "meanfield", spacing: "linear", temperatures: 100 }, what: " from mean field" },
  { engine: ais, options: { spacing: "geometric" }, what: " in geometric spacing" },
  { engine: smc, options: {}, what: "" },
  { engine: smc, options: { moves: "randomwalk" }, what: " by random walks" },
  { engine: smc, options: { moves: "independent" }, what: " by draws of the cloud" },
];
const SIGMAS = 4;

for (const model of known)
  describe(model.name, async () => {
    const target = await targetOf(model);
    const n = target.dimension;
    for (const { engine, options, what } of exact) {
      test(`${engine.name}${what}: mean, deviation and evidence`, async () => {
        const r = await run(engine, target, options);
        const draws = r.effectiveDraws ?? r.chain?.draws ?? 0;
        expect(draws).toBeGreaterThan(30);
        for (let i = 0; i < n; i++) {
          const x = column(r, i);
          const sd = Math.sqrt(model.posterior.covariance[i * n + i]);
          expect(Math.abs(meanOf(x) - model.posterior.mean[i]) / (sd / Math.sqrt(draws)), `mean of ${i}`).toBeLessThan(SIGMAS);
          expect(Math.abs(sdOf(x) - sd) / (sd / Math.sqrt(2 * draws)), `sd of ${i}`).toBeLessThan(SIGMAS);
        }
        const { mean, se } = r.evidence ?? { mean: Number.NaN, se: Number.NaN };
        // What rounding leaves where the approximation is the posterior.
        expect(Math.abs(mean - model.evidence)).toBeLessThan(SIGMAS * se + 1e-6);
        expect(se).toBeLessThan(0.3);
        expect(r.verdicts.some((v) => v.level === "fail")).toBe(false);
      });
    }
    // Where there are few data: of many, no draw of the prior is near the posterior.
    if (!("X" in model.data))
      test("importance of the prior: naive Monte Carlo has the evidence too", async () => {
        const { evidence } = await run(importance, target, { proposal: "prior", samples: 20000 });
        const { mean, se } = evidence ?? { mean: Number.NaN, se: Number.NaN };
        expect(Math.abs(mean - model.evidence)).toBeLessThan(SIGMAS * se + 1e-6);
        expect(se).toBeLessThan(0.1);
      });
    test("laplace: the closed form is the evidence", async () => {
      const { figures } = await run(laplace, target);
      // The Hessian is one of differences.
      expect(Math.abs((figures?.laplace_evidence ?? Number.NaN) - model.evidence)).toBeLessThan(1e-6);
    });
  });

const engines: readonly Engine[] = [meanfield, fullrank, lowrank, laplace, pathfinder, importance, ais, smc];
/** Quick, not good. */
const hasty: Partial<Record<string, Partial<OptionValues>>> = {
  meanfield: { steps: 300 },
  fullrank: { steps: 300 },
  lowrank: { steps: 300, rank: 2 },
  importance: { steps: 300, samples: 500 },
  ais: { temperatures: 20, particles: 20 },
  smc: { particles: 50, runs: 2 },
};
describe("every engine that runs once", async () => {
  const target = await targetOf(known[0]);
  for (const engine of engines) {
    const options = hasty[engine.name] ?? {};
    test(`${engine.name}: the same seed gives the same bits, another does not`, async () => {
      const positions = async (seed: number) => (await run(engine, target, options, seed)).chain?.positions;
      expect(await positions(1)).toEqual(await positions(1));
      expect(await positions(1)).not.toEqual(await positions(2));
    });
    test(`${engine.name}: a stop keeps what there is, or says that there is nothing`, async () => {
      if (engine.unit !== "run") throw new Error("not of unit run");
      let asked = 0;
      const context = runContext(1, { stop: () => ++asked > 40 });
      const r = await engine.run(target, resolveOptions(engine, options), context);
      if (r.failure) expect(r.failure.reason).toContain("interrupted");
      else expect(r.chain?.interrupted).toBe(true);
    });
    test(`${engine.name}: progress ends at its total`, async () => {
      const last = new Map<string, number>();
      await runEngine(target, engine, options, {
        seed: 1,
        onProgress: ({ phase, done, total }) => last.set(phase.replace(/\d+/g, ""), done / total),
      });
      expect(last.size).toBeGreaterThan(0);
      for (const share of last.values()) expect(share).toBeLessThanOrEqual(1);
    });
    test(`${engine.name}: a density that is finite nowhere is explained`, async () => {
      const nowhere = await targetOf({
        text: "data c: real\nx ~ Normal(0, 1)\nfactor(c - x^2)",
        data: { c: Number.NEGATIVE_INFINITY },
      });
      const { failure } = await runEngine(nowhere, engine, options, { seed: 1 });
      expect(failure?.reason).toMatch(/not finite at any of 100 random starting points|weight 0/);
    });
  }
});

describe("training on every backend", () => {
  test(`there are some: ${whatLoads}`, () => expect(backends.length).toBeGreaterThan(0));
  for (const backend of backends)
    for (const engine of [meanfield, fullrank, lowrank] as readonly Engine[])
      test(`${backend.name}: ${engine.name} finds a normal posterior`, async () => {
        const m = known[0];
        const target = await targetOf(m);
        if (engine.unit !== "run") throw new Error("not of unit run");
        const r = await engine.run(target, resolveOptions(engine, { steps: 1500 }), runContext(2, { backend }));
        const n = target.dimension;
        const elbo = r.figures?.elbo ?? Number.NaN;
        // Mean field loses the correlations, the others nothing; float32 leaves its rounding.
        const lost = engine === meanfield ? 1.2 : 0.02;
        expect(elbo).toBeGreaterThan(m.evidence - lost - 1e4 * n * backend.epsilon);
        for (let i = 0; i < n; i++) {
          const sd = Math.sqrt(m.posterior.covariance[i * n + i]);
          expect(Math.abs(meanOf(column(r, i)) - m.posterior.mean[i])).toBeLessThan(0.2 * sd);
        }
      });
});

describe("what is learnt beside the latents", () => {
  const y = [1.2, 0.7, -0.4, 2.2, 1.9];
  const mean = y.reduce((s, v) => s + v, 0) / y.length;
  const sd = Math.sqrt(y.reduce((s, v) => s + (v - mean) ** 2, 0) / y.length);
  for (const engine of [map, mle])
    test(`${engine.name}: params alone`, async () => {
      const target = await targetOf({
        text: "data y: real[N]\nparam m: real\nparam s: positive = 3\ny ~ Normal(m, s)",
        data: { y },
      });
      expect(target.dimension).toBe(0);
      const { fitted, point } = await run(engine, target);
      expect(fitted?.m[0]).toBeCloseTo(mean, 8);
      expect(fitted?.s[0]).toBeCloseTo(sd, 8);
      expect(point?.position.length).toBe(0);
    });
  test("map: a param beside a latent is at the joint maximum, on the constrained scale", async () => {
    // y given mu is N(mu, 1), mu is N(0, 1): mu = Σ y / (N + 1). b and s of w ~ N(b, s): at w.
    const text = `
data y: real[N], w: real[M]
param b: real
param s: positive = 2
mu ~ Normal(0, 1)
y ~ Normal(mu, 1)
w ~ Normal(b + mu, s)
`;
    const w = [3, 5, 10];
    const { fitted, point } = await run(map, await targetOf({ text, data: { y, w } }));
    const mu = y.reduce((s, v) => s + v, 0) / (y.length + 1);
    expect(point?.position[0]).toBeCloseTo(mu, 7);
    expect(fitted?.b[0]).toBeCloseTo(6 - mu, 7);
    expect(fitted?.s[0]).toBeCloseTo(Math.sqrt((9 + 1 + 16) / 3), 7);
  });
  test("meanfield and fullrank maximise the marginal likelihood where the family holds the posterior", async () => {
    // mu ~ N(0, s), y ~ N(mu, 1): the mean of y is N(0, s² + 1/N).
    const text = "data y: real[N]\nparam s: positive = 2\nmu ~ Normal(0, s)\ny ~ Normal(mu, 1)";
    const target = await targetOf({ text, data: { y } });
    for (const engine of [meanfield, fullrank]) {
      const { fitted, evidence } = await run(engine, target, { samples: 20, patience: 10 });
      expect(Math.abs((fitted?.s[0] ?? 0) - Math.sqrt(mean * mean - 1 / y.length))).toBeLessThan(0.05);
      expect(evidence?.se).toBeLessThan(0.01);
    }
  });
  test("who cannot learn says who can", async () => {
    const text = "data y: real[N]\nparam s: positive = 2\nmu ~ Normal(0, s)\ny ~ Normal(mu, 1)";
    const target = await targetOf({ text, data: { y } });
    const reason = async (engine: Engine, options = {}) =>
      (await runEngine(target, engine, options, { seed: 1 })).failure?.reason;
    for (const engine of [laplace, pathfinder])
      expect(await reason(engine)).toMatch(/^s is a param, to be learnt and not sampled.*--engine meanfield/);
    expect(await reason(ais)).toBe(
      "s of the model is to be learnt, which prior does not do: take meanfield, fullrank or lowrank",
    );
    const alone = await targetOf({ text: "data y: real[N]\nparam m: real\ny ~ Normal(m, 1)", data: { y } });
    expect((await runEngine(alone, meanfield, {}, { seed: 1 })).failure?.reason).toContain("use --engine mle or map");
  });
});

test("meanfield on minibatches finds local and global latents of independent rows", async () => {
  // m ~ N(0, 1), z_n ~ N(0, 1), x_n ~ N(z_n, 1), w_n ~ N(m, 2): z_n is N(x_n / 2, 1/2), m of precision 1 + N/4 and mean Σ w / 4 over that.
  const N = 60;
  const x = Array.from({ length: N }, (_, n) => 3 * Math.sin(n));
  const w = Array.from({ length: N }, (_, n) => 1 + Math.cos(5 * n));
  const text = `
data x: real[N], w: real[N]
m ~ Normal(0, 1)
for n in 1..N { z[n] ~ Normal(0, 1)
  x[n] ~ Normal(z[n], 1)
  w[n] ~ Normal(m, 2) }
`;
  const target = await targetOf({ text, data: { x, w } });
  const r = await run(meanfield, target, { batch: 20, steps: 3000, rate: 0.01, draws: 2000 });
  const precision = 1 + N / 4;
  const m = column(r, 0);
  expect(Math.abs(meanOf(m) - w.reduce((s, v) => s + v, 0) / 4 / precision)).toBeLessThan(0.3 / Math.sqrt(precision));
  expect(Math.abs(sdOf(m) * Math.sqrt(precision) - 1)).toBeLessThan(0.1);
  x.forEach((v, n) => {
    expect(Math.abs(meanOf(column(r, 1 + n)) - v / 2)).toBeLessThan(0.25 * Math.SQRT1_2);
    expect(Math.abs(sdOf(column(r, 1 + n)) * Math.SQRT2 - 1)).toBeLessThan(0.15);
  });
});

describe("with a discrete latent summed out", () => {
  const y = 1.7;
  const normal = (x: number, variance: number): number =>
    Math.exp((-0.5 * x ** 2) / variance) / Math.sqrt(2 * Math.PI * variance);
  const truth = Math.log(0.7 * normal(y, 2) + 0.3 * normal(y - 3, 2));
  const isTrue = ({ evidence }: Result): void => {
    const { mean, se } = evidence ?? { mean: Number.NaN, se: Number.NaN };
    expect(Math.abs(mean - truth)).toBeLessThan(SIGMAS * se + 1e-6);
    expect(se).toBeLessThan(0.1);
  };
  for (const [engine, options] of [
    [importance, { proposal: "prior" }],
    [importance, { proposal: "laplace" }],
    [pathfinder, {}],
    [ais, {}],
    [ais, { from: "laplace" }],
  ] as const)
    test(`${engine.name} ${JSON.stringify(options)}: the evidence is that of the mixture`, async () => {
      const text = "data y: real\nmu ~ Normal(0, 1)\nk ~ Bernoulli(0.3)\ny ~ Normal(mu + 3 * k, 1)";
      isTrue(await run(engine, await targetOf({ text, data: { y } }), options));
    });
  test("a prior that is summed with the data is none to begin at", async () => {
    const text = "data y: real\nk ~ Bernoulli(0.3)\nmu ~ Normal(0 * k, 1)\ny ~ Normal(mu + 3 * k, 1)";
    const target = await targetOf({ text, data: { y } });
    const { failure } = await runEngine(target, ais, {}, { seed: 1 });
    expect(failure?.reason).toContain("mu has no prior apart from the data");
    isTrue(await run(ais, target, { from: "laplace" }));
  });
});

describe("where the log density is no number at some draws", async () => {
  // Beyond 1.5, with probability 0.067: what is left has the evidence Φ(1.5).
  const target = await targetOf({ text: "x ~ Normal(0, 1)\nfactor(x > 1.5 ? 0 / (x - x) : 0)", data: {} });
  for (const [engine, options] of [
    [laplace, {}],
    [importance, { proposal: "laplace" }],
    [importance, { proposal: "prior" }],
    [ais, {}],
  ] as const)
    test(`${engine.name} ${JSON.stringify(options)}: they have no weight`, async () => {
      const { evidence, figures = {}, effectiveDraws } = await run(engine, target, options);
      const { mean, se } = evidence ?? { mean: Number.NaN, se: Number.NaN };
      expect(Math.abs(mean - Math.log(0.9331928))).toBeLessThan(SIGMAS * se);
      for (const [name, value] of Object.entries(figures)) if (name !== "elbo") expect(value, name).toBeGreaterThan(-1e-9);
      if (effectiveDraws !== undefined) expect(effectiveDraws).toBeGreaterThan(10);
    });
  test("where no draw has a weight there is no result", async () => {
    const far = await targetOf({ text: "x ~ Normal(0, 1)\nfactor(x > 9 ? 0 : -1 / 0)", data: {} });
    const { failure } = await runEngine(far, importance, { proposal: "prior" }, { seed: 1 });
    expect(failure?.reason).toContain("all draws have weight 0");
  });
});

test("paths that find no start are fewer paths, not an interruption", async () => {
  const target = await targetOf({ text: "x ~ Normal(50, 1)\nfactor(x > 10 ? 0 : -1 / 0)", data: {} });
  const { results } = await runEngine(target, pathfinder, {}, { seed: 1, starts: [{ position: Float64Array.of(49) }] });
  expect(Object.keys(results[0].traces)).toEqual(["elbo of path 1"]);
  expect(results[0].chain?.interrupted).toBe(false);
  expect(meanOf(column(results[0], 0))).toBeCloseTo(50, 0);
});

describe("where the prior is no density", () => {
  const reason = async (text: string, data: object, engine: Engine = ais, options = {}) =>
    (await runEngine(await targetOf({ text, data: data as never }), engine, options, { seed: 1 })).failure?.reason;
  test("annealing from it is refused, with the names", async () => {
    const text = "data y: real[N]\nmu ~ Flat()\ns: positive ~ unnormalized Normal(0, 1)\ny ~ Normal(mu, s)";
    expect(await reason(text, { y: [1, 2] })).toBe(
      "the evidence is defined by a prior that integrates to 1, and that of mu (Flat has no normaliser), s (Normal is not renormalised on the type of s) does not; give proper priors",
    );
    expect(await reason(text, { y: [1, 2] }, importance, { proposal: "prior" })).toContain("Flat has no normaliser");
    expect(await reason("data y: real?[N]\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)", { y: [1, null] })).toContain(
      "y has no prior apart from the data",
    );
  });
  test("a fit gives no evidence, and says why", async () => {
    const flat = await targetOf({ text: "data y: real[N]\nmu ~ Flat()\ny ~ Normal(mu, 1)", data: { y: [1, 2] } });
    for (const engine of [fullrank, laplace, pathfinder, importance]) {
      const { evidence, notes } = await run(engine, flat, hasty[engine.name] ?? {});
      expect(evidence).toBeUndefined();
      expect(notes?.[0]).toContain("no evidence is given: the evidence is defined by a prior that integrates to 1");
    }
  });
  test("nor does one of discrete latents", async () => {
    const text = "data y: real[N]\nmu ~ Flat()\nk ~ Bernoulli(0.3)\ny ~ Normal(mu + k, 1)";
    const target = await targetOf({ text, data: { y: [1, 2] } });
    for (const engine of [meanfield, hierarchical]) {
      const { evidence, notes } = await run(engine, target, { steps: 300 });
      expect(evidence).toBeUndefined();
      expect(notes?.[0]).toContain("Flat has no normaliser");
    }
  });
  test("a prior on a narrower type is one", async () => {
    const text = "data y: real[N]\ns: positive ~ Normal(0, 1)\no: ordered[2] ~ Normal(0, 1)\ny ~ Normal(o[1], s)";
    expect(await reason(text, { y: [1, 2] }, ais, { temperatures: 5, particles: 5 })).toBeUndefined();
  });
});

test("draws are stopped too: of the prior, and of a fit", async () => {
  const target = await targetOf(known[0]);
  const before = performance.now();
  const signal = AbortSignal.timeout(30);
  const { failure } = await runEngine(target, importance, { proposal: "prior", samples: 5_000_000 }, { seed: 1, signal });
  expect(failure?.reason).toContain("interrupted");
  // Alone, 5 million draws take longer than half a minute.
  expect(performance.now() - before).toBeLessThan(10_000);
  let isTrained = false;
  const stopped = await meanfield.run(target, resolveOptions(meanfield, { steps: 20, draws: 5_000_000 }), {
    ...runContext(1, { stop: () => isTrained }),
    progress: ({ done, total }) => {
      isTrained = done === total;
    },
  });
  expect([stopped.chain?.draws, stopped.chain?.interrupted, stopped.chain?.positions.length]).toEqual([100, true, 300]);
});

test("a number that is none stops training at once, with the step and the term", async () => {
  const target = await targetOf({ text: "x ~ Normal(0, 1)\nfactor(x > 4 ? 0 / (x - x) : 0)", data: {} });
  const { failure } = await runEngine(target, meanfield, { startAt: "random", rate: 5, steps: 2000 }, { seed: 1 });
  expect(failure?.reason).toMatch(
    /^training stopped at step \d+: the bound is NaN, because the factor of factor is NaN\. Try a lower --rate/,
  );
  expect(model("x ~ Normal(0, 1)").name).toBe("test");
});
