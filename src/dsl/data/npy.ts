// Arrays in NumPy's .npy format, versions 1 to 3 (numpy/lib/format.py): a short header, then the elements.
import { UsageError } from "../../runtime/errors.ts";
import type { DataValue } from "./value.ts";

interface Header {
  readonly type: string;
  readonly little: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}
const READERS: Readonly<
  Record<string, { readonly bytes: number; readonly integer: boolean; read(v: DataView, at: number, little: boolean): number }>
> = {
  f4: { bytes: 4, integer: false, read: (v, at, little) => v.getFloat32(at, little) },
  f8: { bytes: 8, integer: false, read: (v, at, little) => v.getFloat64(at, little) },
  i1: { bytes: 1, integer: true, read: (v, at) => v.getInt8(at) },
  i2: { bytes: 2, integer: true, read: (v, at, little) => v.getInt16(at, little) },
  i4: { bytes: 4, integer: true, read: (v, at, little) => v.getInt32(at, little) },
  i8: { bytes: 8, integer: true, read: (v, at, little) => Number(v.getBigInt64(at, little)) },
  u1: { bytes: 1, integer: true, read: (v, at) => v.getUint8(at) },
  u2: { bytes: 2, integer: true, read: (v, at, little) => v.getUint16(at, little) },
  u4: { bytes: 4, integer: true, read: (v, at, little) => v.getUint32(at, little) },
  u8: { bytes: 8, integer: true, read: (v, at, little) => Number(v.getBigUint64(at, little)) },
  b1: { bytes: 1, integer: true, read: (v, at) => v.getUint8(at) },
};

/** Every field of the header is checked against the bytes that are there. */
export function readNpy(name: string, bytes: Uint8Array): DataValue {
  const fail = (why: string): never => {
    throw new UsageError(`${name} is no .npy array that can be read: ${why}`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || bytes[0] !== 0x93 || new TextDecoder("latin1").decode(bytes.subarray(1, 6)) !== "NUMPY")
    fail("it does not begin with \\x93NUMPY");
  const version = bytes[6];
  if (version < 1 || version > 3) fail(`version ${version} is not known`);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > bytes.length) fail("its header is cut off");
  const header = parseHeader(
    new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(bytes.subarray(start, start + length)),
    fail,
  );
  const reader = Object.hasOwn(READERS, header.type)
    ? READERS[header.type]
    : fail(`elements of type ${header.type} are no numbers`);
  const count = header.shape.reduce((n, d) => n * d, 1);
  if (!Number.isSafeInteger(count) || start + length + count * reader.bytes !== bytes.length)
    fail(
      `shape [${header.shape.join(", ")}] needs ${count * reader.bytes} bytes, and there are ${bytes.length - start - length}`,
    );
  const values = new Float64Array(count);
  for (let i = 0, at = start + length; i < count; i++, at += reader.bytes) values[i] = reader.read(view, at, header.little);
  if (reader.integer && values.some((v) => !Number.isSafeInteger(v))) fail("an integer is larger than 2^53");
  return {
    shape: header.shape,
    values: header.fortran ? rowMajor(values, header.shape) : values,
    ...(reader.integer ? {} : { firstReal: 0 }),
  };
}

/** {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } */
function parseHeader(text: string, fail: (why: string) => never): Header {
  const descr = /'descr'\s*:\s*'([<>|=]?)([a-z]\d+)'/.exec(text) ?? fail("its element type is not understood");
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text) ?? fail("its order is missing");
  const shape = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(text) ?? fail("its shape is missing");
  const sizes = shape[1]
    .split(",")
    .map((s) => s.trim())
    .filter((s) => s !== "")
    .map(Number);
  if (sizes.length > 16 || sizes.some((n) => !Number.isSafeInteger(n))) fail("its shape is not understood");
  return { type: descr[2], little: descr[1] !== ">", fortran: order[1] === "True", shape: sizes };
}

function rowMajor(values: Float64Array, shape: readonly number[]): Float64Array {
  const out = new Float64Array(values.length);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < values.length; i++) {
    let from = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) from = from * shape[axis] + index[axis];
    out[i] = values[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return out;
}
