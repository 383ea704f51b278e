// Real posteriors with their references: which there are, and how far a fit is from them, in Monte Carlo errors.
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import type { SummaryRow } from "../../src/inference/report/summary.ts";
import type { DataObject } from "../../src/model.ts";

const folder = new URL("../../../shared/data/posteriordb/", import.meta.url);
const models = new URL("../../models/posteriordb/", import.meta.url);

/** The data and references lie beside the repository; where they do not, nothing can be compared. */
export const referencesAreThere = existsSync(new URL("references.json", folder));
export const whereReferencesAre = "../shared/data/posteriordb";

/** Of 10,000 draws of Stan, thinned to near independence. */
export interface Reference {
  readonly mean: number;
  readonly sd: number;
  readonly kurtosis: number;
  readonly draws: number;
}
export interface ReferencePosterior {
  /** As posteriordb has it: data-model. */
  readonly name: string;
  readonly modelPath: string;
  readonly data: DataObject;
  /** Of the engine: none, or what the model's line `// run: --flag value` says. */
  readonly options: Readonly<Record<string, string>>;
  readonly references: ReadonlyMap<string, Reference>;
}

/** A model with more to its name than posteriordb's has that one's data: hmm_gaussian_proper those of hmm_gaussian. */
const SIBLING = /_proper$/;

/** Names of all data sets that posteriordb has for a model. */
export const dataOf = (model: string): readonly string[] =>
  referencesAreThere ? index().flatMap((entry) => (entry.model === model.replace(SIBLING, "") ? [entry.data] : [])) : [];
/** Names of all models that posteriordb has. */
export const indexedModels = (): readonly string[] => [...new Set(index().map(({ model }) => model))].sort();
const dataFile = (name: string): URL => new URL(`data/${name}.json.gz`, folder);
export const readData = (name: string): DataObject => JSON.parse(gunzipSync(readFileSync(dataFile(name))).toString("utf8"));
/** Compressed. */
export const bytesOf = (name: string): number => statSync(dataFile(name)).size;

const readJson = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), "utf8"));

/** Names of all posteriors that have a reference and a model here. */
export function posteriorNames(): string[] {
  if (!referencesAreThere) return [];
  return index().flatMap(({ posterior, model, reference }) =>
    reference && existsSync(new URL(`${model}.ppl`, models)) ? [posterior] : [],
  );
}

export function readPosterior(name: string): ReferencePosterior {
  const entry = index().find(({ posterior }) => posterior === name);
  if (entry === undefined) throw new Error(`no posterior ${name} in the index`);
  const path = new URL(`${entry.model}.ppl`, models);
  const references = readJson("references.json") as Record<string, Record<string, Reference>>;
  return {
    name,
    modelPath: fileURLToPath(path),
    data: readData(entry.data),
    options: runOptions(readFileSync(path, "utf8")),
    references: new Map(Object.entries(references[name])),
  };
}

interface IndexEntry {
  readonly posterior: string;
  readonly model: string;
  readonly data: string;
  readonly reference: boolean;
}
const index = (): readonly IndexEntry[] => readJson("index.json") as IndexEntry[];

/** Options of a comment line `// run: --target-accept 0.99 --draws 5000`, as the engine names them; throws where it reads otherwise. */
export function runOptions(text: string): Record<string, string> {
  const line = /^\/\/ run:(.*)$/m.exec(text)?.[1].trim() ?? "";
  const flags = [...line.matchAll(/--([a-z0-9-]+)\s+([^\s-]\S*)/g)];
  if (flags.map(([all]) => all).join(" ") !== line.replaceAll(/\s+/g, " "))
    throw new Error(`// run: takes flags with values, as in --draws 4000, not "${line}"`);
  return Object.fromEntries(flags.map(([, flag, value]) => [flag.replace(/-(.)/g, (_, c: string) => c.toUpperCase()), value]));
}

/** Differences in units of the combined Monte Carlo error of both sides. */
export interface Distance {
  readonly name: string;
  readonly mean: number;
  readonly sd: number;
  readonly rhat: number;
}

/**
 * z of a mean: (m - m₀) / sqrt(mcse² + s₀²/n); of a standard deviation: (s - s₀) / sqrt(mcse_sd² + s₀² (κ - 1) / 4n),
 * where mcse_sd is ours, from the effective size of (x - m)², and κ the kurtosis of the reference: var(s) ≈ s² (κ - 1) / 4n.
 */
export function distance(row: SummaryRow, { mean, sd, kurtosis, draws }: Reference): Distance {
  const ofMean = Math.sqrt(row.mcseMean * row.mcseMean + (sd * sd) / draws);
  const ofSd = Math.sqrt(row.mcseSd * row.mcseSd + (sd * sd * (kurtosis - 1)) / 4 / draws);
  return { name: row.name, mean: (row.mean - mean) / ofMean, sd: (row.sd - sd) / ofSd, rhat: row.rhat };
}

/** One a reference, in its order; throws when a name is missing from the fit. */
export function distances(rows: readonly SummaryRow[], references: ReadonlyMap<string, Reference>): Distance[] {
  const byName = new Map(rows.map((row) => [row.name, row]));
  return [...references].map(([name, reference]) => {
    const row = byName.get(name);
    if (row === undefined) throw new Error(`the fit has no ${name}; it has ${rows.map((r) => r.name).join(", ")}`);
    return distance(row, reference);
  });
}

export const MEAN_LIMIT = 4;
export const SD_LIMIT = 5;
export const RHAT_LIMIT = 1.01;

/** What is beyond its limit, in words; NaN is beyond. */
export function deviations(all: readonly Distance[]): string[] {
  return all.flatMap(({ name, mean, sd, rhat }) => [
    ...(Math.abs(mean) <= MEAN_LIMIT ? [] : [`${name}: mean ${mean.toFixed(2)} Monte Carlo errors off`]),
    ...(Math.abs(sd) <= SD_LIMIT ? [] : [`${name}: sd ${sd.toFixed(2)} Monte Carlo errors off`]),
    ...(rhat < RHAT_LIMIT ? [] : [`${name}: R-hat ${rhat.toFixed(4)}`]),
  ]);
}

/** The entry whose value is largest. */
export function worst<T>(all: readonly T[], value: (entry: T) => number): T {
  return all.reduce((a, b) => (value(b) > value(a) ? b : a));
}
