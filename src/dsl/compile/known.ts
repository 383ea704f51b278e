// Values that are known at bind: constants, and views of constants that the builder leaves unfolded (a repeated number).
import { constantOf, type Node, type Value } from "../../runtime/ir/graph.ts";
import { interpret } from "../../runtime/ir/interpret.ts";
import type { Numbers } from "../../runtime/ir/type.ts";

/** The elements of a value that depends on no input, or null. */
export function knownOf(v: Value): Numbers | null {
  return constantOf(v) ?? (dependsOnInput(v) ? null : interpret([v], {})[0]);
}

function dependsOnInput(v: Value): boolean {
  const seen = new Set<Node>();
  const pending = [v.node];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.op === "input") return true;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) pending.push(input.node);
  }
  return false;
}
