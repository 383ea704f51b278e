// summary.json, and JSON text that keeps what is not finite.
import type { SummaryRow } from "./summary.ts";

/** The object of summary.json; `variables` by name, in order. */
export interface SummaryJson {
  readonly engine: string;
  readonly chains: number;
  readonly draws: number;
  readonly divergences: number;
  readonly logDensityEvaluations: number;
  readonly seconds: Readonly<Record<string, number>>;
  /** Of engines that estimate it: log p(data), and the standard error of that. */
  readonly evidence?: { readonly mean: number; readonly se: number };
  /** Of engines that are no chains: elbo, k_hat, effective_draws, … */
  readonly figures?: Readonly<Record<string, number>>;
  /** Sentences about what the result has and lacks. */
  readonly notes?: readonly string[];
  /** What was learnt beside the latents, by name: a number, or all elements, row-major. */
  readonly parameters?: Readonly<Record<string, number | Float64Array>>;
  readonly variables: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export function summaryJson(facts: Omit<SummaryJson, "variables">, rows: readonly SummaryRow[], areChains = true): SummaryJson {
  return { ...facts, variables: variablesJson(rows, areChains) };
}

/** By name, with the names that summary.json has for the statistics. */
export function variablesJson(rows: readonly SummaryRow[], areChains = true): SummaryJson["variables"] {
  return Object.fromEntries(
    rows.map((row) => {
      const { ess_bulk, ess_tail, rhat, ...independent } = variableJson(row);
      return [row.name, areChains ? { ...independent, ess_bulk, ess_tail, rhat } : independent];
    }),
  );
}

function variableJson(row: SummaryRow): Record<string, number> {
  return {
    mean: row.mean,
    sd: row.sd,
    mcse_mean: row.mcseMean,
    mcse_sd: row.mcseSd,
    q5: row.q5,
    q50: row.q50,
    q95: row.q95,
    ess_bulk: row.essBulk,
    ess_tail: row.essTail,
    rhat: row.rhat,
  };
}

/** Indented JSON. A number that is not finite becomes null, which every reader of JSON accepts; objects of numbers stay on one line. */
export function jsonText(value: unknown, indent = ""): string {
  if (value === undefined) return "null";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "null";
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (ArrayBuffer.isView(value)) return jsonText(Array.from(value as Float64Array), indent);
  const isList = Array.isArray(value);
  const entries: string[] = isList
    ? value.map((entry) => jsonText(entry, `${indent}  `))
    : Object.entries(value).flatMap(([key, entry]) =>
        entry === undefined ? [] : [`${JSON.stringify(key)}: ${jsonText(entry, `${indent}  `)}`],
      );
  const [open, close] = isList ? "[]" : "{}";
  const isFlat = Object.values(value).every((entry) => entry === null || typeof entry !== "object");
  if (entries.length === 0) return open + close;
  if (isFlat && (isList || indent !== "")) return `${open}${isList ? "" : " "}${entries.join(", ")}${isList ? "" : " "}${close}`;
  return `${open}\n${entries.map((entry) => `${indent}  ${entry}`).join(",\n")}\n${indent}${close}`;
}
