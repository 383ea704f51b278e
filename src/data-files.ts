// Data files, by their endings. Node only.
import { readJson } from "./dsl/data/json.ts";
import { type DataSet, variableName } from "./dsl/data/value.ts";
import { UsageError } from "./runtime/errors.ts";
import { readBytes } from "./runtime/platform/files.ts";

export interface DataRequest {
  /** What the model calls the one variable of the file. */
  readonly name?: string;
  /** How long rows of a file of bits are. */
  readonly columns?: number;
}

/** .json, .csv, .npy, .npz, idx, .bits, each also with .gz. The variable of NAME.npy is NAME, where none is given; idx and bits need one. */
export async function readDataFile(path: string, { name, columns }: DataRequest = {}): Promise<DataSet> {
  const all = await readAll(path, name, columns);
  if (name === undefined || all.has(name)) return all;
  const [only, ...others] = all.values();
  if (!only || others.length > 0)
    throw new UsageError(`${path} has ${all.size} variables with names of their own: give it without ${name}=`);
  return new Map([[name, only]]);
}

async function readAll(path: string, name: string | undefined, columns: number | undefined): Promise<DataSet> {
  const plain = path.replace(/\.gz$/i, "");
  const named = (): string => name ?? unnamed(path);
  if (/[.-]idx\d*(-[a-z]+)?$/i.test(plain)) {
    const { readIdx } = await import("./dsl/data/idx.ts");
    return new Map([[named(), readIdx(path, readBytes(path))]]);
  }
  if (/\.bits$/i.test(plain)) {
    const { readBits } = await import("./dsl/data/bits.ts");
    const variable = named();
    if (columns === undefined)
      throw new UsageError(
        `${path} does not say how long its rows are: declare ${variable} with its number of columns (data ${variable}: int<0, 1>[N, 784]), or give --columns ${variable}=784`,
      );
    return new Map([[variable, readBits(path, readBytes(path), columns)]]);
  }
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
  throw new UsageError(`${path}: data files end in .json, .csv, .npy, .npz, .bits or idx3-ubyte (each also with .gz)`);
}

function unnamed(path: string): never {
  throw new UsageError(`${path} holds one array without a name: say which variable of the model it is, x=${path}`);
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
