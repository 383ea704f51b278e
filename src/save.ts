// Writes a run's folder: run.json, summary.json, one CSV a chain. Node only.
import type { Fit } from "./fit.ts";
import { chainCsv } from "./inference/report/csv.ts";
import { jsonText } from "./inference/report/json.ts";
import { thinned } from "./inference/report/trace.ts";
import { writeFolder } from "./runtime/platform/files.ts";
import { packageVersion } from "./runtime/platform/version.ts";
import { isParameterFile, modelHash, parameterFiles } from "./saved-parameters.ts";

export interface RunFacts {
  readonly model: string;
  /** Hash and path of the model and of each data file, by whoever read them. */
  readonly files?: readonly { readonly path: string; readonly sha256: string }[];
  readonly started?: Date;
  /** Where the model is, for commands that are given the folder. */
  readonly modelPath?: string;
  /** Where the data are, as --data takes them. */
  readonly dataPaths?: readonly string[];
  /** The folder whose parameters were fixed, with the hash of its guide.json. */
  readonly params?: { readonly folder: string; readonly sha256: string };
  /** Which rows of the data were taken, as the user said it. */
  readonly rows?: string;
}

export async function saveFit(folder: string, fit: Fit, facts: RunFacts = { model: fit.model }): Promise<void> {
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
    ...(facts.modelPath === undefined ? {} : { modelPath: facts.modelPath }),
    ...(facts.dataPaths === undefined ? {} : { dataPaths: facts.dataPaths }),
    modelSha256: modelHash(provenance.sources ?? []),
    set: provenance.set ?? {},
    ...(facts.rows === undefined ? {} : { rows: facts.rows }),
    ...(facts.params === undefined ? {} : { params: facts.params }),
    files: facts.files ?? [],
    engine: provenance.engine,
    options: provenance.options,
    seed: provenance.seed,
    chains: provenance.chains,
    backend: provenance.backend ?? "wasm",
    started: facts.started?.toISOString(),
    seconds: provenance.seconds,
    status: fit.interrupted ? "interrupted" : "done",
    verdicts: fit.verdicts,
    ...(fit.centering.length > 0
      ? { centering: fit.centering.map(({ name, statement, weights }) => ({ name, statement, weights })) }
      : {}),
    traces: Object.fromEntries(Object.entries(fit.traces).map(([name, values]) => [name, thinned(values)])),
  };
  const csv = fit.records.map(({ chain, at, draws, warmup }) => ({
    name: `chain-${chain.chain}.csv`,
    content: chainCsv(
      chain,
      at,
      draws,
      {
        model: facts.model,
        engine: provenance.engine,
        chain: chain.chain,
        seed: provenance.seed,
        options: provenance.options,
        ...(started === undefined ? {} : { started }),
        version,
      },
      warmup,
    ),
  }));
  const json = [
    ...(await parameterFiles(fit)),
    { name: "run.json", content: `${jsonText(run)}\n` },
    { name: "summary.json", content: `${jsonText(fit.toJSON())}\n` },
  ];
  // Chains of an earlier run in this folder would count as chains of this one, its parameters as learnt by it.
  writeFolder(folder, [...json, ...csv], (name) => /^chain-\d+\.csv$/.test(name) || isParameterFile(name));
}
