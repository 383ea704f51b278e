// The command line on results that are no chains: tables, files, verdicts, exit codes, interruption. Runs the built code, as users do.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { curve, thinned } from "../../src/inference/report/trace.ts";

const cli = join(import.meta.dirname, "..", "..", "dist", "cli.js");
const folder = mkdtempSync(join(tmpdir(), "tilde-fits-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
function ppl(...args: string[]): { code: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: "utf8" });
  return { code: run.status, out: run.stdout, err: run.stderr };
}
const read = (...path: string[]): string => readFileSync(join(folder, ...path), "utf8");

const y = [1.2, 0.7, -0.4, 2.2, 1.9];
const model = file("means.ppl", "data y: real[N]\nmu ~ Normal(0, 2)\ns ~ Normal(mu, 2)\ny ~ Normal(mu + s, 1)\n");
file("means.data.json", JSON.stringify({ y }));
const quiet = ["--seed", "1", "--progress", "none"];

describe("a fit", () => {
  test("has a table without columns of chains, its curve, the evidence, and says how good it is", () => {
    const { code, out, err } = ppl("run", model, "--engine", "fullrank", ...quiet, "--out", "fit");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^ +mean +sd +mcse +5% +50% +95%$/m);
    expect(out).not.toMatch(/nan|rhat|ess_bulk/);
    expect(out).toMatch(/^elbo over \d+ steps: [▁▂▃▄▅▆▇█]{50}$/m);
    expect(out).toMatch(/^1000 draws; fitted in \d+\.\d\d s, drawn in \d+\.\d\d s$/m);
    expect(out).toMatch(/^log evidence -\d+\.\d{3} ± [\d.e-]+$/m);
    expect(out).toMatch(/^elbo -\d+\.\d+, elbo_se /m);
    expect(out).toContain("Pareto k-hat is at most 0.5");
  });
  test("leaves a thinned curve in run.json, figures in summary.json, Stan's columns in its one file", () => {
    const { traces, verdicts } = JSON.parse(read("fit", "run.json"));
    expect(traces.elbo.steps.length).toBe(traces.elbo.values.length);
    expect(traces.elbo.steps.length).toBeLessThanOrEqual(1000);
    expect(verdicts).toMatchObject([{ what: "k-hat", level: "pass" }]);
    const summary = JSON.parse(read("fit", "summary.json"));
    expect(summary).toMatchObject({ engine: "fullrank", chains: 1, draws: 1000, evidence: { se: expect.any(Number) } });
    expect(Object.keys(summary.variables.mu)).toEqual("mean sd mcse_mean mcse_sd q5 q50 q95".split(" "));
    expect(readdirSync(join(folder, "fit")).filter((name) => name.endsWith(".csv"))).toEqual(["chain-1.csv"]);
    expect(read("fit", "chain-1.csv")).toContain("\nlp__,log_p__,log_g__,mu,s\n");
  });
  test("is diagnosed by the verdict it was saved with", () => {
    const { code, out } = ppl("diagnose", "fit");
    expect([code, out]).toEqual([0, "the approximation covers the posterior: Pareto k-hat is at most 0.5\n"]);
    expect(ppl("summary", "fit").code).toBe(0);
  });
  test("that does not cover the posterior exits with 2, and so does its diagnosis", () => {
    const path = file("narrow.ppl", "x: real[2] ~ MultiNormal(zeros(2), [[1, 0.999], [0.999, 1]])\n");
    const { code, err } = ppl("run", path, "--engine", "meanfield", ...quiet, "--out", "narrow");
    expect(code).toBe(2);
    expect(err).toMatch(
      /^not to be trusted: Pareto k-hat is \d\.\d\d, above 0\.67: the approximation does not cover the posterior/,
    );
    const again = ppl("diagnose", "narrow");
    expect(again.code).toBe(2);
    expect(again.out).toContain("does not cover the posterior");
  });
  test.each([
    ["laplace", "laplace_evidence"],
    ["pathfinder", "lp_approx__"],
    ["importance", "effective_draws"],
    ["ais", "log_weight__"],
    ["smc", "temperatures"],
  ])("%s runs from the command line", (engine, word) => {
    const { code, out, err } = ppl("run", model, "--engine", engine, ...quiet, "--out", engine);
    expect(code, err).not.toBe(1);
    expect(`${out}${read(engine, "chain-1.csv")}`).toContain(word);
    expect(out).toMatch(/^mu /m);
    expect(JSON.parse(read(engine, "summary.json")).figures.effective_draws).toBeGreaterThan(10);
  });
  test("switches that are on can be turned off", () => {
    const { code } = ppl("run", model, "--engine", "pathfinder", "--no-resample", ...quiet, "--out", "whole");
    expect(code).toBe(0);
    expect(JSON.parse(read("whole", "run.json")).options.resample).toBe(false);
  });
});

