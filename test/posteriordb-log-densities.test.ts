// The log density of the models of posteriordb against that of posteriordb's own Stan programs, up to a constant, at points drawn at random.
// test/posteriors/stan-log-densities.json has what Stan computes. With rstan installed and STAN_PROGRAMS the folder of these programs (of
// github.com/stan-dev/posteriordb, posterior_database/models/stan; arrays in the notation of the version of Stan that is installed), this test
// computes it anew, writes the file and prints the table; STAN_ONLY names a few models, whose entries alone are written:
//   STAN_PROGRAMS=../stan STAN_ONLY=arK,blr npx vitest run test/posteriordb-log-densities.test.ts
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { stanLogDensities, stanVersion } from "../bench/stan-densities.mjs";
import { parseModel } from "../src/dsl/language/parser.ts";
import { loadModel } from "../src/load.ts";
import { modelOf } from "../src/model.ts";
import type { Target } from "../src/runtime/target.ts";
import { filesBelow, root } from "./modules.ts";
import { type Around, disagreement, type Point, points, SPREAD } from "./posteriors/log-density.ts";
import { bytesOf, dataOf, readData, referencesAreThere, whereReferencesAre } from "./posteriors/reference.ts";

const golden = `${root}test/posteriors/stan-log-densities.json`;
interface Golden {
  readonly source: string;
  readonly stan: string;
  readonly models: Readonly<Record<string, Entry>>;
}
interface Entry {
  readonly data: string;
  /** Of the unconstrained coordinates. */
  readonly spread: number;
  /** Of the constrained values, point by point. */
  readonly sums: readonly number[];
  readonly logDensities: readonly number[];
}

/** What is compared of a differential equation is its solution, not how far either side is from it: Stan's programs are given these tolerances too. */
const EXACT = { rtol: 1e-11, atol: 1e-11, steps: 1_000_000 };
const SET: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  lotka_volterra: EXACT,
  sir: EXACT,
  soil_incubation: EXACT,
};
const AROUND: Readonly<Record<string, Around>> = {
  // Where the equations make sense, and where p, of which Stan's program takes the logarithm, is not 0 or 1.
  sir: { spread: 0.5, centre: { beta: [0.7], gamma: [0.2], xi: [10], delta: [0.3] } },
  lotka_volterra: { spread: 0.5, centre: { theta: [0.5, 0.03, 0.8, 0.03], z_init: [30, 5], sigma: [0.3, 0.3] } },
  soil_incubation: { spread: 1, centre: { k1: [0.03], k2: [0.01], alpha21: [0.3], alpha12: [0.3], gamma: [0.5], sigma: [2] } },
  dogs_log: { centre: { beta: [-0.5, 0.5] } },
  // Farther out the factor of a matrix of 30 rows has diagonal elements down to 1e-8, which Stan computes as the root of 1 less a sum of squares.
  kronecker_gp: { spread: 0.25 },
  // Latents that the Stan program declares standardised, and how it calls them.
  Mh_model: { standardised: { eps: "eps_raw" } },
  Mtbh_model: { standardised: { eps: "eps_raw" } },
  Mth_model: { standardised: { eps: "eps_raw" } },
  eight_schools_noncentered: { standardised: { theta: "theta_trans" } },
  gp_pois_regr: { standardised: { f: "f_tilde" } },
  radon_hierarchical_intercept_noncentered: { standardised: { alpha: "alpha_raw" } },
  radon_partially_pooled_noncentered: { standardised: { alpha: "alpha_raw" } },
  radon_variable_intercept_noncentered: { standardised: { alpha: "alpha_raw" } },
  radon_variable_intercept_slope_noncentered: { standardised: { alpha: "alpha_raw", beta: "beta_raw" } },
  radon_variable_slope_noncentered: { standardised: { beta: "beta_raw" } },
};
/** Of the magnitude of what is summed. Rounding is some 10⁻¹⁵ to 10⁻¹³ of it on both sides. More is for Stan's bernoulli_logit: where an observation's log
 *  probability is below -20 it is off by up to exp(-20), a part in 10¹⁰ of its own term. */
const TOLERANCE = 1e-10;

const models = filesBelow("models/posteriordb").flatMap((path) => (path.endsWith(".ppl") ? [basename(path, ".ppl")] : []));
const smallest = (model: string): string => [...dataOf(model)].sort((a, b) => bytesOf(a) - bytesOf(b))[0];
const pathOf = (model: string): string => `${root}models/posteriordb/${model}.ppl`;
const bound = async (model: string, data: string): Promise<Target> =>
  (await loadModel(pathOf(model)).bind(readData(data), { set: SET[model] })).target;
