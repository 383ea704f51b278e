// What commands read: models, data files, NAME=VALUE pairs, numbers.
import { basename, resolve } from "node:path";
import { readDataFile } from "../data-files.ts";
import { type ChosenRows, chooseRows, type RowChoice } from "../dsl/compile/choose-rows.ts";
import { rowLength } from "../dsl/compile/recut.ts";
import { type DataSet, type DataValue, variableName } from "../dsl/data/value.ts";
import { LARGEST_SEED } from "../inference/run.ts";
import type { Model } from "../model.ts";
import { UsageError } from "../runtime/errors.ts";
import { stream } from "../runtime/numeric/random.ts";
import type { Rng } from "../runtime/numeric/rng.ts";
import { readBytes } from "../runtime/platform/files.ts";
import { sha256 } from "../runtime/platform/hash.ts";
import { dataBeside } from "../runtime/platform/model-files.ts";

export interface DataGiven {
  readonly data: DataSet;
  /** Of the files that were read. */
  readonly paths: readonly string[];
  /** The same as --data takes them from anywhere. */
  readonly flags: readonly string[];
  /** The rows of the files that were taken, where not all were. */
  readonly chosen?: Omit<ChosenRows, "data">;
}
/** Flags of commands that read data. */
export interface DataFlags {
  readonly data?: readonly string[];
  readonly set?: readonly string[];
  readonly columns?: readonly string[];
  readonly rows?: string;
  readonly subset?: string;
  readonly subsetSeed?: string;
}

/** All data files merged; a variable in two of them is an error. Without any, the file beside the model, if there is one. */
export async function readData(path: string, model: Model, flags: DataFlags): Promise<DataGiven> {
  const beside = flags.data ? undefined : dataBeside(path);
  const all = (flags.data ?? (beside ? [beside] : [])).map(fileGiven);
  const columns = new Map((flags.columns ?? []).map((text) => columnsGiven(text)));
  const set = readAssignments(flags.set);
  const data = new Map<string, DataValue>();
  const from = new Map<string, string>();
  for (const { name, file } of all) {
    const wide = name === undefined ? undefined : (columns.get(name) ?? rowLength(model.checked, name, set));
    for (const [variable, value] of await readDataFile(file, { name, columns: wide })) {
      const before = from.get(variable);
      if (before !== undefined)
        throw new UsageError(`${variable} is in ${before} and in ${file}: a variable comes from one file`);
      from.set(variable, file);
      data.set(variable, value);
    }
  }
  const idle = [...columns.keys()].find((name) => !all.some((given) => given.name === name));
  if (idle !== undefined) throw new UsageError(`--columns ${idle}: there is no file of ${idle}, --data ${idle}=FILE`);
  const paths = all.map(({ file }) => file);
  const again = all.map(({ name, file }) => `${name === undefined ? "" : `${name}=`}${resolve(file)}`);
  const choice = rowsGiven(flags);
  if (!choice) return { data, paths, flags: again };
  const { data: taken, ...chosen } = chooseRows(model.checked, data, choice);
  return { data: taken, paths, flags: again, chosen };
}

/** FILE, or NAME=FILE where NAME is one that a variable can have. */
function fileGiven(text: string): { readonly name?: string; readonly file: string } {
  const named = /^\s*([\p{ID_Start}_][\p{ID_Continue}]*)\s*=(.+)$/u.exec(text);
  return named ? { name: variableName(named[1]), file: named[2] } : { file: text };
}

function columnsGiven(text: string): [string, number] {
  const { name, value } = assignment("--columns", "NAME=NUMBER", text);
  return [name, readInteger(`--columns ${name}=`, value, 1, 1_000_000_000) as number];
}

/** Which rows are taken, as it was said. */
export const rowsFlag = ({ rows, subset, subsetSeed = "1" }: DataFlags): string | undefined =>
  rows ?? (subset === undefined ? undefined : `${subset} at random, seed ${subsetSeed}`);

/** The flags that said it. */
export function rowsAgain(said: string): Pick<DataFlags, "rows" | "subset" | "subsetSeed"> {
  const random = /^(.*) at random, seed (\d+)$/.exec(said);
  return random ? { subset: random[1], subsetSeed: random[2] } : { rows: said };
}

/** --rows N=1..2000 or --subset N=2000. */
function rowsGiven({ rows, subset, subsetSeed }: DataFlags): RowChoice | undefined {
  if (rows !== undefined && subset !== undefined)
    throw new UsageError("--rows and --subset both say which rows to take: give one of them");
  if (rows !== undefined) {
    const { name, value } = assignment("--rows", "NAME=FIRST..LAST", rows);
    const range = /^\s*(\d+)\s*\.\.\s*(\d+)\s*$/.exec(value);
    if (!range) throw new UsageError(`--rows takes NAME=FIRST..LAST, as in N=1..2000, not ${rows}`);
    const [first, last] = [Number(range[1]), Number(range[2])];
    return {
      name,
      pick(total) {
        if (first < 1 || last < first || last > total) throw new UsageError(`--rows ${rows}: the data have rows 1..${total}`);
        return Int32Array.from({ length: last - first + 1 }, (_, i) => first - 1 + i);
      },
    };
  }
  if (subset === undefined) {
    if (subsetSeed !== undefined)
      throw new UsageError("--subset-seed says which rows --subset takes: give --subset NAME=COUNT too");
    return undefined;
  }
  const { name, value } = assignment("--subset", "NAME=COUNT", subset);
  const count = readInteger(`--subset ${name}=`, value, 1, 1_000_000_000) as number;
  const seed = readInteger("--subset-seed", subsetSeed, 0, LARGEST_SEED) ?? 1;
  return {
    name,
    pick(total) {
      if (count > total) throw new UsageError(`--subset ${subset}: the data have ${total} rows`);
      return subsetOf(total, count, stream(seed, "subset of rows"));
    },
  };
}

/** So many different rows, in their order (Fisher and Yates, as far as needed). */
function subsetOf(total: number, count: number, rng: Rng): Int32Array {
  const all = Int32Array.from({ length: total }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + rng.below(total - i);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all.slice(0, count).sort();
}

function assignment(flag: string, form: string, text: string): { readonly name: string; readonly value: string } {
  const at = text.indexOf("=");
  if (at <= 0 || text.slice(at + 1).trim() === "") throw new UsageError(`${flag} takes ${form}, not ${text}`);
  return { name: variableName(text.slice(0, at).trim()), value: text.slice(at + 1) };
}

/** --set NAME=VALUE */
export function readAssignments(given: readonly string[] = [], flag = "--set"): Map<string, number> {
  return new Map(
    given.map((text): [string, number] => {
      const { name, value } = assignment(flag, "NAME=NUMBER", text);
      if (!Number.isFinite(Number(value))) throw new UsageError(`${flag} takes NAME=NUMBER, not ${text}`);
      return [name, Number(value)];
    }),
  );
}

export function readInteger(flag: string, text: unknown, low: number, high: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < low || value > high || String(text).trim() === "")
    throw new UsageError(`${flag} must be an integer from ${low} to ${high}, not ${String(text)}`);
  return value;
}

export interface HashedFile {
  readonly path: string;
  readonly sha256: string;
}
export const hashFile = (path: string): HashedFile => ({
  path: basename(path),
  sha256: sha256(readBytes(path)),
});
