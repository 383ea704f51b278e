// Arrays in the container of MNIST (Y. LeCun): two zero bytes, a type, the number of axes, their sizes big-endian, the elements.
import { UsageError } from "../../runtime/errors.ts";
import type { Numbers } from "../../runtime/ir/type.ts";
import { MAX_AXES, MOST_NUMBERS } from "./collector.ts";
import type { DataValue } from "./value.ts";

interface ElementType {
  readonly bytes: number;
  readonly integer: boolean;
  read(view: DataView, at: number, count: number): Numbers;
}
const reals =
  (bytes: number, read: (view: DataView, at: number) => number): ElementType["read"] =>
  (view, at, count) =>
    Float64Array.from({ length: count }, (_, i) => read(view, at + bytes * i));
const types: ReadonlyMap<number, ElementType> = new Map<number, ElementType>([
  [8, { bytes: 1, integer: true, read: (v, at, count) => new Uint8Array(v.buffer, v.byteOffset + at, count) }],
  [9, { bytes: 1, integer: true, read: reals(1, (v, at) => v.getInt8(at)) }],
  [11, { bytes: 2, integer: true, read: reals(2, (v, at) => v.getInt16(at)) }],
  [12, { bytes: 4, integer: true, read: reals(4, (v, at) => v.getInt32(at)) }],
  [13, { bytes: 4, integer: false, read: reals(4, (v, at) => v.getFloat32(at)) }],
  [14, { bytes: 8, integer: false, read: reals(8, (v, at) => v.getFloat64(at)) }],
]);

/** `name`: of the file, for messages. Sizes are held against the bytes that are there before memory is taken. */
export function readIdx(name: string, bytes: Uint8Array): DataValue {
  const fail = (why: string): never => {
    throw new UsageError(`${name} is no idx array that can be read: ${why}`);
  };
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) fail("it does not begin with two zero bytes");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = types.get(bytes[2]) ?? fail(`elements of type ${bytes[2]} are not known`);
  const axes = bytes[3];
  if (axes === 0 || axes > MAX_AXES) fail(`it has ${axes} axes`);
  const start = 4 + 4 * axes;
  if (bytes.length < start) fail("its sizes are cut off");
  const shape = Array.from({ length: axes }, (_, k) => view.getUint32(4 + 4 * k));
  const count = shape.reduce((n, d) => n * d, 1);
  const there = bytes.length - start;
  if (count > MOST_NUMBERS || count * type.bytes !== there)
    fail(
      `shape [${shape.join(", ")}] takes ${count * type.bytes} bytes, and ${there} are there${there < count * type.bytes ? ": it is cut off" : ""}`,
    );
  return {
    shape,
    values: type.read(view, start, count),
    ...(type.integer || count === 0 ? {} : { firstReal: 0 }),
    recut: true,
  };
}
