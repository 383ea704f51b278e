// Data files, by their endings. Node only.
import { readJson } from "./dsl/data/json.ts";
import { type DataSet, variableName } from "./dsl/data/value.ts";
import { UsageError } from "./runtime/errors.ts";
import { readBytes } from "./runtime/platform/files.ts";

/** .json, .csv, .npy, .npz, each also with .gz. The variable of NAME.npy is NAME. */
export async function readDataFile(path: string): Promise<DataSet> {
  const plain = path.replace(/\.gz$/i, "");
  const ending = /\.([a-z]+)$/i.exec(plain)?.[1].toLowerCase();
  if (ending === "json") return readJson(path, text(path));
  if (ending === "csv") {
    const { readCsv } = await import("./dsl/data/csv.ts");
    return readCsv(path, text(path));
  }
  if (ending === "npy") {
    const { readNpy } = await import("./dsl/data/npy.ts");
    const file = plain.slice(0, -".npy".length).split(/[\\/]/).at(-1) ?? plain;
    return new Map([[variableName(file), readNpy(path, readBytes(path))]]);
  }
  if (ending === "npz") {
    const { readNpz } = await import("./dsl/data/npz.ts");
    return readNpz(path, readBytes(path));
  }
  throw new UsageError(`${path}: data files end in .json, .csv, .npy or .npz (each also with .gz)`);
}

function text(path: string): string {
  const bytes = readBytes(path);
  try {
    const decoded = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (decoded.includes("\0")) throw new UsageError(`${path} is not text`);
    return decoded;
  } catch (e) {
    if (e instanceof UsageError) throw e;
    throw new UsageError(`${path} is not text in UTF-8`);
  }
}
