// Derivatives along a direction, by the rules of reverse mode alone: the pullback of cotangents v is linear in v, and the pullback of that is the
// push-forward (Townsend 2017, "A new trick for calculating Jacobian vector products").

import { pullback } from "./gradient.ts";
import { type Builder, shapeOf, typeOf, type Value } from "./graph.ts";
import { symbol } from "./loop/make.ts";
import { substitute } from "./substitute.ts";
import { sizeOf } from "./type.ts";

/** How each of `values` changes as each of `wrt` moves along its tangent (null: not at all); null where it does not. */
export function pushforward(
  b: Builder,
  values: readonly Value[],
  wrt: readonly Value[],
  tangents: readonly (Value | null)[],
): (Value | null)[] {
  const cotangents = values.map((v) => symbol(b, typeOf(v)));
  const moved = wrt.flatMap((v, i) => (tangents[i] === null ? [] : [{ value: v, tangent: tangents[i]! }]));
  const pulled = pullback(
    b,
    values.map((value, i) => ({ value, cotangent: cotangents[i], mayVanish: false })),
    moved.map((m) => m.value),
  );
  const terms = pulled.flatMap((g, i) => (g === null ? [] : [b.sum(b.mul(g, moved[i].tangent))]));
  if (terms.length === 0) return values.map(() => null);
  const total = terms.reduce((s, x) => b.add(s, x));
  const changes = pullback(b, [{ value: total, cotangent: b.constant(1), mayVanish: false }], cotangents);
  // Guards ask whether a cotangent is 0: these are not, and nothing else is left of them.
  const some = new Map(cotangents.map((v): [Value, Value] => [v, generic(b, v)]));
  return changes.map((c) => (c === null ? null : substitute(b, [c], some)[0]));
}

/** Numbers that no sum or product makes 0. */
function generic(b: Builder, v: Value): Value {
  const shape = shapeOf(v);
  return b.tensor(
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => 1 + 0.6180339887498949 / (i + 1.7320508075688772)),
    shape,
  );
}
