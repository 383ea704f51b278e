// One ~ statement of a latent: its coordinates in the unconstrained vector and how they become constrained values.

import { vectorize } from "../../runtime/ir/batch.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Axis, DiscreteSlot } from "../../runtime/target.ts";
import type { Bounds, Constraint } from "../constraints/define.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Applied } from "../distributions/applied.ts";
import { overEvents } from "../distributions/events.ts";
import type { Rows } from "./rows.ts";

/** A latent, or a part of one, as it is sampled. */
export interface Piece {
  readonly name: string;
  readonly constraint: Constraint;
  /** Shape of the constrained array: rows, then the element. */
  readonly shape: Shape;
  /** The plates that its leading axes count. */
  readonly plates: readonly Axis[];
  /** Axes in front of one constrained object. */
  readonly lead: Shape;
  /** One constrained object. */
  readonly object: Shape;
  /** Bounds that broadcast to `shape` (constraints on numbers), or are scalars. */
  readonly bounds: Bounds<Value>;
  /** x = location + scale * raw: what is sampled is raw. Aligned to `shape`, the axes of an object included; a matrix scale keeps its two axes. */
  readonly affine?: {
    readonly kind: "elementwise" | "cholesky";
    readonly location?: Value;
    readonly scale: Value;
    readonly raw: Applied;
  };
  /** Where the elements lie in the latent's array, 1-based, an entry a subscript; absent: the piece is the whole. */
  readonly coordinates?: readonly Float64Array[];
  readonly span: SourceSpan;
}

export function unconstrainedShape(p: Pick<Piece, "lead" | "object" | "constraint">): Shape {
  return [...p.lead, ...p.constraint.unconstrainedShape(p.object)];
}
export const unconstrainedSize = (p: Piece): number => sizeOf(unconstrainedShape(p));

/** From coordinates of `unconstrainedShape` to values of `shape`, with the log-Jacobian over the objects (over the elements, for numbers). */
export function constrainPiece(
  b: Builder,
  p: Piece,
  u: Value,
): { readonly x: Value; readonly raw: Value; readonly jacobian: Value } {
  if (p.constraint.event === 0) {
    const { x, logDetJacobian } = p.constraint.constrain(b, u, p.bounds, p.shape);
    return finish(b, p, x, logDetJacobian);
  }
  const rank = p.constraint.unconstrainedShape(p.object).length;
  const part = (which: "x" | "logDetJacobian") =>
    overEvents(b, [{ value: u, rank }], ([one]) => p.constraint.constrain(b, one, p.bounds, p.object)[which]);
  return finish(b, p, part("x"), part("logDetJacobian"));
}

function finish(
  b: Builder,
  p: Piece,
  raw: Value,
  jacobian: Value,
): { readonly x: Value; readonly raw: Value; readonly jacobian: Value } {
  return { x: p.affine ? shift(b, p.affine, raw) : raw, raw, jacobian };
}

/** location + scale * raw */
function shift(b: Builder, a: NonNullable<Piece["affine"]>, raw: Value): Value {
  if (a.kind === "elementwise") {
    const scaled = b.mul(a.scale, raw);
    return a.location ? b.add(a.location, scaled) : scaled;
  }
  const args = [{ value: raw, rank: 1 }, { value: a.scale, rank: 2 }, ...(a.location ? [{ value: a.location, rank: 1 }] : [])];
  return overEvents(b, args, ([r, scale, location]) => (location ? b.add(location, b.matmul(scale, r)) : b.matmul(scale, r)));
}

/** The coordinates of a piece out of its latent's whole value, as a graph; undefined where the constraint, or a matrix scale, has no inverse in
 *  closed form. */
export function invertPiece(b: Builder, p: Piece, whole: Value): Value | undefined {
  const x = elementsOf(b, p, whole);
  const { affine, constraint } = p;
  if (affine?.kind === "cholesky" || constraint.invert === undefined) return undefined;
  const centred = affine?.location ? b.sub(x, affine.location) : x;
  const raw = affine ? b.div(centred, affine.scale) : centred;
  return b.broadcastTo(constraint.invert(b, raw, p.bounds), p.shape);
}

