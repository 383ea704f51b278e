// Models with data of their own, against the values that their pages state: closed forms, quadrature, long runs of Stan.
import { expect, test } from "vitest";
import { loadModel } from "../src/load.ts";
import { ownModels, readOwn } from "./models.ts";
import { MEAN_LIMIT, RHAT_LIMIT, SD_LIMIT } from "./posteriors/reference.ts";

const SEED = 1;
/** So many that every effective sample size is above 1000: R-hat of fewer passes its limit by chance. */
const DRAWS = 4000;

test("there are models with data of their own, with pages", () => {
  expect(ownModels).toEqual([
    "boiling_point",
    "eight_schools",
    "horse_kicks",
    "lake_huron",
    "moving_dots",
    "nile",
    "o_rings",
    "survival",
    "varying_slopes",
  ]);
});

for (const name of ownModels)
  test(name, async () => {
    const { path, data, expected } = readOwn(name);
    const fit = await (await loadModel(path).bind(data)).run("nuts", { seed: SEED, draws: DRAWS });
    const rows = new Map(fit.summary().map((row) => [row.name, row]));
    expect(expected.length).toBeGreaterThan(1);
    const z = (ours: number, ourError: number, theirs: number, theirError: number): number =>
      (ours - theirs) / Math.sqrt(ourError * ourError + theirError * theirError);
    for (const { name: variable, mean, meanError, sd, sdError } of expected) {
      const row = rows.get(variable);
      if (row === undefined) throw new Error(`the fit has no ${variable}`);
      expect(Math.abs(z(row.mean, row.mcseMean, mean, meanError)), `mean of ${variable}: ${row.mean}, not ${mean}`).toBeLessThan(
        MEAN_LIMIT,
      );
      expect(Math.abs(z(row.sd, row.mcseSd, sd, sdError)), `sd of ${variable}: ${row.sd}, not ${sd}`).toBeLessThan(SD_LIMIT);
      expect(row.rhat, `R-hat of ${variable}`).toBeLessThan(RHAT_LIMIT);
    }
  });
