// Compares the ways to learn a diagonal metric, from draws, from gradients too, or from both in turn, on the posteriors of posteriordb
// that have a model here: node bench/metrics.mjs [SEEDS] [NAME…]. Needs the built code, and ../shared/data/posteriordb beside the repository.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const root = join(fileURLToPath(import.meta.url), "..", "..");
const shared = join(root, "..", "shared", "data", "posteriordb");
if (!existsSync(shared)) {
  console.log(`no data at ${shared}: nothing to measure`);
  process.exit(0);
}
const { loadModel } = await import(join(root, "dist/load.js"));
const index = JSON.parse(readFileSync(join(shared, "index.json"), "utf8"));
const references = JSON.parse(readFileSync(join(shared, "references.json"), "utf8"));
const [seeds = "3", ...names] = process.argv.slice(2);
const methods = {
  draws: { metricFrom: "draws" },
  gradients: { metricFrom: "gradients" },
  both: { metricFrom: "both" },
};
const ratios = {};

console.log(
  "posterior                                     dim  metric     divergent  max rhat  worst z  min ess  ess/1000 evals  evaluations (warm-up share)",
);
for (const { posterior: name, model, data } of index) {
  if (names.length > 0 && !names.some((part) => name.includes(part))) continue;
  const file = join(root, "models/posteriordb", `${model}.ppl`);
  const dataFile = join(shared, "data", `${data}.json.gz`);
  if (!existsSync(file) || !existsSync(dataFile)) continue;
  const efficiency = {};
  for (const [method, options] of Object.entries(methods)) {
    const found = { divergences: 0, rhat: 0, z: 0, ess: 0, evaluations: 0, sampling: 0, runs: 0 };
    let dimension = 0;
    try {
      const posterior = await loadModel(file).bind(JSON.parse(gunzipSync(readFileSync(dataFile)).toString()));
      dimension = posterior.dimension;
      for (let seed = 1; seed <= Number(seeds); seed++) {
        const fit = await posterior.run("nuts", { seed, ...options });
        const rows = fit.summary();
        found.runs++;
        found.divergences += fit.sampler.divergences;
        found.rhat = Math.max(found.rhat, ...rows.map((row) => row.rhat));
        found.ess += Math.min(...rows.map((row) => Math.min(row.essBulk, row.essTail)));
        found.evaluations += fit.chains.reduce((sum, chain) => sum + chain.evaluations, 0);
        found.sampling += fit.chains.reduce((sum, chain) => sum + chain.stats.n_leapfrog.reduce((a, b) => a + b, 0), 0);
        const reference = references[name] ?? {};
        for (const row of rows) {
          const known = reference[row.name];
          if (known === undefined) continue;
          const error = Math.sqrt(row.mcseMean ** 2 + known.sd ** 2 / known.draws);
          found.z = Math.max(found.z, Math.abs(row.mean - known.mean) / error);
        }
      }
    } catch (error) {
      console.log(`${name}: ${String(error.message).split("\n")[0]}`);
      break;
    }
    efficiency[method] = { total: found.ess / found.evaluations, sampling: found.ess / found.sampling };
    const cells = [
      name.padEnd(44),
      String(dimension).padStart(5),
      ` ${method.padEnd(14)}`,
      String(found.divergences).padStart(8),
      found.rhat.toFixed(3).padStart(9),
      found.z.toFixed(1).padStart(8),
      (found.ess / found.runs).toFixed(0).padStart(8),
      ((1000 * found.ess) / found.evaluations).toFixed(2).padStart(14),
      `${String(Math.round(found.evaluations / found.runs)).padStart(14)} (${(1 - found.sampling / found.evaluations).toFixed(2)})`,
    ];
    console.log(cells.join(" "));
  }
  if (Object.keys(efficiency).length === Object.keys(methods).length)
    for (const [method, { total, sampling }] of Object.entries(efficiency)) {
      ratios[`${method}, per evaluation`] = [...(ratios[`${method}, per evaluation`] ?? []), total / efficiency.draws.total];
      ratios[`${method}, after warm-up`] = [...(ratios[`${method}, after warm-up`] ?? []), sampling / efficiency.draws.sampling];
    }
}
console.log("least effective draws per evaluation, as multiples of those of draws");
for (const [what, values] of Object.entries(ratios)) {
  const sorted = [...values].sort((a, b) => a - b);
  const mean = Math.exp(sorted.reduce((sum, ratio) => sum + Math.log(ratio), 0) / sorted.length);
  const [least, median, most] = [sorted[0], sorted[sorted.length >> 1], sorted[sorted.length - 1]].map((ratio) =>
    ratio.toFixed(2),
  );
  console.log(`${what}: geometric mean ${mean.toFixed(2)}, least ${least}, median ${median}, most ${most}, of ${sorted.length}`);
}
