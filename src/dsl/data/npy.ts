// Arrays in NumPy's .npy format, versions 1 to 3 (NEP 1; numpy.lib.format): a short header, then the elements.
import { UsageError } from "../../runtime/errors.ts";
import { MAX_AXES } from "./collector.ts";
import type { DataValue } from "./value.ts";

interface ElementType {
  readonly bytes: number;
  readonly integer: boolean;
  read(view: DataView, at: number, little: boolean): number;
}

const types: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ["f4", { bytes: 4, integer: false, read: (v, at, little) => v.getFloat32(at, little) }],
  ["f8", { bytes: 8, integer: false, read: (v, at, little) => v.getFloat64(at, little) }],
  ["i1", { bytes: 1, integer: true, read: (v, at) => v.getInt8(at) }],
  ["i2", { bytes: 2, integer: true, read: (v, at, little) => v.getInt16(at, little) }],
  ["i4", { bytes: 4, integer: true, read: (v, at, little) => v.getInt32(at, little) }],
  ["i8", { bytes: 8, integer: true, read: (v, at, little) => Number(v.getBigInt64(at, little)) }],
  ["u1", { bytes: 1, integer: true, read: (v, at) => v.getUint8(at) }],
  ["u2", { bytes: 2, integer: true, read: (v, at, little) => v.getUint16(at, little) }],
  ["u4", { bytes: 4, integer: true, read: (v, at, little) => v.getUint32(at, little) }],
  ["u8", { bytes: 8, integer: true, read: (v, at, little) => Number(v.getBigUint64(at, little)) }],
  ["b1", { bytes: 1, integer: true, read: (v, at) => (v.getUint8(at) === 0 ? 0 : 1) }],
]);

const unreadable = (type: string): string => `elements of type ${type} are none of ${[...types.keys()].join(", ")}`;

/** What a header may take; NumPy itself writes some hundred bytes. */
const MAX_HEADER = 65_536;

interface Header {
  readonly type: string;
  readonly little: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/** `name`: of the file, for messages. Every field of the header is held against the bytes that are there before memory is taken. */
export function readNpy(name: string, bytes: Uint8Array): DataValue {
  const fail = (why: string): never => {
    throw new UsageError(`${name} is no .npy array that can be read: ${why}`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 12 || magic.some((b, i) => bytes[i] !== b)) fail("it does not begin with \\x93NUMPY");
  const version = bytes[6];
  if (version < 1 || version > 3) fail(`version ${version} is not known`);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER) fail("its header is too long");
  if (start + length > bytes.length) fail("its header is cut off");
  const text = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(bytes.subarray(start, start + length));
  const header = readHeader(text, fail);
  const type = types.get(header.type) ?? fail(unreadable(header.type));
  const count = header.shape.reduce((n, d) => n * d, 1);
  const there = bytes.length - start - length;
  if (!Number.isSafeInteger(count) || count * type.bytes !== there) {
    fail(`shape [${header.shape.join(", ")}] of ${header.type} does not take the ${there} bytes that are there`);
  }
  if (type.bytes === 1 && header.type !== "i1" && !header.fortran) {
    const elements = bytes.subarray(start + length);
    return { shape: header.shape, values: header.type === "b1" ? elements.map((x) => (x === 0 ? 0 : 1)) : elements };
  }
  const values = new Float64Array(count);
  for (let i = 0, at = start + length; i < count; i++, at += type.bytes) values[i] = type.read(view, at, header.little);
  if (type.integer && values.some((v) => !Number.isSafeInteger(v))) fail("an integer is larger than 2^53");
  const ordered = header.fortran ? rowMajor(values, header.shape) : values;
  return { shape: header.shape, values: ordered, ...(!type.integer && count > 0 && { firstReal: 0 }) };
}

/** A Python dictionary of exactly three entries: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } */
function readHeader(text: string, fail: (why: string) => never): Header {
  const entries = new Map<string, string>();
  const body = /^\{(.*)\}\s*$/s.exec(text)?.[1] ?? fail("its header is not a dictionary");
  const entry = /\s*(?:'(\w+)'|"(\w+)")\s*:\s*('[^']*'|"[^"]*"|True|False|\([\d,\sL]*\))\s*(?:,|$)/y;
  while (body.slice(entry.lastIndex).trim() !== "") {
    const at = entry.lastIndex;
    const found = entry.exec(body) ?? fail(`its header is not understood: ${body.slice(at, at + 40).trim()}`);
    const key = found[1] ?? found[2];
    if (entries.has(key)) fail(`its header has ${key} twice`);
    entries.set(key, found[3]);
  }
  const field = (key: string) => entries.get(key) ?? fail(`its header lacks ${key}`);
  const descr = /^['"]([<>|=]?)([a-zA-Z]\d*)['"]$/.exec(field("descr")) ?? fail(unreadable(field("descr")));
  const order = field("fortran_order");
  if (order !== "True" && order !== "False") fail("its order is not understood");
  const sizes = /^\(([\d,\sL]*)\)$/.exec(field("shape")) ?? fail("its shape is not understood");
  const shape = sizes[1]
    .split(",")
    .map((s) => s.trim().replace(/L$/, ""))
    .filter((s) => s !== "")
    .map(Number);
  if (shape.length > MAX_AXES || shape.some((n) => !Number.isSafeInteger(n))) fail("its shape is not understood");
  return { type: descr[2], little: descr[1] !== ">", fortran: order === "True", shape };
}

/** Elements whose first index runs fastest, reordered so that the last one does. */
function rowMajor(values: Float64Array, shape: readonly number[]): Float64Array {
  const out = new Float64Array(values.length);
  const strides = shape.map((_, a) => shape.slice(0, a).reduce((n, d) => n * d, 1));
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let i = 0; i < values.length; i++) {
    out[i] = values[from];
    for (let a = shape.length - 1; a >= 0; a--) {
      from += strides[a];
      if (++index[a] < shape[a]) break;
      from -= strides[a] * shape[a];
      index[a] = 0;
    }
  }
  return out;
}
