// Rows of zeros and ones, 8 to a byte, the first in the highest bit; each row begins a byte (numpy.packbits along the last axis).
import { UsageError } from "../../runtime/errors.ts";
import { MOST_NUMBERS } from "./collector.ts";
import type { DataValue } from "./value.ts";

/** `name`: of the file, for messages. How long a row is, the file does not say. */
export function readBits(name: string, bytes: Uint8Array, columns: number): DataValue {
  const width = Math.ceil(columns / 8);
  const rows = bytes.length / width;
  if (bytes.length === 0) throw new UsageError(`${name} is empty`);
  if (!Number.isInteger(rows))
    throw new UsageError(
      `${name} has ${bytes.length} bytes: no whole number of rows of ${columns} bits, which take ${width} each; it is cut off, or its rows have another length`,
    );
  if (rows * columns > MOST_NUMBERS) throw new UsageError(`${name} has more than ${MOST_NUMBERS / 1e6} million numbers`);
  const values = new Uint8Array(rows * columns);
  for (let row = 0, at = 0; row < rows; row++)
    for (let k = 0; k < columns; k++) values[at++] = (bytes[row * width + (k >> 3)] >> (7 - (k & 7))) & 1;
  // Bits that fill up a row's last byte are 0; others tell that rows are longer than it was said.
  const filling = (1 << (8 * width - columns)) - 1;
  for (let row = 0; row < rows; row++)
    if ((bytes[(row + 1) * width - 1] & filling) !== 0)
      throw new UsageError(`${name}: row ${row + 1} has more than ${columns} bits: its rows have another length`);
  return { shape: [rows, columns], values, recut: true };
}
