// Tables of text: aligned columns, and the summary of a fit in as many digits as its Monte Carlo errors support.
import { decimalsFor, roundedNumber } from "./number.ts";
import type { SummaryRow } from "./summary.ts";

/** First column to the left, the others to the right; two blanks between. */
export function alignTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, i) => rows.reduce((most, row) => Math.max(most, width(row[i])), 0));
  const pad = (cell: string, i: number) => {
    const blanks = " ".repeat(widths[i] - width(cell));
    return i === 0 ? cell + blanks : blanks + cell;
  };
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}

/** Columns of a terminal that the text takes, for the letters that identifiers are made of. */
function width(text: string): number {
  // Combining marks take none.
  return [...text.replace(/\p{M}/gu, "")].length;
}

const HEADER = ["", "mean", "sd", "mcse", "5%", "50%", "95%", "ess_bulk", "ess_tail", "rhat"];
/** Columns that do not speak of chains. */
const INDEPENDENT = 7;
/** More rows than this are left out unless asked for. */
export const DEFAULT_ROWS = 40;

/** The table that `ppl run` prints. `limit` rows at most; what is left out is said, and how to see it. Without the columns of chains, for
 *  draws that are none. */
export function summaryTable(rows: readonly SummaryRow[], limit: number = DEFAULT_ROWS, areChains = true): string {
  const shown = rows.length > limit ? rows.slice(0, limit) : rows;
  const whole = [HEADER, ...shown.map(cells)];
  const table = alignTable(areChains ? whole : whole.map((row) => row.slice(0, INDEPENDENT)));
  const rest = rows.length - shown.length;
  return rest === 0 ? table : `${table}\n… ${rest} more row${rest > 1 ? "s" : ""} (--all shows them; summary.json has them)`;
}

const MOST_DECIMALS = 6;
function cells(row: SummaryRow): string[] {
  const decimals = decimalsFor(row.mcseMean, row.sd === 0 ? 3 : MOST_DECIMALS);
  const number = (x: number) => roundedNumber(x, decimals);
  const count = (x: number) => (Number.isNaN(x) ? "nan" : String(Math.floor(x)));
  return [
    row.name,
    number(row.mean),
    number(row.sd),
    Number.isNaN(row.mcseMean) ? "nan" : roundedNumber(row.mcseMean, decimals),
    number(row.q5),
    number(row.q50),
    number(row.q95),
    count(row.essBulk),
    count(row.essTail),
    Number.isNaN(row.rhat) ? "nan" : row.rhat.toFixed(row.rhat < 1.1 ? 3 : 2),
  ];
}

/** Name and value, for a point: an optimum has no spread. */
export function pointTable(
  rows: readonly Pick<SummaryRow, "name" | "mean">[],
  limit: number = DEFAULT_ROWS,
  what = "value",
): string {
  const shown = rows.slice(0, limit);
  const table = alignTable([["", what], ...shown.map((row) => [row.name, row.mean.toPrecision(6)])]);
  return rows.length === shown.length
    ? table
    : `${table}\n… ${rows.length - shown.length} more (--all shows them; summary.json has them)`;
}
