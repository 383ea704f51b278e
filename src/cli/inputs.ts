// What commands read: models, data files, NAME=VALUE pairs, numbers.
import { basename } from "node:path";
import { readDataFile } from "../data-files.ts";
import type { DataSet, DataValue } from "../dsl/data/value.ts";
import { UsageError } from "../runtime/errors.ts";
import { readBytes } from "../runtime/platform/files.ts";
import { dataBeside } from "../runtime/platform/model-files.ts";

export interface DataGiven {
  readonly data: DataSet;
  readonly paths: readonly string[];
}

/** All data files merged; a variable in two of them is an error. Without any, the file beside the model, if there is one. */
export async function readData(model: string, paths: readonly string[] | undefined): Promise<DataGiven> {
  const beside = paths ? undefined : dataBeside(model);
  const all = paths ?? (beside ? [beside] : []);
  const data = new Map<string, DataValue>();
  const from = new Map<string, string>();
  for (const path of all) {
    for (const [name, value] of await readDataFile(path)) {
      const before = from.get(name);
      if (before !== undefined) throw new UsageError(`${name} is in ${before} and in ${path}: a variable comes from one file`);
      from.set(name, path);
      data.set(name, value);
    }
  }
  return { data, paths: all };
}

/** --set NAME=VALUE */
export function readAssignments(given: readonly string[] = []): Map<string, number> {
  return new Map(
    given.map((text): [string, number] => {
      const at = text.indexOf("=");
      const value = Number(text.slice(at + 1));
      if (at <= 0 || text.slice(at + 1).trim() === "" || !Number.isFinite(value))
        throw new UsageError(`--set takes NAME=NUMBER, not ${text}`);
      return [text.slice(0, at).trim().normalize("NFKC"), value];
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
  // Not imported: its loading would delay every start.
  sha256: process.getBuiltinModule("node:crypto").createHash("sha256").update(readBytes(path)).digest("hex"),
});
