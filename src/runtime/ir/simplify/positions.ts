// Where the elements of a value come from: views, gathers with constant indices and broadcasts as lists of flat positions.
import { broadcastPositions } from "../broadcast.ts";
import { shapeOf, type Value } from "../graph.ts";
import { gather } from "../primitives/gather.ts";
import { type Shape, sizeOf } from "../type.ts";
import type { Session } from "./session.ts";

/** For each row, the flat position of the element that it reads; null: row n reads element n. */
export type Positions = Int32Array | null;

export interface Source {
  readonly source: Value;
  readonly positions: Positions;
}

const sources = new WeakMap<object, Source | null>();
/** The value whose elements v repeats or reorders, or null where v is no such view. */
export function sourceOf(s: Session, v: Value): Source | null {
  const known = sources.get(v.node);
  if (known !== undefined) return known;
  const found = findSource(s, v);
  sources.set(v.node, found);
  return found;
}
function findSource(s: Session, v: Value): Source | null {
  const { op, inputs } = v.node;
  if (typeof op === "string" || inputs.length === 0) return null;
  const isGather = op === gather && s.isClosed(inputs[1]);
  if (!isGather && op.wasm.kind !== "view") return null;
  const own = Float64Array.from({ length: sizeOf(shapeOf(inputs[0])) }, (_, i) => i);
  const [from] = op.interpret(isGather ? [own, s.valuesOf(inputs[1])] : [own], v.node);
  const identity = from.length === own.length && from.every((at, i) => at === i);
  return { source: inputs[0], positions: identity ? null : Int32Array.from(from) };
}

/** Rows that read `outer` positions of a view whose elements are at `inner` positions of its source. */
export function compose(outer: Positions, inner: Positions): Positions {
  if (outer === null) return inner;
  if (inner === null) return outer;
  let known = composed.get(outer);
  if (known === undefined) composed.set(outer, (known = new WeakMap()));
  let positions = known.get(inner);
  if (positions === undefined) known.set(inner, (positions = outer.map((at) => inner[at])));
  return positions;
}
/** The same arrays give the same array, by which visits are told apart. */
const composed = new WeakMap<Int32Array, WeakMap<Int32Array, Int32Array>>();

const stretches = new Map<string, Positions>();
/** Positions in an operand of shape `from` that is broadcast to `to`. */
export function stretched(from: Shape, to: Shape): Positions {
  if (sizeOf(from) === sizeOf(to)) return null;
  if (sizeOf(to) > MEMOISED) return broadcastPositions(from, to);
  const key = `${from} ${to}`;
  let positions = stretches.get(key);
  if (positions === undefined) {
    positions = broadcastPositions(from, to);
    if (stretches.size > 64) stretches.clear();
    stretches.set(key, positions);
  }
  return positions;
}
const MEMOISED = 1 << 16;

export const at = (positions: Positions, row: number): number => (positions === null ? row : positions[row]);

export function samePositions(p: Positions, q: Positions): boolean {
  if (p === q) return true;
  return p !== null && q !== null && p.length === q.length && p.every((x, i) => x === q[i]);
}

/** Whether every element of a source of this size is read. */
export function coversAll(positions: Positions, size: number): boolean {
  if (positions === null) return true;
  const read = new Uint8Array(size);
  let count = 0;
  for (const p of positions) if (read[p] === 0) count += read[p] = 1;
  return count === size;
}

/** Elements of a value at flat positions, as a vector. */
export function elementsAt(s: Session, v: Value, positions: Int32Array): Value {
  return s.b.gather(s.flat(v), s.b.tensor(Float64Array.from(positions), [positions.length], "int"));
}
