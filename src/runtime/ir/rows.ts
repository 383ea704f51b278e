// Some rows of a graph's results: rows are taken where they enter it, so that nothing else is computed for the others.
import { InternalError } from "../errors.ts";
import { type Builder, shapeOf, type Value } from "./graph.ts";
import { moveAxis } from "./primitives/axes.ts";
import type { Shape } from "./type.ts";

/** Rows of a result are made from rows of the inputs alone. */
// biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive
export interface RowsRule<A = any> {
  /** Of each input the axis along which its rows are those of the result; null where the input is the same for all rows. */
  readonly inputs: readonly (number | null)[];
  /** The attributes for another number of rows; absent: they do not change. */
  attrs?(rows: number): A;
}
/** A value and the axis that counts its rows. */
export interface Rowed {
  readonly value: Value;
  readonly axis: number;
}

/** For each of `roots` the rows at `indices` (0-based, an int vector), in their order: b.gather along its axis. `own` gives rows of values
 *  that the caller has already: an input with one row each of N (noise, latents) is replaced by one for the rows at hand. */
export function takeRows(
  b: Builder,
  roots: readonly Rowed[],
  indices: Value,
  own: ReadonlyMap<Value, Rowed> = new Map(),
): Value[] {
  const [count] = shapeOf(indices);
  const known = new Map<Value, Map<number, Value>>();
  for (const [from, { value, axis }] of own) {
    const expected = shapeOf(from).map((n, k) => (k === axis ? count : n));
    if (String(shapeOf(value)) !== String(expected))
      throw new InternalError(`rows of shape [${shapeOf(value)}] where [${expected}] belong`);
    known.set(from, new Map([[axis, value]]));
  }
  const rowsOf = (v: Value, axis: number): Value | undefined => {
    const found = known.get(v);
    return found?.get(axis) ?? (found && alongOther(b, found, shapeOf(v), axis));
  };
  const make = ({ value: v, axis }: Rowed, rule: RowsRule | null): Value => {
    const { node } = v;
    if (rule === null || typeof node.op === "string") return gatherAlong(b, v, axis, indices);
    const inputs = node.inputs.map((x, i) => {
      const along = rule.inputs[i];
      return along === null ? x : rowsOf(x, along)!;
    });
    return b.apply(node.op, inputs, rule.attrs ? rule.attrs(count) : node.attrs)[v.index];
  };
  // Graphs may be deeper than the stack of calls.
  const pending = [...roots];
  for (let wanted = pending.at(-1); wanted !== undefined; wanted = pending.at(-1)) {
    const { value, axis } = wanted;
    const rule = rowsOf(value, axis) === undefined ? ruleOf(wanted) : null;
    const missing = value.node.inputs.flatMap((x, i) => {
      const along = rule?.inputs[i] ?? null;
      return along === null || rowsOf(x, along) !== undefined ? [] : [{ value: x, axis: along }];
    });
    pending.push(...missing);
    if (missing.length > 0) continue;
    pending.pop();
    if (rowsOf(value, axis) !== undefined) continue;
    const entry = known.get(value) ?? new Map<number, Value>();
    known.set(value, entry.set(axis, make(wanted, rule)));
  }
  return roots.map(({ value, axis }) => rowsOf(value, axis)!);
}

/** Of one row each axis of size 1 may be taken for the one that counts rows, and a reshape cannot tell them apart: rows along one are rows
 *  along another. */
function alongOther(b: Builder, known: ReadonlyMap<number, Value>, shape: Shape, axis: number): Value | undefined {
  if (shape[axis] !== 1) return undefined;
  for (const [other, rows] of known) {
    if (shape[other] !== 1) continue;
    const swapped = shape.map((_, k) => (k === axis ? other : k === other ? axis : k));
    return b.transpose(rows, swapped);
  }
  return undefined;
}

function ruleOf({ value, axis }: Rowed): RowsRule | null {
  const { node, index } = value;
  if (typeof node.op === "string") return null;
  return node.op.elementwise ? elementwiseRule(value, axis) : (node.op.rows?.(node, axis, index) ?? null);
}

/** Broadcasting aligns axes from the right; an axis of size 1 is the same for all rows. */
function elementwiseRule({ node, index }: Value, axis: number): RowsRule {
  const rank = node.results[index].shape.length;
  const rows = node.results[index].shape[axis];
  return {
    inputs: node.inputs.map((x) => {
      const own = axis - rank + shapeOf(x).length;
      return own < 0 || (rows !== 1 && shapeOf(x)[own] === 1) ? null : own;
    }),
  };
}

function gatherAlong(b: Builder, v: Value, axis: number, indices: Value): Value {
  return moveAxis(b, b.gather(moveAxis(b, v, axis, 0), indices), 0, axis);
}
