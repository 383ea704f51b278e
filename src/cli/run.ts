// ppl run
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { chooseBackend } from "../backends.ts";
import { readDataFile } from "../data-files.ts";
import { renderDiagnostic } from "../dsl/render-diagnostic.ts";
import type { Fit } from "../fit.ts";
import type { Verdict } from "../inference/engine.ts";
import { type Chosen, checkEngineName, chooseEngine } from "../inference/engines/choose.ts";
import { engines } from "../inference/engines/index.ts";
import { flagOf } from "../inference/options.ts";
import { jsonText } from "../inference/report/json.ts";
import { curve } from "../inference/report/trace.ts";
import { DEFAULT_CHAINS, LARGEST_SEED, MOST_CHAINS, MOST_THREADS } from "../inference/run.ts";
import { trainingTrace } from "../inference/vi/bound-name.ts";
import { loadModel } from "../load.ts";
import { drawSeed, type Model, type Posterior, type StartValues } from "../model.ts";
import { UsageError } from "../runtime/errors.ts";
import { refuseUnwritable } from "../runtime/platform/files.ts";
import type { DiscreteOutput } from "../runtime/target.ts";
import { type RunFacts, saveFit } from "../save.ts";
import { modelHash, readParameters, type SavedParameters } from "../saved-parameters.ts";
import { type DataFlags, type DataGiven, hashFile, readAssignments, readData, readInteger, rowsFlag } from "./inputs.ts";
import { onInterrupt } from "./interrupt.ts";
import type { ExitCode } from "./main.ts";
import { startProgress } from "./progress.ts";
import { startValuesOf } from "./start-values.ts";

interface RunFlags extends DataFlags {
  readonly params?: string;
  readonly resume?: string;
  readonly sampleParams?: boolean;
  readonly engine: string;
  readonly chains?: string;
  readonly seed?: string;
  readonly backend: string;
  readonly discrete: DiscreteOutput;
  readonly threads?: string;
  readonly out?: string;
  readonly save: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly all?: boolean;
  readonly progress: "auto" | "plain" | "json" | "none";
  readonly [engineOption: string]: unknown;
}
export async function runCommand(path: string, given: Record<string, unknown>): Promise<ExitCode> {
  // commander gives what the flags of main.ts declare.
  const flags = given as unknown as RunFlags;
  const started = new Date();
  const talk = (text: string) => {
    if (!flags.json && !flags.quiet) process.stdout.write(`${text}\n`);
  };
  const warn = (text: string) => {
    if (!flags.quiet) process.stderr.write(`${text}\n`);
  };
  const seed = readInteger("--seed", flags.seed, 0, LARGEST_SEED) ?? drawSeed();
  checkEngineName(flags.engine);
  const chains = readInteger("--chains", flags.chains, 1, MOST_CHAINS);
  const threads = readInteger("--threads", flags.threads, 1, MOST_THREADS);
  const options = Object.fromEntries(
    Object.entries(flags).filter(([name, value]) => isEngineOption(name) && value !== undefined),
  );

  if (flags.params !== undefined && flags.resume !== undefined)
    throw new UsageError("--params fixes what was learnt, --resume goes on learning: give one of them");
  const loaded = loadModel(path);
  const model = flags.sampleParams ? loaded.withSampledParams() : loaded;
  const read = await readData(path, model, flags);
  const { data } = read;
  // Before what may take hours: what is run on may change meanwhile, and a place that takes no files is better known now.
  const saving = flags.save ? prepareSaving(model.name, path, read, flags, started) : undefined;
  for (const d of model.diagnostics) if (!flags.quiet) process.stderr.write(`${renderDiagnostic(d, model.sources)}\n\n`);
  const bound = await model.bindData(data, readAssignments(flags.set));
  const posterior = flags.params === undefined ? bound : await fixed(bound, flags.params, warn);
  for (const note of posterior.target.notes) warn(`note: ${note}`);

  const { engine, reason } = chooseEngine(flags.engine, posterior.target);
  const shownChains = engine.unit === "chain" || engine.ownChains ? (chains ?? DEFAULT_CHAINS) : 1;
  const { words } = await chooseBackend(flags.backend, engine, posterior.target);
  talk(
    settings(model.name, posterior, { engine, ...(reason === undefined ? {} : { reason }) }, shownChains, seed, options, words),
  );
  const interruption = onInterrupt();
  const progress = startProgress(
    flags.json || flags.quiet ? (flags.progress === "json" ? "json" : "none") : flags.progress,
    shownChains,
  );
  let fit: Fit;
  try {
    const start = await startValues(options.init);
    const before = flags.resume === undefined ? undefined : await readParameters(flags.resume);
    if (before && isOtherText(model, before)) warn(`note: ${otherText(model, before)}`);
    fit = await posterior.run(engine.name, {
      ...options,
      ...(chains === undefined ? {} : { chains }),
      seed,
      threads,
      backend: flags.backend,
      discrete: flags.discrete,
      signal: interruption.signal,
      onProgress: progress.update,
      ...(start ? { start } : {}),
      ...(before ? { resume: before } : {}),
    });
  } catch (e) {
    // Stopped before there was anything to keep.
    if (!(interruption.signal.aborted && e instanceof UsageError)) throw e;
    process.stderr.write(`${e.message}\n`);
    return 130;
  } finally {
    progress.stop();
    interruption.done();
  }
  report(fit, flags, talk);
  if (saving) {
    await saveFit(saving.folder, fit, saving.facts);
    talk(`saved in ${saving.folder}`);
  }
  return fit.exitCode;
}

