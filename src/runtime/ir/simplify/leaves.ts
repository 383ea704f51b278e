// What stays a sum over elements when all that is cheaper has been split off.
import { shapeOf, type Value } from "../graph.ts";
import { formatShape } from "../type.ts";
import type { Session } from "./session.ts";
import type { Weights } from "./weights.ts";

/** Σ weights · value */
export interface Leaf {
  readonly value: Value;
  readonly weights: Weights;
}

/** The sums, settled: leaves of one shape and one weight, up to the sign, share one, so that splitting makes no more passes over memory. */
export function leafSums(s: Session, leaves: readonly Leaf[]): Value[] {
  const { b } = s;
  const settle = (v: Value): Value => {
    s.settled.add(v);
    return v;
  };
  const groups = new Map<string, { readonly weight: number; readonly value: Value }[]>();
  const out: Value[] = [];
  for (const { value, weights } of leaves) {
    const shape = shapeOf(value);
    if (typeof weights !== "number") {
      out.push(settle(b.sum(b.mul(b.tensor(weights, shape), value))));
      continue;
    }
    const key = `${formatShape(shape)} ${Math.abs(weights)}`;
    groups.set(key, [...(groups.get(key) ?? []), { weight: weights, value }]);
  }
  for (const [first, ...others] of groups.values()) {
    const joined = others.reduce(
      (x, { value, weight }) => (weight === first.weight ? b.add(x, value) : b.sub(x, value)),
      first.value,
    );
    out.push(b.mul(b.constant(first.weight), settle(b.sum(joined))));
  }
  return out;
}
