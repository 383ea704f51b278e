// Advice about coordinates: the statement where divergences sit or chains are slow, with what to write there; and none where nothing is wrong.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Fit } from "../../src/fit.ts";
import { loadModel } from "../../src/load.ts";
import type { DataObject } from "../../src/model.ts";
import { stream } from "../../src/runtime/numeric/random.ts";
import { readData, readPosterior, referencesAreThere } from "../posteriors/reference.ts";
import { bound } from "./model-under-test.ts";

const models = join(import.meta.dirname, "..", "..", "models", "posteriordb");
const folder = mkdtempSync(join(tmpdir(), "tilde-centering-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const advice = (fit: Fit): string[] => fit.verdicts.filter((v) => v.what === "centering").map((v) => v.advice);
const run = async (text: string, data: DataObject = {}, options: Record<string, unknown> = {}): Promise<Fit> =>
  (await bound(text, data)).run("nuts", { seed: 1, threads: 1, ...options });

const schools = (prefix: string): string => `data J: int
data y: real[J], sigma: positive[J]
mu ~ Normal(0, 5)
tau ~ HalfCauchy(5)
theta: real[J] ~ ${prefix}Normal(mu, tau)
y ~ Normal(theta, sigma)`;
const eight = { J: 8, y: [28, 8, -3, 7, -1, 1, 18, 12], sigma: [15, 10, 16, 11, 9, 11, 10, 18] };
function much(): DataObject {
  const rng = stream(3, "data");
  const sigma = new Array<number>(20).fill(0.2);
  return { J: 20, y: sigma.map((s) => 2 + 1.5 * rng.normal() + s * rng.normal()), sigma };
}

describe("what to write, and where", () => {
  test("noncentered, in the neck of a funnel; kept with the run", async () => {
    const fit = await run(schools(""), eight);
    expect(fit.sampler.divergences).toBeGreaterThan(10);
    expect(advice(fit)).toEqual([
      expect.stringMatching(/^theta, line 5: .* lower than elsewhere.* Write theta: real\[J\] ~ noncentered Normal\(mu, tau\)$/u),
    ]);
    await fit.save(join(folder, "eight"));
    const cli = join(import.meta.dirname, "..", "..", "dist", "cli.js");
    const { stdout } = spawnSync(process.execPath, [cli, "diagnose", join(folder, "eight")], { encoding: "utf8" });
    expect(stdout).toContain("warning: theta, line 5: where transitions diverged");
  });
  test("the level of a hierarchy that it is, and no other", async () => {
    // Districts are known well, schools within them hardly.
    const rng = stream(5, "levels");
    const district = Array.from({ length: 40 }, (_, s) => Math.floor(s / 4) + 1);
    const means = Array.from({ length: 10 }, () => 10 * rng.normal());
    const y = district.map((d) => means[d - 1] + 3 * rng.normal());
    const text = `data D: int, district: int<1, D>[S], y: real[S]
mu ~ Normal(0, 20)
t1 ~ HalfNormal(20)
t2 ~ HalfNormal(5)
a: real[D] ~ Normal(mu, t1)
for s in 1..S { b[s] ~ Normal(a[district[s]], t2) }
y ~ Normal(b, 3)`;
    const fit = await run(text, { D: 10, district, y });
    expect(advice(fit)).toEqual([
      expect.stringMatching(/^b, line 6: .* Write b\[s\] ~ noncentered Normal\(a\[district\[s\]\], t2\)$/u),
    ]);
  });
  test.runIf(referencesAreThere)("a model of many groups", async () => {
    const fit = await radon("centered");
    expect(advice(fit)).toEqual([expect.stringMatching(/^alpha, line 9: .* Write alpha: real\[J\] ~ noncentered Normal/u)]);
    // As good as what is proposed, to its share of the choice.
    const least = (f: Fit) => Math.min(...f.summary().map((r) => Math.min(r.essBulk, r.essTail)));
    expect(least(await radon("centered", { centering: "auto" }))).toBeGreaterThan(0.7 * least(await radon("noncentered")));
  });
  test("centred, where data say what the values are", async () => {
    expect(advice(await run(schools("noncentered "), much()))).toEqual([
      expect.stringMatching(/^theta, line 5: .* the data say what the values are.* Write theta: real\[J\] ~ Normal\(mu, tau\)$/u),
    ]);
  });
});

/** 85 counties, some of one house and some of a hundred. */
const radon = async (form: string, options: Record<string, unknown> = {}): Promise<Fit> =>
  (await loadModel(join(models, `radon_hierarchical_intercept_${form}.ppl`)).bind(readData("radon_mn"))).run("nuts", {
    seed: 1,
    ...options,
  });

describe("nothing, where nothing is wrong", () => {
  test.each([
    ["little data, noncentered", schools("noncentered "), eight, {}],
    ["much data, centred", schools(""), much(), {}],
    ["a choice that was made", schools(""), eight, { centering: "auto" }],
    ["a funnel in its own coordinates", "v ~ Normal(0, 3)\nx: real[9] ~ noncentered Normal(0, exp(v / 2))", {}, {}],
    ["steps too large for something else", "x ~ Exponential(1)\ny: real[5] ~ Normal(x, 1)", {}, { targetAccept: 0.5 }],
  ])("%s", async (_name, text, data, options) => {
    expect(advice(await run(text, data, options))).toEqual([]);
  });

  if (!referencesAreThere) console.log("posteriordb is not there: its posteriors are not looked at");
  const wellBehaved = [
    "eight_schools-eight_schools_noncentered",
    "kidiq-kidscore_interaction",
    "nes2000-nes",
    "mesquite-logmesquite_logvas",
    "gp_pois_regr-gp_pois_regr",
  ];
  for (const name of wellBehaved)
    test.runIf(referencesAreThere)(name, async () => {
      const { modelPath, data, options } = readPosterior(name);
      expect(advice(await (await loadModel(modelPath).bind(data)).run("nuts", { ...options, seed: 1 }))).toEqual([]);
    });
  test.runIf(referencesAreThere)("radon of Minnesota, noncentered", async () => {
    expect(advice(await radon("noncentered"))).toEqual([]);
  });
});
