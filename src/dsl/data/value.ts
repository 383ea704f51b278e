// One variable of a data file, before it is held against its declared type.
import type { Numbers } from "../../runtime/ir/type.ts";

/** A rectangular array of numbers, row-major. */
export interface DataValue {
  readonly shape: readonly number[];
  /** Bytes where the file has bytes: images are large. */
  readonly values: Numbers;
  /** 1 where the entry is missing (null, NA, an empty cell); `values` is NaN there. Absent: none is. */
  readonly missing?: Uint8Array;
  /** Row-major index of the first entry that is not written as an integer (17.5, 1e3, NaN); absent: all are. */
  readonly firstReal?: number;
  /** How trailing axes are cut is the file's convention, not the data's: a model may declare images as rows of pixels. */
  readonly recut?: boolean;
}
/** All variables of the data files, merged, by `variableName`. A Map, since names come from strangers: `__proto__` is a name like any other. */
export type DataSet = ReadonlyMap<string, DataValue>;

/** What a model calls the variable: its names are in the normal form NFKC (µ = μ), however a file or a program writes them. */
export function variableName(written: string): string {
  return written.normalize("NFKC");
}