/** The elements of the piece, of its shape. */
export function elementsOf(b: Builder, { coordinates, shape }: Piece, whole: Value): Value {
  if (!coordinates) return whole;
  const lead = shapeOf(whole).slice(0, coordinates.length);
  const rest = shapeOf(whole).slice(coordinates.length);
  const places = coordinates[0].map((_, i) => coordinates.reduce((at, axis, k) => at * lead[k] + axis[i] - 1, 0));
  const isAll = places.length === sizeOf(lead) && places.every((place, i) => place === i);
  if (isAll) return b.reshape(whole, shape);
  const flat = b.reshape(whole, [sizeOf(lead), ...rest]);
  return b.reshape(b.gather(flat, b.tensor(places, [places.length], "int")), shape);
}

/** log |dx/draw| over the elements (elementwise) or objects of the piece: what the density of x lacks beside the density of raw. */
export function logScale(b: Builder, p: Piece): Value | undefined {
  if (!p.affine) return undefined;
  const { kind, scale } = p.affine;
  if (kind === "elementwise") {
    const log = b.log(b.abs(scale));
    if (p.constraint.event === 0) return b.broadcastTo(log, p.shape);
    // The scale of an object stretches each of its free coordinates.
    const free = b.constant(sizeOf(p.constraint.unconstrainedShape(p.object)));
    return b.broadcastTo(b.mul(free, b.reshape(log, shapeOf(log).slice(0, shapeOf(log).length - p.object.length))), p.lead);
  }
  const objects = p.shape.slice(0, p.shape.length - 1);
  const logs = overEvents(b, [{ value: scale, rank: 2 }], ([s]) => b.logAbsDet(s));
  return b.broadcastTo(logs, objects);
}

/** A value of each row for use beside arrays of shape [rows…, element…]: the rows' axes in front (size 1 where it does not vary), own axes behind,
 *  size-1 axes between them. A value that varies with no row stays as it is. */
export function alignToRows(b: Builder, value: Value, rows: Rows, elementRank: number): Value {
  const own = shapeOf(value);
  let out = value;
  const extents: number[] = [];
  let varies = false;
  for (let k = rows.length - 1; k >= 0; k--) {
    const map = new Map(rows[k].ordinals.map((o): [Value, Value] => [o.symbol, b.tensor(o.indices, [rows[k].size], "int")]));
    const { values, batched } = vectorize(b, [out], map, rows[k].size);
    varies ||= batched[0];
    extents.unshift(batched[0] ? rows[k].size : 1);
    out = batched[0] ? values[0] : b.reshape(out, [1, ...shapeOf(out)]);
  }
  if (!varies) return value;
  return b.reshape(out, [...extents, ...new Array<number>(Math.max(0, elementRank - own.length)).fill(1), ...own]);
}

/** A piece with its place in the unconstrained vector. */
export interface PlacedPiece {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly shape: Shape;
}
/** What a draw is made of: coordinates of the pieces, `dimension` in number, then the values of discrete latents, `width` numbers in all. */
export interface DrawLayout {
  readonly pieces: readonly PlacedPiece[];
  readonly dimension: number;
  readonly discrete: readonly DiscreteSlot[];
  readonly width: number;
}
/** Coordinates of each piece in turn, from the unconstrained vector. */
export function takeFrom(b: Builder, u: Value, pieces: readonly PlacedPiece[]): () => Value {
  let next = 0;
  return () => {
    const { offset, size } = pieces[next++];
    return b.slice(u, 0, offset, size);
  };
}
/** Coordinates of each piece, given one by one. */
export function takeInTurn(coordinates: readonly Value[]): () => Value {
  let next = 0;
  return () => coordinates[next++];
}
