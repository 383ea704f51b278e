// A graph with other values in place of some of its own.
import type { Builder, Value } from "./graph.ts";
import { nodesBetween } from "./order.ts";

/** `roots` with each key of `replacements` replaced by its value, which has the same type. */
export function substitute(b: Builder, roots: readonly Value[], replacements: ReadonlyMap<Value, Value>): Value[] {
  const results = new Map<Value["node"], readonly Value[]>();
  const replaced = (v: Value): Value => replacements.get(v) ?? results.get(v.node)?.[v.index] ?? v;
  for (const node of nodesBetween(replacements.keys(), roots)) {
    if (typeof node.op !== "string") results.set(node, b.apply(node.op, node.inputs.map(replaced), node.attrs));
  }
  return roots.map(replaced);
}
