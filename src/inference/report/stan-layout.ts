// The summary in the layout of Stan's stansummary.
import type { Draws } from "../../runtime/draws.ts";
import { DrawnScalar } from "../diagnostics/column.ts";
import { sortedQuantile } from "../diagnostics/quantile.ts";
import { exactNumber } from "./number.ts";
import { definedElements, elementCount, type SummaryRow, scalarOf, summarize, summarizeScalar } from "./summary.ts";
import { alignTable } from "./text.ts";

export interface StanLayoutFacts {
  readonly model: string;
  readonly warmup: number | undefined;
  readonly thin: number;
  /** By chain. */
  readonly seconds: readonly { readonly warmup: number; readonly sampling: number }[];
  readonly digits?: number;
}

const HEADER = ["", "Mean", "MCSE", "StdDev", "MAD", "5%", "50%", "95%", "ESS_bulk", "ESS_tail", "R_hat"];

export function stanLayout(draws: Draws, facts: StanLayoutFacts): string {
  const digits = facts.digits ?? 2;
  const { chains, drawsPerChain } = draws;
  const samplerRows = Object.entries(draws.stats).map(([name, values]) => {
    const x = new DrawnScalar(chains, drawsPerChain, values);
    return cells(summarizeScalar(`${name}__`, x), medianDeviation(x), digits);
  });
  const deviations = draws.columns.flatMap((column) => {
    const size = elementCount(column);
    return definedElements(column).map((element) =>
      medianDeviation(scalarOf(draws.values[column.name], chains, drawsPerChain, size, element)),
    );
  });
  const rows = summarize(draws).map((row, i) => cells(row, deviations[i], digits));
  // Aligned together, then parted by blank lines.
  const lines = alignTable([HEADER, ...samplerRows, ...rows]).split("\n");
  const table = [lines[0], "", ...lines.slice(1, 1 + samplerRows.length), "", ...lines.slice(1 + samplerRows.length)];
  const iterations = drawsPerChain * facts.thin;
  const head = [
    `Inference for Stan model: ${facts.model}`,
    `${chains} chain${chains > 1 ? "s" : ""}: each with iter=${iterations}; warmup=${facts.warmup ?? "unknown"}; thin=${facts.thin}; ${drawsPerChain} iterations saved.`,
    "",
    elapsed(
      "Warmup",
      facts.seconds.map(({ warmup }) => warmup),
    ),
    elapsed(
      "Sampling",
      facts.seconds.map(({ sampling }) => sampling),
    ),
    "",
  ];
  return [...head, ...table, "", ...FOOT].join("\n");
}

const FOOT = [
  "For each parameter, ESS_bulk and ESS_tail measure the effective sample size for the entire sample (bulk) and for the .05 and .95 tails (tail), ",
  "and R_hat measures the potential scale reduction on split chains. At convergence R_hat will be very close to 1.00.",
];

function elapsed(what: string, seconds: readonly number[]): string {
  const total = seconds.reduce((sum, value) => sum + value, 0);
  return `${what} took (${seconds.map((value) => significant(value, 2)).join(", ")}) seconds, ${significant(total, 2)} seconds total`;
}

function cells(row: SummaryRow, deviation: number, digits: number): string[] {
  const number = (x: number) => significant(x, digits);
  const count = (x: number) => (Number.isNaN(x) ? "nan" : x.toFixed(0));
  return [
    row.name,
    number(row.mean),
    number(row.mcseMean),
    number(row.sd),
    number(deviation),
    number(row.q5),
    number(row.q50),
    number(row.q95),
    count(row.essBulk),
    count(row.essTail),
    number(row.rhat),
  ];
}

/** 1.4826 times the median distance from the median: the standard deviation, of a normal distribution. */
function medianDeviation({ hasNaN, sorted }: DrawnScalar): number {
  if (hasNaN) return Number.NaN;
  const median = sortedQuantile(sorted, 0.5);
  const distances = sorted.map((value) => Math.abs(value - median)).sort();
  return 1.4826 * sortedQuantile(distances, 0.5);
}

/** So many significant digits, in plain notation up to eight places, as stansummary prints. */
function significant(x: number, digits: number): string {
  if (!Number.isFinite(x)) return exactNumber(x);
  const text = x.toPrecision(digits);
  if (!text.includes("e")) return text;
  const plain = String(Number(text));
  return plain.length <= 8 ? plain : x.toExponential(digits - 1);
}