const isEngineOption = (name: string): boolean => [...engines.values()].some((engine) => Object.hasOwn(engine.options, name));

function settings(
  model: string,
  p: Posterior,
  { engine, reason }: Chosen,
  chains: number,
  seed: number,
  options: Readonly<Record<string, unknown>>,
  backend: string,
): string {
  const many = engine.unit === "run" ? "" : `, ${chains} ${chains === 1 ? "chain" : "chains"}`;
  const own = Object.entries(options).map(([name, value]) => `${flagOf(name)}${value === true ? "" : ` ${String(value)}`}`);
  return [
    `${model}: ${p.dimension} unconstrained ${p.dimension === 1 ? "dimension" : "dimensions"}, compiled in ${(1000 * p.compileSeconds).toFixed(0)} ms to float64 WebAssembly`,
    ...(engine.precision === "any" ? [`trains on ${backend}`] : []),
    `engine ${engine.name}${reason === undefined ? "" : ` (auto: ${reason})`}${many}, seed ${seed}${own.length > 0 ? `, ${own.join(" ")}` : ""}`,
  ].join("\n");
}

/** --init FILE: constrained values, of some latents or all. */
async function startValues(init: unknown): Promise<StartValues | undefined> {
  if (typeof init !== "string" || init.trim() === "" || Number.isFinite(Number(init))) return undefined;
  const values = await readDataFile(init);
  return startValuesOf(values);
}

function report(fit: Fit, flags: RunFlags, talk: (text: string) => void): void {
  if (flags.json) process.stdout.write(`${jsonText(fit.toJSON())}\n`);
  const { chains, drawsPerChain } = fit.allDraws;
  const { warmup = 0, sampling = 0, total = 0 } = fit.provenance.seconds;
  if (fit.interrupted) talk(`interrupted: ${fit.areChains ? drawn(fit) : "this is how far it came"}`);
  const table = fit.table(flags.all ? Number.POSITIVE_INFINITY : undefined);
  if (table !== "") talk(`\n${table}\n`);
  for (const line of curves(fit)) talk(line);
  talk(
    fit.isPoint
      ? `a point, in ${total.toFixed(2)} s`
      : fit.areChains
        ? `${chains} × ${drawsPerChain} draws; warm-up ${warmup.toFixed(2)} s, sampling ${sampling.toFixed(2)} s`
        : drawsPerChain === 0
          ? `fitted in ${total.toFixed(2)} s`
          : `${drawsPerChain} draws; fitted in ${warmup.toFixed(2)} s, drawn in ${sampling.toFixed(2)} s`,
  );
  for (const line of numbers(fit)) talk(line);
  for (const note of fit.notes) talk(note);
  const bad = fit.verdicts.filter((v) => v.level !== "pass");
  for (const v of bad) if (!flags.quiet) process.stderr.write(`${words(v)}\n`);
  if (bad.length > 0) return;
  for (const v of fit.verdicts) talk(v.advice);
  if (fit.sampler.ebfmi.length > 0 && drawsPerChain > 0)
    talk("no problems found: R-hat, effective sample sizes, divergences, tree depth and energy are fine");
}

