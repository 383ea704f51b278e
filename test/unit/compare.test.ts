// Leave-one-out cross-validation: against closed forms, stacking against a grid; ppl compare: what it prints, and each mistake a sentence.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ppl as model } from "../../src/index.ts";
import { compareLoo, loo } from "../../src/inference/diagnostics/loo.ts";
import { stackingWeights } from "../../src/inference/diagnostics/stacking.ts";
import { pointwiseLikelihood } from "../../src/pointwise.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { ppl } from "./in-process.ts";

const normal = (x: number, m: number, v: number): number => (-0.5 * ((x - m) * (x - m))) / v - 0.5 * Math.log(2 * Math.PI * v);

test("the limit of k-hat follows the number of draws", () => {
  const draws = (n: number) => loo([Float64Array.from({ length: n }, (_, i) => -1 - 0.1 * Math.sin(i))]).largestK;
  expect(draws(100)).toBeCloseTo(0.5, 12); // 1 - 1 / log10 100
  expect(draws(4000)).toBe(0.7);
});

describe("leave-one-out", () => {
  test("of a normal mean with known variances is the closed form's, within Monte Carlo error", () => {
    const rng = stream(1, "data");
    const y = Float64Array.from({ length: 30 }, () => 1 + 2 * rng.normal());
    const [n, noise, prior] = [y.length, 4, 25];
    const posterior = (values: Float64Array) => {
      const precision = 1 / prior + values.length / noise;
      return { mean: values.reduce((s, v) => s + v, 0) / noise / precision, variance: 1 / precision };
    };
    const all = posterior(y);
    const draws = Float64Array.from({ length: 20000 }, () => all.mean + Math.sqrt(all.variance) * rng.normal());
    const found = loo(Array.from(y, (v) => draws.map((mu) => normal(v, mu, noise))));
    y.forEach((v, i) => {
      const rest = posterior(y.filter((_, k) => k !== i));
      // Of importance weights whose variance is small: a few per cent of the effect of one observation of thirty.
      expect(Math.abs(found.pointwise[i] - normal(v, rest.mean, rest.variance + noise))).toBeLessThan(0.01);
    });
    expect(Math.abs(found.pLoo - 1)).toBeLessThan(0.5);
    expect(Math.max(...found.k)).toBeLessThan(0.5);
    const mean = found.elpd / n;
    const squares = found.pointwise.reduce((s, x) => s + (x - mean) * (x - mean), 0);
    expect(Math.abs(found.se - Math.sqrt((squares * n) / (n - 1)))).toBeLessThan(1e-12);
  });

  test("differences and their errors are those of pairs", () => {
    const of = (pointwise: number[]) => ({
      elpd: pointwise.reduce((a, b) => a + b, 0),
      se: 0,
      pLoo: 0,
      pointwise: Float64Array.from(pointwise),
      k: Float64Array.of(0, 0, 0),
      largestK: 0.7,
    });
    const [first, second] = compareLoo([
      { name: "worse", loo: of([-3, -2, -1]) },
      { name: "better", loo: of([-1, -2, -1]) },
    ]);
    expect([first.name, first.difference, first.differenceSe]).toEqual(["better", 0, 0]);
    expect(second.difference).toBe(2);
    // 2, 0, 0 lie 4/3, -2/3, -2/3 from their mean.
    expect(Math.abs(second.differenceSe - Math.sqrt(((24 / 9) * 3) / 2))).toBeLessThan(1e-12);
  });

  test("stacking weights have the best mean log score", () => {
    const rng = stream(2, "scores");
    const scores = [0, 1, 2].map((k) => Float64Array.from({ length: 40 }, (_, i) => rng.normal() - (i % 3 === k ? 0 : 2)));
    const score = (w: ArrayLike<number>): number =>
      scores[0].reduce((sum, _, i) => sum + Math.log(scores.reduce((p, own, k) => p + w[k] * Math.exp(own[i]), 0)), 0);
    const weights = stackingWeights(scores);
    expect(Math.abs(weights.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(1e-12);
    const best = score(weights);
    for (let i = 0; i <= 20; i++)
      for (let j = 0; i + j <= 20; j++) expect(score([i / 20, j / 20, (20 - i - j) / 20])).toBeLessThan(best + 1e-9);
    // Models that predict nearly alike: the best weights are found all the same, in a moment.
    const near = [0, 1, 2].map(() => scores[0].map((x) => x + 1e-5 * rng.normal()));
    const found = stackingWeights(near);
    const gains = near.map((own) => {
      const q = own.map((x, i) => Math.exp(x) / near.reduce((p, other, k) => p + found[k] * Math.exp(other[i]), 0));
      return q.reduce((a, b) => a + b, 0) / q.length - 1;
    });
    // Of a maximum no model could gain, and those that take part gain nothing.
    gains.forEach((g, k) => {
      expect(g).toBeLessThan(1e-11);
      if (found[k] > 0) expect(g).toBeGreaterThan(-1e-9);
    });
    // What no model thinks possible tells nothing apart; what is no number has no weights.
    const none = Number.NEGATIVE_INFINITY;
    expect(stackingWeights([Float64Array.of(none, -1, -3), Float64Array.of(none, -2, -1)])).toEqual(
      stackingWeights([Float64Array.of(-1, -3), Float64Array.of(-2, -1)]),
    );
    expect(stackingWeights([Float64Array.of(Number.NaN, -1), Float64Array.of(-1, -2)])).toEqual(
      Float64Array.of(Number.NaN, Number.NaN),
    );
    // One model that is everywhere better has all of the weight.
    expect(stackingWeights([Float64Array.of(-1, -1), Float64Array.of(-2, -3)])[0]).toBeGreaterThan(1 - 1e-6);
  });

  test("log-likelihoods of single observations, discrete latents summed out", async () => {
    const mixture = model`
      data y: real[N]
      m ~ Normal(0, 1)
      for n in 1..N {
        k[n] ~ Bernoulli(0.3)
        y[n] ~ Normal(k[n] == 1 ? m : -m, 1)
      }`;
    const y = [0.5, -1, 2];
    const { target } = await mixture.bind({ y });
    const draws = {
      chains: 1,
      drawsPerChain: 2,
      columns: [],
      values: { m: Float64Array.of(0.4, -1.2) },
      stats: {},
    };
    const { sites, values } = pointwiseLikelihood(target, draws);
    expect(sites).toEqual([{ name: "y", count: 3, data: Float64Array.from(y) }]);
    y.forEach((v, i) => {
      [0.4, -1.2].forEach((m, d) => {
        const p = 0.3 * Math.exp(normal(v, m, 1)) + 0.7 * Math.exp(normal(v, -m, 1));
        expect(Math.abs(values[i][d] - Math.log(p))).toBeLessThan(1e-13);
      });
    });
    const chain = await model`
      data y: real[T]
      s[1] ~ Bernoulli(0.5)
      for t in 2..T { s[t] ~ Bernoulli(0.2 + 0.6 * s[t-1]) }
      m ~ Normal(0, 1)
      for t in 1..T { y[t] ~ Normal(m * s[t], 1) }`.bind({ y });
    expect(() => pointwiseLikelihood(chain.target, draws)).toThrow("depend on one another by way of s");
    const both = await model`
      data y: real[N], u: real[N]
      m ~ Normal(0, 1)
      for n in 1..N {
        k[n] ~ Bernoulli(0.3)
        y[n] ~ Normal(m * k[n], 1)
        u[n] ~ Normal(m * k[n], 1)
        observe(lpdf(Normal(m, 1), y[n]))
      }`.bind({ y, u: y });
    expect(() => pointwiseLikelihood(both.target, draws)).toThrow("depend on one another by way of k");
    const elsewhere = await model`
      data y: real[N], at: int[N]
      m ~ Normal(0, 1)
      for n in 1..N { k[n] ~ Bernoulli(0.3) }
      for n in 1..N { y[n] ~ Normal(m * k[at[n]], 1) }`.bind({ y, at: [3, 1, 2] });
    expect(() => pointwiseLikelihood(elsewhere.target, draws)).toThrow("in another order than the elements of k");
    const missing = await model`data z: real?[N]; m ~ Normal(0, 1); z ~ Normal(m, 1)`.bind({ z: [1, null, 2] });
    expect(() => pointwiseLikelihood(missing.target, draws)).toThrow("entries of z are missing");
  });
});

describe("observations and their data", () => {
  const draws = { chains: 1, drawsPerChain: 1, columns: [], values: { m: Float64Array.of(0.5) }, stats: {} };
  const atDraw = async (text: ReturnType<typeof model>, data: Parameters<typeof text.bind>[0]) => {
    const { sites, values } = pointwiseLikelihood((await text.bind(data)).target, draws);
    return { sites, values: values.map((v) => v[0]) };
  };
  const y = [0.5, -1, 2];
  const alone = y.map((v) => normal(v, 0.5, 1));
  const near = (x: readonly number[], expected: readonly number[]): void => {
    expect(x.length).toBe(expected.length);
    x.forEach((v, i) => expect(Math.abs(v - expected[i])).toBeLessThan(1e-13));
  };

  test("variables come by name, whatever the order of the statements, summed out or not", async () => {
    const found = await atDraw(
      model`
        data y: real[N], a: real[N]
        m ~ Normal(0, 1)
        for n in 1..N { k[n] ~ Bernoulli(0.3); y[n] ~ Normal(m, 1); a[n] ~ Normal(m * k[n], 1) }`,
      { y, a: y },
    );
    expect(found.sites.map((s) => s.name)).toEqual(["a", "y"]);
    const mixed = y.map((v) => Math.log(0.3 * Math.exp(normal(v, 0.5, 1)) + 0.7 * Math.exp(normal(v, 0, 1))));
    near(found.values, [...mixed, ...alone]);
  });
  test("data are in the order of the observations, where several statements give them", async () => {
    const found = await atDraw(
      model`
        data y: real[N]
        m ~ Normal(0, 1)
        for n in 1..N { k[n] ~ Bernoulli(0) }
        for n in 3..N { y[n] ~ Normal(m * (1 - k[n]), 1) }
        for n in 1..2 { y[n] ~ Normal(m * (1 - k[n]), 1) }`,
      { y },
    );
    expect(found.sites).toEqual([{ name: "y", count: 3, data: Float64Array.of(2, 0.5, -1) }]);
    near(found.values, [alone[2], alone[0], alone[1]]);
  });
  test("a latent without elements is in no file of draws", async () => {
    const found = await atDraw(
      model`
        data y: real[N], J: int
        m ~ Normal(0, 1)
        t: real[J] ~ Normal(0, 1)
        y ~ Normal(m + sum(t), 1)`,
      { y, J: 0 },
    );
    near(found.values, alone);
  });
});

const folder = mkdtempSync(join(tmpdir(), "compare-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());
const at = (name: string): string => join(folder, name);

describe("ppl compare", () => {
  beforeAll(async () => {
    const rng = stream(3, "line");
    const x = Array.from({ length: 40 }, (_, i) => i / 20 - 1);
    writeFileSync(at("d.json"), JSON.stringify({ x, y: x.map((v) => 1 + 2 * v + 0.5 * rng.normal()) }));
    writeFileSync(at("half.json"), JSON.stringify({ x: x.slice(20), y: x.slice(20) }));
    const head = "data x: real[N], y: real[N]\na ~ Normal(0, 5)\ns ~ HalfNormal(2)\n";
    writeFileSync(at("line.ppl"), `${head}b ~ Normal(0, 5)\ny ~ Normal(a + b * x, s)\n`);
    writeFileSync(at("flat.ppl"), `${head}y ~ Normal(a, s)\n`);
    const run = (name: string, data: string, out: string) =>
      ppl(
        "run",
        at(name),
        "--data",
        at(data),
        "--chains",
        "2",
        "--draws",
        "500",
        "--warmup",
        "300",
        "--seed",
        "1",
        "--out",
        at(out),
        "--quiet",
      );
    await run("line.ppl", "d.json", "line");
    await run("flat.ppl", "d.json", "flat");
    await run("flat.ppl", "half.json", "half");
    writeFileSync(at("other.json"), JSON.stringify({ x, y: x }));
    await run("flat.ppl", "other.json", "other");
    writeFileSync(at("down.ppl"), `${head}b ~ Normal(0, 5)\nfor n in N..1 by -1 { y[n] ~ Normal(a + b * x[n], s) }\n`);
    await run("down.ppl", "d.json", "down");
    writeFileSync(at("gone.json"), readFileSync(at("d.json")));
    await run("flat.ppl", "gone.json", "gone");
    writeFileSync(at("gone.json"), readFileSync(at("other.json")));
    const short = ["--chains", "2", "--draws", "200", "--warmup", "200", "--seed", "1", "--quiet"];
    for (const name of ["line", "flat"])
      await ppl("run", at(`${name}.ppl`), "--data", at("d.json"), "--rows", "N=1..20", ...short, "--out", at(`${name}20`));
    writeFileSync(at("slope.ppl"), `${head}param b: real\ny ~ Normal(a + b * x, s)\n`);
    await ppl("run", at("slope.ppl"), "--data", at("d.json"), "--engine", "map", "--seed", "1", "--quiet", "--out", at("learnt"));
    await ppl("run", at("slope.ppl"), "--data", at("d.json"), "--params", at("learnt"), ...short, "--out", at("given"));
    await ppl("run", at("line.ppl"), "--data", at("d.json"), "--engine", "map", "--seed", "1", "--quiet", "--out", at("map"));
  });

  test("ranks models, best first, with the error of the difference and weights", async () => {
    const table = await ppl("compare", at("flat"), at("line"));
    expect(table).toMatchObject({ code: 0, err: "" });
    const rows = table.out.trim().split("\n");
    expect(rows[0].trim().split(/ {2,}/)).toEqual(["elpd", "se", "p_loo", "difference", "se", "weight"]);
    expect(rows[1]).toContain(at("line"));
    const { models } = JSON.parse((await ppl("compare", at("flat"), at("line"), "--json")).out) as {
      models: { name: string; difference: number; difference_se: number; weight: number; p_loo: number }[];
    };
    expect(models.map((m) => m.name)).toEqual([at("line"), at("flat")]);
    expect(models[1].difference).toBeGreaterThan(4 * models[1].difference_se);
    expect(models[0].weight).toBeGreaterThan(0.95);
    expect(Math.abs(models[0].p_loo - 3)).toBeLessThan(1.5);
  });

  test("observations in another order are told by their values", async () => {
    const { models } = JSON.parse((await ppl("compare", at("line"), at("down"), "--json")).out) as {
      models: { difference: number; difference_se: number }[];
    };
    // The same model: but for Monte Carlo errors no observation is predicted otherwise.
    expect(models[1].difference).toBeLessThan(0.5);
    expect(models[1].difference_se).toBeLessThan(0.5);
  });

  test("rows that were taken are taken again", async () => {
    const made = await ppl("compare", at("line20"), at("flat20"));
    expect(made.code).not.toBe(1);
    expect(made.out).toContain(at("line20"));
  });

  test("params that a run was given are given again", async () => {
    const made = await ppl("compare", at("line"), at("given"), "--json");
    expect(made.code).not.toBe(1);
    const { models } = JSON.parse(made.out) as { models: { name: string; p_loo: number }[] };
    expect(models.map((m) => m.name).sort()).toEqual([at("given"), at("line")]);
    const about = readFileSync(at("learnt/guide.json"), "utf8");
    writeFileSync(at("learnt/guide.json"), `${about} `);
    const other = await ppl("compare", at("line"), at("given"));
    writeFileSync(at("learnt/guide.json"), about);
    expect(other.code).toBe(1);
    expect(other.err).toContain("which are others by now");
  });

  test.each([
    ["a folder that is none", () => [at("line"), at("nowhere")], "is no folder of a run"],
    ["a folder without a run", () => [at("line"), folder], "it has no run.json"],
    ["the same folder", () => [at("line"), at("line")], "each folder is given once"],
    ["other observations", () => [at("line"), at("half")], "observes 40 of y"],
    ["other values", () => [at("line"), at("other")], "observe other values of y"],
    ["data that have changed", () => [at("line"), at("gone")], "gone.json is not as the run in"],
    ["a point", () => [at("line"), at("map")], "map has 1 draw, and leaving observations out takes 25 at least"],
    ["other rows", () => [at("line"), at("flat"), "--rows", "N=1..20"], "took all rows of its data, not N=1..20"],
  ])("%s: a sentence", async (_, folders, message) => {
    const { code, err } = await ppl("compare", ...folders());
    expect(code).toBe(1);
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
  });
});