const stored: Golden | undefined = existsSync(golden) ? JSON.parse(readFileSync(golden, "utf8")) : undefined;

const programs = process.env.STAN_PROGRAMS;
if (programs) {
  const program = (model: string): string => `${programs}/${model}.stan`;
  const only = process.env.STAN_ONLY?.split(",");
  const there = models.filter((model) => existsSync(program(model)) && (only?.includes(model) ?? true));
  test("Stan's log densities", { timeout: 7_200_000 }, async () => {
    const entries: Record<string, Entry> = { ...stored?.models };
    const rows = ["model | data | spread | Stan's log density | disagreement"];
    for (const model of there) {
      const data = smallest(model);
      const { at, spread } = await nearPoints(await bound(model, data), model);
      const [values, ours] = [at.map((p) => p.values), at.map((p) => p.logDensity)];
      try {
        const logDensities = stanLogDensities(model, readFileSync(program(model), "utf8"), readData(data), values);
        entries[model] = { data, spread, sums: at.map((p) => p.sum), logDensities };
        const [least, greatest] = [Math.min(...logDensities), Math.max(...logDensities)].map((x) => x.toPrecision(4));
        rows.push(
          `${model} | ${data} | ${spread} | ${least} to ${greatest} | ${disagreement(ours, logDensities).toExponential(1)}`,
        );
      } catch (e) {
        rows.push(`${model} | ${e}`);
      }
    }
    const all: Golden = {
      source: "Stan programs of github.com/stan-dev/posteriordb, posterior_database/models/stan",
      stan: stanVersion(),
      models: Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1))),
    };
    writeFileSync(golden, `${JSON.stringify(all, undefined, 1)}\n`);
    console.log(rows.join("\n"));
    expect(rows.length).toBe(there.length + 1);
  });
}

/** Half as far out, up to four times, until no density is a thousand times another: at such points all but one term would be lost in rounding. */
async function nearPoints(target: Target, model: string): Promise<{ readonly at: readonly Point[]; readonly spread: number }> {
  for (let spread = AROUND[model]?.spread ?? SPREAD; ; spread /= 2) {
    const at = await points(target, model, { ...AROUND[model], spread });
    const sizes = at.map((p) => Math.abs(p.logDensity));
    if (spread <= SPREAD / 16 || Math.max(...sizes) < 1000 * Math.max(1, Math.min(...sizes))) return { at, spread };
  }
}

if (!programs) {
  const entries = stored?.models ?? {};
  if (!referencesAreThere) console.log(`${whereReferencesAre} is not there: no log density is compared with Stan's`);

  test("a hundred models have log densities of Stan", () => {
    expect(Object.keys(entries).filter((model) => !models.includes(model))).toEqual([]);
    expect(Object.keys(entries).length).toBeGreaterThan(100);
  });

  test.runIf(referencesAreThere).each(Object.entries(entries))("%s", async (model, { data, spread, sums, logDensities }) => {
    const at = await points(await bound(model, data), model, { ...AROUND[model], spread });
    // Other coordinates are other points: then Stan's side has to be computed anew.
    at.forEach(({ sum }, i) =>
      expect(Math.abs(sum - sums[i]), `point ${i + 1}`).toBeLessThan(TOLERANCE * Math.max(1, Math.abs(sum))),
    );
    const ours = at.map((p) => p.logDensity);
    expect(disagreement(ours, logDensities)).toBeLessThan(TOLERANCE);
  });

  // What the comparison is for: a prior a little wider or shifted, an index off by one, other weights of a first state.
  test.runIf(referencesAreThere).each([
    ["eight_schools_noncentered", "mu ~ Normal(0, 5)", "mu ~ Normal(0, 5.001)"],
    ["kidscore_momhs", "HalfCauchy(2.5)", "HalfCauchy(2.6)"],
    ["arma11", "y[t-1] - nu[t-1]", "y[t] - nu[t-1]"],
    ["hmm_example", "ones(K) / K", "[0.5001, 0.4999]"],
    ["irt_2pl", "LogNormal(0, sigma_a)", "LogNormal(0.001, sigma_a)"],
  ])("a fault in %s is seen: %s made %s", async (model, right, wrong) => {
    const { data, spread, logDensities } = entries[model];
    const text = readFileSync(pathOf(model), "utf8");
    expect(text).toContain(right);
    const source = { name: model, text: text.replace(right, wrong) };
    const { target } = await modelOf(model, [source], parseModel(source, 0)).bind(readData(data));
    const ours = (await points(target, model, { ...AROUND[model], spread })).map((p) => p.logDensity);
    expect(disagreement(ours, logDensities)).toBeGreaterThan(10 * TOLERANCE);
  });
}
