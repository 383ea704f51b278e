// What a local identity is, and the questions that identities ask of their operands.
import { type Builder, constantOf, shapeOf, type Value } from "../graph.ts";
import type { Primitive } from "../primitive.ts";
import { broadcastTo } from "../primitives/shape.ts";
import { sizeOf } from "../type.ts";

/** A simpler value that equals the application of a primitive, or null. It may have fewer axes or a narrower element type where the
 *  builder can broadcast and cast it to what the primitive's type rule says. Exact but for roundings, the sign of a zero, and infinities that
 *  an intermediate result alone had (log e^x at 1000); of finite numbers none becomes NaN. */
// biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive
export type Identity<A = any> = (b: Builder, inputs: readonly Value[], attrs: A) => Value | null;
export type Identities = readonly (readonly [Primitive, Identity])[];

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive
export const on = <A = any>(op: Primitive<A>, identity: Identity<A>): readonly [Primitive, Identity] => [op, identity];

export const isA = (v: Value, op: Primitive): boolean => v.node.op === op;
/** The operand of a one-argument application of op, or null. */
export const under = (v: Value, op: Primitive): Value | null => (v.node.op === op ? v.node.inputs[0] : null);
/** The value of a scalar constant, also of one that is broadcast; NaN where it is none (which equals nothing). */
export function literal(v: Value): number {
  const origin = under(v, broadcastTo) ?? v;
  const values = constantOf(origin);
  return values !== null && values.length === 1 ? values[0] : Number.NaN;
}
/** The scalar that every element of v is a copy of, or null. */
export function uniform(b: Builder, v: Value): Value | null {
  const origin = under(v, broadcastTo);
  return origin !== null && sizeOf(shapeOf(origin)) === 1 ? b.reshape(origin, []) : null;
}
/** The first identity that applies, of several for one primitive. */
export const first =
  // biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive
    <A = any>(...rules: Identity<A>[]): Identity<A> =>
    (b, inputs, attrs) => {
      for (const rule of rules) {
        const simpler = rule(b, inputs, attrs);
        if (simpler !== null) return simpler;
      }
      return null;
    };
