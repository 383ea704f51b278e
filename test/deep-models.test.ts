// The models of models/ with params or networks and data of their own: they learn, and what they learnt is saved, fixed and pictured.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fittedTarget, pictures } from "../src/evaluation.ts";
import { loadModel } from "../src/load.ts";
import type { DataObject, Posterior } from "../src/model.ts";
import { learntModels } from "./models.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "deep-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string): string => fileURLToPath(new URL(`../models/${name}`, import.meta.url));
function bound(name: string): Promise<Posterior> {
  const data: DataObject = JSON.parse(readFileSync(path(`${name}.data.json`), "utf8"));
  return loadModel(path(`${name}.ppl`)).bind(data);
}
const mean = (values: Float64Array): number => values.reduce((s, v) => s + v, 0) / values.length;

test("each has a page with its commands", () => {
  expect(learntModels).toEqual(["dlgm", "vae"]);
  for (const name of learntModels) expect(readFileSync(path(`${name}.md`), "utf8")).toContain(`npx ppl run models/${name}.ppl`);
});

test("vae: better than independent pixels after 800 steps; saved, read again on other rows, pictured", async () => {
  const posterior = await bound("vae");
  const fit = await posterior.run("amortized", { seed: 1, steps: 800, rate: 0.005, judged: 0, draws: 100 });
  const { elbo } = fit.traces;
  // Independent pixels with their own frequencies: Σ p log p + (1 - p) log (1 - p) = -29.89 a row.
  expect(mean(elbo.subarray(700)) / 300).toBeGreaterThan(-28);
  const saved = join(folder, "vae");
  await fit.save(saved);
  const data: { x: number[][] } = JSON.parse(readFileSync(path("vae.data.json"), "utf8"));
  const others = await loadModel(path("vae.ppl")).bind({ x: data.x.slice(100, 180) });
  const fitted = await fittedTarget(others.target, saved);
  expect(fitted.plate).toMatchObject({ name: "N", size: 80 });
  const made = await pictures(fitted, {}, 1);
  expect(made.notes).toEqual([]);
  expect(made.files.map((f) => f.name)).toEqual(["reconstructions.png", "latents.svg", "prior-samples.png", "pictures.html"]);
  const wider = await loadModel(path("vae.ppl")).bind(data, { set: { H: 20 } });
  await expect(fittedTarget(wider.target, saved)).rejects.toThrow("dec.1.weight has shape [2, 32] there and shape [2, 20] here");
});

test("dlgm: params are learnt beside mean field, then the latents are sampled given them", async () => {
  const posterior = await bound("dlgm");
  const fit = await posterior.run("meanfield", { seed: 1, steps: 600, draws: 100 });
  const { elbo } = fit.traces;
  expect(mean(elbo.subarray(elbo.length - 100))).toBeGreaterThan(mean(elbo.subarray(0, 100)) + 500);
  expect(fit.parameters.σ.values[0]).toBeLessThan(0.3);
  const fixed = await posterior.fix(fit);
  expect(fixed.target.parameters).toEqual([]);
  const sampled = await fixed.run("nuts", { seed: 1, chains: 1, warmup: 60, draws: 20 });
  expect(sampled.draws("z").shape).toEqual([1, 20, 120, 2]);
  await expect(posterior.run("nuts", {})).rejects.toThrow(/W, b, V, c, σ are params, to be learnt and not sampled: fix them/);
});
