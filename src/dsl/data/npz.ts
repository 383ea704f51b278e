// Several arrays in one file: NumPy's .npz, a zip archive of .npy files.
import { type UnzipFileInfo, unzipSync } from "fflate";
import { UsageError } from "../../runtime/errors.ts";
import { readNpy } from "./npy.ts";
import type { DataSet } from "./value.ts";

/** An archive may not unpack to more than this: sizes are what its directory says, before anything is unpacked. */
const MAX_BYTES = 4_000_000_000;
const MAX_ARRAYS = 10_000;

/** `name`: of the file, for messages. An entry NAME.npy is the variable NAME; entries of other kinds are passed over. */
export function readNpz(name: string, bytes: Uint8Array): DataSet {
  let total = 0;
  let arrays = 0;
  const filter = (entry: UnzipFileInfo): boolean => {
    if (!entry.name.endsWith(".npy")) return false;
    total += entry.originalSize;
    arrays++;
    if (total > MAX_BYTES || arrays > MAX_ARRAYS) throw new UsageError(`${name} unpacks to more than can be read`);
    return true;
  };
  let entries: Readonly<Record<string, Uint8Array>>;
  try {
    entries = unzipSync(bytes, { filter });
  } catch (e) {
    if (e instanceof UsageError) throw e;
    throw new UsageError(`${name} is no .npz archive that can be read: ${e instanceof Error ? e.message : String(e)}`);
  }
  return new Map(Object.entries(entries).map(([entry, array]) => [entry.slice(0, -4), readNpy(`${name}, ${entry}`, array)]));
}
