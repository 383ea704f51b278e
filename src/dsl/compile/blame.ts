// Why a log density is not finite at a point: which statement, which element, which values.
import { createBuilder } from "../../runtime/ir/builder.ts";
import { gradient } from "../../runtime/ir/gradient.ts";
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import { interpret } from "../../runtime/ir/interpret.ts";
import { type Shape, sizeOf } from "../../runtime/ir/type.ts";
import type { Blame } from "../../runtime/target.ts";
import type { CheckedModel } from "../check/checked-model.ts";
import type { BoundData } from "./bind-data.ts";
import { givenFrom } from "./discrete.ts";
import { type DrawLayout, type PlacedPiece, takeFrom } from "./piece.ts";
import { type LoweredTerm, total, type Walk, walk } from "./walk.ts";

export function blameAt(model: CheckedModel, data: BoundData, layout: DrawLayout, q: Float64Array): Blame {
  const { pieces, dimension, discrete, width } = layout;
  const b = createBuilder();
  // An input, not a constant: what depends on it is not data, and is not checked as data are.
  const u = b.input("q", { shape: [q.length], dtype: "real" });
  const w = walk(
    b,
    model,
    data,
    {
      kind: "coordinates",
      merged: false,
      take: takeFrom(b, width > dimension ? b.slice(u, 0, 0, dimension) : u, pieces),
      ...(discrete.length > 0 && q.length === width ? { given: givenFrom(b, u, discrete, 0) } : {}),
    },
    { sums: true },
  );
  const terms = [...w.terms, ...w.jacobian];
  const numbers = interpret(
    terms.map((t) => t.value),
    { q },
  );
  let logDensity = 0;
  for (const values of numbers) for (const v of values) logDensity += v;
  const culprits = terms.flatMap((t, i) => culprit(t, numbers[i], q));
  return { logDensity, culprits, badGradient: culprits.length > 0 ? [] : badSlopes(b, u, w, pieces, q) };
}

/** Coordinates by which the derivative is not finite, where the density is. */
function badSlopes(b: Builder, u: Value, w: Walk, pieces: readonly PlacedPiece[], q: Float64Array): Blame["badGradient"] {
  const [slopes] = interpret(gradient(b, total(b, [...w.terms, ...w.jacobian]), [u]), { q });
  return pieces.flatMap(({ name, offset, size, shape }) => {
    const at = slopes.subarray(offset, offset + size).findIndex((v) => !Number.isFinite(v));
    if (at < 0) return [];
    // Coordinates are the elements, one by one, unless the type ties them together.
    const element = size === sizeOf(shape) && shape.length > 0 ? `[${indexOf(at, shape).join(", ")}]` : "";
    return [{ name: `${name}${element}`, value: slopes[offset + at] }];
  });
}

function culprit(t: LoweredTerm, values: Float64Array, q: Float64Array): Blame["culprits"][number][] {
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return [];
  const shape = shapeOf(t.value);
  const element = indexOf(bad, shape);
  const inputs = t.inputs().flatMap(({ name, value }) => {
    const own = shapeOf(value);
    // The element of the input beside the bad element of the term: leading axes are the same rows.
    const at = own.length <= shape.length ? element.slice(0, own.length).map((k, axis) => Math.min(k, own[axis])) : [];
    if (own.length > shape.length) return [];
    const numbers = interpret([value], { q })[0];
    return [{ name, value: numbers[flatOf(at, own)] }];
  });
  const count = values.reduce((n, v) => (Number.isFinite(v) ? n : n + 1), 0);
  return [{ site: t.site, role: t.role, span: t.span, element, value: values[bad], count, of: sizeOf(shape), inputs }];
}

/** 1-based. */
function indexOf(flat: number, shape: Shape): number[] {
  const out: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    out.unshift((flat % shape[axis]) + 1);
    flat = Math.floor(flat / shape[axis]);
  }
  return out;
}

const flatOf = (index: readonly number[], shape: Shape): number =>
  index.reduce((flat, k, axis) => flat * shape[axis] + (k - 1), 0);
