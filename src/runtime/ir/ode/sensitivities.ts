// Forward sensitivities: dy/dt = f(t, y, x) with S = ∂y/∂x beside it, dS/dt = (∂f/∂y) S + ∂f/∂x, is a larger initial value problem. Steps of a
// method taken by both are the derivative of the steps that y takes: what comes out is the gradient of the numbers computed, at fixed steps.
import { createBuilder } from "../builder.ts";
import { pullback } from "../gradient.ts";
import { type Builder, shapeOf, typeOf, type Value } from "../graph.ts";
import { closeOver, instantiate } from "../loop/body.ts";
import { substitute } from "../substitute.ts";
import { real, sizeOf } from "../type.ts";
import type { OdeAttrs } from "./ode.ts";

export interface Widened {
  readonly attrs: OdeAttrs;
  /** Of S. */
  readonly columns: number;
}

/** The problem of the components [N] and of their sensitivities [N, columns], row by row: by the first `begins` components as they begin, then
 *  by each element of these frees. */
export function widen(attrs: OdeAttrs, begins: number, learnt: readonly number[]): Widened {
  const { body, pieces, tail } = attrs;
  const size = shapeOf(body.params[1])[0];
  const columns = begins + learnt.reduce((s, i) => s + sizeOf(shapeOf(body.params[2 + i])), 0);
  if (columns === 0) return { attrs, columns };
  const b = createBuilder();
  const t = b.input("t", real([]));
  const all = b.input("y", real([size * (1 + columns)]));
  const frees = body.params.slice(2).map((p, i) => b.input(`x${i}`, typeOf(p)));
  // Components are symbols until all is differentiated: of a vector of them, elements would be seen through.
  const parts = Array.from({ length: size }, (_, i) => b.input(`y${i}`, real([])));
  const [slope] = instantiate(b, body, [t, b.stack(parts, 0), ...frees]);
  const rows = Array.from({ length: size }, (_, i) => b.slice(all, 0, size + i * columns, columns));
  const slopes = Array.from({ length: size }, (_, i) => b.gather(slope, b.constant(i, "int")));
  const changes = slopes.map((value) => {
    const one = { value, cotangent: b.constant(1), mayVanish: false };
    const wrt = [...parts, ...learnt.map((i) => frees[i])];
    const derivatives = pullback(b, [one], wrt);
    const own = atPlaces(b, derivatives.slice(size), wrt.slice(size), begins, columns);
    const products = derivatives.slice(0, size).flatMap((d, k) => (d === null ? [] : [b.mul(d, rows[k])]));
    const terms = own === null ? products : [...products, own];
    return terms.length === 0 ? b.broadcastTo(b.constant(0), [columns]) : terms.reduce((s, x) => b.add(s, x));
  });
  const own = new Map(parts.map((p, i): [Value, Value] => [p, b.gather(all, b.constant(i, "int"))]));
  const { body: wide } = closeOver([t, all, ...frees], substitute(b, [b.concat([slope, ...changes], 0)], own));
  const unit = Array.from({ length: size * columns }, (_, k) =>
    k % columns === Math.floor(k / columns) && k % columns < begins ? 1 : 0,
  );
  return {
    columns,
    attrs: {
      ...attrs,
      body: wide,
      tail: [...tail, ...unit],
      pieces: [...pieces, ...rows.map(() => columns)],
      base: attrs,
    },
  };
}

/** ∂f/∂x of the parameters, in the columns that are theirs; null where there is none. */
function atPlaces(
  b: Builder,
  derivatives: readonly (Value | null)[],
  wrt: readonly Value[],
  begins: number,
  columns: number,
): Value | null {
  const pieces: Value[] = [];
  const offsets: number[] = [];
  let at = begins;
  derivatives.forEach((d, i) => {
    const count = sizeOf(shapeOf(wrt[i]));
    if (d !== null) {
      pieces.push(b.reshape(d, [count]));
      offsets.push(at);
    }
    at += count;
  });
  return pieces.length === 0 ? null : b.assemble(pieces, 0, offsets, columns);
}