/** What training maximised, small. */
function curves({ traces }: Fit): string[] {
  const name = trainingTrace(Object.keys(traces));
  const trace = name === undefined ? new Float64Array(0) : traces[name];
  const line = trace.length > 1 ? curve(trace) : "";
  return line === "" ? [] : [`${name} over ${trace.length} steps: ${line}`];
}

function numbers({ evidence, figures }: Fit): string[] {
  const rest = Object.entries(figures).map(([name, value]) => `${name} ${Number(value.toPrecision(6))}`);
  return [
    ...(evidence ? [`log evidence ${evidence.mean.toFixed(3)}${errorOf(evidence)}`] : []),
    ...(rest.length > 0 ? [rest.join(", ")] : []),
  ];
}

/** Where an engine integrates exactly there is none. */
const errorOf = ({ se }: { readonly se: number }): string => (se === 0 ? "" : ` ± ${se.toPrecision(2)}`);

/** Draws by chain, where they differ. */
function drawn({ chains, allDraws }: Fit): string {
  const counts = chains.map((chain) => chain.draws);
  return new Set(counts).size < 2
    ? `${counts[0] ?? 0} draws a chain were made`
    : `${counts.join(", ")} draws were made by the chains; the summary is of ${allDraws.drawsPerChain} of each of ${allDraws.chains}`;
}

const words = (v: Verdict): string => `${v.level === "fail" ? "not to be trusted" : "warning"}: ${v.advice}`;

/** The posterior at parameters of an earlier run. */
export async function fixed(posterior: Posterior, folder: string, warn: (text: string) => void): Promise<Posterior> {
  const saved = await readParameters(folder);
  const at = await posterior.fix(saved);
  if (isOtherText(posterior.model, saved)) warn(`note: ${otherText(posterior.model, saved)}; their names and shapes agree`);
  return at;
}

const isOtherText = ({ sources }: Model, saved: SavedParameters): boolean => saved.modelSha256 !== modelHash(sources);
const otherText = ({ name }: Model, { folder }: SavedParameters): string =>
  `the text of ${name} is another than that whose parameters ${folder} has`;

function prepareSaving(
  model: string,
  path: string,
  data: Pick<DataGiven, "paths" | "flags">,
  flags: RunFlags,
  started: Date,
): { readonly folder: string; readonly facts: RunFacts } {
  const rows = rowsFlag(flags);
  // Of a folder without, the run says so.
  const params = flags.params !== undefined && existsSync(join(flags.params, "guide.json")) ? flags.params : undefined;
  const folder = flags.out ?? join("ppl-runs", model, started.toISOString().replace(/[:.]/g, "-").replace("Z", ""));
  refuseUnwritable(folder);
  return {
    folder,
    facts: {
      model,
      modelPath: resolve(path),
      dataPaths: data.flags,
      files: [path, ...data.paths].map(hashFile),
      started,
      ...(rows === undefined ? {} : { rows }),
      ...(params === undefined
        ? {}
        : { params: { folder: resolve(params), sha256: hashFile(join(params, "guide.json")).sha256 } }),
    },
  };
}
