// Forward sensitivities: dy/dt = f(t, y, x) with S = ∂y/∂x beside it, dS/dt = (∂f/∂y) S + ∂f/∂x, is a larger initial value problem. Steps of a
// method taken by both are the derivative of the steps that y takes: what comes out is the gradient of the numbers computed, at fixed steps.
import { vectorize } from "../batch.ts";
import { createBuilder } from "../builder.ts";
import { pullback } from "../gradient.ts";
import { type Builder, shapeOf, typeOf, type Value } from "../graph.ts";
import { bodyOf, instantiate } from "../loop/body.ts";
import { symbol } from "../loop/make.ts";
import { pushforward } from "../pushforward.ts";
import { substitute } from "../substitute.ts";
import { real, sizeOf } from "../type.ts";
import { Elements } from "./elements.ts";
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
  const asVector = pieces[0] > 1;
  const changes = (asVector ? ofVector : ofComponents)(b, { attrs, t, all, frees, begins, learnt, size, columns });
  const [slope] = instantiate(b, body, [t, b.slice(all, 0, 0, size), ...frees]);
  const wide = bodyOf([t, all, ...frees], [b.concat([slope, ...changes], 0)]);
  const tailOf = (k: number): number => (k % columns === Math.floor(k / columns) && k % columns < begins ? 1 : 0);
  return {
    columns,
    attrs: {
      ...attrs,
      body: wide,
      tail: [...tail, ...Array.from({ length: size * columns }, (_, k) => tailOf(k))],
      pieces: [...pieces, ...(asVector ? pieces.map((k) => k * columns) : new Array<number>(size).fill(columns))],
      base: attrs,
    },
  };
}

interface Wide {
  readonly attrs: OdeAttrs;
  readonly t: Value;
  /** The components with all sensitivities. */
  readonly all: Value;
  readonly frees: readonly Value[];
  readonly begins: number;
  readonly learnt: readonly number[];
  readonly size: number;
  readonly columns: number;
}

/** Row by row, with what is zero in ∂f/∂y left out. */
function ofComponents(b: Builder, { attrs, t, all, frees, begins, learnt, size, columns }: Wide): Value[] {
  // Components are symbols until all is differentiated: of a vector of them, elements would be seen through.
  const parts = Array.from({ length: size }, (_, i) => b.input(`y${i}`, real([])));
  const rows = parts.map((_, i) => b.slice(all, 0, size + i * columns, columns));
  const [slope] = instantiate(b, attrs.body, [t, b.stack(parts, 0), ...frees]);
  const wrt = [...parts, ...learnt.map((i) => frees[i])];
  const changes = new Elements(b).of(slope).map((value) => {
    const derivatives = pullback(b, [{ value, cotangent: b.constant(1), mayVanish: false }], wrt);
    const own = atPlaces(b, derivatives.slice(size), wrt.slice(size), begins, columns);
    const products = derivatives.slice(0, size).flatMap((d, k) => (d === null ? [] : [b.mul(d, rows[k])]));
    const terms = own === null ? products : [...products, own];
    return terms.length === 0 ? b.broadcastTo(b.constant(0), [columns]) : terms.reduce((s, x) => b.add(s, x));
  });
  return substitute(b, changes, new Map(parts.map((p, i): [Value, Value] => [p, b.gather(all, b.constant(i, "int"))])));
}

/** All at once: how the slopes change along each column. */
function ofVector(b: Builder, { attrs, t, all, frees, begins, learnt, size, columns }: Wide): Value[] {
  const y = symbol(b, real([size]));
  const [slope] = instantiate(b, attrs.body, [t, y, ...frees]);
  const wrt = [y, ...learnt.map((i) => frees[i])];
  const tangents = wrt.map((v) => symbol(b, typeOf(v)));
  const [along] = pushforward(b, [slope], wrt, tangents);
  if (along === null) return [b.broadcastTo(b.constant(0), [size * columns])];
  let at = begins;
  const units = learnt.map((i): Value => {
    const shape = shapeOf(frees[i]);
    const count = sizeOf(shape);
    const from = at;
    at += count;
    const values = Float64Array.from({ length: columns * count }, (_, k) =>
      Math.floor(k / count) === from + (k % count) ? 1 : 0,
    );
    return b.tensor(values, [columns, ...shape]);
  });
  const byColumn = b.transpose(b.reshape(b.slice(all, 0, size, size * columns), [size, columns]), [1, 0]);
  const moved = new Map([byColumn, ...units].map((v, i): [Value, Value] => [tangents[i], v]));
  const { values, batched } = vectorize(b, substitute(b, [along], new Map([[y, b.slice(all, 0, 0, size)]])), moved, columns);
  const changes = batched[0] ? values[0] : b.broadcastTo(values[0], [columns, size]);
  return [b.reshape(b.transpose(changes, [1, 0]), [size * columns])];
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
