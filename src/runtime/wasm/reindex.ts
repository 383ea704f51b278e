// From the index of a result to those of the operand's elements behind it.
import { InternalError } from "../errors.ts";
import { shapeOf, type Value } from "../ir/graph.ts";
import type { AssembleAttrs } from "../ir/primitives/shape.ts";
import type { Shape } from "../ir/type.ts";
import { boundsOf, constantIndex, flatten, type Index, plus, scale, shifted, unflatten, zero } from "./indices.ts";

/** Aligned at the right; an axis of size 1 is read at 0. */
export function broadcastIndex(index: readonly Index[], shape: Shape): Index[] {
  const missing = index.length - shape.length;
  return shape.map((size, k) => (size === 1 ? zero : index[missing + k]));
}

/** The element that a view shows; null where it is none or does not fall apart by axes. */
export function viewedIndex(v: Value, index: readonly Index[]): readonly Index[] | null {
  const { op } = v.node;
  if (typeof op === "string" || op.wasm.kind !== "view") throw new InternalError("not a view");
  const rule = op.wasm.index(v.node);
  switch (rule.kind) {
    case "iota":
      return null;
    case "reshape":
      return unflatten(flatten(index, shapeOf(v)), shapeOf(v.node.inputs[0]));
    case "affine":
      return rule.axes.map(({ offset, terms }) =>
        terms.reduce((sum, { axis, stride }) => plus(sum, scale(index[axis], stride)), constantIndex(offset)),
      );
  }
}

/** The piece of an assembly in which the index surely lies, or the zero between pieces. */
export function pieceAt(
  v: Value,
  index: readonly Index[],
): { readonly piece: Value; readonly index: Index[] } | "zero" | "several" {
  const { axis, offsets } = v.node.attrs as AssembleAttrs;
  const { min, max } = boundsOf(index[axis]);
  const end = (i: number): number => offsets[i] + shapeOf(v.node.inputs[i])[axis];
  const meets = offsets.flatMap((offset, i) => (offset <= max && end(i) > min ? [i] : []));
  if (meets.length === 0) return "zero";
  const [only] = meets;
  if (meets.length > 1 || offsets[only] > min || end(only) <= max) return "several";
  return { piece: v.node.inputs[only], index: index.map((i, k) => (k === axis ? shifted(i, -offsets[only]) : i)) };
}

/** Where the elements lie that a reduction combines into the one at `index`, in row-major order. */
export function foldedIndices(shape: Shape, axes: readonly number[], index: readonly Index[]): Index[][] {
  const at: Index[] = shape.map(() => zero);
  const kept = shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  kept.forEach((axis, i) => {
    at[axis] = index[i];
  });
  const out: Index[][] = [];
  const visit = (k: number): void => {
    if (k === axes.length) {
      out.push([...at]);
      return;
    }
    for (let i = 0; i < shape[axes[k]]; i++) {
      at[axes[k]] = constantIndex(i);
      visit(k + 1);
    }
  };
  visit(0);
  return out;
}
