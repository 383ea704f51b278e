// Several arrays in one file: NumPy's .npz, a zip archive of .npy files.
import { type UnzipFileInfo, unzipSync } from "fflate";
import { UsageError } from "../../runtime/errors.ts";
import { readNpy } from "./npy.ts";
import { type DataSet, variableName } from "./value.ts";

/** An archive may not unpack to more than this: sizes are what its directory says, before anything is unpacked. */
const MAX_BYTES = 4_000_000_000;
const MAX_ARRAYS = 10_000;

/** `name`: of the file, for messages. An entry NAME.npy is the variable NAME; entries of other kinds are passed over. */
export function readNpz(name: string, bytes: Uint8Array): DataSet {
  let total = 0;
  const names = new Set<string>();
  const filter = (entry: UnzipFileInfo): boolean => {
    if (!entry.name.endsWith(".npy")) return false;
    const variable = variableOf(entry.name);
    if (names.has(variable)) throw new UsageError(`${name} has two arrays called ${variable}`);
    names.add(variable);
    total += entry.originalSize;
    if (total > MAX_BYTES || names.size > MAX_ARRAYS) throw new UsageError(`${name} unpacks to more than can be read`);
    return true;
  };
  let entries: Readonly<Record<string, Uint8Array>>;
  try {
    entries = unzipSync(bytes, { filter });
  } catch (e) {
    if (e instanceof UsageError) throw e;
    throw new UsageError(`${name} is no .npz archive that can be read: ${e instanceof Error ? e.message : String(e)}`);
  }
  return new Map(Object.entries(entries).map(([entry, array]) => [variableOf(entry), readNpy(`${name}, ${entry}`, array)]));
}

function variableOf(entry: string): string {
  return variableName(entry.slice(0, -".npy".length));
}