describe("what is learnt", () => {
  const learnt = file("learnt.ppl", "data y: real[N]\nparam s: positive = 2\nmu ~ Normal(0, s)\ny ~ Normal(mu, 1)\n");
  file("learnt.data.json", JSON.stringify({ y }));
  test("stands below the table, and in summary.json; auto says why it took the engine", () => {
    const { code, out } = ppl("run", learnt, ...quiet, "--out", "learnt");
    expect(code).toBe(0);
    expect(out).toContain("engine meanfield (auto: there is something to learn beside the latents, and no guide), seed 1");
    expect(out).toMatch(/^ +learnt\ns +1\.0\d+$/m);
    expect(JSON.parse(read("learnt", "summary.json")).parameters.s).toBeCloseTo(1.03, 1);
  });
  test("an impossible start names the statement, with params too", () => {
    const path = file("impossible.ppl", "data y: real[N]\nparam s: positive\nm ~ Normal(0, 1)\ny ~ Normal(m, m - 1000 - s)\n");
    const values = file("impossible.json", JSON.stringify({ y }));
    for (const engine of ["meanfield", "map"]) {
      const { code, err } = ppl("run", path, "--data", values, "--engine", engine, ...quiet, "--no-save");
      expect(code).toBe(1);
      expect(err).toContain("the log density is not finite at any of 100 random starting points");
      expect(err).not.toContain("fault of Tilde");
    }
  });
});

test("Ctrl-C keeps the fit so far", async () => {
  const args = [
    cli,
    "run",
    model,
    "--engine",
    "meanfield",
    "--steps",
    "10000000",
    "--patience",
    "0",
    "--out",
    "stopped",
    "--progress",
    "json",
  ];
  const child = spawn(process.execPath, args, { cwd: folder });
  let sent = false;
  child.stderr.on("data", (text: Buffer) => {
    if (sent || !text.toString().includes('"bound"')) return;
    sent = true;
    child.kill("SIGINT");
  });
  expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(130);
  expect(JSON.parse(read("stopped", "run.json")).status).toBe("interrupted");
  expect(Math.abs(JSON.parse(read("stopped", "summary.json")).variables.mu.mean)).toBeLessThan(3);
});

describe("curves", () => {
  test("are thinned to a thousand points, the last one among them", () => {
    const trace = Float64Array.from({ length: 2500 }, (_, i) => i);
    const { steps, values } = thinned(trace);
    expect(steps.length).toBeLessThanOrEqual(1000);
    expect([steps.at(-1), values.at(-1)]).toEqual([2500, 2499]);
    expect(values.every((v, i) => v === steps[i] - 1)).toBe(true);
    expect(thinned(trace.slice(0, 3)).steps).toEqual([1, 2, 3]);
    expect(thinned(new Float64Array(0)).steps).toEqual([]);
  });
  test("rise from left to right, and do not drown in their first steps", () => {
    const rising = Float64Array.from({ length: 800 }, (_, i) => i);
    expect(curve(rising, 8)).toBe("▁▁▁▂▄▅▇█");
    const steep = Float64Array.from({ length: 1000 }, (_, i) => (i < 10 ? -1e9 : i / 100));
    expect(curve(steep, 10)).toMatch(/^▁.*█$/);
    expect(new Set(curve(steep, 10)).size).toBeGreaterThan(5);
    expect(curve(new Float64Array(0))).toBe("");
    expect(curve(Float64Array.of(1, Number.NaN, 2, 3), 4)).toMatch(/^. ..$/);
  });
});
