// The models of models/posteriordb: they check without a warning, their settings are settings, the page of the folder says the same; and
// where the data lie beside the repository, every model binds with its data, and its gradient is that of its density.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { posteriors } from "../bench/posteriors.mjs";
import { engines } from "../src/inference/engines/index.ts";
import { resolveOptions } from "../src/inference/options.ts";
import { loadModel } from "../src/load.ts";
import { filesBelow, root } from "./modules.ts";
import { expectGradient } from "./posteriors/gradient.ts";
import { bytesOf, dataOf, indexedModels, referencesAreThere, runOptions, whereReferencesAre } from "./posteriors/reference.ts";

const folder = "models/posteriordb";
const models = filesBelow(folder).flatMap((path) => (path.endsWith(".ppl") ? [basename(path, ".ppl")] : []));
const textOf = (model: string): string => readFileSync(`${root}${folder}/${model}.ppl`, "utf8");
const page = readFileSync(`${root}${folder}/README.md`, "utf8");

test("a line of a model states its settings", () => {
  expect(runOptions("// Schools.\n// run: --target-accept 0.99 --draws 5000\ndata J: int")).toEqual({
    targetAccept: "0.99",
    draws: "5000",
  });
  expect(runOptions("data J: int\n")).toEqual({});
  for (const words of ["--save-warmup", "--draws", "--draws --thin 2", "draws 5", "--draws=5"])
    expect(() => runOptions(`// run: ${words}\n`), words).toThrow("// run:");
});

test.each(models)("%s", (model) => {
  // Notes say that flat priors, as posteriordb has them, are improper.
  expect(loadModel(`${root}${folder}/${model}.ppl`).diagnostics.filter((d) => d.severity !== "note")).toEqual([]);
  const nuts = engines.get("nuts");
  if (!nuts) throw new Error("there is no engine nuts");
  expect(() => resolveOptions(nuts, runOptions(textOf(model)))).not.toThrow();
});

if (!referencesAreThere) console.log(`${whereReferencesAre} is not there: no model is bound`);
/** Larger data are the slow suite's. */
const BYTES = 50_000;

test.runIf(referencesAreThere)("every model of posteriordb is there, and every one that is there has data", () => {
  expect(indexedModels().filter((model) => !models.includes(model))).toEqual([]);
  expect(models.filter((model) => dataOf(model).length === 0)).toEqual([]);
});
for (const model of models)
  test.runIf(referencesAreThere).each(dataOf(model).filter((set) => bytesOf(set) < BYTES))(
    `${model} binds with %s, and its gradient is that of its density`,
    async (set) => expectGradient(`${root}${folder}/${model}.ppl`, set, 2),
  );

test("the page has every model, with its settings", () => {
  const rows = [...page.matchAll(/^\| ([\w, ]+) \| [\w, ]+ \| .* \| (default|`--[^`]*`)/gm)].flatMap(([, names, settings]) =>
    names
      .split(", ")
      .map((name) => [name, runOptions(`// run: ${settings.replaceAll("`", "").replace("default", "")}`)] as const),
  );
  const stated = new Map(rows);
  // The benchmark's own have no settings of a comparison.
  const [, others] = page.split("Without reference draws");
  for (const model of models.filter((name) => !stated.has(name))) expect(others, model).toMatch(new RegExp(`\\b${model}\\b`));
  for (const [model, settings] of stated) expect([model, runOptions(textOf(model))]).toEqual([model, settings]);
  expect(stated.size).toBeGreaterThan(20);
});

test("the benchmark's posteriors are of models that are there", () => {
  expect(posteriors.filter((p) => !p.own && !models.includes(p.model))).toEqual([]);
});
