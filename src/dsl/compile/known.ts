// Values that are known at bind: constants, and views of constants that the builder leaves unfolded (a repeated number).
import { type ConstantAttrs, constantOf, type Node, type Value } from "../../runtime/ir/graph.ts";
import { interpret } from "../../runtime/ir/interpret.ts";
import type { DType, Numbers } from "../../runtime/ir/type.ts";

/** The elements of a value that depends on no input, or null. What is made from parameters that are not folded counts as an input. */
export function knownOf(v: Value): Numbers | null {
  return constantOf(v) ?? (dependsOnInput(v) ? null : interpret([v], {})[0]);
}

/** Whether a value depends on more than data: the row numbers of loops are inputs of integers, all else that is not known is real. */
export const dependsOnLatents = (v: Value): boolean => dependsOnInput(v, "real");

function dependsOnInput(v: Value, dtype?: DType): boolean {
  const seen = new Set<Node>();
  const pending = [v.node];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const open = node.op === "input" || (node.op === "constant" && (node.attrs as ConstantAttrs).unfolded === true);
    if (open && (dtype === undefined || node.results[0].dtype === dtype)) return true;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) pending.push(input.node);
  }
  return false;
}
