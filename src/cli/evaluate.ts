// ppl evaluate: a fitted model on data, those it was fitted to or others.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { backendNamed } from "../backends.ts";
import { readDataFile } from "../data-files.ts";
import { readJsonObject } from "../dsl/data/json-object.ts";
import { evaluateFitted, type FittedTarget, fittedTarget, pictures } from "../evaluation.ts";
import { jsonText } from "../inference/report/json.ts";
import type { ThinnedTrace } from "../inference/report/trace.ts";
import { LARGEST_SEED } from "../inference/run.ts";
import { trainingTrace } from "../inference/vi/bound-name.ts";
import { type RowEvaluation, type RowEvaluationOptions, usualRowEvaluation } from "../inference/vi/evaluate-rows.ts";
import { loadModel } from "../load.ts";
import { drawSeed } from "../model.ts";
import { UsageError } from "../runtime/errors.ts";
import { readText, refuseUnwritable, refuseUnwritableFile, writeAtomically } from "../runtime/platform/files.ts";
import { isParameterFile, modelHash, readParameters } from "../saved-parameters.ts";
import { type DataFlags, readAssignments, readData, readInteger } from "./inputs.ts";
import { onInterrupt } from "./interrupt.ts";
import type { ExitCode } from "./main.ts";
import { startProgress } from "./progress.ts";

