// The nodes that values depend on, in topological order.
import type { Node, Value } from "./graph.ts";

/** Every node that the values need, inputs and constants included, each after those it reads. */
export function nodesOf(values: readonly Value[]): Node[] {
  const seen = new Set<Node>();
  const pending: Node[] = [];
  const visit = (v: Value) => {
    if (!seen.has(v.node)) {
      seen.add(v.node);
      pending.push(v.node);
    }
  };
  values.forEach(visit);
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) node.inputs.forEach(visit);
  return [...seen].sort((a, b) => a.id - b.id);
}

/** Of the nodes that `roots` need, those that depend on one of `sources`; a source's own node only if it depends on another. */
export function nodesBetween(sources: Iterable<Value>, roots: readonly Value[]): Node[] {
  const start = new Set(sources);
  const dependent = new Set<Node>();
  return nodesOf(roots).filter((node) => {
    const depends = node.inputs.some((v) => start.has(v) || dependent.has(v.node));
    if (depends) dependent.add(node);
    return depends;
  });
}
