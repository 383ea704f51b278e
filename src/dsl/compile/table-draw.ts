// Draws from distributions over few integers by their probabilities, one after the other.
import { type Builder, shapeOf, type Value } from "../../runtime/ir/graph.ts";
import type { Shape } from "../../runtime/ir/type.ts";
import type { Applied, AppliedDraw } from "../distributions/applied.ts";
import { withTrailingAxis } from "../distributions/modifiers/sides.ts";
import { knownOf } from "./known.ts";

/** More values than this are no table. */
const MOST_VALUES = 1000;

/** Inversion over all values, where data alone decide on the least and the greatest of all elements; undefined where they do not. */
export function tableDraw(b: Builder, d: Applied): AppliedDraw | undefined {
  if (d.event !== 0 || !d.support.constraint.discrete) return undefined;
  const { lower, upper } = d.support.bounds(b);
  const [low, high] = [lower && knownOf(lower), upper && knownOf(upper)];
  if (!lower || !upper || !low || !high) return undefined;
  const least = Array.from(low).reduce((m, x) => Math.min(m, x), Number.POSITIVE_INFINITY);
  const greatest = Array.from(high).reduce((m, x) => Math.max(m, x), Number.NEGATIVE_INFINITY);
  const count = greatest - least + 1;
  if (!(count >= 1 && count <= MOST_VALUES)) return undefined;
  const beside = (bound: Value): Value => (shapeOf(bound).length > 0 ? b.reshape(bound, [...shapeOf(bound), 1]) : bound);
  return {
    gradient: "score",
    noise: (shape) => [{ kind: "uniform", shape }],
    build(_b, [u], shape: Shape) {
      const values = b.add(b.iota([count], 0), b.constant(least, "int"));
      const [from, to] = [beside(lower), beside(upper)];
      const near = b.min(b.max(values, b.cast(from, "int")), b.cast(to, "int"));
      const mass = b.exp(withTrailingAxis(b, d).logDensity(b, near));
      const isOwn = b.and(b.ge(values, from), b.le(values, to));
      const full = b.broadcastTo(b.select(isOwn, mass, b.constant(0)), [...shape, count]);
      const sums = b.cumsum(full);
      const axis = shape.length;
      // Of their own sum: rounding leaves it beside 1.
      const total = b.slice(sums, axis, count - 1, 1);
      const passed = b.ge(b.mul(b.reshape(u, [...shape, 1]), total), b.slice(sums, axis, 0, count - 1));
      const place = count > 1 ? b.sum(b.cast(passed, "int"), [axis]) : b.broadcastTo(b.constant(0, "int"), shape);
      return b.add(place, b.constant(least, "int"));
    },
  };
}
