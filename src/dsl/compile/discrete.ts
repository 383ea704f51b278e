// Discrete latents where they are not summed out: which there are, what values they may take, and their part of a draw.
import { UsageError } from "../../runtime/errors.ts";
import { broadcastIndex } from "../../runtime/ir/broadcast.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { type Shape, sizeOf, stridesOf } from "../../runtime/ir/type.ts";
import type { Assignment, DiscreteSlot } from "../../runtime/target.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { SourceSpan } from "../diagnostics.ts";
import type { Context } from "./context.ts";
import type { TooMany } from "./elimination/cost.ts";
import { readDiscrete } from "./elimination/read.ts";
import { knownOf } from "./known.ts";
import type { Piece } from "./piece.ts";
import { axesOf, namedValue, type Walk } from "./walk.ts";

/** The slots of the discrete latents of a walk, behind `dimension` coordinates; `pieces` are the statements that give them. */
export function discreteSlots(model: CheckedModel, w: Walk, pieces: readonly Piece[], dimension: number): DiscreteSlot[] {
  let offset = dimension;
  return [...new Set(pieces.map((p) => p.name))].map((name): DiscreteSlot => {
    const own = pieces.filter((p) => p.name === name);
    const value = namedValue(w, name);
    const shape = value ? shapeOf(value) : [];
    const size = sizeOf(shape);
    const slot = {
      name,
      offset,
      size,
      shape,
      lower: boundOf(own, shape, "lower"),
      upper: boundOf(own, shape, "upper"),
      statement: statementAt(model, own[0].span),
      plates: own.length === 1 ? own[0].plates : axesOf(w.context, []),
    };
    offset += size;
    return slot;
  });
}

/** One number an element; elements that no statement gives can be 0 alone. */
function boundOf(pieces: readonly Piece[], shape: Shape, side: "lower" | "upper"): Float64Array {
  const infinite = side === "lower" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const out = new Float64Array(sizeOf(shape));
  const strides = stridesOf(shape);
  for (const p of pieces) {
    const bound = p.bounds[side];
    const known = bound && knownOf(bound);
    const own = bound ? shapeOf(bound) : [];
    const at = (i: number): number => (known ? known[broadcastIndex(i, p.shape, own)] : infinite);
    if (!p.coordinates) {
      for (let i = 0; i < out.length; i++) out[i] = at(i);
      continue;
    }
    const { coordinates } = p;
    const [count] = [coordinates[0].length];
    const width = sizeOf(p.shape) / count;
    for (let i = 0; i < count; i++) {
      const from = coordinates.reduce((sum, c, k) => sum + (c[i] - 1) * strides[k], 0);
      for (let k = 0; k < width; k++) out[from + k] = at(i * width + k);
    }
  }
  return out;
}

/** The text of a statement on one line. */
function statementAt(model: CheckedModel, span: SourceSpan): string {
  const text = model.sources[span.file]?.text ?? "";
  return text.slice(span.start, span.end).replace(/\s+/gu, " ");
}

/** Values of the discrete latents from their part of a draw: a vector of as many numbers as they have elements. */
export function givenFrom(b: Builder, tail: Value, slots: readonly DiscreteSlot[], dimension: number): Assignment {
  return Object.fromEntries(
    slots.map((s) => [s.name, b.cast(b.reshape(b.slice(tail, 0, s.offset - dimension, s.size), s.shape), "int")]),
  );
}

/** The same assignment with integers for discrete latents. */
export function integersIn(b: Builder, values: Assignment, slots: readonly DiscreteSlot[]): Assignment {
  const given = slots.filter((s) => values[s.name]);
  if (given.length === 0) return values;
  return { ...values, ...Object.fromEntries(given.map((s) => [s.name, b.cast(values[s.name], "int")])) };
}

/** The message: which statement, which latent, why, and what can be done. */
export function refuseSum(model: CheckedModel, { piece, message, remedy }: TooMany): UsageError {
  const ways = remedy ?? "fewer values, or an engine that gives it a distribution of its own: --engine meanfield, or a guide";
  return new UsageError(`${piece.name} cannot be summed out (${statementAt(model, piece.span)}): ${message}. ${ways}`);
}

/** Refuses a latent whose values its coordinates alone do not tell, since bounds, or location and scale of standard coordinates, wait for what is summed out. */
export function refuseWaiting({ model }: Context, { name, span, bounds, affine }: Piece): void {
  const given = (values: readonly (Value | undefined)[]): boolean => readDiscrete(values.filter((v) => v !== undefined));
  const where = `(${statementAt(model, span)})`;
  if (given([affine?.location, affine?.scale]))
    throw new UsageError(
      `${name} is noncentered, and a discrete latent says where it is, or how wide ${where}: its values would wait for what is summed out. Leave noncentered out`,
    );
  if (given([bounds.lower, bounds.upper]))
    throw new UsageError(
      `a discrete latent says where ${name} may lie ${where}: its values would wait for what is summed out. Let its density depend on it, or take an engine that gives the discrete latent a distribution of its own: --engine meanfield, or a guide`,
    );
}
