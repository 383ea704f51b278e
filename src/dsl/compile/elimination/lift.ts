// Functions of single numbers before these are looked up: log(theta)[n] in place of log(theta[n]) where theta has fewer elements than are read of it.
import { type Builder, type Node, shapeOf, type Value } from "../../../runtime/ir/graph.ts";
import { nodesOf } from "../../../runtime/ir/order.ts";
import { gather } from "../../../runtime/ir/primitives/gather.ts";
import { broadcastTo, reshape, slice, transpose } from "../../../runtime/ir/primitives/shape.ts";
import { sizeOf } from "../../../runtime/ir/type.ts";

const choosing: ReadonlySet<unknown> = new Set([gather, reshape, transpose, broadcastTo, slice]);
/** Less is not worth a table of its own. */
const LEAST_COST = 3;

export function liftFunctions(b: Builder, root: Value): Value {
  const results = new Map<Node, readonly Value[]>();
  const of = (v: Value): Value => results.get(v.node)?.[v.index] ?? v;
  for (const node of nodesOf([root])) {
    if (typeof node.op === "string") continue;
    const inputs = node.inputs.map(of);
    const isChanged = inputs.some((v, i) => v !== node.inputs[i]);
    const lifted = lift(b, node, inputs);
    if (lifted) results.set(node, [lifted]);
    else if (isChanged) results.set(node, b.apply(node.op, inputs, node.attrs));
  }
  return of(root);
}

function lift(b: Builder, node: Node, inputs: readonly Value[]): Value | undefined {
  const { op } = node;
  if (typeof op === "string" || !op.elementwise || inputs.length !== 1 || (op.cost ?? 1) < LEAST_COST) return undefined;
  const size = sizeOf(node.results[0].shape);
  // From the value down to the smallest table that it is chosen from.
  const chain: Node[] = [];
  let best: { readonly table: Value; readonly depth: number } | undefined;
  for (let v = inputs[0]; typeof v.node.op !== "string" && choosing.has(v.node.op); ) {
    chain.push(v.node);
    [v] = v.node.inputs;
    if (sizeOf(shapeOf(v)) < Math.min(size, best ? sizeOf(shapeOf(best.table)) : size)) best = { table: v, depth: chain.length };
  }
  if (!best) return undefined;
  let out = b.apply(op, [best.table], node.attrs)[0];
  for (const n of chain.slice(0, best.depth).reverse())
    if (typeof n.op !== "string") out = b.apply(n.op, [out, ...n.inputs.slice(1)], n.attrs)[0];
  return out;
}
