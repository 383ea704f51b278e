// Reads chains in the CSV format of CmdStan, ours or Stan's own, back into draws.
import type { Draws } from "../../runtime/draws.ts";
import { UsageError } from "../../runtime/errors.ts";
import type { Column } from "../../runtime/target.ts";
import { parseNumber } from "./number.ts";
import { largestRectangle } from "./rectangle.ts";

/** One file. */
export interface ChainTable {
  /** As in the header: lp__, theta.1. */
  readonly names: readonly string[];
  /** One column a name; draws after warm-up only. */
  readonly columns: readonly Float64Array[];
  readonly draws: number;
  /** From the comments `key = value`, "(Default)" taken off. */
  readonly settings: Readonly<Record<string, string>>;
  readonly stepSize?: number;
  readonly seconds: { readonly warmup: number; readonly sampling: number };
}

/** `name` is for messages. Warm-up rows, which precede "# Adaptation terminated", are left out. */
export function readChainCsv(name: string, text: string): ChainTable {
  const settings: Record<string, string> = {};
  let names: string[] | undefined;
  let rows: Float64Array[] = [];
  let stepSize: number | undefined;
  const seconds = { warmup: Number.NaN, sampling: Number.NaN };
  let lineNumber = 0;
  for (const raw of text.split("\n")) {
    lineNumber++;
    const line = raw.trimEnd();
    if (line.startsWith("#")) {
      const comment = line.slice(1).trim();
      const setting = /^([A-Za-z_][\w ]*?)\s*=\s*(.*?)(?:\s*\(Default\))?$/.exec(comment);
      if (setting !== null && names === undefined) settings[setting[1]] = setting[2];
      if (setting !== null && setting[1] === "Step size") stepSize = parseNumber(setting[2]);
      if (comment.startsWith("Adaptation terminated")) rows = [];
      const time = /([\d.eE+-]+) seconds \((Warm-up|Sampling)\)/.exec(comment);
      if (time !== null) seconds[time[2] === "Sampling" ? "sampling" : "warmup"] = Number(time[1]);
      continue;
    }
    if (line === "") continue;
    const cells = line.split(",");
    if (names === undefined) {
      names = cells.map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
      continue;
    }
    if (cells.length !== names.length)
      throw new UsageError(
        `${name}, line ${lineNumber}: ${cells.length} values, but the header has ${names.length} columns; is the file cut off?`,
      );
    const row = new Float64Array(cells.length);
    for (let i = 0; i < cells.length; i++) {
      const value = parseNumber(cells[i]);
      if (value === undefined)
        throw new UsageError(`${name}, line ${lineNumber}: ${JSON.stringify(cells[i])} is not a number (column ${names[i]})`);
      row[i] = value;
    }
    rows.push(row);
  }
  if (names === undefined) throw new UsageError(`${name} has no header of column names`);
  const columns = names.map((_, i) => Float64Array.from(rows, (row) => row[i]));
  return { names, columns, draws: rows.length, settings, stepSize, seconds };
}

/** Chains of one run as draws; columns whose names end in __ are the sampler's. Of chains of different lengths, those are kept, cut to one
 *  length, that have the most draws together. */
export function drawsOfTables(all: readonly { readonly name: string; readonly table: ChainTable }[]): Draws {
  const [first, ...others] = all;
  for (const { name, table } of others)
    if (table.names.join() !== first.table.names.join())
      throw new UsageError(`${name} has other columns than ${first.name}: they are not chains of one run`);
  const { kept, length: drawsPerChain } = largestRectangle(all.map(({ table }) => table.draws));
  if (drawsPerChain === 0) throw new UsageError(`${first.name} holds no draws after warm-up`);
  const tables = kept.map((c) => all[c]);
  const { names } = first.table;
  const stats: Record<string, Float64Array> = {};
  const stack = (column: number): Float64Array => {
    const stacked = new Float64Array(tables.length * drawsPerChain);
    tables.forEach(({ table }, c) => {
      stacked.set(table.columns[column].subarray(0, drawsPerChain), c * drawsPerChain);
    });
    return stacked;
  };
  const grouped = new Map<string, { readonly column: number; readonly indices: readonly number[] }[]>();
  names.forEach((header, column) => {
    if (header.endsWith("__")) {
      stats[header.slice(0, -2)] = stack(column);
      return;
    }
    const { name, indices } = elementOf(header);
    const entries = grouped.get(name) ?? [];
    entries.push({ column, indices });
    grouped.set(name, entries);
  });
  const columns: Column[] = [];
  const values: Record<string, Float64Array> = {};
  for (const [name, entries] of grouped) {
    const shape = shapeOf(first.name, name, entries);
    const size = shape.reduce((product, length) => product * length, 1);
    if (tables.length * drawsPerChain * size > MOST_NUMBERS)
      throw new UsageError(`${first.name}: ${name} would have ${size} elements, of which ${entries.length} are there`);
    const elements = entries.map(({ indices }) => indices.reduce((at, index, axis) => at * shape[axis] + index - 1, 0));
    const whole = new Float64Array(tables.length * drawsPerChain * size).fill(Number.NaN);
    entries.forEach(({ column }, entry) => {
      const drawn = stack(column);
      for (let i = 0; i < drawn.length; i++) whole[i * size + elements[entry]] = drawn[i];
    });
    elements.sort((a, b) => a - b);
    columns.push({ name, shape, role: "latent", integer: false, ...(elements.length < size ? { defined: elements } : {}) });
    values[name] = whole;
  }
  return { chains: tables.length, drawsPerChain, columns, values, stats };
}

/** A header may claim any index; more numbers than this (8 GB) are not made room for. */
const MOST_NUMBERS = 1 << 30;

/** theta.1.2 is element [1,2] of theta, and so is theta[1] of other writers element [1]; a tuple's bar:2.1 keeps its first part as its name. */
function elementOf(name: string): { readonly name: string; readonly indices: readonly number[] } {
  const [base, ...indices] = name.replace(/\[(\d+)\]$/, ".$1").split(".");
  return indices.length > 0 && indices.every((part) => /^[1-9]\d*$/.test(part))
    ? { name: base, indices: indices.map(Number) }
    : { name, indices: [] };
}

/** The largest index of each axis. */
function shapeOf(file: string, name: string, entries: readonly { readonly indices: readonly number[] }[]): number[] {
  const shape = entries[0].indices.slice();
  const seen = new Set<string>();
  for (const { indices } of entries) {
    if (indices.length !== shape.length) throw new UsageError(`${file}: ${name} has columns with different numbers of indices`);
    const element = indices.join();
    if (seen.has(element)) throw new UsageError(`${file}: two columns are named ${[name, ...indices].join(".")}`);
    seen.add(element);
    for (let axis = 0; axis < shape.length; axis++) shape[axis] = Math.max(shape[axis], indices[axis]);
  }
  return shape;
}
