// ppl run
import { join } from "node:path";
import { readDataFile } from "../data-files.ts";
import { renderDiagnostic } from "../dsl/render-diagnostic.ts";
import type { Fit } from "../fit.ts";
import type { Verdict } from "../inference/engine.ts";
import { flagOf } from "../inference/options.ts";
import { jsonText } from "../inference/report/json.ts";
import { loadModel } from "../load.ts";
import { drawSeed, engineNamed, type Posterior, type StartValues } from "../model.ts";
import { UsageError } from "../runtime/errors.ts";
import { saveFit } from "../save.ts";
import { hashFile, readAssignments, readData, readInteger } from "./inputs.ts";
import type { ExitCode } from "./main.ts";
import { startProgress } from "./progress.ts";

interface RunFlags {
  readonly data?: string[];
  readonly set?: string[];
  readonly engine: string;
  readonly chains: string;
  readonly seed?: string;
  readonly backend: string;
  readonly threads?: string;
  readonly out?: string;
  readonly save: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly all?: boolean;
  readonly progress: "auto" | "plain" | "json" | "none";
  readonly [engineOption: string]: unknown;
}
const OWN = new Set([
  "data",
  "set",
  "engine",
  "chains",
  "seed",
  "backend",
  "threads",
  "out",
  "save",
  "json",
  "quiet",
  "all",
  "progress",
]);

export async function runCommand(path: string, given: Record<string, unknown>): Promise<ExitCode> {
  // commander gives what the flags of main.ts declare.
  const flags = given as unknown as RunFlags;
  const started = new Date();
  const talk = (text: string) => {
    if (!flags.json && !flags.quiet) process.stdout.write(`${text}\n`);
  };
  if (flags.backend !== "auto" && flags.backend !== "wasm")
    throw new UsageError(`the backend ${flags.backend} is not built yet; there is wasm`);
  const seed = readInteger("--seed", flags.seed, 0, 4294967295) ?? drawSeed();
  const chains = readInteger("--chains", flags.chains, 1, 10000) ?? 4;
  const threads = readInteger("--threads", flags.threads, 1, 1024);
  const engine = engineNamed(flags.engine);
  const options = Object.fromEntries(Object.entries(flags).filter(([name, value]) => !OWN.has(name) && value !== undefined));

  const model = loadModel(path);
  const { data, paths } = await readData(path, flags.data);
  for (const d of model.diagnostics) if (!flags.quiet) process.stderr.write(`${renderDiagnostic(d, model.sources)}\n\n`);
  const began = performance.now();
  const posterior = await model.bindData(data, readAssignments(flags.set));
  const compile = (performance.now() - began) / 1000;
  for (const note of posterior.target.notes) if (!flags.quiet) process.stderr.write(`note: ${note}\n`);

  talk(settings(model.name, posterior, engine.name, engine.unit === "chain" ? chains : 1, seed, options, compile));
  const interruption = onInterrupt();
  const progress = startProgress(
    flags.json || flags.quiet ? (flags.progress === "json" ? "json" : "none") : flags.progress,
    chains,
  );
  let fit: Fit;
  try {
    const start = await startValues(options.init);
    fit = await posterior.run(engine.name, {
      ...options,
      chains,
      seed,
      threads,
      signal: interruption.signal,
      onProgress: progress.update,
      ...(start ? { start } : {}),
    });
  } finally {
    progress.stop();
    interruption.done();
  }
  report(fit, flags, talk, compile);
  if (flags.save) save(fit, path, paths, flags.out, started, talk);
  return fit.exitCode;
}

function settings(
  model: string,
  p: Posterior,
  engine: string,
  chains: number,
  seed: number,
  options: Readonly<Record<string, unknown>>,
  compile: number,
): string {
  const own = Object.entries(options).map(([name, value]) => `${flagOf(name)}${value === true ? "" : ` ${String(value)}`}`);
  return [
    `${model}: ${p.dimension} unconstrained ${p.dimension === 1 ? "dimension" : "dimensions"}, compiled in ${(1000 * compile).toFixed(0)} ms to float64 WebAssembly`,
    `engine ${engine}, ${chains} ${chains === 1 ? "chain" : "chains"}, seed ${seed}${own.length > 0 ? `, ${own.join(" ")}` : ""}`,
  ].join("\n");
}

/** --init FILE: constrained values, of some latents or all. */
async function startValues(init: unknown): Promise<StartValues | undefined> {
  if (typeof init !== "string" || init.trim() === "" || Number.isFinite(Number(init))) return undefined;
  const values = await readDataFile(init);
  return Object.fromEntries([...values].map(([name, v]) => [name, v.values]));
}

function report(fit: Fit, flags: RunFlags, talk: (text: string) => void, compile: number): void {
  if (flags.json) process.stdout.write(`${jsonText({ ...fit.toJSON(), seconds: { compile, ...fit.provenance.seconds } })}\n`);
  const { warmup = 0, sampling = 0 } = fit.provenance.seconds;
  if (fit.interrupted) talk(`interrupted: ${fit.allDraws.drawsPerChain} draws a chain were made`);
  if (fit.summary().length > 0) talk(`\n${fit.table(flags.all ? Number.POSITIVE_INFINITY : undefined)}\n`);
  talk(
    `${fit.chains.length} × ${fit.allDraws.drawsPerChain} draws; warm-up ${warmup.toFixed(2)} s, sampling ${sampling.toFixed(2)} s`,
  );
  const bad = fit.verdicts.filter((v) => v.level !== "pass");
  for (const v of bad) if (!flags.quiet) process.stderr.write(`${words(v)}\n`);
  if (bad.length === 0 && fit.allDraws.drawsPerChain > 1)
    talk("no problems found: R-hat, effective sample sizes, divergences, tree depth and energy are fine");
}

const words = (v: Verdict): string => `${v.level === "fail" ? "not to be trusted" : "warning"}: ${v.advice}`;

function save(
  fit: Fit,
  model: string,
  data: readonly string[],
  out: string | undefined,
  started: Date,
  talk: (text: string) => void,
): void {
  const folder = out ?? join("ppl-runs", fit.model, started.toISOString().replace(/[:.]/g, "-").replace("Z", ""));
  saveFit(folder, fit, { model: fit.model, files: [model, ...data].map(hashFile), started });
  talk(`saved in ${folder}`);
}

/** The first Ctrl-C stops the run and keeps its draws; the second ends the process. */
function onInterrupt(): { readonly signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write("\nstopping: what was drawn is kept (again to leave at once)\n");
    controller.abort();
  };
  process.on("SIGINT", listener);
  return { signal: controller.signal, done: () => void process.off("SIGINT", listener) };
}
