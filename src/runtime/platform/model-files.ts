// Files that belong to a model: its text, what it imports, the data beside it.
import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** "models/eight_schools.ppl" → "eight_schools". */
export const modelNameOf = (path: string): string => basename(path).replace(/\.ppl$/i, "");

/** NAME.data.json (or .json.gz, .csv) beside NAME.ppl, if there is one. */
export function dataBeside(path: string): string | undefined {
  const stem = join(dirname(path), modelNameOf(path));
  return [".data.json", ".data.json.gz", ".data.csv"].map((ending) => stem + ending).find((p) => existsSync(p));
}

/** A file imported from another, which must lie in the folder of the model or below it, links followed. */
export function resolveInside(
  model: string,
  from: string,
  wanted: string,
): { readonly path: string } | { readonly problem: string } {
  const root = realpathSync(dirname(resolve(model)));
  const target = resolve(dirname(resolve(from)), wanted);
  const outside = { problem: `${wanted} lies outside the folder of the model` };
  const isInside = (base: string, path: string) => {
    const way = relative(base, path);
    return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  };
  if (!isInside(dirname(resolve(model)), target)) return outside;
  if (!existsSync(target)) return { problem: `there is no file ${wanted}` };
  if (!isInside(root, realpathSync(target))) return outside;
  return { path: relative(process.cwd(), target) || target };
}

/** One name for a file that exists, whatever way leads to it. */
export const fileIdentity = (path: string): string => realpathSync(path);
