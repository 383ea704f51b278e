// Every model of models/posteriordb that has reference draws, at its settings: means, standard deviations, R-hat, names.
import { afterAll, expect, test } from "vitest";
import type { Fit } from "../../src/fit.ts";
import { loadModel } from "../../src/load.ts";
import { type Distance, deviations, distances, posteriorNames, readPosterior, worst } from "./reference.ts";

const SEED = 1;
const table: string[] = [];

for (const name of posteriorNames())
  test(name, async () => {
    const { modelPath, data, options, references } = readPosterior(name);
    const posterior = await loadModel(modelPath).bind(data);
    const fit = await posterior.run("nuts", { ...options, seed: SEED });
    const all = distances(fit.summary(), references);
    table.push(line(name, fit, all));
    expect(deviations(all)).toEqual([]);
  });

afterAll(() => {
  const head = [
    "posterior".padEnd(46),
    "worst z of mean".padEnd(22),
    "worst z of sd".padEnd(22),
    "R-hat  ",
    "  ESS",
    "div",
    "     s",
  ];
  process.stdout.write(`\n${[head.join(" "), ...table].join("\n")}\n\n`);
});

function line(name: string, fit: Fit, all: readonly Distance[]): string {
  const mean = worst(all, (d) => Math.abs(d.mean));
  const sd = worst(all, (d) => Math.abs(d.sd));
  const rhat = worst(all, (d) => d.rhat).rhat;
  const ess = Math.min(...fit.summary().map((row) => row.essBulk));
  return [
    name.padEnd(46),
    `${mean.mean.toFixed(2).padStart(6)} ${mean.name}`.padEnd(22),
    `${sd.sd.toFixed(2).padStart(6)} ${sd.name}`.padEnd(22),
    rhat.toFixed(5),
    ess.toFixed(0).padStart(5),
    String(fit.sampler.divergences).padStart(3),
    fit.provenance.seconds.total.toFixed(2).padStart(6),
  ].join(" ");
}
