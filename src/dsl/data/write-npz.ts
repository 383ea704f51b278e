// Writes NumPy's .npz: a zip archive, unpacked inside, of .npy files of float64 (numpy.lib.format, version 1 or, for long shapes, 2).
import { zipSync } from "fflate";

export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/** The same bytes for the same arrays: entries bear the first day that zip knows. */
export function writeNpz(arrays: readonly NamedArray[]): Uint8Array {
  const mtime = "1980-01-01T00:00:00";
  return zipSync(Object.fromEntries(arrays.map((a) => [`${a.name}.npy`, [writeNpy(a), { level: 0, mtime }]])));
}

/** Header padded so that the elements begin at a multiple of 64 bytes, as NumPy asks. */
function writeNpy({ shape, values }: NamedArray): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = `{'descr': '<f8', 'fortran_order': False, 'shape': (${sizes}), }`;
  const start = dictionary.length + 1 > 60_000 ? 12 : 10;
  const end = Math.ceil((start + dictionary.length + 1) / 64) * 64;
  const out = new Uint8Array(end + 8 * values.length);
  const view = new DataView(out.buffer);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, start === 10 ? 1 : 2, 0]);
  if (start === 10) view.setUint16(8, end - start, true);
  else view.setUint32(8, end - start, true);
  out.set(new TextEncoder().encode(`${dictionary.padEnd(end - start - 1)}\n`), start);
  for (let i = 0; i < values.length; i++) view.setFloat64(end + 8 * i, values[i], true);
  return out;
}
