// From constrained values back to coordinates: initial values, prior draws, points given by the user.
import { createBuilder } from "../../runtime/ir/builder.ts";
import { shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { interpret } from "../../runtime/ir/interpret.ts";
import { type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import { solveLower } from "../../runtime/numeric/linalg.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { BoundData } from "./bind-data.ts";
import type { Piece } from "./piece.ts";
import type { PlacedPiece } from "./target.ts";
import { walk } from "./walk.ts";

/** `values`: every latent, whole, by name. */
export function unconstrainAll(
  model: CheckedModel,
  data: BoundData,
  placed: readonly PlacedPiece[],
  shapes: ReadonlyMap<string, Shape>,
  values: ReadonlyMap<string, ArrayLike<number>>,
  dimension: number,
): Float64Array {
  const b = createBuilder();
  const given: Record<string, Value> = {};
  for (const [name, shape] of shapes) given[name] = b.tensor(Float64Array.from(values.get(name) ?? []), shape);
  const { pieces } = walk(b, model, data, { kind: "values", values: given });
  const out = new Float64Array(dimension);
  pieces.forEach((p, i) => {
    const x = elementsOf(p, shapes.get(p.name) ?? [], values.get(p.name) ?? []);
    out.set(unconstrainPiece(p, x), placed[i].offset);
  });
  return out;
}

function elementsOf(p: Piece, whole: Shape, values: ArrayLike<number>): Float64Array {
  if (!p.coordinates) return Float64Array.from(values);
  const axes = p.coordinates.length;
  const strides = stridesOf(whole);
  const width = sizeOf(whole.slice(axes));
  const out = new Float64Array(p.coordinates[0].length * width);
  for (let i = 0; i < p.coordinates[0].length; i++) {
    const from = p.coordinates.reduce((sum, c, k) => sum + (c[i] - 1) * strides[k], 0);
    for (let k = 0; k < width; k++) out[i * width + k] = values[from + k];
  }
  return out;
}

function unconstrainPiece(p: Piece, x: Float64Array): Float64Array {
  const raw = p.affine ? unshift(p, p.affine, x) : x;
  const size = sizeOf(p.object);
  const limits = [p.bounds.lower, p.bounds.upper].map((v) => (v ? interpret([v], {})[0] : undefined));
  const parts: number[] = [];
  for (let at = 0; at < raw.length; at += size) {
    const bound = (v: Float64Array | undefined) => (v === undefined ? undefined : v[v.length === 1 ? 0 : at]);
    const one = p.constraint.unconstrain(raw.subarray(at, at + size), p.object, { lower: bound(limits[0]), upper: bound(limits[1]) });
    parts.push(...one);
  }
  return Float64Array.from(parts);
}

/** (x - location) / scale, or the solution of scale @ raw = x - location. */
function unshift(p: Piece, affine: NonNullable<Piece["affine"]>, x: Float64Array): Float64Array {
  const over = (v: Value | undefined, fallback: number): Float64Array => {
    if (!v) return new Float64Array(x.length).fill(fallback);
    return spread(interpret([v], {})[0], shapeOf(v), p.shape);
  };
  if (affine.kind === "elementwise") {
    const [location, scale] = [over(affine.location, 0), over(affine.scale, 1)];
    return x.map((v, i) => (v - location[i]) / scale[i]);
  }
  const n = p.shape[p.shape.length - 1];
  const location = over(affine.location, 0);
  const scales = interpret([affine.scale], {})[0];
  const out = new Float64Array(x.length);
  for (let at = 0, k = 0; at < x.length; at += n, k++) {
    const l = scales.length === n * n ? scales : scales.subarray(k * n * n, (k + 1) * n * n);
    out.set(solveLower(l, x.subarray(at, at + n).map((v, i) => v - location[at + i]), n), at);
  }
  return out;
}

/** Broadcast to a shape, aligned at the right. */
function spread(values: Float64Array, from: Shape, to: Shape): Float64Array {
  const strides = stridesOf(from);
  const out = new Float64Array(sizeOf(to));
  for (let i = 0; i < out.length; i++) {
    let rest = i;
    let at = 0;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const index = rest % to[axis];
      rest = (rest - index) / to[axis];
      const own = axis - (to.length - from.length);
      if (own >= 0 && from[own] !== 1) at += index * strides[own];
    }
    out[i] = values[at];
  }
  return out;
}
