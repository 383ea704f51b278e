// Primitives that the iterative functions of the math library compute: elementwise, dear, and in float64 on every backend.
import { iterativeFunction } from "../../numeric/iterative.ts";
import type { IterativeFunction } from "../../wasm/vector-emitter.ts";
import type { Builder, Value } from "../graph.ts";
import type { Primitive, Probe } from "../primitive.ts";
import { pointwise } from "./pointwise.ts";
import { hosted } from "./tensor-rules.ts";

/** Flops of a function that is evaluated once. */
export const COST = 2000;
export const HALF_LOG_TWO_PI = 0.9189385332046728;

/** `derivatives`: by each operand, of y = f(xs). */
export function iterative(
  name: IterativeFunction,
  cost: number,
  derivatives: (b: Builder, xs: readonly Value[], y: Value) => readonly (Value | null)[],
  probes: readonly Probe<null>[],
  differenced = false,
): Primitive<null> {
  return pointwise({
    name,
    host: iterativeFunction(name),
    emit: (w, ...xs) => w.iterate(name, ...xs),
    tfjs: hosted,
    gradient: (b, ct, xs, y) => derivatives(b, xs, y).map((d) => d && b.mul(ct, d)),
    cost,
    differenced,
    probes,
  });
}
export const at = (b: Builder, op: Primitive<null>, xs: readonly Value[]): Value => b.apply(op, xs, null)[0];

/** Derivatives of third and higher order by a parameter: central differences of the second, extrapolated once (Richardson 1911). Steps are small
 *  beside a and beside the deviation of log x, 1/√a: the relative error is 1e-9 or so. */
export function bySecondDifference(b: Builder, a: Value, second: (a: Value) => Value): Value {
  const step = b.mul(b.constant(1 / 256), b.div(a, b.sqrt(b.add(a, b.constant(1)))));
  const slope = (h: Value): Value => b.div(b.sub(second(b.add(a, h)), second(b.sub(a, h))), b.mul(b.constant(2), h));
  const narrow = slope(b.mul(b.constant(0.5), step));
  return b.div(b.sub(b.mul(b.constant(4), narrow), slope(step)), b.constant(3));
}
