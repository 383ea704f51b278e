// From constrained values back to coordinates: initial values, prior draws, points given by the user.
import { InternalError } from "../../runtime/errors.ts";
import { createBuilder } from "../../runtime/ir/builder.ts";
import { shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { simplify } from "../../runtime/ir/simplify.ts";
import { type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import { solveLower } from "../../runtime/numeric/linalg.ts";
import type { Rng } from "../../runtime/numeric/rng.ts";
import { compileWasm, instantiate } from "../../runtime/wasm/backend.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { BoundData } from "./bind-data.ts";
import { integersIn } from "./discrete.ts";
import type { DrawLayout, Piece } from "./piece.ts";
import { walk } from "./walk.ts";

/** Every latent, whole, by name. */
export type LatentValues = ReadonlyMap<string, ArrayLike<number>>;

/** Compiled once; bounds, locations and scales that depend on other latents are evaluated at the values given. With `rng`, what the values leave
 *  open of coordinates is drawn. */
export function makeUnconstrainer(
  model: CheckedModel,
  data: BoundData,
  { pieces: placed, shapes, discrete, width }: DrawLayout & { readonly shapes: ReadonlyMap<string, Shape> },
): (values: LatentValues, rng?: Rng) => Float64Array {
  const b = createBuilder();
  const inputs = [...shapes].map(([name, shape]) => b.input(name, { shape, dtype: "real" }));
  const given = Object.fromEntries([...shapes.keys()].map((name, i) => [name, inputs[i]]));
  const walked = walk(b, model, data, { kind: "values", values: integersIn(b, given, discrete) });
  const pieces = walked.pieces.filter((p) => !p.constraint.discrete);
  const needs = pieces.map((p) => [p.bounds.lower, p.bounds.upper, p.affine?.location, p.affine?.scale]);
  const outputs = needs.flat().filter((v): v is Value => v !== undefined);
  const program = instantiate(compileWasm(simplify(b, { inputs, outputs, updates: [] })));
  return (values, rng) => {
    for (const name of shapes.keys()) program.inputs[name]?.set(Array.from(values.get(name) ?? []));
    program.run();
    let next = 0;
    const out = new Float64Array(width);
    for (const s of discrete) out.set(Array.from(values.get(s.name) ?? []), s.offset);
    pieces.forEach((p, i) => {
      const [lower, upper, location, scale] = needs[i].map((v) => (v === undefined ? undefined : program.outputs[next++]));
      const x = elementsOf(p, shapes.get(p.name) ?? [], values.get(p.name) ?? []);
      const raw = p.affine ? unshift(p, p.affine, x, location, scale) : x;
      out.set(
        unconstrainPiece(
          p,
          raw,
          lower && spread(lower, shapeOf(needs[i][0] as Value), p),
          upper && spread(upper, shapeOf(needs[i][1] as Value), p),
          rng,
        ),
        placed[i].offset,
      );
    });
    return out;
  };
}

function elementsOf(p: Piece, whole: Shape, values: ArrayLike<number>): Float64Array {
  if (!p.coordinates) return Float64Array.from(values);
  const { coordinates } = p;
  const strides = stridesOf(whole);
  const width = sizeOf(whole.slice(coordinates.length));
  const count = coordinates[0].length;
  const out = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    const from = coordinates.reduce((sum, c, k) => sum + (c[i] - 1) * strides[k], 0);
    for (let k = 0; k < width; k++) out[i * width + k] = values[from + k];
  }
  return out;
}

function unconstrainPiece(
  p: Piece,
  raw: Float64Array,
  lower: Float64Array | undefined,
  upper: Float64Array | undefined,
  rng: Rng | undefined,
): Float64Array {
  const size = sizeOf(p.object);
  const parts: Float64Array[] = [];
  for (let at = 0; at < raw.length; at += size) {
    const u = p.constraint.unconstrain(raw.subarray(at, at + size), p.object, { lower: lower?.[at], upper: upper?.[at] });
    if (rng) p.constraint.redraw?.(rng, u);
    parts.push(u);
  }
  const out = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** (x - location) / scale, or the solution of scale @ raw = x - location. */
function unshift(
  p: Piece,
  affine: NonNullable<Piece["affine"]>,
  x: Float64Array,
  location: Float64Array | undefined,
  scale: Float64Array | undefined,
): Float64Array {
  const centre = location && affine.location ? spread(location, shapeOf(affine.location), p) : new Float64Array(x.length);
  if (!scale) throw new InternalError(`the scale of ${p.name} is not evaluated`);
  if (affine.kind === "elementwise") {
    const spreadScale = spread(scale, shapeOf(affine.scale), p);
    return x.map((v, i) => (v - centre[i]) / spreadScale[i]);
  }
  const n = p.shape[p.shape.length - 1];
  const out = new Float64Array(x.length);
  // Which matrix an object has: they broadcast over the axes in front.
  const lead = shapeOf(affine.scale).slice(0, -2);
  const numbers = Float64Array.from({ length: sizeOf(lead) }, (_, i) => i);
  const which = spread(numbers, lead, { shape: p.shape.slice(0, -1) });
  for (let at = 0; at < x.length; at += n) {
    const first = which[at / n] * n * n;
    out.set(
      solveLower(
        scale.subarray(first, first + n * n),
        x.subarray(at, at + n).map((v, i) => v - centre[at + i]),
        n,
      ),
      at,
    );
  }
  return out;
}

/** Broadcast to the shape of a piece, aligned at the right. */
function spread(values: Float64Array, from: Shape, { shape: to }: Pick<Piece, "shape">): Float64Array {
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
