// Summaries, tables, JSON and Stan's CSV: what a user reads, and what other programs read.
import { describe, expect, test } from "vitest";
import { adviseOnDraws } from "../../src/inference/diagnostics/advice.ts";
import { samplerReport } from "../../src/inference/diagnostics/sampler.ts";
import { nuts } from "../../src/inference/engines/nuts.ts";
import { resolveOptions } from "../../src/inference/options.ts";
import { chainCsv, columnNames } from "../../src/inference/report/csv.ts";
import { diagnoseText } from "../../src/inference/report/diagnose.ts";
import { finishDraws } from "../../src/inference/report/finish.ts";
import { jsonText, summaryJson } from "../../src/inference/report/json.ts";
import { decimalsFor, exactNumber, parseNumber, roundedNumber } from "../../src/inference/report/number.ts";
import { drawsOfTables, readChainCsv } from "../../src/inference/report/read-csv.ts";
import { largestRectangle } from "../../src/inference/report/rectangle.ts";
import { stanLayout } from "../../src/inference/report/stan-layout.ts";
import { elementName, type SummaryRow, summarize } from "../../src/inference/report/summary.ts";
import { alignTable, summaryTable } from "../../src/inference/report/text.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import type { Rng } from "../../src/runtime/numeric/rng.ts";
import type { Column, Target } from "../../src/runtime/target.ts";
import { chainOf, normals, runChain } from "../laws/engines-densities.ts";

const columns: readonly Column[] = [
  { name: "mu", shape: [], role: "latent", integer: false },
  { name: "m", shape: [2, 3], role: "latent", integer: false },
  { name: "part", shape: [3], defined: [0, 2], role: "quantity", integer: false },
];
/** q has two numbers; m[i,j] = 10 i + j plus the second; part[2] does not exist; the last draw of `part` is random. */
const target: Pick<Target, "finisher"> = {
  finisher: async (rng: Rng) => ({
    columns,
    width: 10,
    finish(q, out) {
      out.set([q[0], 11 + q[1], 12 + q[1], 13 + q[1], 21 + q[1], 22 + q[1], 23 + q[1], q[0], Number.NaN, rng.uniform()]);
    },
    dispose() {},
  }),
};
const density = normals([1, 0], [2, 1e-3]);
const options = { warmup: 100, draws: 60, saveWarmup: true };
const chains = [1, 2, 3].map((chain) => chainOf(runChain(nuts, density, options, { chain })));
const finish = (part: "draws" | "warmup" = "draws", of = chains) => finishDraws(target as Target, of, { seed: 1, part });

describe("draws", () => {
  test("are finished column by column, chain after chain", async () => {
    const draws = await finish();
    expect([draws.chains, draws.drawsPerChain]).toEqual([3, 60]);
    for (let c = 0; c < 3; c++)
      for (const d of [0, 59]) {
        expect(draws.values.mu[60 * c + d]).toBe(chains[c].positions[2 * d]);
        expect(draws.values.m[6 * (60 * c + d) + 5]).toBe(23 + chains[c].positions[2 * d + 1]);
        expect(draws.stats.lp[60 * c + d]).toBe(chains[c].stats.lp[d]);
      }
  });
  test("of one chain do not depend on the others", async () => {
    const alone = await finish("draws", [chains[1]]);
    const all = await finish();
    expect(alone.values.part).toEqual(all.values.part.slice(180, 360));
    // What is random differs from chain to chain.
    expect(all.values.part[2]).not.toBe(all.values.part[182]);
  });
  test("of interrupted chains are as many as one length for all leaves", async () => {
    const cut = { ...chains[0], draws: 40, positions: chains[0].positions.slice(0, 80) };
    const none = { ...chains[2], draws: 0, positions: new Float64Array(0) };
    const draws = await finish("draws", [cut, chains[1], none]);
    expect([draws.chains, draws.drawsPerChain, draws.values.mu.length]).toEqual([2, 40, 80]);
    // One that has barely begun does not take the others' draws with it.
    expect(largestRectangle([1000, 1, 0, 990])).toEqual({ kept: [0, 3], length: 990 });
    expect(largestRectangle([10, 5])).toEqual({ kept: [0, 1], length: 5 });
    expect(largestRectangle([10, 4])).toEqual({ kept: [0], length: 10 });
    expect(largestRectangle([0, 0])).toEqual({ kept: [], length: 0 });
    const nothing = await finish("draws", [none]);
    expect([nothing.chains, nothing.drawsPerChain, nothing.columns.length]).toEqual([0, 0, 3]);
  });
});

