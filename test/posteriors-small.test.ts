// A few real posteriors against their references at every run of the tests; `npm run test:posteriors` runs them all.
import { expect, test } from "vitest";
import { loadModel } from "../src/load.ts";
import { deviations, distances, readPosterior, referencesAreThere, whereReferencesAre } from "./posteriors/reference.ts";

const few = [
  "eight_schools-eight_schools_noncentered",
  "sblrc-blr",
  "kidiq-kidscore_interaction",
  "nes2000-nes",
  "mesquite-logmesquite_logvas",
];
if (!referencesAreThere) console.log(`${whereReferencesAre} is not there: no posterior is compared with its reference`);

for (const name of few)
  test.runIf(referencesAreThere)(name, async () => {
    const { modelPath, data, options, references } = readPosterior(name);
    const fit = await (await loadModel(modelPath).bind(data)).run("nuts", { ...options, seed: 1 });
    expect(deviations(distances(fit.summary(), references))).toEqual([]);
  });