interface EvaluateFlags extends DataFlags {
  readonly params?: string;
  readonly estimator?: "iwae" | "ais";
  readonly samples?: string;
  readonly chains?: string;
  readonly temperatures?: string;
  readonly leapfrog?: string;
  readonly from?: "guide" | "prior";
  readonly backend: string;
  readonly seed?: string;
  readonly out?: string;
  readonly progress: "auto" | "plain" | "json" | "none";
  readonly pictures?: string;
  readonly image?: string;
  readonly labels?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export async function evaluateCommand(path: string, given: Record<string, unknown>): Promise<ExitCode> {
  // commander gives what the flags of main.ts declare.
  const flags = given as unknown as EvaluateFlags;
  const talk = (text: string) => {
    if (!flags.json && !flags.quiet) process.stdout.write(`${text}\n`);
  };
  const warn = (text: string) => {
    if (!flags.quiet) process.stderr.write(`${text}\n`);
  };
  const seed = readInteger("--seed", flags.seed, 0, LARGEST_SEED) ?? drawSeed();
  const estimate = estimateAsked(flags);
  const image = imageFlag(flags.image);
  if (flags.pictures === undefined && (flags.image !== undefined || flags.labels !== undefined))
    throw new UsageError("--image and --labels say how --pictures are drawn: give --pictures FOLDER too");
  const run = isFolder(path) ? readRun(path) : undefined;
  const model = loadModel(run?.model ?? path);
  const { data, chosen } = await readData(run?.model ?? path, model, flags);
  const set = new Map([...(run?.set ?? []), ...readAssignments(flags.set)]);
  if (flags.pictures !== undefined) refuseUnwritable(flags.pictures);
  if (flags.out !== undefined) refuseUnwritableFile(flags.out);
  const { target } = await model.bindData(data, set);
  for (const note of target.notes) warn(`note: ${note}`);
  // A run that learnt nothing has no file of it.
  const folder = flags.params ?? (run && readdirSync(run.folder).some(isParameterFile) ? run.folder : undefined);
  const saved = folder === undefined ? undefined : await readParameters(folder);
  const fitted = await fittedTarget(target, saved);
  if (saved && saved.modelSha256 !== modelHash(model.sources))
    warn(`note: the text of ${model.name} is another than that whose parameters ${folder} has; their names and shapes agree`);
  const { plate } = fitted;
  const estimator = estimate?.estimator ?? (fitted.family ? "iwae" : "ais");
  if (estimate) refuseOthers(estimate, estimator);
  talk(
    `${model.name}: ${plate.size} rows of ${plate.name}${saved ? `, parameters of ${saved.steps} steps of ${saved.engine}` : ""}, seed ${seed}`,
  );
  // Of another size than the plate's, they are not its rows.
  const rows = chosen?.size === plate.name ? chosen.rows : undefined;
  // First, since they are soon made: what is wrong with them is said before hours of annealing.
  let drawn: PicturesMade | undefined;
  if (flags.pictures !== undefined) {
    const labels = await labelsOf(flags.labels, rows, plate.size);
    const made = await pictures(fitted, { ...image, ...labels, ...(run?.bound ? { bound: run.bound } : {}) }, seed);
    for (const note of made.notes) warn(`note: ${note}`);
    for (const { name, content } of made.files) writeAtomically(join(flags.pictures, name), content);
    talk(`pictures in ${join(flags.pictures, "pictures.html")}`);
    drawn = { folder: flags.pictures, files: made.files.map((f) => f.name), notes: made.notes };
  }
  if (estimate) return runEstimate(fitted, flags, { ...estimate, estimator }, { seed, ...(rows ? { rows } : {}) }, talk, drawn);
  if (flags.json) process.stdout.write(`${jsonText({ seed, pictures: drawn })}\n`);
  return 0;
}

interface PicturesMade {
  readonly folder: string;
  readonly files: readonly string[];
  readonly notes: readonly string[];
}
type EstimateAsked = Partial<Omit<RowEvaluationOptions, "rows">>;

/** Options of the estimate, undefined where pictures alone are asked for. */
function estimateAsked(flags: EvaluateFlags): EstimateAsked | undefined {
  const count = (name: "samples" | "chains" | "temperatures" | "leapfrog") => {
    const value = readInteger(`--${name}`, flags[name], 1, 10_000_000);
    return value === undefined ? {} : { [name]: value };
  };
  const asked = {
    ...(flags.estimator === undefined ? {} : { estimator: flags.estimator }),
    ...count("samples"),
    ...count("chains"),
    ...count("temperatures"),
    ...count("leapfrog"),
    ...(flags.from === undefined ? {} : { from: flags.from }),
  };
  return flags.pictures !== undefined && flags.out === undefined && Object.keys(asked).length === 0 ? undefined : asked;
}

/** An option that the estimator does not know changes nothing: that is a mistake of the pen. */
function refuseOthers(asked: EstimateAsked, estimator: "iwae" | "ais"): void {
  const others = estimator === "iwae" ? (["chains", "temperatures", "leapfrog", "from"] as const) : (["samples"] as const);
  for (const name of others)
    if (asked[name] !== undefined)
      throw new UsageError(`--${name} is of --estimator ${estimator === "iwae" ? "ais" : "iwae"}, and this is ${estimator}`);
}

async function runEstimate(
  fitted: FittedTarget,
  flags: EvaluateFlags,
  options: EstimateAsked & Pick<RowEvaluationOptions, "estimator">,
  { seed, rows }: { readonly seed: number; readonly rows?: Int32Array },
  talk: (text: string) => void,
  drawn: PicturesMade | undefined,
): Promise<ExitCode> {
  const { estimator } = options;
  const { words } = await backendNamed(flags.backend);
  const began = performance.now();
  const interruption = onInterrupt();
  const progress = startProgress(flags.json || flags.quiet ? "none" : flags.progress, 1);
  let found: RowEvaluation;
  try {
    const onProgress = (done: number, total: number) =>
      progress.update({ chain: 1, phase: estimator, done, total, divergences: 0 });
    found = await evaluateFitted(fitted, { ...options, seed, backend: flags.backend, signal: interruption.signal, onProgress });
  } finally {
    progress.stop();
    interruption.done();
  }
  const seconds = (performance.now() - began) / 1000;
  const used = { ...usualRowEvaluation, ...options };
  const reached = found.logLikelihoods.filter((x) => !Number.isNaN(x)).length;
  if (interruption.signal.aborted && reached === 0) {
    process.stderr.write("interrupted before any row was done: there is nothing to tell\n");
    return 130;
  }
  if (flags.json) {
    const summary = { ...summaryOf(found, used, reached, seconds, seed), ...(drawn ? { pictures: drawn } : {}) };
    process.stdout.write(`${jsonText(summary)}\n`);
  }
  const how =
    estimator === "iwae"
      ? `importance weights of ${used.samples} draws of the guide`
      : `annealing from the ${used.from ?? (fitted.family ? "guide" : "prior")}, ${used.chains} chains of ${used.temperatures} temperatures of ${used.leapfrog} steps`;
  talk(
    `by ${how}, on ${words}, in ${seconds.toFixed(1)} s${reached < found.rows.length ? `; interrupted after ${reached} rows` : ""}`,
  );
  talk(
    `log p(x), mean of ${reached} rows: ${found.mean.toFixed(3)} ± ${found.standardError.toPrecision(2)}, of which Monte Carlo ${found.monteCarlo.toPrecision(2)}`,
  );
  if (found.activity) talk(`active units: ${found.activity.active} of ${found.activity.variances.length}`);
  const accepted = found.acceptance?.filter(Number.isFinite) ?? new Float64Array(0);
  if (accepted.length > 0) talk(`mean acceptance ${(accepted.reduce((a, b) => a + b, 0) / accepted.length).toFixed(2)}`);
  if (flags.out !== undefined) {
    writeAtomically(flags.out, rowsText(found, rows));
    talk(`rows in ${flags.out}`);
  }
  return interruption.signal.aborted ? 130 : 0;
}

function summaryOf(found: RowEvaluation, used: RowEvaluationOptions, rows: number, seconds: number, seed: number) {
  const { mean, standardError, monteCarlo, activity, acceptance } = found;
  const { estimator, samples, chains, temperatures, leapfrog } = used;
  return {
    estimator,
    ...(estimator === "iwae" ? { samples } : { chains, temperatures, leapfrog }),
    seed,
    rows,
    mean,
    standard_error: standardError,
    monte_carlo_error: monteCarlo,
    ...(activity ? { active_units: activity.active, activity: activity.variances } : {}),
    ...(acceptance ? { acceptance } : {}),
    seconds,
  };
}

/** Those that were reached, numbered from 1 as they stand in the files. */
function* rowsText({ rows, logLikelihoods, errors }: RowEvaluation, chosen: Int32Array | undefined): Generator<string> {
  yield "row,log_likelihood,monte_carlo_error\n";
  for (let i = 0; i < rows.length; i++)
    if (!Number.isNaN(logLikelihoods[i])) yield `${(chosen ? chosen[rows[i]] : rows[i]) + 1},${logLikelihoods[i]},${errors[i]}\n`;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

interface Run {
  readonly folder: string;
  readonly model: string;
  readonly set: ReadonlyMap<string, number>;
  readonly bound?: ThinnedTrace;
}

/** What run.json says of the model. */
function readRun(folder: string): Run {
  const file = join(folder, "run.json");
  if (!existsSync(file))
    throw new UsageError(
      `${folder} is no folder of a run: it has no run.json. Give the folder that ppl run named last, or MODEL --params ${folder}`,
    );
  const about = readJsonObject(file, readText(file));
  if (!about.has("modelPath"))
    throw new UsageError(`the run in ${folder} does not say where its model is: ppl evaluate MODEL --params ${folder}`);
  const model = about.text("modelPath");
  if (!statSync(model, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(
      `the model of the run in ${folder} was ${model}, which is not there: ppl evaluate MODEL --params ${folder}`,
    );
  const traces = about.object("traces");
  const trained = trainingTrace(traces.names());
  const bound = trained === undefined ? undefined : traces.object(trained);
  return {
    folder,
    model,
    set: new Map(about.object("set").allNumbers()),
    ...(bound ? { bound: { steps: bound.numbers("steps"), values: bound.numbers("values") } } : {}),
  };
}

/** --image [NAME=]HEIGHTxWIDTH */
function imageFlag(text: string | undefined): { readonly site?: string; readonly image?: readonly [number, number] } {
  if (text === undefined) return {};
  const parts = /^(?:([^=]+)=)?(\d+)[x×](\d+)$/.exec(text.trim());
  if (!parts)
    throw new UsageError(`--image takes HEIGHTxWIDTH, or NAME=HEIGHTxWIDTH where several variables are observed, not ${text}`);
  const [, site, height, width] = parts;
  return { image: [Number(height), Number(width)], ...(site === undefined ? {} : { site: site.trim().normalize("NFKC") }) };
}

/** Of the rows that are taken. */
async function labelsOf(
  file: string | undefined,
  rows: Int32Array | undefined,
  count: number,
): Promise<{ readonly labels?: ArrayLike<number> }> {
  if (file === undefined) return {};
  const [labels, ...others] = (await readDataFile(file, { name: "labels" })).values();
  if (!labels || others.length > 0)
    throw new UsageError(`${file} has ${others.length + 1} variables where one is asked for: a number for each row`);
  const taken = rows ? Float64Array.from(rows, (row) => labels.values[row]) : labels.values;
  if (taken.length !== count || taken.some((x) => !Number.isInteger(x)))
    throw new UsageError(
      `${file} has ${labels.values.length} labels, which are not one integer for each of the ${rows ? "rows of the data" : `${count} rows`}`,
    );
  return { labels: taken };
}
