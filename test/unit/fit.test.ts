// The public API from a model's text to files on disk: starting values, what a fit says of itself, what is saved and what is not left behind.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Fit } from "../../src/fit.ts";
import { finishFit } from "../../src/fit.ts";
import { nuts } from "../../src/inference/engines/nuts.ts";
import { readChainCsv } from "../../src/inference/report/read-csv.ts";
import { runEngine } from "../../src/inference/run.ts";
import { bound } from "./model-under-test.ts";

const folder = mkdtempSync(join(tmpdir(), "tilde-fit-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TEXT = `data J: int
mu ~ Normal(0, 5)
tau: positive ~ Normal(0, 5)
theta: real[J] ~ Normal(mu, tau)`;
const short = { seed: 1, warmup: 30, draws: 20, threads: 1 };

describe("starting values", () => {
  test("that do not fit the latents are refused in words", async () => {
    const posterior = await bound(TEXT, { J: 4 });
    const wrong: [Record<string, number | readonly number[] | readonly (readonly number[])[]>, string][] = [
      [{ nu: 1 }, "nu is no latent of the model; it has mu, tau, theta"],
      [{ theta: [1, 2, 3] }, "the starting value of theta has shape [3], but theta has shape [4]"],
      [{ theta: [1, 2, 3, 4, 5] }, "the starting value of theta has shape [5], but theta has shape [4]"],
      [{ mu: [1, 2] }, "the starting value of mu has shape [2], but mu has a single value"],
      [
        {
          theta: [
            [1, 2],
            [3, 4],
          ],
        },
        "the starting value of theta has shape [2, 2], but theta has shape [4]",
      ],
      [{ tau: -1 }, "the starting value of tau, -1, is outside its support, or on the border of it"],
    ];
    for (const [start, message] of wrong) {
      expect(() => posterior.unconstrain(start)).toThrow(message);
      await expect(posterior.run("nuts", { ...short, start })).rejects.toThrow(message);
    }
  });

  test("of some latents leave the others at random, chain by chain, where the density is finite", async () => {
    const posterior = await bound(TEXT, { J: 2 });
    const still = { seed: 1, chains: 3, warmup: 0, draws: 1, stepSize: 1e-12, threads: 1 };
    const fit = await posterior.run("nuts", { ...still, start: { mu: 3, tau: 2 } });
    for (const mu of fit.draws("mu").values) expect(Math.abs(mu - 3)).toBeLessThan(1e-6);
    for (const tau of fit.draws("tau").values) expect(Math.abs(tau - 2)).toBeLessThan(1e-6);
    const theta = [...fit.draws("theta").values];
    expect(new Set(theta).size).toBe(6);
    for (const value of theta) expect(Math.abs(value)).toBeLessThanOrEqual(2 + 1e-6);
    const again = await posterior.run("nuts", { ...still, start: { mu: 3, tau: 2 } });
    expect([...again.draws("theta").values]).toEqual(theta);
    // Half of the places are impossible; twenty chains would not all start at possible ones at the first try.
    const half = await bound("a ~ Normal(0, 1)\nb ~ Normal(0, 1)\nfactor(b > 0 ? 0 : -1 / 0)");
    expect((await half.run("nuts", { ...still, chains: 20, start: { a: 0 } })).allDraws.chains).toBe(20);
    await expect(half.run("nuts", { ...still, chains: 3, start: [{ a: 0 }] })).rejects.toThrow(
      "there are 1 starts for 3 chains: give one for each, or one object for all",
    );
  });
});

describe("a fit", () => {
  test("of an optimum has a value for each name, its evaluations, and no claim to be draws", async () => {
    const fit = await (await bound(TEXT.replace("~ Normal(mu", "~ noncentered Normal(mu"), { J: 2 })).run("map", { seed: 1 });
    expect(fit.table().split("\n")[0].trim()).toBe("value");
    expect(fit.toJSON().logDensityEvaluations).toBeGreaterThan(4);
    expect([fit.isPoint, fit.provenance.chains]).toEqual([true, 1]);
    const one = await (await bound("a ~ Normal(0, 1)")).run("nuts", { ...short, draws: 1 });
    expect([one.isPoint, one.table().split("\n")[0].includes("mean")]).toEqual([false, true]);
    expect(one.verdicts.map(({ what }) => what)).toEqual(["draws"]);
  });

  test("says how long compiling took, and with what it ran", async () => {
    const { provenance } = await (await bound("a ~ Normal(0, 1)")).run("nuts", { ...short, chains: 2 });
    expect(Object.keys(provenance.seconds)).toEqual(["compile", "warmup", "sampling", "total"]);
    expect(provenance.seconds.compile).toBeGreaterThan(0);
    expect(provenance).toMatchObject({ engine: "nuts", seed: 1, chains: 2, options: { warmup: 30, draws: 20 } });
  });

  test("says in which term divergences began, where one was not finite", async () => {
    const wall = await bound("a ~ Normal(0, 1)\nfactor(a > 0 ? 0 : -1 / 0)\nb ~ Normal(0, 1)");
    const fit = await wall.run("nuts", { ...short, draws: 200, warmup: 200, chains: 2 });
    const [divergences] = fit.verdicts.filter(({ what }) => what === "divergences");
    expect(divergences.advice).toMatch(
      /Of 8 looked at, the trajectory left the support or overflowed in the term of factor[^,]* \(8\)\./,
    );
    // Too large a step, and every term finite: nothing to name.
    const steps = await bound("a ~ Normal(0, 1)");
    const jumps = await steps.run("nuts", { ...short, warmup: 0, stepSize: 100, chains: 2 });
    expect(jumps.sampler.divergences).toBeGreaterThan(0);
    expect(jumps.verdicts[0].advice).not.toContain("looked at");
  });

  test("of a flat density says so, and blames no term", async () => {
    const flat = await bound("a ~ Flat()");
    await expect(flat.run("nuts", short)).rejects.toThrow(/posterior is improper$/);
  });
});

describe("saving", () => {
  const rowsOf = (file: string) =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => /^-?\d/.test(line));

  test("replaces the chains of an earlier run, and leaves what is not ours", async () => {
    const posterior = await bound("a ~ Normal(0, 1)");
    const out = join(folder, "twice");
    await (await posterior.run("nuts", { ...short, chains: 4 })).save(out);
    writeFileSync(join(out, "notes.txt"), "mine");
    await (await posterior.run("nuts", { ...short, chains: 2, draws: 5 })).save(out);
    expect(readdirSync(out).sort()).toEqual(["chain-1.csv", "chain-2.csv", "notes.txt", "run.json", "summary.json"]);
    for (const name of ["chain-1.csv", "chain-2.csv"]) expect(rowsOf(join(out, name))).toHaveLength(5);
    // What is printed is what is saved.
    const fit = await posterior.run("nuts", short);
    await fit.save(out);
    expect(JSON.parse(readFileSync(join(out, "summary.json"), "utf8"))).toEqual(JSON.parse(JSON.stringify(fit)));
  });

  /** As Ctrl-C leaves chains: `lengths` draws of each. */
  async function interrupted(lengths: readonly number[]): Promise<Fit> {
    const { target } = await bound("a ~ Normal(0, 1)\nquantity b = 2 * a");
    const options = { warmup: 30, draws: 20, saveWarmup: true };
    const outcome = await runEngine(target, nuts, options, { seed: 1, chains: lengths.length, workers: "never" });
    const cut = (columns: Readonly<Record<string, Float64Array>>, to: number) =>
      Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values.slice(0, to)]));
    const chains = outcome.chains.map((chain, c) => ({
      ...chain,
      draws: lengths[c],
      positions: chain.positions.slice(0, lengths[c]),
      stats: cut(chain.stats, lengths[c]),
      // Interrupted while it warmed up, where it has drawn nothing.
      warmup: chain.warmup &&
        lengths[c] === 0 && { draws: 7, positions: chain.warmup.positions.slice(0, 7), stats: cut(chain.warmup.stats, 7) },
      ...(lengths[c] > 0 ? { warmup: chain.warmup } : {}),
    }));
    const provenance = { engine: "nuts", options, seed: 1, chains: lengths.length, seconds: {} };
    // The parts that were cut are not false.
    return finishFit(target, provenance, { ...outcome, chains: chains as typeof outcome.chains, interrupted: true });
  }

  test("keeps every draw of chains that were interrupted at different lengths, each with its own warm-up", async () => {
    const fit = await interrupted([0, 20, 1, 15]);
    expect([fit.allDraws.chains, fit.allDraws.drawsPerChain, fit.exitCode]).toEqual([2, 15, 130]);
    const out = join(folder, "cut");
    await fit.save(out);
    expect(readdirSync(out).sort()).toEqual(["chain-2.csv", "chain-3.csv", "chain-4.csv", "run.json", "summary.json"]);
    const whole = await interrupted([20, 20, 20, 20]);
    await whole.save(join(folder, "whole"));
    for (const [chain, draws] of [
      [2, 20],
      [3, 1],
      [4, 15],
    ]) {
      const name = `chain-${chain}.csv`;
      expect(rowsOf(join(out, name))).toEqual(rowsOf(join(folder, "whole", name)).slice(0, 30 + draws));
      expect(readChainCsv(name, readFileSync(join(out, name), "utf8")).draws).toBe(draws);
    }
  });

  test("of a run in which nothing was drawn has no chains", async () => {
    const fit = await interrupted([0, 0]);
    await fit.save(join(folder, "none"));
    expect(readdirSync(join(folder, "none")).sort()).toEqual(["run.json", "summary.json"]);
  });
});

describe("what a program without types gives", () => {
  test("is refused in a sentence", async () => {
    const text = "data y: real[N]\nparam a: real = 0\nm ~ Normal(a, 1)\ny ~ Normal(m, 1)";
    const p = await bound(text, { y: [1, 2] });
    const expected = "what was learnt is a fit, the folder of one, or an object of values by name, not ";
    for (const given of [null, 3, [1], true]) {
      const words = expected + (Array.isArray(given) ? "an array" : String(given));
      await expect(p.fix(given as never)).rejects.toThrow(words);
      await expect(p.run("meanfield", { resume: given as never })).rejects.toThrow(words);
    }
  });
  test("chains of an engine that runs none are", async () => {
    const p = await bound(TEXT, { J: 2 });
    await expect(p.run("laplace", { chains: 2 })).rejects.toThrow("--chains 2: laplace runs no chains");
    const y = [0.5, 1];
    const guided = await bound(
      "data y: real[N]\nparam a: real = 0\nfor n in 1..N { z[n] ~ Normal(0, 1)\n y[n] ~ Normal(z[n], 1) }\nguide { for n in 1..N { z[n] ~ Normal(a, 1) } }",
      { y },
    );
    await expect(guided.run("vi-hmc", { chains: 2, steps: 2 })).rejects.toThrow("vi-hmc runs a chain for each row");
    const short = { seed: 1, steps: 20, warmup: 20, draws: 10, threads: 1 };
    expect((await (await bound(TEXT, { J: 2 })).run("vi-hmc", { ...short, chains: 3 })).chains.length).toBe(3);
  });
  test("draws of a fit that has none", async () => {
    const p = await bound("data y: real[N]\nparam a: real = 0\ny ~ Normal(a, 1)", { y: [1, 2] });
    const fit = await p.run("mle", { seed: 1 });
    expect(() => fit.draws("a")).toThrow(/^there are no draws of a, nor of anything else in this fit$/);
  });
});
