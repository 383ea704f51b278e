// ppl simulate: a model read forwards, prior predictive draws or data sets to fit.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readDataFile } from "../data-files.ts";
import type { DataValue } from "../dsl/data/value.ts";
import { renderDiagnostic } from "../dsl/render-diagnostic.ts";
import { chainCsv } from "../inference/report/csv.ts";
import { jsonText, variablesJson } from "../inference/report/json.ts";
import { LARGEST_SEED } from "../inference/run.ts";
import { loadModel } from "../load.ts";
import { drawSeed } from "../model.ts";
import { UsageError } from "../runtime/errors.ts";
import { refuseUnwritable, refuseUnwritableFile, writeAtomically, writeFolder } from "../runtime/platform/files.ts";
import { packageVersion } from "../runtime/platform/version.ts";
import { dataText, type Simulation } from "../simulation.ts";
import { type DataFlags, readAssignments, readData, readInteger } from "./inputs.ts";
import { onInterrupt } from "./interrupt.ts";
import { type ExitCode, USUAL_DRAWS } from "./main.ts";
import { startProgress } from "./progress.ts";
import { startValuesOf } from "./start-values.ts";

interface SimulateFlags extends DataFlags {
  readonly size?: readonly string[];
  readonly latents?: string;
  readonly params?: string;
  readonly sampleParams?: boolean;
  readonly draws?: string;
  readonly seed?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly all?: boolean;
  readonly progress: "auto" | "plain" | "json" | "none";
}
export async function simulateCommand(path: string, given: Record<string, unknown>): Promise<ExitCode> {
  // commander gives what the flags of main.ts declare.
  const flags = given as unknown as SimulateFlags;
  const talk = (text: string) => {
    if (!flags.json && !flags.quiet) process.stdout.write(`${text}\n`);
  };
  const warn = (text: string) => {
    if (!flags.quiet) process.stderr.write(`${text}\n`);
  };
  const seed = readInteger("--seed", flags.seed, 0, LARGEST_SEED) ?? drawSeed();
  const file = flags.out !== undefined && /\.json$/i.test(flags.out) ? flags.out : undefined;
  const draws = readInteger("--draws", flags.draws, 1, 10_000_000) ?? (file === undefined ? USUAL_DRAWS : 1);
  if (file !== undefined && draws > 1)
    throw new UsageError(`${file} takes one data set: give a folder, --out FOLDER, for ${draws} draws, or leave --draws out`);
  if (file !== undefined) refuseUnwritableFile(file);
  else if (flags.out !== undefined) {
    refuseUnwritable(flags.out);
    if (existsSync(join(flags.out, "run.json")))
      throw new UsageError(`${flags.out} is the folder of a run, whose draws these would replace: give another one`);
  }
  if (flags.params !== undefined && flags.sampleParams)
    throw new UsageError("--params gives params their values, and --sample-params draws them: give one of the two");
  const model = flags.sampleParams ? loadModel(path).withSampledParams() : loadModel(path);
  for (const d of model.diagnostics) warn(renderDiagnostic(d, model.sources));
  const { data } = await readData(path, model, flags);
  const sizes = [...readAssignments(flags.size, "--size")];
  for (const [name] of sizes) if (data.has(name)) throw new UsageError(`--size ${name}: the data have ${name} already`);
  const all = new Map<string, DataValue>(data);
  for (const [name, n] of sizes)
    all.set(name, { shape: [], values: Float64Array.of(n), ...(Number.isInteger(n) ? {} : { firstReal: 0 }) });
  const interruption = onInterrupt();
  const progress = startProgress(flags.json || flags.quiet ? "none" : flags.progress, 1);
  let made: Simulation;
  try {
    made = await model.simulateData(all, {
      draws,
      seed,
      set: Object.fromEntries(readAssignments(flags.set)),
      ...(flags.latents === undefined ? {} : { latents: startValuesOf(await readDataFile(flags.latents)) }),
      ...(flags.params === undefined ? {} : { params: flags.params }),
      signal: interruption.signal,
      onProgress: (done, total) => progress.update({ chain: 1, phase: "simulation", done, total, divergences: 0 }),
    });
  } finally {
    progress.stop();
    interruption.done();
  }
  for (const note of made.notes) warn(`note: ${note}`);
  if (made.draws.drawsPerChain === 0) {
    process.stderr.write("interrupted before any draw was made: there is nothing to tell\n");
    return 130;
  }
  report(made, flags, talk);
  if (file !== undefined) talk(`data in ${writeData(file, made)}`);
  else if (flags.out !== undefined) talk(`draws and data in ${writeAll(flags.out, made)}`);
  return interruption.signal.aborted ? 130 : 0;
}

function report(made: Simulation, flags: SimulateFlags, talk: (text: string) => void): void {
  const { drawsPerChain: draws } = made.draws;
  if (flags.json)
    process.stdout.write(
      `${jsonText({ draws, seed: made.seed, ...(made.again > 0 ? { drawn_again: made.again } : {}), variables: variablesJson(made.summary(), false) })}\n`,
    );
  talk(`${made.model}: ${draws} ${draws === 1 ? "draw" : "draws"} of the model read forwards, seed ${made.seed}`);
  if (draws > 1) talk(`\n${made.table(flags.all ? Number.POSITIVE_INFINITY : undefined)}\n`);
}

/** The data set, and beside it the latents that it was made with. */
function writeData(file: string, made: Simulation): string {
  const truth = file.replace(/\.json$/i, ".latents.json");
  writeAtomically(file, dataText(made.data()));
  writeAtomically(truth, dataText(made.latents()));
  return `${file}, made with ${truth}`;
}

/** All draws as a table, and each as a data set. */
function writeAll(folder: string, made: Simulation): string {
  const { drawsPerChain: count } = made.draws;
  const chain = {
    chain: 1,
    dimension: 0,
    draws: count,
    positions: new Float64Array(0),
    stats: {},
    seconds: { warmup: 0, sampling: 0 },
    evaluations: 0,
    interrupted: false,
    divergences: [],
  };
  const facts = {
    model: made.model,
    engine: "simulate",
    chain: 1,
    seed: made.seed,
    options: { draws: count },
    version: packageVersion(),
  };
  const sets = Array.from({ length: count }, (_, i) => [
    { name: `data-${i + 1}.json`, content: dataText(made.data(i)) },
    { name: `latents-${i + 1}.json`, content: dataText(made.latents(i)) },
  ]);
  const isOurs = (name: string) => /^(chain-\d+\.csv|(data|latents)-\d+\.json)$/.test(name);
  writeFolder(folder, [{ name: "chain-1.csv", content: chainCsv(chain, 0, made.draws, facts) }, ...sets.flat()], isOurs);
  return join(folder, `data-1.json${count > 1 ? ` … data-${count}.json` : ""}`);
}
