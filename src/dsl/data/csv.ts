// Data in CSV (RFC 4180): a header of names, numbers below; a column is a variable, theta.1 and theta.2 are the elements of one.
import Papa from "papaparse";
import { UsageError } from "../../runtime/errors.ts";
import { Collector, MAX_AXES } from "./collector.ts";
import { readDecimal } from "./decimal.ts";
import { type DataSet, type DataValue, variableName } from "./value.ts";
import { numberWords } from "./words.ts";

const MISSING = new Set(["", "NA", "null", "N/A", "."]);
/** Elements of one variable: no header says more than its columns do. */
const MAX_CELLS = 50_000_000;

/** `name`: of the file, for messages. Lines that begin with # are comments, as in Stan's output. A column of text is passed over: no model can read it. */
export function readCsv(name: string, text: string): DataSet {
  const { data, errors } = Papa.parse<string[]>(text.replace(/^\ufeff/, ""), { skipEmptyLines: true, comments: "#" });
  const [quote] = errors.filter((e) => e.type === "Quotes");
  if (quote) throw new UsageError(`${name}, row ${(quote.row ?? 0) + 1}: a quotation mark is not closed`);
  const [header, ...rows] = data;
  if (!header || header.every((cell) => cell.trim() === "")) throw new UsageError(`${name} has no header of names`);
  const names = header.map((cell) => variableName(cell.trim()));
  refuseTwice(name, names);
  rows.forEach((row, i) => {
    if (row.length !== names.length) {
      throw new UsageError(
        `${name}, row ${i + 1} below the header has ${cells(row.length)} where the header has ${names.length}`,
      );
    }
  });
  const columns = new Map<string, DataValue>();
  names.forEach((column, k) => {
    const values = readColumn(name, column, rows, k);
    if (values) columns.set(column, values);
  });
  return gather(name, columns, rows.length);
}

function cells(n: number): string {
  return n === 1 ? "1 cell" : `${n} cells`;
}

function refuseTwice(file: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === "") throw new UsageError(`${file}: a column has no name`);
    if (seen.has(name)) throw new UsageError(`${file} has two columns called ${name}`);
    seen.add(name);
  }
}

/** undefined: a column of text, from its first cell on. */
function readColumn(file: string, column: string, rows: readonly (readonly string[])[], k: number): DataValue | undefined {
  const numbers = new Collector();
  let anyNumber = false;
  for (const [i, row] of rows.entries()) {
    const cell = row[k].trim();
    if (MISSING.has(cell) || cell.toLowerCase() === "nan") {
      numbers.addMissing();
      continue;
    }
    const decimal = readDecimal(cell, 0) ?? loose(cell);
    const infinite = numberWords.get(cell.toLowerCase());
    if (decimal?.end === cell.length) numbers.add(decimal.value, decimal.integer);
    else if (infinite !== undefined) numbers.add(infinite, false);
    else if (!anyNumber) return undefined;
    else
      throw new UsageError(
        `${file}, row ${i + 1} below the header: ${column} is the text ${JSON.stringify(cell)}; data are numbers`,
      );
    anyNumber = true;
  }
  return numbers.finish([rows.length]);
}

/** What JSON does not write and spreadsheets do: 007, .5, 5. and +5 */
function loose(cell: string): { readonly value: number; readonly integer: boolean; readonly end: number } | undefined {
  if (!/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(cell)) return undefined;
  return { value: Number(cell), integer: /^[+-]?[0-9]+$/.test(cell), end: cell.length };
}

interface Member {
  readonly column: string;
  readonly index: readonly number[];
  readonly values: DataValue;
}

/** Columns m.1.1, m.2.1, … become one variable, of shape rows x the box of their indices. */
function gather(file: string, columns: ReadonlyMap<string, DataValue>, rows: number): DataSet {
  const out = new Map<string, DataValue>();
  const groups = new Map<string, Member[]>();
  for (const [column, values] of columns) {
    const match = /^(.+?)((?:\.[1-9][0-9]*)+)$/.exec(column);
    if (!match) {
      out.set(column, values);
      continue;
    }
    const members = groups.get(match[1]) ?? [];
    members.push({ column, index: match[2].slice(1).split(".").map(Number), values });
    groups.set(match[1], members);
  }
  for (const [name, members] of groups) {
    if (out.has(name)) throw new UsageError(`${file} has a column ${name} and one called ${members[0].column}`);
    out.set(name, together(file, name, members, rows));
  }
  return out;
}

function together(file: string, name: string, members: readonly Member[], rows: number): DataValue {
  const axes = members[0].index.length;
  for (const m of members) {
    if (m.index.length !== axes)
      throw new UsageError(`${file}: ${m.column} and ${members[0].column} have differently many indices`);
  }
  if (axes >= MAX_AXES) throw new UsageError(`${file}: ${name} has more than ${MAX_AXES - 1} indices`);
  const sizes = Array.from({ length: axes }, (_, a) => members.reduce((n, m) => Math.max(n, m.index[a]), 0));
  const box = sizes.reduce((n, s) => n * s, 1);
  const at = (index: readonly number[]) => index.reduce((n, i, a) => n * sizes[a] + i - 1, 0);
  const present = new Map(members.map((m) => [at(m.index), m.values]));
  // Names are all different, so that a box with as many columns as elements is full.
  if (present.size !== box)
    throw new UsageError(`${file}: ${firstAbsent(name, sizes, present)} is missing among the columns of ${name}`);
  if (box * rows > MAX_CELLS) throw new UsageError(`${file}: ${name} has more than ${MAX_CELLS} elements`);
  const all = new Collector();
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < box; k++) {
      const part = present.get(k)!;
      if (part.missing?.[i]) all.addMissing();
      else all.add(part.values[i], part.firstReal === undefined || i < part.firstReal);
    }
  }
  return all.finish([rows, ...sizes]);
}

function firstAbsent(name: string, sizes: readonly number[], present: ReadonlyMap<number, DataValue>): string {
  let k = 0;
  while (present.has(k)) k++;
  const index: number[] = [];
  for (const size of [...sizes].reverse()) {
    index.unshift((k % size) + 1);
    k = Math.floor(k / size);
  }
  return `${name}.${index.join(".")}`;
}