describe("the summary", () => {
  test("has a row for each element that exists, in order", async () => {
    const rows = summarize(await finish());
    expect(rows.map(({ name }) => name)).toEqual("mu m[1,1] m[1,2] m[1,3] m[2,1] m[2,2] m[2,3] part[1] part[3]".split(" "));
    expect(Math.abs(rows[0].mean - 1)).toBeLessThan(4 * rows[0].mcseMean);
    expect(Math.round(rows[5].q50)).toBe(22);
  });
  test("as JSON has the names of the design, and null for what is not a number", async () => {
    const rows = summarize(await finish("draws", [chains[0]]));
    const facts = { engine: "nuts", chains: 1, draws: 60, divergences: 0, logDensityEvaluations: 10, seconds: { warmup: 0.25 } };
    const text = jsonText(summaryJson(facts, rows));
    const read = JSON.parse(text);
    expect(Object.keys(read)).toEqual([...Object.keys(facts), "variables"]);
    expect(Object.keys(read.variables.mu)).toEqual("mean sd mcse_mean mcse_sd q5 q50 q95 ess_bulk ess_tail rhat".split(" "));
    expect(read.variables.mu.rhat).toBeNull();
    expect(read.variables.mu.mean).toBe(rows[0].mean);
    expect(text.split("\n").length).toBe(6 + 2 + rows.length + 2);
    expect(JSON.parse(jsonText({ a: [1, [2, { b: "x\n" }]], c: [], d: {}, e: true, f: Float64Array.of(1, 2) }))).toEqual({
      a: [1, [2, { b: "x\n" }]],
      c: [],
      d: {},
      e: true,
      f: [1, 2],
    });
  });
  test("as a table shows as many digits as its errors support", () => {
    const row = (name: string, mean: number, mcse: number): SummaryRow => ({
      name,
      mean,
      sd: 3.3,
      mcseMean: mcse,
      mcseSd: 0.05,
      q5: -1.04,
      q50: mean,
      q95: 9.81234,
      essBulk: 2900.7,
      essTail: 2300.2,
      rhat: 1.00049,
    });
    expect(summaryTable([row("mu", 4.41234, 0.063), row("θ[1]", -123456.7, 33)])).toBe(
      [
        "         mean     sd   mcse      5%      50%    95%  ess_bulk  ess_tail   rhat",
        "mu      4.412  3.300  0.063  -1.040    4.412  9.812      2900      2300  1.000",
        "θ[1]  -123457      3     33      -1  -123457     10      2900      2300  1.000",
      ].join("\n"),
    );
    const many = Array.from({ length: 45 }, (_, i) => row(`x[${i + 1}]`, i, 0.1));
    expect(summaryTable(many).split("\n").slice(-1)).toEqual(["… 5 more rows (--all shows them; summary.json has them)"]);
    expect(summaryTable(many, Number.POSITIVE_INFINITY).split("\n").length).toBe(46);
  });
  test("in Stan's layout has its lines", async () => {
    const text = stanLayout(await finish(), { model: "m_model", warmup: 100, thin: 1, seconds: chains.map((c) => c.seconds) });
    const lines = text.split("\n");
    expect(lines[0]).toBe("Inference for Stan model: m_model");
    expect(lines[1]).toBe("3 chains: each with iter=60; warmup=100; thin=1; 60 iterations saved.");
    expect(lines[6].trim().split(/\s+/)).toEqual("Mean MCSE StdDev MAD 5% 50% 95% ESS_bulk ESS_tail R_hat".split(" "));
    expect(text).toContain("\nlp__ ");
    expect(text).toContain("\nm[2,1] ");
  });
});

