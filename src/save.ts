// Writes a run's folder: run.json, summary.json, one CSV a chain. Node only.
import type { Fit } from "./fit.ts";
import { chainCsv } from "./inference/report/csv.ts";
import { jsonText } from "./inference/report/json.ts";
import { writeFolder } from "./runtime/platform/files.ts";
import { packageVersion } from "./runtime/platform/version.ts";

export interface RunFacts {
  readonly model: string;
  /** Hash and path of the model and of each data file, by whoever read them. */
  readonly files?: readonly { readonly path: string; readonly sha256: string }[];
  readonly backend?: string;
  readonly started?: Date;
  readonly status?: string;
}

export function saveFit(folder: string, fit: Fit, facts: RunFacts = { model: fit.model }): void {
  const { provenance } = fit;
  const version = packageVersion();
  const started = facts.started
    ?.toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, " UTC");
  const run = {
    tilde: version,
    node: process.version,
    model: facts.model,
    files: facts.files ?? [],
    engine: provenance.engine,
    options: provenance.options,
    seed: provenance.seed,
    chains: provenance.chains,
    backend: facts.backend ?? "wasm",
    started: facts.started?.toISOString(),
    seconds: provenance.seconds,
    status: facts.status ?? (fit.interrupted ? "interrupted" : "done"),
    verdicts: fit.verdicts,
    traces: fit.traces,
  };
  const csv = (fit.allDraws.drawsPerChain > 0 ? fit.chains.filter((c) => c.draws > 0) : []).map((chain, at) => ({
    name: `chain-${chain.chain}.csv`,
    content: chainCsv(
      chain,
      at,
      fit.allDraws,
      {
        model: facts.model,
        engine: provenance.engine,
        chain: chain.chain,
        seed: provenance.seed,
        options: provenance.options,
        ...(started === undefined ? {} : { started }),
        version,
      },
      fit.warmup,
    ),
  }));
  writeFolder(folder, [
    { name: "run.json", content: `${jsonText(run)}\n` },
    { name: "summary.json", content: `${jsonText(fit.toJSON())}\n` },
    ...csv,
  ]);
}
