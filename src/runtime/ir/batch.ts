// Vectorization: a graph over a new leading axis of some of its values, node by node, by the batch rules of the primitives.
import { InternalError } from "../errors.ts";
import { type Builder, type Node, shapeOf, type Value } from "./graph.ts";
import { nodesBetween } from "./order.ts";

export interface Vectorized {
  readonly values: Value[];
  /** Which of the values have the new axis. Those that depend on nothing replaced come back as they were. */
  readonly batched: boolean[];
}

/** `roots` with each key of `replacements` replaced by its value, which has a new leading axis of length `size`. */
export function vectorize(
  b: Builder,
  roots: readonly Value[],
  replacements: ReadonlyMap<Value, Value>,
  size: number,
): Vectorized {
  for (const [v, replacement] of replacements) {
    const expected = [size, ...shapeOf(v)];
    if (String(shapeOf(replacement)) !== String(expected)) {
      throw new InternalError(`[${shapeOf(replacement)}] cannot replace ${size} times [${shapeOf(v)}]`);
    }
  }
  const results = new Map<Node, readonly Value[]>();
  const replaced = (v: Value): Value | undefined => replacements.get(v) ?? results.get(v.node)?.[v.index];
  for (const node of nodesBetween(replacements.keys(), roots)) {
    if (typeof node.op === "string") continue;
    const own = node.inputs.map(replaced);
    const inputs = node.inputs.map((v, i) => own[i] ?? v);
    const batched = own.map((v) => v !== undefined);
    results.set(node, node.op.batch(b, inputs, batched, node.attrs));
  }
  const values = roots.map(replaced);
  return { values: roots.map((v, i) => values[i] ?? v), batched: values.map((v) => v !== undefined) };
}