describe("Stan's CSV", () => {
  const facts = { model: "m_model", engine: "nuts", chain: 2, seed: 1, options: resolveOptions(nuts, options), version: "0.1.0" };
  const write = async (warmup = false) =>
    [...chainCsv(chains[1], 1, await finish(), facts, warmup ? await finish("warmup") : undefined)].join("");

  test("names columns with the first index fastest", () => {
    expect(columnNames(["lp", "energy"], columns)).toEqual(
      "lp__ energy__ mu m.1.1 m.2.1 m.1.2 m.2.2 m.1.3 m.2.3 part.1 part.3".split(" "),
    );
  });
  test("has Stan's order of things", async () => {
    const lines = (await write()).split("\n");
    expect(lines[0]).toBe("# stan_version_major = 2");
    const header = lines.findIndex((line) => line.startsWith("lp__,"));
    expect(lines[header]).toBe(
      "lp__,accept_stat__,stepsize__,treedepth__,n_leapfrog__,divergent__,energy__,mu,m.1.1,m.2.1,m.1.2,m.2.2,m.1.3,m.2.3,part.1,part.3",
    );
    expect(lines[header + 1]).toBe("# Adaptation terminated");
    expect(lines[header + 2]).toMatch(/^# Step size = \d/);
    expect(lines[header + 3]).toBe("# Diagonal elements of inverse mass matrix:");
    expect(lines[header + 4].split(", ").length).toBe(2);
    expect(lines.slice(-6)[1]).toMatch(/^# {2}Elapsed Time: \d+\.\d{3} seconds \(Warm-up\)$/);
    expect((await write(true)).split("\n").length).toBe(lines.length + 100);
  });
  test("reads back to the same numbers, warm-up left out", async () => {
    const draws = await finish();
    for (const warmup of [false, true]) {
      const table = readChainCsv("chain-2.csv", await write(warmup));
      expect([table.draws, table.settings.seed, table.settings.max_depth, table.settings.delta]).toEqual([60, "1", "10", "0.8"]);
      expect(table.stepSize).toBe(chains[1].adaptation?.stepSize);
      const back = drawsOfTables([{ name: "chain-2.csv", table }]);
      expect(back.values.mu).toEqual(draws.values.mu.slice(60, 120));
      expect(back.values.m).toEqual(draws.values.m.slice(6 * 60, 6 * 120));
      expect(back.columns.map(({ name, shape, defined }) => [name, shape, defined])).toEqual([
        ["mu", [], undefined],
        ["m", [2, 3], undefined],
        ["part", [3], [0, 2]],
      ]);
      expect(back.stats.energy).toEqual(draws.stats.energy.slice(60, 120));
    }
  });
  test("of CmdStan itself is read", () => {
    const table = readChainCsv(
      "output.csv",
      `# model = bernoulli_model
# method = sample (Default)
#     num_warmup = 1000 (Default)
lp__,accept_stat__,theta.1,theta.2
-9,1,nan,9
# Adaptation terminated
# Step size = 0.884484
# Diagonal elements of inverse mass matrix:
# 0.535006
-6.84097,0.974135,-inf,0.198853
-6.85,1e-3,Inf,+inf
# 
#  Elapsed Time: 0.007 seconds (Warm-up)
#                0.017 seconds (Sampling)
#                0.024 seconds (Total)
# 
`,
    );
    expect([table.draws, table.stepSize, table.seconds]).toEqual([2, 0.884484, { warmup: 0.007, sampling: 0.017 }]);
    expect(table.settings).toEqual({ model: "bernoulli_model", method: "sample", num_warmup: "1000" });
    const draws = drawsOfTables([
      { name: "output.csv", table },
      { name: "output_2.csv", table },
    ]);
    expect([...draws.values.theta]).toEqual([
      Number.NEGATIVE_INFINITY,
      0.198853,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      0.198853,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
  });
  test("that is broken is told with file and line", () => {
    const message = (text: string) => {
      try {
        readChainCsv("x.csv", text);
      } catch (error) {
        return (error as Error).message;
      }
      return "read";
    };
    expect(message("a,b\n1,2\n3\n")).toBe("x.csv, line 3: 1 values, but the header has 2 columns; is the file cut off?");
    expect(message("a,b\n1,two\n")).toBe('x.csv, line 2: "two" is not a number (column b)');
    expect(message("# nothing\n")).toBe("x.csv has no header of column names");
    const one = readChainCsv("a.csv", "a\n1\n");
    const other = readChainCsv("b.csv", "b\n1\n");
    expect(() =>
      drawsOfTables([
        { name: "a.csv", table: one },
        { name: "b.csv", table: other },
      ]),
    ).toThrow("b.csv has other columns than a.csv: they are not chains of one run");
  });
  test("whose header makes no sense is refused before room is made for it", () => {
    const read = (header: string, rows = "1,2\n") =>
      drawsOfTables([{ name: "x.csv", table: readChainCsv("x.csv", `${header}\n${rows}`) }]);
    expect(() => read("theta.1,theta.999999999999")).toThrow("theta would have 999999999999 elements, of which 2 are there");
    expect(() => read("theta,theta.1")).toThrow("theta has columns with different numbers of indices");
    expect(() => read("theta.1,theta.1")).toThrow("two columns are named theta.1");
    const long = { name: "long.csv", table: readChainCsv("long.csv", "a\n1\n2\n3\n") };
    const short = { name: "short.csv", table: readChainCsv("short.csv", "a\n") };
    expect([...drawsOfTables([short, long]).values.a]).toEqual([1, 2, 3]);
    expect(() => read("a,b", "")).toThrow("x.csv holds no draws after warm-up");
    // Not indices: a name of its own.
    expect(read("theta.0,theta[1]").columns.map(({ name, shape }) => [name, shape])).toEqual([
      ["theta.0", []],
      ["theta", [1]],
    ]);
  });
  test("with more columns than a call has room for arguments is read and shown", () => {
    const n = 150_000;
    const names = Array.from({ length: n }, (_, i) => `x.${i + 1}`).join();
    const row = `${"1,".repeat(n - 1)}1\n`;
    const { columns, values } = drawsOfTables([{ name: "wide.csv", table: readChainCsv("wide.csv", `${names}\n${row}`) }]);
    expect([columns[0].shape, values.x.length]).toEqual([[n], n]);
    expect(alignTable(Array.from({ length: n }, () => ["a", "1"])).length).toBe(5 * n - 1);
  });
  test("of a unit metric says so, as CmdStan does", async () => {
    const chain = chainOf(runChain(nuts, density, { ...options, metric: "unit" }));
    const facts = { model: "m", engine: "nuts", chain: 1, seed: 1, options: {}, version: "0" };
    const text = [...chainCsv(chain, 0, await finish("draws", [chain]), facts)].join("");
    expect(text).toMatch(/# Step size = .*\n# No free parameters for unit metric\n-?\d/);
  });
});

test("numbers as text", () => {
  const rng = stream(1, "numbers");
  for (let i = 0; i < 1000; i++) {
    const x = rng.normal() / rng.normal();
    expect(parseNumber(exactNumber(x))).toBe(x);
  }
  expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(exactNumber)).toEqual(["nan", "inf", "-inf"]);
  expect(["NaN", "-Infinity", "+inf", "", "x", "1e3 "].map(parseNumber)).toEqual([
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    undefined,
    undefined,
    1000,
  ]);
  expect([0.063, 0.0999, 12, 5e-9, 0].map((error) => decimalsFor(error, 6))).toEqual([3, 2, 0, 6, 6]);
  expect([roundedNumber(-0.0001, 2), roundedNumber(1e9, 2), roundedNumber(1e-7, 6), roundedNumber(0, 2)]).toEqual([
    "0.00",
    "1.000e+9",
    "1.000e-7",
    "0.00",
  ]);
  expect(elementName({ name: "m", shape: [2, 3] }, 5)).toBe("m[2,3]");
  expect(
    alignTable([
      ["", "a"],
      ["θ̂", "12"],
    ]),
  ).toBe("    a\nθ̂  12");
});

describe("advice", () => {
  const row = { name: "mu", mean: 1, essBulk: 900, essTail: 900, rhat: 1.001 };
  const fine = { transitions: 4000, divergences: 0, saturated: 0, ebfmi: [1, 1, 1, 1] };
  const fit = { chains: 4, drawsPerChain: 1000, rows: [row], sampler: fine, maxDepth: 10, targetAccept: 0.8 };
  const levels = (more: object) => adviseOnDraws({ ...fit, ...more }).map(({ what, level }) => `${what}: ${level}`);

  test("says nothing when nothing is wrong", () => expect(adviseOnDraws(fit)).toEqual([]));
  test("has the limits of the design", () => {
    expect(levels({ rows: [{ ...row, rhat: 1.02 }] })).toEqual(["R-hat: warn"]);
    expect(levels({ rows: [{ ...row, rhat: 1.06 }] })).toEqual(["R-hat: fail"]);
    expect(levels({ rows: [{ ...row, rhat: Number.POSITIVE_INFINITY }] })).toEqual(["R-hat: fail"]);
    expect(levels({ rows: [{ ...row, essTail: 399 }] })).toEqual(["ESS: warn"]);
    expect(levels({ sampler: { ...fine, divergences: 1 } })).toEqual(["divergences: warn"]);
    expect(levels({ sampler: { ...fine, divergences: 40 } })).toEqual(["divergences: fail"]);
    expect(levels({ sampler: { ...fine, saturated: 3 } })).toEqual(["tree depth: warn"]);
    expect(levels({ sampler: { ...fine, ebfmi: [1, 0.2, 1, 0.29] } })).toEqual(["E-BFMI: warn"]);
    expect(levels({ chains: 1, rows: [{ ...row, rhat: Number.NaN }] })).toEqual(["R-hat: warn"]);
    // No diagnostics are not good ones.
    expect(levels({ drawsPerChain: 3, rows: [{ ...row, essBulk: NaN, essTail: NaN, rhat: NaN }] })).toEqual(["draws: warn"]);
    for (const mean of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(levels({ rows: [{ ...row, mean }] })).toEqual(["not finite: warn"]);
  });
  test("names what is worst, and what to try", () => {
    const rows = Array.from({ length: 8 }, (_, i) => ({ ...row, name: `theta[${i + 1}]`, rhat: 1.1 + i / 100 }));
    expect(adviseOnDraws({ ...fit, rows })[0].advice).toContain(
      "R-hat exceeds 1.01 for theta[8], theta[7], theta[6], theta[5], theta[4] and 3 more, largest 1.17 (theta[8])",
    );
    const [divergent] = adviseOnDraws({ ...fit, sampler: { ...fine, divergences: 12 } });
    expect(divergent.advice).toContain("12 of 4000 transitions (0.30 %) diverged");
    expect(divergent.advice).toContain("--target-accept 0.95");
    const [energy] = adviseOnDraws({ ...fit, sampler: { ...fine, ebfmi: [1, 0.2, 1, 0.29] } });
    expect(energy.advice).toContain("E-BFMI is 0.20 (below 0.3) in chains 2, 4");
  });
  test("in Stan's words", async () => {
    const rows = summarize(await finish());
    const sampler = samplerReport(chains, 10);
    expect(sampler.transitions).toBe(180);
    const bad = { ...sampler, transitions: 4000, divergences: 11, saturated: 18, ebfmi: [0.06, 1, 1] };
    const { text, hasProblems } = diagnoseText({ sampler: bad, rows, chains: 3, maxDepth: 10 });
    expect(hasProblems).toBe(true);
    expect(text).toContain("18 of 4000 (0.45%) transitions hit the maximum treedepth limit of 10, or 2^10 leapfrog steps.");
    expect(text).toContain("11 of 4000 (0.28%) transitions ended with a divergence.");
    expect(text).toContain("chain 1: E-BFMI = 0.06");
    const unknown = rows.map((one) => ({ ...one, rhat: NaN, essBulk: NaN, essTail: NaN }));
    const silent = diagnoseText({ sampler: { ...fine, transitions: 4000 }, rows: unknown, chains: 3, maxDepth: 10 });
    expect([silent.hasProblems, /satisfactory for all parameters/.test(silent.text)]).toEqual([true, false]);
    const good = rows.map((one) => ({ ...one, rhat: 1, essBulk: 1000, essTail: 1000 }));
    const clean = diagnoseText({ sampler: { ...fine, transitions: 4000 }, rows: good, chains: 3, maxDepth: 10 });
    expect(clean).toEqual({
      hasProblems: false,
      text: `Checking sampler transitions treedepth.
Treedepth satisfactory for all transitions.

Checking sampler transitions for divergences.
No divergent transitions found.

Checking E-BFMI - sampler transitions HMC potential energy.
E-BFMI satisfactory.

Rank-normalized split effective sample size satisfactory for all parameters.

Rank-normalized split R-hat values satisfactory for all parameters.

Processing complete, no problems detected.`,
    });
  });
});
