// Data in CSV: a header of names, numbers below; each column is a variable, theta.1, theta.2 are the elements of one.
import Papa from "papaparse";
import { UsageError } from "../../runtime/errors.ts";
import { Collector } from "./collector.ts";
import type { DataSet, DataValue } from "./value.ts";

const MISSING = new Set(["", "NA", "null", "N/A", "."]);
const INTEGER = /^[+-]?\d+$/;

/** `name`: of the file, for messages. Text columns are refused where a model could read them: a factor must be numbered. */
export function readCsv(name: string, text: string): DataSet {
  const { data, errors } = Papa.parse<string[]>(text, { skipEmptyLines: true, comments: "#" });
  if (errors.length > 0 && errors[0].code !== "UndetectableDelimiter")
    throw new UsageError(`${name}, row ${(errors[0].row ?? 0) + 1}: ${errors[0].message}`);
  const [header, ...rows] = data;
  if (!header || header.every((cell) => cell.trim() === "")) throw new UsageError(`${name} has no header of names`);
  const names = header.map((cell) => cell.trim());
  names.forEach((column, i) => {
    if (names.indexOf(column) !== i) throw new UsageError(`${name} has two columns called ${column}`);
  });
  rows.forEach((row, i) => {
    if (row.length !== names.length)
      throw new UsageError(`${name}, row ${i + 2} has ${row.length} cells where the header has ${names.length}`);
  });
  const columns = names.map((column, k) => readColumn(name, column, rows, k));
  return gather(names, columns, rows.length);
}

/** undefined: a column of text. */
function readColumn(file: string, column: string, rows: readonly (readonly string[])[], k: number): Collector | undefined {
  const numbers = new Collector();
  for (let i = 0; i < rows.length; i++) {
    const cell = rows[i][k].trim();
    if (MISSING.has(cell) || cell.toLowerCase() === "nan") numbers.addMissing();
    else {
      const value = /^[+-]?inf(inity)?$/i.test(cell)
        ? cell.startsWith("-")
          ? Number.NEGATIVE_INFINITY
          : Number.POSITIVE_INFINITY
        : Number(cell);
      if (Number.isNaN(value)) {
        if (i === 0) return undefined;
        throw new UsageError(`${file}, row ${i + 2}: ${column} is the text ${JSON.stringify(cell)}; data are numbers`);
      }
      numbers.add(value, INTEGER.test(cell));
    }
  }
  return numbers;
}

/** Columns x.1 … x.K become one variable of K columns. */
function gather(names: readonly string[], columns: readonly (Collector | undefined)[], rows: number): DataSet {
  const out = new Map<string, DataValue>();
  const groups = new Map<string, number[]>();
  names.forEach((name, k) => {
    if (!columns[k]) return;
    const match = /^(.+)\.(\d+)$/.exec(name);
    if (match) groups.set(match[1], [...(groups.get(match[1]) ?? []), k]);
    else out.set(name, (columns[k] as Collector).finish([rows]));
  });
  for (const [name, members] of groups) {
    const parts = [...members]
      .sort((a, b) => suffix(names[a]) - suffix(names[b]))
      .map((k) => (columns[k] as Collector).finish([rows]));
    const all = new Collector();
    for (let i = 0; i < rows; i++) {
      for (const part of parts) {
        if (part.missing?.[i]) all.addMissing();
        else all.add(part.values[i], part.firstReal === undefined || i < part.firstReal || Number.isInteger(part.values[i]));
      }
    }
    out.set(name, all.finish([rows, parts.length]));
  }
  return out;
}
const suffix = (name: string): number => Number(name.slice(name.lastIndexOf(".") + 1));
