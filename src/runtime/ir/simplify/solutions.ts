// A differential equation that is solved with its sensitivities is not solved once more without them: the solution is the same to the bit.
import { type Builder, shapeOf, type Value } from "../graph.ts";
import { type OdeAttrs, ode } from "../ode/ode.ts";
import { nodesOf } from "../order.ts";
import { substitute } from "../substitute.ts";

export function sharedSolutions(b: Builder, roots: readonly Value[]): Value[] {
  const nodes = nodesOf(roots);
  const replaced = new Map<Value, Value>();
  for (const { op, inputs, attrs, results } of nodes) {
    if (op !== ode) continue;
    const { base } = attrs as OdeAttrs;
    if (base === null) continue;
    const [alone] = b.apply(ode, inputs, base);
    if (!nodes.includes(alone.node)) continue;
    const axis = results[0].shape.length - 1;
    replaced.set(alone, b.slice(b.apply(ode, inputs, attrs)[0], axis, 0, shapeOf(alone)[axis]));
  }
  return replaced.size === 0 ? [...roots] : substitute(b, roots, replaced);
}
